"""Rule spaces in plain Python, written from docs/stream.md: families, strata, turns; slow, and short."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import gcd, lcm

from reference_stream import digits_of, number_of, permute, permute_string, subkey

FAMILIES = ("uniform", "repeated", "periodic", "mirrored")


def free_letters(k, length):
    return -(-length // k)


def build(family, k, length, free):
    """The string of a family with these free letters: built longer, and cut."""
    if family == "repeated":
        string = [letter for letter in free for _ in range(k)]
    elif family == "mirrored":
        string = [letter for block in range(k) for letter in (free if block % 2 == 0 else free[::-1])]
    else:
        string = list(free) * k
    return tuple(string[:length])


def named(family, k, length):
    """The name of a form: that of the first family and the least k with the same strings."""
    marks = build(family, k, length, range(free_letters(k, length)))
    for other in FAMILIES:
        for n in range(1, max(length, 1) + 1) if other != "uniform" else (1,):
            if build(other, n, length, range(free_letters(n, length))) == marks:
                return other, n
    raise AssertionError("the string's own family is one of them")


def has_form(form, string):
    family, k = form
    free = free_letters(k, len(string))
    marks = build(family, k, len(string), range(free))
    return all(string[i] == string[marks.index(mark)] for i, mark in enumerate(marks))


class Part:
    """The strings of a form less those with an earlier form, in keyed order, and a share of them."""

    def __init__(self, key, axis, base, length, form, earlier, holdout, held_out):
        self.base, self.length, self.form, self.earlier = base, length, form, earlier
        self.free = free_letters(form[1], length)
        self.of_form = base**self.free
        excluded = 0
        self.excluded = None
        if earlier and self.of_form <= 5000:
            self.excluded = [d for d in product(range(base), repeat=self.free) if self.is_excluded(d)]
            excluded = len(self.excluded)
        elif earlier:
            excluded = self.count_excluded()
        self.size = self.of_form - excluded
        family = FAMILIES.index(form[0])
        code = family << 48 | form[1] << 24 | length if family else 0
        self.numbered = self.of_form < 2**62
        self.key = (
            subkey(key, self.of_form, 0, code, axis) if self.numbered else subkey(key, self.free, base, code, axis)
        )
        held = max(min(max(1, (2 * holdout * self.size + 1) // 2), self.size - 1), 0)
        self.first, self.count = (self.size - held, held) if held_out else (0, self.size - held)

    def string(self, free):
        return build(*self.form, self.length, free)

    def is_excluded(self, free):
        return any(has_form(other, self.string(free)) for other in self.earlier)

    def count_excluded(self):
        """Inclusion and exclusion over the earlier forms, all subsets of them; for one of them, or two."""
        total = 0
        for mask in range(1, 2 ** len(self.earlier)):
            chosen = [form for i, form in enumerate(self.earlier) if mask >> i & 1]
            total -= (-1) ** len(chosen) * self.base ** self.classes([self.form, *chosen])
        return total

    def classes(self, forms):
        """Letters that are free in the strings that have all these forms."""
        group = list(range(self.length))
        for form in forms * self.length:
            marks = build(*form, self.length, range(free_letters(form[1], self.length)))
            for i, mark in enumerate(marks):
                group[i] = group[marks.index(mark)] = min(group[i], group[marks.index(mark)])
        return len(set(group))

    def sigma(self, index):
        if self.numbered:
            return tuple(digits_of(permute(self.key, self.of_form, index), self.base, self.free))
        return tuple(permute_string(self.key, self.base, digits_of(index, self.base, self.free)))

    def at(self, index):
        """String number `index` of the share."""
        free = self.sigma(self.first + index)
        while self.earlier and self.is_excluded(free):
            free = self.sigma(self.size + self.excluded.index(free))
        return self.string(free)


class ReferenceSpace:
    """Instructions as (pattern, replacement, stratum), letters as codes; `families` lists (name, (least, greatest)
    k, weight)."""

    def __init__(self, key, base, families, pattern_lengths, replacement_lengths, holdout, held_out, effect=None):
        lengths = [range(low, high + 1) for low, high in (pattern_lengths, replacement_lengths)]
        asked = [(name, k) for name, (low, high), _ in families for k in range(high, low - 1, -1)]
        total = sum(Fraction(weight) for _, _, weight in families)
        shares, self.classes = {}, {}
        for entry, (name, (low, high), weight) in enumerate(families):
            each = Fraction(weight) / total / ((high - low + 1) * len(lengths[0]) * len(lengths[1]))
            for k in range(high, low - 1, -1):
                for x, y in product(*lengths):
                    sides = (x, named(name, k, x)), (y, named(name, k, y))
                    shares[sides] = shares.get(sides, 0) + each
                    first, _ = self.classes.get(sides, (entry, k))
                    self.classes[sides] = first, k if first == entry else self.classes[sides][1]
        if effect is not None:
            shares = by_effect(shares, effect)
        common = lcm(*(share.denominator for share in shares.values()))
        weights = [int(share * common) for share in shares.values()]
        self.weights = [weight // gcd(*weights) for weight in weights]
        self.classes = [
            (self.classes[x, y][0], effect_name(x[0], y[0]) if effect else "", self.classes[x, y][1], x[0], y[0])
            for x, y in shares
        ]
        self.parts, self.strata = {}, []
        for sides in shares:
            for axis, (length, form) in enumerate(sides, 1):
                forms = list(dict.fromkeys(named(name, k, length) for name, k in asked))
                if (axis, length, form) not in self.parts:
                    self.parts[axis, length, form] = Part(
                        key, axis, base, length, form, forms[: forms.index(form)], holdout, held_out
                    )
            self.strata.append([self.parts[axis, *side] for axis, side in enumerate(sides, 1)])
        self.possible = [p.count * max(r.count - (p.length == r.length), 0) for p, r in self.strata]

    def offset(self, stratum, side):
        """Strata that read the same strings begin at different ones."""
        part = self.strata[stratum][side]
        users = [i for i, parts in enumerate(self.strata) if parts[side] is part]
        return users.index(stratum) * part.count // len(users)

    def within(self, stratum, index):
        patterns, replacements = self.strata[stratum]
        p, r = patterns.count, replacements.count

        def pattern(row):
            return patterns.at((row + self.offset(stratum, 0)) % p)

        def replacement(row):
            return replacements.at((row + self.offset(stratum, 1)) % r)

        x, y = pattern(index % p), replacement((index + index // (p * r // gcd(p, r))) % r)
        if x == y:
            y = replacement((index % p - p + gcd(p, r) - 1) % r if r < 2**63 else r - 1 - index % p)
        return x, y

    def turns(self):
        """Whose turn it is, instruction by instruction, until all have run out."""
        order = sorted(range(len(self.weights)), key=lambda s: (self.possible[s], s))
        taken = [0] * len(self.weights)
        while any(left := [p - t for p, t in zip(self.possible, taken, strict=True)]):
            given = share_out(self.weights, left, order)
            for s in nested_period(given, self.classes, [s for s, turns in enumerate(given) if turns]):
                yield s, taken[s]
                taken[s] += 1

    def instructions(self):
        for stratum, index in self.turns():
            yield *self.within(stratum, index), stratum


def share_out(weights, left, order):
    """The turns of a period: each that a stratum has not got goes to the next larger one with rules left, or else to
    the largest."""
    given = [min(weight, rest) for weight, rest in zip(weights, left, strict=True)]
    for place, s in enumerate(order):
        for _ in range(weights[s] - min(weights[s], left[s])):
            takers = [t for t in order[place + 1 :] + order[::-1] if given[t] < left[t]]
            if takers:
                given[takers[0]] += 1
    return given


def period(weights):
    """Of those that are behind their even share, the one whose next turn is due first, then the one behind longest."""
    total, taken = sum(weights), [0] * len(weights)
    for place in range(1, total + 1):
        behind = [s for s, weight in enumerate(weights) if weight * place > taken[s] * total]
        who = min(behind, key=lambda s: (-(-(taken[s] + 1) * total // weights[s]), taken[s] * total // weights[s]))
        taken[who] += 1
        yield who


def nested_period(weights, classes, strata, depth=0):
    """The strata that are alike up to this depth: groups take turns, each in its own order, begun at a place of its
    own."""
    if depth == 5:
        return list(strata)  # one, since nothing more tells strata apart
    groups = {}
    for s in strata:
        groups.setdefault(classes[s][depth], []).append(s)
    orders = [nested_period(weights, classes, group, depth + 1) for group in groups.values()]
    if depth == 4:
        orders = [weights[s] * order for order, s in zip(orders, strata, strict=True)]
    starts = [len(order) * (40503 * i % 65536) // 65536 for i, order in enumerate(orders)]
    taken, places = [0] * len(orders), []
    for group in period([len(order) for order in orders]):
        places.append(orders[group][(starts[group] + taken[group]) % len(orders[group])])
        taken[group] += 1
    return places


def effect_name(pattern, replacement):
    if replacement == 0:
        return "delete"
    return "shrink" if replacement < pattern else "grow" if replacement > pattern else "keep"


def by_effect(shares, effect):
    def name(sides):
        return effect_name(sides[0][0], sides[1][0])

    totals = {}
    for sides, share in shares.items():
        totals[name(sides)] = totals.get(name(sides), 0) + share
    return {
        s: Fraction(effect[name(s)]) * share / totals[name(s)] for s, share in shares.items() if effect.get(name(s))
    }


def number(string, base):
    return number_of(string, base)
