"""The samplers of words in plain Python, written from docs/stream.md: slow, and short enough to be read.

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

    def ahead_of(self, target, ahead, after_hit):
        return {"pass": ahead, "hit": after_hit, "forbidden": never}[self.mark(target)](target)

    def choices(self, state, ahead, after_hit, left_out=None):
        """(letter, next state, count) of the listed letters, and the other letters; one may be left out."""
        listed = [
            (letter, target, ZERO if letter == left_out else self.ahead_of(target, ahead, after_hit))
            for letter, target in self.edges[state]
        ]
        others = [x for x in range(self.base) if x not in dict(self.edges[state]) and x != left_out]
        return listed, others

    def total(self, state, ahead, after_hit, left_out=None):
        listed, others = self.choices(state, ahead, after_hit, left_out)
        total = times(ahead(()), len(others))
        for _, _, count in listed:
            total = add(total, count)
        return total

    def draw(self, draws, state, ahead, after_hit):
        """One letter in proportion to the counts ahead, and the state it leads to."""
        total = self.total(state, ahead, after_hit)
        return self.pick(draws.below(total[0]), total[1], state, ahead, after_hit)

    def pick(self, point, exponent, state, ahead, after_hit, left_out=None):
        listed, others = self.choices(state, ahead, after_hit, left_out)
        for letter, target, count in listed:
            units = in_units(count, exponent)
            if point < units:
                return letter, target
            point -= units
        unit = in_units(ahead(()), exponent)
        possible = [(letter, target) for letter, target, count in listed if count[0]]
        if others and (unit or not possible):
            return others[min(point // unit, len(others) - 1) if unit else -1], ()
        return possible[-1]


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


def is_without(word, patterns):
    return not any(occurrences(word, pattern) for pattern in patterns)


class SeveralWords:
    """Words in which pattern number f of several fires; f = their number: none occurs."""

    def __init__(self, patterns, base):
        self.patterns, self.base = [list(pattern) for pattern in patterns], base

    def use(self, count, hit):
        """The automaton of the first `count` patterns, and the counts of completions that bring nothing forbidden."""
        self.detector = Detector(self.base, self.patterns[:count], hit)
        self.clean = cache(
            lambda left, state: ONE if left == 0 else self.detector.total(state, *[self.row(self.clean, left)] * 2)
        )

    @staticmethod
    def row(counts, left):
        return lambda state: counts(left - 1, state)

    def clean_letters(self, draws, state, length):
        if self.detector.hit == 0:
            return draws.letters(self.base, length)
        word = []
        for left in range(length, 0, -1):
            letter, state = self.detector.draw(draws, state, *[self.row(self.clean, left)] * 2)
            word.append(letter)
        return word

    def draw(self, draws, length, fires, planted=False):
        wanted = self.patterns[fires] if fires < len(self.patterns) else []
        if not wanted:
            return self.without(draws, length, fires)
        draw_start = lambda: draws.below(length - len(wanted) + 1)  # noqa: E731
        start = draw_start() if planted else None
        for _ in range(64):
            begin = start if planted else draw_start()
            free = draws.letters(self.base, length - len(wanted))
            word = free[:begin] + wanted + free[begin:]
            if occurrences(word, wanted)[0] == begin and is_without(word, self.patterns[:fires]):
                return word
        self.use(fires + 1, fires)
        return self.around(draws, length, wanted, start) if planted else self.firing(draws, length)

    def without(self, draws, length, count):
        for _ in range(64):
            word = draws.letters(self.base, length)
            if is_without(word, self.patterns[:count]):
                return word
        self.use(count, count)
        return self.clean_letters(draws, (), length)

    def firing(self, draws, length):
        @cache
        def firing(left, state):
            if left == 0:
                return ZERO
            return self.detector.total(state, self.row(firing, left), self.row(self.clean, left))

        word, state = [], ()
        while self.detector.mark(state) != "hit":
            left = length - len(word)
            letter, state = self.detector.draw(draws, state, self.row(firing, left), self.row(self.clean, left))
            word.append(letter)
        return word + self.clean_letters(draws, state, length - len(word))

    def around(self, draws, length, wanted, start):
        before = self.before(length, wanted, start)
        if not before(start, ())[0]:
            starts = [s for s in range(length - len(wanted) + 1) if self.before(length, wanted, s)(s, ())[0]]
            start = starts[draws.below(len(starts))]
            before = self.before(length, wanted, start)
        word, state = [], ()
        for left in range(start, 0, -1):
            letter, state = self.detector.draw(draws, state, self.row(before, left), never)
            word.append(letter)
        return word + wanted + self.clean_letters(draws, self.through(wanted, state), length - start - len(wanted))

    def before(self, length, wanted, start):
        """The ways to begin with a leftmost occurrence at `start`, by letters left before it and state."""

        @cache
        def before(left, state):
            if left:
                return self.detector.total(state, self.row(before, left), never)
            behind = self.through(wanted, state)
            return self.clean(length - start - len(wanted), behind) if behind is not None else ZERO

        return before

    def through(self, wanted, state):
        for i, letter in enumerate(wanted):
            state = self.detector.next(state, letter)
            if self.detector.mark(state) != ("pass" if i + 1 < len(wanted) else "hit"):
                return None
        return state

    def near_miss(self, draws, length, which, edits):
        pattern = self.patterns[which]
        for _ in range(64):
            start = draws.below(length - len(pattern) + 1)
            for _ in range(64):
                free = draws.letters(self.base, length - len(pattern))
                word = free[:start] + self.edited(draws, pattern, edits) + free[start:]
                if is_without(word, self.patterns):
                    return word
            self.use(len(self.patterns), len(self.patterns))
            word = self.near_miss_by_counts(draws, length, pattern, edits, start)
            if word:
                return word
        return None

    def edited(self, draws, pattern, edits):
        places = set()
        for last in range(len(pattern) - edits, len(pattern)):
            place = draws.below(last + 1)
            places.add(last if place in places else place)
        edited = []
        for i, letter in enumerate(pattern):
            others = [other for other in range(self.base) if other != letter]
            edited.append(others[draws.below(len(others))] if i in places else letter)
        return edited

    def near_miss_by_counts(self, draws, length, pattern, edits, start):
        detector, after = self.detector, length - start - len(pattern)

        @cache
        def edited(left, more, state):
            """By letters of the pattern left and edits left."""
            if left == 0:
                return self.clean(after, state) if more == 0 else ZERO
            total = kept(left, more, state)
            if more:
                others = detector.total(state, lambda q: edited(left - 1, more - 1, q), never, pattern[-left])
                total = add(total, others)
            return total

        def kept(left, more, state):
            return detector.ahead_of(detector.next(state, pattern[-left]), lambda q: edited(left - 1, more, q), never)

        @cache
        def before(left, state):
            if left == 0:
                return edited(len(pattern), edits, state)
            return detector.total(state, self.row(before, left), never)

        if not before(start, ())[0]:
            return None
        word, state = [], ()
        for left in range(start, 0, -1):
            letter, state = detector.draw(draws, state, self.row(before, left), never)
            word.append(letter)
        more = edits
        for left in range(len(pattern), 0, -1):
            letter, point = pattern[-left], 0
            if more:
                total = edited(left, more, state)
                point = draws.below(total[0]) - in_units(kept(left, more, state), total[1])
            if more and point >= 0:
                more -= 1
                ahead = lambda q, left=left, more=more: edited(left - 1, more, q)  # noqa: E731
                letter, state = detector.pick(point, total[1], state, ahead, never, letter)
            else:
                state = detector.next(state, letter)
            word.append(letter)
        return word + self.clean_letters(draws, state, after)
