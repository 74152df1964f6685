"""Training and testing: a point of an experiment to the numbers of its record.

A run that is killed goes on from its last checkpoint and ends with the same numbers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import markovlib as mk
from markovlib.tokens import CharacterTokenizer

from . import cost
from .model import GPT, Shape
from .points import DATA_SEED, Point, Training

KINDS = ("applying", "no_op", "near_miss")
ROWS_AT_ONCE = 1024
TIMED = 1e11
"""Operations of a step that is timed on a CPU."""


class TestSet(NamedTuple):
    """The examples of a split as tokens, and the kind of each, a number of `KINDS`."""

    ids: Tensor
    loss_mask: Tensor
    kinds: NDArray[np.int64]


# ---- data ------------------------------------------------------------------------------------------------------------


def export(point: Point, folder: Path) -> None:
    """Writes the point's splits as shards, those that are not there yet."""
    from markovlib.shards.generation import generate

    for split, recipe in point.splits.items():
        generate(recipe, folder / recipe.fingerprint[:16], splits=[split], seed=DATA_SEED, format="arrow")


def sources_of(point: Point, folder: Path | None = None) -> dict[str, Any]:
    """The point's splits: as exported to a folder; without one as data sets, which make examples when asked for."""
    if folder is None:
        return {split: mk.Dataset(recipe, DATA_SEED, split) for split, recipe in point.splits.items()}
    return {split: mk.open(folder / recipe.fingerprint[:16], split) for split, recipe in point.splits.items()}


def tokenizer_of(point: Point) -> CharacterTokenizer:
    return CharacterTokenizer.of(point.recipe, eos="</s>")


def longest(source: Any, tokenizer: CharacterTokenizer) -> int:
    """The greatest number of tokens of an example, among the first 65,536."""
    return int(source.tokens(range(min(len(source), 65_536)), tokenizer).lengths().max())


def test_set(source: Any, labels: Any, length: int, tokenizer: CharacterTokenizer, device: torch.device) -> TestSet:
    """A split as tensors.  `labels` is the data set of the same examples, which knows near misses."""
    rows = range(len(source))
    padded = source.padded(rows, length, tokenizer, ids=np.empty((len(rows), length), np.int64))
    batch = labels.batch(rows, ["no_op", "near_miss"])
    kinds = np.where(batch.near_miss, 2, np.where(batch.no_op, 1, 0))
    return TestSet(torch.from_numpy(padded.ids).to(device), torch.from_numpy(padded.loss_mask).to(device), kinds)


# ---- testing ---------------------------------------------------------------------------------------------------------


@torch.no_grad()
def exact(model: GPT, ids: Tensor, loss_mask: Tensor) -> Tensor:
    """For each row, whether the model's greedy answer is the completion, to the letter and with its end.

    One pass tells: the greedy answer is the completion if and only if, behind the prompt and every beginning of the
    completion, the likeliest token is the next one of the completion.
    """
    first = first_asked(loss_mask)
    found = [
        ((model(some[:, :-1], first).argmax(-1) == some[:, first + 1 :]) | (mask[:, first + 1 :] == 0)).all(1)
        for some, mask in zip(ids.split(ROWS_AT_ONCE), loss_mask.split(ROWS_AT_ONCE), strict=True)
    ]
    return torch.cat(found)


def first_asked(loss_mask: Tensor) -> int:
    """The first place after which a token of a completion comes, in any row."""
    return int(loss_mask.argmax(1).min()) - 1


def score(model: GPT, test: TestSet, rows: int | None = None) -> dict[str, list[int]]:
    """For each kind that the test has: how many answers are right, of how many; of the first `rows` rows."""
    right = exact(model, test.ids[:rows], test.loss_mask[:rows]).cpu().numpy()
    kinds = test.kinds[:rows]
    counts = {kind: [int(right[kinds == k].sum()), int((kinds == k).sum())] for k, kind in enumerate(KINDS)}
    return {kind: count for kind, count in counts.items() if count[1]}


# ---- training --------------------------------------------------------------------------------------------------------


def rate_at(step: int, training: Training, steps: int) -> float:
    """The learning rate: up in a line over the first steps, then down to 0, in half a cosine or in a line."""
    if step < training.warmup:
        return training.rate * (step + 1) / training.warmup
    done = (step - training.warmup) / max(1, steps - training.warmup)
    return training.rate * (1 - done if training.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2)


