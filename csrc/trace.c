#include "trace.h"

/* Steps are kept in chunks that never move, so that a growing trace is not copied.  With `last`, step s lives in
 * slot s % last. */
enum { CHUNK = 4096 };

typedef struct {
    uint64_t positions[CHUNK];
    uint32_t rules[CHUNK];
} chunk;

struct mk_trace {
    chunk **chunks;
    size_t count, capacity;
    uint64_t steps;
    uint64_t slots; /* UINT64_MAX: as many as there are steps */
};

mk_status mk_trace_open(int64_t last, mk_trace **out)
{
    mk_trace *trace = mk_malloc(sizeof *trace);
    if (!trace)
        return MK_NO_MEMORY;
    *trace = (mk_trace){.slots = last < 0 ? UINT64_MAX : (uint64_t)last};
    *out = trace;
    return MK_OK;
}

void mk_trace_close(mk_trace *trace)
{
    if (!trace)
        return;
    for (size_t i = 0; i < trace->count; i++)
        mk_free(trace->chunks[i]);
    mk_free(trace->chunks);
    mk_free(trace);
}

static mk_status add_chunk(mk_trace *trace)
{
    if (trace->count == trace->capacity) {
        size_t larger = trace->capacity * 2 + 8;
        chunk **room = mk_realloc(trace->chunks, larger * sizeof *room);
        if (!room)
            return MK_NO_MEMORY;
        trace->chunks = room;
        trace->capacity = larger;
    }
    chunk *fresh = mk_malloc(sizeof *fresh);
    if (!fresh)
        return MK_NO_MEMORY;
    trace->chunks[trace->count++] = fresh;
    return MK_OK;
}

mk_status mk_trace_reserve(mk_trace *trace)
{
    if (trace->slots == 0 || trace->steps % trace->slots / CHUNK < trace->count)
        return MK_OK;
    return add_chunk(trace);
}

void mk_trace_append(mk_trace *trace, mk_match match)
{
    if (trace->slots > 0) {
        uint64_t slot = trace->steps % trace->slots;
        chunk *room = trace->chunks[slot / CHUNK];
        room->positions[slot % CHUNK] = match.position;
        room->rules[slot % CHUNK] = (uint32_t)match.rule;
    }
    trace->steps++;
}

uint64_t mk_trace_steps(const mk_trace *trace)
{
    return trace->steps;
}

uint64_t mk_trace_first(const mk_trace *trace)
{
    return trace->steps > trace->slots ? trace->steps - trace->slots : 0;
}

mk_match mk_trace_get(const mk_trace *trace, uint64_t step)
{
    uint64_t slot = step % trace->slots;
    const chunk *at = trace->chunks[slot / CHUNK];
    return (mk_match){at->rules[slot % CHUNK], (size_t)at->positions[slot % CHUNK]};
}
