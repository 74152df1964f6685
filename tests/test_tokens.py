"""Token output: ids, masks and padding against plain Python, for bytes, characters and files of `tokenizers`."""

from __future__ import annotations

import pickle
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovlib as mk
from markovlib import _tokens
from markovlib.tokens import (
    ByteTokenizer,
    CharacterTokenizer,
    Tokenizer,
    TokenizerFile,
    Tokens,
    contiguity,
)

BASE = mk.Recipe.load("paper/no-op").replace(
    {"rules.pattern_length": 3, "rules.replacement_length": 2, "words.length": [5, 40]}, examples=300
)
LETTERS = "abéÃ馬😀<>|s"  # of which é and Ã are the first bytes of others as numbers


def pieces(text: str, special: dict[str, int]) -> list[str | int]:
    """The special tokens of a text and what is between them: the longest at the leftmost place."""
    if not special:
        return [text]
    pattern = "|".join(re.escape(one) for one in sorted(special, key=len, reverse=True))
    return [special.get(piece, piece) for piece in re.split(f"({pattern})", text)]


def plain(tokenizer: ByteTokenizer | CharacterTokenizer, text: str) -> list[int]:
    ids: list[int] = []
    for piece in pieces(text, tokenizer.special):
        if isinstance(piece, int):
            ids.append(piece)
        elif isinstance(tokenizer, ByteTokenizer):
            ids += piece.encode()
        else:
            ids += [tokenizer.vocabulary.index(character) for character in piece]
    return ids


def plain_sequence(tokenizer: Any, prompt: list[int], completion: list[int]) -> tuple[list[int], list[int]]:
    def one(number: int | None) -> list[int]:
        return [] if number is None else [number]

    asked = one(tokenizer.bos) + prompt + one(tokenizer.sep)
    answer = completion + one(tokenizer.eos)
    return asked + answer, [0] * len(asked) + [1] * len(answer)


def listed(tokens: Tokens) -> list[tuple[list[int], list[int]]]:
    return [(ids.tolist(), mask.tolist()) for ids, mask in tokens]


texts = st.text(LETTERS, max_size=60)
names = st.none() | st.sampled_from(["<s>", "</s>", "<", "ab", "😀", "<s"])


@given(st.lists(st.tuples(texts, texts), max_size=8), names, names, names, st.lists(st.text(LETTERS, min_size=1)))
def test_bytes_and_characters_against_plain_python(
    rows: list[tuple[str, str]], bos: str | None, sep: str | None, eos: str | None, special: list[str]
) -> None:
    for tokenizer in (
        ByteTokenizer(bos=bos, sep=sep, eos=eos, special=special),
        CharacterTokenizer(LETTERS, bos=bos, sep=sep, eos=eos, special=special),
    ):
        prompts, completions = [row[0] for row in rows], [row[1] for row in rows]
        tokens = tokenizer.tokens(prompts, completions)
        assert listed(tokens) == [
            plain_sequence(tokenizer, plain(tokenizer, first), plain(tokenizer, second)) for first, second in rows
        ]
        assert tokens.offsets.tolist() == np.cumsum([0, *map(len, (ids for ids, _ in tokens))]).tolist()
        assert (tokens.ids.dtype, tokens.offsets.dtype, tokens.loss_mask.dtype) == (np.uint16, np.int64, np.uint8)
        alone = tokenizer.encode(prompts)
        assert listed(alone) == [(ids := plain(tokenizer, text), [0] * len(ids)) for text in prompts]
        assert tokenizer.size > tokens.ids.max(initial=0)


