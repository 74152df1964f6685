"""The data set's stream in plain Python, written from docs/stream.md: slow, and short enough to be read."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from math import frexp, gcd, isqrt, ldexp

import numpy as np

MASK = 2**64 - 1


def philox(key, counter, rounds=10):
    """Philox4x64 (Salmon and others, 2011)."""
    (k0, k1), (a, b, c, d) = key, counter
    for _ in range(rounds):
        first, second = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = (second >> 64) ^ b ^ k0, second & MASK, (first >> 64) ^ d ^ k1, first & MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return a, b, c, d


def stream_key(seed):
    words = np.random.SeedSequence(seed, spawn_key=(0x6D61726B6F76,)).generate_state(2, np.uint64)
    return int(words[0]), int(words[1])


def subkey(key, size, number, split, axis):
    return philox(key, (size, number, split, axis))[:2]


def digits_of(number, base, length):
    digits = []
    for _ in range(length):
        number, digit = divmod(number, base)
        digits.append(digit)
    return digits[::-1]


def number_of(digits, base):
    number = 0
    for digit in digits:
        number = number * base + digit
    return number


def permute(key, size, x):
    """The image of x under the key's permutation of [0, size)."""
    if size <= 256:
        order = list(range(size))
        words = [word for block in range(64) for word in philox(key, (block, 0, 0, 0))]
        for step, place in enumerate(range(size - 1, 0, -1)):
            other = words[step] * (place + 1) >> 64
            order[place], order[other] = order[other], order[place]
        return order[x]
    rows = isqrt(size - 1) + 1
    columns = -(-size // rows)
    while True:
        row, column = divmod(x, columns)
        for turn in range(8):
            modulus, argument = (rows, column) if turn % 2 == 0 else (columns, row)
            value = philox(key, (argument // 4, turn, 0, 0))[argument % 4] * modulus >> 64
            if turn % 2 == 0:
                row = (row + value) % rows
            else:
                column = (column + value) % columns
        x = row * columns + column
        if x < size:
            return x


def permute_string(key, base, digits):
    half = len(digits) // 2
    left, right = digits[:half], digits[half:]
    for turn in range(10):
        if turn % 2 == 0:
            left = add_round(key, base, turn, right, left)
        else:
            right = add_round(key, base, turn, left, right)
    return left + right


def add_round(key, base, turn, source, target):
    chunks = [source[i : i + 24] for i in range(0, len(source), 24)]
    packed = [[int.from_bytes(bytes(chunk[8 * i : 8 * i + 8]), "little") for i in range(3)] for chunk in chunks]
    for number, words in enumerate(packed[:-1]):
        key = philox(key, (*words, number << 8 | turn), rounds=6)[:2]
    lanes = []
    for out in range(1, -(-len(target) // 16) + 1):
        for word in philox(key, (*packed[-1], out << 32 | (len(packed) - 1) << 8 | turn), rounds=6):
            lanes += [word >> shift & 0xFFFF for shift in (0, 16, 32, 48)]
    return [(digit + (lane * base >> 16)) % base for digit, lane in zip(target, lanes, strict=False)]


class Part:
    """A part space, permuted and divided."""

    def __init__(self, key, axis, base, length, holdout, held_out):
        self.base, self.length = base, length
        self.size = base**length
        self.numbered = self.size < 2**62
        self.key = subkey(key, self.size, 0, 0, axis) if self.numbered else subkey(key, length, base, 0, axis)
        held = min(max(1, (2 * holdout * self.size + 1) // 2), self.size - 1)
        self.first, self.count = (self.size - held, held) if held_out else (0, self.size - held)

    def string(self, index):
        index += self.first
        if self.numbered:
            return digits_of(permute(self.key, self.size, index), self.base, self.length)
        return permute_string(self.key, self.base, digits_of(index, self.base, self.length))


class Draws:
    """The words of one attempt at one example."""

    def __init__(self, key, split, index, attempt):
        self.key, self.counter = key, [attempt << 32, index, split, 5]
        self.left = []

    def word(self):
        if not self.left:
            self.left = list(philox(self.key, self.counter))
            self.counter[0] += 1
        return self.left.pop(0)

    def below(self, limit):
        return self.word() * limit >> 64

    def letter(self, base):
        return self.group(base, 1)[0]

    def group(self, base, size):
        while True:
            rest, letters = self.word(), []
            for _ in range(size):
                letters.append(rest * base >> 64)
                rest = rest * base & MASK
            if rest >= 2**64 % base**size:
                return letters

    def letters(self, base, count):
        size = max(k for k in range(1, 49) if base**k <= 2**48)
        return [letter for _ in range(-(-count // size)) for letter in self.group(base, size)][:count]


def occurrences(word, pattern):
    return [i for i in range(len(word) - len(pattern) + 1) if word[i : i + len(pattern)] == pattern]


class Weights:
    """The exact sampler for one pattern."""

    def __init__(self, pattern, base, longest, layers):
        self.pattern, self.base, self.size = pattern, base, len(pattern)
        self.border = [0, 0]
        for q in range(2, self.size + 1):
            self.border.append(max(b for b in range(q) if pattern[:b] == pattern[q - b : q]))
        self.edges = []
        for q in range(self.size):
            copied = [edge for edge in self.edges[self.border[q]] if edge[0] != pattern[q]] if q else []
            self.edges.append([(pattern[q], q + 1), *copied])
        self.shrink = [1.0]
        for _ in range(self.size + 1):
            self.shrink.append(self.shrink[-1] / base)
        self.rows, self.exponents = [], []
        for layer in range(layers + 1):
            self.fill(layer, longest)

    def allowed_before(self, q):
        """Whether no occurrence would overlap the pattern if it followed a word that ends in state q."""
        ends = [q]
        while ends[-1]:
            ends.append(self.border[ends[-1]])
        return all(self.pattern[d:] != self.pattern[: self.size - d] for d in ends if d)

    def fill(self, layer, longest):
        states = range(self.size)
        start = [1.0 if layer == 1 else 0.0 for _ in states]
        if layer == 0:
            start = [float(self.allowed_before(q)) for q in states]
        self.rows.append([])
        self.exponents.append([])
        self.scale(layer, start, 0)
        for left in range(1, longest + 1):
            row = []
            for q in states:
                total = 0.0
                for weight in self.choices(layer, left, q):
                    total += weight
                row.append(total)
            self.scale(layer, row, self.exponents[layer][-1])

    def scale(self, layer, row, exponent):
        shift = frexp(max(row))[1]
        if max(row) == 0 and layer > 1:
            exponent = self.exponents[layer - 1][len(self.rows[layer])]
        self.rows[layer].append([weight * ldexp(1, -shift) for weight in row])
        self.exponents[layer].append(exponent + shift)

    def choices(self, layer, left, q):
        """The weights of the edges of state q, and of all other letters together."""
        ahead, weights = self.rows[layer][left - 1], []
        for _, target in self.edges[q]:
            if target < self.size:
                weights.append(ahead[target] * self.shrink[1 if layer <= 1 else q + 1 - target])
            elif layer <= 1:
                weights.append(0.0)
            else:
                bridge = self.exponents[layer - 1][left - 1] - self.exponents[layer][left - 1]
                weights.append(ldexp(self.rows[layer - 1][left - 1][self.border[target]], bridge))
        others = self.base - len(self.edges[q])
        weights.append(others * (ahead[0] * self.shrink[1 if layer <= 1 else q + 1]))
        return weights

    def draw(self, draws, layer, q, left):
        word = []
        for remaining in range(left, 0, -1):
            weights = self.choices(layer, remaining, q)
            total = 0.0
            for weight in weights:
                total += weight
            point = (draws.word() >> 11) * 2.0**-53 * total
            chosen = 0
            while chosen < len(weights) - 1 and point >= weights[chosen]:
                point -= weights[chosen]
                chosen += 1
            while weights[chosen] == 0:
                chosen -= 1
            if chosen < len(weights) - 1:
                letter, q = self.edges[q][chosen]
            else:
                letter = draws.letter(self.base)
                while letter in [listed for listed, _ in self.edges[q]]:
                    letter = draws.letter(self.base)
                q = 0
            word.append(letter)
            if q == self.size:
                q, layer = self.border[q], layer - 1
        return word


class ReferenceStream:
    """Examples as (pattern, replacement, word, no_op), letters as codes."""

    def __init__(self, recipe, seed, split, size, instructions, order):
        self.key, self.base = stream_key(seed), len(recipe.alphabet)
        self.split_name, self.split = split, int.from_bytes(hashlib.sha256(split.encode()).digest()[:8], "little")
        self.size, self.instructions, self.order = size, instructions, order
        self.share = Fraction(str(recipe.words.no_op))
        self.exactly = recipe.words.occurrences
        self.shortest, self.longest = recipe.words.length
        holdout = Fraction(str(recipe.rules.holdout))
        lengths = recipe.rules.pattern_length[0], recipe.rules.replacement_length[0]
        self.parts = [
            Part(self.key, axis, self.base, length, holdout, split == "unseen")
            for axis, length in zip((1, 2), lengths, strict=True)
        ]

    def no_op(self, index):
        block, place = divmod(index, 65536)
        start = block * 65536
        rows = 65536 if self.size is None else min(65536, self.size - start)
        count = self.no_ops_before(start + rows) - self.no_ops_before(start)
        return permute(subkey(self.key, rows, block, self.split, 3), rows, place) < count

    def no_ops_before(self, end):
        return (2 * self.share * end + 1) // 2

    def instruction_number(self, index):
        if self.order == "own":
            return index
        run, place = divmod(index, self.instructions)
        if self.order == "cycle":
            return place
        return permute(subkey(self.key, self.instructions, run, self.split, 4), self.instructions, place)

    def instruction(self, j):
        patterns, replacements = self.parts
        p, r = patterns.count, replacements.count
        pattern = patterns.string(j % p)
        replacement = replacements.string((j + j // (p * r // gcd(p, r))) % r)
        if pattern == replacement:
            reserve = (j % p - p + gcd(p, r) - 1) % r if r < 2**63 else r - 1 - j % p
            replacement = replacements.string(reserve)
        return pattern, replacement

    def hash_letters(self, part, letters):
        pairs = [(len(letters), 0)]
        for i in range(0, len(letters), 8):
            packed = int.from_bytes(bytes(letters[i : i + 8]), "little")
            pairs.append((packed & 0xFFFFFFFF, packed >> 32))
        total = 0
        for i, (low, high) in enumerate(pairs):
            words = philox(self.key, (i // 2, part, 0, 6))[2 * (i % 2) :]
            total += (words[0] + low) * (words[1] + high)
        return total

    def is_for_seen(self, pattern, replacement, word):
        total = philox(self.key, (0, 3, 0, 6))[0]
        for part, letters in enumerate((pattern, replacement, word)):
            total += self.hash_letters(part, letters)
        return (total & MASK) >> 60 == 0

    def word_without(self, draws, pattern):
        length = self.shortest + draws.below(self.longest - self.shortest + 1)
        draws.word()
        for _ in range(64):
            word = draws.letters(self.base, length)
            if not occurrences(word, pattern):
                return word
        return Weights(pattern, self.base, self.longest, 1).draw(draws, 1, 0, length)

    def word_with(self, draws, pattern):
        count = self.exactly or 1
        period = next((d for d in range(1, len(pattern)) if pattern[d:] == pattern[:-d]), len(pattern))
        span = len(pattern) + (count - 1) * period
        shortest = max(span, self.shortest)
        length = shortest + draws.below(self.longest - shortest + 1)
        start = draws.below(length - span + 1 if pattern else 1)
        for _ in range(64 if count == 1 else 0):
            free = draws.letters(self.base, length - len(pattern))
            word = free[:start] + pattern + free[start:]
            found = occurrences(word, pattern)
            if found[0] == start and (self.exactly is None or len(found) == 1):
                return word
        weights = Weights(pattern, self.base, self.longest, count)
        after = length - start - len(pattern)
        word = weights.draw(draws, 0, 0, start) + pattern
        if self.exactly is None:
            return word + draws.letters(self.base, after)
        return word + weights.draw(draws, count, weights.border[-1], after)

    def example(self, index, divided=True):
        no_op = self.no_op(index)
        pattern, replacement = self.instruction(self.instruction_number(index))
        for attempt in range(4096):
            draws = Draws(self.key, self.split, index, attempt)
            word = (self.word_without if no_op else self.word_with)(draws, pattern)
            seen = self.split_name == "seen"
            if self.split_name == "unseen" or not divided or self.is_for_seen(pattern, replacement, word) == seen:
                return pattern, replacement, word, no_op
        raise AssertionError("no word of this class")
