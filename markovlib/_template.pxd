# Examples and the templates of their texts, as Cython sees them.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from markovlib._core cimport mk_bool, mk_outcome, mk_status


cdef extern from "example.h" nogil:
    enum:
        MK_READ_SLACK

    ctypedef struct mk_example_rule:
        const uint8_t *pattern
        const uint8_t *replacement
        uint32_t pattern_length
        uint32_t replacement_length
        mk_bool terminal

    ctypedef struct mk_example_step:
        uint32_t rule
        uint32_t length
        int64_t position
        const uint8_t *word

    ctypedef struct mk_example_pair:
        const uint8_t *word
        const uint8_t *output
        uint32_t length
        uint32_t output_length

    ctypedef enum mk_certificate_kind:
        pass

    ctypedef struct mk_certificate:
        mk_certificate_kind kind
        uint16_t value[256]

    ctypedef enum mk_key_kind:
        MK_KEY_SHIFT
        MK_KEY_SUBSTITUTION

    ctypedef struct mk_key:
        mk_key_kind kind
        uint32_t shift
        uint8_t letter[256]

    ctypedef struct mk_example:
        uint64_t index
        uint64_t number
        uint32_t stratum
        uint32_t paraphrase
        const mk_example_rule *rules
        size_t rule_count
        mk_bool no_op
        mk_bool near_miss
        const uint8_t *word
        const uint8_t *output
        size_t length
        size_t output_length
        int32_t rule
        int64_t position
        uint64_t steps
        mk_outcome outcome
        const mk_example_step *trace
        size_t trace_count
        const mk_example_pair *pairs
        size_t pair_count
        mk_key key
        mk_certificate certificate


cdef extern from "template.h" nogil:
    ctypedef struct mk_letters:
        uint32_t letters
        uint8_t bytes[256][4]
        uint8_t width[256]
        uint8_t widest
        mk_bool narrow
        mk_bool shifted

    ctypedef struct mk_text:
        uint8_t *data
        size_t used
        size_t capacity

    ctypedef struct mk_op:
        uint8_t kind
        uint8_t name
        uint8_t form
        mk_bool reversed
        uint32_t jump
        size_t at

    ctypedef struct mk_template:
        pass

    ctypedef struct mk_templates:
        const mk_template *choices
        uint32_t count

    mk_status mk_template_open(mk_template *template, const mk_op *ops, size_t count, const uint8_t *literals,
                               size_t literal_bytes, const mk_letters *letters)
    void mk_template_close(mk_template *template)
    mk_status mk_template_write(const mk_template *template, const mk_letters *letters, const mk_example *example,
                                mk_text *out)


cdef int set_letters(mk_letters *c, list letters) except -1


cdef class Template:
    cdef mk_letters letters
    cdef mk_template *choices
    cdef mk_templates c
    cdef int open(self, list ops, bytes literals) except -1
