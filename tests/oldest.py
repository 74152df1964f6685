"""Prints, as constraints for pip, the lowest versions that pyproject.toml admits (`make test-oldest`)."""

import re
import tomllib
from pathlib import Path

EXTRAS = ("analysis", "plots", "testing", "test")


def constraints() -> list[str]:
    """`name==version` for each `name>=version` of the package and of what its tests need."""
    project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(one for extra in EXTRAS for one in project["optional-dependencies"][extra])]
    return [f"{found[1]}=={found[2]}" for one in asked if (found := re.fullmatch(r"([\w.-]+)>=([\d.]+)", one))]


if __name__ == "__main__":
    print(*constraints(), sep="\n")