def test_ids_of_special_tokens() -> None:
    tokenizer = ByteTokenizer(bos="<s>", eos="<s>", pad="<pad>", special=["<|sep|>", "<pad>"])
    assert tokenizer.special == {"<s>": 256, "<pad>": 257, "<|sep|>": 258}
    assert (tokenizer.bos, tokenizer.sep, tokenizer.eos, tokenizer.pad, tokenizer.size) == (256, None, 256, 257, 259)
    assert (ByteTokenizer().pad, ByteTokenizer(eos="<e>").pad) == (0, 256)
    assert CharacterTokenizer("aab", eos="<e>").special == {"<e>": 2}
    with pytest.raises(ValueError, match="must not be the empty text"):
        ByteTokenizer(bos="")
    with pytest.raises(ValueError, match="1 to 65536 characters"):
        CharacterTokenizer("")
    for make in (ByteTokenizer, partial(CharacterTokenizer, "ab"), partial(CharacterTokenizer.of, BASE)):
        with pytest.raises(TypeError, match=r"special must be a list of names, got .<\|in\|>."):
            make(special="<|in|>")
        for wrong in ({"eos": 2}, {"bos": b"<s>"}, {"special": [7]}):
            with pytest.raises(TypeError, match="a special token is named by its text, got "):
                make(**wrong)


def test_ids_below_zero_are_no_tokens() -> None:
    for tokenizer in (ByteTokenizer(), CharacterTokenizer("abc")):
        assert tokenizer.decode([]) in ("", b"")
        with pytest.raises(ValueError, match="ids must be at least 0, got -100"):
            tokenizer.decode(np.array([-100, -1, 2]))
        with pytest.raises(ValueError, match=r"ids must be those of one sequence, got an array of shape \(2, 3\)"):
            tokenizer.decode(tokenizer.encode(["abc"])[0])  # these are the ids and the mask


def test_a_template_with_special_tokens() -> None:
    recipe = BASE.replace(
        {
            "render.prompt": "<|rule|>{pattern}->{replacement}<|word|>{word|spaced}",
            "render.completion": "{rule}:{output}",
        }
    )
    special = ["<|rule|>", "<|word|>"]
    tokenizer = CharacterTokenizer.of(recipe, eos="<|end|>", special=special)
    assert tokenizer.vocabulary == "abcdefghijklmnopqrstuvwxyz -0123456789:>"
    ds = mk.Dataset(recipe, seed=3)
    tokens = ds.tokens(range(50), tokenizer)
    for i, (ids, mask) in enumerate(tokens):
        example = ds[i]
        assert ids[0] == tokenizer.special["<|rule|>"]
        assert np.count_nonzero(ids == tokenizer.special["<|word|>"]) == 1
        assert tokenizer.decode(ids[mask == 0]) == re.sub(r"<\|\w+\|>", "", example.prompt)
        assert tokenizer.decode(ids[mask == 1]) == example.completion
        assert (ids[-1], mask[-1]) == (tokenizer.eos, 1)
    assert listed(ds.tokens([7, 3, -1], tokenizer)) == [
        listed(ds.tokens(range(300), tokenizer))[i] for i in (7, 3, 299)
    ]
    assert len(ds.tokens([], tokenizer)) == 0


def test_every_split_has_the_characters_of_the_recipe() -> None:
    numbers = "{index}{rule}{position}{steps}{outcome}{word|length}{word|chars}"
    recipe = BASE.replace({
        "task.kind": "encrypted", "task.cipher": "shift", "rules.terminating": True, "render.prompt": numbers,
        "render.completion": "{key}{certificate}{output|spaced}",
    })  # fmt: skip
    tokenizer = CharacterTokenizer.of(recipe)
    for split in ("train", "seen", "unseen"):
        ds = mk.Dataset(recipe, seed=1, split=split)
        batch = ds.batch(range(200))
        texts = [prompt + "" for prompt in batch.prompt]
        assert [tokenizer.decode(ids) for ids, _ in tokenizer.encode(texts)] == texts


