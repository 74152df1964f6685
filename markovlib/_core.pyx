# cython: autotestdict=False, auto_pickle=False
"""The boundary to the C engine: takes buffers, makes one call without the GIL, maps the status."""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.number cimport PyIndex_Check
from libc.stdint cimport INT64_MAX
from libc.string cimport memcpy
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from markovlib._columns cimport Column, column_adopt

import numpy as np

from markovlib.outcome import OUTCOMES as _OUTCOMES

cdef extern from *:
    """
    static inline int mk_flag_take(int *flag) { return !__atomic_exchange_n(flag, 1, __ATOMIC_ACQUIRE); }
    static inline void mk_flag_give(int *flag) { __atomic_store_n(flag, 0, __ATOMIC_RELEASE); }
    """
    bint mk_flag_take(int *flag) nogil
    void mk_flag_give(int *flag) nogil

cdef int64_t SIGNAL_INTERVAL_NS = 20_000_000
cdef tuple outcomes = _OUTCOMES


cdef int64_t now_ns() noexcept nogil:
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return <int64_t>time.tv_sec * 1_000_000_000 + time.tv_nsec


cdef int ask_python(void *context) noexcept nogil:
    """At most fifty times a second takes the GIL, which other threads may hold, and lets signal handlers run."""
    cdef int64_t now = now_ns()
    if now < (<Interrupts>context).next:
        return 0
    with gil:
        interrupts = <Interrupts>context
        interrupts.next = now + SIGNAL_INTERVAL_NS
        try:
            PyErr_CheckSignals()
        except BaseException as error:
            interrupts.error = error
            return 1
    return 0


@cython.final
@cython.freelist(8)
cdef class Interrupts:
    def __cinit__(self):
        self.next = now_ns() + SIGNAL_INTERVAL_NS

    cdef mk_poll poll(self):
        cdef mk_poll made
        made.ask = ask_python
        made.context = <void *>self
        return made

    cdef int check(self, mk_status status, object row=None) except -1:
        if status == MK_OK:
            return 0
        if status == MK_INTERRUPTED:
            raise self.error if self.error is not None else KeyboardInterrupt()
        if status == MK_NO_MEMORY:
            raise MemoryError("not enough memory" if row is None else f"row {row}: not enough memory")
        raise ValueError("the trace does not belong to this rule set and word")


cdef mk_column column_view(Column column) noexcept:
    cdef mk_column view
    view.data = column.data
    view.offsets = column.offsets
    view.count = <size_t>column.length
    return view


cdef mk_strategy strategy_of(object strategy) except *:
    if isinstance(strategy, str):
        if strategy == "markov":
            return MK_MARKOV
        if strategy == "leftmost":
            return MK_LEFTMOST
    raise ValueError(f"strategy must be 'markov' or 'leftmost', got {strategy!r}")


MATCHERS = ("auto", "bits", "scan", "index")


cdef mk_matcher matcher_of(object matcher) except *:
    cdef int number = 0
    for name in <tuple>MATCHERS:
        if isinstance(matcher, str) and name == matcher:
            return <mk_matcher>number
        number += 1
    raise ValueError(f"matcher must be 'auto', 'bits', 'scan' or 'index', got {matcher!r}")


def check_matcher(matcher):
    """Raises ValueError for a matcher that does not exist."""
    matcher_of(matcher)


cpdef int64_t limit_of(object limit, str name, int64_t least=0) except -1:
    """What an argument of that name limits: its value, from `least` on, or the greatest int64 for None or beyond."""
    cdef int overflow = 0
    if limit is None:
        return INT64_MAX
    if not PyIndex_Check(limit) or isinstance(limit, bool):
        raise TypeError(f"{name} must be an int or None, not {type(limit).__name__}")
    cdef int64_t value = PyLong_AsLongLongAndOverflow(limit, &overflow)
    if overflow > 0:
        return INT64_MAX
    if overflow < 0 or value < least:
        raise ValueError(f"{name} must be at least {least} or None, got {limit}")
    return value


cdef mk_options options_of(object max_steps, object max_length, object detect_cycles,
                           object strategy, object matcher) except *:
    cdef mk_options options
    options.max_steps = limit_of(max_steps, "max_steps")
    options.max_length = limit_of(max_length, "max_length")
    options.detect_cycles = bool(detect_cycles)
    options.strategy = strategy_of(strategy)
    options.matcher = matcher_of(matcher)
    return options


