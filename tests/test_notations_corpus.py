"""Other people's rule files, each read in the notation that the corpus' index says, and run on the known words.

What ordered rules cannot say is refused, at a place and with a reason that the table here states.
"""

from __future__ import annotations

import json

import pytest

import markovlib as mk
from markovlib.notations import NotationError, detect, load_rules, parse

# The notation of each folder; a file that needs another one, or an option, is named.
FOLDERS = {
    "A=B": "a2b", "AlgorithmsTheory": "json-pairs", "Chebanny": "two-alphabets", "CoolRubyGem": "braces",
    "Kaptch": "slashes", "Kiyomi": "colon-packed", "Muratam": "mao-escapes", "NickYurchak": "json-samples",
    "Nolan": "underscore-words", "Pilipets": "alphabet-sets", "RullDeef": "schemes alphabet=abc",
    "Stef4nio": "flags", "VladaMamutova": "dot-alone", "YAD_t": "yad", "alsoalgo": "input-first",
    "amoilanen": "greater", "amylase": "mao", "andrej-shaikin": "tight", "anythingand42": "dot-last",
    "artandfi": "dot-packed", "codeforces301C": "codeforces", "comprock15": "eps", "demiler": "hash-anywhere",
    "faraui": "faraui", "formalgo": "knuth", "fp-logicians": "logicians", "itskava": "columns underscore=empty",
    "joseocampo": "alphabet-line", "json-project": "json-strings", "kmyk": "colon-trimmed", "mao-notes": "mao",
    "mao-oracle": "mao-comments", "markalgo": "markalgo", "marthue": "marthue", "redpwn": "substitution",
    "rosetta": "rosetta", "s1m0000n": "repl", "stas1f1": "eps-words", "stasana666": "double-packed",
    "stepzak": "tight", "susu": "quoted", "suvorovroman": "tight", "thue": "thue", "turingmarkov": "turingmarkov",
    "xonixx": "semicolon", "xonixx_enhanced": "classes",
}  # fmt: skip
FILES = {
    "RullDeef/iseven.txt": "schemes alphabet=01",
    "formalgo/mult.fasm": "knuth-assembler",
    "marthue/calculator.m": "marthue hash=letter",
}
CYRILLIC = "encoding=cp1251"

# How many files of a folder are refused, and what the reason says.
REFUSED = {
    "A=B": (8, "the keyword"),
    "RullDeef": (2, "a named algorithm"),
    "faraui": (9, "a list of rule files"),
    "formalgo": (3, "no state beside the word"),
    "thue": (5, "ordered rules have no"),
    "xonixx_enhanced": (6, "ordered rules can"),
}

# Read, but without a case in programs.jsonl.
WITHOUT_CASES = {"CoolRubyGem/README.txt", "RullDeef/README_double.txt", "fp-logicians/example.alg.txt"}


def notation_of(file):
    if "faraui/sequence_" in file:
        return "pipeline"
    return FILES.get(file) or FOLDERS[file.split("/")[0]]


def load(path, file):
    """The rules; a file that is not UTF-8 is read as the Windows code page of its author."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return load_rules(path, f"{notation_of(file)} {CYRILLIC}")
    return load_rules(path, notation_of(file))


@pytest.fixture(scope="module")
def raw(corpus):
    """(file, path) of every raw file of the index."""
    folder = corpus / "raw"
    files = [entry["file"] for entry in json.loads((folder / "index.json").read_text("utf-8"))]
    assert len(files) == len(set(files)) == 174
    return [(file, folder / file) for file in files]


@pytest.fixture(scope="module")
def readings(raw):
    found = {}
    for file, path in raw:
        try:
            found[file] = load(path, file)
        except NotationError as error:
            found[file] = error
    return found


def test_every_file_is_read_or_refused_with_its_reason(readings):
    refused = {file: error for file, error in readings.items() if isinstance(error, NotationError)}
    for folder, (count, reason) in REFUSED.items():
        errors = [error for file, error in refused.items() if file.startswith(f"{folder}/")]
        assert len(errors) == count, folder
        assert all(reason in error.message and error.line and error.column for error in errors), errors
    assert len(refused) == sum(count for count, _ in REFUSED.values())


def test_every_file_that_is_read_has_the_rules_of_the_corpus_and_its_cases_pass(corpus, readings):
    """The rules are equal to those that the corpus' authors wrote down for the file, and give their results."""
    cases = {}
    with (corpus / "programs.jsonl").open(encoding="utf-8") as lines:
        for case in map(json.loads, lines):
            cases.setdefault(json.dumps(case["rules"]), []).append(case)
    without, passed, files = set(), 0, 0
    for file, rules in readings.items():
        if isinstance(rules, NotationError):
            continue
        found = cases.get(json.dumps([list(rule) for rule in rules]), [])
        without |= set() if found else {file}
        files += bool(found)
        rule_set = mk.RuleSet(rules)
        for case in found:
            if (case["steps"] or 0) < 2_000_000:
                check(rule_set, case)
                passed += 1
    assert without <= WITHOUT_CASES
    assert files >= 138
    assert passed >= 790


def check(rule_set, case):
    if case.get("nonterminating"):
        assert not rule_set.run(case["input"], max_steps=20_000, max_length=100_000).halted, case["name"]
        return
    result = rule_set.run(case["input"], max_steps=None)
    assert (result.word, result.steps) == (case["expected"], case["steps"]), case["name"]


def test_the_files_survive_their_own_notation_and_arrow(readings):
    for file, rules in readings.items():
        if not isinstance(rules, NotationError):
            for name in ("arrow", notation_of(file)):
                assert mk.RuleSet(parse(mk.RuleSet(rules).format(name), name)) == mk.RuleSet(rules), (file, name)


# The files whose notation is not proposed: what is said of them instead.
MISTAKEN = {
    "Kiyomi/2digit_sort.ma": None,  # its comments hold an arrow, '-->'
    "amoilanen/subtraction.mar": None,  # the pattern '-' before the arrow '>' looks like '->'
    "Muratam/cat.mao": None,  # the empty file
    "xonixx/alg_repeat.txt": None,  # some rules begin with '#', and look like comments
    "xonixx/doubling_decimal.txt": None,  # a colon in a comment
}


def test_detection_proposes_the_notation_of_nearly_every_file(raw):
    """At least as many as when this was written: right, or another notation that reads the very same rules."""
    wrong = {}
    right = same = 0
    for file, path in raw:
        data = path.read_bytes()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("cp1251")
        wanted, found = notation_of(file).split()[0], detect(text)
        assert found.reasons
        right += found.notation == wanted
        same += found.notation != wanted and wanted in found.same
        if found.notation != wanted and wanted not in found.same:
            wrong[file] = found.notation
    print(f"detected: {right} right, {same} by another notation with the same rules, {len(wrong)} wrong of {len(raw)}")
    assert wrong == MISTAKEN
    assert right >= 162
