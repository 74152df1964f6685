"""From a record to Markdown: tables of ratios, where we lose, and splicing between markers."""

from __future__ import annotations

from typing import Any

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"

Record = dict[str, Any]


def base_of(workload: Record) -> str:
    """The engine that the others are divided by: the first of ours that does the workload."""
    names: list[str] = [name for name, result in workload["results"].items() if "median" in result]
    return names[0]


def ratio_of(workload: Record, name: str) -> float | None:
    """How many times as long as the base the engine takes, from the medians; None if it does not do the workload."""
    results = workload["results"]
    if "median" not in results[name]:
        return None
    ratio: float = results[name]["median"] / results[base_of(workload)]["median"]
    return ratio


def shown_ratio(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 9.95 else f"{ratio:.1f}x" if ratio >= 0.95 else f"{ratio:.2f}x"


def shown_time(ns: float) -> str:
    if ns < 1000:
        return f"{ns:.3g} ns"
    return f"{ns / 1000:.3g} µs" if ns < 1e6 else f"{ns / 1e6:.3g} ms"


def _markdown(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (n + 1) + (":" if i else "-") for i, n in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def rewriting_table(workloads: list[Record]) -> str:
    """A row a workload: the base's time for a unit, then each engine's multiple of it."""
    names = list(workloads[0]["results"])
    rows = [["workload", "markovlib", *names[1:]]]
    for workload in workloads:
        base = workload["results"][base_of(workload)]["median"]
        row = [workload["name"], f"{shown_time(base)}/{workload['unit']}"]
        for name in names[1:]:
            ratio = ratio_of(workload, name)
            row.append("-" if ratio is None else shown_ratio(ratio))
        rows.append(row)
    return _markdown(rows)


def data_table(workload: Record) -> str:
    """A row a generator: examples a second of CPU time, and multiples of the base's CPU time and wall time."""
    results = workload["results"]
    base = results[base_of(workload)]
    rows = [[workload["name"], "examples per CPU second", "CPU time", "wall time"]]
    for name, result in results.items():
        ratios = [shown_ratio(result[clock] / base[clock]) for clock in ("median", "wall")]
        rows.append([name, f"{1e9 / result['median']:,.0f}", *ratios])
    return _markdown(rows)


def unable(workloads: list[Record]) -> list[str]:
    """Who does not do what, and why."""
    return [
        f"- {workload['name']}: {name} {result['unable']}"
        for workload in workloads
        for name, result in workload["results"].items()
        if "unable" in result
    ]


def losses(workloads: list[Record]) -> list[str]:
    """Every rival that takes less time than we do, or the same within a tenth."""
    lines = []
    for workload in workloads:
        for name in workload["results"]:
            ratio = ratio_of(workload, name)
            if ratio is not None and ratio < 1.1 and not name.startswith("markovlib"):
                lines.append(f"- {workload['name']}: {name} takes {shown_ratio(ratio)} of our time")
    return lines


def _machine(record: Record) -> str:
    machine = record["machine"]
    software = ", ".join(f"{name} {version}" for name, version in record["software"].items())
    return (
        f"Measured with `{record['command']}` on {machine['cpu']}, {machine['cores']} cores, shared with other work; "
        f"Python {machine['python']}, {software}."
    )


def summary(record: Record) -> str:
    """The tables alone, for the README."""
    parts = [rewriting_table(record["rewriting"]), *map(data_table, record["data"]), _machine(record)]
    return "\n\n".join(parts)


def definitions(about: dict[str, str]) -> str:
    return "\n".join(f"- *{name}*: {text}" for name, text in about.items())


def page(record: Record) -> str:
    """The tables, what is missing from them, where we lose, and what is measured, for docs/benchmarks.md."""
    workloads = {workload["name"]: workload["about"] for workload in [*record["rewriting"], *record["data"]]}
    lost = losses([*record["rewriting"], *record["data"]]) or ["- In no workload of this record."]
    return "\n\n".join(
        [
            _machine(record),
            rewriting_table(record["rewriting"]),
            "What is missing from the table:",
            "\n".join(unable(record["rewriting"])),
            *map(data_table, record["data"]),
            "Where we lose, or are no more than a tenth ahead, in this record:",
            "\n".join(lost),
            "### The workloads",
            definitions(workloads),
            "### The engines",
            definitions(record["engines"]),
        ]
    )


def splice(text: str, made: str) -> str:
    """The text with what stands between the markers replaced; as it was if it has no markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{begin}\n\n{made}\n\n{end}{tail}" if begin and end else text
