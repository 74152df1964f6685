"""The model: a decoder of the GPT-2 kind, with learned positions and normalisation before each part.

Radford and others, "Language Models are Unsupervised Multitask Learners" (2019).  No dropout: no example is met often
enough for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """How large a model is; `context` is the greatest number of tokens that it can see."""

    vocabulary: int
    context: int
    layers: int
    width: int
    heads: int


class Attention(nn.Module):
    """Causal self-attention with several heads, for the places from `first` on."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.inward = nn.Linear(shape.width, 3 * shape.width)
        self.outward = nn.Linear(shape.width, shape.width)

    def forward(self, x: Tensor, first: int) -> Tensor:
        rows, places, width = x.shape
        query, key, value = self.inward(x).view(rows, places, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = attend(query[:, :, first:], key, value, first)
        return self.outward(mixed.transpose(1, 2).reshape(rows, places - first, width))


def attend(query: Tensor, key: Tensor, value: Tensor, first: int) -> Tensor:
    """For each place from `first` on, a mean of the values up to its own; all of shape (rows, heads, places, width)."""
    rows, heads, places, width = key.shape
    seen = torch.ones(places - first, places, dtype=torch.bool, device=key.device).tril(first)
    if key.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
    # With so few places, plain products take half the time of PyTorch's function for CPUs.
    hidden = torch.zeros(seen.shape).masked_fill(~seen, -math.inf)
    query, key, value = (one.reshape(rows * heads, -1, width) for one in (query, key, value))
    alike = torch.baddbmm(hidden.expand(rows * heads, -1, -1), query, key.transpose(1, 2), alpha=width**-0.5)
    return torch.bmm(alike.softmax(-1), value).view(rows, heads, places - first, width)


class Block(nn.Module):
    """Attention, then a perceptron at every place from `first` on, each added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(shape.width)
        self.attention = Attention(shape)
        self.before_perceptron = nn.LayerNorm(shape.width)
        self.perceptron = nn.Sequential(
            nn.Linear(shape.width, 4 * shape.width),
            nn.GELU(),
            nn.Linear(4 * shape.width, shape.width),
        )

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        x = x[:, first:] + self.attention(self.before_attention(x), first)
        return x + self.perceptron(self.before_perceptron(x))


class GPT(nn.Module):
    """Token ids of shape (rows, places) to logits of the token that comes next.

    They are of shape (rows, places - first, vocabulary), of the places from `first` on: the last block leaves out the
    others, the prompt's, on which there is no loss.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        if shape.width % shape.heads:
            raise ValueError(f"width {shape.width} cannot be shared by {shape.heads} heads")
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        self.apply(_initial)
        for block in self.blocks:  # what is added to the residual stream starts small, the smaller the more is added
            for layer in (block.attention.outward, block.perceptron[2]):
                nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * shape.layers))

    def forward(self, ids: Tensor, first: int = 0) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.tokens(ids) + self.positions(places)
        for block in self.blocks[:-1]:
            x = block(x)
        return self.head(self.last(self.blocks[-1](x, first)))

    def parameter_groups(self, decay: float) -> list[dict[str, object]]:
        """For an optimiser: matrices decay; biases, norms and embeddings do not."""
        matrices = [layer.weight for layer in self.modules() if isinstance(layer, nn.Linear)]
        kept = {id(matrix) for matrix in matrices}
        others = [parameter for parameter in self.parameters() if id(parameter) not in kept]
        return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]

    @torch.no_grad()
    def greedy(self, prompts: Tensor, tokens: int) -> Tensor:
        """The next `tokens` tokens after prompts of one length, each the likeliest, of shape (rows, tokens)."""
        ids = prompts
        for _ in range(tokens):
            ids = torch.cat([ids, self(ids)[:, -1:].argmax(-1)], dim=1)
        return ids[:, prompts.shape[1] :]


def _initial(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear | nn.Embedding):
        nn.init.normal_(layer.weight, std=0.02)
    if isinstance(layer, nn.Linear) and layer.bias is not None:
        nn.init.zeros_(layer.bias)
