#include "tree.h"

#include <stddef.h>
#include <string.h>

#include "dispatch.h"

enum { FILL = MK_LEAF * 3 / 4, SPARE_LEAVES = 4, SPARE_INNER = 16, INNER_FILL = MK_FAN * 3 / 4 };

struct mk_inner {
    mk_link up;
    uint32_t count;
    void *child[MK_FAN]; /* leaves on the lowest level, else inner nodes */
    size_t length[MK_FAN];
    uint32_t least[MK_FAN];
};

/* ---- memory: what an edit needs is put aside before it changes anything ------------------------------------------ */

static mk_status reserve(mk_tree *tree, size_t leaves, size_t inner)
{
    while (tree->spare_leaf_count < leaves) {
        mk_leaf *leaf = mk_malloc(sizeof *leaf);
        if (!leaf)
            return MK_NO_MEMORY;
        leaf->next = tree->spare_leaves;
        tree->spare_leaves = leaf;
        tree->spare_leaf_count++;
    }
    while (tree->spare_inner_count < inner) {
        mk_inner *node = mk_malloc(sizeof *node);
        if (!node)
            return MK_NO_MEMORY;
        node->up.parent = tree->spare_inner;
        tree->spare_inner = node;
        tree->spare_inner_count++;
    }
    return MK_OK;
}

/* k more leaves split at most one node in MK_FAN / 2 of each level, one more of each level, and add a few levels. */
static mk_status reserve_leaves(mk_tree *tree, size_t k)
{
    return reserve(tree, k, 2 * k / (MK_FAN / 2 - 1) + tree->height + 4);
}

static mk_leaf *take_leaf(mk_tree *tree)
{
    mk_leaf *leaf = tree->spare_leaves;
    tree->spare_leaves = leaf->next;
    tree->spare_leaf_count--;
    leaf->up = (mk_link){0};
    leaf->length = 0;
    leaf->previous = leaf->next = NULL;
    return leaf;
}

static mk_inner *take_inner(mk_tree *tree)
{
    mk_inner *node = tree->spare_inner;
    tree->spare_inner = node->up.parent;
    tree->spare_inner_count--;
    node->up = (mk_link){0};
    node->count = 0;
    return node;
}

static void give_leaf(mk_tree *tree, mk_leaf *leaf)
{
    if (tree->spare_leaf_count >= SPARE_LEAVES) {
        mk_free(leaf);
        return;
    }
    leaf->next = tree->spare_leaves;
    tree->spare_leaves = leaf;
    tree->spare_leaf_count++;
}

static void free_spares(mk_tree *tree, size_t leaves, size_t inner)
{
    while (tree->spare_leaf_count > leaves)
        mk_free(take_leaf(tree));
    while (tree->spare_inner_count > inner)
        mk_free(take_inner(tree));
}

/* Frees everything below and including a node; level 0 are the leaves. */
static void free_below(void *node, unsigned level)
{
    if (level > 0)
        for (uint32_t i = 0; i < ((mk_inner *)node)->count; i++)
            free_below(((mk_inner *)node)->child[i], level - 1);
    mk_free(node);
}

void mk_tree_free(mk_tree *tree)
{
    if (tree->root)
        free_below(tree->root, tree->height);
    free_spares(tree, 0, 0);
    *tree = (mk_tree){0};
}

/* ---- summaries --------------------------------------------------------------------------------------------------- */

static size_t length_of(const mk_inner *node)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < node->count; i++)
        sum += node->length[i];
    return sum;
}

static uint32_t least_of(const mk_inner *node)
{
    uint32_t least = MK_NO_VALUE;
    for (uint32_t i = 0; i < node->count; i++)
        least = node->least[i] < least ? node->least[i] : least;
    return least;
}

/* Tells a node's parent what is below the node.  False: it knew. */
static bool report(mk_tree *tree, mk_inner *node)
{
    mk_inner *parent = node->up.parent;
    size_t length = length_of(node);
    uint32_t least = least_of(node);
    tree->touched += node->count;
    bool news = parent->length[node->up.slot] != length || parent->least[node->up.slot] != least;
    parent->length[node->up.slot] = length;
    parent->least[node->up.slot] = least;
    return news;
}

