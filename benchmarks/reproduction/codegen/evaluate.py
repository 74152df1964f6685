"""Judges solutions of HumanEval's and MBPP's problems, and EvalPlus's, by running them in a sandbox.

    python -m reproduction.codegen.evaluate --problems HumanEval.jsonl.gz --samples samples.jsonl

Beside `samples.jsonl` two files are written: `samples_results.jsonl`, a line for each sample as soon as it is judged,
from which an interrupted evaluation goes on, and `samples_eval_results.json`, in the layout of EvalPlus.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from . import sandbox
from .inside.codec import decode
from .passk import mean_pass_at_k
from .problems import FormatError, Problem, Sample, read_problems, read_samples
from .sandbox import Limits, TooLittle, Unavailable

_T = TypeVar("_T")
_LONGEST = 86_400
_SLOWER = 4.0  # times that a solution may take what the reference takes, besides the limit


@dataclass(frozen=True)
class Result:
    """How a sample did: `base` and `plus` are "pass", "fail" or "timeout", `plus` None where there are no such tests.

    `plus` tests are not run where `base` ones did not pass, and count as failed.  `case` is the number of the call that
    went wrong, among those of its tests.
    """

    base: str
    plus: str | None = None
    detail: str = ""
    case: int | None = None


@dataclass(frozen=True)
class Expected:
    """What the reference makes of a problem's calls, encoded, and how many seconds it took."""

    base: list[Any]
    plus: list[Any]
    base_seconds: float = 0.0
    plus_seconds: float = 0.0


class Evaluator:
    """Judges samples one at a time, in any thread."""

    def __init__(self, problems: Mapping[str, Problem], limits: Limits, isolation: str) -> None:
        self.problems = problems
        self.limits = limits
        self.isolation = isolation
        self._expected: dict[str, Expected] = {}

    def prepare(self, task_id: str) -> None:
        """Works out what is expected of a problem's calls.  Raises FormatError where its reference fails."""
        problem = self.problems[task_id]
        if problem.program is None and task_id not in self._expected:
            base, plus = (self._collected(problem, inputs) for inputs in (problem.base, problem.plus))
            self._expected[task_id] = Expected(base[0], plus[0], base[1], plus[1])

    def judge(self, sample: Sample) -> Result:
        """The result of a sample.  Its problem is prepared."""
        problem = self.problems[sample.task_id]
        if problem.program is not None:
            found = self._run(sample.solution, {
                "kind": "program", "before": problem.before, "program": problem.program, "names": problem.names,
            })  # fmt: skip
            return Result(found["status"], None, found.get("detail", ""))
        expected = self._expected[sample.task_id]
        found = self._cases(problem, sample, problem.base, expected.base, expected.base_seconds)
        more = {"detail": found.get("detail", ""), "case": found.get("case")}
        if found["status"] != "pass" or not problem.plus:
            return Result(found["status"], "fail" if problem.plus else None, **more)
        found = self._cases(problem, sample, problem.plus, expected.plus, expected.plus_seconds)
        return Result("pass", found["status"], found.get("detail", ""), found.get("case"))

    def _collected(self, problem: Problem, inputs: Sequence[Any]) -> tuple[list[Any], float]:
        if not inputs:
            return [], 0.0
        work = {"kind": "collect", "entry_point": problem.entry_point, "inputs": inputs, "oracle": problem.oracle}
        found = self._run(problem.reference, work, _SLOWER * self.limits.seconds)
        if found["status"] != "pass":
            raise FormatError(f"{problem.task_id}: its own solution fails: {found.get('detail')}")
        return found["results"], found["seconds"]

    def _cases(
        self, problem: Problem, sample: Sample, inputs: Sequence[Any], expected: Sequence[Any], seconds: float
    ) -> dict[str, Any]:
        work = {
            "kind": "cases", "entry_point": problem.entry_point, "inputs": inputs, "expected": expected,
            "atol": problem.atol, "oracle": problem.oracle,
        }  # fmt: skip
        return self._run(sample.solution, work, self.limits.seconds + _SLOWER * seconds)

    def _run(self, code: str, work: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        return sandbox.run(
            {**work, "code": code, "seconds": seconds or self.limits.seconds}, self.limits, self.isolation
        )


def evaluate(
    problems: Mapping[str, Problem],
    samples: Sequence[Sample],
    limits: Limits,
    isolation: str,
    workers: int,
    stored: Path | None = None,
    progress: bool = False,
) -> list[Result]:
    """The results of samples, in their order, judged by so many at a time.

    Those in the file `stored` are taken over where problem, solution and limits are the same; each new one is added to
    it at once.  With `progress` a terminal shows how far it is.
    """
    keys = [_key(problems[sample.task_id], sample, limits, isolation) for sample in samples]
    known = dict(_stored(stored)) if stored is not None else {}
    evaluator = Evaluator(problems, limits, isolation)
    open_ = [i for i, key in enumerate(keys) if key not in known]
    with ThreadPoolExecutor(workers) as pool:
        try:
            needed = dict.fromkeys(samples[i].task_id for i in open_)
            preparing = [pool.submit(evaluator.prepare, name) for name in needed]
            for one in _bar(as_completed(preparing), len(needed), "references", progress):
                one.result()
            waiting = {pool.submit(evaluator.judge, samples[i]): i for i in open_}
            for future in _bar(as_completed(waiting), len(waiting), "samples", progress):
                number = waiting[future]
                known[keys[number]] = future.result()
                if stored is not None:
                    _add(stored, samples[number], keys[number], future.result())
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [known[key] for key in keys]


def _key(problem: Problem, sample: Sample, limits: Limits, isolation: str) -> str:
    parts = json.dumps([problem.digest, sample.solution, asdict(limits), isolation == "none"])
    return hashlib.sha256(parts.encode()).hexdigest()


def _stored(path: Path) -> Iterator[tuple[str, Result]]:
    """The results in a file; a last line that was cut short is passed over, and goes."""
    if not path.exists():
        return
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) != len(text):
        path.write_bytes(whole)
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            row = json.loads(line)
            yield row["key"], Result(row["base"], row["plus"], row["detail"], row["case"])
        except (ValueError, KeyError, TypeError):
            raise FormatError(f"{path}:{number}: is no result of this program; remove the file") from None


