/* The program that a C programmer writes first: memmem for every rule from the start of the word, memmove for every
   edit.  It is a rival in the benchmarks and no part of the library. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *data;
    const int64_t *offsets;
} strings;

static int64_t length_of(const strings *s, int64_t i) { return s->offsets[i + 1] - s->offsets[i]; }

/* Applies the first of `rules` rules from `first` on; 0: none applies, 1: a rule, 2: a terminal one, -1: no room. */
static int step(const strings *p, const strings *r, const uint8_t *terminal, int64_t first, int64_t rules, char *word,
                int64_t *length, int64_t room) {
    for (int64_t i = first; i < first + rules; i++) {
        int64_t old = length_of(p, i), new = length_of(r, i);
        char *at = old ? memmem(word, (size_t)*length, p->data + p->offsets[i], (size_t)old) : word;
        if (!at)
            continue;
        if (*length - old + new > room)
            return -1;
        memmove(at + new, at + old, (size_t)(word + *length - at - old));
        memcpy(at, r->data + r->offsets[i], (size_t)new);
        *length += new - old;
        return terminal[i] ? 2 : 1;
    }
    return 0;
}

/* Runs every word for at most `max_steps` steps (-1: to the end), under all `rules` rules, or, where `own` is not 0,
   under the rule of its own row.  Writes the words to `out` and their offsets; returns 0, or -1 if `room` is short. */
int naive_run(const char *patterns, const int64_t *pattern_offsets, const char *replacements,
              const int64_t *replacement_offsets, const uint8_t *terminal, int64_t rules, int own, const char *words,
              const int64_t *word_offsets, int64_t rows, int64_t max_steps, char *out, int64_t *out_offsets,
              int64_t room) {
    strings p = {patterns, pattern_offsets}, r = {replacements, replacement_offsets}, w = {words, word_offsets};
    out_offsets[0] = 0;
    for (int64_t row = 0; row < rows; row++) {
        char *word = out + out_offsets[row];
        int64_t length = length_of(&w, row), left = room - out_offsets[row];
        if (length > left)
            return -1;
        memcpy(word, words + word_offsets[row], (size_t)length);
        for (int64_t s = 0; s != max_steps; s++) {
            int done = step(&p, &r, terminal, own ? row : 0, own ? 1 : rules, word, &length, left);
            if (done < 0)
                return -1;
            if (done != 1)
                break;
        }
        out_offsets[row + 1] = out_offsets[row] + length;
    }
    return 0;
}
