"""docs/reproduction.md and its figures, from records; and the same of one experiment for who has just run it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from . import cost, figures
from .experiments import EXPERIMENTS
from .findings import ABSENT, AGREES, DISAGREES, FINDINGS, OPEN, UNTRAINED, Finding
from .points import named
from .records import Record, Results, trained

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reproduction.md"
BEGIN, END = "<!-- reproduction:begin -->", "<!-- reproduction:end -->"
SCALES = ("miniature", "paper")
GPU = 1e14
"""Operations a second that a large GPU may sustain in bfloat16 on a model so small; assumed, not measured."""
SOURCES = {name: name for name in EXPERIMENTS} | {"robustness": "count"}
"""What is shown, and whose records it is made from."""

TITLES = {name: experiment.title for name, experiment in EXPERIMENTS.items()} | {"robustness": "Robustness to shift"}
ORDER = tuple(FINDINGS)
CLAIMS = {
    "count": "Figure 2a: rules x words = 10^6; below about 300 rules no model generalises, from about 1,000 on all do.",
    "robustness": "No figure of the papers: the models of the experiment above, on words and rules of other kinds. All "
                  "rules are unseen. Words of other lengths move all that follows to places that training never used; "
                  "no-ops were not met in training.",
    "occurrences": "Table 1: the pattern occurs exactly so many times; training on a mix generalises from fewer rules.",
    "no-op": "Figure 2b: the same step near 400 rules at every share of no-ops from 10 to 50 %.",
    "long-tail": "Figure 3: with 10,000 and 100,000 rules the law of popularity hardly matters, with 1,000 a peaked "
                 "law ruins generalisation.",
    "families": "Figure 4: training on one family of strings does not generalise beyond it; on three, with many rules, "
                "it does.",
    "encrypted": "The rewrite is followed by a cipher: few rules solve the no-ops alone, many generalise; uniform "
                 "beats a long tail, less so with more rules. (The papers fine-tuned a pretrained model.)",
}  # fmt: skip


def verdicts(name: str, folder: Path, scale: str) -> tuple[Results, Results, list[Finding]]:
    """The records that a figure is of, those of the count experiment, and what follows from them."""
    results, counted = (Results.load(folder, scale, source) for source in (SOURCES[name], "count"))
    return results, counted, FINDINGS[name](results, counted) if results else []


def report(folder: Path, scale: str, experiment: str, out: Path) -> str:
    """Draws the figures of an experiment that was just run, and says what it shows."""
    lines = []
    for name in (n for n in ORDER if SOURCES[n] == experiment):
        results, counted, found = verdicts(name, folder, scale)
        path = out / f"{scale}-{name}.svg"
        figures.draw(name, results, counted, path)
        lines += [f"\n{TITLES[name]}: {path}"]
        lines += [f"- {finding.claim}: {finding.verdict} ({finding.ours})" for finding in found]
    return "\n".join(lines)


# ---- the page --------------------------------------------------------------------------------------------------------


def write(folder: Path, page: Path) -> None:
    """Puts the records' part into the page, and draws the figures beside it."""
    page.write_text(splice(page.read_text("utf-8"), generated(folder)), "utf-8")
    for scale in SCALES:
        for name in ORDER:
            results, counted, _ = verdicts(name, folder, scale)
            path = page.parent / figure_of(scale, name)
            path.unlink(missing_ok=True)
            if results:
                figures.draw(name, results, counted, path)


def figure_of(scale: str, name: str) -> str:
    return f"reproduction/{scale}-{name}.svg"


def splice(text: str, made: str) -> str:
    """The text with what stands between the markers replaced."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{head}{begin}\n\n{made}\n\n{end}{tail}"


def choice(folder: Path) -> str:
    """The settings that were tried on the count experiment before the miniature's were fixed."""
    path = folder / "choice.json"
    if not path.exists():
        return ""
    tried = json.loads(path.read_text("utf-8"))
    columns = ("optimiser", "rate", "layers", "width", "heads", "batch", "steps", "decay", "alphabet", "word")
    head = f"| {' | '.join(columns)} | seen | unseen | CPU seconds |"
    rows = [
        f"| {' | '.join(str(one[column]) for column in columns)} | {one['seen'][0] / one['seen'][1]:.2f} "
        f"| {one['unseen'][0] / one['unseen'][1]:.2f} | {one['cpu']:.0f} |"
        for one in tried
    ]
    text = (
        "Tried on 1,000 rules with one seed, before any other run: the applying cases answered, by setting. The first "
        "line was taken, for what it answers of its own rules, with 1,600 steps and words of 6 letters. (At 1,200 "
        "steps, with words of 7 and half of the sides held out, one run of 1,000 and one of 300 rules answered .91 "
        "and .96 of the seen cases, .82 and .72 of the unseen ones; these runs were stopped.)"
    )
    return "\n".join(["## How the miniature was chosen", "", text, "", head, "|" + "---|" * 13, *rows])


