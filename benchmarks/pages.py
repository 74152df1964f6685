"""What README and docs/benchmarks.md say about a record, and where in them it stands."""

from __future__ import annotations

import figures
import tables
from contenders import OURS, RIVALS
from figures import Record, rows_of
from workloads import ALGEBRA
from workloads import RIVALS as LOOPS

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
PICTURE = "speed.svg"
CAPTION = "Nanoseconds a step against the length of the word: markovlib and its rivals"

OWN = [engine.name for engine in OURS if engine.name != figures.BASE]
OTHERS = [engine.name for engine in RIVALS]


def _machine(record: Record) -> str:
    machine = record["machine"]
    software = ", ".join(f"{name} {version}" for name, version in record["software"].items())
    return (
        f"Measured with `{record['command']}` on {machine['architecture']} with {machine['simd']}, "
        f"{machine['cores']} cores, shared with other work; {machine['python']}, {software}."
    )


def _targets_in_words(record: Record) -> str:
    values = [(target, target.figure(record)) for target in figures.TARGETS]
    known = [(target, value) for target, value in values if value is not None]
    floors = sum(target.met(value, target.floor) for target, value in known)
    aimed = [(target, value, target.aim) for target, value in known if target.aim is not None]
    aims = sum(target.met(value, aim) for target, value, aim in aimed)
    return f"{floors} of {len(known)} floors are reached, and {aims} of {len(aimed)} aims."


def _lost(record: Record) -> str:
    found = figures.losses(record, OTHERS)
    lines = [f"- {row}: {rival} takes {tables.shown_ratio(ratio)} of our time." for row, rival, ratio in found]
    return "\n".join(lines) or "- In no row of this record."


def _definitions(about: dict[str, str]) -> str:
    return "\n".join(f"- *{name}*: {text}" for name, text in about.items())


def summary(record: Record) -> str:
    """For the README: the largest size of each workload, the picture, the data sets."""
    rows = tables.largest(record, list(LOOPS))
    parts = [tables.ratio_table(rows, list(LOOPS)), f"![{CAPTION}](docs/{PICTURE})"]
    found = [*record["data"], *record.get("reading", ())]
    return "\n\n".join([*parts, *map(tables.data_table, found), _machine(record)])


def page(record: Record) -> str:
    """For docs/benchmarks.md: everything."""
    parts = [_machine(record), f"![{CAPTION}]({PICTURE})", *sections(record)]
    about = {w["name"]: w["about"] for w in [*record["rewriting"], *record["data"], *record.get("reading", ())]}
    about |= {a["name"]: a["about"] for a in record["adversaries"]}
    missing = [*tables.unable(record), *(f"- {name} {why}." for name, why in record["absent"].items())]
    fewer = tables.shortened(record)
    parts += ["### Missing from the tables", "\n".join(missing)] if missing else []
    parts += ["### Measured over fewer steps", "\n".join(fewer)] if fewer else []
    return "\n\n".join(
        [*parts, "### The workloads", _definitions(about), "### The engines", _definitions(record["engines"])]
    )


def sections(record: Record) -> list[str]:
    """The tables, each with its heading; those of which the record has nothing are left out."""
    rows = list(rows_of(record))
    against = [pair for pair in rows if tables.measured([pair], list(LOOPS))]
    sort = [pair for pair in rows if tables.measured([pair], list(ALGEBRA))]
    found = [
        ("### Floors and aims", tables.target_table(record), _targets_in_words(record)),
        ("### Against the rivals", tables.ratio_table(against, list(LOOPS)) if against else ""),
        ("### Systems of another strategy", tables.ratio_table(sort, list(ALGEBRA)) if sort else ""),
        ("### How the cost grows with the word", tables.growth_table(record, [figures.BASE, *OWN, *LOOPS])),
        ("### Our own matchers", tables.ratio_table(rows, OWN) if rows else ""),
        ("### Adversaries", tables.adversary_table(record)),
        ("### Where we lose", "Rows in which a rival takes less than 1.1 times our time.", _lost(record)),
        ("### Data sets", *map(tables.data_table, record.get("data", ()))),
        ("### Reading", *map(tables.data_table, record.get("reading", ()))),
        ("### Times", tables.time_table(rows, [figures.BASE, *OWN, *OTHERS]) if rows else ""),
    ]
    return [part for section in found if len(section) > 1 and section[1] for part in section]


def splice(text: str, made: str) -> str:
    """The text with what stands between the markers replaced; as it was if it has no markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{begin}\n\n{made}\n\n{end}{tail}" if begin and end else text
