/* arrow.h - reading words from other libraries through the Arrow C data interface.
 *
 * The three structures below are the interface itself, as the Arrow specification declares it ("The Arrow C data
 * interface", "The Arrow C stream interface", format version 1.0).  A producer's arrays are not trusted: every row
 * is measured, and refused with a reason, before a byte of it is read.  The one thing that cannot be checked is that
 * buffers whose sizes the interface does not carry are as long as the array's own lengths say. */
#ifndef MK_ARROW_H
#define MK_ARROW_H

#include "markov.h"

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

typedef enum { MK_ARROW_OFFSETS32, MK_ARROW_OFFSETS64, MK_ARROW_VIEWS, MK_ARROW_CELLS } mk_arrow_layout;

/* What a schema says about a column of words. */
typedef struct {
    mk_arrow_layout layout;
    bool text;     /* utf8 of some kind rather than binary */
    bool wrapped;  /* the only column of a struct */
    char index;    /* the format letter of a dictionary's indices, 0 where there is no dictionary */
    int64_t width; /* bytes in each cell of a fixed-size binary */
} mk_arrow_type;

/* Words as a producer stores them; word i is number first + i of the buffers. */
typedef struct {
    mk_arrow_layout layout;
    int64_t first, length, width;
    const uint8_t *validity; /* NULL: no nulls */
    const uint8_t *rows;     /* offsets or views */
    const uint8_t *bytes;
    const void *const *blocks; /* the buffers that views point into */
    const uint8_t *block_sizes;
    int64_t block_count;
} mk_arrow_words;

/* One array of a column, its wrapping and its dictionary taken apart.  It borrows the producer's memory. */
typedef struct {
    int64_t length;
    const uint8_t *validity; /* of the wrapping struct; NULL: no nulls */
    int64_t validity_first;
    char index;
    const uint8_t *indices;
    const uint8_t *index_validity;
    int64_t index_first;
    mk_arrow_words words; /* the dictionary's words where there is one */
} mk_arrow_chunk;

/* Reads a schema.  Returns NULL, or the format of the (innermost) type that is not a type of words. */
const char *mk_arrow_type_read(mk_arrow_type *type, const struct ArrowSchema *schema);

/* Takes an array of that type apart.  Returns NULL, or the reason why it is malformed. */
const char *mk_arrow_chunk_open(mk_arrow_chunk *chunk, const mk_arrow_type *type, const struct ArrowArray *array);

/* Checks every row and adds up their bytes.  Returns NULL, or a reason, with the row that it is about at *row. */
const char *mk_arrow_chunk_measure(const mk_arrow_chunk *chunk, int64_t *bytes, int64_t *row);

/* Whether the words already lie one after the other behind offsets, so that their bytes need no copy.  Requires a chunk
 * that has been measured. */
bool mk_arrow_chunk_borrow(const mk_arrow_chunk *chunk, const uint8_t **data);

/* What was measured may be another by the time it is copied, since some producers let others write into their arrays:
 * the two below believe nothing but what they copy.  False: the rows are not those of `bytes` bytes that were measured.
 *
 * The offsets of a chunk for which borrowing is possible, as length + 1 64-bit ones. */
bool mk_arrow_chunk_offsets(const mk_arrow_chunk *chunk, int64_t bytes, int64_t *offsets);

/* Copies the words to data, starting at data[offsets[0]] and with room for `bytes` of them, and fills
 * offsets[1, length]. */
bool mk_arrow_chunk_copy(const mk_arrow_chunk *chunk, int64_t bytes, uint8_t *data, int64_t *offsets);

#endif
