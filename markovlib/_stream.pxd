# The data set's stream, as Cython sees it.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from markovlib._core cimport mk_bool, mk_poll, mk_status


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


cdef extern from "family.h" nogil:
    ctypedef struct mk_overlap:
        int32_t coefficient
        const uint32_t *first

    ctypedef struct mk_family:
        uint32_t letters
        uint32_t length
        uint32_t free
        const uint32_t *source
        const mk_overlap *overlaps
        uint32_t overlap_count
        uint32_t listed
        const uint8_t *allowed


cdef extern from "space.h" nogil:
    ctypedef struct mk_part:
        uint32_t letters
        uint32_t length

    void mk_part_open(mk_part *part, mk_philox_key key, uint64_t axis, uint64_t form, uint32_t letters,
                      uint32_t length)
    void mk_part_permute(const mk_part *part, uint8_t *digits)
    void mk_part_permute_back(const mk_part *part, uint8_t *digits)

    ctypedef struct mk_share:
        mk_part part
        const mk_family *family
        uint64_t count
        uint64_t first
        const uint8_t *first_digits
        const uint8_t *last_digits

    ctypedef struct mk_side:
        const mk_share *share
        uint64_t offset
        uint64_t head
        const uint8_t *start_digits
        const uint8_t *before_digits

    ctypedef struct mk_stratum:
        mk_side patterns
        mk_side replacements
        uint64_t lcm
        uint64_t reserve
        uint64_t possible


cdef extern from "strata.h" nogil:
    ctypedef struct mk_turn:
        pass

    ctypedef struct mk_phase:
        uint64_t start
        uint32_t period
        const mk_turn *turns
        const uint32_t *weights
        const uint64_t *bases

    ctypedef struct mk_rule_list:
        const uint8_t *letters
        const uint64_t *offsets
        size_t count
        mk_permutation order
        const uint32_t *sorted[2]

    ctypedef struct mk_rule_space:
        const mk_share *shares[2]
        size_t share_count[2]
        const mk_stratum *strata
        size_t stratum_count
        const mk_phase *phases
        size_t phase_count
        mk_rule_list list
        uint64_t possible

    ctypedef struct mk_space_rule:
        uint8_t *pattern
        uint8_t *replacement
        uint32_t pattern_length
        uint32_t replacement_length
        uint32_t stratum

    void mk_rule_space_at(const mk_rule_space *space, uint64_t j, mk_space_rule *rule)
    size_t mk_rule_space_turn(const mk_rule_space *space, uint64_t j, uint64_t *index)
    mk_bool mk_rule_space_holds(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length)
    uint32_t mk_rule_space_widest(const mk_rule_space *space, int side)


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
        const mk_rule_space *rules
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


cdef extern from "render.h" nogil:
    ctypedef struct mk_letters:
        uint32_t letters
        uint8_t bytes[256][4]
        uint8_t width[256]
        uint8_t widest
        mk_bool narrow
        mk_bool shifted

    ctypedef enum mk_piece_kind:
        MK_PIECE_LITERAL
        MK_PIECE_PATTERN
        MK_PIECE_REPLACEMENT
        MK_PIECE_WORD
        MK_PIECE_OUTPUT

    ctypedef struct mk_piece:
        mk_piece_kind kind
        const uint8_t *literal
        size_t length

    ctypedef struct mk_template:
        const mk_piece *pieces
        size_t count

    enum:
        MK_TEXT_COLUMNS

    ctypedef struct mk_request:
        mk_plan *plan
        const mk_letters *letters
        const mk_template *templates[6]
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
