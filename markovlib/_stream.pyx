# cython: autotestdict=False, auto_pickle=False
"""The boundary to the data set's stream: hands over what a data set is, asks for rows, adopts the columns."""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcpy, memset

from markovlib._columns cimport column_adopt
from markovlib._core cimport MK_INVALID, MK_NO_MEMORY, MK_OK, Interrupts, mk_free, mk_malloc, mk_memory_fail_after

import numpy as np

# The text columns in the order of csrc/render.h.
TEXT_COLUMNS = ("prompt", "completion", "word", "output", "pattern", "replacement")


class NoWordError(Exception):
    """Example `index` found no word of its split's class in the stated number of draws."""

    def __init__(self, index):
        super().__init__(index)
        self.index = index


cdef mk_philox_key key_of(key):
    cdef mk_philox_key c
    c.word[0], c.word[1] = key
    return c


def fail_allocations_after(int64_t n):
    """For tests: the allocation of this module's engine after the next n fails, and every later one; n < 0: none."""
    mk_memory_fail_after(n)


def philox(key, counter):
    cdef mk_philox_block block = mk_philox(key_of(key), counter[0], counter[1], counter[2], counter[3])
    return (block.word[0], block.word[1], block.word[2], block.word[3])


@cython.final
cdef class Permutation:
    cdef mk_permutation c

    def __cinit__(self, key, uint64_t size, bint tabulate=False):
        if not 1 <= size < 1 << 62:
            raise ValueError(f"size must be in [1, 2**62), got {size}")
        mk_permutation_open(&self.c, key_of(key), size)
        if tabulate and mk_permutation_tabulate(&self.c) != MK_OK:
            raise MemoryError

    def __dealloc__(self):
        mk_permutation_close(&self.c)

    def __len__(self):
        return self.c.size

    def __getitem__(self, uint64_t x):
        if x >= self.c.size:
            raise IndexError(x)
        return mk_permutation_at(&self.c, x)

    def index(self, uint64_t y):
        if y >= self.c.size:
            raise ValueError(y)
        return mk_permutation_inverse(&self.c, y)


@cython.final
cdef class Part:
    cdef mk_part c

    def __cinit__(self, key, uint64_t axis, uint32_t letters, uint32_t length, uint64_t form=0):
        mk_part_open(&self.c, key_of(key), axis, form, letters, length)

    cdef bytearray copy(self, bytes digits):
        if len(digits) != self.c.length or any(digit >= self.c.letters for digit in digits):
            raise ValueError("not a string of this space")
        return bytearray(digits)

    def permute(self, bytes digits):
        cdef bytearray out = self.copy(digits)
        mk_part_permute(&self.c, <uint8_t *>PyByteArray_AS_STRING(out))
        return bytes(out)

    def permute_back(self, bytes digits):
        cdef bytearray out = self.copy(digits)
        mk_part_permute_back(&self.c, <uint8_t *>PyByteArray_AS_STRING(out))
        return bytes(out)


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
        self.c.phases = self.phases = <mk_phase *>room(len(phases), sizeof(mk_phase))
        self.c.phase_count = len(phases)
        for i, phase in enumerate(phases):
            self.set_phase(&self.phases[i], phase)

    def __dealloc__(self):
        for side in range(2):
            mk_free(self.shares[side])
            mk_free(self.families[side])
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

    @property
    def widest(self):
        """The lengths of the longest pattern and the longest replacement."""
        return mk_rule_space_widest(&self.c, 0), mk_rule_space_widest(&self.c, 1)

    def turn(self, uint64_t j):
        """(stratum, number there) of instruction j."""
        cdef uint64_t index
        if j >= self.c.possible:
            raise IndexError(j)
        cdef size_t stratum = mk_rule_space_turn(&self.c, j, &index)
        return stratum, index

    def rule(self, uint64_t j):
        """(pattern, replacement, stratum) of instruction j, the sides as codes."""
        if j >= self.c.possible:
            raise IndexError(j)
        cdef mk_space_rule rule
        cdef bytearray pattern = bytearray(mk_rule_space_widest(&self.c, 0))
        cdef bytearray replacement = bytearray(mk_rule_space_widest(&self.c, 1))
        rule.pattern = <uint8_t *>PyByteArray_AS_STRING(pattern)
        rule.replacement = <uint8_t *>PyByteArray_AS_STRING(replacement)
        with nogil:
            mk_rule_space_at(&self.c, j, &rule)
        return bytes(pattern[:rule.pattern_length]), bytes(replacement[:rule.replacement_length]), rule.stratum

    def holds(self, bint replacement, bytes codes):
        """Whether a string of codes is one of the patterns, or of the replacements."""
        return bool(mk_rule_space_holds(&self.c, replacement, digits_of(codes), <uint32_t>len(codes)))


