"""How diverse a data set is: instructions, words, shares and repeats, counted in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from markovlib.diversity.counting import KEY_BYTES, Distribution, hill_numbers
from markovlib.diversity.report import (
    Distinct,
    DiversityReport,
    Instructions,
    NoOps,
    Space,
    Stratum,
    make_report,
)
from markovlib.diversity.sources import open_rows
from markovlib.diversity.tally import Tally

if TYPE_CHECKING:
    from markovlib.shards.generation import Progress

__all__ = [
    "Distinct",
    "Distribution",
    "DiversityReport",
    "Instructions",
    "NoOps",
    "Space",
    "Stratum",
    "diversity",
    "hill_numbers",
]

MEMORY = 2**30
_COUNTERS = 6


def diversity(
    data: Any,
    rows: int | None = None,
    *,
    split: str | None = None,
    memory: int = MEMORY,
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> DiversityReport:
    """Counts the first `rows` rows (by default all) of a data set, and reports how diverse they are.

    `data` is a `Dataset` or a view of one, the path of a folder of shards (`split` names its split, by default
    `train`; `DIR/split` is taken too), or an Arrow table or record batch that has columns of shards.  Of a folder the
    columns that it holds are read, and its recipe is asked for what was wanted; a folder whose recipe this version
    cannot read, and a table, are reported without.

    Rows are read 65,536 at a time.  What repeats is found by 128-bit hashes of the rows (two different ones agree with
    probability below 2^-112), 64 bytes for each different one while they are counted; where these do not fit into
    `memory` bytes, a random part of them is counted exactly, and the report says which part (`sampled`).  `threads` is
    for making the rows; `progress` is called after each batch.  The report is a function of the rows alone.

    Raises ValueError where the data set is unbounded and `rows` is not given, `ShardError` for a folder that does not
    hold finished shards, TypeError for other data.

    >>> from markovlib import Dataset, Recipe
    >>> recipe = Recipe.load("paper/no-op").replace(examples=3000, instructions=100)
    >>> report = diversity(Dataset(recipe, seed=7))
    >>> report.instructions.used, [round(n, 6) for n in report.instructions.effective], report.no_ops.count
    (100, [100.0, 100.0, 100.0], 900)
    >>> report.repeats.repeated, report.space.size == 26**20 * (26**20 - 1)
    (0, True)
    """
    source = open_rows(data, split, threads)
    if rows is None and source.size is None:
        raise ValueError("this data set is unbounded: say how many `rows` to look at")
    if rows is not None and rows < 1:
        raise ValueError(f"rows must be at least 1, got {rows}")
    wanted = min(count for count in (rows, source.size) if count is not None)
    most = max(1, memory // (KEY_BYTES * _COUNTERS))
    facts = {} if source.base is None else source.base.report()
    offered = facts.get("instructions") if "instruction" in source.columns else None
    strata = getattr(source.base, "strata", ())
    tally = Tally(offered, len(strata), most, _kinds_by_lengths(strata) if "rules" in source.columns else None)
    for batch in source.batches(wanted):
        tally.add(batch)
        if progress is not None:
            progress(_progress(source.split, tally.rows, wanted))
    return make_report(source, facts, tally)


def _kinds_by_lengths(strata: Sequence[Any]) -> dict[tuple[int, int], int] | None:
    """Which stratum the rules of two lengths are of; None where two strata have the same lengths."""
    sides = {(stratum.pattern_length, stratum.replacement_length): i for i, stratum in enumerate(strata)}
    return sides if sides and len(sides) == len(strata) and (None, None) not in sides else None


def _progress(split: str, rows: int, total: int) -> Progress:
    from markovlib.shards.generation import Progress

    return Progress(split or "rows", rows, total)
