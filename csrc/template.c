#include "template.h"

#include <string.h>

#define DECIMALS 20                      /* of a number with its sign */
#define LONGEST_OUTCOME 16
#define LONGEST_ARROW 3
#define SHORT_LITERAL MK_TEXT_SLACK
#define BETWEEN_LETTERS 3                /* the longest of " ", ", ", " > " and "=" */

mk_status mk_text_grow(mk_text *text, size_t more)
{
    size_t needed = text->used + more + MK_TEXT_SLACK, capacity = text->capacity + text->capacity / 2;
    capacity = capacity < needed ? needed : capacity;
    uint8_t *data = mk_realloc(text->data, capacity);
    if (!data)
        return MK_NO_MEMORY;
    text->data = data;
    text->capacity = capacity;
    return MK_OK;
}

/* Letters and numbers to bytes: up to MK_TEXT_SLACK bytes behind the end may be overwritten. */

static inline uint8_t *write_literal(const uint8_t *restrict literal, size_t length, uint8_t *restrict out)
{
    memcpy(out, literal, SHORT_LITERAL);
    if (length > SHORT_LITERAL)
        memcpy(out + SHORT_LITERAL, literal + SHORT_LITERAL, length - SHORT_LITERAL);
    return out + length;
}

static inline uint8_t *write_shifted(uint8_t shift, const uint8_t *restrict codes, size_t count, uint8_t *restrict out)
{
    for (size_t start = 0; start < count; start += MK_TEXT_SLACK)
        for (size_t i = 0; i < MK_TEXT_SLACK; i++)
            out[start + i] = (uint8_t)(codes[start + i] + shift);
    return out + count;
}

static inline uint8_t *write_letter(const mk_letters *letters, uint8_t code, uint8_t *out)
{
    memcpy(out, letters->bytes[code], 4);
    return out + letters->width[code];
}

static __attribute__((noinline)) uint8_t *write_unshifted(const mk_letters *letters, const uint8_t *codes, size_t count,
                                                          uint8_t *out)
{
    if (letters->narrow) {
        for (size_t i = 0; i < count; i++)
            out[i] = letters->bytes[codes[i]][0];
        return out + count;
    }
    for (size_t i = 0; i < count; i++)
        out = write_letter(letters, codes[i], out);
    return out;
}

static inline uint8_t *write_letters(const mk_letters *letters, const uint8_t *codes, size_t count, uint8_t *out)
{
    return letters->shifted ? write_shifted(letters->bytes[0][0], codes, count, out)
                            : write_unshifted(letters, codes, count, out);
}

mk_status mk_text_letters(mk_text *text, const mk_letters *letters, const uint8_t *codes, size_t count)
{
    if (mk_text_reserve(text, count * letters->widest) != MK_OK)
        return MK_NO_MEMORY;
    text->used = (size_t)(write_letters(letters, codes, count, text->data + text->used) - text->data);
    return MK_OK;
}

static size_t separator_of(mk_form form, const char **separator)
{
    *separator = form == MK_FORM_CHARS ? ", " : form == MK_FORM_SPACED ? " " : "";
    return strlen(*separator);
}

static uint8_t *write_separated(const mk_letters *letters, const mk_op *op, const uint8_t *codes, size_t count,
                                uint8_t *out)
{
    const char *separator;
    size_t width = separator_of((mk_form)op->form, &separator);
    for (size_t i = 0; i < count; i++) {
        if (i)
            for (size_t k = 0; k < width; k++)
                *out++ = (uint8_t)separator[k];
        out = write_letter(letters, codes[op->reversed ? count - 1 - i : i], out);
    }
    return out;
}

static uint8_t *write_decimal(uint64_t number, uint8_t *out)
{
    if (number < 10) {
        *out = (uint8_t)('0' + number);
        return out + 1;
    }
    uint8_t digits[DECIMALS];
    size_t count = 0;
    do
        digits[count++] = (uint8_t)('0' + number % 10);
    while (number /= 10);
    while (count)
        *out++ = digits[--count];
    return out;
}

static uint8_t *write_signed(int64_t number, uint8_t *out)
{
    if (number < 0)
        *out++ = '-';
    return write_decimal(number < 0 ? 0 - (uint64_t)number : (uint64_t)number, out);
}

/* Parts of an example. */

typedef struct {
    const uint8_t *letters;
    size_t length;
} string;