@pytest.mark.parametrize(
    "changes",
    [
        {"rules.per_example": 3},
        {"task.kind": "run", "rules.per_example": 3},
        {"task.kind": "trace", "rules.per_example": 3, "render.completion": "{certificate}: {rule_count}|{output}"},
        {"task.kind": "encrypted", "task.cipher": "substitution"},
        {"task.kind": "induce"},
        {"task.kind": "scheme", "task.variables": "αβ", "rules.pattern_length": 4, "rules.replacement_length": 4},
        {"shifts": {"far": {"rules.alphabet": "а-я", "rules.pattern_length": 4, "rules.replacement_length": 3}}},
        {"shifts": {"reworded": {"render.prompt": ["«{word}» {pattern} {replacement}?", "{word|chars}"]}}},
    ],
    ids=lambda changes: changes.get("task.kind", "other"),
)
def test_every_task_and_shift_has_its_characters(changes: dict[str, Any]) -> None:
    """The tasks' own templates, letters that only rules have, and letters that only a shift has."""
    fields = {"rules.pattern_length": 3, "rules.replacement_length": 2, "words.length": [5, 40], **changes}
    recipe = mk.Recipe.from_dict({}).replace(fields, examples=200)
    tokenizer = CharacterTokenizer.of(recipe)
    for split in ("train", *recipe.shifts):
        ds = mk.Dataset(recipe, seed=1, split=split)
        prompts = ds.batch(range(200), ["prompt"]).prompt.tolist()
        assert [tokenizer.decode(ids) for ids, _ in tokenizer.encode(prompts)] == prompts
        assert len(ds.tokens(range(200), tokenizer)) == 200


def test_views_have_tokens_too() -> None:
    ds = mk.Dataset(BASE, seed=1)
    other = mk.Dataset(BASE.replace({"rules.alphabet": "A-Z", "render.prompt": "{word}?"}), seed=1)
    view = mk.View.phases([(20, ds.view("permuted")), (30, other)])
    tokenizer = CharacterTokenizer.of(view, eos="<e>")
    assert tokenizer.vocabulary == "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:=>?"
    tokens = view.tokens(range(30), tokenizer)
    for i in (0, 19, 20, 29):
        ids, mask = tokens[i]
        assert tokenizer.decode(ids[mask == 0]) == view[i].prompt
    packed = view.packed(tokenizer, 100, 8)
    assert sum(len(bin.examples) for bin in packed) == 30 - packed.report()["dropped_examples"]


def test_a_character_without_a_token() -> None:
    tokenizer = CharacterTokenizer("ab<", special=["<x>"])
    with pytest.raises(ValueError, match="row 1: the character '€' has no token"):
        tokenizer.tokens(["a", "b<x>"], ["a", "a€"])
    with pytest.raises(ValueError, match="row 0: the character 'x' has no token"):
        tokenizer.encode(["<xa"])
    with pytest.raises(ValueError, match="row 0: the character 'c' has no token"):
        CharacterTokenizer("xab", special=["xa", "abc"]).encode(["xabc"])
    with pytest.raises(ValueError, match="bytes, which are no characters"):
        tokenizer.encode([b"a"])
    with pytest.raises(ValueError, match="1 prompts and 2 completions"):
        tokenizer.tokens(["a"], ["a", "b"])


def test_an_alphabet_of_bytes() -> None:
    recipe = BASE.replace({"rules.alphabet": {"bytes": [0, 255]}})
    ds = mk.Dataset(recipe, seed=1)
    tokenizer = ByteTokenizer(eos="<eos>")
    for i, (ids, mask) in enumerate(ds.tokens(range(20), tokenizer)):
        assert tokenizer.decode(ids[mask == 0]) == ds[i].prompt
        assert tokenizer.decode(ids[mask == 1]) == ds[i].completion
    assert listed(ds.tokens(range(3), "bytes")) == listed(ds.tokens(range(3), ByteTokenizer()))
    with pytest.raises(ValueError, match="the alphabet is bytes"):
        ds.tokens(range(3), "characters")


def test_threads_change_nothing() -> None:
    ds = mk.Dataset(BASE.replace(examples=20_000), seed=1)
    one, three = (ds.tokens(range(20_000), "characters", threads=threads) for threads in (1, 3))
    assert np.array_equal(one.ids, three.ids)
    assert np.array_equal(one.offsets, three.offsets)


