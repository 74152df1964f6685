"""Tasks in plain Python, written from docs/stream.md: slow, and short enough to be read.

Letters are codes and strings are bytes of them; `reference_stream.py` has the rules and words of one-rule rewriting.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, floor, frexp, ldexp

from reference_stream import MASK, Draws, Part, ReferenceStream, permute, philox, subkey
from reference_words import SeveralWords, UniformWords

from markovlib.testing import oracle

TRAINED = ("train", "seen", "recombined")


# ---- popularity ------------------------------------------------------------------------------------------------------


def power(x, exponent):
    """x ** exponent for 0 < x <= 1 by additions, multiplications and divisions in a stated order."""
    ln2 = 0.6931471805599453
    mantissa, exponents = frexp(x)
    if mantissa < 0.70710678:
        mantissa, exponents = 2.0 * mantissa, exponents - 1
    z = (mantissa - 1.0) / (mantissa + 1.0)
    series = 0.0
    for k in range(27, 0, -2):
        series = series * (z * z) + 1.0 / k
    y = (exponents * ln2 + 2.0 * z * series) * exponent
    whole = round(y / ln2)
    rest, result = y - whole * ln2, 1.0
    for k in range(17, 0, -1):
        result = result * rest / k + 1.0
    return ldexp(result, whole)


def cumulative(popularity, instructions):
    """Word w is for the first instruction whose number here lies above it; the last word is for the last one."""
    if isinstance(popularity, list):
        exact = [Fraction(str(weight)) for weight in popularity]
        sums = [sum(exact[: j + 1]) for j in range(instructions)]
        return [min(floor(part / sums[-1] * 2**64), MASK) for part in sums]
    ((law, exponent),) = popularity.items()
    ranks = range(1, instructions + 1)
    if law == "power_law":
        shares = [power(rank / instructions, exponent) for rank in ranks]
    else:
        sums = [0.0]
        for rank in ranks:
            sums.append(sums[-1] + power(1.0 / rank, exponent))
        shares = [part / sums[-1] for part in sums[1:]]
    made = [min(floor(share * 2.0**53) << 11, MASK) for share in shares]
    made[-1] = MASK
    return [max(made[: j + 1]) for j in range(instructions)]


# ---- which rule sets are acceptable ----------------------------------------------------------------------------------


def has_cascade(rules):
    return any(x and x in y for i, (x, _) in enumerate(rules) for k, (_, y) in enumerate(rules) if i != k)


def letter_order(rules, letters):
    """Letters, the greatest first, under which each rule makes the word shorter or lexicographically smaller."""
    above = {letter: set() for letter in range(letters)}
    for pattern, replacement in rules:
        if len(replacement) > len(pattern):
            return None
        if len(replacement) == len(pattern):
            x, y = next(pair for pair in zip(pattern, replacement, strict=True) if pair[0] != pair[1])
            above[y].add(x)
    order = []
    while len(order) < letters:
        free = [letter for letter in range(letters) if letter not in order and above[letter] <= set(order)]
        if not free:
            return None
        order.append(free[0])
    return order


def letter_weights(rules, letters):
    """Weights by which every rule makes the word lighter, found by the perceptron's corrections."""
    weights, corrections = [1] * letters, 0
    while corrections < 2000:
        before = corrections
        for pattern, replacement in rules:
            if sum(weights[x] for x in pattern) <= sum(weights[y] for y in replacement):
                for x in pattern:
                    weights[x] += weights[x] < 10000
                for y in replacement:
                    weights[y] -= weights[y] > 0
                corrections += 1
        if corrections == before:
            return weights
    return None


def is_scheme(pattern, replacement, letters):
    """Variables are named in order of appearance; one recurs or a letter stands beside them; some are used again."""
    used = []
    for letter in pattern:
        if letter >= letters and letter not in used:
            used.append(letter)
    named = used == list(range(letters, letters + len(used)))
    asked = [letter for letter in replacement if letter >= letters]
    return named and 0 < len(used) < len(pattern) and bool(asked) and set(asked) <= set(used)


def scheme_matches(word, pattern, letters):
    """(start, the letters that the variables stand for) of every match."""
    found = []
    for start in range(len(word) - len(pattern) + 1):
        bound = {}
        for have, letter in zip(word[start:], pattern, strict=False):
            if (letter if letter < letters else bound.setdefault(letter, have)) != have:
                break
        else:
            found.append((start, bound))
    return found


