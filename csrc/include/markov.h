/* markov.h - the public interface of the Markov algorithm engine.
 *
 * A word is a sequence of bytes.  A rule set is an ordered sequence of rules (pattern, replacement, terminal).
 * A step applies one rule at one occurrence of its pattern:
 *   MK_MARKOV    the first rule, in order, whose pattern occurs, at its leftmost occurrence;
 *   MK_LEFTMOST  the smallest position at which any pattern occurs, there the earliest rule.
 * The empty pattern occurs at every position.
 *
 * Conventions of this header.  Lengths are in bytes and always explicit; nothing is NUL-terminated.  A function
 * that can fail returns an mk_status; on failure it owns nothing new.  Errors (no memory, interrupted) are statuses;
 * limits and cycles are outcomes of a run, which are values.  No function reads or writes outside the lengths it is
 * given, whatever the bytes are.  An object may be used by one thread at a time, except a compiled rule set, which is
 * never written after it is made and may be shared.
 */
#ifndef MARKOV_H
#define MARKOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef __SIZEOF_INT128__
#error "markovlib needs a 64-bit platform and a compiler with 128-bit integers (GCC or Clang)"
#endif

typedef enum {
    MK_OK = 0,
    MK_NO_MEMORY = 1,   /* an allocation failed, or a size would not fit in memory's addresses */
    MK_INTERRUPTED = 2, /* the caller's poll function asked to stop */
    MK_INVALID = 3,     /* an argument breaks the function's stated requirements */
    MK_TOO_LARGE = 4    /* a size exceeds a limit that the function states */
} mk_status;

/* ---- memory ------------------------------------------------------------------------------------------------- */

/* All memory of the engine comes from these functions.  mk_memory_fail_after(n) makes the allocation after the next
 * n fail, and every one after it, counted over all threads; a negative n switches the fault off.  For tests. */
void *mk_malloc(size_t size);
void *mk_realloc(void *block, size_t size);
void mk_free(void *block);
void mk_memory_fail_after(int64_t n);

/* Counts the bytes of the blocks that are allocated from now on, until it is switched off; mk_memory_held are those
 * that are not freed yet, mk_memory_peak the most that were held at once since.  For tests. */
void mk_memory_watch(bool on);
int64_t mk_memory_held(void);
int64_t mk_memory_peak(void);

/* ---- interruption and dispatch -------------------------------------------------------------------------------- */

/* Long work calls ask(context) every few milliseconds, on the thread that called the engine; a result other than 0
 * ends the work with MK_INTERRUPTED.  ask may be NULL. */
typedef struct {
    int (*ask)(void *context);
    void *context;
} mk_poll;

/* The vector instructions in use: "scalar", "avx2", "avx512" or "neon".  mk_simd_force chooses others (NULL: the
 * best again) for the whole process; false: this CPU does not have them, and nothing changed.  For tests. */
const char *mk_simd_name(void);
bool mk_simd_force(const char *name);

/* ---- rule sets ------------------------------------------------------------------------------------------------ */

/* n rows of bytes: row i is data[offsets[i], offsets[i + 1]).  Requires 0 <= offsets[i] <= offsets[i + 1]. */
typedef struct {
    const uint8_t *data;
    const int64_t *offsets;
    size_t count;
} mk_column;

typedef struct mk_ruleset mk_ruleset;

/* Compiles rules: row i of both columns and terminal[i] make rule i.  Copies everything.  At most 2^32 - 1 rules.
 * Time and memory O(rules + bytes): 48 bytes a rule and the bytes themselves; for at most 256 rules
 * also what short words need, 24 bytes a rule, the bytes again, and 300. */
mk_status mk_ruleset_compile(mk_column patterns, mk_column replacements, const uint8_t *terminal, mk_ruleset **out);
void mk_ruleset_free(mk_ruleset *rules);

typedef enum { MK_MARKOV = 0, MK_LEFTMOST = 1 } mk_strategy;

typedef struct {
    size_t rule;
    size_t position;
} mk_match;

/* Which rule would fire on the word, and where.  *found is false if none; else *match is set. */
mk_status mk_ruleset_find(const mk_ruleset *rules, mk_strategy strategy, const uint8_t *word, size_t length,
                          mk_poll poll, bool *found, mk_match *match);

/* counts[i]: at how many starts rule i's pattern occurs, overlapping ones included. */
mk_status mk_ruleset_count(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_poll poll,
                           uint64_t *counts);

/* Every occurrence of every pattern, rule by rule, starts rising.  *matches has *count entries and belongs to the
 * caller, who frees it with mk_free. */
mk_status mk_ruleset_find_all(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_poll poll,
                              mk_match **matches, size_t *count);

/* ---- runs ----------------------------------------------------------------------------------------------------- */

typedef enum {
    MK_RUNNING = 0, /* not an outcome: the run can go on */
    MK_TERMINAL_RULE = 1,
    MK_NO_RULE_APPLIES = 2,
    MK_STEP_LIMIT = 3,
    MK_LENGTH_LIMIT = 4,
    MK_CYCLE = 5
} mk_outcome;

#define MK_NO_LIMIT INT64_MAX

/* How the next match is looked for.  The answers are the same; MK_AUTO chooses, and changes its mind, by the word's
 * length and the work done so far.  MK_BITS needs a word of at most 64 bytes and rules that docs/engine.md states;
 * while it cannot serve, MK_SCAN does. */
typedef enum { MK_AUTO = 0, MK_BITS = 1, MK_SCAN = 2, MK_INDEX = 3 } mk_matcher;