/* What is being written: the example, and the loop that is open. */
typedef struct {
    const mk_example *example;
    mk_items_name items;
    size_t item, item_count;
    string strings[MK_STRINGS];
} writer;

static inline void take_rule(writer *w, const mk_example_rule *rule, mk_string_name pattern)
{
    w->strings[pattern] = (string){rule->pattern, rule->pattern_length};
    w->strings[pattern + 1] = (string){rule->replacement, rule->replacement_length};
}

/* The strings of the example itself; `pattern` and `replacement` are empty where several rules might be meant.  Those
 * of an item are set when a loop has one: none is read before. */
static inline void take_example(writer *w, const mk_example *example)
{
    w->example = example;
    w->strings[MK_STRING_WORD] = (string){example->word, example->length};
    w->strings[MK_STRING_OUTPUT] = (string){example->output, example->output_length};
    if (example->rule >= 0 || example->rule_count == 1) {
        take_rule(w, &example->rules[example->rule < 0 ? 0 : example->rule], MK_STRING_PATTERN);
    } else {
        w->strings[MK_STRING_PATTERN] = (string){NULL, 0};
        w->strings[MK_STRING_REPLACEMENT] = (string){NULL, 0};
    }
}

static inline void take_item(writer *w)
{
    const mk_example *example = w->example;
    if (w->items == MK_ITEMS_RULES) {
        take_rule(w, &example->rules[w->item], MK_STRING_ITEM_PATTERN);
    } else if (w->items == MK_ITEMS_STEPS) {
        const mk_example_step *step = &example->trace[w->item];
        w->strings[MK_STRING_ITEM_WORD] = (string){step->word, step->length};
        take_rule(w, &example->rules[step->rule], MK_STRING_ITEM_PATTERN);
    } else {
        const mk_example_pair *pair = &example->pairs[w->item];
        w->strings[MK_STRING_ITEM_WORD] = (string){pair->word, pair->length};
        w->strings[MK_STRING_ITEM_OUTPUT] = (string){pair->output, pair->output_length};
    }
}

static bool open_loop(writer *w, mk_items_name items)
{
    const mk_example *example = w->example;
    w->items = items;
    w->item = 0;
    w->item_count = items == MK_ITEMS_RULES ? example->rule_count
                  : items == MK_ITEMS_STEPS ? example->trace_count : example->pair_count;
    if (w->item_count)
        take_item(w);
    return w->item_count > 0;
}

static bool next_item(writer *w)
{
    if (++w->item == w->item_count)
        return false;
    take_item(w);
    return true;
}

static bool holds(const mk_example *example, mk_condition_name condition)
{
    switch (condition) {
    case MK_IF_NO_OP: return example->no_op;
    case MK_IF_NEAR_MISS: return example->near_miss;
    case MK_IF_TERMINAL: return example->outcome == MK_TERMINAL_RULE;
    default: return mk_example_halted(example);
    }
}

/* The operations that write. */

static inline uint8_t *write_string(const writer *w, const mk_letters *letters, const mk_op *op, uint8_t *out)
{
    const string *s = &w->strings[op->name];
    return op->form == MK_FORM_PLAIN && !op->reversed ? write_letters(letters, s->letters, s->length, out)
                                                      : write_separated(letters, op, s->letters, s->length, out);
}

static uint8_t *write_number(const writer *w, mk_number_name name, uint8_t *out)
{
    const mk_example *example = w->example;
    switch (name) {
    case MK_NUMBER_INDEX: return write_decimal(example->index, out);
    case MK_NUMBER_RULE: return write_signed((int64_t)example->rule + 1, out);
    case MK_NUMBER_POSITION: return write_signed(example->position, out);
    case MK_NUMBER_STEPS: return write_decimal(example->steps, out);
    case MK_NUMBER_RULE_COUNT: return write_decimal(example->rule_count, out);
    case MK_NUMBER_STEP_COUNT: return write_decimal(example->trace_count, out);
    case MK_NUMBER_ITEM: return write_decimal(w->item + 1, out);
    case MK_NUMBER_ITEM_RULE: return write_decimal((uint64_t)example->trace[w->item].rule + 1, out);
    default: return write_signed(example->trace[w->item].position, out);
    }
}

static uint8_t *write_chars(const char *chars, uint8_t *out)
{
    size_t length = strlen(chars);
    memcpy(out, chars, length);
    return out + length;
}

