"""A report as one page of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import floor, log10
from typing import TYPE_CHECKING, Any

from markovlib.diversity import plots
from markovlib.diversity.counting import Distribution
from markovlib.diversity.plots import Plots
from markovlib.wording import kind_of_rules

if TYPE_CHECKING:
    from markovlib.diversity.report import Distinct, DiversityReport, Space, Stratum

_MOST_STRATA = 200
_STRATA_OF = {
    "all rules": "Rows have several rules; all of them are counted.",
    "first rules": "Rows have several rules; the first of each is counted.",
}
#: The headings of the kinds of rules that run out.
SPILLS = ("runs out of rules", "from rule", "its first turns go to")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --card: #f5f6f8; --ink: #1c2330; --quiet: #5a6475; --grid: #c3c9d3;
  --first: #2563c9; --second: #d2691e; --third: #168a6b; --rule: #dfe3e9; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171d; --card: #1d2129; --ink: #e4e8ee; --quiet: #9aa5b5;
  --grid: #4a5361; --first: #6ea8fe; --second: #ffa659; --third: #4fd1a5; --rule: #2f3540; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .8rem; padding-bottom: .3rem; border-bottom: 1px solid var(--rule); }
p { margin: .4rem 0; max-width: 46rem; } .quiet { color: var(--quiet); font-size: .9rem; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.2rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
.tile { background: var(--card); border-radius: .5rem; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: .85rem; display: block; line-height: 1.35; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1.25rem;
  margin: 1.25rem 0; }
figure { margin: 0; max-width: 34rem; } figure.wide { max-width: 44rem; grid-column: 1 / -1; }
figcaption { font-weight: 600; font-size: .92rem; margin-bottom: .35rem; }
svg { display: block; width: 100%; height: auto; } svg text { font-family: inherit !important; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 0 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .32rem 1.4rem .32rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--quiet); font-weight: 600; } td.n, th.n { text-align: right; }
tbody th { color: var(--ink); font-weight: 400; }
pre { background: var(--card); border-radius: .5rem; padding: 1rem; overflow-x: auto; font-size: .85rem; }
summary { cursor: pointer; margin-top: 1rem; }
"""

NAMES = {
    "word_length": ("Length of the words", "letters", "words"),
    "output_length": ("Length of the outputs", "letters", "outputs"),
    "pattern_length": ("Length of the patterns", "letters", "rules in rows"),
    "replacement_length": ("Length of the replacements", "letters", "rules in rows"),
    "position": ("Position of the rewrite", "letters before it", "rewritten rows"),
    "occurrences": ("Occurrences of the pattern", "starts in the word", "rows"),
    "steps": ("Steps taken", "steps", "rows"),
}


