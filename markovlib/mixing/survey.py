"""The survey of a mixture: its sources opened, cleaned and counted, before any row of it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from markovlib.fields import RecipeError
from markovlib.mixing.contamination import Contamination, Reference, find_contamination
from markovlib.mixing.duplicates import Duplicates, find_duplicates
from markovlib.mixing.evaluations import read_evaluation
from markovlib.mixing.files import locate, pinned
from markovlib.mixing.order import Order
from markovlib.mixing.quotas import Quotas, most_possible, quotas
from markovlib.mixing.recipe import Evaluation, MixtureRecipe, Paths, Pinned, SourceEntry, share
from markovlib.mixing.sources import Source, open_source
from markovlib.tokens import ByteTokenizer, Tokenizer, TokenizerFile
from markovlib.wording import counted

_ROWS_AT_ONCE = 4096

Told = Callable[[str], None]


@dataclass(frozen=True)
class Used:
    """What is left of a source: its rows in order, how many of them may be used, and how much they can give, in
    examples or in tokens; `lengths` are the tokens of each."""

    rows: NDArray[np.int64]
    usable: int
    possible: int
    lengths: NDArray[np.int64] | None = None


class Survey:
    """Sources and what was found in them, the quotas of the budget, and the order.

    `recipe` has in the place of files, folders and presets what they hold, so that it names the same mixture
    wherever they lie; `files` says where that is.  Reading and cleaning takes the time; it is done once, when the
    survey is made.  `told` is called with what is being done.
    """

    def __init__(self, recipe: MixtureRecipe, seed: int, files: Mapping[str, Paths], told: Told | None = None) -> None:
        say = told or (lambda _: None)
        _check_names(recipe, files)
        self.files = _paths(recipe, files)
        self.seed = seed
        self.sources: list[Source] = []
        for i, entry in enumerate(recipe.sources):
            say(f"reading {entry.name}")
            self.sources.append(open_source(entry, f"sources[{i}]", files.get(entry.name)))
        self.names = [source.entry.name for source in self.sources]
        self.empty = [source.empty for source in self.sources]
        if recipe.decontaminate is not None:
            say("looking for evaluations")
        self.contamination, evaluations = self._contamination(recipe, files)
        self.duplicates: Duplicates | None = None
        if recipe.deduplicate is not None:
            say("looking for duplicates")
            left_out = [self._unusable(i) for i in range(len(self.sources))]
            self.duplicates = find_duplicates(self.sources, left_out, recipe.deduplicate)
        self.tokenizer, tokenizer = _tokenizer(recipe, files)
        if self.tokenizer is not None:
            say("counting tokens")
        self.recipe = _pinned_recipe(recipe, [source.entry for source in self.sources], evaluations, tokenizer)
        self.used = [self._used(i) for i in range(len(self.sources))]

    # ---- what is left -------------------------------------------------------------------------------------------

    def _contamination(
        self, recipe: MixtureRecipe, files: Mapping[str, Paths]
    ) -> tuple[Contamination | None, list[Evaluation]]:
        if recipe.decontaminate is None:
            return None, []
        reference = Reference(recipe.decontaminate.words)
        evaluations = []
        for evaluation in recipe.evaluations:
            fixed, items = read_evaluation(evaluation, files)
            reference.add(fixed.name, items)
            evaluations.append(fixed)
        return find_contamination(self.sources, reference), evaluations

    def gone(self, source: int) -> NDArray[np.int64]:
        """The rows of a source that are left out, in order."""
        unusable = self._unusable(source)
        return unusable if self.duplicates is None else np.union1d(unusable, self.duplicates.removed[source])

    def _unusable(self, source: int) -> NDArray[np.int64]:
        """The rows of a source that are left out for what they hold, in order: no other row is a duplicate of them."""
        empty = self.empty[source]
        return empty if self.contamination is None else np.union1d(empty, self.contamination.removed[source])

    def _used(self, number: int) -> Used:
        source = self.sources[number]
        entry = source.entry
        rows = np.delete(np.arange(source.rows, dtype=np.int64), self.gone(number))
        usable = int(share(entry.max_source_share) * len(rows))
        if self.tokenizer is None:
            return Used(rows, usable, int(share(entry.max_repeats) * usable))
        lengths = self._lengths(source, rows)
        order = Order(self.seed, [entry.name], [usable], [len(rows)], [usable]).first_rows(0, usable)
        return Used(rows, usable, int(share(entry.max_repeats) * int(lengths[order].sum())), lengths)

    def _lengths(self, source: Source, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        assert self.tokenizer is not None
        lengths = np.empty(len(rows), np.int64)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            lengths[start : start + len(part)] = self.tokenizer.tokens(*source.texts(part)).lengths()
        return lengths

    # ---- quotas -------------------------------------------------------------------------------------------------

    @property
    def budget(self) -> int:
        """Examples or tokens that are asked for."""
        return self.recipe.examples or self.recipe.tokens or 0

    @property
    def unit(self) -> str:
        """What the budget counts."""
        return "examples" if self.recipe.tokens is None else "tokens"

    @cached_property
    def quotas(self) -> Quotas:
        """What each source gives of the budget, in its unit."""
        ratios = [share(entry.ratio) for entry in self.recipe.sources]
        return quotas(self.budget, ratios, self.limits, self.recipe.on_shortage == "fill")

    @cached_property
    def limits(self) -> list[int]:
        """The most that each source may give."""
        shares = [share(entry.max_mixture_share) for entry in self.recipe.sources]
        return [min(used.possible, int(most * self.budget)) for used, most in zip(self.used, shares, strict=True)]

    @cached_property
    def examples(self) -> list[int]:
        """How many examples each source gives: of tokens, as many as its quota has room for."""
        if self.recipe.tokens is None:
            return list(self.quotas.given)
        return [self._examples_in(number, quota) for number, quota in enumerate(self.quotas.given)]

    def _taken(self, number: int) -> NDArray[np.int64]:
        """The tokens of a source's usable rows in the order in which they are used."""
        used = self.used[number]
        order = Order(self.seed, [self.names[number]], [used.usable], [len(used.rows)], [used.usable])
        assert used.lengths is not None
        return used.lengths[order.first_rows(0, used.usable)]

    def _examples_in(self, number: int, quota: int) -> int:
        ends = np.cumsum(self._taken(number))
        if not len(ends) or not ends[-1]:
            return 0
        rounds, rest = divmod(quota, int(ends[-1]))
        return rounds * len(ends) + int(np.searchsorted(ends, rest, side="right"))

    def tokens(self, number: int) -> int | None:
        """The tokens of a source's examples; None for a budget of examples."""
        if self.recipe.tokens is None:
            return None
        taken = self._taken(number)
        rounds, rest = divmod(self.examples[number], max(1, len(taken)))
        return rounds * int(taken.sum()) + int(taken[:rest].sum())

    def order(self) -> Order:
        """The order of the mixture.  Raises RecipeError where the sources have less than is asked for."""
        problem = self.shortage
        if problem is not None:
            raise RecipeError(f"sources[{problem[0]}]", problem[1], "mixture")
        return Order(
            self.seed, self.names, self.examples, [len(u.rows) for u in self.used], [u.usable for u in self.used]
        )

    @property
    def shortage(self) -> tuple[int, str] | None:
        """Which source is short and what is possible instead; None where nothing is short."""
        fill = self.recipe.on_shortage == "fill"
        if fill and sum(self.quotas.given) == self.budget and any(self.examples):
            return None
        if not self.quotas.short and any(self.examples):
            return None
        if fill:
            return 0, f"all sources together have {sum(self.limits):,} {self.unit}, and {self.budget:,} are asked for"
        if not self.quotas.short:
            return 0, "no source has a row that its quota of tokens has room for"
        return self.quotas.short[0].source, self._advice()

    def _advice(self) -> str:
        said, capped = [], False
        for source, asked, possible in self.quotas.short:
            entry, used = self.recipe.sources[source], self.used[source]
            cause = f"{counted(used.usable, 'row')}, max_repeats = {entry.max_repeats}"
            if possible < used.possible:
                capped = True
                cause = f"max_mixture_share = {entry.max_mixture_share}"
            said.append(f"{entry.name!r} is to give {asked:,} {self.unit} and can give {possible:,} ({cause})")
        most = most_possible([share(entry.ratio) for entry in self.recipe.sources], self.limits)
        instead = "" if capped else f"; with these ratios {most:,} {self.unit} are possible"
        return f"{'; '.join(said)}{instead}; {_either(self._ways_out(capped))}"

    def _ways_out(self, capped: bool) -> list[str]:
        """What may be done about a shortage, of what can help."""
        short = [source for source, _, _ in self.quotas.short]
        others = [i for i in range(len(self.sources)) if i not in short]
        ways = ["raise max_mixture_share"] if capped else ["give more rows"]
        if capped and others:
            ways.insert(0, "lower the ratio")
        if not capped and any(self.used[source].usable for source in short):
            ways.append("raise max_repeats")
        if any(self.limits[i] > self.quotas.given[i] for i in others):
            ways.append('set on_shortage = "fill" to take the rest from the others')
        return ways

    # ---- report -------------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, Any]:
        """What was found and what is used, as numbers by source: what a manifest keeps."""
        return {
            "budget": {self.unit: self.budget},
            "sources": {name: self._counts(number) for number, name in enumerate(self.names)},
            **({} if self.contamination is None else {
                "evaluations": {one.name: {k: v for k, v in one.to_dict().items() if k != "name"}
                                for one in self.contamination.evaluations}}),
        }  # fmt: skip

    def _counts(self, number: int) -> dict[str, Any]:
        used, found = self.used[number], self.duplicates
        counts: dict[str, Any] = {"rows": self.sources[number].rows, "empty": len(self.empty[number])}
        if found is not None:
            counts |= {"duplicates_within": found.within[number], "duplicates_across": found.across[number]}
            if self.recipe.deduplicate is not None and self.recipe.deduplicate.near is not None:
                counts["duplicates_near"] = found.near[number]
        if self.contamination is not None:
            counts["contaminated"] = len(self.contamination.removed[number])
        counts |= {"left": len(used.rows), "examples": self.examples[number]}
        tokens = self.tokens(number)
        return counts if tokens is None else {**counts, "quota": self.quotas.given[number], "tokens": tokens}

    def report(self) -> dict[str, Any]:
        """Everything that was found, as plain values for JSON."""
        total = max(1, sum(self.examples))
        sources = {}
        for number, (name, source) in enumerate(zip(self.names, self.sources, strict=True)):
            used = self.used[number]
            sources[name] = {
                "what": source.described, **self._counts(number), "ratio": source.entry.ratio,
                "share": self.examples[number] / total,
                "uses_of_a_row": self.examples[number] / used.usable if used.usable else 0.0,
            }  # fmt: skip
        made: dict[str, Any] = {"budget": {self.unit: self.budget}, "examples": sum(self.examples), "sources": sources}
        made["shortage"] = None if self.shortage is None else self.shortage[1]
        if self.duplicates is not None:
            made["duplicates"] = [met.to_dict() for met in self.duplicates.examples]
        if self.contamination is not None:
            made["contamination"] = self.contamination.to_dict()
        return made


