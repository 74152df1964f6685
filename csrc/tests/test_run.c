/* Runs against the oracle, over every matcher: every rule set of one and two rules over two letters with sides up to
 * length 2, every word up to length 4, both strategies, every step at which the matcher can be changed; every
 * allocation made to fail; and runs that are interrupted. */
#include "check.h"
#include "oracle.h"

enum { STEPS = 20, LENGTH = 12, MATCHERS = 4 };

static const mk_poll no_poll = {NULL, NULL};

static oracle_word word_of(const char *text)
{
    return (oracle_word){(uint8_t *)(uintptr_t)text, strlen(text)};
}

static oracle_rule make_rule(const char *pattern, const char *replacement, bool terminal)
{
    return (oracle_rule){
        (const uint8_t *)pattern, (const uint8_t *)replacement, strlen(pattern), strlen(replacement), terminal,
    };
}

static mk_status compile(const oracle_rule *rules, size_t n, mk_ruleset **out)
{
    uint8_t patterns[64], replacements[64], terminal[8];
    int64_t p[9] = {0}, r[9] = {0};
    for (size_t i = 0; i < n; i++) {
        memcpy(patterns + p[i], rules[i].pattern, rules[i].pattern_length);
        memcpy(replacements + r[i], rules[i].replacement, rules[i].replacement_length);
        p[i + 1] = p[i] + (int64_t)rules[i].pattern_length;
        r[i + 1] = r[i] + (int64_t)rules[i].replacement_length;
        terminal[i] = rules[i].terminal;
    }
    return mk_ruleset_compile((mk_column){patterns, p, n}, (mk_column){replacements, r, n}, terminal, out);
}

/* ---- interruption ------------------------------------------------------------------------------------------------ */

enum { LONG_SIDE = 1000, STOPS = 4 };

static int stop(void *context)
{
    ++*(int *)context;
    return 1;
}

/* x becomes cc...c, which becomes x, for ever.  Whatever the run is at when the poll says stop, it does, and goes on
 * when it is asked to. */
static void interrupted(size_t side, mk_matcher matcher, uint64_t most_steps)
{
    uint8_t letters[LONG_SIDE + 1];
    const int64_t short_first[] = {0, 1, (int64_t)side + 1}, long_first[] = {0, (int64_t)side, (int64_t)side + 1};
    memset(letters, 'c', sizeof letters);
    letters[0] = 'x';
    uint8_t replacements[LONG_SIDE + 1], terminal[2] = {0};
    memset(replacements, 'c', sizeof replacements);
    replacements[side] = 'x';
    mk_ruleset *rules;
    CHECK(mk_ruleset_compile((mk_column){letters, short_first, 2}, (mk_column){replacements, long_first, 2}, terminal,
                             &rules) == MK_OK);
    mk_options options = {MK_NO_LIMIT, MK_NO_LIMIT, MK_MARKOV, false, matcher};
    mk_run *run;
    CHECK(mk_run_open(rules, letters, 1, &options, NULL, &run) == MK_OK);
    CHECK(mk_run_step(run, 1, no_poll) == MK_OK && mk_run_matcher(run) == matcher);
    for (int asked = 0, stops = 1; stops <= STOPS; stops++) {
        CHECK(mk_run_step(run, most_steps, (mk_poll){stop, &asked}) == MK_INTERRUPTED);
        CHECK(asked == stops && mk_run_outcome(run) == MK_RUNNING);
        CHECK(mk_run_length(run) == (mk_run_steps(run) % 2 ? side : 1));
    }
    mk_run_close(run);
    mk_ruleset_free(rules);
}

/* The pattern occurs at every place: what is found is asked about too, not only what is read. */
static void interrupted_count(const char *pattern, size_t n)
{
    uint8_t *word = malloc(n);
    memset(word, 'a', n);
    mk_ruleset *rules;
    oracle_rule rule = make_rule(pattern, "", false);
    CHECK(compile(&rule, 1, &rules) == MK_OK);
    int asked = 0;
    uint64_t count;
    mk_match *matches;
    size_t found;
    CHECK(mk_ruleset_count(rules, word, n, (mk_poll){stop, &asked}, &count) == MK_INTERRUPTED);
    CHECK(asked == 1 && count < n / 2);
    CHECK(mk_ruleset_find_all(rules, word, n, (mk_poll){stop, &asked}, &matches, &found) == MK_INTERRUPTED);
    CHECK(asked == 2);
    mk_ruleset_free(rules);
    free(word);
}

static void interruptions(void)
{
    interrupted_count("a", (size_t)1 << 20);
    interrupted_count("", (size_t)1 << 20);
    interrupted(30, MK_BITS, 2000000);
    interrupted(LONG_SIDE, MK_SCAN, 20000);
    interrupted(LONG_SIDE, MK_INDEX, 20000);
}

/* ---- small scope, completely ---------------------------------------------------------------------------------- */

typedef struct {
    const oracle_rule *rules;
    size_t count;
    const mk_ruleset *compiled;
    const char *word;
    mk_strategy strategy;
    bool detect_cycles; /* if not, a run may take several steps at once */
} program;

