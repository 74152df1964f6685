#include "certify.h"

#include <string.h>

#define CORRECTIONS 2000
#define HEAVIEST 10000

static size_t first_difference(const mk_example_rule *rule)
{
    size_t i = 0;
    while (i < rule->pattern_length && rule->pattern[i] == rule->replacement[i])
        i++;
    return i;
}

/* Letters in descending order by repeatedly taking the first one that no other letter left must precede. */
typedef struct {
    uint64_t word[4];
} letter_set;

typedef struct {
    letter_set above[256];           /* above[b]: the letters that must be greater than b */
} demands;

static void put(letter_set *set, uint32_t letter)
{
    set->word[letter / 64] |= (uint64_t)1 << letter % 64;
}

static bool meet(const letter_set *a, const letter_set *b)
{
    return (a->word[0] & b->word[0]) || (a->word[1] & b->word[1]) || (a->word[2] & b->word[2]) ||
           (a->word[3] & b->word[3]);
}

static bool demand(demands *d, const mk_example_rule *rule)
{
    if (rule->terminal || rule->replacement_length < rule->pattern_length)
        return true;
    if (rule->replacement_length > rule->pattern_length)
        return false;
    size_t at = first_difference(rule);
    if (at == rule->pattern_length)
        return false;
    put(&d->above[rule->replacement[at]], rule->pattern[at]);
    return true;
}

static bool sort_letters(const demands *d, uint32_t letters, mk_certificate *certificate)
{
    letter_set left = {{0}};
    for (uint32_t i = 0; i < letters; i++)
        put(&left, i);
    for (uint32_t rank = 0; rank < letters; rank++) {
        uint32_t next = 0;
        while (next < letters && (!(left.word[next / 64] >> next % 64 & 1) || meet(&d->above[next], &left)))
            next++;
        if (next == letters)
            return false;
        certificate->value[next] = (uint16_t)rank;
        left.word[next / 64] &= ~((uint64_t)1 << next % 64);
    }
    return true;
}

static bool find_order(const mk_example_rule *rules, size_t count, uint32_t letters, mk_certificate *certificate)
{
    demands d;
    memset(d.above, 0, letters * sizeof d.above[0]);
    for (size_t i = 0; i < count; i++)
        if (!demand(&d, &rules[i]))
            return false;
    certificate->kind = MK_CERTIFICATE_ORDER;
    return sort_letters(&d, letters, certificate);
}

/* By how much a rule makes the word lighter. */
static int64_t loss(const mk_example_rule *rule, const uint16_t *weight)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < rule->pattern_length; i++)
        sum += weight[rule->pattern[i]];
    for (uint32_t i = 0; i < rule->replacement_length; i++)
        sum -= weight[rule->replacement[i]];
    return sum;
}

/* Moves the weights towards what a rule asks for, within [0, HEAVIEST]: the perceptron's correction (A. Novikoff, "On
 * convergence proofs on perceptrons", 1962), kept in a box. */
static void correct(const mk_example_rule *rule, uint16_t *weight)
{
    for (uint32_t i = 0; i < rule->pattern_length; i++)
        weight[rule->pattern[i]] = (uint16_t)(weight[rule->pattern[i]] + (weight[rule->pattern[i]] < HEAVIEST));
    for (uint32_t i = 0; i < rule->replacement_length; i++)
        weight[rule->replacement[i]] = (uint16_t)(weight[rule->replacement[i]] - (weight[rule->replacement[i]] > 0));
}

/* Whether some letter occurs more often in the pattern than in the replacement: without one no weights will do. */
static bool can_be_lighter(const mk_example_rule *rule)
{
    int32_t count[256] = {0};
    for (uint32_t i = 0; i < rule->replacement_length; i++)
        count[rule->replacement[i]]++;
    for (uint32_t i = 0; i < rule->pattern_length; i++)
        if (--count[rule->pattern[i]] < 0)
            return true;
    return false;
}

/* Corrects the weights for every rule that asks for it; for how many. */
static int correct_all(const mk_example_rule *rules, size_t count, uint16_t *weight)
{
    int corrections = 0;
    for (size_t i = 0; i < count; i++) {
        if (rules[i].terminal || loss(&rules[i], weight) > 0)
            continue;
        correct(&rules[i], weight);
        corrections++;
    }
    return corrections;
}

/* Weights that have been there before come again for ever: they are compared with those of passes 1, 2, 4, 8, ... (R.
 * Brent, "An improved Monte Carlo factorization algorithm", 1980), which changes no answer. */
static bool find_weights(const mk_example_rule *rules, size_t count, uint32_t letters, mk_certificate *certificate)
{
    uint16_t *weight = certificate->value;
    certificate->kind = MK_CERTIFICATE_WEIGHTS;
    for (size_t i = 0; i < count; i++)
        if (!rules[i].terminal && !can_be_lighter(&rules[i]))
            return false;
    for (uint32_t i = 0; i < letters; i++)
        weight[i] = 1;
    uint16_t before[256];
    size_t size = letters * sizeof *weight;
    memcpy(before, weight, size);
    for (int corrections = 0, pass = 1, kept = 1; corrections < CORRECTIONS; pass++) {
        int more = correct_all(rules, count, weight);
        if (more == 0)
            return true;
        if (memcmp(before, weight, size) == 0)
            return false;
        if (pass == kept) {
            memcpy(before, weight, size);
            kept *= 2;
        }
        corrections += more;
    }
    return false;
}

bool mk_certify(const mk_example_rule *rules, size_t count, uint32_t letters, mk_certificate *certificate)
{
    if (find_order(rules, count, letters, certificate) || find_weights(rules, count, letters, certificate))
        return true;
    certificate->kind = MK_CERTIFICATE_NONE;
    return false;
}

static bool is_smaller(const mk_certificate *certificate, const mk_example_rule *rule)
{
    if (rule->replacement_length != rule->pattern_length)
        return rule->replacement_length < rule->pattern_length;
    size_t at = first_difference(rule);
    return at < rule->pattern_length && certificate->value[rule->replacement[at]] > certificate->value[rule->pattern[at]];
}

bool mk_certificate_holds(const mk_certificate *certificate, const mk_example_rule *rules, size_t count,
                          uint32_t letters)
{
    bool taken[256] = {false};
    for (uint32_t i = 0; certificate->kind == MK_CERTIFICATE_ORDER && i < letters; i++) {
        if (certificate->value[i] >= letters || taken[certificate->value[i]])
            return false;
        taken[certificate->value[i]] = true;
    }
    for (size_t i = 0; i < count; i++) {
        bool holds = certificate->kind == MK_CERTIFICATE_ORDER     ? is_smaller(certificate, &rules[i])
                     : certificate->kind == MK_CERTIFICATE_WEIGHTS ? loss(&rules[i], certificate->value) > 0
                                                                   : false;
        if (!holds && !rules[i].terminal)
            return false;
    }
    return true;
}