def _either(ways: list[str]) -> str:
    return " or ".join(ways) if len(ways) < 3 else f"{', '.join(ways[:-1])}, or {ways[-1]}"


def _check_names(recipe: MixtureRecipe, files: Mapping[str, Paths]) -> None:
    known = [source.name for source in recipe.sources] + [one.name for one in recipe.evaluations]
    known += ["tokenizer"] if recipe.tokenizer is not None else []
    unknown = sorted(set(files) - set(known))
    if unknown:
        raise RecipeError(
            "sources", f"has none with the name {unknown[0]!r}: choose from {', '.join(known)}", "mixture"
        )


def _tokenizer(recipe: MixtureRecipe, files: Mapping[str, Paths]) -> tuple[Tokenizer | None, str | Pinned | None]:
    """The tokenizer that the budget is counted with, and what stands for it in a recipe."""
    if recipe.tokens is None:
        return None, None
    if recipe.tokenizer in (None, "bytes"):
        return ByteTokenizer(), "bytes"
    located = locate("tokenizer", [recipe.tokenizer], files.get("tokenizer"))[:1]
    return TokenizerFile(located[0][0]), pinned("tokenizer", located)[0]


def _pinned_recipe(
    recipe: MixtureRecipe, sources: list[SourceEntry], evaluations: list[Evaluation], tokenizer: str | Pinned | None
) -> MixtureRecipe:
    cleaning = recipe.decontaminate
    if cleaning is not None:
        cleaning = msgspec.structs.replace(cleaning, against=list(evaluations))
    made = msgspec.structs.replace(recipe, sources=sources, decontaminate=cleaning, tokenizer=tokenizer)
    return MixtureRecipe.from_dict(made.to_dict())


def _paths(recipe: MixtureRecipe, files: Mapping[str, Paths]) -> dict[str, Paths]:
    """Where the files of a mixture are, by name and whole path: what is given, else what the recipe says."""
    found: dict[str, Paths] = {one.name: one.shards for one in recipe.sources if isinstance(one.shards, str)}
    listed = [(one.name, one.files) for one in recipe.sources] + [(one.name, one.files) for one in recipe.evaluations]
    for name, files_of in listed:
        paths = [files_of] if isinstance(files_of, str) else files_of or []
        if paths and all(isinstance(path, str) for path in paths):
            found[name] = [str(path) for path in paths]
    if isinstance(recipe.tokenizer, str) and recipe.tokenizer != "bytes":
        found["tokenizer"] = recipe.tokenizer
    return {name: _whole(paths) for name, paths in {**found, **files}.items()}


def _whole(paths: Paths) -> Paths:
    if isinstance(paths, str | Path):
        return str(Path(paths).absolute())
    return [str(Path(path).absolute()) for path in paths]
