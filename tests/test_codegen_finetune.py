"""From a mixture to a fine-tuned model and its samples, with a tiny model that starts from noise.

Needs the extra `codegen`; nothing is downloaded: model and tokenizer are made here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mixing_files import alpaca, oss, write_json, write_jsonl
from reproduction.codegen import codegen, samples
from reproduction.codegen.problems import read_problems

PROBLEM = {
    "task_id": "Tiny/0",
    "prompt": 'import math\n\ndef area(r):\n    """The area of a circle whose radius is r, as a float, as is."""\n',
    "entry_point": "area",
    "canonical_solution": "    return math.pi * r * r\n",
    "test": "def check(candidate):\n    assert abs(candidate(1) - 3.14159) < 1e-3\n",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources of a mixture, one row of which is a problem of the evaluation."""
    folder = tmp_path_factory.mktemp("data")
    leaked = {"lang": "python", "problem": f"Please do this.\n{PROBLEM['prompt']}", "solution": "no"}
    write_jsonl(folder / "oss.jsonl", [*oss(60), leaked])
    write_json(folder / "alpaca.json", alpaca(40))
    write_jsonl(folder / "eval.jsonl", [PROBLEM])
    return folder


def options(*arguments: str) -> Any:
    return codegen.parser().parse_args([*arguments, "--model", "m", "--out", "o"])


# ---- what is trained on ---------------------------------------------------------------------------------------------


def test_a_preset_becomes_rows_without_those_of_the_evaluation(data: Path) -> None:
    sources = [f"--source=oss={data / 'oss.jsonl'}", f"--source=alpaca={data / 'alpaca.json'}"]
    mixture = codegen.open_mixture(
        options("paper/code-15k-5k", *sources, f"--against={data / 'eval.jsonl'}", "--examples=80")
    )
    assert mixture.quotas == {"oss": 60, "alpaca": 20}
    assert mixture.counts["sources"]["oss"]["contaminated"] == 1
    rows = codegen.rows_of(mixture, codegen.TEMPLATE)
    assert len(rows["prompt"]) == len(rows["completion"]) == 80
    assert rows["prompt"][3] == f"### Instruction:\n{mixture[3].prompt}\n\n### Response:\n"
    assert not any("circle" in prompt for prompt in rows["prompt"])


def test_training_on_the_evaluation_must_be_asked_for(data: Path) -> None:
    sources = [f"--source=oss={data / 'oss.jsonl'}"]
    with pytest.raises(codegen.Refused, match="name the evaluations with --against"):
        codegen.open_mixture(options("paper/code-20k-0", *sources, "--examples=60"))
    assert len(codegen.open_mixture(options("paper/code-20k-0", *sources, "--examples=60", "--contaminated"))) == 60