static void report_upwards(mk_tree *tree, mk_inner *node)
{
    while (node && node->up.parent) {
        report(tree, node);
        node = node->up.parent;
    }
}

void mk_tree_refresh(mk_tree *tree, mk_leaf *leaf)
{
    mk_inner *parent = leaf->up.parent;
    if (!parent)
        return;
    tree->touched += leaf->length;
    uint32_t least = mk_dispatch()->least(leaf->values, leaf->length);
    if (parent->length[leaf->up.slot] == leaf->length && parent->least[leaf->up.slot] == least)
        return;
    parent->length[leaf->up.slot] = leaf->length;
    parent->least[leaf->up.slot] = least;
    while (parent->up.parent && report(tree, parent))
        parent = parent->up.parent;
}

uint32_t mk_tree_least(const mk_tree *tree)
{
    if (tree->height > 0)
        return least_of(tree->root);
    const mk_leaf *leaf = tree->root;
    return mk_dispatch()->least(leaf->values, leaf->length);
}

/* ---- structure --------------------------------------------------------------------------------------------------- */

static void place_child(mk_inner *node, uint32_t slot, void *child)
{
    mk_link *up = child;
    node->child[slot] = child;
    up->parent = node;
    up->slot = slot;
}

static void move_children(mk_tree *tree, mk_inner *to, uint32_t at, mk_inner *from, uint32_t first, uint32_t count)
{
    mk_tree_forget_hash(&to->up);
    mk_tree_forget_hash(&from->up);
    memmove(to->length + at, from->length + first, count * sizeof *to->length);
    memmove(to->least + at, from->least + first, count * sizeof *to->least);
    memmove(to->child + at, from->child + first, count * sizeof *to->child);
    for (uint32_t i = 0; i < count; i++)
        place_child(to, at + i, to->child[at + i]);
    tree->touched += count;
}

static void insert_child(mk_tree *tree, mk_inner *parent, uint32_t slot, void *child);

static void put_child(mk_tree *tree, mk_inner *parent, uint32_t slot, void *child)
{
    move_children(tree, parent, slot + 1, parent, slot, parent->count - slot);
    parent->count++;
    parent->length[slot] = 0;
    parent->least[slot] = MK_NO_VALUE;
    place_child(parent, slot, child);
}

/* A full node gives its upper half to a new one on its right. */
static mk_inner *split_inner(mk_tree *tree, mk_inner *node)
{
    mk_inner *right = take_inner(tree);
    move_children(tree, right, 0, node, MK_FAN / 2, MK_FAN - MK_FAN / 2);
    right->count = MK_FAN - MK_FAN / 2;
    node->count = MK_FAN / 2;
    if (!node->up.parent) {
        mk_inner *root = take_inner(tree);
        tree->root = root;
        tree->height++;
        put_child(tree, root, 0, node);
    }
    insert_child(tree, node->up.parent, node->up.slot + 1, right);
    report_upwards(tree, node);
    report_upwards(tree, right);
    return right;
}

static void insert_child(mk_tree *tree, mk_inner *parent, uint32_t slot, void *child)
{
    if (parent->count == MK_FAN) {
        mk_inner *right = split_inner(tree, parent);
        if (slot > parent->count) {
            slot -= parent->count;
            parent = right;
        }
    }
    put_child(tree, parent, slot, child);
}

/* A spare leaf, empty, on the right of another. */
static mk_leaf *insert_leaf(mk_tree *tree, mk_leaf *left)
{
    mk_leaf *fresh = take_leaf(tree);
    fresh->previous = left;
    fresh->next = left->next;
    if (left->next)
        left->next->previous = fresh;
    left->next = fresh;
    if (!left->up.parent) {
        mk_inner *root = take_inner(tree);
        tree->root = root;
        tree->height = 1;
        put_child(tree, root, 0, left);
        mk_tree_refresh(tree, left);
    }
    insert_child(tree, left->up.parent, left->up.slot + 1, fresh);
    return fresh;
}

static void remove_child(mk_tree *tree, mk_inner *parent, uint32_t slot)
{
    move_children(tree, parent, slot, parent, slot + 1, parent->count - slot - 1);
    parent->count--;
}

