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

    def __cinit__(self, key, uint64_t axis, uint32_t letters, uint32_t length):
        mk_part_open(&self.c, key_of(key), axis, letters, length)

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
cdef class Template:
    """The templates of one text column, a program of markovlib/render.py for each paraphrase."""
    cdef mk_letters letters
    cdef mk_template *choices
    cdef mk_templates c

    def __cinit__(self, programs, list letters):
        memset(&self.letters, 0, sizeof(self.letters))
        set_letters(&self.letters, letters)
        self.choices = <mk_template *>mk_malloc(len(programs) * sizeof(mk_template))
        if self.choices == NULL:
            raise MemoryError
        self.c.choices = self.choices
        for ops, literals in programs:
            self.open(ops, literals)

    cdef int open(self, list ops, bytes literals) except -1:
        cdef mk_op *c = <mk_op *>mk_malloc(len(ops) * sizeof(mk_op))
        cdef mk_status status
        if c == NULL:
            raise MemoryError
        try:
            for i, (kind, name, form, backwards, jump, at) in enumerate(ops):
                c[i] = mk_op(kind, name, form, backwards, jump, at)
            status = mk_template_open(&self.choices[self.c.count], c, len(ops),
                                      <const uint8_t *>PyBytes_AS_STRING(literals), len(literals), &self.letters)
            if status != MK_OK:
                raise MemoryError
            self.c.count += 1
        finally:
            mk_free(c)
        return 0

    def __dealloc__(self):
        for i in range(self.c.count):
            mk_template_close(&self.choices[i])
        mk_free(self.choices)

    def write(self, dict fields, size_t paraphrase=0):
        """The bytes of one example, its fields as in csrc/example.h and its strings as codes.

        `rules` is a list of (pattern, replacement, terminal), `trace` of (rule, position, word), `pairs` of (word,
        output); `key` is None, a shift or bytes; `certificate` None or (kind, the value of every letter).
        """
        if paraphrase >= self.c.count:
            raise IndexError(paraphrase)
        cdef Fields example = Fields(fields)
        cdef mk_text text = mk_text(NULL, 0, 0)
        cdef mk_status status = mk_template_write(&self.choices[paraphrase], &self.letters, &example.c, &text)
        try:
            if status != MK_OK:
                raise MemoryError
            return PyBytes_FromStringAndSize(<const char *>text.data, text.used)
        finally:
            mk_free(text.data)


