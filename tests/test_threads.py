"""One rule set and one column, shared by many Python threads that ask everything of them at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import markovlib as mk

RULES = mk.RuleSet([("ab", "ba"), ("bc", "ca"), ("ac", "c"), ("ccb", "", True)])
THREADS, ROUNDS = 8, 6


def make_words() -> list[str]:
    rng = random.Random(3)
    return ["".join(rng.choices("abc", k=rng.randint(0, 90))) for _ in range(150)]


def test_threads_share_a_rule_set_and_columns() -> None:
    words = make_words()
    column, patterns = mk.Column.from_words(words), mk.Column.from_words(["ab"])
    questions: dict[str, Callable[[], object]] = {
        "find": lambda: [RULES.find(word) for word in words],
        "step": lambda: [RULES.step(word) for word in words],
        "count": lambda: [RULES.count(word).tolist() for word in words],
        "findall": lambda: [RULES.findall(word) for word in words],
        "run": lambda: [RULES.run(word, max_steps=200, strategy="leftmost") for word in words],
        "trace": lambda: [list(RULES.trace(word, max_steps=20)) for word in words[:20]],
        "batch": lambda: [part.tolist() for part in RULES.run_batch(column, max_steps=500, threads=2)],
        "rewrite": lambda: [part.tolist() for part in mk.rewrite_once(patterns, ["-"], column, threads=2)],
    }
    expected = {name: ask() for name, ask in questions.items()}
    wrong: list[str] = []
    start = threading.Barrier(THREADS)

    def work(number: int) -> None:
        order = list(questions)
        random.Random(number).shuffle(order)
        start.wait()
        for _ in range(ROUNDS):
            wrong.extend(name for name in order if questions[name]() != expected[name])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_rule_set_dies_while_its_runs_go_on() -> None:
    """Runs keep the compiled rules alive, whichever thread lets go of the rule set last."""
    results: list[int] = []

    def work() -> None:
        runner = mk.RuleSet([("ba", "ab")]).runner("b" * 60 + "a" * 60)
        while runner.outcome is None:
            runner.step(7)
        results.append(runner.steps)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [3600] * THREADS