cdef bytes word_of(const mk_run *run):
    word = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>mk_run_length(run))
    mk_run_copy(run, <uint8_t *>PyBytes_AS_STRING(word))
    return word


@cython.final
cdef class Compiled:
    """A compiled rule set; never written after it is made, so that threads may share it."""
    cdef mk_ruleset *c
    cdef readonly Py_ssize_t count

    def __cinit__(self, Column patterns, Column replacements, const uint8_t[::1] terminal):
        if not patterns.length == replacements.length == terminal.shape[0]:
            raise ValueError("patterns, replacements and terminal must have the same length")
        self.count = patterns.length
        cdef const uint8_t *flags = &terminal[0] if self.count else NULL
        cdef mk_column p = column_view(patterns), r = column_view(replacements)
        cdef mk_status status
        with nogil:
            status = mk_ruleset_compile(p, r, flags, &self.c)
        if status == MK_INVALID:
            raise ValueError("a rule set has at most 4294967295 rules")
        Interrupts().check(status)

    def __dealloc__(self):
        mk_ruleset_free(self.c)

    def run(self, bytes word not None, bint text, max_steps, max_length, detect_cycles, strategy, matcher):
        """A whole run at once: word (str for text), outcome, steps, cycle, counts per rule (bytes of int64) and
        longest length."""
        cdef mk_options options = options_of(max_steps, max_length, detect_cycles, strategy, matcher)
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef mk_run *made = NULL
        cdef mk_status status
        cdef uint64_t start = 0, period = 0
        cdef size_t length = <size_t>PyBytes_GET_SIZE(word)
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(word)
        with nogil:
            status = mk_run_open(self.c, data, length, &options, NULL, &made)
            if status == MK_OK:
                status = mk_run_step(made, <uint64_t>-1, poll)
            if status == MK_OK and mk_run_outcome(made) == MK_CYCLE:
                status = mk_run_cycle(made, poll, &start, &period)
        try:
            interrupts.check(status)
            return (
                word_of(made).decode("utf-8") if text else word_of(made),
                outcomes[<int>mk_run_outcome(made)],
                mk_run_steps(made),
                (start, period) if mk_run_outcome(made) == MK_CYCLE else None,
                PyBytes_FromStringAndSize(<const char *>mk_run_fired(made), self.count * <Py_ssize_t>sizeof(int64_t)),
                mk_run_max_length_seen(made),
            )
        finally:
            mk_run_close(made)

    def find(self, const uint8_t[::1] word, strategy):
        """(rule, byte position) or None."""
        cdef mk_strategy how = strategy_of(strategy)
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef mk_bool found = False
        cdef mk_match match
        cdef mk_status status
        cdef size_t length = <size_t>word.shape[0]
        cdef const uint8_t *data = &word[0] if length else NULL
        with nogil:
            status = mk_ruleset_find(self.c, how, data, length, poll, &found, &match)
        interrupts.check(status)
        return (match.rule, match.position) if found else None

    def count_matches(self, const uint8_t[::1] word):
        """Occurrences per rule: int64 array, shape (rules,)."""
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        counts = np.zeros(self.count, np.uint64)
        cdef uint64_t[::1] room = counts
        cdef uint64_t *to = &room[0] if self.count else NULL
        cdef mk_status status
        cdef size_t length = <size_t>word.shape[0]
        cdef const uint8_t *data = &word[0] if length else NULL
        with nogil:
            status = mk_ruleset_count(self.c, data, length, poll, to)
        interrupts.check(status)
        return counts.view(np.int64)

    def find_all(self, const uint8_t[::1] word):
        """Rules and byte positions of every occurrence: int64 array, shape (matches, 2)."""
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef mk_match *matches = NULL
        cdef size_t count = 0, i
        cdef mk_status status
        cdef size_t length = <size_t>word.shape[0]
        cdef const uint8_t *data = &word[0] if length else NULL
        with nogil:
            status = mk_ruleset_find_all(self.c, data, length, poll, &matches, &count)
        interrupts.check(status)
        try:
            pairs = np.empty((count, 2), np.int64)
            fill_pairs(pairs, matches, count)
        finally:
            mk_free(matches)
        return pairs