# ---- examples --------------------------------------------------------------------------------------------------------


def choose(key, number, pool, count, named):
    """The tuple of that number of `count` different rules: a choice counts those that are not taken yet."""
    chosen, rest = [], number
    words = [word for block in range(-(-count // 4)) for word in philox(key, (block, number, 0, 9))]
    for i in range(count):
        rest, choice = divmod(rest, pool - i)
        if i >= named:
            choice = words[i - named] * (pool - i) >> 64
        for taken in sorted(chosen):
            choice += taken <= choice
        chosen.append(choice)
    return chosen


class ReferenceTasks(ReferenceStream):
    """Examples as dictionaries, strings as bytes of codes."""

    def __init__(self, ds):
        plan, self.recipe = ds._split, ds._split.recipe
        order = ("own", "cycle", "shuffled", "weighted")[plan.order]
        super().__init__(self.recipe, ds.seed, ds.split, ds.size, plan.in_use, order)
        rules, self.task = self.recipe.rules, self.recipe.task
        self.rules_each, self.bucket = rules.per_example, plan.instructions.bucket
        self.rule_bucket = plan.instructions.rule_bucket
        self.space_base = len(self.recipe.letters) if self.task.kind == "scheme" else self.base
        lengths = rules.pattern_length[0], rules.replacement_length[0]
        self.parts = [
            Part(self.key, axis, self.space_base, length, Fraction(str(rules.holdout)), ds.split not in TRAINED)
            for axis, length in zip((1, 2), lengths, strict=True)
        ]
        self.pool = plan.instructions.pool, plan.instructions.first, plan.instructions.tuples, plan.instructions.named
        self.weights = cumulative(self.recipe.popularity, self.instructions) if self.order == "weighted" else None
        self.program = self.recipe.program
        self.divided = ds.split in ("train", "seen") and (self.has_words() >= 4096 or self.is_plain())

    def is_plain(self):
        """One step of one rule: whether its words are divided is decided rule by rule (here always)."""
        return self.rules_each == 1 and self.task.kind in ("rewrite", "encrypted", "induce")

    def has_words(self):
        """How many words there are at least, counted up to twelve letters of a stretch."""
        if self.task.step_counts:
            widest, longest = self.recipe.rules.pattern_length[1], self.longest
            free = {n: min(12, longest - n * widest) for n in self.task.step_counts}
            return min(self.base ** free[n] * comb(free[n] + n, n) for n in free)
        if self.program is None:
            return self.base ** min(12, max(0, self.longest - self.recipe.rules.pattern_length[1]))
        words = 1
        for segment in self.program.segments(self.recipe.words.length):
            first = 1 if segment.balanced else len(segment.letters) - segment.first_not_zero
            rest = len(segment.letters) ** (min(13, segment.greatest) - 1)
            words *= first * rest if len(segment.letters) > 1 else segment.greatest - segment.least + 1
        return words

    # Instructions.

    def instruction_number(self, index):
        if self.order != "weighted":
            return super().instruction_number(index)
        word = philox(self.key, (0, index, self.split, 7))[0]
        return next((j for j, limit in enumerate(self.weights) if word < limit), self.instructions - 1)

    def rule(self, number):
        """Of the space's rules in the bucket of that number, the first that is a scheme, if one is asked for."""
        for j in range(number * self.rule_bucket, (number + 1) * self.rule_bucket):
            pattern, replacement = map(bytes, self.instruction(j))
            if self.task.kind != "scheme" or is_scheme(pattern, replacement, self.base):
                return pattern, replacement
        raise AssertionError("no scheme")

    def candidate(self, number):
        n, (pool, first, tuples, named) = self.rules_each, self.pool
        if not pool:
            return [self.rule(number * n + i) for i in range(n)]
        place = permute(subkey(self.key, tuples, n, 0, 9), tuples, first + number)
        return [self.rule(j) for j in choose(self.key, place, pool, n, named)]

    def wants_cascade(self, j):
        share = Fraction(str(self.recipe.rules.cascade))
        return (2 * share * (j + 1) + 1) // 2 != (2 * share * j + 1) // 2

    def plant_cascade(self, rules, number):
        for attempt in range(64):
            words, n = philox(self.key, (attempt, number, 0, 10)), self.rules_each
            a, b = words[0] * n >> 64, words[1] * (n - 1) >> 64
            b += b >= a
            (own, replacement), pattern = rules[a], rules[b][0]
            if not 0 < len(pattern) <= len(replacement):
                continue
            at = words[2] * (len(replacement) - len(pattern) + 1) >> 64
            planted = replacement[:at] + pattern + replacement[at + len(pattern) :]
            if planted != own and self.holds(1, planted):
                return [(own, planted) if i == a else rule for i, rule in enumerate(rules)]
        return rules

    def holds(self, side, string):
        part = self.parts[side]
        return any(bytes(part.string(i)) == string for i in range(part.count))

    def is_acceptable(self, rules, j):
        if self.recipe.rules.cascade is not None and has_cascade(rules) != self.wants_cascade(j):
            return False
        return not self.recipe.terminating or bool(self.certificate(rules))

    def certificate(self, rules):
        order = letter_order(rules, self.base)
        weights = None if order else letter_weights(rules, self.base)
        return (order and ("order", order)) or (weights and ("weights", weights))

    def rules_of(self, j):
        if self.program is not None:
            codes = self.recipe.letters.codes
            return [(codes(rule.pattern), codes(rule.replacement), rule.terminal) for rule in self.program.rules]
        for number in range(j * self.bucket, (j + 1) * self.bucket):
            rules = self.candidate(number)
            if self.recipe.rules.cascade is not None and self.wants_cascade(j) and not has_cascade(rules):
                rules = self.plant_cascade(rules, number)
            if self.is_acceptable(rules, j):
                return [(x, y, not self.task.runs) for x, y in rules]
        raise AssertionError("no acceptable candidate")

    # What is asked of an example.

    def kind(self, index):
        """(no-op, near miss, the rule that shall fire or be missed, how often the pattern shall occur or how many
        steps shall be taken)."""
        block, place = divmod(index, 65536)
        start = 65536 * block
        rows = 65536 if self.size is None else min(65536, self.size - start)
        rank = permute(subkey(self.key, rows, block, self.split, 3), rows, place)
        before, behind = self.no_ops_before(start), self.no_ops_before(start + rows)
        near_misses = [self.near_misses_of(no_ops) for no_ops in (before, behind)]
        if rank < behind - before:
            return True, rank < near_misses[1] - near_misses[0], (near_misses[0] + rank) % self.rules_each, 0
        rank, others = rank - (behind - before), start - before
        asked, weights = self.task.step_counts or self.recipe.words.occurrences, self.recipe.words.fires
        occurrences = asked[(others + rank) % len(asked)] if isinstance(asked, list) else asked
        if weights is None:
            return False, False, (others + rank) % self.rules_each, occurrences
        counts = [self.firing(weights, before) for before in (others, start + rows - behind)]
        in_block = [end - begin for begin, end in zip(*counts, strict=True)]
        return False, False, next(f for f in range(len(weights)) if rank < sum(in_block[: f + 1])), occurrences

    def firing(self, weights, examples):
        """How many of so many examples each rule fires in."""
        weights, counts = [Fraction(str(weight)) for weight in weights], []
        for f, weight in enumerate(weights):
            share = weight / sum(weights[f:]) if any(weights[f:]) else Fraction(0)
            counts.append((2 * share * (examples - sum(counts)) + 1) // 2)
        return counts

    def near_misses_of(self, no_ops):
        return (2 * Fraction(str(self.recipe.words.near_miss)) * no_ops + 1) // 2

    # Words.

    def word(self, draws, rules, kind):
        no_op, near_miss, fires, self.exactly = kind
        patterns = [rule[0] for rule in rules]
        if self.program is not None:
            return self.program_word(draws)
        if self.task.kind == "scheme":
            return self.scheme_word(draws, rules[0], no_op)
        if near_miss:
            length = self.length(draws, len(patterns[fires]))
            edits = self.recipe.words.near_miss_edits or 1
            return bytes(SeveralWords(patterns, self.base).near_miss(draws, length, fires, edits))
        if self.rules_each == 1 and not self.task.runs:
            draw = self.word_without if no_op else self.exact_word if self.is_exact() else self.word_with
            return bytes(draw(draws, list(patterns[0])))
        if self.task.runs and not no_op:
            return self.run_word(draws, rules)
        return self.several_word(draws, patterns, len(rules) if no_op else fires)

    def length(self, draws, least):
        least = max(least, self.shortest)
        return least + draws.below(self.longest - least + 1)

    def is_exact(self):
        return self.recipe.words.sampler == "exact"

    def exact_word(self, draws, pattern):
        period = next((d for d in range(1, len(pattern)) if pattern[d:] == pattern[:-d]), len(pattern))
        length = self.length(draws, len(pattern) + ((self.exactly or 1) - 1) * period)
        return UniformWords(pattern, self.base).draw(draws, length, self.exactly)

    def several_word(self, draws, patterns, fires):
        """A rule whose pattern holds an earlier one's can never fire: the earlier one does."""
        if fires == len(patterns):
            length = self.length(draws, 0)
        else:
            fires = next((i for i in range(fires) if patterns[i] in patterns[fires]), fires)
            length = self.length(draws, len(patterns[fires]))
        return bytes(SeveralWords(patterns, self.base).draw(draws, length, fires, not self.is_exact()))

    def run_word(self, draws, rules):
        length = self.length(draws, self.recipe.rules.pattern_length[1])
        if self.task.step_counts:
            return self.steps_word(draws, rules, length)
        plants = 1 + draws.below(self.task.plants or 3)
        word = bytes(draws.letters(self.base, length))
        for _ in range(plants):
            pattern = rules[draws.below(len(rules))][0]
            start = draws.below(length - len(pattern) + 1)
            word = word[:start] + pattern + word[start + len(pattern) :]
        return word

    def steps_word(self, draws, rules, length):
        plants, steps, left = [], self.planted, length
        own = [self.run(rules, pattern) for pattern, _, _ in rules]
        fitting = [(run.steps, rule[0]) for run, rule in zip(own, rules, strict=True) if run.outcome in (1, 2)]
        while fitting := [one for one in fitting if one[0] <= steps and len(one[1]) <= left]:
            taken, pattern = fitting[draws.below(len(fitting))]
            plants, steps, left = [*plants, pattern], steps - taken, left - len(pattern)
        letters = list(draws.letters(self.base, left))
        places = set()
        for last in range(len(letters), len(letters) + len(plants)):
            place = draws.below(last + 1)
            places.add(last if place in places else place)
        size = len(letters) + len(plants)
        return b"".join(plants.pop(0) if place in places else bytes([letters.pop(0)]) for place in range(size))

    def scheme_word(self, draws, rule, no_op):
        pattern = rule[0]
        length = self.length(draws, len(pattern))
        start = draws.below(length - len(pattern) + 1)
        for _ in range(64):
            word = bytes(draws.letters(self.base, length))
            if not no_op:
                bound = {letter: draws.letter(self.base) for letter in sorted(set(pattern)) if letter >= self.base}
                word = word[:start] + bytes(bound.get(x, x) for x in pattern) + word[start + len(pattern) :]
            if len(scheme_matches(word, pattern, self.base)) == (not no_op):
                return word
        return None

    def program_word(self, draws):
        word = b""
        for segment in self.program.segments(self.recipe.words.length):
            letters = self.recipe.letters.codes(segment.letters)
            count = segment.least + draws.below(segment.greatest - segment.least + 1)
            if segment.balanced:
                word += balanced_word(draws, letters, count)
                continue
            for i in range(count):
                skipped = segment.first_not_zero and i == 0 and count > 1
                word += bytes([letters[skipped + draws.below(len(letters) - skipped)]])
        return word

    # The whole.

    def is_for_split(self, rules, word):
        total = philox(self.key, (0, 3, 0, 6))[0] + self.hash_letters(2, word)
        for i, (pattern, replacement, _) in enumerate(rules):
            total += self.hash_letters(2 * i + 2 if i else 0, pattern) + self.hash_letters(
                2 * i + 3 if i else 1, replacement
            )
        return ((total & MASK) >> 60 == 0) == (self.split_name == "seen")

    def draw(self, index, rules, first, kind):
        """(word, the run of its rules) of the first attempt that is acceptable."""
        self.planted = kind[3]
        for attempt in range(first, first + 4096):
            word = self.word(Draws(self.key, self.split, index, attempt), rules, kind)
            if word is None or (self.divided and not self.is_for_split(rules, word)):
                continue
            run = self.run(rules, word)
            if not self.task.runs or self.is_wanted(run, kind):
                return word, run
            if self.task.step_counts and not kind[0]:
                early = run.outcome in (1, 2) and run.steps < kind[3]
                self.planted = min(self.planted + 1, kind[3]) if early else max(self.planted - 1, 1)
        raise AssertionError("no word")

    def run(self, rules, word):
        if self.task.kind == "scheme":
            return self.rewrite_scheme(rules[0], word)
        limits = (self.recipe.max_steps, self.recipe.max_length) if self.task.runs else (1, None)
        return oracle.run(rules, word, *limits)

    def rewrite_scheme(self, rule, word):
        pattern, replacement, _ = rule
        found = scheme_matches(word, pattern, self.base)
        if not found:
            return oracle.OracleRun(word, 2, 0, None, [])
        start, bound = found[0]
        made = word[:start] + bytes(bound.get(x, x) for x in replacement) + word[start + len(pattern) :]
        return oracle.OracleRun(made, 1, 1, None, [(0, start, made)])

    def is_wanted(self, run, kind):
        no_op, asked = kind[0], self.task.steps
        must_halt = asked is not None or self.task.halting is not False
        if must_halt and run.outcome not in (1, 2):
            return False
        if self.task.step_counts and not no_op:
            return run.steps == kind[3]
        least = max(asked[0] if asked else 0, 0 if self.program else 1)
        return no_op or run.steps >= least

    def example(self, index):
        number = 0 if self.program else self.instruction_number(index)
        rules = self.rules_of(number)
        kind = (False, False, 0, None) if self.program else self.kind(index)
        pairs = []
        for i in range(self.task.pairs or 4 if self.task.kind == "induce" else 1):
            word, run = self.draw(index, rules, 4096 * i, kind)
            pairs.append((word, run.word))
        (word, output), key = pairs[0], self.cipher_key(index, number)
        run = self.run(rules, word)
        rule, position = run.trace[0][:2] if run.trace else (-1, -1)
        shown = rules[rule] if rule >= 0 or len(rules) == 1 else (b"", b"")
        return {
            "number": number, "rules": rules, "word": word, "pattern": shown[0], "replacement": shown[1],
            "output": self.encipher(output, rules[rule], position, key), "no_op": run.outcome == 2 and run.steps == 0,
            "rule": rule, "position": position, "steps": run.steps, "outcome": run.outcome, "trace": run.trace,
            "near_miss": kind[1], "pairs": pairs, "key": key,
            "paraphrase": philox(self.key, (0, index, self.split, 7))[1],
        }  # fmt: skip

    # Ciphers.

    def cipher_key(self, index, number):
        """Which letter each letter becomes."""
        if self.task.cipher is None:
            return None
        of_training = self.split_name in ("train", "seen")
        place = (index, self.split)
        if self.task.key == "instruction":
            place = (number, 0 if of_training else self.split)
        words = [word for block in range(64) for word in philox(self.key, (block, *place, 8))]
        if self.task.cipher == "shift":
            shift = 1 + (words[0] * (self.base - 1) >> 64)
            return bytes((letter + shift) % self.base for letter in range(self.base))
        letters = list(range(self.base))
        for step, i in enumerate(range(self.base - 1, 0, -1)):
            j = words[step] * (i + 1) >> 64
            letters[i], letters[j] = letters[j], letters[i]
        return bytes(letters)

    def encipher(self, output, rule, position, key):
        if key is None or (self.task.enciphered == "replacement" and position < 0):
            return output
        first, last = 0, len(output)
        if self.task.enciphered == "replacement":
            first, last = position, position + len(rule[1])
        return output[:first] + bytes(key[letter] for letter in output[first:last]) + output[last:]


def balanced_word(draws, letters, pairs):
    """By the cycle lemma: the one rotation of n + 1 openings and n closings that never falls to its start again."""
    left_open, walk = pairs + 1, []
    for left in range(2 * pairs + 1, 0, -1):
        opens = draws.below(left) < left_open
        left_open -= opens
        walk.append(1 if opens else -1)
    for start in range(len(walk)):
        turned = walk[start:] + walk[:start]
        if all(sum(turned[: i + 1]) > 0 for i in range(len(turned))):
            return bytes(letters[step < 0] for step in turned[1:])
    raise AssertionError("no rotation")
