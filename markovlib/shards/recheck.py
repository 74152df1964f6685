"""Checks rows without the generator: what the rules in a row make of its word is worked out anew.

One step is compared with Python's own `str.find` and slices, runs with the general engine (`run_rows`), traces,
schemes, ciphers and certificates with plain Python.  A row lacks what its columns do not hold; what cannot be worked
out from them is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markovlib.shards.source import is_mixture

if TYPE_CHECKING:
    import pyarrow as pa

    from markovlib.recipe import Recipe

Check = Callable[["pa.RecordBatch", int], str | None]


def checker(recipe: Mapping[str, Any], split: str) -> Check:
    """Return what checks rows of a split of a recipe, given as a dictionary: a function of (rows, number of the first).

    It returns a phrase for the first row that is not what its own rules give, or None.  The rows of a mixture have no
    rules to be checked by.
    """
    if is_mixture(recipe):
        return lambda rows, start: None  # noqa: ARG005
    from markovlib.recipe import Recipe

    shift = (recipe.get("shifts") or {}).get(split, {})
    kind = shift.get("task.kind") or (recipe.get("task") or {}).get("kind", "rewrite")
    plain = kind == "rewrite" and "shifts" not in recipe and not (recipe.get("rules") or {}).get("terminating")
    full = None if plain else Recipe.from_dict(dict(recipe)).for_split(split)
    checks = {"run": _runs, "trace": _runs, "scheme": _schemes, "induce": _pairs, "encrypted": _ciphers}
    check, fields = checks.get(kind, _rewrites), recipe.get("rules") or {}
    program = shift.get("rules.program", fields.get("program"))
    several = shift.get("rules.per_example", fields.get("per_example", 1)) > 1 or program is not None

    def check_rows(batch: pa.RecordBatch, start: int) -> str | None:
        rows = _Rows(batch, start, several)
        return check(rows, full) or _certificates(rows, full)

    return check_rows


class _Rows:
    """The columns as lists, and what is expected of them.  `several` says that examples may have several rules."""

    def __init__(self, batch: pa.RecordBatch, start: int, several: bool) -> None:
        self.batch = batch
        self.start = start
        self.several = several
        self.names = frozenset(batch.schema.names)
        self.read: dict[str, list[Any]] = {}

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self.read:
            self.read[name] = self.batch.column(name).to_pylist()
        return self.read[name]

    def has(self, *names: str) -> bool:
        return self.names.issuperset(names)

    def rules(self) -> list[list[tuple[Any, Any, bool]]] | None:
        """The rules of every row; None where the columns do not hold them."""
        if self.has("rules"):
            return [[(rule["pattern"], rule["replacement"], rule["terminal"]) for rule in row] for row in self["rules"]]
        if self.several or not self.has("pattern", "replacement"):
            return None
        return [[(x, y, False)] for x, y in zip(self["pattern"], self["replacement"], strict=True)]

    def compare(self, expected: Mapping[str, Sequence[Any]], how: str) -> str | None:
        """A phrase for the first difference of the columns that are there."""
        for name, values in expected.items():
            if name in self.names and (row := mismatch(self[name], values)) is not None:
                have, want = shown(self[name][row]), shown(values[row])
                return f"row {self.start + row}, column {name!r}: holds {have}, {how} gives {want}"
        return None


# ---- one step -------------------------------------------------------------------------------------------------------


def _rewrites(rows: _Rows, _: Recipe | None) -> str | None:
    found = _fired(rows)
    return None if found is None else rows.compare(_one_step(rows, found), "rewriting")


def _ciphers(rows: _Rows, recipe: Recipe | None) -> str | None:
    found = _fired(rows)
    if found is None or recipe is None:
        return None
    expected = _one_step(rows, found)
    if rows.has("key"):
        expected["output"] = [
            _enciphered(recipe, key, output, *place)
            for key, output, place in zip(rows["key"], expected["output"], found, strict=True)
        ]
    else:
        del expected["output"]
    return rows.compare(expected, "rewriting and enciphering")


Found = tuple[int, int, Any, Any]


def _fired(rows: _Rows) -> list[Found] | None:
    """(rule, position, pattern, replacement) of the rule that fires on each word; -1 and None for none.

    Of several rules that the columns do not hold, it is the one that is named.
    """
    if not rows.has("word"):
        return None
    rules = rows.rules()
    if rules is None:
        return _named(rows)
    found = []
    for word, row in zip(rows["word"], rules, strict=True):
        place = next(((i, word.find(x), x, y) for i, (x, y, _) in enumerate(row) if x in word), None)
        found.append(place or (-1, -1, *((None, None) if rows.several else row[0][:2])))
    return found


def _named(rows: _Rows) -> list[Found] | None:
    if not rows.has("rule", "pattern", "replacement"):
        return None
    named = zip(rows["word"], rows["rule"], rows["pattern"], rows["replacement"], strict=True)
    return [(-1, -1, None, None) if x is None else (rule, word.find(x), x, y) for word, rule, x, y in named]


def _one_step(rows: _Rows, found: Sequence[Found]) -> dict[str, list[Any]]:
    """What the columns hold after one step."""
    pairs = list(zip(rows["word"], found, strict=True))
    output = [word if rule < 0 else word[:at] + y + word[at + len(x) :] for word, (rule, at, x, y) in pairs]
    expected = {"output": output, **_numbers(found), **_sides(rows, found)}
    if rows.has("occurrences"):
        expected["occurrences"] = [
            0 if rule < 0 else sum(word.startswith(x, i) for i in range(len(word) + 1))
            for word, (rule, _, x, _) in pairs
        ]
    return expected


def _numbers(found: Sequence[Found]) -> dict[str, list[Any]]:
    rules = [place[0] for place in found]
    return {
        "rule": rules,
        "position": [place[1] for place in found],
        "no_op": [rule < 0 for rule in rules],
        "steps": [int(rule >= 0) for rule in rules],
        "outcome": ["no_rule_applies" if rule < 0 else "terminal_rule" for rule in rules],
    }


def _sides(rows: _Rows, found: Sequence[Found]) -> dict[str, list[Any]]:
    """The pattern and replacement that a row shows: those of the rule that fired, or of the only one."""
    sides = [place[2:] for place in found]
    if not rows.several and (rules := rows.rules()) is not None:
        sides = [row[0][:2] for row in rules]
    return {"pattern": [x for x, _ in sides], "replacement": [y for _, y in sides]}


def _enciphered(recipe: Recipe, key: Any, output: Any, rule: int, at: int, _: Any, replacement: Any) -> Any:
    first, last = 0, len(output)
    if recipe.task.enciphered == "replacement":
        first, last = (at, at + len(replacement)) if rule >= 0 else (0, 0)
    letters = recipe.alphabet.letters
    if recipe.task.cipher == "shift":
        becomes = {letter: letters[(i + int(key)) % len(letters)] for i, letter in enumerate(letters)}
    else:
        becomes = {letter: key[i : i + 1] for i, letter in enumerate(letters)}
    return output[:first] + _joined(output, [becomes[output[i : i + 1]] for i in range(first, last)]) + output[last:]


def _joined(like: Any, letters: Sequence[Any]) -> Any:
    return type(like)().join(letters)


# ---- runs -----------------------------------------------------------------------------------------------------------


def _runs(rows: _Rows, recipe: Recipe | None) -> str | None:
    rules = rows.rules()
    if rules is None or recipe is None or not rows.has("word"):
        return None
    if rows.has("trace") and recipe.task.kind == "trace" and (problem := _traces(rows, rules)) is not None:
        return problem
    return rows.compare(_run(rows, rules, recipe), "running the rules")


def _run(rows: _Rows, rules: list[list[tuple[Any, Any, bool]]], recipe: Recipe) -> dict[str, list[Any]]:
    """What the columns hold after the run, which the general engine makes: of bytes, one for each letter."""
    from markovlib import run_rows
    from markovlib.outcome import Outcome

    codes, string = recipe.letters.codes, recipe.letters.string
    coded = [[(codes(x), codes(y), terminal) for x, y, terminal in row] for row in rules]
    words = [codes(word) for word in rows["word"]]
    ran = run_rows(coded, words, threads=1, max_steps=recipe.max_steps, max_length=recipe.max_length)
    first, steps = ran.first_rule.tolist(), ran.steps.tolist()
    outcomes = [Outcome(value) for value in ran.outcomes.tolist()]
    at = ran.first_position.tolist()
    places = [
        (rule, at, *(row[rule][:2] if rule >= 0 else (None, None)))
        for rule, at, row in zip(first, at, rules, strict=True)
    ]
    return {
        "output": [string(word) for word in ran.words.tolist()],
        "rule": first,
        "position": at,
        "steps": steps,
        "outcome": [outcome.name.lower() for outcome in outcomes],
        "no_op": [n == 0 and outcome == Outcome.NO_RULE_APPLIES for n, outcome in zip(steps, outcomes, strict=True)],
        **_sides(rows, places),
    }


def _traces(rows: _Rows, rules: list[list[tuple[Any, Any, bool]]]) -> str | None:
    """Every step replayed: the first rule that occurs, at its leftmost occurrence, and the word that it leaves."""
    replayed = []
    for word, row, steps in zip(rows["word"], rules, rows["trace"], strict=True):
        made = []
        for _ in steps:
            rule = next((i for i, (x, _, _) in enumerate(row) if x in word), -1)
            if rule < 0:
                break
            (x, y, _), at = row[rule], word.find(row[rule][0])
            word = word[:at] + y + word[at + len(x) :]
            made.append({"rule": rule, "position": at, "word": word})
        replayed.append(made)
    problem = rows.compare({"trace": replayed}, "replaying the rules")
    if problem is not None:
        return problem
    last = [steps[-1]["word"] if steps else word for steps, word in zip(rows["trace"], rows["word"], strict=True)]
    return rows.compare(
        {"output": last, "steps": [len(steps) for steps in rows["trace"]]}, "the last step of the trace"
    )


# ---- pairs, schemes, certificates -----------------------------------------------------------------------------------


def _pairs(rows: _Rows, recipe: Recipe | None) -> str | None:
    if rows.has("pairs", "pattern", "replacement"):
        made = [
            [{"word": pair["word"], "output": pair["word"].replace(x, y, 1)} for pair in shown]
            for shown, x, y in zip(rows["pairs"], rows["pattern"], rows["replacement"], strict=True)
        ]
        first = [shown[0] if shown else {} for shown in rows["pairs"]]
        problem = rows.compare({"pairs": made}, "rewriting") or rows.compare(
            {name: [pair.get(name) for pair in first] for name in ("word", "output")}, "the first pair"
        )
        if problem is not None:
            return problem
    return _rewrites(rows, recipe)


def _schemes(rows: _Rows, recipe: Recipe | None) -> str | None:
    if recipe is None or not rows.has("word", "pattern", "replacement"):
        return None
    variables = recipe.letters.letters[len(recipe.alphabet) :]
    expected: dict[str, list[Any]] = {"output": [], "occurrences": []}
    found: list[Found] = []
    for word, x, y in zip(rows["word"], rows["pattern"], rows["replacement"], strict=True):
        matches = scheme_matches(word, x, variables)
        expected["occurrences"].append(len(matches))
        expected["output"].append(rewrite_scheme(word, x, y, variables))
        found.append((0, matches[0][0], x, y) if matches else (-1, -1, x, y))
    return rows.compare({**expected, **_numbers(found), **_sides(rows, found)}, "rewriting")


def scheme_matches(word: Any, pattern: Any, variables: Sequence[Any]) -> list[tuple[int, dict[Any, Any]]]:
    """Where a scheme matches, and what its variables then stand for: each for one letter throughout.

    >>> scheme_matches("abba", "XX", "X")
    [(1, {'X': 'b'})]
    """
    letters = [pattern[i : i + 1] for i in range(len(pattern))]
    found = []
    for at in range(len(word) - len(pattern) + 1):
        bound: dict[Any, Any] = {}
        for i, letter in enumerate(letters):
            have = word[at + i : at + i + 1]
            if (bound.setdefault(letter, have) if letter in variables else letter) != have:
                break
        else:
            found.append((at, bound))
    return found


def rewrite_scheme(word: Any, pattern: Any, replacement: Any, variables: Sequence[Any]) -> Any:
    """The word after the leftmost match of a scheme, or the word.

    >>> rewrite_scheme("abba", "XX", "Xc", "X")
    'abca'
    """
    for at, bound in scheme_matches(word, pattern, variables)[:1]:
        letters = [replacement[i : i + 1] for i in range(len(replacement))]
        return word[:at] + _joined(word, [bound.get(letter, letter) for letter in letters]) + word[at + len(pattern) :]
    return word


def _certificates(rows: _Rows, recipe: Recipe | None) -> str | None:
    rules = rows.rules() if rows.has("certificate") else None
    if rules is None or recipe is None or not recipe.terminating:
        return None
    letters = recipe.letters.letters
    for row, (certificate, own) in enumerate(zip(rows["certificate"], rules, strict=True)):
        if not proves(certificate, own, letters):
            return f"row {rows.start + row}, column 'certificate': {shown(certificate)} proves nothing of its rules"
    return None


def proves(certificate: Any, rules: Sequence[tuple[Any, Any, bool]], letters: Sequence[Any]) -> bool:
    """Whether a certificate shows that rules over these letters terminate on every word.

    `a > b > c` is an order of the letters, under which every rule that is not terminal makes the word shorter, or as
    long and lexicographically smaller; `a=2, b=1` are weights, by which every such rule makes it lighter.

    >>> proves("b > a", [("ba", "ab", False)], "ab"), proves("a=1, b=1", [("ba", "ab", False)], "ab")
    (True, False)
    """
    text, names = _as_text(certificate), [_as_text(letter) for letter in letters]
    weights = re.fullmatch(", ".join(re.escape(name) + r"=(\d+)" for name in names), text, re.DOTALL)
    live = [(_as_text(x), _as_text(y)) for x, y, terminal in rules if not terminal]
    if weights is not None:
        weight = dict(zip(names, map(int, weights.groups()), strict=True))
        return all(sum(weight[a] for a in x) > sum(weight[b] for b in y) for x, y in live)
    order = {name: place for place, name in enumerate(text[::4])}
    if text != " > ".join(order) or order.keys() != set(names):
        return False
    return all(len(x) > len(y) or (len(x) == len(y) and _is_smaller(order, y, x)) for x, y in live)


def _as_text(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _is_smaller(order: Mapping[str, int], y: str, x: str) -> bool:
    """Whether y comes below x, the letters being numbered from the greatest."""
    return [order[letter] for letter in y] > [order[letter] for letter in x]


# ---- differences ----------------------------------------------------------------------------------------------------


def mismatch(have: Sequence[object], want: Sequence[object]) -> int | None:
    """The first place where two sequences of one length differ."""
    if have == want:
        return None
    return next(row for row, pair in enumerate(zip(have, want, strict=True)) if pair[0] != pair[1])


def shown(value: object) -> str:
    """A value as a message shows it, cut to 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
