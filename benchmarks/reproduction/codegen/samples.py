"""Lets a model write solutions of problems, for `evaluate` to judge.

    python -m reproduction.codegen.samples --model tuned --problems HumanEval.jsonl.gz --out samples.jsonl

One sample for each problem, by greedy decoding, or `--samples` of them at a `--temperature`.  A file that is there
already is gone on with.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .codegen import RECORD, TEMPLATE, Refused
from .problems import FormatError, Problem, read_problems, read_samples

REQUEST = "Write a Python function that does this. Answer with the whole function.\n\n```python\n{prompt}\n```"
_BLOCK = re.compile(r"^[^\S\n]*```[^\n`]*\n(.*?)(?:^[^\S\n]*```|\Z)", re.DOTALL | re.MULTILINE)
_FUTURE = re.compile(r"^from __future__ import .*\n", re.MULTILINE)
_ENDS = re.compile(r"\n(?=(?:if __name__|print\(|assert |>>>|### |<\|))")


def solution_in(answer: str, problem: Problem) -> str:
    """The program in an answer: its first block of code that has the function asked for, or the first of all, or all of
    it; behind the prompt, unless it has the function.

    What follows the function and is not a function, such as calls that show it, is cut off.
    """
    asked = re.compile(rf"^(?:async )?def {re.escape(problem.entry_point)}\b", re.MULTILINE)
    blocks = _BLOCK.findall(answer) or [answer]
    code = next(filter(asked.search, blocks), blocks[0])
    whole = asked.search(code)
    end = _ENDS.search(code, whole.end() if whole else 0)
    code = (code[: end.start()] if end else code).rstrip() + "\n"
    if not whole:
        return problem.prompt + code
    first = "".join(_FUTURE.findall(code)) + _imports(problem.prompt)
    return f"{first}\n{_FUTURE.sub('', code)}" if first else code


def _imports(prompt: str) -> str:
    """The imports that a prompt begins with, which an answer need not repeat."""
    return "\n".join(line for line in prompt.splitlines() if re.match(r"(?:from \S+ )?import ", line))


def write(
    problems: dict[str, Problem], answers: Callable[[str, int], list[str]], samples: int, template: str, out: Path
) -> int:
    """Adds the samples that are missing to a file; how many that were.

    `answers(prompt, count)` are what a model answers to a prompt.
    """
    there = Counter(sample.task_id for sample in read_samples(out, problems)) if out.exists() else Counter()
    made = 0
    with out.open("a", encoding="utf-8") as file:
        for task_id, problem in problems.items():
            missing = samples - there[task_id]
            if missing <= 0:
                continue
            request = template.replace("{prompt}", REQUEST.replace("{prompt}", problem.prompt.strip()))
            for answer in answers(request, missing):
                file.write(json.dumps({"task_id": task_id, "solution": solution_in(answer, problem)}) + "\n")
                made += 1
            file.flush()
    return made


def model_answers(folder: str, length: int, temperature: float, seed: int) -> Callable[[str, int], list[str]]:
    """What a model of transformers answers; greedily where the temperature is 0."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise Refused(f"{error}: pip install '.[codegen]' in the clone of markovlib") from None

    torch.manual_seed(seed)
    place = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").to(place).eval()
    chosen: dict[str, Any] = (
        {"do_sample": False} if temperature == 0 else {"do_sample": True, "temperature": temperature}
    )

    def answers(prompt: str, count: int) -> list[str]:
        given = tokenizer(prompt, return_tensors="pt").to(place)
        with torch.no_grad():
            made = model.generate(
                **given, **chosen, max_new_tokens=length, num_return_sequences=count,
                pad_token_id=tokenizer.pad_token_id or tokenizer.eos_token_id,
            )  # fmt: skip
        return list(tokenizer.batch_decode(made[:, given["input_ids"].shape[1] :], skip_special_tokens=True))

    return answers


def template_of(folder: str) -> str:
    """The template that a model was tuned with."""
    record = Path(folder) / RECORD
    if not record.exists():
        return TEMPLATE
    return str(json.loads(record.read_text("utf-8"))["tuning"]["template"])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 done, 2 bad input."""
    made = argparse.ArgumentParser(prog="reproduction.codegen.samples", description="Lets a model write solutions.")
    made.add_argument("--model", required=True)
    made.add_argument("--problems", type=Path, required=True)
    made.add_argument("--out", type=Path, required=True)
    made.add_argument("--samples", type=int, default=1)
    made.add_argument("--temperature", type=float, default=0.0)
    made.add_argument("--length", type=int, default=512, help="the most tokens of an answer")
    made.add_argument("--seed", type=int, default=0)
    options = made.parse_args(arguments)
    try:
        if options.samples > 1 and options.temperature == 0:
            raise Refused("greedy answers are all the same: give a --temperature for more than one sample")
        problems = read_problems(options.problems)
        answers = model_answers(options.model, options.length, options.temperature, options.seed)
        count = write(problems, answers, options.samples, template_of(options.model), options.out)
    except (FormatError, Refused, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: {count} samples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
