"""Token output: prompts and completions as sequences of token ids, with the mask that a loss is weighted by.

A sequence is `bos`, the prompt, `sep`, the completion, `eos`, of which the three tokens are there if the tokenizer
names them.  The loss mask is 1 on the completion and `eos`.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovlib import _tokens
from markovlib._columns import Column, as_column
from markovlib.equality import same_fields, same_tuples
from markovlib.render import characters_of
from markovlib.source import name_list

if TYPE_CHECKING:
    from markovlib.recipe import Recipe
    from markovlib.source import Source

_MOST_SMALL = 2**16
_ID_TYPES = (np.dtype(np.uint16), np.dtype(np.uint32))
_ROWS_AT_ONCE = 4096
_ROLES = ("bos", "sep", "eos", "pad")


class Padded(NamedTuple):
    """Sequences as arrays of shape (rows, length): `ids` filled up with the padding, `loss_mask` and `attention_mask`
    (1 on tokens, 0 on padding).  Two are equal if all of their entries are."""

    ids: NDArray[Any]
    loss_mask: NDArray[Any]
    attention_mask: NDArray[Any]

    def __eq__(self, other: object) -> bool:
        return same_tuples(self, other)

    def __ne__(self, other: object) -> bool:
        return not same_tuples(self, other)


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Tokens:
    """Sequences of tokens: sequence i is `ids[offsets[i]:offsets[i + 1]]`.

    `ids` is uint16, or uint32 for vocabularies of more than 65,536 tokens; `offsets` is int64, from 0; `loss_mask` is
    uint8, as long as `ids`; `pad` is the token that `padded` fills up with.  `tokens[i]` is sequence i and its mask.
    Two are equal if all of these are.
    """

    ids: NDArray[Any]
    offsets: NDArray[np.int64]
    loss_mask: NDArray[np.uint8]
    pad: int = 0

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other) if isinstance(other, Tokens) else NotImplemented

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        i = range(len(self))[i]
        part = slice(self.offsets[i], self.offsets[i + 1])
        return self.ids[part], self.loss_mask[part]

    def __iter__(self) -> Iterator[tuple[NDArray[Any], NDArray[np.uint8]]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Tokens: {len(self)} sequences, {len(self.ids)} tokens>"

    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens in each sequence."""
        return np.diff(self.offsets)

    def padded(
        self,
        length: int,
        *,
        side: str = "right",
        pad: int | None = None,
        truncate: bool = False,
        ids: NDArray[Any] | None = None,
        loss_mask: NDArray[Any] | None = None,
        attention_mask: NDArray[Any] | None = None,
    ) -> Padded:
        """The sequences in arrays of shape (len(self), length), padded on the `side` "right" or "left".

        `ids`, `loss_mask` and `attention_mask` are written to where they are given, arrays of that shape and of any
        type of integers that holds the values; else they are made, with the types of the tokens and uint8.
        `truncate` keeps the first `length` tokens of longer sequences.  O(rows * length).

        Raises ValueError for a longer sequence without `truncate`, and for an array that does not fit.

        >>> tokens = ByteTokenizer(eos="<eos>").tokens(["ab", "a"], ["c", ""])
        >>> tokens.padded(4).ids.tolist(), tokens.padded(4, side="left").loss_mask.tolist()
        ([[97, 98, 99, 256], [97, 256, 256, 256]], [[0, 0, 1, 1], [0, 0, 0, 1]])
        """
        if side not in ("right", "left"):
            raise ValueError(f"side must be 'right' or 'left', got {side!r}")
        if self.longest() > length and not truncate:
            self.check_lengths(length)
        shape, left = (len(self), length), side == "left"
        pad = self.pad if pad is None else pad
        parts = (
            ("ids", ids, self.ids, pad),
            ("loss_mask", loss_mask, self.loss_mask, 0),
            ("attention_mask", attention_mask, None, 0),
        )
        buffers = [buffer_for(name, given, shape, entries, fill) for name, given, entries, fill in parts]
        for buffer, (_, _, entries, fill) in zip(buffers, parts, strict=True):
            self._pad(buffer, entries, left, fill)
        return Padded(*buffers)

    def check_lengths(self, length: int, indices: Sequence[int] | NDArray[Any] | None = None) -> None:
        """Raises ValueError for the first longer sequence, by its index where `indices` are those of the examples."""
        if self.longest() > length:
            sizes = self.lengths()
            row = int(np.argmax(sizes > length))
            name = f"row {row}" if indices is None else f"example {indices[row]}"
            raise ValueError(
                f"{name} has {sizes[row]} tokens, more than length {length}; give truncate=True or a larger one"
            )

    def longest(self) -> int:
        """The size of the longest sequence, 0 if there is none.

        Raises ValueError where the arrays do not fit one another, whoever made them: the engine reads within them.
        """
        if self.ids.dtype not in _ID_TYPES or self.loss_mask.dtype != np.uint8:
            raise ValueError(
                f"ids must be uint16 or uint32 and loss_mask uint8, got {self.ids.dtype}, {self.loss_mask.dtype}"
            )
        try:
            size = _tokens.longest(np.ascontiguousarray(self.offsets, np.int64), len(self.ids))
        except ValueError:
            size = -1
        if size < 0 or len(self.loss_mask) != len(self.ids):
            raise ValueError("the offsets or the loss mask of these tokens do not fit their ids")
        return size

    def _pad(self, out: NDArray[Any], entries: NDArray[Any] | None, left: bool, fill: int) -> None:
        """Fills an array, one that does not lie in memory as the engine writes it by way of one that does."""
        direct = out.flags.carray and out.dtype.isnative
        made = out if direct else np.empty(out.shape, out.dtype.newbyteorder("="))
        entries = None if entries is None else np.require(entries, requirements=["C", "ALIGNED"])
        _tokens.pad(entries, np.ascontiguousarray(self.offsets), left, fill, made)
        if not direct:
            out[...] = made