cdef void fill_pairs(int64_t[:, ::1] pairs, const mk_match *matches, size_t count):
    cdef size_t i
    for i in range(count):
        pairs[i, 0] = <int64_t>matches[i].rule
        pairs[i, 1] = <int64_t>matches[i].position


@cython.final
cdef class TraceLog:
    """The steps of a run, 12 bytes each.  Read-only once the run is over, but for the run that writes it."""
    cdef mk_trace *c

    def __cinit__(self, last=None):
        cdef int64_t slots = -1 if last is None else limit_of(last, "last")
        Interrupts().check(mk_trace_open(slots, &self.c))

    def __dealloc__(self):
        mk_trace_close(self.c)

    @property
    def steps(self):
        return mk_trace_steps(self.c)

    @property
    def first(self):
        return mk_trace_first(self.c)

    def get(self, uint64_t step):
        """(rule, byte position) of a step that is kept."""
        if not mk_trace_first(self.c) <= step < mk_trace_steps(self.c):
            raise IndexError(f"step {step} is not kept")
        cdef mk_match match = mk_trace_get(self.c, step)
        return match.rule, match.position

    def arrays(self):
        """Copies: rules uint32 and byte positions int64, one entry per kept step, oldest first."""
        cdef uint64_t first = mk_trace_first(self.c), i
        cdef Py_ssize_t count = <Py_ssize_t>(mk_trace_steps(self.c) - first)
        rules, positions = np.empty(count, np.uint32), np.empty(count, np.int64)
        cdef unsigned int[::1] r = rules
        cdef int64_t[::1] p = positions
        cdef mk_match match
        for i in range(<uint64_t>count):
            match = mk_trace_get(self.c, first + i)
            r[i] = <unsigned int>match.rule
            p[i] = <int64_t>match.position
        return rules, positions


@cython.final
cdef class Run:
    """A run in progress.  One thread at a time: a second one meanwhile gets a RuntimeError."""
    cdef mk_run *c
    cdef int taken
    cdef Compiled rules
    cdef readonly TraceLog log

    def __cinit__(self, Compiled rules not None, const uint8_t[::1] word, TraceLog log, max_steps, max_length,
                  detect_cycles, strategy, matcher):
        cdef mk_options options = options_of(max_steps, max_length, detect_cycles, strategy, matcher)
        self.rules = rules
        self.log = log
        cdef mk_trace *trace = log.c if log is not None else NULL
        cdef mk_status status
        cdef size_t length = <size_t>word.shape[0]
        cdef const uint8_t *data = &word[0] if length else NULL
        with nogil:
            status = mk_run_open(rules.c, data, length, &options, trace, &self.c)
        Interrupts().check(status)

    def __dealloc__(self):
        mk_run_close(self.c)

    def step(self, n=None):
        """Up to n steps (None: to the end); gives how many were taken."""
        cdef uint64_t limit = <uint64_t>limit_of(n, "n")
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef mk_status status
        self.take()
        cdef uint64_t before = mk_run_steps(self.c)
        with nogil:
            status = mk_run_step(self.c, limit, poll)
        cdef uint64_t after = mk_run_steps(self.c)
        mk_flag_give(&self.taken)
        interrupts.check(status)
        return after - before

    cdef int take(self) except -1:
        if not mk_flag_take(&self.taken):
            raise RuntimeError("another thread is stepping this run")
        return 0

    @property
    def word(self):
        self.take()
        try:
            return word_of(self.c)
        finally:
            mk_flag_give(&self.taken)

    @property
    def outcome(self):
        return <int>mk_run_outcome(self.c)

    @property
    def steps(self):
        return mk_run_steps(self.c)

    @property
    def max_length_seen(self):
        return mk_run_max_length_seen(self.c)

    @property
    def matcher(self):
        """The name of the matcher in use."""
        return MATCHERS[<int>mk_run_matcher(self.c)]

    @matcher.setter
    def matcher(self, name):
        cdef mk_matcher chosen = matcher_of(name)
        self.take()
        mk_run_choose(self.c, chosen)
        mk_flag_give(&self.taken)

    @property
    def letters(self):
        """Letters scanned and moved so far."""
        return mk_run_letters(self.c)

    @property
    def fired(self):
        """Steps per rule, as the bytes of int64 numbers."""
        cdef const char *counts = <const char *>mk_run_fired(self.c)
        return PyBytes_FromStringAndSize(counts, self.rules.count * <Py_ssize_t>sizeof(int64_t))

    def cycle(self):
        """(start, period), or None if the run did not end in a cycle."""
        if mk_run_outcome(self.c) != MK_CYCLE:
            return None
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef uint64_t start = 0, period = 0
        cdef mk_status status
        with nogil:
            status = mk_run_cycle(self.c, poll, &start, &period)
        interrupts.check(status)
        return start, period


