"""A small GPT over words and letters: model, training, greedy answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

PAD, START, END = 0, 1, 2  # padding, the end of the prompt, the end of the answer
_TOKEN = re.compile(r"[a-z]+|->\.?|\n|\S")


def pieces(text: str) -> list[str]:
    """The tokens of a text: words in small letters, arrows, line ends, and every other character that is no blank.

    >>> pieces("cut AB\\n")
    ['cut', 'A', 'B', '\\n']
    """
    return _TOKEN.findall(text)


class Vocabulary:
    """Numbers for tokens, the same whatever the order of the texts that they are collected from."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.tokens = ["", "", "", *sorted({token for text in texts for token in pieces(text)})]
        self._ids = {token: i for i, token in enumerate(self.tokens) if i > END}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        return [self._ids[token] for token in pieces(text)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text, with blanks around arrows, as rules are written."""
        return "".join(f" {token} " if token.startswith("->") else token for token in (self.tokens[i] for i in ids))


@dataclass(frozen=True)
class Settings:
    """Model and optimiser."""

    layers: int = 2
    width: int = 64
    heads: int = 4
    context: int = 96
    batch: int = 16
    epochs: int = 20
    rate: float = 3e-3
    warmup: int = 100


class _Block(nn.Module):
    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        rows, length, width = x.shape
        split = self.qkv(self.norms[0](x)).view(rows, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, length, width))
        return x + self.feed(self.norms[1](x))


class GPT(nn.Module):
    """A decoder with learned positions, norms before the layers, and one table for tokens in and out."""

    def __init__(self, tokens: int, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.tokens = nn.Embedding(tokens, settings.width)
        self.places = nn.Embedding(settings.context, settings.width)
        self.blocks = nn.Sequential(*(_Block(settings) for _ in range(settings.layers)))
        self.norm = nn.LayerNorm(settings.width)
        self.apply(_initialise)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of the next token at each place, of shape (rows, length, tokens)."""
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        return self.norm(self.blocks(x)) @ self.tokens.weight.T


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def train(
    rows: Sequence[tuple[str, str]],
    vocabulary: Vocabulary,
    settings: Settings,
    seed: int,
    told: Callable[[int, float], None] | None = None,
) -> tuple[GPT, list[float]]:
    """A model trained on prompts and answers, and the loss of the answers' tokens, averaged over each epoch.

    Every epoch uses each row once, in an order of the seed.  AdamW, the rate rising for `warmup` steps and falling by
    a cosine to nothing.
    """
    torch.manual_seed(seed)
    encoded = [_example(*row, vocabulary) for row in rows]
    model = GPT(len(vocabulary), settings)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    total = settings.epochs * len(_batches([1] * len(rows), settings.batch))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, total, settings.warmup))
    curve, step = [], 0
    for _ in range(settings.epochs):
        losses = []
        for numbers in _batches([len(ids) for ids, _ in encoded], settings.batch):
            ids, wanted = _padded([encoded[i] for i in numbers])
            logits = model(ids[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            losses.append(loss.item())
            if told is not None:
                told(step, losses[-1])
        curve.append(sum(losses) / len(losses))
    return model.eval(), curve


def _example(prompt: str, answer: str, vocabulary: Vocabulary) -> tuple[list[int], int]:
    """The ids of an example, and where its answer begins."""
    before = [*vocabulary.encode(prompt), START]
    return [*before, *vocabulary.encode(answer), END], len(before)


def _batches(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Every example once, in batches of like lengths, so that little is padded, in random order."""
    order = torch.randperm(len(lengths)).tolist()
    pools = [sorted(order[i : i + 8 * size], key=lengths.__getitem__) for i in range(0, len(order), 8 * size)]
    batches = [pool[i : i + size] for pool in pools for i in range(0, len(pool), size)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def _padded(examples: Sequence[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    """Ids, and at each place but the last the token that should follow, or -100 where it does not count."""
    length = max(len(ids) for ids, _ in examples)
    ids = torch.full((len(examples), length), PAD)
    wanted = torch.full((len(examples), length - 1), -100)
    for i, (example, begin) in enumerate(examples):
        ids[i, : len(example)] = torch.tensor(example)
        wanted[i, begin - 1 : len(example) - 1] = ids[i, begin : len(example)]
    return ids, wanted


def _rate(step: int, total: int, warmup: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


@torch.no_grad()
def answers(model: GPT, prompts: Sequence[str], vocabulary: Vocabulary, most: int = 24) -> list[str]:
    """What the model answers to each prompt, the likeliest token after the likeliest, at most so many."""
    encoded = [[*vocabulary.encode(prompt), START] for prompt in prompts]
    found = [""] * len(prompts)
    for length in sorted({len(ids) for ids in encoded}):
        numbers = [i for i, ids in enumerate(encoded) if len(ids) == length]
        ids = torch.tensor([encoded[i] for i in numbers])
        for _ in range(min(most, model.settings.context - length)):
            ids = torch.cat([ids, model(ids)[:, -1].argmax(1, keepdim=True)], 1)
            if bool((ids[:, length:] == END).any(1).all()):
                break
        for number, row in zip(numbers, ids[:, length:].tolist(), strict=True):
            found[number] = vocabulary.decode(row[: row.index(END)] if END in row else row)
    return found