def buffer_for(name: str, given: Any, shape: tuple[int, int], entries: NDArray[Any] | None, fill: int) -> NDArray[Any]:
    """The caller's array if it can hold the entries (None: ones) and what it is filled up with, or a new one."""
    dtype = np.dtype(np.uint8) if entries is None else entries.dtype
    if given is None:
        given = np.empty(shape, dtype)
    if not isinstance(given, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(given).__name__}")
    if given.shape != shape or given.dtype.kind not in "iub":
        raise ValueError(f"{name} must be integers of shape {shape}, got {given.dtype} of shape {given.shape}")
    if not given.flags.writeable:
        raise ValueError(f"{name} cannot be written to")
    least, most = (0, 1) if given.dtype == np.bool_ else (np.iinfo(given.dtype).min, np.iinfo(given.dtype).max)
    values = [fill]
    if entries is not None and most < np.iinfo(dtype).max:
        values.append(int(entries.max(initial=0)))
    for value in values:
        if not least <= value <= most:
            raise ValueError(f"{name} is {given.dtype}, which cannot hold {value}")
    return given


class Tokenizer(ABC):
    """Turns texts into token ids.

    `size` is the number of ids, `special` the id of each special token by its text; `bos`, `sep`, `eos` are ids or
    None, `pad` is an id: the one named, else that of `eos`, else 0.  A special text is one token wherever it occurs in
    a prompt or completion.  Tokenizers compare by what they are, pickle, and may be shared by threads.
    """

    kind: ClassVar[str]
    size: int

    def __init__(self, roles: dict[str, str | None], special: Iterable[str]) -> None:
        self._roles = {role: text for role, text in roles.items() if text is not None}
        self._texts = _texts_of(self._roles.values(), special)
        self.special = self._number(self._texts)
        ids = {role: self.special[text] for role, text in self._roles.items()}
        self.bos, self.sep, self.eos = (ids.get(role) for role in _ROLES[:3])
        self.pad = ids.get("pad", 0 if self.eos is None else self.eos)

    @abstractmethod
    def _number(self, texts: list[str]) -> dict[str, int]:
        """The ids of special texts."""

    @abstractmethod
    def tokens(self, prompts: Any, completions: Any) -> Tokens:
        """The sequences of prompts and completions, columns or lists of as many texts.

        Raises ValueError where a text has a character without a token.
        """

    @abstractmethod
    def encode(self, texts: Any) -> Tokens:
        """The tokens of texts by themselves, without `bos`, `sep` and `eos`; the loss mask is 0."""

    @abstractmethod
    def decode(self, ids: Any) -> Any:
        """The text of a flat sequence of ids, special tokens left out.

        Raises ValueError for an id below 0, such as stands where a loss looks at nothing, and for several sequences.
        """

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the ids: uint16, or uint32 for more than 65,536."""
        return np.dtype(np.uint16 if self.size <= _MOST_SMALL else np.uint32)

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Tokenizer) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return Tokenizer.from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.size} tokens>"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the canonical JSON of `to_dict`."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """What the tokenizer is, as plain values."""
        return {"kind": self.kind, **self._roles, "special": self._texts}

    @staticmethod
    def from_dict(fields: dict[str, Any]) -> Tokenizer:
        """The tokenizer that `to_dict` describes."""
        kinds: dict[str, Any] = {one.kind: one for one in (ByteTokenizer, CharacterTokenizer, TokenizerFile)}
        made: Tokenizer = kinds[fields["kind"]](**{name: value for name, value in fields.items() if name != "kind"})
        return made

    def save(self, path: str | Path) -> None:
        """Writes the tokenizer as JSON."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=1) + "\n", "utf-8")

    @staticmethod
    def load(path: str | Path) -> Tokenizer:
        """Reads what `save` wrote.  Raises ValueError for another file."""
        try:
            return Tokenizer.from_dict(json.loads(Path(path).read_text("utf-8")))
        except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError):
            raise ValueError(f"{path}: is not a tokenizer that Tokenizer.save wrote") from None


