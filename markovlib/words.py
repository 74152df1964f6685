"""How long a word must be to hold a pattern so and so often."""

from __future__ import annotations


def least_length(pattern_length: int, occurrences: int) -> tuple[int, int]:
    """The fewest letters of a word with exactly so many occurrences: for the best pattern, and for the worst.

    `pattern_length` is that of the pattern, at least 1; `occurrences` are its starts in the word, overlapping ones
    counted.  Two neighbouring ones are at least the pattern's smallest period apart, and can be so, so that a pattern
    of length L and period p needs L + (occurrences - 1) * p letters; every greater length has words too, if there are
    two letters or more.  The period is 1 for one letter repeated (the best pattern) and L where no end of the pattern
    is also its beginning (the worst).  A word of at least the worst length holds any pattern; below the best length it
    holds none.

    Raises ValueError for a pattern without letters, and for a negative number of occurrences.

    >>> least_length(3, 2)  # "aaaa" holds "aaa" twice, "abcabc" holds "abc" twice
    (4, 6)
    >>> least_length(20, 1)
    (20, 20)
    """
    if pattern_length < 1:
        raise ValueError(f"pattern_length must be at least 1, got {pattern_length}")
    if occurrences < 0:
        raise ValueError(f"occurrences must be at least 0, got {occurrences}")
    if occurrences == 0:
        return 0, 0
    return pattern_length + occurrences - 1, pattern_length * occurrences
