"""What the card of a mixture says of it: where its rows come from, what was left out, and whose they are."""

from collections.abc import Mapping
from typing import Any

from markovlib.shards import source
from markovlib.shards.manifest import Manifest, Split

_LEFT_OUT = {
    "empty": "without a text",
    "duplicates_within": "duplicates within",
    "duplicates_across": "duplicates across",
    "duplicates_near": "near duplicates",
    "contaminated": "shared with evaluations",
}
_INTRODUCTION = """\
# A mixture of instructions

Each example is a prompt and its completion, from the source and the row that its other columns name. The order is
a function of the seed. `markovlib verify DIR --source NAME=PATH` makes the rows again from the sources, which stand
in the recipe with their SHA-256.
"""
_THEIRS = """\
The rows of {} are other people's work: they keep the licences of their sources, and this card claims no right
to them.
"""
_OURS = "made by markovlib, CC0 1.0"


def license_of(made: Manifest) -> str:
    """Return the licence as Hugging Face names it: CC0 only where every row is made by this library."""
    return "other" if _others(made) else "cc0-1.0"


def introduction(made: Manifest) -> str:
    """Return the head of the card."""
    names = [f"`{name}`" for name in _others(made)]
    theirs = f"\n{_THEIRS.format(', '.join(names))}" if names else ""
    return _INTRODUCTION + theirs


def sources(made: Manifest) -> str:
    """Return the tables of sources, with what was left out of each, and of evaluations."""
    parts = []
    for name, split in made.splits.items():
        parts += [f"## Sources of {name}\n", *_table(made, split)]
    return "\n".join([*parts, ""])


def _others(made: Manifest) -> list[str]:
    """The sources that are not made here.  Shards may be a mixture themselves, and are not known to be ours."""
    return [one["name"] for one in _entries(made) if "recipe" not in one]


def _entries(made: Manifest) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = made.recipe[source.MIXTURE]["sources"]
    return entries


def _table(made: Manifest, split: Split) -> list[str]:
    counted = split.counts.get("sources", {})
    columns = [name for name in _LEFT_OUT if any(name in counts for counts in counted.values())]
    headings = ["source", "ratio", "examples", "rows", *(_LEFT_OUT[name] for name in columns), "licence", "files"]
    lines = [f"| {' | '.join(headings)} |", f"|---|{'---:|' * (len(headings) - 3)}---|---|"]
    for entry in _entries(made):
        counts: Mapping[str, int] = counted.get(entry["name"], {})
        numbers = [counts.get(name, 0) for name in ("examples", "rows", *columns)]
        cells = [f"`{entry['name']}`", str(entry["ratio"]), *(f"{number:,}" for number in numbers)]
        lines.append(f"| {' | '.join([*cells, _licence(entry), _files(entry)])} |")
    for name, found in split.counts.get("evaluations", {}).items():
        lines += [
            "",
            f"Compared with the evaluation {_plain(name)} (items: {found['items']:,}, met: {found['items_met']:,}).",
        ]
    return lines


def _licence(entry: Mapping[str, Any]) -> str:
    if "license" in entry:
        return _plain(entry["license"])
    return _OURS if "recipe" in entry else "not stated"


def _files(entry: Mapping[str, Any]) -> str:
    if "recipe" in entry:
        return "the recipe below"
    pins = entry["files"] if "files" in entry else [entry["shards"]]
    shown = [f"{_plain(pin['name'])} (`{pin['sha256'][:12]}`)" for pin in pins[:3]]
    return ", ".join(shown) + (f" and {len(pins) - 3:,} more" if len(pins) > 3 else "")


def _plain(text: str) -> str:
    """Text as a cell of a table holds it."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").split())