class Run:
    """A model on its way through the training of a point."""

    def __init__(self, point: Point, sources: dict[str, Any], device: torch.device) -> None:
        training = point.training
        torch.manual_seed(point.seed)
        self.point, self.training, self.device = point, training, device
        self.tokenizer = tokenizer_of(point)
        lengths = {split: longest(source, self.tokenizer) for split, source in sources.items()}
        self.length = lengths["train"]
        labels = sources_of(point)
        self.tests = {
            split: test_set(sources[split], labels[split], lengths[split], self.tokenizer, device)
            for split in sources
            if split != "train"
        }
        shape = Shape(self.tokenizer.size, max(lengths.values()), training.layers, training.width, training.heads)
        self.model = GPT(shape).to(device)
        groups = self.model.parameter_groups(training.decay)
        self.optimiser = torch.optim.AdamW(groups, lr=training.rate, betas=training.betas, fused=True)
        self.loader = mk.Loader(
            sources["train"], training.batch, seed=point.seed, length=self.length, tokenizer=self.tokenizer,
            dtype=np.int64, drop_last=True, threads=1 if device.type == "cpu" else None,
        )  # fmt: skip
        self.steps = training.epochs * len(self.loader)
        self.step = self.began = 0
        self.curve: dict[str, list[float]] = {"step": [], "loss": [], **{split: [] for split in ("seen", "unseen")}}
        self.seconds = {"wall": 0.0, "cpu": 0.0, "waiting": 0.0}

    # ---- going on --------------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Writes a checkpoint; the one before stays until this one is whole."""
        state = {
            "identity": self.point.identity, "step": self.step, "curve": self.curve, "seconds": self.seconds,
            "model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(),
            "loader": self.loader.state_dict(batches=self.step - self.began),
        }  # fmt: skip
        partial = path.with_suffix(".partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> bool:
        """Takes up the checkpoint of this very point, if there is one."""
        if not path.exists():
            return False
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["identity"] != self.point.identity:
            return False
        self.step, self.curve, self.seconds = state["step"], state["curve"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.loader.load_state_dict(state["loader"])
        self.began = self.step
        return True

    # ---- steps -----------------------------------------------------------------------------------------------------

    def _batches(self) -> Iterator[Any]:
        """The batches that are left, epoch after epoch."""
        while True:
            yield from self.loader

    def _learn(self, ids: Tensor, loss_mask: Tensor) -> Tensor:
        """One step of the optimiser on the completions of a batch; gives their mean loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, self.training, self.steps)
        first = first_asked(loss_mask)
        ids, loss_mask = ids.to(self.device), loss_mask.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.model(ids[:, :-1], first)
        asked = loss_mask[:, first + 1 :] == 1
        loss = torch.nn.functional.cross_entropy(logits[asked].float(), ids[:, first + 1 :][asked])
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        return loss.detach()

    def train(self, checkpoint: Path, after_step: Callable[[int], None] = lambda _: None) -> None:
        """Trains to the end, from the checkpoint if there is one.

        Losses are averaged from look to look, and there a checkpoint is written, so that nothing is lost by going on.
        """
        self.load(checkpoint)
        looks = {round(self.steps * k / self.training.looks) for k in range(1, self.training.looks + 1)}
        batches, total, since = self._batches(), torch.zeros((), device=self.device), 0
        clock = time.perf_counter(), time.process_time()
        while self.step < self.steps:
            asked = time.perf_counter()
            ids, loss_mask, _ = next(batches)
            self.seconds["waiting"] += time.perf_counter() - asked
            total += self._learn(torch.from_numpy(ids), torch.from_numpy(loss_mask))
            self.step, since = self.step + 1, since + 1
            if self.step in looks:
                now = time.perf_counter(), time.process_time()
                self.seconds["wall"] += now[0] - clock[0]
                self.seconds["cpu"] += now[1] - clock[1]
                self._look(total.item() / since)
                self.save(checkpoint)
                total, since = torch.zeros((), device=self.device), 0
                clock = time.perf_counter(), time.process_time()
            after_step(self.step)

    def _look(self, loss: float) -> None:
        """Puts the mean loss since the last look, and accuracies on the beginnings of the tests, into the curve."""
        self.model.eval()
        self.curve["step"].append(self.step)
        self.curve["loss"].append(round(loss, 4))
        for split in ("seen", "unseen"):
            right, rows = score(self.model, self.tests[split], self.training.look_rows)["applying"]
            self.curve[split].append(round(right / rows, 4))
        self.model.train()

    def results(self) -> dict[str, dict[str, list[int]]]:
        """Right answers and rows, by split and kind."""
        self.model.eval()
        return {split: score(self.model, test) for split, test in self.tests.items()}


def speed(point: Point, device: str, steps: int = 3) -> float:
    """Operations a second, as `cost` counts them, from a few steps; on a CPU with one thread and not too many rows."""
    train, batch = mk.Dataset(point.recipe, DATA_SEED), point.training.batch
    if device == "cpu":
        torch.set_num_threads(1)
        row = cost.operations_a_step(point, cost.tokens_of(point)) / batch
        batch = min(batch, max(8, int(TIMED / row)))
    small = replace(point, training=replace(point.training, batch=batch))
    run = Run(small, {"train": train}, torch.device(device))
    times = []
    for _ in range(steps):
        ids, loss_mask, _ = run.loader[len(times)]
        began = time.perf_counter()
        run._learn(torch.from_numpy(ids), torch.from_numpy(loss_mask)).item()
        times.append(time.perf_counter() - began)
    return cost.operations_a_step(small, run.length) / min(times)
