"""What a report of diversity says, and how it is made from counts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from markovlib.diversity.counting import Counts, Distribution, KeyCounter, hill_numbers
from markovlib.diversity.tally import Tally
from markovlib.quotas import round_half_up

if TYPE_CHECKING:
    from pathlib import Path

    from markovlib.diversity.sources import Rows

_CURVE = 200
_MOST_BITS = 14_000


@dataclass(frozen=True)
class Distinct:
    """How many different values there are among `rows`, and how many rows repeat one that came before.

    `sampled` is the share of the values, by their hash, that was counted: 1 where every one was, and the numbers are
    exact; below 1 they are estimates, because more different values came than memory was given for.  `most` is how
    often the most frequent value (among those counted) occurs.
    """

    rows: int
    distinct: int
    repeated: int
    most: int
    sampled: float

    @property
    def exact(self) -> bool:
        return self.sampled == 1


@dataclass(frozen=True)
class Instructions:
    """Instructions: `offered` to the rows (None: not known) and `used` by them.

    `effective` are Hill numbers of order 0, 1 and 2.  `examples` says how the examples for each used instruction are
    distributed, `outside_top` is the share of rows that do not use the most frequent one.  `ranked` is a curve of
    (rank, examples), by falling frequency, of at most about 200 points; `lorenz` one of (share of the used
    instructions, from the rarest; share of the rows).
    """

    offered: int | None
    used: int
    sampled: float
    effective: tuple[float, float, float]
    examples: Distribution
    outside_top: float
    ranked: list[tuple[int, int]]
    lorenz: list[tuple[float, float]]


@dataclass(frozen=True)
class Space:
    """The rule space: its `size`, and how many of its rules are used."""

    size: int
    used: int

    @property
    def coverage(self) -> float:
        """used / size; 0 where that is below the least float."""
        return self.used / self.size


@dataclass(frozen=True)
class Stratum:
    """One kind of rule; shares are of the sum over all kinds.

    `asked` and `instructions_share` are of instructions, by which quotas are met; `rows_share` is of rows.  Where rows
    have several rules, all of them are counted by their lengths (`DiversityReport.strata_of` is then "all rules") and
    `rows` are rules in rows; where the lengths do not tell the kind, only the first rule is ("first rules").
    """

    family: str
    k: int | None
    pattern_length: int | None
    replacement_length: int | None
    possible: int | None
    asked: float
    instructions: int | None
    instructions_share: float | None
    rows: int
    rows_share: float


@dataclass(frozen=True)
class NoOps:
    """Rows to which no rule applies.

    `asked` is the share in the recipe.  `blocks` are the whole blocks of 65,536 rows that were seen (the last may be
    shorter), `exact_blocks` those that hold exactly the number of no-ops that they should, and `worst` the greatest
    difference; None where the share asked for is not known.  Near misses are no-ops that nearly hold the pattern, and
    their share is of the no-ops.
    """

    count: int
    share: float
    asked: float | None
    blocks: int | None
    exact_blocks: int | None
    worst: int | None
    near_misses: int | None
    near_miss_share: float | None
    near_miss_asked: float | None


@dataclass(frozen=True)
class DiversityReport:
    """How diverse rows are.  What the rows' columns or an unknown recipe cannot tell is None or left out.

    `to_dict` gives plain values, `to_json` the same as JSON; `html` a page with tables and plots.
    """

    source: str
    split: str
    rows: int
    size: int | None
    seed: int | None
    fingerprint: str | None
    recipe: dict[str, Any] | None
    instructions: Instructions | None
    space: Space | None
    patterns: Distinct | None
    replacements: Distinct | None
    words: Distinct | None
    repeats: Distinct | None
    repeats_of: tuple[str, ...]
    strata: list[Stratum]
    strata_of: str | None
    families: dict[str, dict[str, float | int | None]]
    spills: Any
    no_ops: NoOps | None
    distributions: dict[str, Distribution]
    outcomes: dict[str, int]
    letters: dict[str, dict[str, int]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The report as dictionaries, lists, numbers and text; integers are exact, whatever their size."""
        fields: dict[str, Any] = _plain(asdict(self))
        if self.space is not None:
            fields["space"]["coverage"] = self.space.coverage
        for name in ("patterns", "replacements", "words", "repeats"):
            if (found := getattr(self, name)) is not None:
                fields[name]["exact"] = found.exact
        return fields

    def to_json(self, indent: int | None = 2) -> str:
        """The report as JSON.  Integers are exact; one of more than 4,300 digits is text, in hexadecimal."""
        return json.dumps(_written(self.to_dict()), ensure_ascii=False, indent=indent, allow_nan=False)

    def html(self) -> str:
        """The report as one page of HTML that needs nothing else, with plots as SVG, for light and dark screens.

        Needs matplotlib; raises ImportError, with what to install, where it is missing.
        """
        from markovlib.diversity.page import page

        return page(self)

    def write_html(self, path: str | Path) -> None:
        """Writes `html()` to a file, which appears whole or not at all."""
        from markovlib.files import save

        save(path, self.html().encode())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _written(value: Any) -> Any:
    """The same, but for integers that Python does not write in decimal."""
    if isinstance(value, dict):
        return {name: _written(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return hex(value) if isinstance(value, int) and value.bit_length() > _MOST_BITS else value


def make_report(rows: Rows, facts: dict[str, Any], tally: Tally) -> DiversityReport:
    """The report of what a tally has counted; `facts` are those of `Dataset.report`, where there is one."""
    data = rows.data
    instructions, strata = _instructions(rows, facts, tally)
    return DiversityReport(
        source=rows.name,
        split=rows.split,
        rows=tally.rows,
        size=rows.size,
        seed=getattr(data, "seed", None),
        fingerprint=getattr(data, "fingerprint", None),
        recipe=None if rows.base is None else rows.base.recipe.to_dict(),
        instructions=instructions,
        space=_space(rows, facts, tally, instructions),
        patterns=_distinct(tally.keys.get("pattern")),
        replacements=_distinct(tally.keys.get("replacement")),
        words=_distinct(tally.keys.get("word")),
        repeats=_distinct(tally.keys.get("row")),
        repeats_of=tally.row_key,
        strata=strata,
        strata_of=tally.strata_of if strata else None,
        families=_families(strata, getattr(rows.base, "strata", ())),
        spills=facts.get("spills"),
        no_ops=_no_ops(rows.base, tally),
        distributions={name: found for name, t in tally.numbers.items() if (found := t.finish()) is not None},
        outcomes=dict(sorted(tally.outcomes.items())),
        letters={name: letters.finish() for name, letters in tally.letters.items()},
    )


def _space(rows: Rows, facts: dict[str, Any], tally: Tally, used: Instructions | None) -> Space | None:
    """Different instructions are different rules, unless they have several, or one and the same program."""
    size = facts.get("rules_in_space")
    if size is None or used is None or rows.base.recipe.rules.program is not None:
        return None
    rules = _distinct(tally.keys.get("rule"))
    return Space(size, used.used if rules is None else rules.distinct)


def _distinct(counter: KeyCounter | None) -> Distinct | None:
    if counter is None:
        return None
    _, counts = counter.finish()
    rows, distinct = counter.added, round(len(counts) / counter.share)
    most = int(counts.max()) if len(counts) else 0
    return Distinct(rows, distinct, max(0, rows - distinct), most, counter.share)


def _instructions(rows: Rows, facts: dict[str, Any], tally: Tally) -> tuple[Instructions | None, list[Stratum]]:
    if not tally.has_instructions or not tally.rows:
        return None, []
    share, tags = 1.0, None
    if tally.numbered is not None:
        found_tags, counts = tally.numbered.finish()
        tags = found_tags if tally.tagged else None
    else:
        keys, counts = tally.instructions.finish()
        share = tally.instructions.share
        if tally.tagged:
            tags = keys[:, 1].view(np.int64)
    if not len(counts):
        return None, []
    found = Instructions(
        offered=facts.get("instructions") or facts.get("possible_instructions"),
        used=round(len(counts) / share),
        sampled=share,
        effective=hill_numbers(counts, tally.rows, share),
        examples=_spread(counts),
        outside_top=1 - int(counts.max()) / tally.rows,
        ranked=_ranked(counts, share),
        lorenz=_lorenz(counts),
    )
    return found, _strata(rows, tally, tags, share)


def _spread(counts: Counts) -> Distribution:
    from markovlib.diversity.counting import NumberTally

    tally = NumberTally()
    tally.add(counts)
    found = tally.finish()
    assert found is not None
    return found


def _ranked(counts: Counts, share: float) -> list[tuple[int, int]]:
    falling = np.sort(counts)[::-1]
    ranks = np.unique(np.geomspace(1, len(falling), _CURVE).round().astype(np.int64))
    return [(round(int(rank) / share), int(falling[rank - 1])) for rank in ranks]


def _lorenz(counts: Counts) -> list[tuple[float, float]]:
    rising = np.concatenate([[0], np.cumsum(np.sort(counts))])
    even, fine = np.linspace(0, len(counts), _CURVE // 2), np.geomspace(1, len(counts), _CURVE // 2)
    places = np.unique(np.concatenate([even, len(counts) - fine]).round().astype(np.int64))
    return [(int(place) / len(counts), int(rising[place]) / int(rising[-1])) for place in places]


def _strata(rows: Rows, tally: Tally, tags: Any, share: float) -> list[Stratum]:
    known = getattr(rows.base, "strata", None) or ()
    if not len(known) or tally.strata_of is None:
        return []
    total = int(tally.strata.sum())
    used = None if tags is None else np.bincount(tags, minlength=len(known))
    weights = sum(stratum.weight for stratum in known)
    return [
        Stratum(
            family=stratum.family,
            k=stratum.k,
            pattern_length=stratum.pattern_length,
            replacement_length=stratum.replacement_length,
            possible=stratum.possible,
            asked=stratum.weight / weights,
            instructions=None if used is None else round(int(used[i]) / share),
            instructions_share=None if used is None else int(used[i]) / int(used.sum()),
            rows=int(tally.strata[i]),
            rows_share=int(tally.strata[i]) / max(1, total),
        )
        for i, stratum in enumerate(known)
    ]


def _families(strata: list[Stratum], known: Any) -> dict[str, dict[str, float | int | None]]:
    """The strata's numbers summed for each family, the shares asked for as whole weights, so that none is rounded."""
    weights = Counter[str]()
    for stratum in known:
        weights[stratum.family] += stratum.weight
    found: dict[str, dict[str, Any]] = {}
    for stratum in strata:
        sums = found.setdefault(stratum.family, {})
        for name in ("instructions", "instructions_share", "rows", "rows_share"):
            value = getattr(stratum, name)
            sums[name] = None if value is None else sums.get(name, 0) + value
    for family, sums in found.items():
        sums["asked"] = weights[family] / weights.total()
    return found


def _no_ops(data: Any, tally: Tally) -> NoOps | None:
    if tally.no_ops is None or not tally.rows:
        return None
    count, near = tally.no_ops, tally.near_misses
    share = asked_share(data, "no_op")
    blocks = None if share is None else tally.blocks.whole(data.size)
    gaps = [
        abs(found - (round_half_up(share * end) - round_half_up(share * start)))
        for start, end, found in blocks or []
        if share is not None
    ]
    near_asked = asked_share(data, "near_miss")
    return NoOps(
        count=count,
        share=count / tally.rows,
        asked=None if share is None else float(share),
        blocks=None if blocks is None else len(blocks),
        exact_blocks=None if blocks is None else gaps.count(0),
        worst=max(gaps) if gaps else None,
        near_misses=near,
        near_miss_share=near / count if near is not None and count else None,
        near_miss_asked=None if near is None or near_asked is None else float(near_asked),
    )


def asked_share(data: Any, name: str) -> Fraction | None:
    """A share that a split's words should have (`no_op`, `near_miss`), as the decimal that was written.

    None where it is not known: there is no recipe, or the words come with the rules.
    """
    recipe: Any = getattr(data, "recipe", None)
    if hasattr(recipe, "for_split"):
        recipe = recipe.for_split(data.split)
    if recipe is None or getattr(recipe.rules, "program", None) is not None:
        return None
    value = getattr(recipe.words, name, None)
    return None if value is None else Fraction(str(value))
