"""Executors whose workers die: what a cluster's do for reasons of their own, here at a chosen moment.

Workers import this module to run what they are sent; PYTHONPATH must lead them here.
"""

import os
import signal
import time
from concurrent.futures import Executor
from pathlib import Path

MOMENTS = ("writing", "written", "placed")


class Sabotaged(Executor):
    """Runs calls on another executor; the worker that is given shard `number` dies, once or `times` times."""

    def __init__(self, inner, flags, number, moment, times=1):
        self._inner = inner
        self._flags = [str(flags / f"killed-{n}") for n in range(times)]
        self._number = number
        self._moment = moment

    def submit(self, fn, /, *args):
        return self._inner.submit(sabotaged, self._flags, self._number, self._moment, fn, *args)


def sabotaged(flags, target, moment, fn, job, number, *rest):
    """Make a shard; kill this process while it writes, before the files are sealed, or when it could have answered."""
    if number != target or not any(map(taken, flags)):
        return fn(job, number, *rest)
    from markovlib import files

    if moment == "writing":
        files.WholeFile.write = kill
    elif moment == "written":
        files.WholeFile.seal = kill
    fn(job, number, *rest)
    return kill()


def taken(flag):
    """Tell whether this process is the first to ask."""
    try:
        Path(flag).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def kill(*_):
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)
