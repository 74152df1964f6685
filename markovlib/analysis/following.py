"""Which rule can fire right after which, in the ordered reading.

The relation is larger than the true one, never smaller: a run that goes on for ever ends up inside one strongly
connected part of it, so that each part can be proved to come to an end by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from markovlib.analysis.plain import PlainRule, live_rules

Graph = dict[int, frozenset[int]]


def following(rules: Sequence[PlainRule]) -> Graph:
    """For every rule that can fire and is not terminal, the rules of this kind that may fire next.

    After rule i the word holds i's replacement, so no rule fires that comes after one whose pattern occurs there.
    Rule j < i fires only where its pattern is new: no earlier pattern than i's occurred in the word before.
    """
    nodes = [i for i in live_rules(rules) if not rules[i].terminal]
    return {i: frozenset(_followers(rules, nodes, i)) for i in nodes}


def _followers(rules: Sequence[PlainRule], nodes: Sequence[int], i: int) -> Iterator[int]:
    replacement = rules[i].replacement
    last = next((j for j, rule in enumerate(rules) if rule.pattern in replacement), len(rules))
    for j in nodes:
        if j > last:
            break
        if j >= i or any(_allowed(rules, i, j, *context) for context in _contexts(rules[j].pattern, replacement)):
            yield j


def _contexts(pattern: str, replacement: str) -> Iterator[tuple[str, str]]:
    """What stands before and after the replacement wherever the pattern touches it: only the letters that it holds."""
    size, inner = len(pattern), len(replacement)
    for start in range(1 - size, max(inner, 1)):
        end = start + size
        before, after = pattern[: max(0, -start)], pattern[size - max(0, end - inner) :] if end > inner else ""
        if pattern[len(before) : size - len(after)] == replacement[max(0, start) : min(end, inner)]:
            yield before, after


def _allowed(rules: Sequence[PlainRule], i: int, j: int, before: str, after: str) -> bool:
    """Whether rule i can fire between these letters, and rule j afterwards."""
    old, new = before + rules[i].pattern + after, before + rules[i].replacement + after
    return (
        old.find(rules[i].pattern) == len(before)
        and not any(rule.pattern in old for rule in rules[:i])
        and not any(rule.pattern in new for rule in rules[:j])
    )


def components(graph: Graph, nodes: Collection[int]) -> list[frozenset[int]]:
    """The strongly connected parts of the graph on these nodes that hold a cycle, by their least rule."""
    reach = {i: _reachable(graph, nodes, i) for i in nodes}
    parts = {frozenset(j for j in reach[i] if i in reach[j]) for i in nodes if i in reach[i]}
    return sorted(parts, key=min)


def _reachable(graph: Graph, nodes: Collection[int], start: int) -> set[int]:
    """The nodes that a path of one or more edges leads to."""
    seen: set[int] = set()
    todo = [start]
    while todo:
        new = {j for j in graph[todo.pop()] if j in nodes} - seen
        seen |= new
        todo.extend(new)
    return seen
