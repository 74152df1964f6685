"""Where the tests find what they share."""

import os
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


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
