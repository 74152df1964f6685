"""Deliberate faults in copies of the engine: the public strategies must find every one within 3,000 examples.

Each faulty source is compiled alone and linked with the sound rest, leaves and nodes small as in `make
ctest-small-trees`.  The library runs in another process, in every way that the engine has of running a rule set, so
that one that crashes or never ends is only found.  `make test-mutants` shows how many examples and seconds each took.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from mutants import C_MUTANTS, FEW, ORACLE_MUTANTS, SURVIVORS, Mutant, OracleMutant

from markovlib.testing import CommandEngine, EngineError, check, oracle, runs

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = 3000
BOTH = ("markov", "leftmost")
FLAGS = ["-std=c11", "-O0", "-fPIC", "-w", "-pthread", "-DMK_LEAF=8", "-DMK_FAN=4", "-DMK_CYCLE_LETTERS=0"]
# What runs and batches need of the engine; the rest makes data.
PARTS = [
    "automaton", "batch", "cycle", "dispatch", "find", "hash", "lanes", "matcher_bits", "matcher_index", "matcher_scan",
    "memory", "meter", "parallel", "replay", "ruleset", "run", "search", "trace", "tree", "twoway", "word",
    "arch/aarch64", "arch/lanes", "arch/scalar", "arch/x86_64",
]  # fmt: skip
# Kernels that only data need, which are long to compile: dispatch.c names them.
KERNELS = [
    f"mk_{what}_{arch}" for what in ("rows", "philox", "permute") for arch in ("scalar", "avx2", "avx512", "neon")
]
KERNELS += ["mk_probe_avx2", "mk_probe_avx512", "mk_probe_neon"]

SHORT = runs("ab", kind="bytes", detect_cycles=None, strategies=BOTH)
MIDDLE = runs(
    "ab", kind="bytes", count=(1, 4), word_size=40, max_steps=60, max_length=80, detect_cycles=None, strategies=BOTH
)
LONG = runs(
    "ab", kind="bytes", count=(1, 4), pattern_size=4, replacement_size=5, word_size=100, max_steps=200, max_length=160,
    detect_cycles=None, strategies=BOTH,
)  # fmt: skip
# Rules that keep lengths: most of their runs end in a cycle, some after many steps.
CYCLES = runs(
    "ab", kind="bytes", count=(2, 4), pattern_size=(1, 2), replacement_size=(1, 2), terminals=False, word_size=30,
    max_steps=(40, 100), max_length=None, detect_cycles=True, strategies=BOTH,
)  # fmt: skip
TEXT = runs("aé☃", detect_cycles=None, strategies=BOTH)


def find_fault(engine: Any, cases: Any, examples: int = EXAMPLES) -> tuple[int, Exception] | None:
    """How many examples it took to find that the engine is wrong, and how that showed; None: so many did not."""
    asked, found = 0, None

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def search(run: Any) -> None:
        nonlocal asked, found
        if found is None:
            asked += 1
            try:
                check(engine, run.rules, run.word, run.limits)
            except Exception as error:
                found = error
        if found is not None:
            raise found

    try:
        search()
    except Exception:
        assert found is not None
        return asked, found
    return None


class Build:
    """A copy of the engine's sources and their objects, of which one file at a time is replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources = folder / "csrc"
        shutil.copytree(ROOT / "csrc", self.sources)
        (self.sources / "absent.c").write_text(f"char {', '.join(KERNELS)};\n")
        self.objects = {name: self.compile(name, folder / "sound") for name in map("{}.c".format, [*PARTS, "absent"])}

    def compile(self, name: str, to: Path) -> Path:
        target = (to / name.replace("/", "-")).with_suffix(".o")
        to.mkdir(exist_ok=True)
        includes = [f"-I{self.sources}", f"-I{self.sources / 'include'}"]
        command = ["cc", *FLAGS, *includes, "-MMD", "-c", "-o", target, self.sources / name]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{name} does not compile:\n{done.stderr}"
        return target

    def link(self, objects: dict[str, Path], name: str) -> Path:
        library = self.folder / name
        subprocess.run(["cc", "-shared", "-pthread", "-o", library, *objects.values(), "-lm"], check=True)
        return library

    def sound(self) -> Path:
        return self.link(self.objects, "sound.so")

    def faulty(self, mutant: Mutant) -> Path:
        """The library with one fault.  A text that is not there once, or does not compile, fails the test."""
        file = self.sources / mutant.file
        text = file.read_text()
        assert text.count(mutant.old) == 1, f"{mutant.file} has {text.count(mutant.old)} times {mutant.old!r}"
        try:
            file.write_text(text.replace(mutant.old, mutant.new))
            changed = [name for name, made in self.objects.items() if self.depends(name, made, file)]
            assert changed, f"nothing is made of {mutant.file}"
            objects = {**self.objects, **{name: self.compile(name, self.folder / "faulty") for name in changed}}
            return self.link(objects, "faulty.so")
        finally:
            file.write_text(text)

    def depends(self, name: str, made: Path, file: Path) -> bool:
        return self.sources / name == file or str(file) in made.with_suffix(".d").read_text().split()


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    if shutil.which("cc") is None or not (ROOT / "csrc").is_dir():
        pytest.skip("no C compiler, or no sources of the engine")
    return Build(tmp_path_factory.mktemp("mutants"))


