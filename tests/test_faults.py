"""Interruption and want of memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import markovlib as mk
from markovlib import _core

LOOP = [("a", "a")]
LONG_RUNS = {
    "examples": 1000, "rules": {"program": "binary-to-unary"}, "words": {"length": [22, 22]}, "task": {"kind": "run"},
    "render": {"prompt": "{word}=", "completion": "{output}"},
}  # fmt: skip


@pytest.mark.parametrize(
    "call",
    [
        "mk.RuleSet([('a', 'a')]).run('a', max_steps=None)",
        "mk.RuleSet([('a', 'a')]).runner('a').step(None)",
        "mk.RuleSet([('a' * 20, 'b' * 30), ('b' * 30, 'a' * 20)]).run('a' * 20, max_steps=None)",
        "mk.RuleSet([('a' * 2000, 'b'), ('b', 'a' * 2000)]).run('b', max_steps=None, matcher='index')",
        "mk.RuleSet([('', 'ab')]).run('', max_steps=None, max_length=1000, detect_cycles=True) and "
        "mk.RuleSet([('ab', 'ba'), ('ba', 'ab')]).run('ab' * 10**6, max_steps=None, detect_cycles=True)",
        "mk.RuleSet([('a', 'a')]).run_batch(['a', 'b', 'a', 'b'] * 50, max_steps=None, threads=3)",
        "mk.RuleSet([('a', 'a')]).run_batch(['b', 'a'], max_steps=None, threads=2)",
        "mk.RuleSet([('ba', 'ab')]).run_batch(['ba' * 60] * 10**6, threads=1)",
        "mk.RuleSet([('ba', 'ab')]).run_batch(['ba' * 60, 'ba'] * 10**6, threads=2)",
        "mk.run_rows([[('ba', 'ab')]] * 200_000, ['ba' * 200] * 200_000, threads=1)",
        "[mk.RuleSet([('a' * 10**5 + 'b', '')]).count('a' * 10**8) for _ in range(100)]",
        f"mk.Dataset(mk.Recipe.from_dict({LONG_RUNS}))[0]",
        f"mk.Dataset(mk.Recipe.from_dict({LONG_RUNS})).batch([0, 1], threads=2)",
    ],
)
def test_ctrl_c_ends_it_soon(call):
    """A child process runs the call; SIGINT must end it as KeyboardInterrupt, fast, and leave no thread."""
    program = f"""
        import threading, time
        import markovlib as mk
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", time.monotonic(), threading.active_count(), len(__import__("os").listdir("/proc/self/task")) if __import__("os").path.exists("/proc/self/task") else 1)
    """  # noqa: E501
    # numpy's own pool of threads would be counted too
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.7)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    word, when, python_threads, threads = out.split()
    assert word == "interrupted"
    assert (python_threads, threads) == ("1", "1")
    # The promise is 100 ms; a shared machine gets a wide margin, a lost signal would take for ever.
    assert float(when) - sent < 5


def calls():
    rules = [("ab", "bba"), ("bbbb", "a"), ("x", "")]
    word = "ab" * 400
    yield "compile", lambda: mk.RuleSet(rules)
    compiled = mk.RuleSet(rules)
    yield "run", lambda: compiled.run(word, max_length=5000, detect_cycles=True)
    yield "trace", lambda: list(compiled.trace(word, max_steps=50))
    yield "step", lambda: compiled.step(word)
    yield "findall", lambda: compiled.findall(word)
    yield "batch", lambda: compiled.run_batch([word] * 20, threads=2, max_steps=300)
    yield "rows", lambda: mk.run_rows([rules] * 20, [word] * 20, max_steps=300)
    yield "rewrite", lambda: mk.rewrite_once(["a"], ["bb"], [word] * 20, threads=2)


@pytest.mark.parametrize(("name", "call"), list(calls()), ids=lambda x: x if isinstance(x, str) else "")
def test_every_allocation_may_fail(name, call):
    failures = 0
    try:
        for n in range(1000):
            _core.fail_allocations_after(n)
            try:
                call()
                break
            except MemoryError:
                failures += 1
        else:
            pytest.fail("never succeeded")
    finally:
        _core.fail_allocations_after(-1)
    assert failures > 0, name
    call()


def test_memory_error_names_the_row():
    grow = mk.RuleSet([("a", "aa")])
    limits = np.array([10, 10, 10, 10**6])
    try:
        # The first three rows need few allocations; the last one grows until one fails.
        _core.fail_allocations_after(22)
        with pytest.raises(MemoryError, match="row 3: not enough memory"):
            grow.run_batch(["a"] * 4, max_length=limits, threads=1)
    finally:
        _core.fail_allocations_after(-1)


@pytest.mark.skipif("MARKOVLIB_SANITIZED" in os.environ, reason="the address sanitizer keeps freed memory for a while")
def test_failures_leak_nothing():
    """Resident memory after ten thousand failures is that after a thousand."""
    resource = pytest.importorskip("resource")

    def fail(times):
        for i in range(times):
            _core.fail_allocations_after(3 + i % 5)
            try:
                mk.RuleSet([("ab", "bba" * 50), ("c", "d")]).run("ab" * 5000, max_steps=50)
            except MemoryError:
                pass
            finally:
                _core.fail_allocations_after(-1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    early = fail(1000)
    assert fail(10_000) - early < 20_000  # KiB; one lost word each would be 100 MB


def test_a_run_survives_want_of_memory():
    u = mk.RuleSet([("a", "aa")]).runner("a", max_length=10_000)
    _core.fail_allocations_after(0)
    try:
        with pytest.raises(MemoryError):
            u.step(None)
    finally:
        _core.fail_allocations_after(-1)
    assert u.outcome is None
    u.step(None)
    assert len(u.word) == 10_000