/* Joins a node that has become small with a neighbour under the same parent, and takes away a root with one child. */
static void mend_inner(mk_tree *tree, mk_inner *node)
{
    mk_inner *parent = node->up.parent;
    if (!parent) {
        while (tree->height > 0 && ((mk_inner *)tree->root)->count == 1) {
            mk_inner *old = tree->root;
            tree->root = old->child[0];
            ((mk_link *)tree->root)->parent = NULL;
            tree->height--;
            mk_free(old);
        }
        return;
    }
    mk_inner *left = node->up.slot > 0 ? parent->child[node->up.slot - 1] : node, *right = NULL;
    if (left != node && left->count + node->count <= INNER_FILL) {
        right = node;
    } else if (node->up.slot + 1 < parent->count) {
        left = node;
        right = parent->child[node->up.slot + 1];
        if (left->count + right->count > INNER_FILL)
            right = NULL;
    }
    if (right) {
        move_children(tree, left, left->count, right, 0, right->count);
        left->count += right->count;
        remove_child(tree, parent, right->up.slot);
        mk_free(right);
        report_upwards(tree, left);
        mend_inner(tree, parent);
    } else if (node->count == 0) {
        remove_child(tree, parent, node->up.slot);
        mk_free(node);
        report_upwards(tree, parent);
        mend_inner(tree, parent);
    } else {
        report_upwards(tree, node);
    }
}

/* Requires another leaf. */
static void remove_leaf(mk_tree *tree, mk_leaf *leaf)
{
    if (leaf->previous)
        leaf->previous->next = leaf->next;
    else
        tree->first = leaf->next;
    if (leaf->next)
        leaf->next->previous = leaf->previous;
    mk_inner *parent = leaf->up.parent;
    remove_child(tree, parent, leaf->up.slot);
    give_leaf(tree, leaf);
    mend_inner(tree, parent);
}

/* ---- letters ----------------------------------------------------------------------------------------------------- */

static void move_letters(mk_tree *tree, mk_leaf *to, uint32_t at, mk_leaf *from, uint32_t first, uint32_t count)
{
    mk_tree_forget_hash(&to->up);
    mk_tree_forget_hash(&from->up);
    memmove(to->bytes + at, from->bytes + first, count);
    memmove(to->values + at, from->values + first, count * sizeof *to->values);
    tree->touched += count;
}

static void put_letters(mk_tree *tree, mk_leaf *leaf, uint32_t offset, const uint8_t *bytes, uint32_t count)
{
    move_letters(tree, leaf, offset + count, leaf, offset, leaf->length - offset);
    if (count) {
        memcpy(leaf->bytes + offset, bytes, count);
        memset(leaf->values + offset, 0xff, count * sizeof *leaf->values);
    }
    leaf->length += count;
    tree->touched += count;
}

static void cut_letters(mk_tree *tree, mk_leaf *leaf, uint32_t offset, uint32_t count)
{
    move_letters(tree, leaf, offset, leaf, offset + count, leaf->length - offset - count);
    leaf->length -= count;
}

/* Moves the letters from offset on to a new leaf. */
static mk_leaf *split_leaf(mk_tree *tree, mk_leaf *leaf, uint32_t offset)
{
    mk_leaf *right = insert_leaf(tree, leaf);
    right->length = leaf->length - offset;
    move_letters(tree, right, 0, leaf, offset, right->length);
    leaf->length = offset;
    mk_tree_refresh(tree, leaf);
    mk_tree_refresh(tree, right);
    return right;
}

static void remove_letters(mk_tree *tree, mk_leaf *leaf, uint32_t offset, size_t count)
{
    uint32_t here = leaf->length - offset < count ? leaf->length - offset : (uint32_t)count;
    cut_letters(tree, leaf, offset, here);
    mk_tree_refresh(tree, leaf);
    for (count -= here; count > 0; count -= here) {
        mk_leaf *next = leaf->next;
        here = next->length < count ? next->length : (uint32_t)count;
        if (here == next->length) {
            remove_leaf(tree, next);
        } else {
            cut_letters(tree, next, 0, here);
            mk_tree_refresh(tree, next);
        }
    }
}