@cython.final
cdef class Replay:
    """A word that steps forwards and backwards along a trace.  One thread at a time."""
    cdef mk_replay *c
    cdef Compiled rules

    def __cinit__(self, Compiled rules, const uint8_t[::1] word):
        self.rules = rules
        cdef mk_status status
        cdef size_t length = <size_t>word.shape[0]
        cdef const uint8_t *data = &word[0] if length else NULL
        with nogil:
            status = mk_replay_open(rules.c, data, length, &self.c)
        Interrupts().check(status)

    def __dealloc__(self):
        mk_replay_close(self.c)

    def move(self, TraceLog log, uint64_t from_step, uint64_t to_step):
        """From the word before step `from_step` to the word before step `to_step`."""
        cdef uint64_t first = mk_trace_first(log.c), end = mk_trace_steps(log.c)
        if not (first <= from_step <= end and first <= to_step <= end):
            raise IndexError("step is not kept")
        cdef Interrupts interrupts = Interrupts()
        cdef mk_poll poll = interrupts.poll()
        cdef mk_status status
        with nogil:
            status = mk_replay_move(self.c, log.c, from_step, to_step, poll)
        interrupts.check(status)

    @property
    def word(self):
        cdef size_t length
        cdef const uint8_t *data = mk_replay_word(self.c, &length)
        return PyBytes_FromStringAndSize(<const char *>data, <Py_ssize_t>length)


cdef object adopt_array(void *block, Py_ssize_t count, object dtype):
    """An array over a copy of the block.  (Copying 8 bytes a row costs less than a row does.)"""
    array = np.empty(count, dtype)
    cdef uint8_t[::1] room = array.view(np.uint8)
    if count:
        memcpy(&room[0], block, <size_t>room.shape[0])
    return array


cdef int64_t[::1] limits_of(object limits, Py_ssize_t rows, str name):
    """One int64 entry for all rows or one per row; None is no limit."""
    if limits is None or not hasattr(limits, "__len__"):
        return np.array([limit_of(limits, name)], np.int64)
    given = np.array(limits)  # a copy: nobody else writes into it after it is checked
    if given.dtype.kind not in "iu" and given.size:
        raise TypeError(f"{name} must be an int, None, or an integer array of shape ({rows},), not "
                        + (f"an array of {given.dtype}" if given.shape else type(limits).__name__))
    if given.shape != (rows,):
        raise ValueError(f"{name} must be an int, None, or an integer array of shape ({rows},), not {given.shape}")
    if given.dtype == np.uint64:
        given = np.minimum(given, np.uint64(INT64_MAX))
    if rows and given.min() < 0:
        raise ValueError(f"{name} must be at least 0 in every row")
    return np.ascontiguousarray(given, np.int64)


