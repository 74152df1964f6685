"""Reading and writing rule files, in a notation that is always chosen and never guessed.

Works on plain (pattern, replacement, terminal) triples.  The notations are described in docs/notation.md.
"""

from markovlib.notations.conversion import Conversion, convert
from markovlib.notations.detection import Detection, detect
from markovlib.notations.files import load_located, load_rules, save_rules
from markovlib.notations.reading import format, input_words, parse, parse_located
from markovlib.notations.registry import names
from markovlib.notations.source import NotationError

__all__ = [
    "Conversion",
    "Detection",
    "NotationError",
    "convert",
    "detect",
    "format",
    "input_words",
    "load_located",
    "load_rules",
    "names",
    "parse",
    "parse_located",
    "save_rules",
]
