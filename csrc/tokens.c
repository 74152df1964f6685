#include "tokens.h"

#include <string.h>

#define ROWS_PER_POLL 1024
#define BLOCK 16

/* The code point at *at, which moves behind it; none that there is where it is cut off, as it can only be in a text that
 * was changed after it was checked. */
static uint32_t next_character(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *bytes = *at;
    uint32_t lead = bytes[0], count = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if ((size_t)(end - bytes) < count)
        return UINT32_MAX;
    uint32_t point = count == 1 ? lead : lead & (0xFFu >> (count + 1));
    for (uint32_t k = 1; k < count; k++)
        point = point << 6 | (bytes[k] & 0x3Fu);
    *at = bytes + count;
    return point;
}

void mk_vocabulary_open(mk_vocabulary *vocabulary)
{
    for (size_t byte = 0; byte < 256; byte++) {
        bool itself = byte < vocabulary->id_count && (byte < 0x80 || !vocabulary->characters);
        vocabulary->alone[byte] = itself ? vocabulary->ids[byte] : -1;
    }
    for (size_t i = 0; i < vocabulary->special_count; i++)
        vocabulary->alone[vocabulary->specials[i].text[0]] = -1;
    vocabulary->plain = true;
    vocabulary->lead_count = 0;
    for (size_t byte = 0; byte < 256; byte++) {
        if (vocabulary->alone[byte] == (int32_t)byte)
            continue;
        vocabulary->plain = vocabulary->plain && vocabulary->lead_count < MK_TOKENS_LEADS;
        if (vocabulary->plain)
            vocabulary->leads[vocabulary->lead_count++] = (uint8_t)byte;
    }
}

/* The special text that starts here, or NULL. */
static const mk_special *special_at(const mk_vocabulary *vocabulary, const uint8_t *at, size_t left)
{
    for (size_t i = 0; i < vocabulary->special_count; i++) {
        const mk_special *special = &vocabulary->specials[i];
        if (special->length <= left && memcmp(special->text, at, special->length) == 0)
            return special;
    }
    return NULL;
}

/* Whether each byte of a block is a token by itself; writes them all the same. */
static bool write_block(const mk_vocabulary *vocabulary, const uint8_t *text, uint16_t *out)
{
    if (vocabulary->plain) {
        unsigned met = 0;
        for (size_t i = 0; i < BLOCK; i++)
            out[i] = text[i];
        for (size_t k = 0; k < vocabulary->lead_count; k++)
            for (size_t i = 0; i < BLOCK; i++)
                met |= text[i] == vocabulary->leads[k];
        return !met;
    }
    int32_t every = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        int32_t id = vocabulary->alone[text[i]];
        every |= id;
        out[i] = (uint16_t)id;
    }
    return every >= 0;
}

/* Blocks of bytes each of which is a token by itself: without a branch for every byte.  The last one reaches back
 * into the one before, whose tokens it writes again. */
static size_t write_blocks(const mk_vocabulary *vocabulary, const uint8_t *text, size_t length, uint16_t *out)
{
    size_t done = 0;
    while (length - done >= BLOCK && write_block(vocabulary, text + done, out + done))
        done += BLOCK;
    size_t last = length - BLOCK;
    if (done && done > last && done < length && write_block(vocabulary, text + last, out + last))
        return length;
    return done;
}

/* The token at *text, which moves behind it; -1 if there is none. */
static int32_t next_token(const mk_vocabulary *vocabulary, const uint8_t **text, const uint8_t *end)
{
    int32_t alone = vocabulary->alone[**text];
    if (alone >= 0) {
        ++*text;
        return alone;
    }
    const mk_special *special = special_at(vocabulary, *text, (size_t)(end - *text));
    if (special) {
        *text += special->length;
        return special->id;
    }
    uint32_t point = vocabulary->characters ? next_character(text, end) : *(*text)++;
    return point < vocabulary->id_count ? vocabulary->ids[point] : -1;
}

/* Returns the end of the tokens, or NULL where something has none. */
static uint16_t *write_text(const mk_vocabulary *vocabulary, const uint8_t *text, size_t length, uint16_t *out)
{
    const uint8_t *end = text + length;
    while (text < end) {
        size_t done = write_blocks(vocabulary, text, (size_t)(end - text), out);
        text += done;
        out += done;
        for (size_t i = 0; i < BLOCK && text < end; i++) {
            int32_t id = next_token(vocabulary, &text, end);
            if (id < 0)
                return NULL;
            *out++ = (uint16_t)id;
        }
    }
    return out;
}

static uint16_t *write_row(const mk_vocabulary *vocabulary, const mk_column *texts, size_t row, uint16_t *out)
{
    int64_t start = texts->offsets[row];
    return write_text(vocabulary, texts->data + start, (size_t)(texts->offsets[row + 1] - start), out);
}

static uint16_t *write_one(int32_t id, uint16_t *out)
{
    if (id >= 0)
        *out++ = (uint16_t)id;
    return out;
}

static uint16_t *write_prompt(const mk_vocabulary *vocabulary, const mk_column *prompts, size_t row, bool framed,
                              uint16_t *out)
{
    out = write_row(vocabulary, prompts, row, framed ? write_one(vocabulary->before, out) : out);
    return out && framed ? write_one(vocabulary->between, out) : out;
}

static uint16_t *write_completion(const mk_vocabulary *vocabulary, const mk_column *completions, size_t row,
                                  uint16_t *out)
{
    out = write_row(vocabulary, completions, row, out);
    return out ? write_one(vocabulary->after, out) : NULL;
}

mk_status mk_tokens_write(const mk_vocabulary *vocabulary, const mk_column *prompts, const mk_column *completions,
                          mk_poll poll, uint16_t *ids, uint8_t *mask, int64_t *offsets, size_t *row)
{
    uint16_t *end = ids;
    offsets[0] = 0;
    for (*row = 0; *row < prompts->count; ++*row) {
        if (*row % ROWS_PER_POLL == 0 && poll.ask && poll.ask(poll.context) != 0)
            return MK_INTERRUPTED;
        uint16_t *start = end, *answer;
        end = write_prompt(vocabulary, prompts, *row, completions != NULL, end);
        answer = end;
        if (end && completions)
            end = write_completion(vocabulary, completions, *row, end);
        if (!end)
            return MK_INVALID;
        if (mask) {
            memset(mask + (start - ids), 0, (size_t)(answer - start));
            memset(mask + (answer - ids), 1, (size_t)(end - answer));
        }
        offsets[*row + 1] = end - ids;
    }
    return MK_OK;
}
