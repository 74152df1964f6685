/* Runs against an oracle of a page: every rule set of one and two rules over two letters with sides up to length 2,
 * every word up to length 4, both strategies; and every allocation made to fail. */
#include "check.h"

enum { MAX_WORD = 64, STEPS = 20, LENGTH = 12 };

typedef struct {
    char pattern[4], replacement[4];
    int terminal;
} rule;

static int at(const char *word, const char *pattern)
{
    const char *found = strstr(word, pattern);
    return found ? (int)(found - word) : -1;
}

static int choose(const rule *rules, int n, int leftmost, const char *word, int *position)
{
    int chosen = -1;
    for (int i = 0; i < n; i++) {
        int p = at(word, rules[i].pattern);
        if (p >= 0 && (chosen < 0 || (leftmost && p < *position))) {
            chosen = i;
            *position = p;
        }
    }
    return chosen;
}

static mk_outcome oracle(const rule *rules, int n, int leftmost, char *word, uint64_t *steps)
{
    for (*steps = 0;;) {
        int position = 0, i = choose(rules, n, leftmost, word, &position);
        if (i < 0)
            return MK_NO_RULE_APPLIES;
        if (*steps >= STEPS)
            return MK_STEP_LIMIT;
        if (strlen(word) - strlen(rules[i].pattern) + strlen(rules[i].replacement) > LENGTH)
            return MK_LENGTH_LIMIT;
        char next[MAX_WORD];
        snprintf(next, sizeof next, "%.*s%s%s", position, word, rules[i].replacement,
                 word + position + strlen(rules[i].pattern));
        memcpy(word, next, sizeof next);
        ++*steps;
        if (rules[i].terminal)
            return MK_TERMINAL_RULE;
    }
}

static mk_status compile(const rule *rules, int n, mk_ruleset **out)
{
    uint8_t patterns[64], replacements[64], terminal[8];
    int64_t p[9] = {0}, r[9] = {0};
    for (int i = 0; i < n; i++) {
        p[i + 1] = p[i] + (int64_t)strlen(rules[i].pattern);
        r[i + 1] = r[i] + (int64_t)strlen(rules[i].replacement);
        memcpy(patterns + p[i], rules[i].pattern, strlen(rules[i].pattern));
        memcpy(replacements + r[i], rules[i].replacement, strlen(rules[i].replacement));
        terminal[i] = (uint8_t)rules[i].terminal;
    }
    return mk_ruleset_compile((mk_column){patterns, p, (size_t)n}, (mk_column){replacements, r, (size_t)n}, terminal,
                              out);
}

static const mk_poll no_poll = {NULL, NULL};

static void compare(const mk_ruleset *compiled, const rule *rules, int n, int leftmost, const char *word)
{
    char expected[MAX_WORD];
    uint64_t steps;
    snprintf(expected, sizeof expected, "%s", word);
    mk_outcome outcome = oracle(rules, n, leftmost, expected, &steps);
    mk_options options = {STEPS, LENGTH, leftmost ? MK_LEFTMOST : MK_MARKOV, false, MK_AUTO};
    mk_run *run;
    CHECK(mk_run_open(compiled, (const uint8_t *)word, strlen(word), &options, NULL, &run) == MK_OK);
    CHECK(mk_run_step(run, UINT64_MAX, no_poll) == MK_OK);
    size_t length;
    const uint8_t *got = mk_run_word(run, &length);
    CHECK(mk_run_outcome(run) == outcome && mk_run_steps(run) == steps);
    CHECK(length == strlen(expected) && memcmp(got, expected, length) == 0);
    mk_run_close(run);
}

static const char *sides[] = {"", "a", "b", "aa", "ab", "ba", "bb"};

static rule rule_number(int i)
{
    rule made = {"", "", i / 49};
    strcpy(made.pattern, sides[i % 7]);
    strcpy(made.replacement, sides[i / 7 % 7]);
    return made;
}

static void all_words(const rule *rules, int n)
{
    mk_ruleset *compiled;
    CHECK(compile(rules, n, &compiled) == MK_OK);
    for (int length = 0; length <= 4; length++)
        for (int bits = 0; bits < 1 << length; bits++) {
            char word[8] = {0};
            for (int i = 0; i < length; i++)
                word[i] = bits >> i & 1 ? 'b' : 'a';
            compare(compiled, rules, n, 0, word);
            compare(compiled, rules, n, 1, word);
        }
    mk_ruleset_free(compiled);
}

static void exhaustive(void)
{
    for (int i = 0; i < 98; i++) {
        rule rules[2] = {rule_number(i)};
        all_words(rules, 1);
        for (int k = 0; k < 98; k++) {
            rules[1] = rule_number(k);
            all_words(rules, 2);
        }
    }
}

/* Opens, runs with a trace and with cycle detection, replays and closes, with the n-th allocation failing. */
static mk_status everything(int fail_after)
{
    rule rules[2] = {{"ab", "bba", 0}, {"bbbb", "a", 0}};
    mk_ruleset *compiled = NULL;
    mk_trace *trace = NULL;
    mk_run *run = NULL;
    mk_replay *replay = NULL;
    mk_options options = {5000, 4000, MK_MARKOV, true, MK_AUTO};
    char word[300];
    memset(word, 'a', sizeof word);
    memset(word + 150, 'b', 150);
    mk_memory_fail_after(fail_after);
    mk_status status = compile(rules, 2, &compiled);
    if (status == MK_OK)
        status = mk_trace_open(-1, &trace);
    if (status == MK_OK)
        status = mk_run_open(compiled, (uint8_t *)word, sizeof word, &options, trace, &run);
    if (status == MK_OK)
        status = mk_run_step(run, UINT64_MAX, no_poll);
    if (status == MK_OK)
        status = mk_replay_open(compiled, (uint8_t *)word, sizeof word, &replay);
    if (status == MK_OK)
        status = mk_replay_move(replay, trace, 0, mk_trace_steps(trace), no_poll);
    if (status == MK_OK) {
        size_t length, replayed;
        const uint8_t *end = mk_run_word(run, &length), *again = mk_replay_word(replay, &replayed);
        CHECK(length == replayed && memcmp(end, again, length) == 0);
        CHECK(mk_trace_steps(trace) == mk_run_steps(run) && length > 300);
        status = mk_replay_move(replay, trace, mk_trace_steps(trace), 0, no_poll);
        again = mk_replay_word(replay, &replayed);
        CHECK(status != MK_OK || (replayed == sizeof word && memcmp(again, word, replayed) == 0));
    } else if (run) {
        /* A run that failed stands between two steps and goes on. */
        mk_memory_fail_after(-1);
        CHECK(mk_run_step(run, UINT64_MAX, no_poll) == MK_OK && mk_run_outcome(run) != MK_RUNNING);
    }
    mk_memory_fail_after(-1);
    mk_replay_close(replay);
    mk_run_close(run);
    mk_trace_close(trace);
    mk_ruleset_free(compiled);
    return status;
}

static void failing_allocations(void)
{
    int n = 0;
    while (everything(n) == MK_NO_MEMORY)
        n++;
    CHECK(n > 8 && everything(n) == MK_OK);
    printf("%d allocations made to fail\n", n);
}

int main(void)
{
    exhaustive();
    failing_allocations();
    return report("test_run");
}