def _add(path: Path, sample: Sample, key: str, result: Result) -> None:
    row = {"task_id": sample.task_id, "number": sample.number, **asdict(result), "key": key}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


# ---- what comes out -------------------------------------------------------------------------------------------------


def pass_rates(samples: Sequence[Sample], results: Sequence[Result], ks: Iterable[int]) -> dict[str, dict[str, float]]:
    """Means of pass@k over problems, for base tests, and for base and plus tests together where there are any."""
    wanted = list(ks)
    counts: dict[str, list[int]] = {}
    for sample, result in zip(samples, results, strict=True):
        count = counts.setdefault(sample.task_id, [0, 0, 0])
        count[0] += 1
        count[1] += result.base == "pass"
        count[2] += result.base == "pass" and result.plus in ("pass", None)
    rates = {"base": mean_pass_at_k([(count[0], count[1]) for count in counts.values()], wanted)}
    if any(result.plus is not None for result in results):
        rates["plus"] = mean_pass_at_k([(count[0], count[2]) for count in counts.values()], wanted)
    return rates


def eval_results(
    problems: Mapping[str, Problem],
    samples: Sequence[Sample],
    results: Sequence[Result],
    ks: Iterable[int],
    digest: str,
) -> dict[str, Any]:
    """The results in the layout of EvalPlus's `eval_results.json`.

    Of failed tests, which EvalPlus lists by their arguments, there is the first.
    """
    listed: dict[str, list[dict[str, Any]]] = {}
    for sample, result in zip(samples, results, strict=True):
        problem = problems[sample.task_id]
        failed: dict[str, list[Any]] = {"base": [], "plus": []}
        if result.case is not None:
            which = "base" if result.base != "pass" else "plus"
            failed[which] = [_plain(getattr(problem, which)[result.case])]
        listed.setdefault(sample.task_id, []).append({
            "task_id": sample.task_id, "solution": sample.solution,
            "base_status": result.base, "plus_status": result.plus,
            "base_fail_tests": failed["base"], "plus_fail_tests": failed["plus"],
        })  # fmt: skip
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "hash": digest,
        "eval": listed,
        "pass_at_k": pass_rates(samples, results, ks),
    }


def _plain(arguments: Any) -> Any:
    """Arguments as JSON has them, what it has no way to write as Python would."""
    value = decode(arguments)
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return [repr(argument) for argument in value]
    return value


def _bar(items: Iterable[_T], total: int, title: str, wanted: bool) -> Iterable[_T]:
    """The items, with a bar on a terminal."""
    if not wanted or not sys.stderr.isatty() or not total:
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, title, total, console=Console(stderr=True), transient=True)