/* As many new leaves as needed, so full that edits to come find room. */
static void insert_many(mk_tree *tree, mk_leaf **leaf, uint32_t *offset, const uint8_t *bytes, size_t count)
{
    if (*offset < (*leaf)->length)
        split_leaf(tree, *leaf, *offset);
    while (count > 0) {
        uint32_t room = (*leaf)->length < FILL ? FILL - (*leaf)->length : 0;
        uint32_t here = room < count ? room : (uint32_t)count;
        put_letters(tree, *leaf, (*leaf)->length, bytes, here);
        mk_tree_refresh(tree, *leaf);
        bytes += here;
        count -= here;
        if (count > 0)
            *leaf = insert_leaf(tree, *leaf);
    }
    *offset = (*leaf)->length;
}

static void insert_few(mk_tree *tree, mk_leaf **leaf, uint32_t *offset, const uint8_t *bytes, uint32_t count)
{
    if ((*leaf)->length + count > MK_LEAF) {
        mk_leaf *right = split_leaf(tree, *leaf, (*leaf)->length / 2);
        if (*offset > (*leaf)->length) {
            *offset -= (*leaf)->length;
            *leaf = right;
        }
    }
    put_letters(tree, *leaf, *offset, bytes, count);
    *offset += count;
    mk_tree_refresh(tree, *leaf);
}

/* What is removed ends in the next leaf, and what comes in its place fits: each leaf keeps its share.  (If all came
 * into the first leaf, edits that go from left to right would stay at its end and draw letter after letter over.) */
static bool replace_in_two(mk_tree *tree, mk_leaf **leaf, uint32_t *offset, size_t removed, const uint8_t *bytes,
                           size_t inserted)
{
    mk_leaf *left = *leaf, *right = left->next;
    uint32_t cut = left->length - *offset;
    if (removed <= cut || !right || removed - cut > right->length)
        return false;
    uint32_t rest = (uint32_t)(removed - cut), share = inserted < cut ? (uint32_t)inserted : cut;
    if (inserted - share > MK_LEAF - (right->length - rest))
        return false;
    left->length = *offset;
    put_letters(tree, left, *offset, bytes, share);
    cut_letters(tree, right, 0, rest);
    put_letters(tree, right, 0, bytes + share, (uint32_t)inserted - share);
    mk_tree_refresh(tree, left);
    mk_tree_refresh(tree, right);
    *leaf = right;
    *offset = (uint32_t)inserted - share;
    return true;
}

mk_status mk_tree_replace(mk_tree *tree, mk_leaf **leaf, uint32_t *offset, size_t removed, const uint8_t *bytes,
                          size_t inserted)
{
    tree->length = tree->length - removed + inserted;
    if (replace_in_two(tree, leaf, offset, removed, bytes, inserted))
        return MK_OK;
    mk_status status = reserve_leaves(tree, inserted / FILL + 3);
    if (status != MK_OK) {
        tree->length = tree->length + removed - inserted;
        return status;
    }
    remove_letters(tree, *leaf, *offset, removed);
    if (inserted <= MK_LEAF / 2)
        insert_few(tree, leaf, offset, bytes, (uint32_t)inserted);
    else
        insert_many(tree, leaf, offset, bytes, inserted);
    free_spares(tree, SPARE_LEAVES, SPARE_INNER);
    return MK_OK;
}

static void join(mk_tree *tree, mk_leaf *left, mk_leaf *right)
{
    move_letters(tree, left, left->length, right, 0, right->length);
    left->length += right->length;
    remove_leaf(tree, right);
    mk_tree_refresh(tree, left);
}

void mk_tree_tidy(mk_tree *tree, mk_leaf *leaf)
{
    mk_leaf *left = leaf->previous, *right = leaf->next;
    if (right && leaf->length + right->length <= FILL)
        join(tree, leaf, right);
    if (left && left->length + leaf->length <= FILL)
        join(tree, left, leaf);
    else if (leaf->length == 0 && (leaf->previous || leaf->next))
        remove_leaf(tree, leaf);
}

