"""Rule sets made of rule sets: one after another, one or the other, again and again.

The theorems of A. A. Markov's Theory of Algorithms (1954; also in E. Mendelson, Introduction to Mathematical
Logic, chapter 5) as functions.  Each result is an ordinary rule set, for `strategy="markov"`.  The *alphabet* of a
result is the letters of its rule sets and of `letters`; what is said of it holds for words over the alphabet, and
nothing for others.

With the alphabet's s letters, every algorithm but the first works on a copy of the alphabet of its own, so that no rule
of another fires meanwhile; fresh letters mark the word's left end and carry what has been done through the word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from markovlib.flowcharts import Accepts, Run, Test, flowchart, require_rules
from markovlib.letters import as_text, letters_of, rule_set, text_rules
from markovlib.rules import Rule, RuleSet

__all__ = [
    "Run",
    "Test",
    "branch",
    "closure",
    "compose",
    "flowchart",
    "rename",
    "repeat_until",
    "repeat_while",
    "two_letters",
]

Letters: TypeAlias = str | bytes


def closure(rules: RuleSet) -> RuleSet:
    """The rules and a last one, `"" ->. ""`: where no rule applies, this terminal one does.

    For every word the closure has the same last word and halts exactly if the rules do, always by a terminal rule: with
    one step more where no rule applied.  Rules that have an empty pattern are closed already and are returned as they
    are; of the empty rule set the closure is text.

    >>> closed = closure(RuleSet([("ba", "ab")]))
    >>> closed.run("ba").word, closed.run("ba").outcome.name
    ('ab', 'TERMINAL_RULE')
    """
    require_rules(rules, "rules")
    if any(not rule.pattern for rule in rules):
        return rules
    empty = b"" if rules.kind == "bytes" else ""
    return RuleSet([*rules, Rule(empty, empty, True)])


def rename(rules: RuleSet, letters: Mapping[Any, Any]) -> RuleSet:
    """The rules with other letters: `letters` maps single letters to single letters, all others stay as they are.

    Renaming commutes with running: for words over letters that are all mapped to different ones, the renamed rules make
    of the renamed word the renamed result, with the same steps.

    Raises ValueError for what is not a single letter, and where two letters of the rules, or of the mapping, would
    become the same; TypeError for letters of the other kind.

    >>> rename(RuleSet([("ab", "ba")]), {"a": "x", "b": "a"})
    RuleSet([('xa', 'ax')])
    """
    require_rules(rules, "rules")
    if not isinstance(letters, Mapping):
        raise TypeError(f"letters must map letters to letters, got a {type(letters).__name__}")
    text = rules.kind != "bytes"
    wanted = "characters" if text else "bytes"
    for letter in [*letters, *letters.values()]:
        if not isinstance(letter, str if text else bytes):
            raise TypeError(f"letters of these rules are {wanted}, got {letter!r}")
        if len(letter) != 1:
            raise ValueError(f"letters are single {wanted}, got {letter!r}")
    table = {as_text(old): as_text(new) for old, new in letters.items()}
    taken: dict[str, str] = {}
    for letter in dict.fromkeys([*table, *letters_of(text_rules(rules))]):
        other = taken.setdefault(table.get(letter, letter), letter)
        if other != letter:
            raise ValueError(f"{other!r} and {letter!r} would both become {table.get(letter, letter)!r}")
    return _substituted(rules, table, text)


def two_letters(rules: RuleSet, letters: Letters = "", *, using: Letters = "") -> tuple[RuleSet, dict[Any, Any]]:
    """The same algorithm over two letters, and the word that each letter of the alphabet becomes.

    Letter number i, from 1, becomes b aⁱ b with a and b the letters `using` ("ab" for text, b"ab" for bytes).  No such
    word begins inside of another or of two, so a pattern occurs in a word exactly where its translation does: the
    translated rules make of the translated word the translated result, with the same steps.

    Letters are numbered in the order of `letters`, then of the rules; so words grow by up to the alphabet's letters +
    2.

    Raises ValueError if `using` is not two different letters; TypeError for letters of the other kind.

    >>> rules, code = two_letters(RuleSet([("ba", "ab")]))
    >>> code
    {'b': 'bab', 'a': 'baab'}
    >>> rules.run(code["b"] + code["a"]).word == code["a"] + code["b"]
    True
    """
    require_rules(rules, "rules")
    text = rules.kind == "text" or (rules.kind is None and not any(isinstance(g, bytes) for g in (letters, using)))
    for given in (letters, using):
        if given and isinstance(given, str) != text:
            raise TypeError(f"{given!r} is {type(given).__name__}, and the rules are {'text' if text else 'bytes'}")
    pair = as_text(using) or "ab"
    if len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"using: two different letters, got {using!r}")
    alphabet = dict.fromkeys(as_text(letters) + letters_of(text_rules(rules)))
    code = {letter: f"{pair[1]}{pair[0] * i}{pair[1]}" for i, letter in enumerate(alphabet, 1)}
    translated = _substituted(rules, code, text)
    return translated, code if text else {k.encode("latin-1"): v.encode("latin-1") for k, v in code.items()}


def _substituted(rules: RuleSet, code: Mapping[str, str], text: bool) -> RuleSet:
    table = str.maketrans(dict(code))
    sides = ((p.translate(table), r.translate(table), terminal) for p, r, terminal in text_rules(rules))
    return rule_set(sides, "text" if text else "bytes")


def compose(*algorithms: RuleSet, letters: Letters = "", fresh: Letters | None = None) -> RuleSet:
    """One algorithm after another: each runs on the word that the one before it has left.

    For every word over the alphabet the composition's last word is the last one's, and it halts exactly if all of them
    do, always by a terminal rule.  Where one does not halt, neither does the composition, and the limits of a run say
    so as ever.

    Steps: those of the algorithms, and of each at most 2·n + 3 more, n the letters of the word that it leaves.  Rules:
    those of the algorithms, and for each at most 2·s + 3.  Fresh letters: 2, and s + 3 for each algorithm but the
    first.

    `fresh` are letters to be used as fresh ones, in this order, rather than those that are chosen otherwise.  Raises
    ValueError if there are too few fresh letters, or one of them is in the alphabet; TypeError for rule sets of both
    kinds.

    >>> sort, first_two = RuleSet([("ba", "ab")]), RuleSet([("#aa", "[aa]", True), ("#", "", True), ("", "#")])
    >>> both = compose(sort, first_two)
    >>> both.run("baba").word, both.run("bab").word
    ('[aa]bb', 'abb')
    """
    for i, rules in enumerate(algorithms):
        require_rules(rules, f"algorithms[{i}]")
    last = len(algorithms) - 1
    blocks = {str(i): Run(rules, None if i == last else str(i + 1)) for i, rules in enumerate(algorithms)}
    return flowchart(blocks or {"0": Run(RuleSet(), None)}, letters=letters, fresh=fresh)


def branch(
    test: RuleSet,
    then: RuleSet,
    otherwise: RuleSet | None = None,
    *,
    accepts: Accepts = "empty",
    letters: Letters = "",
    fresh: Letters | None = None,
) -> RuleSet:
    """`then` where the test accepts the word, `otherwise` where it does not; without `otherwise` the word stays.

    The test runs on a copy of the word.  It accepts if the copy becomes the empty word, or with `accepts="terminal"` if
    it halts by a terminal rule: so `RuleSet([(p, p, True)])` accepts the words in which p occurs.

    For every word over the alphabet the last word is that of the algorithm chosen.  Where the test does not halt on the
    word, or the algorithm chosen does not, neither does the branch.

    Steps: those of the test and of the algorithm chosen; for the test, with n letters of the word and r of what it
    leaves, at most n·(n - 1)/2 + n + 2·r + 5, and for the algorithm, with m letters of the last word, at most n + 2·m +
    4.  Rules: those of the three, at most s² + 5·s + 5 for the test, and 3·s + 4 for each algorithm.  Fresh letters:
    3·s + 12.

    `fresh` and what is raised are as for `compose`.

    >>> even = RuleSet([("aa", "")])
    >>> half_or_next = branch(even, RuleSet([("#aa", "a#"), ("#", "", True), ("", "#")]), RuleSet([("", "a", True)]))
    >>> half_or_next.run("aaaaaa").word, half_or_next.run("aaaaa").word
    ('aaa', 'aaaaaa')
    """
    blocks: dict[str, Run | Test] = {
        "test": Test(test, "then", None if otherwise is None else "otherwise", accepts),
        "then": Run(then, None),
    }
    if otherwise is not None:
        blocks["otherwise"] = Run(otherwise, None)
    return flowchart(blocks, letters=letters, fresh=fresh)


def repeat_while(
    test: RuleSet,
    body: RuleSet,
    *,
    accepts: Accepts = "empty",
    letters: Letters = "",
    fresh: Letters | None = None,
) -> RuleSet:
    """The body again and again, as long as the test accepts the word: it is asked before the body, each time.

    With w₀ the word and wᵢ₊₁ what the body makes of wᵢ, the last word is the first wᵢ, i >= 0, that the test does not
    accept.  If there is none, or the test or the body does not halt on one of those before, neither does the
    repetition.  What it means to accept, what a test and a body cost, `fresh` and what is raised are as for `branch`.

    >>> repeat_while(RuleSet([("aa", "b", True)]), RuleSet([("aa", "b")]), accepts="terminal").run("aaaaa").word
    'bba'
    """
    blocks: dict[str, Run | Test] = {"test": Test(test, "body", None, accepts), "body": Run(body, "test")}
    return flowchart(blocks, letters=letters, fresh=fresh)


def repeat_until(
    body: RuleSet,
    test: RuleSet,
    *,
    accepts: Accepts = "empty",
    letters: Letters = "",
    fresh: Letters | None = None,
) -> RuleSet:
    """The body once, and again and again until the test accepts the word: it is asked after the body, each time.

    With w₀ the word and wᵢ₊₁ what the body makes of wᵢ, the last word is the first wᵢ, i >= 1, that the test accepts.
    If there is none, or the test or the body does not halt on one of those before, neither does the repetition.  What
    it means to accept, what a test and a body cost, `fresh` and what is raised are as for `branch`.

    >>> one_less = RuleSet([("a", "", True)])
    >>> repeat_until(one_less, RuleSet([("b", "")]), letters="ab").run("aabaab").word
    'bb'
    """
    blocks: dict[str, Run | Test] = {"body": Run(body, "test"), "test": Test(test, None, "body", accepts)}
    return flowchart(blocks, letters=letters, fresh=fresh)
