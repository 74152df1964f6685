"""Sphinx configuration: MyST Markdown, one page per topic, and the reference from the docstrings."""

import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]

project = PROJECT["name"]
release = PROJECT["version"]
author = "The markovlib contributors"

extensions = ["myst_parser", "sphinx.ext.autodoc"]
autodoc_typehints = "none"
default_role = "code"  # docstrings write `name` for code
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {release}"
