"""The card: a README.md that people and Hugging Face `datasets` read."""

import json

from markovlib.shards import mixed_card, source
from markovlib.shards.formats import Format
from markovlib.shards.manifest import Manifest

NAME = "README.md"
LOADED_BY_DATASETS = frozenset({"parquet", "arrow", "jsonl", "jsonl.zst"})
"""The formats that `datasets` finds a loader for; of others the card must not say that it does."""

SCALE = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
    (10_000_000_000, "1B<n<10B"),
    (100_000_000_000, "10B<n<100B"),
    (1_000_000_000_000, "100B<n<1T"),
)

CITATION = """\
@article{zhang2024symbolic,
  title         = {From Symbolic Tasks to Code Generation: Diversification Yields Better Task Performers},
  author        = {Zhang, Dylan and Wang, Justin and Charton, Fran{\\c{c}}ois},
  year          = {2024},
  eprint        = {2405.19787},
  archivePrefix = {arXiv},
}
"""

INTRODUCTION = """\
# Markov algorithm rewriting

Each example asks for one word to be rewritten by the rules in its prompt. The examples are made by a program
and each is a function of the recipe, the seed, the split and its number, so they can be made again, to the
bit, and checked: `markovlib verify` does both. The data is in the public domain (CC0 1.0).
"""

COLUMNS = {
    "index": "number of the example in its split",
    "prompt": "the instruction and the word, as text for the model",
    "completion": "what the model should answer",
    "word": "the word that is rewritten",
    "output": "the word after rewriting",
    "pattern": "what is looked for, of the rule that fired or the only one",
    "replacement": "what is put in its place",
    "rules": "the ordered rules, where there are several",
    "rule": "which rule fired, from 0; -1 for none",
    "position": "where it fired, in letters from 0; -1 for nowhere",
    "no_op": "true where no rule applies, so that the output is the word",
    "steps": "how many rewriting steps were taken",
    "outcome": "how the rewriting ended",
    "trace": "every step: the rule that fired, where, and the word after it",
    "pairs": "words and what the rule makes of them",
    "key": "the key of the cipher that was applied to the output",
    "certificate": "why the rules terminate: an order or weights of the letters",
    "instruction": "number of the instruction",
    "stratum": "which stratum of the rule space the instruction is of",
    "near_miss": "true where the word holds the pattern with some letters changed",
    "occurrences": "how often the pattern occurs in the word, overlaps counted",
    "template": "which of the recipe's paraphrases the example is shown in, from 0",
    "tokens": "prompt, completion and end token, as numbers",
    "loss_mask": "1 for the tokens of the completion and its end, 0 for those of the prompt",
    "source": "the source that the example is from",
    "source_row": "its row there, from 0",
}


def render(manifest: Manifest, recipe_toml: str) -> str:
    """Return the card of a folder; a function of its manifest and recipe alone."""
    mixed = source.is_mixture(manifest.recipe)
    parts = [_front_matter(manifest, mixed), mixed_card.introduction(manifest) if mixed else INTRODUCTION]
    parts += [_splits(manifest), *([mixed_card.sources(manifest)] if mixed else [])]
    parts += [_columns(manifest), *_tokens(manifest)]
    parts += [_recipe(recipe_toml), _provenance(manifest), f"## Citation\n\n```bibtex\n{CITATION}```\n"]
    return "\n".join(parts)


def _front_matter(manifest: Manifest, mixed: bool) -> str:
    rows = sum(split.rows for split in manifest.splits.values())
    size = next((name for limit, name in SCALE if rows < limit), "n>1T")
    licence, name = ("cc0-1.0", "Markov algorithm rewriting")
    tags = ["synthetic", "string-rewriting", "markov-algorithm"]
    if mixed:
        licence, name, tags = mixed_card.license_of(manifest), "A mixture of instructions", ["instruction-tuning"]
    lines = ["---", f"license: {licence}", f"pretty_name: {name}", "task_categories:"]
    lines += ["- text-generation", "tags:", *(f"- {tag}" for tag in tags)]
    lines += ["size_categories:", f"- {size}", *_data_files(manifest)]
    return "\n".join([*lines, "---", ""])


def _data_files(manifest: Manifest) -> list[str]:
    """The splits' files, or none: left to itself, `datasets` takes an index or a manifest for data.

    It keeps what it has loaded under a name that it makes of the folder's last name and the configuration, not of the
    files: the description tells folders of other rows apart, which would be given the rows that were loaded first.
    """
    rows = ", ".join(f"{name} {split.rows_digest}" for name, split in manifest.splits.items())
    lines = ["configs:", "- config_name: default", f"  description: {json.dumps(rows)}", "  data_files:"]
    for name, split in manifest.splits.items():
        if split.format not in LOADED_BY_DATASETS:
            return ["viewer: false", *lines[:2], "  data_files: []"]
        suffix = Format.of(split).suffixes[0]
        lines += [f"  - split: {json.dumps(name)}", f"    path: {json.dumps(f'{name}/*{suffix}')}"]
    return lines


def _splits(manifest: Manifest) -> str:
    lines = ["## Splits", "", "| split | rows | shards | format | bytes |", "|---|---:|---:|---|---:|"]
    for name, split in manifest.splits.items():
        lines.append(f"| {name} | {split.rows:,} | {len(split.shards):,} | {split.format} | {split.bytes:,} |")
    return "\n".join([*lines, ""])


def _columns(manifest: Manifest) -> str:
    names = Format.of(next(iter(manifest.splits.values()))).held
    lines = ["## Columns", "", "| column | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {COLUMNS.get(name, '')} |" for name in names]
    return "\n".join([*lines, ""])


def _tokens(manifest: Manifest) -> list[str]:
    """What a reader of tokens has to know."""
    options = next(iter(manifest.splits.values())).options
    if "tokenizer" not in options:
        return []
    tokenizer = options["tokenizer"]
    what = {"bytes": "the bytes of the text, in UTF-8", "characters": "the characters of the recipe"}.get(
        tokenizer["kind"], f"`tokenizer.json` (SHA-256 `{tokenizer.get('sha256')}`)"
    )
    lines = ["## Tokens", "", "| | |", "|---|---|", f"| tokenizer | {what} |"]
    lines += [f"| vocabulary | {options['vocabulary']:,} tokens |", f"| type | {options['dtype']}, little-endian |"]
    lines += [f"| end token | {options['end_token']} (`{tokenizer['eos']}`) |"]
    return ["\n".join([*lines, ""])]


def _recipe(recipe_toml: str) -> str:
    fence = "```"
    while fence in recipe_toml:
        fence += "`"
    return f"## Recipe\n\n{fence}toml\n{recipe_toml.rstrip()}\n{fence}\n"


def _provenance(manifest: Manifest) -> str:
    lines = ["## Provenance", "", "| | |", "|---|---|"]
    lines += [f"| markovlib | {manifest.markovlib} |", f"| pyarrow | {manifest.pyarrow} |"]
    lines += [f"| stream version | {manifest.stream_version} |", f"| seed | {manifest.seed} |"]
    for name, split in manifest.splits.items():
        lines.append(f"| {name}: recipe fingerprint | `{split.recipe_fingerprint}` |")
        lines.append(f"| {name}: data set fingerprint | `{split.fingerprint}` |")
        lines.append(f"| {name}: digest of the rows | `{split.rows_digest}` |")
    return "\n".join([*lines, ""])