mk_status mk_tree_fill(mk_tree *tree, const uint8_t *bytes, size_t length, mk_meter *meter)
{
    if (tree->root)
        mk_tree_free(tree);
    mk_status status = reserve(tree, 1, 0);
    if (status != MK_OK)
        return status;
    mk_leaf *leaf = take_leaf(tree);
    tree->root = tree->first = leaf;
    uint32_t offset = 0;
    /* Piece by piece, so that spare nodes are few. */
    while (length > 0) {
        size_t piece = length < 64 * FILL ? length : 64 * FILL;
        status = reserve_leaves(tree, piece / FILL + 3);
        if (status != MK_OK)
            return status;
        insert_many(tree, &leaf, &offset, bytes, piece);
        tree->length += piece;
        bytes += piece;
        length -= piece;
        if (!mk_meter_spend(meter, piece))
            return MK_INTERRUPTED;
    }
    free_spares(tree, SPARE_LEAVES, SPARE_INNER);
    return MK_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

mk_leaf *mk_tree_last(const mk_tree *tree)
{
    void *node = tree->root;
    for (unsigned level = tree->height; level > 0; level--)
        node = ((mk_inner *)node)->child[((mk_inner *)node)->count - 1];
    return node;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

mk_finger mk_tree_find(mk_tree *tree, uint32_t limit)
{
    mk_finger finger = {.start = 0, .before = MK_NO_VALUE, .after = MK_NO_VALUE};
    void *node = tree->root;
    for (unsigned level = tree->height; level > 0; level--) {
        const mk_inner *inner = node;
        uint32_t slot = 0;
        for (; inner->least[slot] >= limit; slot++) {
            finger.start += inner->length[slot];
            finger.before = lesser(finger.before, inner->least[slot]);
        }
        for (uint32_t i = slot + 1; i < inner->count; i++)
            finger.after = lesser(finger.after, inner->least[i]);
        tree->touched += inner->count;
        node = inner->child[slot];
    }
    finger.leaf = node;
    return finger;
}

mk_leaf *mk_tree_at(const mk_tree *tree, size_t *position)
{
    void *node = tree->root;
    for (unsigned level = tree->height; level > 0; level--) {
        const mk_inner *inner = node;
        uint32_t slot = 0;
        for (; slot + 1 < inner->count && *position >= inner->length[slot]; slot++)
            *position -= inner->length[slot];
        node = inner->child[slot];
    }
    return node;
}

/* Leaves lie anywhere, so that copying one after the other is mostly waiting: a few of them are called for early. */
static void call_for_leaf_after(const mk_leaf *leaf)
{
    enum { AHEAD = 6, LINE = 64 };
    const mk_inner *parent = leaf->up.parent;
    if (!parent || leaf->up.slot + AHEAD >= parent->count)
        return;
    const char *ahead = parent->child[leaf->up.slot + AHEAD];
    for (size_t i = 0; i < offsetof(mk_leaf, values); i += LINE)
        __builtin_prefetch(ahead + i);
}

void mk_tree_copy(const mk_leaf *leaf, size_t offset, size_t length, uint8_t *to)
{
    while (length > 0) {
        size_t here = leaf->length - offset < length ? leaf->length - offset : length;
        call_for_leaf_after(leaf);
        memcpy(to, leaf->bytes + offset, here);
        to += here;
        length -= here;
        offset = 0;
        leaf = leaf->next;
    }
}

static mk_hash hash_below(mk_tree *tree, mk_link *node, unsigned level)
{
    if (node->hashed)
        return node->hash;
    if (level == 0) {
        const mk_leaf *leaf = (mk_leaf *)node;
        node->hash = mk_hash_bytes(leaf->bytes, leaf->length);
        tree->touched += leaf->length;
    } else {
        const mk_inner *inner = (mk_inner *)node;
        node->hash = MK_HASH_EMPTY;
        for (uint32_t i = 0; i < inner->count; i++)
            node->hash = mk_hash_join(node->hash, hash_below(tree, inner->child[i], level - 1));
        tree->touched += inner->count;
    }
    node->hashed = true;
    return node->hash;
}

mk_hash mk_tree_hash(mk_tree *tree)
{
    return hash_below(tree, tree->root, tree->height);
}
