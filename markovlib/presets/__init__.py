"""The recipes that come with the library, and a word on names that are presets of the other kind."""

from importlib import resources

from markovlib.fields import preset_files


def other_kind(name: str) -> str | None:
    """What to say of the name of a preset where one of the other kind is taken; None for all other names.

    >>> other_kind("paper/code-20k-0")
    'is a preset of mixtures: use `markovlib mix`, or in Python `Mixture`'
    """
    if name in preset_files(resources.files("markovlib.mixing").joinpath("presets")):
        return "is a preset of mixtures: use `markovlib mix`, or in Python `Mixture`"
    if name in preset_files(resources.files("markovlib.presets")):
        return "is a preset of recipes: use `markovlib generate`, or in Python `Dataset`"
    return None
