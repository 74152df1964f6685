"""Maude as an engine: a word is a nest of unary operators, which its rewriting is fastest on."""

from __future__ import annotations

from typing import Any

from cases import Case
from contenders import Prepared, Unable, module

SORT = """
fmod SORT is
  sort Word . op end : -> Word [ctor] . ops a b : Word -> Word [ctor] .
  var X : Word . eq b(a(X)) = a(b(X)) .
endfm
"""


def prepare(kind: str, case: Case) -> Prepared:
    if kind != "run" or [rule[:2] for rule in case.rules] != [("ba", "ab")]:
        raise Unable("has no order of rules and no step limit")
    maude = module("maude")
    maude.init(advise=False)
    maude.input(SORT)
    theory = maude.getModule("SORT")
    word_kind = theory.findSort("Word").kind()
    operators = {letter: theory.findSymbol(letter, [word_kind], word_kind) for letter in "ab"}

    def term_of(word: str) -> Any:
        term = theory.parseTerm("end")
        for letter in reversed(word):
            term = operators[letter].makeTerm([term])
        return term

    def reduced(terms: list[Any], _: int | None) -> list[Any]:
        for term in terms:
            term.reduce()
        return terms

    def read(terms: list[Any]) -> list[str]:
        return ["".join(letter for letter in str(term) if letter in "ab") for term in terms]

    return Prepared(lambda: [term_of(word) for word in case.words], reduced, read)