class _TableTokenizer(Tokenizer):
    """Bytes or characters by a table, in the engine."""

    characters: ClassVar[bool]

    def _ids(self) -> NDArray[np.int32]:
        """The id of each byte or code point, or -1."""
        raise NotImplementedError

    @cached_property
    def _vocabulary(self) -> _tokens.Vocabulary:
        specials = sorted(((text.encode(), number) for text, number in self.special.items()), reverse=True)
        around = (-1 if number is None else number for number in (self.bos, self.sep, self.eos))
        return _tokens.Vocabulary(self.characters, self._ids(), specials, *around)

    def tokens(self, prompts: Any, completions: Any) -> Tokens:
        first, second = self._column(prompts), self._column(completions)
        try:
            return Tokens(*self._vocabulary.sequences(first, second), pad=self.pad)
        except _tokens.UnknownLetterError as error:
            self._unknown(error.row, first[error.row] + second[error.row])
            raise

    def encode(self, texts: Any) -> Tokens:
        column = self._column(texts)
        try:
            ids, offsets, mask = self._vocabulary.sequences(column, None)
        except _tokens.UnknownLetterError as error:
            self._unknown(error.row, column[error.row])
            raise
        mask[:] = 0
        return Tokens(ids, offsets, mask, pad=self.pad)

    def _column(self, texts: Any) -> Column:
        return as_column(texts)

    def _unknown(self, row: int, text: Any) -> None:
        """Raises where the text has a character without a token."""


class ByteTokenizer(_TableTokenizer):
    """Every byte (of text, of its UTF-8) is a token, ids 0 to 255; special tokens follow from 256 in the order given:
    `bos`, `sep`, `eos`, `pad`, then those in `special`.

    >>> tokenizer = ByteTokenizer(bos="<s>", eos="</s>", special=["->"])
    >>> tokenizer.tokens(["a->b"], ["c"])[0][0].tolist()
    [256, 97, 258, 98, 99, 257]
    """

    kind = "bytes"
    characters = False

    def __init__(
        self,
        *,
        bos: str | None = None,
        sep: str | None = None,
        eos: str | None = None,
        pad: str | None = None,
        special: Iterable[str] = (),
    ) -> None:
        super().__init__({"bos": bos, "sep": sep, "eos": eos, "pad": pad}, special)
        self.size = 256 + len(self.special)

    def _number(self, texts: list[str]) -> dict[str, int]:
        return {text: 256 + i for i, text in enumerate(texts)}

    def _ids(self) -> NDArray[np.int32]:
        return np.arange(256, dtype=np.int32)

    def decode(self, ids: Any) -> bytes:
        numbers = _flat(ids)
        return numbers[numbers < 256].astype(np.uint8).tobytes()


