# cython: autotestdict=False, auto_pickle=False
"""The boundary to the data set's stream: hands over what a data set is, asks for rows, adopts the columns."""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcpy, memset

from markovlib._columns cimport column_adopt
from markovlib._core cimport (
    MK_INVALID,
    MK_NO_MEMORY,
    MK_OK,
    Interrupts,
    mk_free,
    mk_malloc,
    mk_memory_fail_after,
    mk_memory_held,
    mk_memory_watch,
    mk_simd_force,
)
from markovlib._permute cimport key_of, mk_part_open, mk_permutation_close, mk_permutation_open
from markovlib._template cimport MK_READ_SLACK, Template, set_letters

import numpy as np

# The text columns in the order of csrc/render.h.
TEXT_COLUMNS = ("prompt", "completion", "word", "output", "pattern", "replacement", "key", "certificate")
NUMBER_COLUMNS = {
    "rule": np.int32, "position": np.int64, "instruction": np.int64, "steps": np.int64, "stratum": np.int32,
    "occurrences": np.int32, "template": np.int32, "no_op": np.uint8, "near_miss": np.uint8, "outcome": np.uint8,
}
# In the order of csrc/lists.h.
LIST_COLUMNS = ("rules", "trace", "pairs")


class NoWordError(Exception):
    """Example `index` found no word of what is asked in the stated number of draws, or (`ruleless`) no rules."""

    def __init__(self, index, ruleless):
        super().__init__(index, ruleless)
        self.index = index
        self.ruleless = ruleless


# Named tuples made without their own `__new__`, which matches names.
cdef object new_tuple = tuple.__new__


def fail_allocations_after(int64_t n):
    """For tests: the allocation of this module's engine after the next n fails, and every later one; n < 0: none."""
    mk_memory_fail_after(n)


def watch_memory(on):
    """For tests: begins, or ends, to count the bytes that this module's engine holds."""
    mk_memory_watch(bool(on))


def memory_held():
    """For tests: the bytes allocated since `watch_memory(True)` and not freed yet."""
    return mk_memory_held()


def simd_force(name):
    """As that of `_permute`, of this module's engine."""
    if name is None:
        return mk_simd_force(NULL)
    cdef bytes encoded = name.encode()
    return mk_simd_force(encoded)


cdef void *room(size_t count, size_t size) except NULL:
    """Memory for `count` things, all zero."""
    cdef void *block = mk_malloc(count * size)
    if block == NULL:
        raise MemoryError("not enough memory for the rule space")
    memset(block, 0, count * size)
    return block


cdef const uint8_t *digits_of(bytes digits):
    return <const uint8_t *>PyBytes_AS_STRING(digits)


cdef const uint32_t *numbers_of(bytes numbers):
    return <const uint32_t *>PyBytes_AS_STRING(numbers)