@cython.final
@cython.internal
cdef class Fields:
    """An example made from Python's values, all of which it owns."""
    cdef mk_example c
    cdef list kept

    cdef void *room(self, size_t size) except NULL:
        memory = bytearray(size + 1)
        self.kept.append(memory)
        return PyByteArray_AS_STRING(memory)

    cdef const uint8_t *string(self, bytes codes) except NULL:
        cdef char *room = <char *>self.room(len(codes) + MK_READ_SLACK)
        memcpy(room, PyBytes_AS_STRING(codes), len(codes))
        return <const uint8_t *>room

    def __cinit__(self, dict fields):
        memset(&self.c, 0, sizeof(self.c))
        self.kept = []
        self.c.index = fields["index"]
        self.c.no_op, self.c.near_miss = fields["no_op"], fields["near_miss"]
        self.c.word, self.c.length = self.string(fields["word"]), len(fields["word"])
        self.c.output, self.c.output_length = self.string(fields["output"]), len(fields["output"])
        self.c.rule, self.c.position, self.c.steps = fields["rule"], fields["position"], fields["steps"]
        self.c.outcome = <mk_outcome><int>fields["outcome"]
        self.take_rules(fields["rules"])
        self.take_trace(fields["trace"])
        self.take_pairs(fields["pairs"])
        self.take_key(fields["key"])
        if fields["certificate"] is not None:
            kind, values = fields["certificate"]
            self.c.certificate.kind = <mk_certificate_kind><int>kind
            for i, value in enumerate(values):
                self.c.certificate.value[i] = value

    cdef int take_rules(self, list rules) except -1:
        cdef mk_example_rule *c = <mk_example_rule *>self.room(len(rules) * sizeof(mk_example_rule))
        for i, (pattern, replacement, terminal) in enumerate(rules):
            c[i] = mk_example_rule(self.string(pattern), self.string(replacement), len(pattern), len(replacement),
                                   terminal)
        self.c.rules, self.c.rule_count = c, len(rules)
        return 0

    cdef int take_trace(self, list trace) except -1:
        cdef mk_example_step *c = <mk_example_step *>self.room(len(trace) * sizeof(mk_example_step))
        for i, (rule, position, word) in enumerate(trace):
            c[i] = mk_example_step(rule, len(word), position, self.string(word))
        self.c.trace, self.c.trace_count = c, len(trace)
        return 0

    cdef int take_pairs(self, list pairs) except -1:
        cdef mk_example_pair *c = <mk_example_pair *>self.room(len(pairs) * sizeof(mk_example_pair))
        for i, (word, output) in enumerate(pairs):
            c[i] = mk_example_pair(self.string(word), self.string(output), len(word), len(output))
        self.c.pairs, self.c.pair_count = c, len(pairs)
        return 0

    cdef int take_key(self, key) except -1:
        if isinstance(key, bytes):
            self.c.key.kind = MK_KEY_SUBSTITUTION
            memcpy(self.c.key.letter, PyBytes_AS_STRING(key), len(key))
        elif key is not None:
            self.c.key.kind, self.c.key.shift = MK_KEY_SHIFT, key
        return 0


@cython.final
cdef class Plan:
    """What a data set is, compiled; never written after it is made (but for a cache), so that threads may share it."""
    cdef mk_plan c
    cdef mk_letters letters
    cdef bint opened
    cdef readonly bint text
    cdef object digits                  # keeps the shares' bytes
    cdef list templates

    def __cinit__(self, *, key, split, list letters, bint text, patterns, replacements, pairing, size, instructions,
                  int order, no_op, occurrences, lengths, int words, prompt, completion, fields):
        memset(&self.c, 0, sizeof(self.c))
        memset(&self.letters, 0, sizeof(self.letters))
        self.text = text
        set_letters(&self.letters, letters)
        self.c.key = key_of(key)
        self.c.split = split
        self.c.letters = len(letters)
        self.digits = (patterns, replacements)
        self.set_share(&self.c.rules.patterns, 1, patterns)
        self.set_share(&self.c.rules.replacements, 2, replacements)
        self.c.rules.lcm, self.c.rules.reserve, self.c.rules.possible = pairing
        self.c.size = <uint64_t>-1 if size is None else size
        self.c.instructions = instructions
        self.c.order = <mk_order>order
        self.c.no_op_numerator, self.c.no_op_denominator = no_op
        self.c.occurrences = occurrences
        self.c.shortest, self.c.longest = lengths
        self.c.words = <mk_word_class>words
        self.templates = [Template(programs, letters) for programs in (prompt, completion, *fields)]
        if mk_plan_open(&self.c) != MK_OK:
            raise MemoryError("not enough memory for the data set")
        self.opened = True

    def __dealloc__(self):
        if self.opened:
            mk_plan_close(&self.c)

    cdef int set_share(self, mk_share *share, uint64_t axis, values) except -1:
        length, share.count, share.first, first_digits, last_digits = values
        mk_part_open(&share.part, self.c.key, axis, self.c.letters, length)
        share.first_digits = <const uint8_t *>PyBytes_AS_STRING(first_digits)
        share.last_digits = <const uint8_t *>PyBytes_AS_STRING(last_digits)
        return 0

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
            pattern = rule.pattern[: self.c.rules.patterns.part.length]
            replacement = rule.replacement[: self.c.rules.replacements.part.length]
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
            request.templates[column] = (<Template>self.templates[column]).c
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
                request.templates[column] = (<Template>self.templates[column]).c
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
