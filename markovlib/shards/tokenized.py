"""What token formats hold: prompt and completion as one sequence of tokens an example, and a mask for the loss.

A sequence is the prompt, the completion and the end token; the mask is 1 on the completion and the end token.  A
`tokenizers` file is copied to the folder beside the splits, since the tokens mean nothing without it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from markovlib import files
from markovlib.arrays import from_arrow, to_arrow
from markovlib.shards.source import RowSource, is_mixture
from markovlib.shards.stores import Place, open_store
from markovlib.tokens import ByteTokenizer, CharacterTokenizer, Tokenizer, TokenizerFile

COLUMNS = ("prompt", "completion")
HELD = ["tokens", "loss_mask"]
FILE = "tokenizer.json"
END = "<|endoftext|>"
ENDS = (END, "<|end_of_text|>", "</s>", "<eos>", "[EOS]")
ROWS_AT_ONCE = 1 << 16

_ASKED = {"tokenizer", "eos"}
_SETTLED = {"tokenizer", "vocabulary", "end_token", "dtype"}


class Content:
    """Sequences of tokens in place of prompts and completions.

    Options asked for are `tokenizer` ("bytes", "chars", a path or a `Tokenizer`) and `eos`, the text of the end token.
    Those in a manifest are `tokenizer`, what it is; `vocabulary`, its number of tokens; `end_token`, an id; `dtype`.
    """

    dtypes: ClassVar[tuple[str, str]]
    """The type of the tokens, and that of vocabularies that it does not hold."""
    most: ClassVar[int]
    """The largest vocabulary of the former."""

    def __init__(
        self, columns: pa.Schema, options: dict[str, Any], source: RowSource | None, root: Place | None
    ) -> None:
        if tuple(columns.names) != COLUMNS:
            raise ValueError(f"token formats hold prompt and completion alone, not {', '.join(columns.names)}")
        self.held = HELD
        self.files: Mapping[str, bytes] = {}
        self._root = root
        self._text = all(pa.types.is_large_string(kind) or pa.types.is_string(kind) for kind in columns.types)
        if isinstance(options.get("tokenizer"), Mapping):
            self.options = self._settled(options)
        else:
            self.options = self._asked(options, source)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer; raises `ValueError` where its file is not in the folder, or is another."""
        fields = dict(self.options["tokenizer"])
        if fields["kind"] == TokenizerFile.kind:
            fields["json"] = self._file(fields.pop("sha256"))
        return _made(fields)

    def stored(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        tokens = self.tokenizer.tokens(*(rows.column(name) for name in COLUMNS))
        ids = tokens.ids.astype(self.options["dtype"], copy=False)
        return sequences(ids, tokens.loss_mask, tokens.offsets)

    def shown(self, stored: pa.RecordBatch) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = stored.to_pylist()
        for row in rows:
            first = row["loss_mask"].index(1) if 1 in row["loss_mask"] else len(row["tokens"])
            parts = row["tokens"][:first], row["tokens"][first:]
            row.update(zip(COLUMNS, map(self._decoded, parts), strict=True))
        return rows

    def _decoded(self, ids: Sequence[int]) -> Any:
        text = self.tokenizer.decode(ids)
        return text.decode("utf-8", "replace") if self._text and isinstance(text, bytes) else text

    def _asked(self, options: dict[str, Any], source: RowSource | None) -> dict[str, Any]:
        """The options as a manifest has them."""
        if unknown := sorted(set(options) - _ASKED):
            raise ValueError(f"token formats have no option {unknown[0]!r}: choose from tokenizer, eos")
        made = self._chosen(options.get("tokenizer", "bytes"), options.get("eos"), source)
        if made.eos is None:
            raise ValueError("the tokenizer has no end token: name it as eos")
        if not self._text and made.kind != ByteTokenizer.kind:
            raise ValueError("the alphabet is bytes, which only the tokenizer 'bytes' reads")
        fields = made.to_dict()
        if made.kind == TokenizerFile.kind:
            data = fields.pop("json").encode()
            self.files = {FILE: data}
            fields["sha256"] = hashlib.sha256(data).hexdigest()
        self.tokenizer = made
        return {
            "tokenizer": fields,
            "vocabulary": made.size,
            "end_token": made.eos,
            "dtype": self.dtypes[made.size > self.most],
        }

    @staticmethod
    def _chosen(what: Any, eos: str | None, source: RowSource | None) -> Tokenizer:
        if isinstance(what, Tokenizer):
            if eos is not None:
                raise ValueError("eos is that of the tokenizer given")
            return what
        if what == "bytes":
            return ByteTokenizer(eos=eos or END)
        if what in ("chars", "characters"):
            if source is None:
                raise ValueError("the tokenizer 'chars' needs the recipe whose characters it has")
            return CharacterTokenizer.of(_with_recipe(source), eos=eos or END)
        return _of_file(Path(what), eos)

    def _settled(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options of a manifest, checked: all but the file, which reading does without."""
        if set(options) != _SETTLED:
            raise ValueError(f"the options of a token format are {', '.join(sorted(_SETTLED))}")
        fields, size, end = dict(options["tokenizer"]), options["vocabulary"], options["end_token"]
        numbers = all(type(number) is int for number in (size, end))
        if not numbers or not 0 <= end < size <= 2**31 or options["dtype"] != self.dtypes[size > self.most]:
            raise ValueError("the options vocabulary, end_token and dtype do not fit each other")
        if fields.get("kind") == TokenizerFile.kind:
            if not isinstance(fields.get("sha256"), str) or not isinstance(fields.get("eos"), str):
                raise ValueError("the tokenizer has no sha256 or eos")
        elif (made := _made(fields)).size != size or made.eos != end:
            raise ValueError("the options vocabulary and end_token are not the tokenizer's")
        return options

    def _file(self, sha256: str) -> str:
        if self._root is None:
            raise ValueError(f"{FILE} is needed, and the folder that it is in is not known")
        store = open_store(self._root)
        try:
            data = store.read(FILE)
        except FileNotFoundError:
            data = b""
        if files.sha256_bytes(data) != sha256:
            raise ValueError(f"{store.path(FILE)}: is missing, or not the tokenizer that the shards were made with")
        return data.decode()


def _with_recipe(source: Any) -> Any:
    """What characters are taken from: data sets and views of them as they are, of a copy the recipe in its manifest."""
    from markovlib.recipe import Recipe

    if hasattr(source, "sources") or isinstance(source.recipe, Recipe):
        return source
    fields = source.recipe.to_dict()
    if is_mixture(fields) or "sources" in fields:
        raise ValueError("the characters of a mixture are not known beforehand; take the tokenizer 'bytes', or a file")
    return Recipe.from_dict(fields)


def _made(fields: dict[str, Any]) -> Tokenizer:
    try:
        return Tokenizer.from_dict(fields)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the options describe no tokenizer: {error}") from None


def _of_file(path: Path, eos: str | None) -> Tokenizer:
    """A tokenizers file with its end token: the one named, else the first of the usual ones that it has."""
    plain = TokenizerFile(path)
    usual = [one for one in ENDS if plain.holds(one)]
    if eos is None and not usual:
        raise ValueError(f"{path}: has none of the usual end tokens ({', '.join(ENDS)}): name its own as eos")
    return TokenizerFile(path, eos=eos or usual[0])


def sequences(ids: NDArray[Any], mask: NDArray[np.uint8], offsets: NDArray[np.int64]) -> pa.RecordBatch:
    """Sequence i is `ids[offsets[i]:offsets[i + 1]]`; nothing is copied."""
    ends = to_arrow(offsets)
    columns = [pa.LargeListArray.from_arrays(ends, to_arrow(values)) for values in (ids, mask)]
    return pa.RecordBatch.from_arrays(columns, names=HELD)


def arrays(stored: pa.RecordBatch) -> tuple[NDArray[Any], NDArray[np.uint8], NDArray[np.int64]]:
    """The tokens and masks of a batch of sequences, one after another, and the length of each."""
    offsets = [from_arrow(column.offsets) for column in stored.columns]
    ids, mask = (
        from_arrow(column.values)[int(ends[0]) : int(ends[-1])]
        for column, ends in zip(stored.columns, offsets, strict=True)
    )
    return ids, mask, np.diff(offsets[0])


def raw(values: NDArray[Any]) -> memoryview:
    """The bytes of an array, which are not copied."""
    return values.data.cast("B") if values.size else memoryview(b"")


class Reader:
    """Reads sequences that lie one after another in mapped files: sequence i is from `offsets[i]` to `offsets[i + 1]`.

    Raises `ValueError` where the offsets do not rise from 0 to the end, or the mask is not as long as the tokens.
    """

    provenance = None

    def __init__(self, ids: NDArray[Any], mask: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        if len(ids) != len(mask):
            raise ValueError(f"{len(ids)} tokens and a mask of {len(mask)}")
        if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(ids) or (np.diff(offsets) < 0).any():
            raise ValueError(f"the offsets of the sequences do not rise from 0 to {len(ids)}, the number of tokens")
        self._ids, self._mask, self._offsets = ids, mask, offsets
        self.rows = len(offsets) - 1
        self.columns = HELD

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for start in range(0, self.rows, ROWS_AT_ONCE):
            yield self.read(start, min(start + ROWS_AT_ONCE, self.rows), columns)

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        offsets = self._offsets[start : stop + 1]
        part = slice(int(offsets[0]), int(offsets[-1]))
        batch = sequences(self._ids[part], self._mask[part], offsets - offsets[0])
        return batch.select(list(columns)) if columns else batch

    def close(self) -> None:
        """Do nothing: the files are mapped, and released with the last batch that refers to them."""


def mapped(path: Path, dtype: Any) -> NDArray[Any]:
    """Return a file as an array without reading it; raises `ValueError` where its size is no multiple of the type's."""
    size, width = path.stat().st_size, np.dtype(dtype).itemsize
    if size % width:
        raise ValueError(f"{path.name}: {size} bytes are no whole number of {width}-byte values")
    return np.memmap(path, dtype, "r") if size else np.empty(0, dtype)
