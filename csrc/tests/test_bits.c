/* The bits matcher, step by step beside a word, against a search of a few lines: small cases all, larger at random. */
#include "check.h"

#include "matcher_bits.h"
#include "word.h"

enum { RULES = 300, SIDE = 80, STEPS = 40 };

typedef struct {
    uint8_t pattern[SIDE], replacement[SIDE];
    size_t pattern_length, replacement_length;
} rule;

static mk_ruleset *compile(const rule *rules, size_t n)
{
    static uint8_t patterns[RULES * SIDE], replacements[RULES * SIDE], terminal[RULES];
    int64_t p[RULES + 1] = {0}, r[RULES + 1] = {0};
    for (size_t i = 0; i < n; i++) {
        p[i + 1] = p[i] + (int64_t)rules[i].pattern_length;
        r[i + 1] = r[i] + (int64_t)rules[i].replacement_length;
        memcpy(patterns + p[i], rules[i].pattern, rules[i].pattern_length);
        memcpy(replacements + r[i], rules[i].replacement, rules[i].replacement_length);
    }
    mk_ruleset *made = NULL;
    CHECK(mk_ruleset_compile((mk_column){patterns, p, n}, (mk_column){replacements, r, n}, terminal, &made) == MK_OK);
    return made;
}

static bool occurs_at(const rule *r, const uint8_t *word, size_t length, size_t at)
{
    return at + r->pattern_length <= length && memcmp(word + at, r->pattern, r->pattern_length) == 0;
}

static mk_answer oracle(const rule *rules, size_t n, mk_strategy strategy, const uint8_t *word, size_t length,
                        mk_match *match)
{
    bool found = false;
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at <= length; at++)
            if (occurs_at(&rules[i], word, length, at) &&
                (!found || (strategy == MK_LEFTMOST && at < match->position))) {
                *match = (mk_match){i, at};
                found = true;
            }
    return found ? MK_FOUND : MK_NONE;
}

/* Follows the matcher as long as the word fits.  Gives the number of steps. */
static int follow(const mk_ruleset *compiled, const rule *rules, size_t n, mk_strategy strategy, const uint8_t *start,
                  size_t length)
{
    mk_word word = {0};
    mk_meter meter = mk_meter_make((mk_poll){NULL, NULL});
    mk_bits bits;
    CHECK(mk_word_set(&word, start, length) == MK_OK);
    CHECK(mk_bits_fits(compiled, length));
    mk_bits_start(&bits, compiled, strategy, start, length);
    int steps = 0;
    for (; steps < STEPS; steps++) {
        mk_match match = {0, 0}, expected = {0, 0};
        mk_answer answer = oracle(rules, n, strategy, mk_word_bytes(&word), word.length, &expected);
        CHECK(mk_bits_first(&bits, &match) == answer);
        CHECK(match.rule == expected.rule && match.position == expected.position);
        const rule *r = &rules[expected.rule];
        if (answer == MK_NONE || !mk_bits_fits(compiled, word.length - r->pattern_length + r->replacement_length))
            break;
        CHECK(mk_word_splice(&word, expected.position, r->pattern_length, r->replacement, r->replacement_length,
                             &meter) == MK_OK);
        mk_bits_edited(&bits, expected);
    }
    mk_word_free(&word);
    return steps;
}

static rule rule_number(size_t i)
{
    static const char *sides[] = {"", "a", "b", "aa", "ab", "ba", "bb", "c"};
    rule made = {.pattern_length = strlen(sides[i % 8]), .replacement_length = strlen(sides[i / 8])};
    memcpy(made.pattern, sides[i % 8], made.pattern_length);
    memcpy(made.replacement, sides[i / 8], made.replacement_length);
    return made;
}

static void all_words(const rule *rules, size_t n)
{
    mk_ruleset *compiled = compile(rules, n);
    for (size_t length = 0; length <= 4; length++)
        for (unsigned bits = 0; bits < 1u << length; bits++) {
            uint8_t word[4];
            for (size_t i = 0; i < length; i++)
                word[i] = bits >> i & 1 ? 'b' : 'a';
            follow(compiled, rules, n, MK_MARKOV, word, length);
            follow(compiled, rules, n, MK_LEFTMOST, word, length);
        }
    mk_ruleset_free(compiled);
}

