# cython: autotestdict=False, auto_pickle=False
"""The boundary to templates: hands over the programs that write texts, and the example that a test makes by hand."""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy, memset

from markovlib._core cimport MK_OK, mk_free, mk_malloc, mk_memory_fail_after, mk_outcome, mk_status


def fail_allocations_after(int64_t n):
    """For tests: the allocation of this module's engine after the next n fails, and every later one; n < 0: none."""
    mk_memory_fail_after(n)


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
