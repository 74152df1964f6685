# The engine's public header, as Cython sees it.
from libc.stdint cimport int64_t, uint8_t, uint64_t

from markovlib._columns cimport Column


cdef extern from "markov.h" nogil:
    ctypedef bint mk_bool "bool"

    ctypedef enum mk_status:
        MK_OK
        MK_NO_MEMORY
        MK_INTERRUPTED
        MK_INVALID
        MK_TOO_LARGE

    void *mk_malloc(size_t size)
    void mk_free(void *block)
    void mk_memory_fail_after(int64_t n)
    void mk_memory_watch(mk_bool on)
    int64_t mk_memory_held()
    int64_t mk_memory_peak()

    ctypedef struct mk_poll:
        int (*ask)(void *context) noexcept nogil
        void *context

    const char *mk_simd_name()
    mk_bool mk_simd_force(const char *name)

    ctypedef struct mk_column:
        const uint8_t *data
        const int64_t *offsets
        size_t count

    ctypedef struct mk_ruleset:
        pass

    mk_status mk_ruleset_compile(mk_column patterns, mk_column replacements, const uint8_t *terminal, mk_ruleset **out)
    void mk_ruleset_free(mk_ruleset *rules)

    ctypedef enum mk_strategy:
        MK_MARKOV
        MK_LEFTMOST

    ctypedef struct mk_match:
        size_t rule
        size_t position

    mk_status mk_ruleset_find(const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word, size_t length,
                              mk_poll poll, mk_bool *found, mk_match *match)
    mk_status mk_ruleset_count(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_poll poll,
                               uint64_t *counts)
    mk_status mk_ruleset_find_all(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_poll poll,
                                  mk_match **matches, size_t *count)

    ctypedef enum mk_outcome:
        MK_RUNNING
        MK_CYCLE

    int64_t MK_NO_LIMIT

    ctypedef enum mk_matcher:
        MK_AUTO

    ctypedef struct mk_options:
        int64_t max_steps
        int64_t max_length
        mk_strategy strategy
        mk_bool detect_cycles
        mk_matcher matcher

    ctypedef struct mk_trace:
        pass

    mk_status mk_trace_open(int64_t last, mk_trace **out)
    void mk_trace_close(mk_trace *trace)
    uint64_t mk_trace_steps(const mk_trace *trace)
    uint64_t mk_trace_first(const mk_trace *trace)
    mk_match mk_trace_get(const mk_trace *trace, uint64_t step)

    ctypedef struct mk_run:
        pass

    mk_status mk_run_open(const mk_ruleset *rules, const uint8_t *word, size_t length, const mk_options *options,
                          mk_trace *trace, mk_run **out)
    void mk_run_close(mk_run *run)
    mk_status mk_run_step(mk_run *run, uint64_t n, mk_poll poll)
    mk_matcher mk_run_matcher(const mk_run *run)
    void mk_run_choose(mk_run *run, mk_matcher matcher)
    mk_outcome mk_run_outcome(const mk_run *run)
    uint64_t mk_run_steps(const mk_run *run)
    size_t mk_run_length(const mk_run *run)
    void mk_run_copy(const mk_run *run, uint8_t *to)
    size_t mk_run_max_length_seen(const mk_run *run)
    const uint64_t *mk_run_fired(const mk_run *run)
    uint64_t mk_run_letters(const mk_run *run)
    mk_status mk_run_cycle(const mk_run *run, mk_poll poll, uint64_t *start, uint64_t *period)

    ctypedef struct mk_replay:
        pass

    mk_status mk_replay_open(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_replay **out)
    void mk_replay_close(mk_replay *replay)
    mk_status mk_replay_move(mk_replay *replay, const mk_trace *trace, uint64_t from_, uint64_t to, mk_poll poll)
    const uint8_t *mk_replay_word(const mk_replay *replay, size_t *length)

    ctypedef struct mk_rows:
        uint8_t *data
        int64_t *offsets

    ctypedef struct mk_batch:
        mk_column words
        const mk_ruleset *rules
        const int64_t *row_rules
        mk_column patterns
        mk_column replacements
        const uint8_t *terminal
        mk_strategy strategy
        mk_bool detect_cycles
        mk_matcher matcher
        const int64_t *max_steps
        const int64_t *max_length
        mk_bool max_steps_per_row
        mk_bool max_length_per_row
        int64_t max_total
        size_t threads

    ctypedef struct mk_batch_result:
        mk_rows words
        uint8_t *outcomes
        int64_t *steps
        int64_t *first_rule
        int64_t *first_position

    mk_status mk_batch_run(const mk_batch *batch, mk_poll poll, mk_batch_result *result, size_t *row)
    void mk_batch_result_free(mk_batch_result *result)
    mk_status mk_rewrite_once(mk_column patterns, mk_column replacements, mk_column words, size_t threads,
                              mk_poll poll, mk_rows *out, int64_t *positions, size_t *row)


# Asks Python for pending signals from within a long nogil call; what a handler raised is raised after the call.
cdef class Interrupts:
    cdef object error
    cdef int64_t next
    cdef mk_poll poll(self)
    cdef int check(self, mk_status status, object row=*) except -1


# A column as the engine takes it: valid as long as the column lives.
cdef mk_column column_view(Column column) noexcept
