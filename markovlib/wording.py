"""Numbers and kinds of rules in sentences."""


def counted(number: int, noun: str) -> str:
    """So many things.

    >>> counted(1, "step"), counted(1200, "step")
    ('1 step', '1,200 steps')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"


def kind_of_rules(family: str, k: int | None, pattern_length: int | None, replacement_length: int | None) -> str:
    """What rules of one family, k and lengths are called.

    >>> kind_of_rules("periodic", 3, 6, 0), kind_of_rules("uniform", None, None, None)
    ('periodic, k = 3, 6 → 0', 'uniform')
    """
    each = "" if k is None else f", k = {k}"
    lengths = (pattern_length, replacement_length)
    return f"{family}{each}" + ("" if None in lengths else f", {pattern_length} → {replacement_length}")