def generated(folder: Path) -> str:
    """What the records say, at every scale that has any."""
    there = [scale for scale in SCALES if any(Results.load(folder, scale, name) for name in EXPERIMENTS)]
    parts = [summary(folder, there)]
    for scale in there:
        parts += [section(name, folder, scale) for name in ORDER if Results.load(folder, scale, SOURCES[name])]
        parts += [left_out(folder, scale)]
    parts += [choice(folder)]
    if "paper" not in there:
        parts.append(full_scale())
    return "\n\n".join(part for part in parts if part)


def full_scale() -> str:
    """What runs at the papers' scale cost, by arithmetic."""
    rows = []
    for experiment in EXPERIMENTS.values():
        points = experiment.points("paper")
        first = points[0]
        tokens, steps = cost.tokens_of(first), cost.steps_of(first)
        operations = steps * cost.operations_a_step(first, tokens)
        times = " | ".join(cost.shown(operations / rate) for rate in (GPU, GPU / 4))
        rows.append(f"| {experiment.title} | {len(points)} | {tokens} | {steps:,} | {operations:.1e} | {times} |")
    text = (
        "No run at the papers' scale is recorded: no GPU was at hand. The same command runs it, and its whole path is "
        "tested at tiny size (`--scale tiny`: the papers' lengths, a small model, a few steps). What a run costs, by "
        f"arithmetic, with a GPU that sustains {GPU:.0e} operations a second, and with one that sustains a quarter of "
        "that; `--dry-run` measures the device at hand and lists every run."
    )
    head = "| experiment | runs | tokens | steps a run | operations | a run on a large GPU | on a smaller one |"
    return "\n".join(["## At the papers' scale", "", text, "", head, "|---|" + "--:|" * 6, *rows])


def summary(folder: Path, scales: list[str]) -> str:
    rows = []
    for scale in scales:
        for name in ORDER:
            results, _, found = verdicts(name, folder, scale)
            if results:
                held = Counter(finding.verdict for finding in found)
                cells = " | ".join(str(held[v] or "") for v in (AGREES, OPEN, DISAGREES, UNTRAINED, ABSENT))
                runs = f"{len(results.records)} of {len(EXPERIMENTS[SOURCES[name]].points(scale))}"
                rows.append(f"| {TITLES[name]} | {scale} | {runs} | {cells} |")
    head = f"| experiment | scale | runs | {AGREES} | {OPEN} | {DISAGREES} | {UNTRAINED} | {ABSENT} |"
    return "\n".join([head, "|---|---|" + "--:|" * 6, *rows])


def section(name: str, folder: Path, scale: str) -> str:
    """An experiment: the papers' claim, the figure, the findings, the runs."""
    results, _, found = verdicts(name, folder, scale)
    parts = [f"## {TITLES[name]}" + ("" if scale == "miniature" else f", {scale} scale"), CLAIMS[name]]
    parts += [f"![{TITLES[name]}: our runs beside the papers' finding]({figure_of(scale, name)})"]
    table = [f"| {'what was expected' if name == 'robustness' else 'the papers'} | ours | |", "|---|---|---|"]
    parts += ["\n".join([*table, *(f"| {f.claim} | {f.ours} | {_marked(f.verdict)} |" for f in found)])]
    if name == SOURCES[name]:
        parts += [grid_of(name, scale), rows_of(results), how(results)]
    return "\n\n".join(part for part in parts if part)


def _marked(verdict: str) -> str:
    return verdict if verdict == AGREES else f"**{verdict}**"


def grid_of(name: str, scale: str) -> str:
    """The values of each axis at a scale, and the papers' where they are others."""
    ours, theirs = (_axes(name, one) for one in (scale, "paper"))
    parts = [
        f"{axis.replace('_', '-')} {values}" + ("" if values == theirs[axis] else f" (full scale: {theirs[axis]})")
        for axis, values in ours.items()
    ]
    return f"Grid: {'; '.join(parts)}; {EXPERIMENTS[name].settings(scale).seeds} seeds each."


