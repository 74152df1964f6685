"""Tables in Markdown, made from a record."""

from __future__ import annotations

from collections.abc import Sequence

import figures
from figures import BASE, Record, ratio_of, rows_of, time_of

Rows = list[tuple[Record, Record]]


def shown_ratio(ratio: float | None) -> str:
    if ratio is None:
        return "-"
    return f"{ratio:,.0f}x" if ratio >= 9.95 else f"{ratio:.1f}x" if ratio >= 0.95 else f"{ratio:.2f}x"


def shown_time(ns: float | None) -> str:
    if ns is None:
        return "-"
    for bound, unit in ((1e3, "ns"), (1e6, "µs"), (1e9, "ms")):
        if ns < bound:
            return f"{ns / bound * 1e3:.3g} {unit}"
    return f"{ns / 1e9:.3g} s"


def markdown(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (n + 1) + (":" if i else "-") for i, n in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def title(workload: Record, row: Record) -> str:
    return f"{workload['name']}, {row['label']}"


def measured(rows: Rows, engines: list[str]) -> list[str]:
    """The engines that were measured in at least one row."""
    return [name for name in engines if any(time_of(row, name) is not None for _, row in rows)]


def ratio_table(rows: Rows, engines: list[str]) -> str:
    """A row of the record a line: our time for a unit, then each engine's multiple of it."""
    named = measured(rows, engines)
    lines = [["", BASE, *named]]
    for workload, row in rows:
        ours = f"{shown_time(time_of(row, BASE))}/{workload['unit']}"
        lines.append([title(workload, row), ours, *(shown_ratio(ratio_of(row, name)) for name in named)])
    return markdown(lines)


def time_table(rows: Rows, engines: list[str]) -> str:
    """Nanoseconds a unit for every engine: the fastest sample and, in brackets, the middle one."""
    named = measured(rows, engines)
    lines = [["", *named]]
    for workload, row in rows:
        results = (row["results"].get(name, {}) for name in named)
        cells = (f"{shown_time(r['best'])} ({shown_time(r['median'])})" if "best" in r else "-" for r in results)
        lines.append([title(workload, row), *cells])
    return markdown(lines)


def growth_table(record: Record, engines: list[str]) -> str:
    """A workload that has long words a line: the growth exponent of each engine."""
    found = [(w["name"], {name: figures.growth_exponent(w, name) for name in engines}) for w in record["rewriting"]]
    found = [(name, exponents) for name, exponents in found if any(e is not None for e in exponents.values())]
    if not found:
        return ""
    named = [name for name in engines if any(exponents[name] is not None for _, exponents in found)]
    lines = [["time a step ~ length^x, x =", *named]]
    for workload, exponents in found:
        cells = ("-" if (e := exponents[name]) is None else f"{e:.2f}" for name in named)
        lines.append([workload, *cells])
    return markdown(lines)


def target_table(record: Record, targets: Sequence[figures.Target] = figures.TARGETS) -> str:
    """A figure a line: its floor and aim, what was measured, and whether both are met."""
    lines = [["", "floor", "aim", "measured", "floor met", "aim met"]]
    for target in targets:
        value = target.figure(record)
        if value is None:
            continue
        sign = "≥" if target.at_least else "≤"
        bounds = [f"{sign} {bound:,g}" if bound is not None else "-" for bound in (target.floor, target.aim)]
        met = [
            "-" if bound is None else "yes" if target.met(value, bound) else "**no**"
            for bound in (target.floor, target.aim)
        ]
        lines.append([target.about, *bounds, f"{value:,.0f}" if value >= 100 else f"{value:.3g}", *met])
    return markdown(lines) if len(lines) > 1 else ""


def adversary_table(record: Record) -> str:
    """An adversary under a strategy a line: letters a step on the shorter and the longer word, and their ratio."""
    adversaries = record.get("adversaries", [])
    lines = [["letters scanned and moved a step", "strategy", "100,000 letters", "1,000,000 letters", "ratio"]]
    for adversary in adversaries:
        for strategy, counted in adversary["letters"].items():
            grown = f"{figures.growth_of_letters(counted):.2f}"
            lines.append([adversary["name"], strategy, *(f"{letters:,.4g}" for letters in counted), grown])
    return markdown(lines) if adversaries else ""


def data_table(workload: Record) -> str:
    """A generator a line: examples a second of CPU time, and multiples of the first one's CPU time and wall time."""
    results = workload["results"]
    first = next(iter(results.values()))
    lines = [[workload["name"], "examples per CPU second", "CPU time", "wall time"]]
    for name, result in results.items():
        if "unable" in result:
            continue
        ratios = [shown_ratio(result[clock] / first[clock]) for clock in ("best", "wall")]
        lines.append([name, f"{1e9 / result['best']:,.0f}", *ratios])
    return markdown(lines)


def largest(record: Record, engines: list[str]) -> Rows:
    """The last row of each workload in which one of the engines was measured."""
    last = {workload["name"]: (workload, row) for workload, row in rows_of(record)}
    return [pair for pair in last.values() if measured([pair], engines)]


def unable(record: Record) -> list[str]:
    """Who does not do what, and why."""
    found: dict[tuple[str, str], list[str]] = {}
    for workload, row in rows_of(record):
        for name, result in row["results"].items():
            if "unable" in result:
                found.setdefault((name, result["unable"]), []).append(title(workload, row))
    return [f"- {name} {reason}: {'; '.join(titles)}." for (name, reason), titles in found.items()]


def shortened(record: Record) -> list[str]:
    """Who took fewer steps than the phase has, and how many."""
    lines = []
    for workload, row in rows_of(record):
        fewer = [f"{name} {r['steps']:,}" for name, r in row["results"].items() if "steps" in r]
        if fewer:
            lines.append(f"- {title(workload, row)} ({row['units']:,} steps): {', '.join(fewer)}.")
    return lines
