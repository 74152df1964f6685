"""The first name of `markovlib.notations`, kept for programs that import it."""

from markovlib.notations import NotationError, format, load_located, load_rules, names, parse, parse_located

__all__ = ["NotationError", "format", "load_located", "load_rules", "names", "parse", "parse_located"]
