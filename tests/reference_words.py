"""The samplers of words in plain Python, written from docs/datasets.md: slow, and short enough to be read.

`draws` is a `Draws` of reference_stream.py; letters are codes, words and patterns lists of them."""

from __future__ import annotations

from functools import cache

from reference_stream import occurrences


def add(a, b):
    """Counts are pairs (64 leading bits, power of two), rounded down."""
    if not a[0] or (b[0] and b[1] > a[1]):
        a, b = b, a
    return normal(a[0] + in_units(b, a[1]), a[1])


def times(a, factor):
    return normal(a[0] * factor, a[1])


def in_units(a, exponent):
    return a[0] >> exponent - a[1] if a[0] else 0


def normal(number, exponent):
    surplus = number.bit_length() - 64
    return (number >> surplus, exponent + surplus) if surplus > 0 else (number, exponent) if number else ZERO


ZERO, ONE = (0, 0), (1 << 63, -63)


class Detector:
    """States are the beginnings of patterns; `edges` lists the letters that lead to one that is not empty."""

    def __init__(self, base, patterns, hit=None):
        self.base, self.hit = base, hit
        self.patterns = [tuple(pattern) for pattern in patterns]
        self.edges = {}
        waiting = [()]
        while waiting:
            state = waiting.pop(0)
            self.list_edges(state)
            waiting += self.children(state)

    def children(self, state):
        longer = [pattern[: len(state) + 1] for pattern in self.patterns if pattern[: len(state)] == state]
        return list(dict.fromkeys(child for child in longer if len(child) > len(state)))

    def failure(self, state):
        return next(state[i:] for i in range(1, len(state) + 1) if state[i:] in self.edges)

    def list_edges(self, state):
        own = {child[-1]: child for child in self.children(state)}
        inherited = self.edges[self.failure(state)] if state else []
        self.edges[state] = [*own.items(), *((letter, target) for letter, target in inherited if letter not in own)]

    def mark(self, state):
        """Which patterns end here: forbidden before hit before none."""
        ending = {i for i, pattern in enumerate(self.patterns) if state[len(state) - len(pattern) :] == pattern}
        return "forbidden" if ending - {self.hit} else "hit" if ending else "pass"

    def next(self, state, letter):
        return dict(self.edges[state]).get(letter, ())

    def choices(self, state, ahead, after_hit):
        """(letter, next state, count) of the listed letters; the count of each other letter and their number."""
        listed = []
        for letter, target in self.edges[state]:
            go_on = {"pass": ahead, "hit": after_hit, "forbidden": never}[self.mark(target)]
            listed.append((letter, target, go_on(target)))
        return listed, ahead(()), self.base - len(listed)

    def total(self, state, ahead, after_hit):
        listed, other, others = self.choices(state, ahead, after_hit)
        total = times(other, others)
        for _, _, count in listed:
            total = add(total, count)
        return total

    def draw(self, draws, state, ahead, after_hit):
        """One letter in proportion to the counts ahead, and the state it leads to."""
        total = self.total(state, ahead, after_hit)
        listed, other, others = self.choices(state, ahead, after_hit)
        point = draws.below(total[0])
        for letter, target, count in listed:
            units = in_units(count, total[1])
            if point < units:
                return letter, target
            point -= units
        unit = in_units(other, total[1])
        if others and unit:
            free = [letter for letter in range(self.base) if letter not in dict(self.edges[state])]
            return free[min(point // unit, others - 1)], ()
        return [(letter, target) for letter, target, count in listed if count[0]][-1]


def never(_):
    return ZERO


class UniformWords:
    """Words with a number of occurrences of one pattern; None: at least one."""

    def __init__(self, pattern, base):
        self.pattern, self.base = list(pattern), base
        self.detector = Detector(base, [pattern], 0)
        self.count = cache(self.count)

    def count(self, left, state, more):
        """The words of `left` letters that, read from the state, have that many further hits."""
        if left == 0:
            return ONE if more == 0 else ZERO
        return self.detector.total(state, *self.ahead(left, more))

    def power(self, exponent):
        count = ONE
        for _ in range(exponent):
            count = times(count, self.base)
        return count

    def ahead(self, left, more):
        def after_hit(target):
            if more is None:
                return self.power(left - 1)
            return self.count(left - 1, target, more - 1) if more else ZERO

        return lambda state: self.count(left - 1, state, more), after_hit

    def draw_by_counts(self, draws, length, more):
        word, state = [], ()
        for left in range(length, 0, -1):
            letter, state = self.detector.draw(draws, state, *self.ahead(left, more))
            word.append(letter)
            if state == tuple(self.pattern):
                if more is None:
                    return word + draws.letters(self.base, left - 1)
                more -= 1
        return word

    def draw(self, draws, length, more):
        for _ in range(64 if more in (None, 0, 1) else 0):
            if more == 0:
                start, word = None, draws.letters(self.base, length)
            else:
                start = draws.below(length - len(self.pattern) + 1)
                free = draws.letters(self.base, length - len(self.pattern))
                word = free[:start] + self.pattern + free[start:]
            found = occurrences(word, self.pattern)
            if not found if more == 0 else found[0] == start and (more is None or len(found) == 1):
                return word
        return self.draw_by_counts(draws, length, more)
