/* The tree against a flat text: random edits, after each of which both say the same. */
#include "check.h"
#include "tree.h"

enum { MOST = 4000, EDITS = 3000, INSERTED = 900 };

typedef struct {
    uint8_t bytes[MOST + INSERTED];
    size_t length;
} flat;

static void replace(flat *text, size_t position, size_t removed, const uint8_t *bytes, size_t inserted)
{
    uint8_t *at = text->bytes + position;
    memmove(at + inserted, at + removed, text->length - position - removed);
    memcpy(at, bytes, inserted);
    text->length = text->length - removed + inserted;
}

/* Any part, and the hash, which may be asked for after each edit or after some. */
static void compare(mk_tree *tree, const flat *text, uint64_t *seed)
{
    static uint8_t copy[MOST + INSERTED];
    size_t from = random_below(seed, text->length + 1), length = random_below(seed, text->length - from + 1);
    size_t offset = from;
    const mk_leaf *leaf = mk_tree_at(tree, &offset);
    mk_tree_copy(leaf, offset, length, copy);
    CHECK(tree->length == text->length && memcmp(copy, text->bytes + from, length) == 0);
    if (random_below(seed, 3) == 0) {
        mk_hash whole = mk_hash_bytes(text->bytes, text->length), told = mk_tree_hash(tree);
        mk_hash parts = mk_hash_join(mk_hash_bytes(text->bytes, from),
                                     mk_hash_bytes(text->bytes + from, text->length - from));
        CHECK(told.value == whole.value && told.power == whole.power);
        CHECK(parts.value == whole.value && parts.power == whole.power);
    }
}

static void edit(mk_tree *tree, flat *text, uint64_t *seed)
{
    size_t position = random_below(seed, text->length + 1), rest = text->length - position;
    size_t removed = random_below(seed, (rest < 8 || random_below(seed, 20) == 0 ? rest : 8) + 1);
    size_t inserted = random_below(seed, random_below(seed, 20) == 0 ? INSERTED : 9);
    if (text->length - removed + inserted > MOST)
        return;
    uint8_t *bytes = random_word(seed, inserted, 3);
    size_t at = position;
    mk_leaf *leaf = mk_tree_at(tree, &at);
    uint32_t offset = (uint32_t)at;
    CHECK(mk_tree_replace(tree, &leaf, &offset, removed, bytes, inserted) == MK_OK);
    replace(text, position, removed, bytes, inserted);
    mk_tree_tidy(tree, leaf);
    free(bytes);
}

/* One letter after another changed, so that each changes the hash. */
static void every_letter_counts(mk_tree *tree, const flat *text)
{
    mk_hash before = mk_tree_hash(tree);
    for (size_t i = 0; i < text->length; i++) {
        size_t at = i;
        mk_leaf *leaf = mk_tree_at(tree, &at);
        leaf->bytes[at] ^= 1;
        mk_tree_forget_hash(&leaf->up);
        CHECK(mk_tree_hash(tree).value != before.value);
        leaf->bytes[at] ^= 1;
        mk_tree_forget_hash(&leaf->up);
    }
    CHECK(mk_tree_hash(tree).value == before.value);
}

int main(void)
{
    static flat text;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t state = seed;
        mk_tree tree = {0};
        mk_meter meter = mk_meter_make((mk_poll){NULL, NULL});
        text.length = random_below(&state, MOST);
        for (size_t i = 0; i < text.length; i++)
            text.bytes[i] = (uint8_t)random_below(&state, 256);
        CHECK(mk_tree_fill(&tree, text.bytes, text.length, &meter) == MK_OK);
        for (int i = 0; i < EDITS; i++) {
            edit(&tree, &text, &state);
            compare(&tree, &text, &state);
        }
        every_letter_counts(&tree, &text);
        mk_tree_free(&tree);
    }
    return report("test_tree");
}
