"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """So many things.

    >>> counted(1, "step"), counted(1200, "step")
    ('1 step', '1,200 steps')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"
