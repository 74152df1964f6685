"""Which package the tests test, and where they find what they share."""

import gc
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest
from effort import tries
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"


def choose_package() -> None:
    """Let the tests, and the processes they start, import one and the same markovlib.

    `pytest` tests the installed package.  `python -m pytest` puts the working folder first on sys.path, where
    a source tree that is not built would hide the installed package: then the tree is taken off again.
    """
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    built = any((ROOT / "markovlib").glob("_*.so"))
    if not built and PathFinder.find_spec("markovlib", elsewhere) is not None:
        sys.path[:] = elsewhere
    spec = importlib.util.find_spec("markovlib")
    if spec is None or spec.origin is None:
        pytest.exit("markovlib is not installed: pip install '.[test]'", returncode=4)
    os.environ["PYTHONSAFEPATH"] = "1"
    if Path(spec.origin).is_relative_to(ROOT / "markovlib"):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


choose_package()

# A shell starts its background jobs with SIGINT ignored, and children inherit that: tests of Ctrl-C need it heard.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A deadline measures the machine and not the code: a sanitized build is many times slower.
settings.register_profile("markovlib", deadline=None, max_examples=tries(100))
settings.load_profile("markovlib")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Workers take neighbours, and steal at the end: what a module's tests share is mostly made once, not by each."""
    if config.getoption("dist") != "load":  # what `-n auto` alone asks for
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


def pytest_collection_finish() -> None:
    """Leaves out of garbage collection what is there already: among thousands of tests `gc.collect()` takes half a
    second, and many tests call it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _leave_out_what_is_there() -> Iterator[None]:
    """The same of what the tests of a module have left behind."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of other people's programs, which is not part of the project.

    It is $MARKOVLIB_CORPUS, or ../shared/corpus beside the repository; without it the test is skipped.
    """
    stated = os.environ.get("MARKOVLIB_CORPUS")
    folder = Path(stated) if stated else CORPUS
    if (folder / "programs.jsonl").is_file():
        return folder
    if stated:
        pytest.fail(f"MARKOVLIB_CORPUS={stated}: there is no programs.jsonl")
    pytest.skip(f"NO CORPUS at {CORPUS}: other people's programs are not tested (set MARKOVLIB_CORPUS)")
