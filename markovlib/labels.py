"""What went wrong: the label of an answer, by what it did with the word of its example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from markovlib.rules import Rule, RuleSet

if TYPE_CHECKING:
    from markovlib.dataset import Batch, Example

LABELS = {
    "correct": "the completion, letter for letter",
    "wrong_format": "the right word, not shown as the completion shows it: white space around it, for one",
    "copied_input": "the word as it was",
    "not_encrypted": "the right word before the cipher",
    "another_rule": "asked for a rule, another one that explains all pairs",
    "stopped_early": "of several steps the first ones only, or the word after one of them",
    "all_occurrences": "every occurrence rewritten, from left to right without overlaps, instead of the leftmost",
    "wrong_rule": "another rule of the instruction, at an occurrence of its pattern",
    "wrong_place": "the replacement put at another place, for as many letters as the pattern has",
    "wrong_replacement": "other letters put at the right place",
    "other": "anything else",
}

_RUN_STEPS = 10_000


class Reference(NamedTuple):
    """What an answer is compared with.

    Only `completion` decides the value (but for the credit `pairs`); what is not known of the rest (None) makes labels
    less telling.  All are columns of these names; `position` counts letters, and is -1 for a no-op.
    """

    completion: Any
    word: Any = None
    output: Any = None
    pattern: Any = None
    replacement: Any = None
    position: int | None = None
    steps: int | None = None
    rules: Sequence[Any] | None = None
    trace: Sequence[Any] | None = None
    pairs: Sequence[Any] | None = None
    key: Any = None

    @classmethod
    def of(cls, example: Example | Mapping[str, Any]) -> Reference:
        """The reference that an example, or columns of one example by name, amount to.

        The completion is the column `completion`, `reference` or `output`, the first that there is, else the word
        rewritten once.  Raises TypeError where none is given.
        """
        columns = example if isinstance(example, Mapping) else _attributes(example)
        found = {name: columns.get(name) for name in cls._fields}
        word, pattern, replacement = found["word"], found["pattern"], found["replacement"]
        if word is not None and pattern is not None:
            if found["output"] is None and replacement is not None:
                found["output"] = word.replace(pattern, replacement, 1)
            if found["position"] is None:
                found["position"] = word.find(pattern)
        for right in (columns.get("reference"), found["output"]):
            if found["completion"] is None:
                found["completion"] = right
        if found["completion"] is None:
            raise TypeError(
                "there is no right answer to compare with: give a column 'reference' or 'output', "
                "or 'word', 'pattern' and 'replacement'"
            )
        return cls(**found)


def _attributes(example: Any) -> dict[str, Any]:
    return {name: getattr(example, name, None) for name in ("reference", *Reference._fields)}


def references_in(batch: Batch, completions: Sequence[Any]) -> Iterator[Reference]:
    """The references that the rows of a batch amount to, with these completions.

    Where none of several rules fired, pattern and replacement are empty in the batch, and None here; so is the key of
    an example that has none.
    """
    missing = [None] * len(completions)
    columns = [list(completions)]
    for name in Reference._fields[1:]:
        values = getattr(batch, name).tolist() if name in batch.columns else missing
        columns.append([value or None for value in values] if name == "key" else values)
    for row in zip(*columns, strict=True):
        reference = Reference._make(row)
        if reference.pattern is not None and not reference.pattern and cast(int, reference.position) < 0:
            reference = reference._replace(pattern=None, replacement=None)
        yield reference


# ---- labels -------------------------------------------------------------------------------------------------------


def label_of(given: Any, reference: Reference) -> str:
    """The label of an answer, as text or bytes of the completion's kind."""
    completion, word, output = reference.completion, reference.word, reference.output
    if given == completion:
        return "correct"
    if given.strip() == completion.strip():
        return "wrong_format"
    if reference.pairs:
        return "another_rule" if all(explained(given, reference)) else "other"
    shown = given if output is None else _shown_word(given, completion, output)
    if output is not None and shown == output:
        return "wrong_format"
    if word is not None and word in (shown, given):
        return "copied_input"
    if _stopped_early(given, shown, reference):
        return "stopped_early"
    if word is None or output is None:
        return "other"
    if reference.key is not None and shown == _plain(reference):
        return "not_encrypted"
    return _rewrite_label(shown, reference)


