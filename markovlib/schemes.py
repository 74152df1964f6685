"""Rule schemes: rules with letter variables, as Markov writes them, and the ordinary rules that they stand for.

`αx -> xαβx` with x for each letter of an alphabet is one rule for each; a scheme is not matched as such.  The engine's
step does not grow with the number of rules, so that costs the memory of the rules and the time to compile them, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markovlib.letters import as_text, rule_set, text_rules
from markovlib.notations.expansion import MAX_EXPANDED_LETTERS, MAX_EXPANDED_RULES, Size, instances, size_of, unbound
from markovlib.notations.source import TextRule
from markovlib.rules import Rule, RuleSet

__all__ = ["Size", "expand", "expanded_size"]


def expanded_size(rules: Iterable[Rule | tuple[Any, ...]], variables: Mapping[Any, Any]) -> Size:
    """How many rules, and letters in them, `expand` would give: known without expanding anything.

    A scheme with k different variables, each of n letters, is n^k rules.  Raises what `expand` raises for mistakes.

    >>> expanded_size([("αx", "xαβx"), ("βxy", "yβx"), ("αβx", "xα")], {"x": "a", "y": "bcd"})
    Size(rules=5, letters=29)
    """
    schemes, letters, _ = _checked(rules, variables)
    return _size(schemes, letters)


def expand(
    rules: Iterable[Rule | tuple[Any, ...]],
    variables: Mapping[Any, Any],
    *,
    max_rules: int = MAX_EXPANDED_RULES,
    max_letters: int = MAX_EXPANDED_LETTERS,
) -> RuleSet:
    """The ordinary rules of schemes: each rule in turn, with every choice of letters for its variables.

    `variables` maps each variable, a single letter, to the letters that it stands for; a letter named twice counts
    once, and the same letter on both sides of a rule is the same letter.  Rules without variables stay as they are.
    The rules of one scheme are in the order of their letters, the variable that is first in `variables` changing
    slowest.  So the rule set has no choice of which of them fires: that for an earlier letter does, be its occurrence
    to the right or not.

    All `str` or all `bytes`, as in `RuleSet`.  Linear in the size of the rules that come of it, which is known before.

    Raises ValueError for more than `max_rules` rules or `max_letters` letters, saying how many there would be, for a
    variable that is not a single letter or has no letters, and for one that is in a replacement only; TypeError for
    variables of the other kind.

    >>> mirror = [("αx", "xαβx"), ("βxy", "yβx"), ("αβx", "xα"), ("α", "", True), ("", "α")]
    >>> mirror = expand(mirror, {"x": "ab", "y": "ab"})
    >>> mirror.run("abb").word, len(mirror)
    ('abbbba', 10)
    >>> expand([("xx", "x")], {"x": b"ab"})
    Traceback (most recent call last):
    TypeError: variable 'x' and its letters are str, as the rules are, got b'ab'
    """
    schemes, letters, text = _checked(rules, variables)
    size = _size(schemes, letters)
    if size.rules > max_rules or size.letters > max_letters:
        raise ValueError(
            f"these schemes stand for {size.rules} rules with {size.letters} letters, more than the limits of "
            f"{max_rules} rules and {max_letters} letters: see max_rules and max_letters"
        )
    expanded = (instance for scheme in schemes for instance in instances(scheme, letters))
    return rule_set(expanded, "text" if text else "bytes")


def _size(schemes: list[TextRule], letters: Mapping[str, str]) -> Size:
    sizes = [size_of(scheme, letters) for scheme in schemes]
    return Size(sum(size.rules for size in sizes), sum(size.letters for size in sizes))


def _checked(
    rules: Iterable[Rule | tuple[Any, ...]], variables: Mapping[Any, Any]
) -> tuple[list[TextRule], dict[str, str], bool]:
    """The schemes and the letters of their variables as text, bytes as Latin-1, and whether they are text."""
    given = RuleSet(rules)
    text = given.kind == "text" or (given.kind is None and not any(isinstance(name, bytes) for name in variables))
    kind = str if text else bytes
    letters: dict[str, str] = {}
    for name, values in variables.items():
        if not isinstance(name, kind) or not isinstance(values, kind):
            wrong = values if isinstance(name, kind) else name
            raise TypeError(f"variable {name!r} and its letters are {kind.__name__}, as the rules are, got {wrong!r}")
        if len(name) != 1 or not values:
            raise ValueError(f"variable {name!r} is a single letter that stands for at least one, got {values!r}")
        letters[as_text(name)] = as_text(values)
    schemes: list[TextRule] = [(rule.pattern, rule.replacement, rule.terminal) for rule in text_rules(given)]
    for number, scheme in enumerate(schemes, 1):
        if (missing := unbound(scheme, letters)) is not None:
            raise ValueError(f"rule {number}: variable {missing!r} is not in the pattern, so it is no letter")
    return schemes, letters, text