def engine_of(library: Path) -> CommandEngine:
    program = str(Path(__file__).with_name("mutant_engine.py"))
    return CommandEngine([sys.executable, program, str(library)], timeout=10)


@pytest.fixture(scope="module")
def report() -> Iterator[list[str]]:
    lines: list[str] = []
    yield lines
    print("\n".join(["", *sorted(lines)]))


@pytest.mark.parametrize("examples", [50, pytest.param(EXAMPLES, marks=pytest.mark.slow)])
def test_the_engine_without_a_fault_is_not_found(build: Build, examples: int) -> None:
    with engine_of(build.sound()) as engine:
        assert find_fault(engine, SHORT | MIDDLE | LONG | CYCLES, examples) is None


@pytest.mark.parametrize("mutant", C_MUTANTS if "MARKOVLIB_EVERY_MUTANT" in os.environ else FEW, ids=lambda m: m.name)
def test_every_fault_is_found(build: Build, report: list[str], mutant: Mutant) -> None:
    start = time.perf_counter()
    library = build.faulty(mutant)
    compiled = time.perf_counter()
    with engine_of(library) as engine:
        found = find_fault(engine, SHORT | MIDDLE | LONG | CYCLES)
    if found is None and mutant.name in SURVIVORS:
        report.append(f" {EXAMPLES}+ examples  not found  {mutant.name}")
        pytest.xfail("a survivor")
    assert found is not None, f"{EXAMPLES} examples did not find: {mutant.name}"
    asked, error = found
    how = str(error).partition(": ")[2][:40] if isinstance(error, EngineError) else "not the oracle's answer"
    end = time.perf_counter()
    report.append(f"{asked:5} examples  {compiled - start:4.1f} + {end - compiled:4.1f} s  {mutant.name}: {how}")


def test_the_table_of_faults() -> None:
    names = {mutant.name for mutant in C_MUTANTS}
    assert len(names) == len(C_MUTANTS)
    assert names >= SURVIVORS
    assert len(names - SURVIVORS) >= 60


def faulty_oracle(mutant: OracleMutant) -> Any:
    source = Path(str(oracle.__file__)).read_text("utf-8")
    assert source.count(mutant.old) == 1
    module = ModuleType("faulty_oracle")
    exec(compile(source.replace(mutant.old, mutant.new), module.__name__, "exec"), vars(module))
    return lambda rules, word, limits: module.run(rules, word, *limits)


@pytest.mark.parametrize("mutant", ORACLE_MUTANTS, ids=lambda mutant: mutant.name)
def test_every_fault_of_the_oracle_is_found(mutant: OracleMutant) -> None:
    assert find_fault(faulty_oracle(mutant), SHORT | TEXT) is not None