static void exhaustive(void)
{
    for (size_t i = 0; i < 64; i++) {
        rule rules[2] = {rule_number(i)};
        all_words(rules, 1);
        for (size_t k = 0; k < 64; k++) {
            rules[1] = rule_number(k);
            all_words(rules, 2);
        }
    }
}

/* Letters 0 and 255 among them. */
static void fill(uint64_t *seed, uint8_t *bytes, size_t length, size_t letters)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(random_below(seed, letters) * 255 / (letters > 1 ? letters - 1 : 1));
}

static void at_random(void)
{
    static rule rules[RULES];
    uint64_t seed = 11;
    unsigned long steps = 0;
    for (int round = 0; round < 6000; round++) {
        size_t n = random_below(&seed, 12), letters = 1 + random_below(&seed, round % 10 ? 5 : 256);
        size_t longest = round % 7 ? 4 : MK_BITS_LENGTH, length = random_below(&seed, MK_BITS_LENGTH + 1);
        for (size_t i = 0; i < n; i++) {
            rules[i].pattern_length = random_below(&seed, longest);
            rules[i].replacement_length = random_below(&seed, longest);
            fill(&seed, rules[i].pattern, rules[i].pattern_length, letters);
            fill(&seed, rules[i].replacement, rules[i].replacement_length, letters);
        }
        uint8_t word[MK_BITS_LENGTH];
        fill(&seed, word, length, letters);
        if (n && length >= rules[0].pattern_length) /* long patterns too shall occur */
            memcpy(word + random_below(&seed, length - rules[0].pattern_length + 1), rules[0].pattern,
                   rules[0].pattern_length);
        mk_ruleset *compiled = compile(rules, n);
        if (compiled->bits) {
            steps += (unsigned long)follow(compiled, rules, n, MK_MARKOV, word, length);
            steps += (unsigned long)follow(compiled, rules, n, MK_LEFTMOST, word, length);
        }
        mk_ruleset_free(compiled);
    }
    CHECK(steps > 50000);
}

/* From the empty word to the longest and back, in single steps. */
static void extremes(void)
{
    rule rules[2] = {{.pattern_length = MK_BITS_LENGTH - 1}, {.replacement_length = MK_BITS_LENGTH}};
    memset(rules[0].pattern, 'x', SIDE);
    memset(rules[1].replacement, 'x', SIDE);
    mk_ruleset *compiled = compile(rules, 2);
    CHECK(follow(compiled, rules, 2, MK_MARKOV, (const uint8_t *)"", 0) == 2);
    CHECK(follow(compiled, rules, 2, MK_LEFTMOST, (const uint8_t *)"", 0) == 2);
    mk_ruleset_free(compiled);
}

static bool suits(const rule *rules, size_t n)
{
    mk_ruleset *compiled = compile(rules, n);
    bool fits = mk_bits_fits(compiled, MK_BITS_LENGTH);
    CHECK(!mk_bits_fits(compiled, MK_BITS_LENGTH + 1));
    mk_ruleset_free(compiled);
    return fits;
}

static void what_suits(void)
{
    static rule rules[RULES];
    CHECK(suits(rules, 0));
    rules[0].pattern_length = MK_BITS_LENGTH;
    CHECK(!suits(rules, 1));
    rules[0].pattern_length = 1;
    rules[0].replacement_length = SIDE;
    CHECK(suits(rules, 1));
    for (size_t i = 0; i < RULES; i++)
        rules[i].pattern_length = 1;
    CHECK(suits(rules, MK_BITS_RULES) && !suits(rules, MK_BITS_RULES + 1));
    rules[2].pattern_length = 0; /* what follows never fires */
    CHECK(suits(rules, RULES));
    rules[2].pattern_length = 1;
    for (size_t i = 0; i < 256; i++)
        rules[i / 60].pattern[i % 60] = (uint8_t)i;
    for (size_t i = 0; i < 5; i++)
        rules[i].pattern_length = i < 4 ? 60 : 15;
    CHECK(suits(rules, 5));
    rules[4].pattern_length = 16; /* 256 letters */
    CHECK(!suits(rules, 5));
}

int main(void)
{
    exhaustive();
    at_random();
    extremes();
    what_suits();
    return report("test_bits");
}
