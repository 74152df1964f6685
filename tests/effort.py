"""How much a test tries: `make test-thorough` three times as much as `make test`."""

import os

THOROUGH = os.environ.get("MARKOVLIB_THOROUGH") == "1"


def tries(most: int) -> int:
    """Examples of a property: `most` in thorough runs, a third of it in others, which differ from run to run."""
    return most if THOROUGH else -(-most // 3)