def run_batch(Column words, Compiled rules, row_rules, Column patterns, Column replacements,
              terminal, max_steps, max_length, max_total, detect_cycles, strategy, matcher, Py_ssize_t threads):
    """Runs every row; either `rules` serves all, or row_rules (int64, rows + 1) cuts the rule columns into rows.

    Gives words (Column), outcomes (uint8), steps, first_rule and first_position (int64, -1: no step).
    """
    cdef Py_ssize_t rows = words.length
    cdef mk_batch batch
    cdef const int64_t[::1] cuts
    cdef const uint8_t[::1] flags
    cdef const int64_t[::1] steps_limit = limits_of(max_steps, rows, "max_steps")
    cdef const int64_t[::1] length_limit = limits_of(max_length, rows, "max_length")
    batch.words = column_view(words)
    batch.rules = NULL
    if rules is not None:
        batch.rules = rules.c
    else:
        cuts = check_cuts(row_rules, rows, patterns, replacements, terminal)
        flags = terminal
        batch.row_rules = &cuts[0]
        batch.patterns = column_view(patterns)
        batch.replacements = column_view(replacements)
        batch.terminal = &flags[0] if flags.shape[0] else NULL
    batch.strategy = strategy_of(strategy)
    batch.detect_cycles = bool(detect_cycles)
    batch.matcher = matcher_of(matcher)
    batch.max_steps = &steps_limit[0] if steps_limit.shape[0] else NULL
    batch.max_length = &length_limit[0] if length_limit.shape[0] else NULL
    batch.max_steps_per_row = hasattr(max_steps, "__len__")
    batch.max_length_per_row = hasattr(max_length, "__len__")
    batch.max_total = limit_of(max_total, "max_total")
    batch.threads = <size_t>max(threads, 1)

    cdef Interrupts interrupts = Interrupts()
    cdef mk_poll poll = interrupts.poll()
    cdef mk_batch_result result
    cdef size_t row = 0
    cdef mk_status status
    with nogil:
        status = mk_batch_run(&batch, poll, &result, &row)
    if status == MK_TOO_LARGE:
        raise MemoryError(f"the results are longer than max_total={max_total} bytes; raise max_total, lower "
                          "max_length, or give fewer words at a time")
    interrupts.check(status, row if row < <size_t>rows else None)
    try:
        arrays = (
            adopt_array(result.outcomes, rows, np.uint8),
            adopt_array(result.steps, rows, np.int64),
            adopt_array(result.first_rule, rows, np.int64),
            adopt_array(result.first_position, rows, np.int64),
        )
        column = take_rows(&result.words, rows, words.text)
    finally:
        mk_batch_result_free(&result)
    return (column, *arrays)


cdef Column take_rows(mk_rows *rows, Py_ssize_t count, bint text):
    """A column that owns the rows, which are left empty."""
    cdef uint8_t *data = rows.data
    cdef int64_t *offsets = rows.offsets
    rows.data = NULL
    rows.offsets = NULL
    return column_adopt(data, offsets, count, text)


cdef const int64_t[::1] check_cuts(object row_rules, Py_ssize_t rows, Column patterns, Column replacements,
                                   object terminal):
    cuts = np.ascontiguousarray(row_rules, np.int64)
    rules = patterns.length
    if not rules == replacements.length == len(terminal):
        raise ValueError("patterns, replacements and terminal must have the same length")
    if cuts.shape != (rows + 1,) or cuts[0] < 0 or cuts[rows] > rules or (cuts[1:] < cuts[:rows]).any():
        raise ValueError("row_rules must rise from 0 to the number of rules, one more entry than there are words")
    return cuts


def rewrite_once(Column patterns, Column replacements, Column words, Py_ssize_t threads):
    """One step of one rule per row: words (Column) and byte positions (int64, -1: no occurrence)."""
    cdef Py_ssize_t count = words.length
    for name, column in (("patterns", patterns), ("replacements", replacements)):
        if len(column) != count and len(column) != 1:
            raise ValueError(f"{name} has {len(column)} rows, words has {count}")
    positions = np.empty(count, np.int64)
    cdef int64_t[::1] room = positions
    cdef int64_t *to = &room[0] if count else NULL
    cdef mk_column p = column_view(patterns), r = column_view(replacements), w = column_view(words)
    cdef mk_rows rows
    cdef size_t row = 0, workers = <size_t>max(threads, 1)
    cdef Interrupts interrupts = Interrupts()
    cdef mk_poll poll = interrupts.poll()
    cdef mk_status status
    with nogil:
        status = mk_rewrite_once(p, r, w, workers, poll, &rows, to, &row)
    interrupts.check(status, row if row < <size_t>count else None)
    return take_rows(&rows, count, words.text), positions


def simd_name():
    """The vector instructions in use."""
    return mk_simd_name().decode()


def simd_force(name):
    """Chooses vector instructions for the whole process (None: the best); False if this CPU lacks them.  For tests."""
    if name is None:
        return mk_simd_force(NULL)
    cdef bytes encoded = name.encode()
    return mk_simd_force(encoded)


def fail_allocations_after(int64_t n):
    """Lets the engine's allocations fail after the next n; a negative n ends that.  For tests."""
    mk_memory_fail_after(n)


def watch_memory(on):
    """Begins, or ends, to count the bytes that the engine holds.  For tests."""
    mk_memory_watch(bool(on))


def memory_peak():
    """The most bytes held at once since `watch_memory(True)`."""
    return mk_memory_peak()
