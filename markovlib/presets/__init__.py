"""The presets: recipes, whose files are here, and mixtures, whose files are in markovlib/mixing/presets."""

from importlib import resources
from importlib.resources.abc import Traversable


def recipes() -> dict[str, Traversable]:
    """The files of the recipes that come with the library by name, `paper/basic` for one, in order."""
    return _files(resources.files("markovlib.presets"))


def mixtures() -> dict[str, Traversable]:
    """The files of the mixtures that come with the library by name, in order."""
    return _files(resources.files("markovlib.mixing").joinpath("presets"))


def text(name: str) -> str:
    """What the file of a preset says, comments too.  Raises KeyError.

    >>> print(text("paper/no-op").splitlines()[-1])
    "words.no_op" = [0.1, 0.2, 0.3, 0.4, 0.5]
    """
    return {**recipes(), **mixtures()}[name].read_text("utf-8")


def descriptions(files: dict[str, Traversable]) -> dict[str, str]:
    """What the first line of each preset, a comment, says that it is."""
    return {name: file.read_text("utf-8").partition("\n")[0].lstrip("# ") for name, file in files.items()}


def other_kind(name: str) -> str | None:
    """What to say of the name of a preset where one of the other kind is taken; None for all other names.

    >>> other_kind("paper/code-20k-0")
    'is a preset of mixtures: use `markovlib mix`, or in Python `Mixture`'
    """
    if name in mixtures():
        return "is a preset of mixtures: use `markovlib mix`, or in Python `Mixture`"
    if name in recipes():
        return "is a preset of recipes: use `markovlib generate`, or in Python `Dataset`"
    return None


def _files(folder: Traversable) -> dict[str, Traversable]:
    found = {}
    for entry in folder.iterdir():
        if entry.name.endswith(".toml"):
            found[entry.name.removesuffix(".toml")] = entry
        elif entry.is_dir():
            files = [file for file in entry.iterdir() if file.name.endswith(".toml")]
            found.update({f"{entry.name}/{file.name.removesuffix('.toml')}": file for file in files})
    return dict(sorted(found.items()))
