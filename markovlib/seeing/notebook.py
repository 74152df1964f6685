"""What notebooks show: a trace as a table that scrolls, rules as a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from markovlib.seeing.lines import CARET, Gap, Line, blocks, ending, letters, pieces, shown_lines

if TYPE_CHECKING:
    from markovlib.rules import Rule, RuleSet
    from markovlib.trace import Trace

STEPS = 20
RULES = 50
LETTERS = 100
_CODE = "font-family:monospace;white-space:pre;text-align:left"
# Colours that can be read on a light and on a dark notebook: the marks bring their own ink.
_MATCH = "background:#ffd34d;color:#1a1500"
_WRITTEN = "text-decoration:underline;text-decoration-thickness:2px;text-underline-offset:3px"
_NUMBER = "text-align:right;opacity:.75"


def trace_table(trace: Trace) -> str:
    """The first and the last 20 steps and the last word, matches marked: HTML that needs nothing else."""
    rows = [_row(line, trace.rules) for line in shown_lines(trace, blocks(trace, STEPS, STEPS))]
    end = escape(_shortened(trace.word))
    rows.append(f'<tr><td style="{_NUMBER}">=</td><td style="{_CODE}"><b>{end}</b></td><td></td></tr>')
    return (
        f'<div style="max-height:28em;overflow:auto"><table>{_head("step", "word before it", "rule")}'
        f"<tbody>{''.join(rows)}</tbody></table></div><p>{escape(ending(trace))}</p>"
    )


def _row(line: Line | Gap, rules: RuleSet) -> str:
    if isinstance(line, Gap):
        return f'<tr><td></td><td style="text-align:left" colspan="2">… {line} …</td></tr>'
    return (
        f'<tr><td style="{_NUMBER}">{line.number:,}</td><td style="{_CODE}">{_marked(line)}</td>'
        f'<td style="{_CODE}">{line.rule + 1}: {_rule(rules[line.rule])}</td></tr>'
    )


def _marked(line: Line) -> str:
    """The letters around the match, which is marked, as what was written last is."""
    side = LETTERS // 2
    low = max(0, line.match[0] - side)
    high = min(len(line.before), line.match[1] + side, line.match[0] + 2 * LETTERS)
    parts = []
    for piece in pieces(line, low, high):
        styles = [style for style, on in ((_MATCH, piece.match), (_WRITTEN, piece.written)) if on]
        shown = escape(piece.letters or CARET)
        if styles:
            name = "mark" if piece.match else "span"
            shown = f'<{name} style="{";".join(styles)}">{shown}</{name}>'
        parts.append(shown)
    return ("…" if low else "") + "".join(parts) + ("…" if high < len(line.before) else "")


def rules_table(rules: RuleSet) -> str:
    """The first 50 rules, numbered from 1: HTML that needs nothing else."""
    rows = [
        f'<tr><td style="{_NUMBER}">{i}</td><td style="{_CODE}">{_rule(rule)}</td></tr>'
        for i, rule in enumerate(rules[:RULES], 1)
    ]
    if len(rules) > RULES:
        rows.append(f"<tr><td></td><td>… {len(rules) - RULES:,} more rules …</td></tr>")
    body = "".join(rows) or "<tr><td></td><td>no rules</td></tr>"
    return f"<table>{_head('', 'rule')}<tbody>{body}</tbody></table>"


def _rule(rule: Rule) -> str:
    arrow = "→<b>.</b>" if rule.terminal else "→"
    left, right = (escape(_shortened(side)) or "<i>ε</i>" for side in (rule.pattern, rule.replacement))
    return f"{left} {arrow} {right}"


def _shortened(word: Any) -> str:
    return letters(word[:LETTERS]) + ("…" if len(word) > LETTERS else "")


def _head(*names: str) -> str:
    cells = "".join(f'<th style="text-align:left">{name}</th>' for name in names)
    return f"<thead><tr>{cells}</tr></thead>"