static oracle solve(const program *p)
{
    mk_options options = {STEPS, LENGTH, p->strategy, p->detect_cycles, MK_AUTO};
    oracle o = oracle_open(p->rules, p->count, word_of(p->word), &options);
    mk_match next;
    while (oracle_look(&o, &next))
        oracle_apply(&o, next);
    return o;
}

/* The run begins with one matcher; before step `change` it is given another. */
static void compare(const program *p, const oracle *expected, mk_matcher first, uint64_t change, mk_matcher then)
{
    mk_options options = {STEPS, LENGTH, p->strategy, p->detect_cycles, first};
    mk_run *run;
    size_t length;
    CHECK(mk_run_open(p->compiled, (const uint8_t *)p->word, strlen(p->word), &options, NULL, &run) == MK_OK);
    CHECK(mk_run_step(run, change, no_poll) == MK_OK);
    CHECK(mk_run_steps(run) == change);
    mk_run_choose(run, then);
    CHECK(mk_run_step(run, UINT64_MAX, no_poll) == MK_OK);
    const uint8_t *word = mk_run_word(run, &length);
    CHECK(mk_run_outcome(run) == expected->outcome && mk_run_steps(run) == expected->steps);
    CHECK(length == expected->word.length && memcmp(word, expected->word.bytes, length) == 0);
    CHECK(mk_run_max_length_seen(run) == expected->max_length_seen);
    if (expected->outcome == MK_CYCLE) {
        uint64_t start, period, expected_start, expected_period;
        CHECK(mk_run_cycle(run, no_poll, &start, &period) == MK_OK);
        oracle_cycle(expected, &expected_start, &expected_period);
        CHECK(start == expected_start && period == expected_period);
    }
    mk_run_close(run);
}

static void every_matcher(const program *p, bool changing)
{
    oracle expected = solve(p);
    for (int first = 0; first < MATCHERS; first++) {
        compare(p, &expected, (mk_matcher)first, 0, (mk_matcher)first);
        for (uint64_t change = 1; changing && change <= expected.steps; change++)
            for (int then = 0; then < MATCHERS; then++)
                if (then != first)
                    compare(p, &expected, (mk_matcher)first, change, (mk_matcher)then);
    }
    oracle_close(&expected);
}

static void all_words(const oracle_rule *rules, size_t n, bool changing)
{
    mk_ruleset *compiled;
    CHECK(compile(rules, n, &compiled) == MK_OK);
    for (int length = 0; length <= 4; length++)
        for (int bits = 0; bits < 1 << length; bits++) {
            char word[8] = {0};
            for (int i = 0; i < length; i++)
                word[i] = bits >> i & 1 ? 'b' : 'a';
            for (int i = 0; i < 4; i++) {
                mk_strategy strategy = i & 1 ? MK_LEFTMOST : MK_MARKOV;
                every_matcher(&(program){rules, n, compiled, word, strategy, i & 2}, changing);
            }
        }
    mk_ruleset_free(compiled);
}

static oracle_rule rule_number(int i)
{
    static const char *const sides[] = {"", "a", "b", "aa", "ab", "ba", "bb"};
    return make_rule(sides[i % 7], sides[i / 7 % 7], i / 49);
}

static void exhaustive(void)
{
    for (int i = 0; i < 98; i++) {
        oracle_rule rules[2] = {rule_number(i)};
        all_words(rules, 1, true);
        for (int k = 0; k < 98; k++) {
            rules[1] = rule_number(k);
            all_words(rules, 2, false);
        }
    }
}

/* ---- cycles that only a hash finds at little cost ----------------------------------------------------------------- */

/* X walks over n - 1 letters a and is gone after n steps: compared with the word after n steps, each differs in one
 * letter, and not in the one that differed before. */
static void round_trip(const mk_ruleset *rules, size_t n, mk_matcher matcher)
{
    char word[1026];
    memset(word, 'a', n + 1);
    word[0] = '^';
    word[n] = '$';
    mk_options options = {MK_NO_LIMIT, MK_NO_LIMIT, MK_MARKOV, true, matcher};
    mk_run *run;
    uint64_t start, period;
    CHECK(mk_run_open(rules, (const uint8_t *)word, n + 1, &options, NULL, &run) == MK_OK);
    CHECK(mk_run_step(run, 4 * n, no_poll) == MK_OK);
    CHECK(mk_run_outcome(run) == MK_CYCLE && mk_run_steps(run) == 2 * n);
    CHECK(mk_run_cycle(run, no_poll, &start, &period) == MK_OK && start == 0 && period == n);
    mk_run_close(run);
}

static void round_trips(void)
{
    oracle_rule rules[3] = {make_rule("X$", "a$", false), make_rule("Xa", "aX", false), make_rule("^a", "^X", false)};
    mk_ruleset *compiled;
    CHECK(compile(rules, 3, &compiled) == MK_OK);
    for (size_t n = 4; n <= 1024; n *= 2)
        for (int matcher = 0; matcher < MATCHERS; matcher++)
            round_trip(compiled, n, (mk_matcher)matcher);
    mk_ruleset_free(compiled);
}

