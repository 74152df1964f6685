/* tree.h - a long text that is cheap to edit anywhere, with a value for every letter.
 *
 * A B+ tree (R. Bayer and E. McCreight, "Organization and maintenance of large ordered indexes", Acta Informatica 1,
 * 1972): leaves hold letters and their values, inner nodes the length and the least value of every child.  Two
 * neighbouring leaves hold more than MK_LEAF * 3 / 4 letters, but for the leaf being edited, so that a letter costs at
 * most 15 bytes. */
#ifndef MK_TREE_H
#define MK_TREE_H

#include "hash.h"
#include "meter.h"

/* Letters a leaf, children a node.  Tests make them small, so that short words have tall trees. */
#ifndef MK_LEAF
#define MK_LEAF 256
#endif
#ifndef MK_FAN
#define MK_FAN 32
#endif

#define MK_NO_VALUE UINT32_MAX

typedef struct mk_inner mk_inner;

/* What leaves and inner nodes begin with. */
typedef struct {
    mk_inner *parent; /* NULL: the root */
    uint32_t slot;    /* in the parent */
    bool hashed;      /* the hash is that of all letters below; then so are those of all nodes below */
    mk_hash hash;
} mk_link;

typedef struct mk_leaf {
    mk_link up;
    uint32_t length;
    struct mk_leaf *previous, *next;
    uint8_t bytes[MK_LEAF];
    uint32_t values[MK_LEAF];
} mk_leaf;

typedef struct {
    void *root;
    unsigned height; /* levels of inner nodes */
    size_t length;
    mk_leaf *first;
    mk_leaf *spare_leaves; /* linked by next */
    mk_inner *spare_inner; /* linked by up.parent */
    size_t spare_leaf_count, spare_inner_count;
    uint64_t touched; /* entries of nodes and letters of leaves read or moved by this file */
} mk_tree;

/* Where a leaf stands: its first letter's position, and the least values left and right of the leaf. */
typedef struct {
    mk_leaf *leaf;
    size_t start;
    uint32_t before, after;
} mk_finger;

/* Makes the text equal to bytes[0, length), every value MK_NO_VALUE.  A tree that is all zero is a valid one without
 * a text.  After a failure it must be freed. */
mk_status mk_tree_fill(mk_tree *tree, const uint8_t *bytes, size_t length, mk_meter *meter);
void mk_tree_free(mk_tree *tree);

/* The last leaf. */
mk_leaf *mk_tree_last(const mk_tree *tree);

/* The least value of all. */
uint32_t mk_tree_least(const mk_tree *tree);

/* Tells the nodes above a leaf that its letters or values have changed.  O(log length). */
void mk_tree_refresh(mk_tree *tree, mk_leaf *leaf);

/* The leftmost leaf that has a value below the limit.  Requires mk_tree_least < limit.  O(log length). */
mk_finger mk_tree_find(mk_tree *tree, uint32_t limit);

/* Replaces `removed` letters from offset on, which may lie in several leaves, by bytes[0, inserted), whose values
 * become MK_NO_VALUE.  *leaf and *offset are moved to the end of what was inserted.  O(removed + inserted + log
 * length).  MK_NO_MEMORY: nothing has changed. */
mk_status mk_tree_replace(mk_tree *tree, mk_leaf **leaf, uint32_t *offset, size_t removed, const uint8_t *bytes,
                          size_t inserted);

/* Joins small leaves around the leaf, which may be gone afterwards. */
void mk_tree_tidy(mk_tree *tree, mk_leaf *leaf);

/* The leaf with the letter at *position, which becomes its offset in the leaf; at the end, the end of the last leaf.
 * Requires that the nodes know every leaf's length.  O(log length). */
mk_leaf *mk_tree_at(const mk_tree *tree, size_t *position);

/* Copies `length` letters, from an offset in a leaf on. */
void mk_tree_copy(const mk_leaf *leaf, size_t offset, size_t length, uint8_t *to);

/* The hash of the whole text, in O(length) the first time and then in O(log length) for each leaf changed since. */
mk_hash mk_tree_hash(mk_tree *tree);

/* To be told of a leaf whose letters were changed not by this file. */
static inline void mk_tree_forget_hash(mk_link *link)
{
    for (; link && link->hashed; link = (mk_link *)link->parent)
        link->hashed = false;
}

#endif