class CharacterTokenizer(_TableTokenizer):
    """Every character of `vocabulary` is a token, numbered from 0 in that order; special tokens follow.

    `CharacterTokenizer.of(recipe)` takes the characters that a recipe's prompts and completions can hold.  Texts must
    be text; a character that is not listed is a ValueError.

    >>> tokenizer = CharacterTokenizer("abc>=", eos="<eos>")
    >>> tokenizer.tokens(["a>b="], ["c"])[0][0].tolist(), tokenizer.decode([0, 3, 1, 5])
    ([0, 3, 1, 4, 2, 5], 'a>b')
    """

    kind = "characters"
    characters = True

    def __init__(
        self,
        vocabulary: Iterable[str],
        *,
        bos: str | None = None,
        sep: str | None = None,
        eos: str | None = None,
        pad: str | None = None,
        special: Iterable[str] = (),
    ) -> None:
        self.vocabulary = "".join(dict.fromkeys("".join(vocabulary)))
        super().__init__({"bos": bos, "sep": sep, "eos": eos, "pad": pad}, special)
        self.size = len(self.vocabulary) + len(self.special)
        if not 0 < self.size <= _MOST_SMALL:
            raise ValueError(f"there must be 1 to {_MOST_SMALL} characters and special tokens, got {self.size}")

    @classmethod
    def of(
        cls,
        source: Recipe | Source,
        *,
        bos: str | None = None,
        sep: str | None = None,
        eos: str | None = None,
        pad: str | None = None,
        special: Iterable[str] = (),
    ) -> CharacterTokenizer:
        """The tokenizer for a recipe, data set or view: letters in their order, then the other characters that the
        templates can write, sorted.

        Letters are those of words and rules, then those of shifts.  They and the templates, those of shifts too, are
        all that it depends on, so that all splits share it.  Raises ValueError where an alphabet is bytes.
        """
        special = name_list(special, "special")
        alone = _texts_of([text for text in (bos, sep, eos, pad) if text is not None], special)
        letters: list[str] = []
        others: set[str] = set()
        for recipe in _recipes_of(source):
            for one in (recipe, *map(recipe.for_split, recipe.shifts)):
                if not one.alphabet.text:
                    raise ValueError("the alphabet is bytes, which are no characters; use ByteTokenizer")
                letters += one.letters.letters
                for template in [*one.render.prompts, *one.render.completions]:
                    others |= characters_of(template, alone)
        return cls([*letters, *sorted(others)], bos=bos, sep=sep, eos=eos, pad=pad, special=special)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "vocabulary": self.vocabulary}

    def _number(self, texts: list[str]) -> dict[str, int]:
        return {text: len(self.vocabulary) + i for i, text in enumerate(texts)}

    def _ids(self) -> NDArray[np.int32]:
        points = np.array([ord(character) for character in self.vocabulary], dtype=np.int64)
        ids = np.full(int(points.max(initial=0)) + 1, -1, np.int32)
        ids[points] = np.arange(len(points))
        return ids

    def _column(self, texts: Any) -> Column:
        column = as_column(texts)
        if len(column) and not column.text:
            raise ValueError("the texts are bytes, which are no characters; use ByteTokenizer")
        return column

    def _unknown(self, row: int, text: str) -> None:
        special = "|".join(map(re.escape, sorted(self.special, key=len, reverse=True)))
        rest = re.sub(special, "", text) if special else text
        missing = next(character for character in rest if character not in self.vocabulary)
        raise ValueError(
            f"row {row}: the character {missing!r} has no token; CharacterTokenizer.of(recipe) takes all of a recipe's"
        ) from None

    def decode(self, ids: Any) -> str:
        return "".join(self.vocabulary[i] for i in _flat(ids).tolist() if i < len(self.vocabulary))