def page(report: DiversityReport) -> str:
    """The page: HTML of one file, nothing loaded from elsewhere.  A function of the report and of matplotlib."""
    draw = Plots()
    title = f"Diversity of {report.split or 'a table'}"
    parts = [
        f"<header><h1>{escape(title)}</h1>{_subtitle(report)}</header>",
        _tiles(report),
        _instructions(report, draw),
        _strata(report, draw),
        _words(report, draw),
        _no_ops(report),
        _repeats(report),
        _recipe(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body>\n</html>\n"
    )


# ---- pieces ------------------------------------------------------------------------------------------------------


def number(value: float | None) -> str:
    """A number with commas; a fraction with up to four digits; a huge integer as a power of ten."""
    if value is None:
        return "not known"
    if isinstance(value, float) and value != int(value):
        return f"{value:,.1f}" if value >= 100 else f"{value:.4g}"
    value = int(value)
    if value < 10**15:
        return f"{value:,}"
    return _scientific(log10(value))


def _scientific(logarithm: float) -> str:
    digits, _, more = f"{10 ** (logarithm - floor(logarithm)):.2e}".partition("e")
    return f"{digits} × 10{str(floor(logarithm) + int(more)).translate(_RAISED)}"


def share(value: float | None) -> str:
    """A share as a percentage; where it is small, with as many digits as it takes."""
    if value is None:
        return "not known"
    percent = 100 * value
    return f"{percent:.2f} %" if value == 0 or percent >= 0.01 else f"{percent:.2g} %"


def _subtitle(report: DiversityReport) -> str:
    parts = [f"{number(report.rows)} {'row' if report.rows == 1 else 'rows'}"]
    if report.size != report.rows:
        whole = "an unbounded set" if report.size is None else number(report.size)
        parts[0] = f"the first {parts[0]} of {whole}"
    parts += [f"seed {report.seed}"] if report.seed is not None else []
    parts += [f"fingerprint {report.fingerprint}"] if report.fingerprint else []
    parts += [report.source] if not report.source.startswith("<") else []
    return f'<p class="quiet">{escape("; ".join(parts))}</p>'


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column names the rows, the others are numbers."""
    head = "".join(f'<th scope="col"{" class=n" if i else ""}>{escape(name)}</th>' for i, name in enumerate(headings))
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td class=n>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in rows
    )
    head = f"<thead><tr>{head}</tr></thead>" if any(headings) else ""
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _figure(caption: str, svg: str, wide: bool = False) -> str:
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(caption)}"', 1)
    return f"<figure{' class=wide' if wide else ''}><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def _unbroken(text: str) -> str:
    """HTML of text in which a percent sign stays with its number."""
    return escape(text.replace(" %", "\N{NO-BREAK SPACE}%"))


def _tiles(report: DiversityReport) -> str:
    tiles = [(number(report.rows), "rows")]
    if (found := report.instructions) is not None:
        offered = "" if found.offered is None else f", of {number(found.offered)} offered"
        tiles.append((number(found.used), f"instructions used{offered}"))
        tiles.append((number(round(found.effective[1], 1)), "effective instructions (exponential of the entropy)"))
        tiles.append((share(found.outside_top), "of the rows outside the most frequent rule"))
    if report.repeats is not None:
        tiles.append((share(report.repeats.repeated / report.rows), "of the rows repeat another"))
    if report.no_ops is not None:
        asked = "" if report.no_ops.asked is None else f", asked {share(report.no_ops.asked)}"
        tiles.append((share(report.no_ops.share), f"of the rows are no-ops{asked}"))
    cells = "".join(
        f'<div class="tile"><b>{_unbroken(big)}</b><span>{_unbroken(small)}</span></div>' for big, small in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _instructions(report: DiversityReport, draw: Plots) -> str:
    found = report.instructions
    if found is None:
        return ""
    spread, (zero, one, two) = found.examples, found.effective
    rows = [
        *([] if found.offered is None else [("offered", number(found.offered))]),
        ("used", number(found.used)),
        ("effective number, order 0 (how many)", number(round(zero, 1))),
        ("effective number, order 1 (entropy)", number(round(one, 1))),
        ("effective number, order 2 (concentration)", number(round(two, 1))),
        ("examples of one: least", number(spread.min)),
        ("examples of one: median", number(spread.median)),
        ("examples of one: mean", number(spread.mean)),
        ("examples of one: most", number(spread.max)),
        ("rows outside the most frequent rule", share(found.outside_top)),
    ]
    if report.space is not None:
        rows.append(("rules in the space", number(report.space.size)))
        rows.append(("coverage of the space", coverage(report.space)))
    for name in ("patterns", "replacements"):
        if (part := getattr(report, name)) is not None:
            rows.append((f"different {name}", number(part.distinct) + _estimated(part)))
    figures = _figure("Examples of each instruction, by rank", draw.draw(plots.ranks(found)))
    if found.used > 1:
        figures += _figure("Rows of the rarest instructions (Lorenz curve)", draw.draw(plots.lorenz(found)))
    text = _sampled("instructions", found.sampled)
    both = f'{_table(("", ""), rows)}<div class="plots">{figures}</div>'
    return f'<h2>Instructions</h2>{text}<div class="beside">{both}</div>'


def coverage(space: Space) -> str:
    """The share of the rules that is used, which may be far below what a percentage can show."""
    if space.used == 0 or space.used * 10**6 >= space.size:
        return share(space.used / space.size)
    return _scientific(log10(space.used) - log10(space.size))


def _estimated(found: Distinct) -> str:
    return "" if found.exact else " (estimated)"


def _sampled(what: str, part: float) -> str:
    if part == 1:
        return ""
    return f"<p>Estimated from {escape(share(part))} of the {what}, chosen by their hashes and counted exactly.</p>"


def _strata(report: DiversityReport, draw: Plots) -> str:
    if not report.strata:
        return f"<h2>Families and strata</h2>{spills}" if (spills := _spills(report)) else ""
    rows = [_stratum(stratum, plots.counted(report)) for stratum in report.strata[:_MOST_STRATA]]
    cut = len(report.strata) - len(rows)
    more = f"<p>{cut:,} more are in the JSON.</p>" if cut > 0 else ""
    spills = _spills(report)
    figure = ""
    if len(report.strata) > 1:
        bars, width, height = plots.strata(report)
        figure = (
            f'<div class="plots">{_figure("Shares asked and got", draw.draw(bars, width, height), wide=True)}</div>'
        )
    of = f"<p>{_STRATA_OF[report.strata_of]}</p>" if report.strata_of in _STRATA_OF else ""
    return (
        f"<h2>Families and strata</h2>{of}{_table([*rows[0]], [[*row.values()] for row in rows])}{more}{figure}{spills}"
    )


def _stratum(stratum: Stratum, counted: str) -> dict[str, str]:
    """The cells of a stratum by their headings."""
    row = {
        "kind of rule": stratum.family, "k": _plain(stratum.k), "pattern": _plain(stratum.pattern_length),
        "replacement": _plain(stratum.replacement_length), "possible": number(stratum.possible),
        "asked": share(stratum.asked),
    }  # fmt: skip
    if stratum.instructions is not None:
        row |= {"instructions": number(stratum.instructions), "got": share(stratum.instructions_share)}
    return row | {counted: number(stratum.rows), f"share of {counted}": share(stratum.rows_share)}


def _spills(report: DiversityReport) -> str:
    """Which strata have fewer rules than their weights ask for."""
    if not report.spills:
        return ""
    return _table(SPILLS, [spill_row(spill) for spill in report.spills])


def spill_row(spill: Mapping[str, Any]) -> tuple[str, str, str]:
    """The cells of a kind of rules that runs out, as `SPILLS` heads them."""
    return kind_of_rules(**spill["kind"]), number(spill["rule"]), kind_of_rules(**spill["into_kind"])


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _words(report: DiversityReport, draw: Plots) -> str:
    rows, figures = [], ""
    for name, (caption, unit, of) in NAMES.items():
        found: Distribution | None = report.distributions.get(name)
        if found is None:
            continue
        rows.append((caption, unit, number(found.min), number(found.median), number(found.mean), number(found.max)))
        if found.min != found.max and not (name == "steps" and found.max == 1):
            figures += _figure(caption, draw.draw(plots.histogram(found, unit, of)))
    if any(report.letters.values()):
        figures += _figure("Frequencies of the letters", draw.draw(plots.letters(report)))
    if not rows:
        return ""
    table = _table(("", "unit", "least", "median", "mean", "most"), rows)
    return f'<h2>Words and rules</h2>{table}<div class="plots">{figures}</div>'


def _no_ops(report: DiversityReport) -> str:
    rows = []
    if (found := report.no_ops) is not None:
        rows.append(("no-ops", number(found.count), share(found.share), share(found.asked)))
        rows.append(("rewritten", number(report.rows - found.count), share(1 - found.share),
                     share(None if found.asked is None else 1 - found.asked)))  # fmt: skip
        if found.near_misses is not None and found.count:
            got, asked = share(found.near_miss_share), share(found.near_miss_asked)
            rows.append(("near misses, of the no-ops", number(found.near_misses), got, asked))
    rows += [
        (f"outcome: {name.replace('_', ' ')}", number(count), share(count / report.rows), "")
        for name, count in report.outcomes.items()
    ]
    if not rows:
        return ""
    exact = ""
    if found is not None and found.blocks:
        exact = (
            f"<p>Exact in {number(found.exact_blocks)} of {number(found.blocks)} blocks of 65,536 rows"
            f" (greatest difference: {number(found.worst)} rows).</p>"
        )
    return f"<h2>No-ops and outcomes</h2>{_table(('', 'rows', 'share', 'asked'), rows)}{exact}"


def _repeats(report: DiversityReport) -> str:
    of = " and ".join(report.repeats_of)
    named = ((f"rows ({of})", report.repeats), ("words", report.words))
    rows = [
        (name, number(d.rows), number(d.distinct) + _estimated(d), number(d.repeated) + _estimated(d),
         share(d.repeated / d.rows if d.rows else 0), number(d.most))
        for name, d in named if d is not None
    ]  # fmt: skip
    if not rows:
        return ""
    headings = ("", "rows", "different", "repeats of one before", "share", "most frequent one")
    return f"<h2>Repeats</h2>{_table(headings, rows)}"


def _recipe(report: DiversityReport) -> str:
    if report.recipe is None:
        return ""
    from markovlib.recipe import Recipe

    toml = Recipe.from_dict(report.recipe).to_toml()
    return f"<h2>Recipe</h2><details><summary>As TOML</summary><pre>{escape(toml)}</pre></details>"
