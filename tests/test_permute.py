"""Keyed permutations: bijections, the same tabulated or not, invertible, and uniform as far as statistics can see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import reference_stream
from hypothesis import given
from hypothesis import strategies as st
from reference_stream import digits_of

from markovlib import Dataset, Recipe
from markovlib._permute import Part, Permutation, permute_strings, simd_force

KEYS = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


SIMD = [name for name in ("scalar", "avx2", "avx512", "neon") if simd_force(name)]
simd_force(None)


@pytest.fixture(params=SIMD)
def simd(request: pytest.FixtureRequest) -> Iterator[str]:
    assert simd_force(request.param)
    yield request.param
    simd_force(None)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 255, 256, 257, 258, 1000, 65_536, 65_537, 100_003])
def test_bijection_tabulated_or_not(size: int) -> None:
    plain, table = Permutation((1, size), size), Permutation((1, size), size, tabulate=True)
    images = [table[x] for x in range(size)]
    assert sorted(images) == list(range(size))
    for x in range(0, size, max(1, size // 500)):
        assert plain[x] == images[x]
        assert plain.index(images[x]) == table.index(images[x]) == x


@given(KEYS, st.integers(1, 2**62 - 1), st.data())
def test_any_size(key: tuple[int, int], size: int, data: st.DataObject) -> None:
    x = data.draw(st.integers(0, size - 1))
    permutation = Permutation(key, size, tabulate=size < 2**24)
    assert permutation[x] == reference_stream.permute(key, size, x)
    assert 0 <= permutation[x] < size
    assert permutation.index(permutation[x]) == x


@given(KEYS, st.integers(2, 256), st.integers(0, 120), st.sampled_from([1, 2]), st.data())
def test_part_spaces(key: tuple[int, int], letters: int, length: int, axis: int, data: st.DataObject) -> None:
    digits = bytes(data.draw(st.lists(st.integers(0, letters - 1), min_size=length, max_size=length)))
    part = Part(key, axis, letters, length)
    image = part.permute(digits)
    assert len(image) == length
    assert all(digit < letters for digit in image)
    assert part.permute_back(image) == digits


@pytest.mark.parametrize("letters", [2, 3, 26, 127, 128, 129, 255, 256])
@pytest.mark.parametrize("length", [8, 13, 20, 31, 32, 33, 34, 47, 48, 49, 50, 62, 95, 96, 97, 200])
def test_part_space_as_strings_is_what_the_reference_says(letters: int, length: int) -> None:
    if letters**length < 2**62:
        return
    digits = [(7 * i) % letters for i in range(length)]
    key = reference_stream.subkey((3, 4), length, letters, 0, 2)
    image = Part((3, 4), 2, letters, length).permute(bytes(digits))
    assert list(image) == reference_stream.permute_string(key, letters, digits)
    assert list(Part((3, 4), 2, letters, length).permute_back(image)) == digits


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("length", range(1, 61))
def test_many_strings_at_once_are_the_same_one_at_a_time(length: int) -> None:
    random = np.random.default_rng(length)
    for letters in range(2 + length % 3, 257, 3):  # each number of letters with every third length
        key = (letters, length)
        strings = [bytes(row) for row in random.integers(0, letters, (3 + letters % 37, length), np.uint16).tolist()]
        assert permute_strings(key, letters, strings) == [permute_strings(key, letters, [s])[0] for s in strings]


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("letters", [2, 3, 26, 128, 255, 256])
@pytest.mark.parametrize("length", [2, 3, 16, 17, 31, 32, 33, 47, 48, 49, 60])
def test_many_strings_are_what_the_reference_says(letters: int, length: int) -> None:
    strings = [bytes((7 * i + k * i * i) % letters for i in range(length)) for k in range(40)]
    images = permute_strings((5, 6), letters, strings)
    for k in (0, 1, 19, 39):
        assert list(images[k]) == reference_stream.permute_string((5, 6), letters, list(strings[k]))


@given(KEYS, st.integers(1, 2**62 - 1) | st.integers(200, 3000), st.data())
def test_many_numbers_at_once_are_the_same_one_at_a_time(key: tuple[int, int], size: int, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, size - 1), max_size=70))
    permutation = Permutation(key, size)
    assert permutation.images(numbers).tolist() == [permutation[x] for x in numbers]


@pytest.mark.usefixtures("simd")
@pytest.mark.parametrize("rules", [
    {},
    {"rules.pattern_length": 10, "rules.replacement_length": 40},
    {"rules.pattern_length": 60, "words.length": 90},
    {"rules.alphabet": "ab", "rules.pattern_length": 5, "rules.replacement_length": 5, "examples": 800},
])  # fmt: skip
def test_instructions_written_ahead_are_those_written_one_by_one(rules: dict[str, object]) -> None:
    ds = Dataset(Recipe.load("paper/no-op").replace({**rules, "instructions": None}), 7)
    sides = ["pattern", "replacement"]
    together, alone = ds.batch(range(600), sides), ds.batch([*range(600)], sides)
    for side in sides:
        assert getattr(together, side).tolist() == getattr(alone, side).tolist()


@pytest.mark.parametrize("size", [2**62, 0])
def test_sizes_have_a_limit(size: int) -> None:
    with pytest.raises(ValueError, match="size must be"):
        Permutation((0, 0), size)


def standardised(observed: np.ndarray, expected: float | np.ndarray) -> float:
    """Chi-square of counts, as a number of standard deviations."""
    freedom = observed.size - 1
    return float((((observed - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


@pytest.mark.slow
def test_uniform_for_every_size_up_to_2000() -> None:
    """Where 0 goes, where the middle goes, and how the images of neighbours lie to one another.

    1024 keys, 8 cells: a chi-square of 7 degrees of freedom lies 9 standard deviations above its mean with a chance of
    10^-6, so a fair shuffle would fail one of the 6000 tests with a chance below one in a hundred (the keys are fixed).
    """
    keys, cells = 1024, 8
    for size in range(2, 2001):
        places = min(cells, size)
        bins = (np.arange(size) * places) // size
        share = np.bincount(bins) / size
        first, middle, gap = (np.zeros(places) for _ in range(3))
        for k in range(keys):
            permutation = Permutation((k, size), size)
            x, y = permutation[0], permutation[size // 2]
            first[bins[x]] += 1
            middle[bins[y]] += 1
            gap[bins[(y - x - 1) % size]] += 1
        for counts, even in ((first, share), (middle, share), (gap, gap_share(size, bins, places))):
            expected = even * keys
            kept = expected > 0
            chi = ((counts[kept] - expected[kept]) ** 2 / expected[kept]).sum()
            freedom = max(1, kept.sum() - 1)
            assert (chi - freedom) / np.sqrt(2 * freedom) < 9, (size, counts)
            assert counts[~kept].sum() == 0


def gap_share(size: int, bins: np.ndarray, places: int) -> np.ndarray:
    """Differences of two different images are uniform on 1 .. size - 1."""
    return np.bincount(bins[: size - 1], minlength=places) / (size - 1)


def test_positions_are_uniform() -> None:
    """Every x to every y, over 20,000 keys, for sizes on both sides of the change of method."""
    for size in (5, 16, 300):
        counts = np.zeros((size, size))
        for k in range(4000):
            permutation = Permutation((k, 99), size, tabulate=True)
            for x in range(size):
                counts[x, permutation[x]] += 1
        assert abs(standardised(counts.ravel(), 4000 / size)) < 5 * np.sqrt(size / (size - 1))


@pytest.mark.parametrize(("letters", "length"), [(2, 2), (2, 11), (3, 3), (3, 7), (7, 2), (12, 3), (26, 2), (60, 2)])
def test_strings_are_permuted_evenly(letters: int, length: int) -> None:
    """Every string once by any key; where the first and the middle one go, over 400 keys a string."""
    size, keys = letters**length, 400 * min(letters**length, 16)
    strings = [bytes(digits_of(number, letters, length)) for number in range(size)]
    assert sorted(permute_strings((1, 2), letters, strings)) == strings
    digits = np.zeros((2, length, letters))
    for k in range(keys):
        for which, image in enumerate(permute_strings((k, length), letters, [strings[0], strings[size // 2]])):
            for place, digit in enumerate(image):
                digits[which, place, digit] += 1
    for counts in digits.reshape(-1, letters):
        assert standardised(counts, keys / letters) < 6


@pytest.mark.parametrize(("letters", "length"), [(2, 64), (4, 31), (26, 14), (26, 20), (100, 48), (256, 60)])
def test_strings_that_follow_one_another_go_to_places_that_have_nothing_in_common(letters: int, length: int) -> None:
    """The digits, their differences from those of the string before, and pairs of neighbours: all as of chance."""
    count = 40_000
    strings = [bytes(digits_of(number, letters, length)) for number in range(count)]
    images = np.array([*map(list, permute_strings((3, length), letters, strings))])
    cells = min(letters, 16)
    cell = images * cells // letters
    share = np.bincount(np.arange(letters) * cells // letters) / letters
    for place in range(length):
        steps = (images[1:, place] - images[:-1, place]) % letters * cells // letters
        for seen in (cell[:, place], steps):
            expected = share * len(seen)
            assert standardised(np.bincount(seen, minlength=cells), expected) < 6, place
        both = np.bincount(cell[:, place] * cells + cell[:, place - 1], minlength=cells**2)
        assert standardised(both, np.outer(share, share).ravel() * count) < 6, place


def test_six_rounds_are_the_least_with_which_a_digit_changes_every_other() -> None:
    """Of the function of one half that is added to the other: docs/stream.md says so."""
    random = np.random.default_rng(1)
    tried, letters, most = 150, 26, 24
    least = {}
    for rounds in (5, 6):
        changed = np.zeros((most, 16))
        for _ in range(tried):
            key, turn = tuple(random.integers(0, 2**63, 2).tolist()), int(random.integers(10))
            digits = random.integers(0, letters, most)
            before = lanes(key, digits, turn, rounds, letters)
            for place in range(most):
                other = digits.copy()
                other[place] = (other[place] + 1) % letters
                changed[place] += lanes(key, other, turn, rounds, letters) != before
        least[rounds] = changed.min() / tried
    assert least[5] < 0.8
    assert least[6] > (letters - 1) / letters - 6 * np.sqrt((letters - 1) / letters**2 / tried)


def lanes(key: tuple[int, ...], digits: np.ndarray, turn: int, rounds: int, letters: int) -> np.ndarray:
    words = [int.from_bytes(digits[8 * i : 8 * i + 8].astype(np.uint8).tobytes(), "little") for i in range(3)]
    block = reference_stream.philox(key, (*words, 1 << 32 | turn), rounds)
    return np.array([(word >> shift & 0xFFFF) * letters >> 16 for word in block for shift in (0, 16, 32, 48)])
