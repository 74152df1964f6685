"""libsemigroups as an engine: it rewrites by rules that a shortlex order directs, so only `ba -> ab` is asked of it."""

from __future__ import annotations

from cases import Case
from contenders import Prepared, Unable, module


def prepare(kind: str, case: Case) -> Prepared:
    if kind != "run" or [rule[:2] for rule in case.rules] != [("ba", "ab")]:
        raise Unable("has no order of rules and no step limit")
    library = module("libsemigroups_pybind11")
    presentation = library.Presentation("ab")
    library.presentation.add_rule(presentation, "ba", "ab")
    system = library.KnuthBendix(library.congruence_kind.twosided, presentation)
    quiet = library.ReportGuard(False)
    system.run()
    del quiet
    return Prepared(lambda: case.words, lambda words, _: [system.reduce_no_run(word) for word in words])