class TokenizerFile(Tokenizer):
    """A file `tokenizer.json` of the library `tokenizers`, which the extra `tokens` installs.

    The special tokens must be in the file's vocabulary.  What the file says on truncation, padding and tokens around
    a text is not used.  Prompt and completion are tokenized by themselves, so that the loss mask is exact and no token
    crosses their border.  Texts must be text.  A Python object is made for each text, other than by the tokenizers
    above: this is as fast as the library.

    Raises ImportError without the library; ValueError for a file that it does not read, or that is not UTF-8.
    """

    kind = "file"

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        json: str | None = None,
        bos: str | None = None,
        sep: str | None = None,
        eos: str | None = None,
        pad: str | None = None,
        special: Iterable[str] = (),
    ) -> None:
        if (path is None) == (json is None):
            raise TypeError("give the path of a tokenizer.json, or its text as json=")
        self._json = json if json is not None else _text_of(Path(path or ""))
        self._tokenizer = _read_tokenizer(self._json, str(path or "json"))
        super().__init__({"bos": bos, "sep": sep, "eos": eos, "pad": pad}, special)
        # Not the number of tokens: a vocabulary may have holes, and the largest id must fit in the type chosen.
        self.size = 1 + max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def holds(self, text: str) -> bool:
        """Whether a text is a token of the vocabulary."""
        return self._tokenizer.token_to_id(text) is not None

    def _number(self, texts: list[str]) -> dict[str, int]:
        ids = {text: self._tokenizer.token_to_id(text) for text in texts}
        for text, number in ids.items():
            if number is None:
                raise ValueError(f"the special token {text!r} is not in the tokenizer's vocabulary")
        self._tokenizer.add_special_tokens(texts)
        return ids

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "json": self._json}

    def tokens(self, prompts: Any, completions: Any) -> Tokens:
        first, second = self.encode(prompts), self.encode(completions)
        if len(first) != len(second):
            raise ValueError(f"{len(first)} prompts and {len(second)} completions")
        return _joined(self, first, second)

    def encode(self, texts: Any) -> Tokens:
        column = as_column(texts)
        if len(column) and not column.text:
            raise ValueError("the texts are bytes, which this tokenizer does not read; use ByteTokenizer")
        parts, sizes = [np.empty(0, self.dtype)], np.zeros(len(column) + 1, np.int64)
        for start in range(0, len(column), _ROWS_AT_ONCE):
            rows = self._tokenizer.encode_batch_fast(
                column[start : start + _ROWS_AT_ONCE].tolist(), add_special_tokens=False
            )
            parts += [np.array(row.ids, self.dtype) for row in rows]
            sizes[start + 1 : start + 1 + len(rows)] = [len(row.ids) for row in rows]
        ids = np.concatenate(parts)
        return Tokens(ids, np.cumsum(sizes), np.zeros(len(ids), np.uint8), pad=self.pad)

    def decode(self, ids: Any) -> str:
        text: str = self._tokenizer.decode(_flat(ids).tolist(), skip_special_tokens=True)
        return text


def _texts_of(roles: Iterable[str], special: Iterable[str]) -> list[str]:
    """The texts of special tokens, each once."""
    texts = list(dict.fromkeys([*roles, *name_list(special, "special")]))
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"a special token is named by its text, got {text!r}")
    if "" in texts:
        raise ValueError("a special token must not be the empty text")
    return texts


def _flat(ids: Any) -> NDArray[Any]:
    numbers = np.asarray(ids)
    if numbers.ndim != 1:
        raise ValueError(f"ids must be those of one sequence, got an array of shape {numbers.shape}")
    if numbers.size and numbers.min() < 0:
        raise ValueError(f"ids must be at least 0, got {numbers.min()}")
    return numbers


_BYTES = ByteTokenizer()


def _recipes_of(source: Recipe | Source) -> list[Recipe]:
    """The recipes that examples come from."""
    sources: Sequence[Source] = getattr(source, "sources", ())
    if sources:
        return [recipe for one in sources for recipe in _recipes_of(one)]
    recipe: Any = getattr(source, "recipe", source)
    if not hasattr(recipe, "letters"):
        raise ValueError("the characters of a mixture are not known beforehand; name them, or use ByteTokenizer")
    return [recipe]


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not a tokenizer.json: it is not UTF-8") from None


def _read_tokenizer(text: str, path: str) -> Any:
    try:
        import tokenizers
    except ImportError:
        raise ImportError(
            "a tokenizer file needs the library tokenizers: pip install '.[tokens]' in the clone of markovlib"
        ) from None
    try:
        made = tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"{path}: is not a tokenizer that the library tokenizers reads: {error}") from None
    made.no_truncation()
    made.no_padding()
    return made


def _joined(tokenizer: Tokenizer, first: Tokens, second: Tokens) -> Tokens:
    """The sequences of tokenized prompts and completions."""
    before, between, after = (int(number is not None) for number in (tokenizer.bos, tokenizer.sep, tokenizer.eos))
    offsets = np.zeros(len(first) + 1, np.int64)
    np.cumsum(first.lengths() + second.lengths() + before + between + after, out=offsets[1:])
    ids, mask = np.empty(offsets[-1], first.ids.dtype), np.zeros(offsets[-1], np.uint8)
    answer = offsets[:-1] + before + first.lengths() + between
    ids[_places(offsets[:-1] + before, first)] = first.ids
    places = _places(answer, second)
    ids[places] = second.ids
    mask[places] = 1
    for number, at in ((tokenizer.bos, offsets[:-1]), (tokenizer.sep, answer - 1), (tokenizer.eos, offsets[1:] - 1)):
        if number is not None:
            ids[at] = number
    if after:
        mask[offsets[1:] - 1] = 1
    return Tokens(ids, offsets, mask, pad=tokenizer.pad)


