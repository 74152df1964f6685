# The data set's stream, as Cython sees it.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from markovlib._core cimport mk_bool, mk_poll, mk_status
from markovlib._permute cimport mk_part, mk_permutation, mk_philox_key
from markovlib._template cimport (
    mk_certificate,
    mk_example,
    mk_example_rule,
    mk_key_kind,
    mk_letters,
    mk_templates,
    mk_text,
)


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
    ctypedef struct mk_share:
        mk_part part
        const mk_family *family
        uint64_t count
        uint64_t first
        const uint8_t *first_digits
        const uint8_t *last_digits

    mk_status mk_share_tabulate(mk_share *share)
    void mk_share_close(mk_share *share)

    ctypedef struct mk_side:
        const mk_share *share
        uint64_t offset
        uint64_t head
        const uint8_t *start_digits
        const uint8_t *before_digits

    enum:
        MK_RULES_AT_ONCE

    ctypedef struct mk_stratum:
        mk_side patterns
        mk_side replacements
        uint64_t lcm
        uint64_t reserve
        uint64_t possible
        uint32_t candidates
        const uint32_t *accepted


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
        uint32_t candidates
        const uint32_t *accepted
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

    void mk_rule_space_at(const mk_rule_space *space, uint64_t j, uint32_t candidate, mk_space_rule *rule)
    void mk_rule_space_many(const mk_rule_space *space, const uint64_t *numbers, size_t count, mk_space_rule *rules)
    size_t mk_rule_space_turn(const mk_rule_space *space, uint64_t j, uint64_t *index)
    void mk_rule_space_in(const mk_rule_space *space, size_t stratum, uint64_t index, mk_space_rule *rule)
    mk_bool mk_rule_space_holds(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length)
    mk_bool mk_rule_space_holds_other(const mk_rule_space *space, int side, const uint8_t *letters, uint32_t length,
                                      const uint16_t *codes, uint8_t *scratch)
    uint32_t mk_rule_space_widest(const mk_rule_space *space, int side)


cdef extern from "plan.h" nogil:
    ctypedef enum mk_order:
        pass

    ctypedef enum mk_word_class:
        pass

    ctypedef enum mk_task_kind:
        pass

    ctypedef enum mk_cipher_place:
        pass

    ctypedef struct mk_share_of:
        uint64_t numerator
        uint64_t denominator

    ctypedef struct mk_segment:
        const uint8_t *letters
        uint32_t letter_count
        uint32_t least
        uint32_t greatest
        mk_bool first_not_zero
        mk_bool balanced

    ctypedef struct mk_task_options:
        mk_task_kind kind
        uint64_t least_steps
        uint64_t max_steps
        size_t max_length
        mk_bool must_halt
        uint32_t plants
        const uint32_t *asked_steps
        uint32_t asked_count
        uint32_t pairs
        mk_key_kind cipher
        mk_cipher_place cipher_place
        mk_bool cipher_of_instruction
        mk_bool traced
        mk_bool certified

    ctypedef struct mk_plan:
        mk_philox_key key
        uint64_t split
        const mk_rule_space *space
        const mk_rule_space *refused
        const uint16_t *refused_codes
        const mk_example_rule *fixed
        uint32_t per_example
        uint64_t pool
        uint64_t pool_first
        uint64_t pool_tuples
        uint32_t pool_named
        uint64_t turns, rules
        uint32_t bucket
        uint32_t rule_bucket
        uint32_t variables
        mk_bool terminating
        bint cascades
        mk_share_of cascade
        uint64_t instructions
        mk_order order
        const uint64_t *popularity
        uint32_t letters
        uint64_t size
        mk_share_of no_op
        mk_share_of near_miss
        uint32_t near_miss_edits
        const uint32_t *occurrences
        uint32_t occurrence_count
        const uint64_t *fires
        uint32_t shortest
        uint32_t longest
        mk_bool exact
        mk_word_class words
        mk_bool divides
        const mk_segment *segments
        uint32_t segment_count
        mk_task_options task
        uint32_t paraphrases
        mk_bool always_divided[2]

    mk_status mk_plan_open(mk_plan *plan)
    void mk_plan_close(mk_plan *plan)
    uint64_t mk_share_before(mk_share_of share, uint64_t end)


cdef extern from "sample.h" nogil:
    ctypedef struct mk_instruction:
        const mk_example_rule *rules
        uint32_t stratum
        mk_bool undivided[2]

    ctypedef struct mk_sampler:
        pass

    mk_status mk_sampler_open(mk_sampler *sampler, const mk_plan *plan, mk_bool sequential)
    void mk_sampler_close(mk_sampler *sampler)
    mk_status mk_sampler_rule(mk_sampler *sampler, uint64_t j, mk_instruction *instruction)


cdef extern from "task.h" nogil:
    int32_t mk_example_occurrences(const mk_plan *plan, const mk_example *example)


cdef extern from "certify.h" nogil:
    mk_bool mk_certify(const mk_example_rule *rules, size_t count, uint32_t letters, mk_certificate *certificate)
    mk_bool mk_certificate_holds(const mk_certificate *certificate, const mk_example_rule *rules, size_t count,
                                 uint32_t letters)


cdef extern from "lists.h" nogil:
    enum:
        MK_LIST_RULES
        MK_LIST_TRACE
        MK_LIST_PAIRS
        MK_LISTS

    ctypedef struct mk_list:
        size_t items
        mk_text text[2]
        mk_text ends[2]
        mk_text number[2]

    void mk_list_close(mk_list *list)


cdef extern from "render.h" nogil:
    enum:
        MK_TEXT_COLUMNS

    ctypedef struct mk_request:
        mk_plan *plan
        const mk_letters *letters
        mk_templates templates[8]
        mk_bool lists[3]
        const int64_t *indices
        uint64_t start
        size_t count
        size_t threads
        mk_poll poll

    ctypedef struct mk_examples:
        uint8_t *data[8]
        int64_t *offsets[8]
        mk_list lists[3]
        int64_t *list_offsets[3]
        int32_t *rule
        int64_t *position
        int64_t *instruction
        int64_t *steps
        int32_t *stratum
        int32_t *occurrences
        int32_t *paraphrase
        uint8_t *no_op
        uint8_t *near_miss
        uint8_t *outcome
        int64_t failed
        bint ruleless

    mk_status mk_examples_render(const mk_request *request, mk_examples *examples)


cdef extern from "reader.h" nogil:
    ctypedef struct mk_reader:
        mk_example example
        mk_text text[8]
        mk_list lists[3]

    ctypedef struct mk_reader_shelf:
        pass

    mk_reader *mk_reader_take(mk_reader_shelf *shelf, const mk_plan *plan)
    void mk_reader_give(mk_reader_shelf *shelf, mk_reader *reader)
    mk_status mk_reader_read(mk_reader *reader, mk_plan *plan, const mk_letters *letters, const mk_templates *templates,
                             int texts, mk_bool lists, uint64_t index, mk_poll poll)
    void mk_reader_close(mk_reader *reader)
    void mk_reader_shelf_close(mk_reader_shelf *shelf)