typedef struct {
    int64_t max_steps;  /* >= 0 */
    int64_t max_length; /* in bytes, >= 0 */
    mk_strategy strategy;
    bool detect_cycles;
    mk_matcher matcher;
} mk_options;

/* A record of the steps of a run: rule and position, 12 bytes a step. */
typedef struct mk_trace mk_trace;

/* last >= 0 keeps only so many of the newest steps; last < 0 keeps all. */
mk_status mk_trace_open(int64_t last, mk_trace **out);
void mk_trace_close(mk_trace *trace);
uint64_t mk_trace_steps(const mk_trace *trace); /* recorded since the start */
uint64_t mk_trace_first(const mk_trace *trace); /* the oldest step still kept */
/* Requires mk_trace_first <= step < mk_trace_steps. */
mk_match mk_trace_get(const mk_trace *trace, uint64_t step);

typedef struct mk_run mk_run;

/* Opens a run over a copy of the word.  The rules, and the trace unless it is NULL, must outlive the run. */
mk_status mk_run_open(const mk_ruleset *rules, const uint8_t *word, size_t length, const mk_options *options,
                      mk_trace *trace, mk_run **out);
void mk_run_close(mk_run *run);

/* Takes up to n steps.  After MK_OK, mk_run_outcome is MK_RUNNING only if another step could be taken.  After
 * MK_INTERRUPTED or MK_NO_MEMORY the run stands between two steps and can be continued.
 *
 * A step costs O(L + |replacement| + log length), L the longest pattern, whatever the word's length and the number of
 * rules; the first one, and learning what that needs, O(length + pattern bytes).  Memory: at most 16 bytes a letter
 * of the longest word so far and 64 bytes a pattern byte, or 1 MB where that is more. */
mk_status mk_run_step(mk_run *run, uint64_t n, mk_poll poll);

/* The matcher in use (MK_AUTO before the first step, and where changing to one failed); and choosing another for the
 * steps to come, which MK_AUTO undoes. */
mk_matcher mk_run_matcher(const mk_run *run);
void mk_run_choose(mk_run *run, mk_matcher matcher);

mk_outcome mk_run_outcome(const mk_run *run);
uint64_t mk_run_steps(const mk_run *run);
const uint8_t *mk_run_word(mk_run *run, size_t *length); /* valid until the next mk_run_ call; NULL: no memory */
size_t mk_run_length(const mk_run *run);
void mk_run_copy(const mk_run *run, uint8_t *to); /* the word, without needing memory for it */
size_t mk_run_max_length_seen(const mk_run *run);
const uint64_t *mk_run_fired(const mk_run *run); /* one count per rule */
uint64_t mk_run_letters(const mk_run *run);      /* scanned and moved: the cost of the run without a clock */

/* Requires outcome MK_CYCLE: the first step of the loop and its period.  Replays the run. */
mk_status mk_run_cycle(const mk_run *run, mk_poll poll, uint64_t *start, uint64_t *period);

/* ---- an editable word, for replaying traces -------------------------------------------------------------------- */

typedef struct mk_replay mk_replay;

mk_status mk_replay_open(const mk_ruleset *rules, const uint8_t *word, size_t length, mk_replay **out);
void mk_replay_close(mk_replay *replay);
/* Applies the steps [from, to) of the trace, or undoes them, last first, if to < from.  The word must be the one
 * before (after) step `from`; MK_INVALID if a rule's pattern (replacement) is not where the trace says.  After a
 * failure the word is that of some step between the two: close the replay. */
mk_status mk_replay_move(mk_replay *replay, const mk_trace *trace, uint64_t from, uint64_t to, mk_poll poll);
const uint8_t *mk_replay_word(const mk_replay *replay, size_t *length);

/* ---- batches -------------------------------------------------------------------------------------------------- */

/* Rows that a batch made; every pointer belongs to the caller, who frees it with mk_free. */
typedef struct {
    uint8_t *data;
    int64_t *offsets; /* count + 1 */
} mk_rows;

typedef struct {
    mk_column words;
    const mk_ruleset *rules; /* one for all rows, or NULL: then rules row_rules[i] up to row_rules[i + 1] are row i's */
    const int64_t *row_rules;
    mk_column patterns, replacements;
    const uint8_t *terminal;
    mk_strategy strategy;
    bool detect_cycles;
    mk_matcher matcher;
    const int64_t *max_steps; /* one entry, or one per row if max_steps_per_row */
    const int64_t *max_length; /* likewise */
    bool max_steps_per_row, max_length_per_row;
    int64_t max_total; /* bytes of all results together, MK_NO_LIMIT: as many as there are */
    size_t threads;    /* at least 1; the calling thread is one of them */
} mk_batch;

typedef struct {
    mk_rows words;
    uint8_t *outcomes;
    int64_t *steps;
    int64_t *first_rule; /* of the first step, -1 if there was none */
    int64_t *first_position;
} mk_batch_result;

/* Runs every row.  The result does not depend on the number of threads.  On failure *row is the row it happened in
 * (or the number of rows, if it belongs to none).  MK_TOO_LARGE: the results are longer than max_total; the work stops
 * about as soon as that is known. */
mk_status mk_batch_run(const mk_batch *batch, mk_poll poll, mk_batch_result *result, size_t *row);
void mk_batch_result_free(mk_batch_result *result);

/* Row i: the leftmost occurrence of patterns[i] in words[i] replaced by replacements[i]; positions[i] is its start or
 * -1, positions having room for words.count entries.  A column of one row serves all rows. */
mk_status mk_rewrite_once(mk_column patterns, mk_column replacements, mk_column words, size_t threads, mk_poll poll,
                          mk_rows *out, int64_t *positions, size_t *row);

#endif