def _places(starts: NDArray[np.int64], tokens: Tokens) -> NDArray[np.int64]:
    """Where the tokens go if sequence i goes to starts[i]."""
    places: NDArray[np.int64] = np.repeat(starts - tokens.offsets[:-1], tokens.lengths()) + np.arange(len(tokens.ids))
    return places


def tokenizer_for(what: Tokenizer | str | Path, source: Recipe | Source) -> Tokenizer:
    """A tokenizer itself, or the one named: "bytes", "characters" or "chars" (those of the source), or the path of a
    tokenizer.json."""
    if isinstance(what, Tokenizer):
        return what
    if what == "bytes":
        return _BYTES
    if what in ("characters", "chars"):
        return CharacterTokenizer.of(source)
    if isinstance(what, str) and not Path(what).exists():
        raise FileNotFoundError(f'tokenizer {what!r} is neither "bytes", "characters" (for short "chars") nor a file')
    return TokenizerFile(what)


def tokenize(
    ds: Source,
    indices: range | Sequence[int] | NDArray[np.integer[Any]],
    tokenizer: Tokenizer | str | Path,
    threads: int | None = None,
) -> Tokens:
    """The sequences of a data set's examples; see `Dataset.tokens`."""
    batch = ds.batch(indices, ["prompt", "completion"], threads)
    return tokenizer_for(tokenizer, ds).tokens(batch.prompt, batch.completion)


def contiguity(ds: Source, tokenizer: Tokenizer | str | Path, rows: int = 1000) -> dict[str, Any]:
    """How often a model can copy the pattern token by token: the share of examples in which the pattern's tokens are
    a contiguous part of the word's.

    The first `rows` examples are looked at, those in which no rule fires left out.  Shares are given for the letters
    as they stand (`plain`), and for the forms `spaced` and `chars` behind a space, as they stand in a sentence.
    `examples` is the number of examples looked at; without one the shares are None, and so is that of a form whose
    spaces or commas the tokenizer has no token for.

    >>> from markovlib import Dataset, Recipe
    >>> contiguity(Dataset(Recipe.load("paper/no-op")), "bytes", rows=100)
    {'examples': 67, 'plain': 1.0, 'spaced': 1.0, 'chars': 1.0}
    """
    made = tokenizer_for(tokenizer, ds)
    limit = rows if ds.size is None else min(rows, ds.size)
    batch = ds.batch(range(limit), ["pattern", "word", "position"])
    fired = np.flatnonzero(batch.position >= 0)
    patterns, words = batch.pattern.take(fired).tolist(), batch.word.take(fired).tolist()
    report: dict[str, Any] = {"examples": len(fired)}
    for form, between, before in (("plain", "", ""), ("spaced", " ", " "), ("chars", ", ", " ")):
        unknown = isinstance(made, CharacterTokenizer) and not {*between, *before} <= {*made.vocabulary, *made.special}
        if unknown or not patterns:
            report[form] = None
            continue
        shares = [made.encode([_spread(text, between, before) for text in texts]) for texts in (patterns, words)]
        held = [_holds(word[0], pattern[0]) for pattern, word in zip(*shares, strict=True)]
        report[form] = sum(held) / len(held)
    return report


def _spread(text: Any, between: str, before: str) -> Any:
    """A text with something between its letters and before the first."""
    if isinstance(text, bytes):
        return before.encode() + between.encode().join(text[i : i + 1] for i in range(len(text)))
    return before + between.join(text)


def _holds(word: NDArray[Any], pattern: NDArray[Any]) -> bool:
    """Whether the pattern is a contiguous part of the word."""
    last = len(word) - len(pattern)
    if not len(pattern) or last < 0:
        return last >= 0
    starts = np.flatnonzero(word[: last + 1] == pattern[0])
    return any(np.array_equal(word[start : start + len(pattern)], pattern) for start in starts)