def test_a_folder_is_taken_as_it_was_written(data: Path, tmp_path: Path) -> None:
    source = f"--source=oss={data / 'oss.jsonl'}"
    clean = codegen.open_mixture(
        options("paper/code-20k-0", source, f"--against={data / 'eval.jsonl'}", "--examples=50")
    )
    clean.write(tmp_path / "clean")
    stored = codegen.open_mixture(options(str(tmp_path / "clean")))
    assert codegen.rows_of(stored, "{prompt}") == codegen.rows_of(clean, "{prompt}")
    with pytest.raises(codegen.Refused, match="is written already"):
        codegen.open_mixture(options(str(tmp_path / "clean"), source))
    other = codegen.open_mixture(options("paper/code-20k-0", source, "--examples=50", "--contaminated"))
    other.write(tmp_path / "other")
    with pytest.raises(codegen.Refused, match="was not decontaminated"):
        codegen.open_mixture(options(str(tmp_path / "other")))
    assert len(codegen.open_mixture(options(str(tmp_path / "other"), "--contaminated"))) == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paper/code-20k-0", "--source", "oss"], "--source oss: must be NAME=PATH"),
        (["no-such-mixture", "--against", "x"], "no-such-mixture"),
        (["paper/code-20k-0", "--template", "x"], "--template: must have {prompt}"),
        (["paper/code-20k-0", "--batch", "6"], "--batch: must be a multiple of --at-once, 4, got 6"),
        (["paper/code-20k-0", "--batch", "0"], "--batch: must be a multiple"),
    ],
)
def test_bad_commands_say_so(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = [] if "--against" in arguments else ["--contaminated"]
    assert codegen.main([*arguments, *more, "--model", "m", "--out", "o"]) == 2
    assert message in capsys.readouterr().err


# ---- what a model answers -------------------------------------------------------------------------------------------

WHOLE = "def area(r):\n    return math.pi * r ** 2\n"


@pytest.mark.parametrize(
    ("answer", "solution"),
    [
        (f"Here:\n```python\n{WHOLE}\nprint(area(2))\n```\nDone.", f"import math\n{WHOLE}"),
        (WHOLE + "\nif __name__ == '__main__':\n    area(3)\n", f"import math\n{WHOLE}"),
        (f"```\nfrom math import pi\n{WHOLE}", f"import math\nfrom math import pi\n{WHOLE}"),
        ("    return math.pi * r ** 2\n\nassert area(1)", PROBLEM["prompt"] + "    return math.pi * r ** 2\n"),
        ("```python\n    return 3\n```", PROBLEM["prompt"] + "    return 3\n"),
        (f"```bash\npip install x\n```\nThen:\n```Python3\n{WHOLE}```\n```\n7\n```", f"import math\n{WHOLE}"),
        (f"### The area\n{WHOLE}\n### Done\nnot code", f"import math\n### The area\n{WHOLE}"),
        (
            f"```py\nfrom __future__ import annotations\n{WHOLE}```",
            f"from __future__ import annotations\nimport math\n{WHOLE}",
        ),
    ],
)
def test_the_program_in_an_answer(answer: str, solution: str, data: Path) -> None:
    problem = read_problems(data / "eval.jsonl")["Tiny/0"]
    assert samples.solution_in(answer, problem) == solution


def test_missing_samples_are_added(data: Path, tmp_path: Path) -> None:
    problems = read_problems(data / "eval.jsonl")
    asked: list[tuple[str, int]] = []

    def answers(prompt: str, count: int) -> list[str]:
        asked.append((prompt, count))
        return [WHOLE] * count

    out = tmp_path / "samples.jsonl"
    assert samples.write(problems, answers, 2, "Do: {prompt}!", out) == 2
    assert samples.write(problems, answers, 2, "Do: {prompt}!", out) == 0
    assert samples.write(problems, answers, 5, "Do: {prompt}!", out) == 3
    assert [count for _, count in asked] == [2, 3]
    assert asked[0][0].startswith("Do: Write a Python function")
    assert PROBLEM["prompt"].strip() in asked[0][0]
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows == [{"task_id": "Tiny/0", "solution": f"import math\n{WHOLE}"}] * 5


# ---- end to end -----------------------------------------------------------------------------------------------------


def tiny_model(folder: Path, texts: list[str]) -> str:
    """A model of one layer and a tokenizer of bytes and their pairs, neither of which knows anything."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    learned = ByteLevelBPETokenizer()
    learned.train_from_iterator(texts, vocab_size=400, special_tokens=["<eos>"], show_progress=False)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=learned._tokenizer, eos_token="<eos>")
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=512, eos_token_id=tokenizer.eos_token_id, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_from_a_mixture_to_a_model_that_answers(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("trl", reason="pip install '.[codegen]'")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    texts = [row["problem"] + row["solution"] for row in oss(60)] + [PROBLEM["prompt"]]
    base = tiny_model(tmp_path / "base", texts)
    sources = [f"--source=oss={data / 'oss.jsonl'}", f"--source=alpaca={data / 'alpaca.json'}"]
    command = [
        "paper/code-15k-5k", *sources, f"--against={data / 'eval.jsonl'}", "--examples=80", f"--model={base}",
        f"--out={tmp_path / 'tuned'}", "--epochs=3", "--rate=1e-2", "--batch=8", "--at-once=4", "--length=256",
        "--save-steps=20",
    ]  # fmt: skip
    assert codegen.main(command) == 0
    made = json.loads((tmp_path / "tuned" / codegen.RECORD).read_text())
    assert made["examples"] == 80
    assert made["quotas"] == {"oss": 60, "alpaca": 20}
    losses = [loss for _, loss in made["loss"]]
    assert losses[-1] < losses[0] - 0.5, losses
    checkpoints = list((tmp_path / "tuned" / "checkpoints").glob("checkpoint-*"))
    assert [path.name for path in checkpoints] == ["checkpoint-30"]
    assert codegen.main([*command, "--epochs=4"]) == 0  # goes on, for one epoch more
    again = json.loads((tmp_path / "tuned" / codegen.RECORD).read_text())
    assert [step for step, _ in again["loss"]] == [10, 20, 30, 40]
    assert again["loss"][:3] == made["loss"]

    out = tmp_path / "samples.jsonl"
    written = ["--model", str(tmp_path / "tuned"), "--problems", str(data / "eval.jsonl"), "--out", str(out)]
    assert samples.main([*written, "--length", "8"]) == 0
    first = out.read_text()
    assert json.loads(first)["task_id"] == "Tiny/0"
    assert samples.main([*written, "--length", "8", "--samples", "3", "--temperature", "0.8"]) == 0
    assert out.read_text().startswith(first)
    assert len(out.read_text().splitlines()) == 3
    assert samples.main([*written, "--samples", "3"]) == 2
    assert "greedy answers are all the same" in capsys.readouterr().err