@cython.final
@cython.internal
cdef class Template:
    """Pieces, and the bytes of their literals."""
    cdef mk_template c
    cdef mk_piece *pieces
    cdef object literals

    def __cinit__(self, pieces):
        self.literals = [literal for kind, literal in pieces]
        self.c.count = len(pieces)
        self.pieces = <mk_piece *>mk_malloc(self.c.count * sizeof(mk_piece))
        if self.pieces == NULL:
            raise MemoryError
        self.c.pieces = self.pieces
        for i, (kind, literal) in enumerate(pieces):
            self.pieces[i].kind = <mk_piece_kind><int>kind
            self.pieces[i].literal = <const uint8_t *>PyBytes_AS_STRING(literal)
            self.pieces[i].length = len(literal)

    def __dealloc__(self):
        mk_free(self.pieces)


cdef int set_letters(mk_letters *c, list letters) except -1:
    c.letters = len(letters)
    c.widest = max(len(letter) for letter in letters)
    c.narrow = c.widest == 1
    c.shifted = c.narrow and all(letter[0] == letters[0][0] + i for i, letter in enumerate(letters))
    for i, letter in enumerate(letters):
        c.width[i] = len(letter)
        memcpy(c.bytes[i], PyBytes_AS_STRING(letter), len(letter))
    return 0


