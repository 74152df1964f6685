"""How much a test tries: `make test-thorough` three times as much as `make test`, a sanitized run a third of it."""

import os

THOROUGH = os.environ.get("MARKOVLIB_THOROUGH") == "1"
SANITIZED = "MARKOVLIB_SANITIZED" in os.environ


def tries(most: int) -> int:
    """Examples of a property: `most` in thorough runs, a third of it in others, which differ from run to run."""
    parts = 1 if THOROUGH else 9 if SANITIZED else 3
    return -(-most // parts)