def _axes(name: str, scale: str) -> dict[str, str]:
    arms = EXPERIMENTS[name].settings(scale).arms
    values = {axis: list(dict.fromkeys(named({"": arm[axis]})[1:] for arm in arms)) for axis in arms[0]}
    return {axis: ", ".join(found) for axis, found in values.items()}


def rows_of(results: Results) -> str:
    """Every arm: what it was trained on, and each seed's accuracy on unseen rules, by kind of case."""
    head = "| arm | patterns | replacements | Hill 1 | outside top | seen | unseen | no-ops | near misses |"
    rows = []
    for arm in results.arms("seed"):
        first = results.at(arm)[0]
        about = first["diversity"]
        cells = [f"{about['patterns']:,}", f"{about['replacements']:,}", f"{about['effective'][1]:,.0f}",
                 f"{about['outside_top']:.1%}"]  # fmt: skip
        for split, kind in (("seen", "applying"), ("unseen", "applying"), ("unseen", "no_op"), ("unseen", "near_miss")):
            share = results.share(arm, split, kind)
            cells.append(" ".join(f"{seed:.2f}" for seed in share.seeds) if share else "-")
        hollow = "" if all(map(trained, results.at(arm))) else f" ({UNTRAINED})"
        rows.append(f"| {named(arm)}{hollow} | {' | '.join(cells)} |")
    return "\n".join([head, "|---|" + "--:|" * 8, *rows])


def how(results: Results) -> str:
    """How the runs were made, in words."""
    first, seconds = results.records[0], results.seconds()
    steps = sorted({record["steps"] for record in results.records})
    streams = sorted({record["software"]["stream"] for record in results.records})
    again = [record for record in results.records if record["attempts"]]
    quickest = min(record["seconds"]["wall"] for record in results.records)
    training, software, machine = first["training"], first["software"], first["machine"]
    model = f"{training['layers']} layers, width {training['width']}, {first['parameters']:,} parameters"
    lines = [
        f"{len(results.records)} runs of {model}; {' or '.join(f'{n:,}' for n in steps)} steps of {training['batch']}; "
        f"{cost.shown(seconds['cpu'])} of CPU time in training, {cost.shown(seconds['wall'])} by the clock, the "
        f"quickest run {cost.shown(quickest)}; {seconds['share']:.1%} of the clock's time waiting for data "
        f"({first['data']}). "
        f"{machine['architecture']}, {machine['device']}; markovlib {software['markovlib']}, stream "
        f"{' and '.join(map(str, streams))}, torch {software['torch']}.",
    ]
    if again:
        lines.append(f"Not having learnt its own rules, {len(again)} of them had three times the steps: "
                     f"{_names(again)}.")  # fmt: skip
    shared = {split for record in results.records for split, sides in record["shared"].items() if any(sides)}
    if shared:
        lines.append(f"**Tests that share sides of rules with training: {', '.join(sorted(shared))}.**")
    else:
        lines.append("No pattern and no replacement of a test of unseen rules occurs in training.")
    return " ".join(lines)


def _names(records: list[Record]) -> str:
    return "; ".join(named({**record["axes"], "seed": record["seed"]}) for record in records)


def left_out(folder: Path, scale: str) -> str:
    """Which runs of the grid have no record."""
    lines = []
    for name, experiment in EXPERIMENTS.items():
        done = {(named(r["axes"]), r["seed"]) for r in Results.load(folder, scale, name).records}
        missing = [point for point in experiment.points(scale) if (named(point.axes), point.seed) not in done]
        if missing:
            arms = Counter(named(point.axes) for point in missing)
            each = "; ".join(f"{arm} ({seeds} seeds)" for arm, seeds in arms.items())
            whole = f"all {len(missing)} runs" if not done else f"{len(missing)} runs of {len(arms)} arms"
            text = each if done and len(arms) <= 20 else whole
            lines.append(f"- {experiment.title}: {text}. `python -m reproduction --experiment {name} --scale {scale}`")
    if not lines:
        return f"Every run of the scale {scale} is recorded."
    return "\n".join([f"## Not run at the scale {scale}", "", *lines])
