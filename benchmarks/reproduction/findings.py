"""What the records of an experiment say of the papers' findings, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .experiments import FAMILIES, ROBUSTNESS, Axes
from .intervals import Estimate
from .records import Results

AGREES, DISAGREES, OPEN = "agrees", "disagrees", "not distinguishable"
UNTRAINED, ABSENT = "under-trained", "not run"
FEW, MANY = 0.2, 0.85
"""Accuracies below and above which a model fails, or succeeds, on unseen rules."""
HARDLY = 0.1
"""A difference in accuracy that hardly matters."""
SEEDS = 3
"""Nothing is concluded from fewer."""


class Finding(NamedTuple):
    """A claim of the papers, what our runs came to, and whether the two agree."""

    claim: str
    ours: str
    verdict: str


Found = Sequence[Estimate | None]


# ---- verdicts --------------------------------------------------------------------------------------------------------


def usable(found: Found) -> tuple[list[Estimate], str | None]:
    """The estimates that count, and if there are none, why: too few seeds are no run."""
    there = [estimate for estimate in found if estimate is not None and len(estimate.seeds) >= SEEDS]
    trained = [estimate for estimate in there if estimate.trained]
    return trained, None if trained else UNTRAINED if there else ABSENT


def at_most(found: Found, bound: float) -> str:
    """Whether all are below the bound: their intervals are; or one's is above it.

    >>> low, middle = Estimate(0.1, 0.05, 0.15, (0.1,) * 3), Estimate(0.2, 0.1, 0.3, (0.2,) * 3)
    >>> at_most([low], 0.2), at_most([low, middle], 0.2), at_most([middle], 0.05), at_most([None], 0.2)
    ('agrees', 'not distinguishable', 'disagrees', 'not run')
    """
    trained, reason = usable(found)
    if reason:
        return reason
    return _told(all(e.high <= bound for e in trained), any(e.low > bound for e in trained))


def at_least(found: Found, bound: float) -> str:
    """Whether all are above the bound."""
    trained, reason = usable(found)
    if reason:
        return reason
    return _told(all(e.low >= bound for e in trained), any(e.high < bound for e in trained))


def _told(shown: bool, denied: bool) -> str:
    return DISAGREES if denied else AGREES if shown else OPEN


def above(more: Estimate | None, less: Estimate | None) -> str:
    """Whether the first is greater: intervals that overlap do not tell.

    >>> above(Estimate(0.9, 0.85, 0.95, (0.9,) * 3), Estimate(0.5, 0.4, 0.6, (0.5,) * 3))
    'agrees'
    """
    reasons = {usable([estimate])[1] for estimate in (more, less)}
    if more is None or less is None or ABSENT in reasons:
        return ABSENT
    if UNTRAINED in reasons:
        return UNTRAINED
    return _told(more.low > less.high, more.high < less.low)


def all_of(verdicts: Sequence[str]) -> str:
    """Of several comparisons: what one of them denies is denied; what all of them show is shown."""
    known = [verdict for verdict in verdicts if verdict not in (ABSENT, UNTRAINED)]
    if not known:
        return UNTRAINED if UNTRAINED in verdicts else ABSENT
    return DISAGREES if DISAGREES in known else AGREES if set(known) == {AGREES} else OPEN


def shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return ABSENT
    seeds = len(estimate.seeds)
    few = "" if seeds >= SEEDS else f" ({seeds} seed{'s' if seeds > 1 else ''})"
    return f"{estimate}{few}" + ("" if estimate.trained else f" ({UNTRAINED})")


def listed(names: Sequence[object], found: Found) -> str:
    return "; ".join(f"{name}: {shown(estimate)}" for name, estimate in zip(names, found, strict=True))


# ---- experiments -----------------------------------------------------------------------------------------------------


def step(results: Results, fixed: Axes) -> list[Finding]:
    """The step from failure to success as the number of instructions grows."""
    numbers = results.values("instructions")
    few, many = [n for n in numbers if n <= 100], [n for n in numbers if n >= 1000]
    low, high = ([results.share({**fixed, "instructions": n}) for n in part] for part in (few, many))
    all_found = [(n, results.share({**fixed, "instructions": n})) for n in numbers]
    known = [(n, e.share) for n, e in all_found if e is not None and not usable([e])[1]]
    failing = max((n for n, share in known if share < 0.5), default=None)
    passing = min((n for n, share in known if share >= 0.5), default=None)
    return [
        Finding("up to 100 rules do not generalise, however many words each has", listed(few, low), at_most(low, FEW)),
        Finding("from about 1,000 rules on, rules never seen are applied", listed(many, high), at_least(high, MANY)),
        Finding("the step lies between about 300 and 1,000 rules", *_where(failing, passing)),
    ]  # fmt: skip


def _where(failing: int | None, passing: int | None) -> tuple[str, str]:
    if failing is None or passing is None:
        return "no step within the grid", ABSENT
    ours = f"half of the unseen cases are right between {failing:,} and {passing:,} rules"
    return ours, AGREES if failing < 1000 and passing > 300 else DISAGREES


def count(results: Results, _: Results) -> list[Finding]:
    return step(results, {})


def no_op(results: Results, without: Results) -> list[Finding]:
    """The same step at every share of no-ops, in both arms."""
    found = []
    for fixed, name in (("rows", "as many rows"), ("applied", "as many applying rows")):
        shares = [share for share in results.values("no_op") if results.at({"fixed": fixed, "no_op": share})]
        if not shares:
            continue
        steps = {share: step(results, {"fixed": fixed, "no_op": share}) for share in shares}
        for number, claim in ((0, "up to 100 rules fail"), (1, "1,000 rules and more succeed")):
            text = " / ".join(f"{share:.0%}: {claims[number].ours}" for share, claims in steps.items())
            verdicts = {share: claims[number].verdict for share, claims in steps.items()}
            at = ", ".join(f"{share:.0%}" for share in shares)
            hollow = [share for share, verdict in verdicts.items() if verdict == UNTRAINED]
            said = but_for(f"{claim} with {at} no-ops ({name})", hollow)
            found.append(Finding(said, text, all_of(list(verdicts.values()))))
        for n in results.values("instructions"):
            by_share = {share: at_no_op(results, without, fixed, share, n) for share in (0.0, *results.values("no_op"))}
            found.append(_hardly_matters(f"{n:,} rules: the share hardly matters ({name})", by_share))
    return found


def but_for(claim: str, hollow: Sequence[float]) -> str:
    """A claim, and for which shares of no-ops nothing is concluded."""
    return f"{claim}; nothing is concluded for {', '.join(f'{share:.0%}' for share in hollow)}" if hollow else claim


def at_no_op(results: Results, without: Results, fixed: str, share: float, n: int) -> Estimate | None:
    """An arm of the no-op experiment.  Without no-ops it is the count experiment; at the share of .3, which both arms
    have in common, it is in the arm of as many rows."""
    if share == 0:
        return without.share({"instructions": n}) if fixed == "rows" else None
    arm = fixed if results.at({"fixed": fixed, "no_op": share}) else "rows" if share == 0.3 else fixed
    return results.share({"fixed": arm, "no_op": share, "instructions": n})


def _hardly_matters(claim: str, by_share: dict[float, Estimate | None]) -> Finding:
    """Whether accuracies are within `HARDLY` of each other, or intervals further apart than that."""
    there = {share: estimate for share, estimate in by_share.items() if estimate is not None}
    trained, reason = usable(list(there.values()))
    text = listed([f"{share:.0%}" for share in there], list(there.values()))
    claim = but_for(claim, [share for share, estimate in there.items() if not estimate.trained])
    if reason or len(trained) < 2:
        return Finding(claim, text, reason or ABSENT)
    shares = [e.share for e in trained]
    apart = max(e.low for e in trained) - min(e.high for e in trained)
    return Finding(claim, text, _told(max(shares) - min(shares) <= HARDLY, apart > HARDLY))


def long_tail(results: Results, uniform: Results) -> list[Finding]:
    """Many rules are robust to a peaked law, few are not."""
    found = []
    numbers = results.values("instructions")
    for n in numbers:
        even = uniform.share({"instructions": n})
        shapes = [s for s in reversed(results.values("shape")) if results.at({"instructions": n, "shape": s})]
        shares = [results.share({"instructions": n, "shape": shape}) for shape in shapes]
        text = listed(["uniform", *shapes], [even, *shares])
        if n >= 10_000:
            found.append(Finding(f"{n:,} rules stand a peaked law", text, at_least([even, *shares], MANY)))
        else:
            found.append(Finding(f"{n:,} rules suffer when the law is peaked", text, above(even, shares[-1])))
    return found


def families(results: Results, _: Results) -> list[Finding]:
    """One family reaches itself; a mix reaches strings of any kind."""
    found = []
    for arm in results.arms("family"):

        def share(family: str, split: str, arm: Axes = arm) -> Estimate | None:
            return results.share({**arm, "family": family}, split)

        where = "" if len(results.arms("family")) == 1 else f" ({', '.join(f'{a} {v}' for a, v in arm.items())})"
        own = {family: share(family, family) for family in FAMILIES}
        free = {family: share(family, "unrestricted") for family in [*FAMILIES, "mix"]}
        for family in FAMILIES:
            text = f"{family} {shown(own[family])}, unrestricted {shown(free[family])}"
            found.append(Finding(f"training on {family} strings alone does not reach unrestricted ones{where}", text,
                                 above(own[family], free[family])))  # fmt: skip
        text = listed(list(free), list(free.values()))
        verdict = all_of([above(free["mix"], free[family]) for family in FAMILIES])
        found.append(Finding(f"a mix of the three reaches unrestricted strings better than one{where}", text, verdict))
    return found


def occurrences(results: Results, _: Results) -> list[Finding]:
    """Training on several numbers of occurrences beats training on one."""
    found = []
    for n in sorted(results.values("instructions"), reverse=True):
        ones = [o for o in results.values("occurrences") if o != "mix"]
        mean = {o: results.over({"instructions": n, "occurrences": o}, [f"occurrences_{t}" for t in ones])
                for o in [*ones, "mix"]}  # fmt: skip
        for o in ones:
            text = f"mean over the tests: mix {shown(mean['mix'])}, {o} {shown(mean[o])}"
            found.append(Finding(f"{n:,} rules: mixed numbers of occurrences beat always {o}", text,
                                 above(mean["mix"], mean[o])))  # fmt: skip
    return found


def encrypted(results: Results, _: Results) -> list[Finding]:
    """Few rules solve the no-ops alone, many generalise, and evenness helps, the less the more rules there are."""
    numbers = results.values("instructions")
    even = {n: results.share({"instructions": n, "shape": "uniform"}) for n in numbers}
    tails = {n: results.share({"instructions": n, "shape": 0.2}) for n in numbers}
    idle = {n: results.share({"instructions": n, "shape": "uniform"}, kind="no_op") for n in numbers}
    least, most = min(numbers), max(numbers)
    text = f"{least:,} rules: applying {shown(even[least])}, no-ops {shown(idle[least])}"
    verdict = all_of([at_most([even[least]], FEW), at_least([idle[least]], MANY)])
    found = [
        Finding("few rules: only the no-ops are solved", text, verdict),
        Finding("many rules: generalises", f"{most:,} rules: {shown(even[most])}", at_least([even[most]], MANY)),
    ]
    for n in numbers:
        text = f"uniform {shown(even[n])}, long tail {shown(tails[n])}"
        found.append(Finding(f"{n:,} rules: uniform beats the long tail", text, above(even[n], tails[n])))
    return found


def robustness(results: Results, _: Results) -> list[Finding]:
    """On each shift, a model of many instructions against one of few."""
    numbers = results.values("instructions")
    few = [n for n in numbers if n <= 300]
    if not few or few[-1] == numbers[-1]:
        return [Finding("more instructions make robust", "no two numbers of instructions", ABSENT)]
    found = []
    for split, kind, name in SHIFTS:
        small, large = (results.share({"instructions": n}, split, kind) for n in (few[-1], numbers[-1]))
        text = f"{few[-1]:,} rules {shown(small)}, {numbers[-1]:,} rules {shown(large)}"
        found.append(Finding(f"more instructions make robust: {name}", text, above(large, small)))
    return found


SHIFTS = [
    ("unseen", "applying", "no shift"),
    *((name, "applying", name) for name in ROBUSTNESS),
    ("unseen", "no_op", "no-op share: plain no-ops"),
    ("unseen", "near_miss", "no-op share: near misses"),
]

FINDINGS: dict[str, Callable[[Results, Results], list[Finding]]] = {
    "count": count, "robustness": robustness, "occurrences": occurrences, "no-op": no_op, "long-tail": long_tail,
    "families": families, "encrypted": encrypted,
}  # fmt: skip
