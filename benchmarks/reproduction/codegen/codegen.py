"""Fine-tunes a base model on a mixture, with TRL, and writes a model directory.

    python -m reproduction.codegen.codegen paper/code-17k-3k --model BASE --out tuned \\
        --source oss=oss.jsonl --source alpaca=alpaca_data.json --against HumanEval.jsonl.gz --against mbpp.jsonl

The mixture is a preset, the file of one, or a folder that markovlib wrote.  It is cleaned of the evaluations that are
named; to train without that, say so.  A run that was ended goes on from its last checkpoint by the same command.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import markovlib as mk

TEMPLATE = "### Instruction:\n{prompt}\n\n### Response:\n"
"""How a prompt is written in training, and must be in use; ours."""

RECORD = "markovlib.json"


class Refused(ValueError):
    """A command that cannot be followed; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Tuning:
    """What the trainer is told.  The papers say no more than that all models see as many examples; values are ours."""

    epochs: float = 2.0
    rate: float = 5e-5
    batch: int = 64
    at_once: int = 4
    length: int = 1216
    warmup: float = 0.05
    seed: int = 0
    template: str = TEMPLATE
    save_steps: int = 200


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="reproduction.codegen.codegen", description="Fine-tunes a base model on a mixture."
    )
    made.add_argument("mixture", help="a preset of a mixture, its file, or a folder of shards")
    made.add_argument("--model", required=True, help="the base model: a folder, or a name that transformers knows")
    made.add_argument("--out", type=Path, required=True, help="the folder of the tuned model")
    made.add_argument("--source", action="append", default=[], metavar="NAME=PATH", help="the files of a source")
    made.add_argument("--against", action="append", default=[], metavar="FILE", help="leave out what shares words")
    made.add_argument("--contaminated", action="store_true", help="train although nothing is left out")
    made.add_argument("--examples", type=int, help="another budget")
    for field in dataclasses.fields(Tuning):
        name = f"--{field.name.replace('_', '-')}"
        made.add_argument(name, type=type(field.default), default=field.default, help=f"default: {field.default!r}")
    return made


def open_mixture(options: argparse.Namespace) -> Any:
    """The data set of a command: a mixture, cleaned of evaluations, or a folder of shards, which was before.

    Raises Refused where it would not be clean and nobody said that it need not, RecipeError and SourceError for what
    is wrong with recipe or files.
    """
    folder = Path(options.mixture)
    if (folder / "manifest.json").exists():
        if options.source or options.against or options.examples:
            raise Refused(f"{folder}: is written already; --source, --against and --examples are for recipes")
        stored = mk.open(folder)
        if not options.contaminated and not _cleaned(folder):
            raise Refused(f"{folder}: was not decontaminated (mix --against FILE); --contaminated trains on it anyway")
        return stored
    recipe = mk.MixtureRecipe.load(options.mixture)
    if options.examples:
        recipe = recipe.replace(examples=options.examples)
    if options.against:
        recipe = recipe.replace({"decontaminate.against": options.against})
    if recipe.decontaminate is None and not options.contaminated:
        raise Refused("name the evaluations with --against FILE, so that training does not see them; or --contaminated")
    files: dict[str, Any] = {}
    for assignment in options.source:
        name, equals, path = assignment.partition("=")
        if not equals:
            raise Refused(f"--source {assignment}: must be NAME=PATH")
        files[name] = path
    return mk.Mixture(recipe, options.seed, files=files, told=lambda text: print(text, file=sys.stderr))


def _cleaned(folder: Path) -> bool:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return '"decontaminate"' in json.dumps(manifest.get("recipe", {}))


def rows_of(mixture: Any, template: str) -> dict[str, list[str]]:
    """Prompts, written by the template, and completions."""
    batch = mixture.batch(range(len(mixture)), ["prompt", "completion"])
    prompts = [template.replace("{prompt}", prompt) for prompt in batch.prompt.tolist()]
    return {"prompt": prompts, "completion": batch.completion.tolist()}


def tune(mixture: Any, model: str, out: Path, tuning: Tuning) -> dict[str, Any]:
    """Trains and writes the model directory; what is kept of the run, also written there as `markovlib.json`.

    The loss counts completions alone; examples beyond `length` tokens are cut.
    """
    try:
        import datasets
        import torch
        from transformers import AutoTokenizer
        from transformers.trainer_utils import get_last_checkpoint
        from trl import SFTConfig, SFTTrainer
    except ImportError as error:
        raise Refused(f"{error}: pip install '.[codegen]' in the clone of markovlib") from None

    tokenizer = AutoTokenizer.from_pretrained(model)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    on_gpu = torch.cuda.is_available()
    arguments = SFTConfig(
        output_dir=str(out / "checkpoints"),
        num_train_epochs=tuning.epochs,
        learning_rate=tuning.rate,
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(tuning.warmup * tuning.epochs * len(mixture) / tuning.batch),
        per_device_train_batch_size=min(tuning.at_once, tuning.batch),
        gradient_accumulation_steps=tuning.batch // min(tuning.at_once, tuning.batch),
        max_length=tuning.length,
        completion_only_loss=True,
        save_steps=tuning.save_steps,
        save_total_limit=1,
        seed=tuning.seed,
        data_seed=tuning.seed,
        bf16=on_gpu and torch.cuda.is_bf16_supported(),
        gradient_checkpointing=on_gpu,
        use_cpu=not on_gpu,
        logging_steps=10,
        report_to="none",
        model_init_kwargs={"dtype": torch.bfloat16 if on_gpu else torch.float32},
    )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=datasets.Dataset.from_dict(rows_of(mixture, tuning.template)),
        processing_class=tokenizer,
    )
    checkpoint = get_last_checkpoint(arguments.output_dir) if Path(arguments.output_dir).is_dir() else None
    trainer.train(resume_from_checkpoint=checkpoint)
    trainer.save_model(str(out))
    tokenizer.save_pretrained(str(out))
    made = _record(mixture, model, tuning, trainer.state.log_history)
    (out / RECORD).write_text(json.dumps(made, indent=1) + "\n", "utf-8")
    return made


def _record(mixture: Any, model: str, tuning: Tuning, history: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "model": Path(model).name,
        "mixture": mixture.fingerprint,
        "examples": len(mixture),
        "quotas": getattr(mixture, "quotas", None),
        "library": mk.__version__,
        "tuning": dataclasses.asdict(tuning),
        "loss": [[entry["step"], round(entry["loss"], 4)] for entry in history if "loss" in entry],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 done, 2 bad input."""
    options = parser().parse_args(arguments)
    tuning = Tuning(**{field.name: getattr(options, field.name) for field in dataclasses.fields(Tuning)})
    try:
        if "{prompt}" not in tuning.template:
            raise Refused("--template: must have {prompt} in it")
        if min(tuning.batch, tuning.at_once) < 1 or tuning.batch % min(tuning.batch, tuning.at_once):
            raise Refused(f"--batch: must be a multiple of --at-once, {tuning.at_once}, got {tuning.batch}")
        mixture = open_mixture(options)
        made = tune(mixture, options.model, options.out, tuning)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: tuned on {made['examples']} examples {made['quotas'] or ''}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