static inline uint8_t *write_arrow(bool terminal, uint8_t *out)
{
    memcpy(out, "->.", 3);
    return out + 2 + terminal;
}

static uint8_t *write_outcome(mk_outcome outcome, uint8_t *out)
{
    switch (outcome) {
    case MK_TERMINAL_RULE: return write_chars("terminal_rule", out);
    case MK_NO_RULE_APPLIES: return write_chars("no_rule_applies", out);
    case MK_STEP_LIMIT: return write_chars("step_limit", out);
    case MK_LENGTH_LIMIT: return write_chars("length_limit", out);
    default: return write_chars("cycle", out);
    }
}

static uint8_t *write_key(const mk_key *key, const mk_letters *letters, const mk_op *op, uint8_t *out)
{
    if (key->kind == MK_KEY_NONE)
        return out;
    return key->kind == MK_KEY_SHIFT ? write_decimal(key->shift, out)
                                     : write_separated(letters, op, key->letter, letters->letters, out);
}

/* The letters from the greatest to the least, or each with its weight. */
static uint8_t *write_certificate(const mk_certificate *certificate, const mk_letters *letters, uint8_t *out)
{
    uint8_t at_rank[256] = {0};
    if (certificate->kind == MK_CERTIFICATE_ORDER)
        for (uint32_t i = 0; i < letters->letters; i++)
            at_rank[certificate->value[i] & 255] = (uint8_t)i;
    for (uint32_t i = 0; i < letters->letters && certificate->kind != MK_CERTIFICATE_NONE; i++) {
        bool order = certificate->kind == MK_CERTIFICATE_ORDER;
        if (i)
            out = write_chars(order ? " > " : ", ", out);
        out = write_letter(letters, order ? at_rank[i] : (uint8_t)i, out);
        if (!order)
            out = write_decimal(certificate->value[i], write_chars("=", out));
    }
    return out;
}

static inline uint8_t *write_field(const writer *w, const mk_letters *letters, const mk_op *op, uint8_t *out)
{
    const mk_example *example = w->example;
    switch (op->kind) {
    case MK_OP_STRING: return write_string(w, letters, op, out);
    case MK_OP_LENGTH: return write_decimal(w->strings[op->name].length, out);
    case MK_OP_NUMBER: return write_number(w, (mk_number_name)op->name, out);
    case MK_OP_OUTCOME: return write_outcome(example->outcome, out);
    case MK_OP_ARROW: return write_arrow(example->rules[w->item].terminal, out);
    case MK_OP_KEY: return write_key(&example->key, letters, op, out);
    default: return write_certificate(&example->certificate, letters, out);
    }
}

/* Writes what the operations up to the next one that does not write say, which is left in *at.  Most are a field with
 * a short literal behind it, which are written together: what is to be written next is hard to predict. */
static inline uint8_t *write_ops(const writer *w, const mk_template *template, const mk_letters *letters,
                                 const mk_op **at, uint8_t *out)
{
    const mk_op *op = *at;
    for (; op->kind >= MK_OP_LITERAL && op->kind <= MK_OP_CERTIFICATE; op++) {
        if (op->kind == MK_OP_LITERAL) {
            out = write_literal(template->literals + op->at, op->jump, out);
            continue;
        }
        out = write_field(w, letters, op, out);
        memcpy(out, template->literals + op->at, SHORT_LITERAL);
        out += op->jump;
        op += op->jump != 0;
    }
    *at = op;
    return out;
}

/* The operation after one that does not write. */
static const mk_op *go_on(writer *w, const mk_template *template, const mk_op *op)
{
    bool jump;
    switch (op->kind) {
    case MK_OP_LOOP: jump = !open_loop(w, (mk_items_name)op->name); break;
    case MK_OP_SEPARATOR: jump = w->item + 1 == w->item_count; break;
    case MK_OP_NEXT: jump = next_item(w); break;
    case MK_OP_IF: jump = !holds(w->example, (mk_condition_name)op->name); break;
    default: jump = true;
    }
    return jump ? template->ops + op->jump : op + 1;
}

static inline size_t room_bytes(const mk_room *room, const string *strings)
{
    size_t bytes = room->fixed;
    for (uint32_t i = 0; i < room->strings; i++)
        bytes += room->by_letter[i] * strings[room->name[i]].length;
    return bytes;
}