@pytest.mark.parametrize(
    "tokenizer",
    [ByteTokenizer(bos="<s>", special=["->"]), CharacterTokenizer("ab😀", sep="|", pad="<p>"), ByteTokenizer()],
    ids=repr,
)
def test_saving_and_pickling(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    for copy in (Tokenizer.load(tmp_path / "tokenizer.json"), pickle.loads(pickle.dumps(tokenizer))):
        assert type(copy) is type(tokenizer)
        assert (copy, hash(copy), copy.fingerprint) == (tokenizer, hash(tokenizer), tokenizer.fingerprint)
        assert listed(copy.tokens(["ab"], ["ba"])) == listed(tokenizer.tokens(["ab"], ["ba"]))
    assert tokenizer != ByteTokenizer(bos="other")
    for wrong in ("{}", "[]", "x", "\xff", '{"kind": "bytes", "size": 3}'):
        (tmp_path / "wrong.json").write_bytes(wrong.encode("latin-1"))
        with pytest.raises(ValueError, match=r"wrong\.json: is not a tokenizer"):
            Tokenizer.load(tmp_path / "wrong.json")


# ---- padding ----------------------------------------------------------------------------------------------------


def made(sizes: list[int]) -> Tokens:
    prompts = ["abcdefgh" * 2] * len(sizes)
    return ByteTokenizer(pad="<p>").tokens(
        [prompt[: size // 2] for prompt, size in zip(prompts, sizes, strict=True)],
        ["z" * ((size + 1) // 2) for size in sizes],
    )


@pytest.mark.parametrize("side", ["right", "left"])
@given(st.lists(st.integers(0, 12), max_size=6), st.integers(0, 14), st.sampled_from([np.int64, np.uint16, np.int32]))
def test_padding_against_plain_python(side: str, sizes: list[int], length: int, dtype: Any) -> None:
    tokens = made(sizes)

    def row(values: Any, fill: int) -> list[int]:
        kept = values.tolist()[:length]
        rest = [fill] * (length - len(kept))
        return kept + rest if side == "right" else rest + kept

    shape = len(sizes), length
    given_ids, given_mask = np.full(shape, 7, dtype), np.full(shape, True)
    for padded in (
        tokens.padded(length, side=side, truncate=True),
        tokens.padded(length, side=side, truncate=True, ids=given_ids, attention_mask=given_mask),
    ):
        assert padded.ids.tolist() == [row(ids, 256) for ids, _ in tokens]
        assert padded.loss_mask.tolist() == [row(mask, 0) for _, mask in tokens]
        assert padded.attention_mask.tolist() == [row(np.ones(len(ids), int), 0) for ids, _ in tokens]
    assert padded.ids is given_ids
    assert padded.attention_mask is given_mask


def test_what_padding_refuses() -> None:
    tokens = made([3, 9, 12])
    with pytest.raises(ValueError, match="row 1 has 9 tokens, more than length 8; give truncate=True"):
        tokens.padded(8)
    with pytest.raises(ValueError, match="side must be"):
        tokens.padded(12, side="both")
    with pytest.raises(ValueError, match=r"ids must be integers of shape \(3, 12\)"):
        tokens.padded(12, ids=np.empty((3, 13), np.int64))
    with pytest.raises(ValueError, match="ids must be integers"):
        tokens.padded(12, ids=np.empty((3, 12)))
    with pytest.raises(ValueError, match="ids is bool, which cannot hold 256"):
        tokens.padded(12, ids=np.empty((3, 12), np.bool_))
    with pytest.raises(TypeError, match="ids must be a NumPy array, got list"):
        tokens.padded(12, ids=[[0] * 12] * 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ids is uint8, which cannot hold 256"):
        tokens.padded(12, ids=np.empty((3, 12), np.uint8))
    with pytest.raises(ValueError, match="ids is uint16, which cannot hold -100"):
        tokens.padded(12, pad=-100)
    with pytest.raises(ValueError, match="loss_mask cannot be written to"):
        tokens.padded(12, loss_mask=np.broadcast_to(np.uint8(0), (3, 12)))
    assert tokens.padded(12, pad=5).ids[0].tolist()[3:] == [5] * 9


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint16, np.uint64, ">i4", ">i8"])
def test_padding_into_memory_of_every_kind(dtype: Any) -> None:
    tokens = ByteTokenizer().tokens(["abc", "", "d"], ["x", "yz", ""])
    whole = np.full((6, 14), 99, dtype)
    every_second = whole[::2, ::2]
    padded = tokens.padded(
        7, pad=-1 if np.dtype(dtype).kind == "i" else 1, ids=every_second, loss_mask=whole[1::2, ::2]
    )
    fill = int(padded.ids[1, -1])
    assert padded.ids.tolist() == [[97, 98, 99, 120] + [fill] * 3, [121, 122] + [fill] * 5, [100] + [fill] * 6]
    assert padded.loss_mask.tolist() == [[0, 0, 0, 1, 0, 0, 0], [1, 1] + [0] * 5, [0] * 7]
    assert (whole[:, 1::2] == 99).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.int64])
def test_padding_into_memory_that_is_not_aligned(dtype: Any) -> None:
    tokens = ByteTokenizer().tokens(["abc", ""], ["x", "yz"])
    size = np.dtype(dtype).itemsize
    ids = np.zeros(1 + 10 * size, np.uint8)[1:].view(dtype).reshape(2, 5)
    tokens.padded(5, ids=ids)
    assert ids.tolist() == [[97, 98, 99, 120, 0], [121, 122, 0, 0, 0]]
    entries = np.frombuffer(b"\0" + tokens.ids.tobytes(), np.uint16, offset=1)
    assert Tokens(entries, tokens.offsets, tokens.loss_mask).padded(5).ids.tolist() == ids.tolist()


def test_tokens_that_do_not_fit_together_are_not_read() -> None:
    good = ByteTokenizer().tokens(["abc", "de"], ["x", "yz"])
    for ids, offsets, mask in (
        (good.ids, good.offsets + 1, good.loss_mask),
        (good.ids, good.offsets[::-1].copy(), good.loss_mask),
        (good.ids, good.offsets, good.loss_mask[:-1]),
        (good.ids.astype(np.int64), good.offsets, good.loss_mask),
    ):
        with pytest.raises(ValueError, match=r"do not fit their ids|ids must be uint16"):
            Tokens(ids, offsets, mask).padded(9)


def test_padding_nothing() -> None:
    tokens = ByteTokenizer().tokens([], [])
    assert tokens.padded(5).ids.shape == (0, 5)
    assert ByteTokenizer().tokens([""], [""]).padded(0).ids.shape == (1, 0)


def test_want_of_memory() -> None:
    _tokens.fail_allocations_after(0)
    try:
        with pytest.raises(MemoryError):
            ByteTokenizer().tokens(["a"], ["b"])
    finally:
        _tokens.fail_allocations_after(-1)


# ---- files of the library tokenizers ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level BPE trained on the data set's words and rules, plain and spaced."""
    library = pytest.importorskip("tokenizers")
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<s>", "</s>", "<|sep|>"], show_progress=False,
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    batch = mk.Dataset(BASE, seed=1).batch(range(300))
    tokenizer.train_from_iterator([*batch.prompt, *(" " + " ".join(word) for word in batch.word)], trainer)
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=9)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def test_a_file_against_the_library(bpe: Path) -> None:
    library = pytest.importorskip("tokenizers")
    reference = library.Tokenizer.from_file(str(bpe))
    reference.no_truncation()
    reference.no_padding()
    recipe = BASE.replace({"render.prompt": "{pattern}>{replacement}<|sep|>{word}", "render.completion": "{output}"})
    ds = mk.Dataset(recipe, seed=2)
    for roles in ({}, {"bos": "<s>", "eos": "</s>"}, {"sep": "<|sep|>", "eos": "</s>"}):
        tokenizer = TokenizerFile(bpe, **roles)
        batch = ds[0:300]
        tokens = ds.tokens(range(300), tokenizer)
        assert listed(tokens) == [
            plain_sequence(
                tokenizer,
                reference.encode(prompt, add_special_tokens=False).ids,
                reference.encode(completion, add_special_tokens=False).ids,
            )
            for prompt, completion in zip(batch.prompt, batch.completion, strict=True)
        ]
        assert tokens.ids.dtype == np.uint16
        assert tokenizer.decode(tokens[0][0][tokens[0][1] == 1]) == ds[0].completion
        copy = pickle.loads(pickle.dumps(tokenizer))
        assert copy == tokenizer
        assert listed(copy.tokens(["ab"], ["c"])) == listed(tokenizer.tokens(["ab"], ["c"]))
    assert listed(ds.tokens(range(3), str(bpe))) == listed(ds.tokens(range(3), TokenizerFile(bpe)))


def test_a_special_token_in_the_text_of_a_file(bpe: Path) -> None:
    tokenizer = TokenizerFile(bpe, special=["<|sep|>"])
    ids, _ = tokenizer.tokens(["ab<|sep|>ab"], ["c"])[0]
    assert np.count_nonzero(ids == tokenizer.special["<|sep|>"]) == 1


def test_what_a_file_refuses(bpe: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'<nope>' is not in the tokenizer's vocabulary"):
        TokenizerFile(bpe, eos="<nope>")
    with pytest.raises(ValueError, match="bytes, which this tokenizer does not read"):
        TokenizerFile(bpe).encode([b"a"])
    with pytest.raises(ValueError, match="1 prompts and 2 completions"):
        TokenizerFile(bpe).tokens(["a"], ["a", "b"])
    with pytest.raises(TypeError, match=r"give the path of a tokenizer\.json"):
        TokenizerFile()
    (tmp_path / "wrong.json").write_text("{}")
    with pytest.raises(ValueError, match=r"wrong\.json: is not a tokenizer that the library"):
        TokenizerFile(tmp_path / "wrong.json")


def test_without_the_library(bpe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install '\.\[tokens\]'"):
        TokenizerFile(bpe)


def test_a_large_vocabulary_is_uint32(tmp_path: Path) -> None:
    library = pytest.importorskip("tokenizers")
    words = {f"w{i}": i for i in range(70_000)}
    tokenizer = library.Tokenizer(library.models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = library.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "words.json"))
    tokens = TokenizerFile(tmp_path / "words.json", eos="w69998").tokens(["w69999 w1"], ["w65536"])
    assert (tokens.ids.tolist(), tokens.ids.dtype) == ([69999, 1, 65536, 69998], np.uint32)


# ---- contiguity -------------------------------------------------------------------------------------------------


def test_contiguity_of_bytes_and_characters_is_whole() -> None:
    ds = mk.Dataset(BASE, seed=1)
    fired = int(np.count_nonzero(ds.batch(range(200)).position >= 0))
    spread = CharacterTokenizer("abcdefghijklmnopqrstuvwxyz, ")
    for tokenizer in (ByteTokenizer(), spread):
        assert contiguity(ds, tokenizer, rows=200) == {"examples": fired, "plain": 1, "spaced": 1, "chars": 1}
    letters = CharacterTokenizer("abcdefghijklmnopqrstuvwxyz ")
    assert contiguity(ds, letters, rows=200) == {"examples": fired, "plain": 1, "spaced": 1, "chars": None}
    assert contiguity(ds, "characters", rows=200) == {"examples": fired, "plain": 1, "spaced": None, "chars": None}
    none = mk.Dataset(BASE.replace({"words.no_op": 1.0}), seed=1)
    assert contiguity(none, "bytes") == {"examples": 0, "plain": None, "spaced": None, "chars": None}
    raw = mk.Dataset(BASE.replace({"rules.alphabet": {"bytes": [0, 255]}}), seed=1)
    assert contiguity(raw, "bytes", rows=50)["plain"] == 1


def test_contiguity_of_a_file_against_plain_python(bpe: Path) -> None:
    library = pytest.importorskip("tokenizers")
    reference = library.Tokenizer.from_file(str(bpe))
    reference.no_truncation()
    reference.no_padding()
    ds = mk.Dataset(BASE, seed=1)
    report = contiguity(ds, bpe, rows=300)
    batch = ds[0:300]
    held = {"plain": 0, "spaced": 0}
    for i in np.flatnonzero(batch.position >= 0):
        for form, spread in (("plain", str), ("spaced", lambda text: " " + " ".join(text))):
            word, pattern = (
                reference.encode(spread(text), add_special_tokens=False).ids
                for text in (batch.word[i], batch.pattern[i])
            )
            held[form] += any(word[k : k + len(pattern)] == pattern for k in range(len(word)))
    assert (report["plain"], report["spaced"]) == tuple(count / report["examples"] for count in held.values())
    assert report["plain"] < 0.9
    assert report["spaced"] == 1
