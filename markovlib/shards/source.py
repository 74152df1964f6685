"""What shards ask of a data set, and how a manifest turns back into one."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from markovlib.shards.manifest import Manifest

SIZES = ("examples", "instructions", "eval.examples", "eval.instructions")

#: The field of an identity that has the recipe of a mixture, and the one beside it that has its version.
MIXTURE, MIXED_BY = "mixture", "mixture_version"

#: Where the files of a mixture's sources are, by the sources' names.
Files = Mapping[str, str | Path | Sequence[str | Path]]


class Rows(Protocol):
    """A packed batch of examples."""

    def to_arrow(self, columns: Iterable[str] | None = None) -> Any: ...


class RecipeLike(Protocol):
    """The part of `markovlib.recipe.Recipe` that shards rely on."""

    @property
    def fingerprint(self) -> str: ...

    def to_dict(self) -> dict[str, Any]: ...


class RowSource(Protocol):
    """The part of `markovlib.dataset.Dataset` that shards rely on: rows as a function of their index."""

    @property
    def recipe(self) -> RecipeLike: ...

    @property
    def seed(self) -> int: ...

    @property
    def split(self) -> str: ...

    @property
    def size(self) -> int | None: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def fingerprint(self) -> str: ...

    def batch(self, rows: range, columns: Iterable[str] | None = None, threads: int | None = None) -> Rows: ...


def load(name_or_path: str | Path) -> RecipeLike:
    """Return the recipe of a preset's name or a file's path, as `markovlib.recipe.Recipe.load` does."""
    from markovlib.recipe import Recipe

    return Recipe.load(name_or_path)


def identity(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe, as a dictionary, without its sizes and its sweep: what a folder shares."""
    fields = {name: value for name, value in recipe.items() if name != "sweep"}
    for path in SIZES:
        table, _, field = path.rpartition(".")
        if not table:
            fields.pop(field, None)
        elif table in fields:
            fields[table] = {name: value for name, value in fields[table].items() if name != field}
            if not fields[table]:
                del fields[table]
    return fields


def sizes(recipe: Mapping[str, Any], split: str) -> dict[str, int]:
    """Return the sizes in a recipe that a split depends on: dotted path to number, in a fixed order.

    The training split has sizes of its own; `seen` also depends on how many instructions were trained on; the
    other splits depend on neither.
    """
    relevant = {"train": SIZES[:2], "seen": SIZES}.get(split, SIZES[2:])
    found = {}
    for path in relevant:
        table, _, field = path.rpartition(".")
        value = (recipe.get(table) or {} if table else recipe).get(field)
        if value is not None:
            found[path] = value
    return found


def with_sizes(identity: Mapping[str, Any], values: Mapping[str, int]) -> dict[str, Any]:
    """Return the recipe that has this identity and these sizes, as a dictionary."""
    recipe = dict(identity)
    for path, value in values.items():
        table, _, field = path.rpartition(".")
        if table:
            recipe[table] = {**(recipe.get(table) or {}), field: value}
        else:
            recipe[field] = value
    return recipe


def mixture_identity(recipe: RecipeLike) -> dict[str, Any]:
    """Return the identity of a mixture: its recipe, in which files are what they hold, and the version of mixtures."""
    from markovlib.mixture import MIXTURE_VERSION

    return {MIXTURE: recipe.to_dict(), MIXED_BY: MIXTURE_VERSION}


def is_mixture(identity: Mapping[str, Any]) -> bool:
    """Tell whether an identity is that of a mixture."""
    return MIXTURE in identity


def open_split(
    identity: Mapping[str, Any], values: Mapping[str, int], seed: int, split: str, files: Files | None = None
) -> RowSource:
    """Return the data set of a split: a function of the recipe's identity, the split's sizes and the seed.

    A mixture is a function of its sources' contents too, which are looked for in `files` and checked.
    """
    if is_mixture(identity):
        return _open_mixture(identity, seed, files or {})
    if files:
        raise ValueError("the folder is not of a mixture, and has no sources to look for")
    from markovlib.dataset import Dataset
    from markovlib.recipe import Recipe

    source: RowSource = Dataset(Recipe.from_dict(with_sizes(identity, values)), seed=seed, split=split)
    return source


def _open_mixture(identity: Mapping[str, Any], seed: int, files: Files) -> RowSource:
    from markovlib.mixture import MIXTURE_VERSION, Mixture, MixtureRecipe

    if identity.get(MIXED_BY) != MIXTURE_VERSION:
        raise ValueError(
            f"the folder holds version {identity.get(MIXED_BY)} of mixtures and this markovlib makes version "
            f"{MIXTURE_VERSION}"
        )
    source: RowSource = Mixture(MixtureRecipe.from_dict(identity[MIXTURE]), seed, files=files)
    return source


def recipe_toml(identity: Mapping[str, Any], values: Mapping[str, int]) -> str:
    """Return a recipe of this identity and these sizes as TOML."""
    if is_mixture(identity):
        from markovlib.mixture import MixtureRecipe

        return MixtureRecipe.from_dict(identity[MIXTURE]).to_toml()
    from markovlib.recipe import Recipe

    text: str = Recipe.from_dict(with_sizes(identity, values)).to_toml()
    return text


def recreate(manifest: "Manifest", split: str, files: Files | None = None) -> RowSource:
    """Return the data set that a split of a folder was written from; `files` says where those of a mixture are.

    Raises `markovlib.fields.RecipeError` where the recorded recipe is not one, `ValueError` where the folder was
    written by another version of the example stream, or the files of a mixture are not those that it was made from.
    """
    made = manifest.stream_version
    if made != stream_version():
        raise ValueError(
            f"the folder holds stream version {made} of the examples and this markovlib makes version "
            f"{stream_version()}: use markovlib {manifest.markovlib}"
        )
    return open_split(manifest.recipe, manifest.splits[split].sizes, manifest.seed, split, files)


def stream_version() -> int:
    """Return the version of the function from (recipe, seed, split, index) to example."""
    from markovlib.dataset import STREAM_VERSION

    version: int = STREAM_VERSION
    return version