# ---- the command ----------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="reproduction.codegen.evaluate", description="Judges solutions by running them in a sandbox."
    )
    made.add_argument("--problems", type=Path, required=True, help="HumanEval, MBPP, HumanEval+ or MBPP+")
    made.add_argument("--samples", type=Path, help="rows of task_id and solution or completion, or EvalPlus's folders")
    made.add_argument("--reference", action="store_true", help="judge the problems' own solutions")
    made.add_argument("--out", type=Path, help="beginning of the names of the files written; default: the samples'")
    made.add_argument("--k", type=int, nargs="+", default=[1, 10, 100])
    made.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    made.add_argument("--timeout", type=float, default=Limits.seconds, help="seconds for all tests of a sample")
    made.add_argument("--memory", type=int, default=Limits.memory >> 20, help="MiB for all processes of a sample")
    made.add_argument("--processes", type=int, default=Limits.processes)
    made.add_argument("--partial", action="store_true", help="let problems be without samples, and leave them out")
    made.add_argument("--restart", action="store_true", help="judge everything anew")
    made.add_argument("--sandbox", choices=("auto", "namespaces", "bubblewrap"), default="auto")
    made.add_argument("--unsafe", action="store_true", help="run what nobody has read with limits but no sandbox")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 done, 2 bad input, 3 no sandbox."""
    options = parser().parse_args(arguments)
    try:
        return _command(options)
    except Unavailable as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except (FormatError, TooLittle, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return 130


def _command(options: argparse.Namespace) -> int:
    problems = read_problems(options.problems)
    samples = _samples(options, problems)
    limits = _limits(options)
    isolation = sandbox.available("none" if options.unsafe else options.sandbox)
    sandbox.check(limits, isolation)
    stored, report = _outputs(options)
    if options.restart:
        stored.unlink(missing_ok=True)
    results = evaluate(problems, samples, limits, isolation, options.workers, stored, progress=True)
    digest = hashlib.md5(options.problems.read_bytes(), usedforsecurity=False).hexdigest()
    made = eval_results(problems, samples, results, options.k, digest)
    partial = report.with_suffix(".partial")
    partial.write_text(json.dumps(made) + "\n", "utf-8")
    partial.replace(report)
    for which, rates in made["pass_at_k"].items():
        print(f"{which}: " + "  ".join(f"{name} {100 * value:.1f} %" for name, value in rates.items()))
    print(f"{report}: {len(samples)} samples of {len(made['eval'])} problems")
    return 0


def _limits(options: argparse.Namespace) -> Limits:
    if min(options.workers, options.memory, options.processes, *options.k) <= 0:
        raise FormatError("--workers, --memory, --processes and --k must be more than 0")
    if not 0 < options.timeout <= _LONGEST:
        raise FormatError(f"--timeout must be more than 0 and at most {_LONGEST:,} seconds")
    return replace(Limits(), seconds=options.timeout, memory=options.memory << 20, processes=options.processes)


def _samples(options: argparse.Namespace, problems: Mapping[str, Problem]) -> list[Sample]:
    if options.reference == (options.samples is not None):
        raise FormatError("give --samples or --reference, one of them")
    if options.reference:
        return [Sample(name, problem.reference) for name, problem in problems.items()]
    samples = read_samples(options.samples, problems)
    answered = {sample.task_id for sample in samples}
    without = [name for name in problems if name not in answered]
    if without and not options.partial:
        raise FormatError(
            f"{options.samples}: {len(without)} of {len(problems)} problems have no samples, {without[0]} among them; "
            "--partial leaves them out of the mean"
        )
    return samples


def _outputs(options: argparse.Namespace) -> tuple[Path, Path]:
    if options.out is not None:
        begin = options.out
    elif options.samples is None:
        begin = Path("reference")
    elif options.samples.is_dir():
        return options.samples / "results.jsonl", options.samples / "eval_results.json"
    else:
        begin = options.samples.with_name(options.samples.name.removesuffix(".gz").removesuffix(".jsonl"))
    return begin.with_name(f"{begin.name}_results.jsonl"), begin.with_name(f"{begin.name}_eval_results.json")


if __name__ == "__main__":
    sys.set_int_max_str_digits(0)  # EvalPlus's problems of MBPP have integers of many digits.
    sys.exit(main())