/* ---- every allocation fails once ------------------------------------------------------------------------------ */

enum { WORD = 300, PIECE = 97 };

typedef struct {
    mk_options options;
    mk_matcher other; /* the run changes between options.matcher and this one after every PIECE steps */
    bool traced;
    oracle_rule rules[2];
    char word[WORD + 1];
    oracle expected;
} scenario;

static scenario make_scenario(mk_strategy strategy, mk_matcher first, mk_matcher other, bool traced)
{
    scenario s = {
        .options = {1500, 2000, strategy, traced, first},
        .other = other,
        .traced = traced,
        .rules = {make_rule("ab", "bba", false), make_rule("bbbb", "a", false)},
    };
    memset(s.word, 'a', WORD);
    memset(s.word + WORD / 2, 'b', WORD / 2);
    s.expected = oracle_open(s.rules, 2, word_of(s.word), &s.options);
    mk_match next;
    while (oracle_look(&s.expected, &next))
        oracle_apply(&s.expected, next);
    return s;
}

static mk_status run_in_pieces(mk_run *run, const scenario *s)
{
    mk_status status = MK_OK;
    while (status == MK_OK && mk_run_outcome(run) == MK_RUNNING) {
        bool odd = mk_run_steps(run) / PIECE % 2;
        mk_run_choose(run, odd ? s->other : s->options.matcher);
        status = mk_run_step(run, PIECE - mk_run_steps(run) % PIECE, no_poll);
    }
    return status;
}

static mk_status check_end(mk_run *run, const scenario *s)
{
    size_t length;
    const uint8_t *word = mk_run_word(run, &length);
    if (!word)
        return MK_NO_MEMORY;
    CHECK(mk_run_outcome(run) == s->expected.outcome && mk_run_steps(run) == s->expected.steps);
    CHECK(length == s->expected.word.length && memcmp(word, s->expected.word.bytes, length) == 0);
    return MK_OK;
}

static mk_status replay_both_ways(mk_replay *replay, const mk_trace *trace, const scenario *s)
{
    uint64_t steps = mk_trace_steps(trace);
    size_t length;
    mk_status status = mk_replay_move(replay, trace, 0, steps, no_poll);
    const uint8_t *word = mk_replay_word(replay, &length);
    CHECK(status != MK_OK || (length == s->expected.word.length && memcmp(word, s->expected.word.bytes, length) == 0));
    if (status == MK_OK)
        status = mk_replay_move(replay, trace, steps, 0, no_poll);
    word = mk_replay_word(replay, &length);
    CHECK(status != MK_OK || (length == WORD && memcmp(word, s->word, WORD) == 0));
    return status;
}

/* Opens, runs, with a trace and cycle detection or without either, replays and closes, all allocations after the n-th
 * failing. */
static mk_status everything(const scenario *s, int fail_after)
{
    mk_ruleset *compiled = NULL;
    mk_trace *trace = NULL;
    mk_run *run = NULL;
    mk_replay *replay = NULL;
    mk_memory_fail_after(fail_after);
    mk_status status = compile(s->rules, 2, &compiled);
    if (status == MK_OK && s->traced)
        status = mk_trace_open(-1, &trace);
    if (status == MK_OK)
        status = mk_run_open(compiled, (const uint8_t *)s->word, WORD, &s->options, trace, &run);
    if (status == MK_OK)
        status = run_in_pieces(run, s);
    if (status == MK_OK)
        status = check_end(run, s);
    if (status != MK_OK && run) {
        /* A run that failed stands between two steps and goes on. */
        mk_memory_fail_after(-1);
        CHECK(run_in_pieces(run, s) == MK_OK && check_end(run, s) == MK_OK);
    }
    if (status == MK_OK && s->traced)
        status = mk_replay_open(compiled, (const uint8_t *)s->word, WORD, &replay);
    if (status == MK_OK && s->traced)
        status = replay_both_ways(replay, trace, s);
    mk_memory_fail_after(-1);
    mk_replay_close(replay);
    mk_run_close(run);
    mk_trace_close(trace);
    mk_ruleset_free(compiled);
    return status;
}

static void failing_allocations(void)
{
    int failed = 0;
    for (int i = 0; i < 4 * MATCHERS * MATCHERS; i++) {
        mk_matcher first = (mk_matcher)(i / 4 % MATCHERS), other = (mk_matcher)(i / 4 / MATCHERS);
        scenario s = make_scenario(i & 1 ? MK_LEFTMOST : MK_MARKOV, first, other, i & 2);
        int n = 0;
        while (everything(&s, n) == MK_NO_MEMORY)
            n++;
        CHECK(n > 8 && everything(&s, n) == MK_OK);
        failed += n;
        oracle_close(&s.expected);
    }
    printf("%d allocations made to fail\n", failed);
}

int main(void)
{
    interruptions();
    round_trips();
    exhaustive();
    failing_allocations();
    return report("test_run");
}