@cython.final
cdef class Plan:
    """What a data set is, compiled; never written after it is made (but for a cache), so that threads may share it."""
    cdef mk_plan c
    cdef mk_letters letters
    cdef bint opened
    cdef readonly bint text
    cdef RuleSpace rules
    cdef list templates

    def __cinit__(self, *, key, split, list letters, bint text, RuleSpace rules, size, instructions, int order, no_op, occurrences, lengths, int words, prompt, completion):
        memset(&self.c, 0, sizeof(self.c))
        memset(&self.letters, 0, sizeof(self.letters))
        self.text = text
        set_letters(&self.letters, letters)
        self.c.key = key_of(key)
        self.c.split = split
        self.c.letters = len(letters)
        self.rules = rules
        self.c.rules = &rules.c
        self.c.size = <uint64_t>-1 if size is None else size
        self.c.instructions = instructions
        self.c.order = <mk_order>order
        self.c.no_op_numerator, self.c.no_op_denominator = no_op
        self.c.occurrences = occurrences
        self.c.shortest, self.c.longest = lengths
        self.c.words = <mk_word_class>words
        fields = (MK_PIECE_WORD, MK_PIECE_OUTPUT, MK_PIECE_PATTERN, MK_PIECE_REPLACEMENT)
        self.templates = [Template(prompt), Template(completion), *(Template([(kind, b"")]) for kind in fields)]
        if mk_plan_open(&self.c) != MK_OK:
            raise MemoryError("not enough memory for the data set")
        self.opened = True

    def __dealloc__(self):
        if self.opened:
            mk_plan_close(&self.c)

    @property
    def always_divided(self):
        return bool(self.c.always_divided[0]), bool(self.c.always_divided[1])

    def no_ops(self, uint64_t end):
        return mk_plan_no_ops(&self.c, end)

    def instruction(self, uint64_t j):
        """(pattern, replacement, words too few to divide, no-ops too few to divide), as codes."""
        if j >= self.c.rules.possible:
            raise IndexError(j)
        cdef mk_sampler sampler
        cdef mk_instruction rule
        cdef mk_status status
        if mk_sampler_open(&sampler, &self.c, False) != MK_OK:
            raise MemoryError
        try:
            with nogil:
                status = mk_sampler_rule(&sampler, j, &rule)
            if status != MK_OK:
                raise MemoryError
            pattern = rule.pattern[: mk_rule_space_widest(self.c.rules, 0)]
            replacement = rule.replacement[: mk_rule_space_widest(self.c.rules, 1)]
            return pattern, replacement, bool(rule.undivided[0]), bool(rule.undivided[1])
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
            raise NoWordError(examples.failed)
        if status == MK_NO_MEMORY and examples.failed >= 0:
            raise MemoryError(f"example {examples.failed}: not enough memory")
        interrupts.check(status)
        return 0

    cdef object value(self, mk_examples *examples, int column):
        """The one row of a text column."""
        cdef const char *data = <const char *>examples.data[column]
        cdef Py_ssize_t length = examples.offsets[column][1]
        return PyUnicode_DecodeUTF8(data, length, NULL) if self.text else PyBytes_FromStringAndSize(data, length)

    def example(self, uint64_t index):
        """The six text values of one example, in the order of TEXT_COLUMNS, and the position."""
        cdef mk_request request
        cdef mk_examples examples
        cdef int64_t position
        memset(&request, 0, sizeof(request))
        memset(&examples, 0, sizeof(examples))
        request.start = index
        request.count = request.threads = 1
        for column in range(MK_TEXT_COLUMNS):
            request.templates[column] = &(<Template>self.templates[column]).c
        examples.position = &position
        self.render(&request, &examples, Interrupts())
        try:
            return tuple([self.value(&examples, column) for column in range(MK_TEXT_COLUMNS)]) + (position,)
        finally:
            for column in range(MK_TEXT_COLUMNS):
                mk_free(examples.data[column])
                mk_free(examples.offsets[column])

    def batch(self, uint64_t start, size_t count, const int64_t[::1] indices, columns, size_t threads):
        """Columns by name: those of TEXT_COLUMNS, and rule, position and no_op, as far as they are asked for."""
        cdef mk_request request
        cdef mk_examples examples
        cdef int32_t[::1] rule
        cdef int64_t[::1] position
        cdef uint8_t[::1] no_op
        memset(&request, 0, sizeof(request))
        memset(&examples, 0, sizeof(examples))
        request.start = start
        request.count = count
        request.threads = threads
        if indices is not None and count:
            request.indices = &indices[0]
        made = {}
        if "rule" in columns and count:
            made["rule"] = rule = np.empty(count, np.int32)
            examples.rule = &rule[0]
        if "position" in columns and count:
            made["position"] = position = np.empty(count, np.int64)
            examples.position = &position[0]
        if "no_op" in columns and count:
            made["no_op"] = no_op = np.empty(count, np.uint8)
            examples.no_op = &no_op[0]
        for column, name in enumerate(TEXT_COLUMNS):
            if name in columns:
                request.templates[column] = &(<Template>self.templates[column]).c
        self.render(&request, &examples, Interrupts())
        result = {name: np.asarray(values) for name, values in made.items()}
        self.adopt(&examples, count, result)
        return result

    cdef int adopt(self, mk_examples *examples, Py_ssize_t count, dict result) except -1:
        cdef uint8_t *data
        cdef int64_t *offsets
        try:
            for column, name in enumerate(TEXT_COLUMNS):
                data, offsets = examples.data[column], examples.offsets[column]
                examples.data[column] = NULL
                examples.offsets[column] = NULL
                if offsets != NULL:
                    result[name] = column_adopt(data, offsets, count, self.text)
        finally:
            for column in range(MK_TEXT_COLUMNS):
                mk_free(examples.data[column])
                mk_free(examples.offsets[column])
        return 0
