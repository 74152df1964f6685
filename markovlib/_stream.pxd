# The data set's stream, as Cython sees it.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from markovlib._core cimport mk_bool, mk_outcome, mk_poll, mk_status


cdef extern from "philox.h" nogil:
    ctypedef struct mk_philox_key:
        uint64_t word[2]

    ctypedef struct mk_philox_block:
        uint64_t word[4]

    mk_philox_block mk_philox(mk_philox_key key, uint64_t block, uint64_t index, uint64_t split, uint64_t axis)


cdef extern from "permute.h" nogil:
    ctypedef struct mk_permutation:
        uint64_t size

    void mk_permutation_open(mk_permutation *p, mk_philox_key key, uint64_t size)
    mk_status mk_permutation_tabulate(mk_permutation *p)
    uint64_t mk_permutation_at(const mk_permutation *p, uint64_t x)
    uint64_t mk_permutation_inverse(const mk_permutation *p, uint64_t y)
    void mk_permutation_close(mk_permutation *p)


cdef extern from "space.h" nogil:
    ctypedef struct mk_part:
        uint32_t letters
        uint32_t length

    void mk_part_open(mk_part *part, mk_philox_key key, uint64_t axis, uint32_t letters, uint32_t length)
    void mk_part_permute(const mk_part *part, uint8_t *digits)
    void mk_part_permute_back(const mk_part *part, uint8_t *digits)

    ctypedef struct mk_share:
        mk_part part
        uint64_t count
        uint64_t first
        const uint8_t *first_digits
        const uint8_t *last_digits

    ctypedef struct mk_rule_space:
        mk_share patterns
        mk_share replacements
        uint64_t lcm
        uint64_t reserve
        uint64_t possible


cdef extern from "sample.h" nogil:
    ctypedef enum mk_order:
        pass

    ctypedef enum mk_word_class:
        pass

    ctypedef struct mk_instruction:
        const uint8_t *pattern
        const uint8_t *replacement
        mk_bool undivided[2]

    ctypedef struct mk_plan:
        mk_philox_key key
        uint64_t split
        mk_rule_space rules
        uint32_t letters
        uint64_t size
        uint64_t instructions
        mk_order order
        uint64_t no_op_numerator
        uint64_t no_op_denominator
        uint32_t occurrences
        uint32_t shortest
        uint32_t longest
        mk_word_class words
        mk_bool always_divided[2]

    mk_status mk_plan_open(mk_plan *plan)
    void mk_plan_close(mk_plan *plan)
    uint64_t mk_plan_no_ops(const mk_plan *plan, uint64_t end)

    ctypedef struct mk_sampler:
        pass

    mk_status mk_sampler_open(mk_sampler *sampler, const mk_plan *plan, mk_bool sequential)
    void mk_sampler_close(mk_sampler *sampler)
    mk_status mk_sampler_rule(mk_sampler *sampler, uint64_t j, mk_instruction *rule)


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


cdef extern from "render.h" nogil:
    enum:
        MK_TEXT_COLUMNS

    ctypedef struct mk_request:
        mk_plan *plan
        const mk_letters *letters
        mk_templates templates[6]
        const int64_t *indices
        uint64_t start
        size_t count
        size_t threads
        mk_poll poll

    ctypedef struct mk_examples:
        uint8_t *data[6]
        int64_t *offsets[6]
        int32_t *rule
        int64_t *position
        uint8_t *no_op
        int64_t failed

    mk_status mk_examples_render(const mk_request *request, mk_examples *examples)