def _shown_word(given: Any, completion: Any, output: Any) -> Any:
    """The word in an answer that is laid out as the completion lays out the output, else the whole answer.

    The output stands in the completion as it is (its last occurrence counts) or with a blank between any two letters.
    """
    if completion == output:
        return given
    blank = " " if isinstance(completion, str) else b" "
    for text in (output, blank.join(_split(output))):
        before, found, after = completion.rpartition(text) if text else (completion, text, text)
        framed = len(given) >= len(before) + len(after) and given.startswith(before) and given.endswith(after)
        if (found or not output) and framed:
            inner = given[len(before) : len(given) - len(after)]
            if text == output:
                return inner
            if inner[1::2] == blank * (len(inner) // 2):
                return inner[::2]
    return given


def shown_as(word: Any, completion: Any, output: Any) -> Any:
    """The completion with another word in place of the output; the bare word where the output is not in it."""
    if completion == output:
        return word
    blank = " " if isinstance(completion, str) else b" "
    for text, other in ((output, word), (blank.join(_split(output)), blank.join(_split(word)))):
        before, found, after = completion.rpartition(text) if text else (completion, b"", completion[:0])
        if found or not output:
            return before + other + after
    return word


def _split(word: Any) -> list[Any]:
    return [word[i : i + 1] for i in range(len(word))]


def _stopped_early(given: Any, shown: Any, reference: Reference) -> bool:
    separator = separator_of(reference)
    if given and separator in reference.completion:
        asked = reference.completion.split(separator)
        answered = given.split(separator)
        if len(answered) > 1 and not answered[-1]:
            answered.pop()
        if len(answered) < len(asked) and answered == asked[: len(answered)]:
            return True
    return any(word == shown for word in _words_on_the_way(reference))


def _words_on_the_way(reference: Reference) -> Iterator[Any]:
    """The words after each step of a run but the last: those of the trace, else found by running the rules."""
    steps, rules = reference.steps or 0, reference.rules
    if reference.trace:
        yield from map(_word_after, reference.trace[:-1])
    elif rules and reference.word is not None and 1 < steps <= _RUN_STEPS:
        trace = RuleSet([Rule(*_sides(rule)) for rule in rules]).trace(reference.word, max_steps=steps - 1)
        yield from (step.word for step in trace)


def _word_after(step: Any) -> Any:
    """The word that a step of a trace left."""
    return step["word"] if isinstance(step, Mapping) else step[2]


def _plain(reference: Reference) -> Any:
    """The word rewritten, whatever is done to it after that."""
    if reference.position is None or reference.position < 0 or reference.pattern is None:
        return reference.word
    return put(reference.word, reference.position, reference.pattern, reference.replacement)


def _rewrite_label(shown: Any, reference: Reference) -> str:
    """The label of an answer to an example of one step; "other" where the output is more than that away."""
    if reference.output == reference.word:
        return "wrong_place" if _wrong_place(shown, reference) else "other"
    step = one_step(reference)
    if step is None:
        return "other"
    return next((name for name, holds in _REWRITES.items() if holds(shown, step)), "other")


def one_step(reference: Reference) -> Reference | None:
    """The example with the rule as it was applied; None where the output is not one step from the word.

    What was replaced and by what is read off word and output, where the rule is a scheme or enciphered.
    """
    word, output, position, pattern = reference.word, reference.output, reference.position, reference.pattern
    if position is None or position < 0 or pattern is None or reference.replacement is None:
        return None
    if put(word, position, pattern, reference.replacement) == output:
        return reference
    after = word[position + len(pattern) :]
    framed = len(output) >= position + len(after) and output.startswith(word[:position]) and output.endswith(after)
    if reference.steps != 1 or not framed:
        return None
    applied = output[position : len(output) - len(after)]
    return reference._replace(pattern=word[position : position + len(pattern)], replacement=applied, rules=None)


def put(word: Any, position: int, pattern: Any, replacement: Any) -> Any:
    """The word with the replacement instead of as many letters from `position` on as the pattern has."""
    return word[:position] + replacement + word[position + len(pattern) :]


def _all_occurrences(shown: Any, reference: Reference) -> bool:
    if not reference.pattern:
        return False
    rewritten: bool = shown == reference.word.replace(reference.pattern, reference.replacement)
    return rewritten


def _wrong_rule(shown: Any, reference: Reference) -> bool:
    word = reference.word
    others = (rule for rule in rules_of(reference) if rule != (reference.pattern, reference.replacement))
    return any(
        word[place : place + len(pattern)] == pattern
        for pattern, replacement in others
        for place in _places(shown, word, pattern, replacement)
    )


def _wrong_place(shown: Any, reference: Reference) -> bool:
    if reference.output != reference.word:
        rules: Iterable[tuple[Any, Any]] = [(reference.pattern, reference.replacement)]
    else:
        rules = rules_of(reference)
    return any(True for rule in rules for _ in _places(shown, reference.word, *rule))


def _wrong_replacement(shown: Any, reference: Reference) -> bool:
    before = reference.word[: reference.position]
    after = reference.word[cast(int, reference.position) + len(reference.pattern) :]
    right: bool = len(shown) >= len(before) + len(after) and shown.startswith(before) and shown.endswith(after)
    return right


_REWRITES: dict[str, Callable[[Any, Reference], bool]] = {
    "all_occurrences": _all_occurrences,
    "wrong_rule": _wrong_rule,
    "wrong_place": _wrong_place,
    "wrong_replacement": _wrong_replacement,
}


def rules_of(reference: Reference) -> list[tuple[Any, Any]]:
    """The rules of the instruction as (pattern, replacement), from `rules`, else the one that is known."""
    if reference.rules:
        return [_sides(rule)[:2] for rule in reference.rules]
    known = None not in (reference.pattern, reference.replacement)
    return [(reference.pattern, reference.replacement)] if known else []


def _sides(rule: Any) -> tuple[Any, Any, bool]:
    if isinstance(rule, Mapping):
        return rule["pattern"], rule["replacement"], bool(rule.get("terminal", False))
    return rule[0], rule[1], bool(rule[2]) if len(rule) > 2 else False


def _places(shown: Any, word: Any, pattern: Any, replacement: Any) -> Iterator[int]:
    """The places of the word at which putting the replacement for the pattern's number of letters gives `shown`."""
    size = len(pattern)
    if len(shown) != len(word) - size + len(replacement):
        return
    last = common_prefix(shown, word)
    first = len(word) - size - common_prefix(shown[::-1], word[::-1])
    place = shown.find(replacement, max(0, first))
    while 0 <= place <= min(last, len(word) - size):
        yield place
        place = shown.find(replacement, place + 1)


# ---- rules as answers ---------------------------------------------------------------------------------------------


def explained(given: Any, reference: Reference) -> list[bool]:
    """For each pair whether the rule that the answer names gives its output."""
    rule = _named_rule(given, reference)
    if rule is None:
        return [False for _ in reference.pairs or ()]
    sides = ((pair["word"], pair["output"]) if isinstance(pair, Mapping) else pair for pair in reference.pairs or ())
    return [word.replace(*rule, 1) == output for word, output in sides]


def _named_rule(given: Any, reference: Reference) -> tuple[Any, Any] | None:
    """The rule in an answer that is laid out as the completion lays out pattern and replacement."""
    completion, pattern, replacement = reference.completion, reference.pattern, reference.replacement
    if not pattern or replacement is None or pattern not in completion:
        return None
    before, _, rest = completion.partition(pattern)
    between, found, after = rest.rpartition(replacement) if replacement else (rest, True, rest[:0])
    if not found or not between:
        return None
    if len(given) < len(before) + len(after) or not (given.startswith(before) and given.endswith(after)):
        return None
    x, found, y = given[len(before) : len(given) - len(after)].partition(between)
    return (x, y) if found else None


# ---- letters ------------------------------------------------------------------------------------------------------


def common_prefix(a: Any, b: Any) -> int:
    """How many leading letters two words share."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def separator_of(reference: Reference) -> Any:
    """What stands between items: a line end, or what the completion has between the first two words of the trace."""
    completion, newline = reference.completion, "\n" if isinstance(reference.completion, str) else b"\n"
    if newline not in completion and reference.trace is not None and len(reference.trace) > 1:
        first, second = map(_word_after, reference.trace[:2])
        start = completion.find(first) + len(first)
        end = completion.find(second, start)
        if start >= len(first) and end > start:
            return completion[start:end]
    return newline