mk_status mk_template_write(const mk_template *template, const mk_letters *letters, const mk_example *example,
                            mk_text *out)
{
    writer w;
    size_t used = out->used;
    take_example(&w, example);
    for (const mk_op *op = template->ops; op->kind != MK_OP_END;) {
        if (op->kind != MK_OP_ROOM) {
            op = go_on(&w, template, op);
            continue;
        }
        if (mk_text_reserve(out, room_bytes(&template->rooms[op->at], w.strings)) != MK_OK) {
            out->used = used;
            return MK_NO_MEMORY;
        }
        op++;
        uint8_t *end = write_ops(&w, template, letters, &op, out->data + out->used);
        out->used = (size_t)(end - out->data);
    }
    return MK_OK;
}

/* Compiling: what the operations behind each MK_OP_ROOM write at most. */

static void room_add_string(mk_room *room, uint8_t name, size_t by_letter)
{
    uint32_t i = 0;
    while (i < room->strings && room->name[i] != name)
        i++;
    if (i == room->strings) {
        room->name[i] = name;
        room->strings++;
    }
    room->by_letter[i] += by_letter;
}

static void room_add(mk_room *room, const mk_op *op, const mk_letters *letters)
{
    size_t letter = (size_t)letters->widest + BETWEEN_LETTERS;
    switch (op->kind) {
    case MK_OP_LITERAL: room->fixed += op->jump; break;
    case MK_OP_STRING: room_add_string(room, op->name, op->form == MK_FORM_PLAIN ? letters->widest : letter); break;
    case MK_OP_OUTCOME: room->fixed += LONGEST_OUTCOME; break;
    case MK_OP_ARROW: room->fixed += LONGEST_ARROW; break;
    case MK_OP_KEY: room->fixed += DECIMALS + letter * letters->letters; break;
    case MK_OP_CERTIFICATE: room->fixed += (letter + DECIMALS) * letters->letters; break;
    default: room->fixed += DECIMALS;
    }
}

static void open_rooms(mk_template *template, const mk_letters *letters)
{
    size_t rooms = 0;
    mk_room *room = NULL;
    for (mk_op *op = template->ops; op->kind != MK_OP_END; op++) {
        if (op->kind == MK_OP_ROOM) {
            op->at = rooms;
            room = &template->rooms[rooms++];
            memset(room, 0, sizeof *room);
        } else if (op->kind <= MK_OP_CERTIFICATE) {
            room_add(room, op, letters);
        }
    }
}

/* Lets each field know the short literal behind it. */
static void join_literals(mk_op *op)
{
    for (; op->kind != MK_OP_END; op++)
        if (op->kind > MK_OP_LITERAL && op->kind <= MK_OP_CERTIFICATE && op[1].kind == MK_OP_LITERAL &&
            op[1].jump <= SHORT_LITERAL) {
            op->at = op[1].at;
            op->jump = op[1].jump;
        }
}

mk_status mk_template_open(mk_template *template, const mk_op *ops, size_t count, const uint8_t *literals,
                           size_t literal_bytes, const mk_letters *letters)
{
    size_t rooms = 0;
    for (size_t i = 0; i < count; i++)
        rooms += ops[i].kind == MK_OP_ROOM;
    template->ops = mk_malloc(count * sizeof *ops);
    template->rooms = mk_malloc((rooms + 1) * sizeof *template->rooms);
    template->literals = mk_malloc(literal_bytes + MK_TEXT_SLACK);
    if (!template->ops || !template->rooms || !template->literals) {
        mk_template_close(template);
        return MK_NO_MEMORY;
    }
    memcpy(template->ops, ops, count * sizeof *ops);
    memset(template->literals, 0, literal_bytes + MK_TEXT_SLACK);
    if (literal_bytes)
        memcpy(template->literals, literals, literal_bytes);
    open_rooms(template, letters);
    join_literals(template->ops);
    return MK_OK;
}

void mk_template_close(mk_template *template)
{
    mk_free(template->ops);
    mk_free(template->rooms);
    mk_free(template->literals);
    *template = (mk_template){0};
}

size_t mk_template_bound(const mk_template *template, const size_t lengths[MK_STRINGS])
{
    size_t bytes = 0;
    string strings[MK_STRINGS];
    for (int i = 0; i < MK_STRINGS; i++)
        strings[i] = (string){NULL, lengths[i]};
    for (const mk_op *op = template->ops; op->kind != MK_OP_END; op++)
        if (op->kind == MK_OP_ROOM)
            bytes += room_bytes(&template->rooms[op->at], strings);
    return bytes;
}