@cython.final
cdef class RuleSpace:
    """A share of a rule space under a key, from what `for_engine` says; read-only, so that threads may share it."""
    cdef mk_rule_space c
    cdef object kept                    # what the C structures point into
    cdef mk_share *shares[2]
    cdef mk_family *families[2]
    cdef mk_overlap *overlaps
    cdef mk_stratum *strata
    cdef mk_phase *phases

    def __cinit__(self, key, space):
        letters, shares, strata, phases, rules, self.c.possible = self.kept = space
        cdef size_t overlap_count = sum(len(share[6]) for side in shares for share in side)
        self.overlaps = <mk_overlap *>room(overlap_count, sizeof(mk_overlap))
        cdef mk_overlap *overlap = self.overlaps
        cdef int side
        for side in range(2):
            self.families[side] = <mk_family *>room(len(shares[side]), sizeof(mk_family))
            self.shares[side] = <mk_share *>room(len(shares[side]), sizeof(mk_share))
            for i, share in enumerate(shares[side]):
                self.set_family(&self.families[side][i], letters, share, overlap)
                self.set_share(&self.shares[side][i], key_of(key), letters, share, &self.families[side][i], side)
                overlap += len(share[6])
            self.c.shares[side] = self.shares[side]
            self.c.share_count[side] = len(shares[side])
        self.c.strata = self.strata = <mk_stratum *>room(len(strata), sizeof(mk_stratum))
        self.c.stratum_count = len(strata)
        for i, stratum in enumerate(strata):
            self.set_side(&self.strata[i].patterns, 0, stratum[0])
            self.set_side(&self.strata[i].replacements, 1, stratum[1])
            self.strata[i].lcm, self.strata[i].reserve, self.strata[i].possible = stratum[2]
            self.strata[i].candidates, accepted = stratum[3]
            if accepted is not None:
                self.strata[i].accepted = numbers_of(accepted)
        self.c.phases = self.phases = <mk_phase *>room(len(phases), sizeof(mk_phase))
        self.c.phase_count = len(phases)
        for i, phase in enumerate(phases):
            self.set_phase(&self.phases[i], phase)
        if rules is not None:
            self.set_list(rules(key))

    def __dealloc__(self):
        for side in range(2):
            for i in range(self.c.share_count[side]):
                mk_share_close(&self.shares[side][i])
            mk_free(self.shares[side])
            mk_free(self.families[side])
        mk_permutation_close(&self.c.list.order)
        mk_free(self.overlaps)
        mk_free(self.strata)
        mk_free(self.phases)

    cdef int set_family(self, mk_family *family, letters, share, mk_overlap *overlap) except -1:
        family.letters = letters
        family.length, family.free = share[:2]
        family.source = numbers_of(share[4]) if share[4] else NULL
        family.allowed = digits_of(share[5])
        family.overlaps = overlap
        family.overlap_count = len(share[6])
        family.listed = share[7]
        for i, (coefficient, first) in enumerate(share[6]):
            overlap[i].coefficient = coefficient
            overlap[i].first = numbers_of(first)
        return 0

    cdef int set_share(self, mk_share *c, mk_philox_key key, uint32_t letters, share, mk_family *family,
                       int side) except -1:
        mk_part_open(&c.part, key, side + 1, share[2], letters, family.free)
        c.family = family if share[3] else NULL
        c.count, c.first = share[8:10]
        c.first_digits = digits_of(share[10])
        c.last_digits = digits_of(share[11])
        mk_share_tabulate(c)            # without memory for the table it is only slower
        return 0

    cdef int set_side(self, mk_side *c, int side, values) except -1:
        cdef size_t number
        number, c.offset, c.head, start, before = values
        c.share = &self.shares[side][number]
        c.start_digits = digits_of(start)
        c.before_digits = digits_of(before)
        return 0

    cdef int set_phase(self, mk_phase *phase, values) except -1:
        phase.start, turns, weights, bases = values
        phase.period = <uint32_t>(len(turns) // sizeof(mk_turn))
        phase.turns = <const mk_turn *>digits_of(turns)
        phase.weights = numbers_of(weights)
        phase.bases = <const uint64_t *>digits_of(bases)
        return 0

    @property
    def possible(self):
        return self.c.possible

    cdef int set_list(self, table) except -1:
        self.kept = (self.kept, table)
        self.c.list.count, order, letters, offsets, by_pattern, by_replacement, choice = table
        self.c.list.candidates, accepted = choice
        if accepted is not None:
            self.c.list.accepted = numbers_of(accepted)
        self.c.list.letters = digits_of(letters)
        self.c.list.offsets = <const uint64_t *>digits_of(offsets)
        self.c.list.sorted[0] = numbers_of(by_pattern)
        self.c.list.sorted[1] = numbers_of(by_replacement)
        mk_permutation_open(&self.c.list.order, key_of(order), self.c.list.count)
        return 0

    @property
    def widest(self):
        """The lengths of the longest pattern and the longest replacement."""
        return mk_rule_space_widest(&self.c, 0), mk_rule_space_widest(&self.c, 1)

    def turn(self, uint64_t j):
        """(stratum, number there) of rule j, or of its first candidate."""
        cdef uint64_t index
        if j >= self.c.possible:
            raise IndexError(j)
        cdef size_t stratum = mk_rule_space_turn(&self.c, j, &index)
        return stratum, index

    def rule(self, uint64_t j):
        """(pattern, replacement, stratum) of rule j, or of its first candidate, the sides as codes."""
        if j >= self.c.possible:
            raise IndexError(j)
        cdef mk_space_rule rule
        cdef bytearray pattern = bytearray(mk_rule_space_widest(&self.c, 0))
        cdef bytearray replacement = bytearray(mk_rule_space_widest(&self.c, 1))
        rule.pattern = <uint8_t *>PyByteArray_AS_STRING(pattern)
        rule.replacement = <uint8_t *>PyByteArray_AS_STRING(replacement)
        with nogil:
            mk_rule_space_at(&self.c, j, 0, &rule)
        return bytes(pattern[:rule.pattern_length]), bytes(replacement[:rule.replacement_length]), rule.stratum

    def rules(self, numbers):
        """What `rule` says of some numbers, together: at most MK_RULES_AT_ONCE."""
        cdef mk_space_rule rules[MK_RULES_AT_ONCE]
        cdef uint64_t c_numbers[MK_RULES_AT_ONCE]
        cdef size_t count = len(numbers), i
        cdef size_t pattern = mk_rule_space_widest(&self.c, 0), stride = pattern + mk_rule_space_widest(&self.c, 1)
        if count > MK_RULES_AT_ONCE or any(j >= self.c.possible for j in numbers):
            raise IndexError(numbers)
        cdef bytearray letters = bytearray(count * stride + MK_READ_SLACK)
        for i in range(count):
            c_numbers[i] = numbers[i]
            rules[i].pattern = <uint8_t *>PyByteArray_AS_STRING(letters) + i * stride
            rules[i].replacement = rules[i].pattern + pattern
        with nogil:
            mk_rule_space_many(&self.c, c_numbers, count, rules)
        return [(rules[i].pattern[:rules[i].pattern_length], rules[i].replacement[:rules[i].replacement_length],
                 rules[i].stratum) for i in range(count)]

    def acceptable(self, size_t stratum, uint32_t count, RuleSpace refused, codes):
        """Which of a stratum's first `count` instructions have no side that `refused` holds; `codes` (uint16) are its
        numbers of the letters, or None if they are the same."""
        cdef const uint16_t[::1] known = codes
        cdef const uint16_t *numbers = NULL
        if codes is not None:
            numbers = &known[0]
        cdef size_t widest = max(self.widest)
        cdef bytearray room = bytearray(3 * widest + MK_READ_SLACK)
        cdef uint8_t *letters = <uint8_t *>PyByteArray_AS_STRING(room)
        cdef uint8_t *scratch = letters + 2 * widest
        cdef uint8_t[::1] found = np.zeros(count, np.uint8)
        cdef mk_space_rule rule
        cdef uint32_t index
        rule.pattern, rule.replacement = letters, letters + widest
        with nogil:
            for index in range(count):
                mk_rule_space_in(&self.c, stratum, index, &rule)
                found[index] = not (
                    mk_rule_space_holds_other(&refused.c, 0, rule.pattern, rule.pattern_length, numbers, scratch)
                    or mk_rule_space_holds_other(&refused.c, 1, rule.replacement, rule.replacement_length, numbers,
                                                 scratch))
        return np.flatnonzero(found)

    def holds(self, bint replacement, bytes codes):
        """Whether a string of codes is one of the patterns, or of the replacements."""
        return bool(mk_rule_space_holds(&self.c, replacement, digits_of(codes), <uint32_t>len(codes)))


cdef mk_share_of share_of(share) except *:
    return mk_share_of(share[0], share[1])


@cython.final
cdef class Plan:
    """What a data set is, compiled; never written after it is made (but for a cache), so that threads may share it.

    The fields are those of csrc/plan.h; `letters` are the bytes of every letter, those of words first.
    """
    cdef mk_plan c
    cdef mk_letters letters
    cdef bint opened
    cdef readonly bint text
    cdef RuleSpace space, refused
    cdef list kept                      # what the plan borrows
    cdef list templates
    cdef mk_templates columns[MK_TEXT_COLUMNS]
    cdef mk_reader_shelf shelf

    def __cinit__(self, *, key, split, list letters, int word_letters, bint text, RuleSpace space, RuleSpace refused, refused_codes,
                  fixed, int per_example, pool, turns, buckets, int variables, bint terminating, cascade, instructions,
                  int order, popularity, size, no_op, near_miss, int near_miss_edits, occurrences, fires, lengths,
                  bint exact, int words, bint divides, segments, dict task, int paraphrases, prompt, completion, fields):
        memset(&self.c, 0, sizeof(self.c))
        memset(&self.letters, 0, sizeof(self.letters))
        memset(&self.shelf, 0, sizeof(self.shelf))
        self.kept = []
        self.text = text
        set_letters(&self.letters, letters)
        self.c.key = key_of(key)
        self.c.split = split
        self.space, self.refused = space, refused
        self.c.space = &space.c if space is not None else NULL
        self.c.refused = &refused.c if refused is not None else NULL
        self.c.refused_codes = <const uint16_t *>self.array(refused_codes, np.uint16)
        self.c.per_example = per_example
        self.c.pool, self.c.pool_first, self.c.pool_tuples, self.c.pool_named = pool
        self.c.turns, self.c.rules = turns
        (self.c.bucket, self.c.rule_bucket), self.c.variables, self.c.terminating = buckets, variables, terminating
        self.c.cascades = cascade is not None
        if cascade is not None:
            self.c.cascade = share_of(cascade)
        self.c.instructions = instructions
        self.c.order = <mk_order>order
        self.c.popularity = <const uint64_t *>self.array(popularity, np.uint64)
        self.c.fixed = self.fixed_rules(fixed)
        self.c.letters = word_letters
        self.c.size = <uint64_t>-1 if size is None else size
        self.c.no_op, self.c.near_miss = share_of(no_op), share_of(near_miss)
        self.c.near_miss_edits = near_miss_edits
        self.c.occurrences = <const uint32_t *>self.array(occurrences, np.uint32)
        self.c.occurrence_count = len(occurrences)
        self.c.fires = <const uint64_t *>self.array(fires, np.uint64)
        self.c.shortest, self.c.longest = lengths
        self.c.exact, self.c.words, self.c.divides = exact, <mk_word_class>words, divides
        self.set_segments(segments)
        self.set_task(task)
        self.c.paraphrases = paraphrases
        self.templates = [Template(programs, letters) for programs in (prompt, completion, *fields)]
        for column in range(MK_TEXT_COLUMNS):
            self.columns[column] = (<Template>self.templates[column]).c
        if mk_plan_open(&self.c) != MK_OK:
            raise MemoryError("not enough memory for the data set")
        self.opened = True

    def __dealloc__(self):
        mk_reader_shelf_close(&self.shelf)
        if self.opened:
            mk_plan_close(&self.c)

    cdef const void *array(self, values, dtype) except? NULL:
        """The memory of numbers, kept alive; NULL for None."""
        if values is None:
            return NULL
        kept = np.ascontiguousarray(values, dtype)
        self.kept.append(kept)
        cdef size_t address = kept.ctypes.data
        return <const void *>address

    cdef const uint8_t *codes(self, bytes values):
        self.kept.append(values + bytes(MK_READ_SLACK))
        return <const uint8_t *>PyBytes_AS_STRING(self.kept[len(self.kept) - 1])

    cdef const mk_example_rule *fixed_rules(self, rules) except? NULL:
        if rules is None:
            return NULL
        room = bytearray(len(rules) * sizeof(mk_example_rule) + 1)
        self.kept.append(room)
        cdef mk_example_rule *c = <mk_example_rule *>PyByteArray_AS_STRING(room)
        for i, (pattern, replacement, terminal) in enumerate(rules):
            c[i] = mk_example_rule(self.codes(pattern), self.codes(replacement), len(pattern), len(replacement),
                                   terminal)
        return c

    cdef int set_segments(self, segments) except -1:
        if segments is None:
            return 0
        room = bytearray(len(segments) * sizeof(mk_segment) + 1)
        self.kept.append(room)
        cdef mk_segment *c = <mk_segment *>PyByteArray_AS_STRING(room)
        for i, (letters, least, greatest, first_not_zero, balanced) in enumerate(segments):
            c[i] = mk_segment(self.codes(letters), len(letters), least, greatest, first_not_zero, balanced)
        self.c.segments, self.c.segment_count = c, len(segments)
        return 0

    cdef int set_task(self, dict task) except -1:
        cdef mk_task_options *c = &self.c.task
        c.kind = <mk_task_kind><int>task["kind"]
        c.least_steps, c.max_steps, c.max_length = task["least_steps"], task["max_steps"], task["max_length"]
        c.must_halt, c.plants, c.pairs = task["must_halt"], task["plants"], task["pairs"]
        c.asked_steps = <const uint32_t *>self.array(task["asked_steps"], np.uint32)
        c.asked_count = len(task["asked_steps"] or ())
        c.cipher = <mk_key_kind><int>task["cipher"]
        c.cipher_place = <mk_cipher_place><int>task["cipher_place"]
        c.cipher_of_instruction, c.traced = task["cipher_of_instruction"], task["traced"]
        c.certified = task["certified"]
        return 0

    @property
    def always_divided(self):
        return bool(self.c.always_divided[0]), bool(self.c.always_divided[1])

    def no_ops(self, uint64_t end):
        return mk_share_before(self.c.no_op, end)

    def instruction(self, uint64_t j):
        """(rules as (pattern, replacement) codes, stratum, words too few to divide, no-ops too few to divide)."""
        cdef mk_sampler sampler
        cdef mk_instruction found
        cdef mk_status status
        if mk_sampler_open(&sampler, &self.c, False) != MK_OK:
            raise MemoryError
        try:
            with nogil:
                status = mk_sampler_rule(&sampler, j, &found)
            if status == MK_INVALID:
                raise IndexError(j)
            if status != MK_OK:
                raise MemoryError
            rules = [(found.rules[i].pattern[: found.rules[i].pattern_length],
                      found.rules[i].replacement[: found.rules[i].replacement_length])
                     for i in range(self.c.per_example)]
            return rules, found.stratum, bool(found.undivided[0]), bool(found.undivided[1])
        finally:
            mk_sampler_close(&sampler)

    cdef int render(self, mk_request *request, mk_examples *examples, Interrupts interrupts) except -1:
        cdef mk_status status
        request.plan = &self.c
        request.letters = &self.letters
        request.poll = interrupts.poll()
        with nogil:
            status = mk_examples_render(request, examples)
        if status == MK_INVALID:
            raise NoWordError(examples.failed, bool(examples.ruleless))
        if status == MK_NO_MEMORY and examples.failed >= 0:
            raise MemoryError(f"example {examples.failed}: not enough memory")
        interrupts.check(status)
        return 0

    cdef mk_reader *read(self, uint64_t index, int texts, bint lists) except NULL:
        """A reader at that example, to be given back."""
        cdef mk_status status = MK_NO_MEMORY
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef bint ruleless = False
        cdef mk_reader *reader
        with nogil:
            reader = mk_reader_take(&self.shelf, &self.c)
            if reader != NULL:
                status = mk_reader_read(reader, &self.c, &self.letters, self.columns, texts, lists, index,
                                        poll)
                ruleless = reader.example.rule_count == 0
                if status != MK_OK:
                    mk_reader_close(reader)
        if status == MK_INVALID:
            raise NoWordError(index, ruleless)
        if status == MK_NO_MEMORY:
            raise MemoryError(f"example {index}: not enough memory")
        interrupts.check(status)
        return reader

    cdef object string(self, const uint8_t *data, Py_ssize_t length):
        return (PyUnicode_DecodeUTF8(<const char *>data, length, NULL) if self.text
                else PyBytes_FromStringAndSize(<const char *>data, length))

    cdef object text_of(self, mk_reader *reader, int column):
        return self.string(reader.text[column].data, reader.text[column].used)

    def plain_example(self, uint64_t index, example_type, rule_type, tuple outcomes):
        """An example of one rule, without lists, key or certificate: an `example_type`, both being named tuples."""
        cdef mk_reader *reader = self.read(index, 6, False)
        cdef mk_example *found = &reader.example
        try:
            pattern, replacement = self.text_of(reader, 4), self.text_of(reader, 5)
            return new_tuple(example_type, (
                index, self.text_of(reader, 0), self.text_of(reader, 1), self.text_of(reader, 2),
                self.text_of(reader, 3), pattern, replacement, (new_tuple(rule_type, (pattern, replacement, False)),),
                found.rule, found.position, bool(found.no_op), found.steps, outcomes[<int>found.outcome], (), (), None,
                None, found.number, found.stratum, bool(found.near_miss), mk_example_occurrences(&self.c, found),
                found.paraphrase))
        finally:
            mk_reader_give(&self.shelf, reader)

    def example(self, uint64_t index):
        """The text values of one example, its numbers (rule, position, no_op, steps, outcome, instruction, stratum,
        near_miss, occurrences, template), and its lists: rules, trace, pairs, each a tuple of tuples."""
        cdef mk_reader *reader = self.read(index, MK_TEXT_COLUMNS, True)
        cdef mk_example *found = &reader.example
        try:
            values = [self.text_of(reader, column) for column in range(MK_TEXT_COLUMNS)]
            numbers = (found.rule, found.position, bool(found.no_op), found.steps, <int>found.outcome, found.number,
                       found.stratum, bool(found.near_miss), mk_example_occurrences(&self.c, found), found.paraphrase)
            return values, numbers, [self.items(&reader.lists[kind], kind) for kind in range(MK_LISTS)]
        finally:
            mk_reader_give(&self.shelf, reader)

    cdef tuple items(self, mk_list *items, int kind):
        """The items of one row."""
        cdef const int64_t *ends[2]
        cdef const int64_t *numbers[2]
        made = []
        for which in range(2):
            ends[which] = <const int64_t *>items.ends[which].data
            numbers[which] = <const int64_t *>items.number[which].data
        for i in range(<Py_ssize_t>items.items):
            texts = [self.string(items.text[which].data + (ends[which][i - 1] if i else 0),
                                 ends[which][i] - (ends[which][i - 1] if i else 0))
                     for which in range(2) if items.ends[which].used]
            if kind == MK_LIST_RULES:
                made.append((*texts, bool(numbers[0][i])))
            elif kind == MK_LIST_TRACE:
                made.append((numbers[0][i], numbers[1][i], *texts))
            else:
                made.append(tuple(texts))
        return tuple(made)

    cdef int free(self, mk_examples *examples) except -1:
        for column in range(MK_TEXT_COLUMNS):
            mk_free(examples.data[column])
            mk_free(examples.offsets[column])
        for kind in range(MK_LISTS):
            mk_list_close(&examples.lists[kind])
        return 0

    def batch(self, uint64_t start, size_t count, const int64_t[::1] indices, columns, size_t threads):
        """Columns by name as far as they are asked for: those of TEXT_COLUMNS, NUMBER_COLUMNS and LIST_COLUMNS."""
        cdef mk_request request
        cdef mk_examples examples
        memset(&request, 0, sizeof(request))
        memset(&examples, 0, sizeof(examples))
        request.start = start
        request.count = count
        request.threads = threads
        if indices is not None and count:
            request.indices = &indices[0]
        result = {name: np.empty(count, dtype) for name, dtype in NUMBER_COLUMNS.items() if name in columns}
        examples.rule = <int32_t *>address(result, "rule")
        examples.position = <int64_t *>address(result, "position")
        examples.instruction = <int64_t *>address(result, "instruction")
        examples.steps = <int64_t *>address(result, "steps")
        examples.stratum = <int32_t *>address(result, "stratum")
        examples.occurrences = <int32_t *>address(result, "occurrences")
        examples.paraphrase = <int32_t *>address(result, "template")
        examples.no_op = <uint8_t *>address(result, "no_op")
        examples.near_miss = <uint8_t *>address(result, "near_miss")
        examples.outcome = <uint8_t *>address(result, "outcome")
        for column, name in enumerate(TEXT_COLUMNS):
            if name in columns:
                request.templates[column] = self.columns[column]
        offsets = {name: np.zeros(count + 1, np.int64) for name in LIST_COLUMNS if name in columns}
        for kind, name in enumerate(LIST_COLUMNS):
            request.lists[kind] = name in columns
            examples.list_offsets[kind] = <int64_t *>address(offsets, name)
        self.render(&request, &examples, Interrupts())
        try:
            for kind, name in enumerate(LIST_COLUMNS):
                if name in columns:
                    result[name] = (offsets[name], *self.list_parts(&examples.lists[kind]))
            self.adopt(&examples, count, result)
        finally:
            self.free(&examples)
        return result

    cdef tuple list_parts(self, mk_list *items):
        """(texts as columns, numbers as arrays): what the items of all rows have, one after the other."""
        texts = [self.list_text(&items.text[which], &items.ends[which], items.items) for which in range(2)
                 if items.ends[which].used or not items.items]
        numbers = [np.frombuffer(PyBytes_FromStringAndSize(<char *>items.number[which].data, items.number[which].used),
                                 np.int64) for which in range(2)]
        return texts, numbers

    cdef object list_text(self, mk_text *text, mk_text *ends, size_t count):
        cdef int64_t *offsets = <int64_t *>mk_malloc((count + 1) * sizeof(int64_t))
        cdef uint8_t *data
        if offsets == NULL:
            raise MemoryError
        offsets[0] = 0
        if count:
            memcpy(offsets + 1, ends.data, count * sizeof(int64_t))
        data, text.data = text.data, NULL
        if data == NULL:
            data = <uint8_t *>mk_malloc(1)
        return column_adopt(data, offsets, count, self.text)

    cdef int adopt(self, mk_examples *examples, Py_ssize_t count, dict result) except -1:
        cdef uint8_t *data
        cdef int64_t *offsets
        for column, name in enumerate(TEXT_COLUMNS):
            data, offsets = examples.data[column], examples.offsets[column]
            examples.data[column] = NULL
            examples.offsets[column] = NULL
            if offsets != NULL:
                result[name] = column_adopt(data, offsets, count, self.text)
        return 0


cdef void *address(dict arrays, str name) except? NULL:
    """The memory of an array, or NULL where there is none."""
    cdef size_t at
    if name not in arrays or not arrays[name].size:
        return NULL
    at = arrays[name].ctypes.data
    return <void *>at
