/* meter.h - counts the letters that work touches, and asks from time to time whether to go on. */
#ifndef MK_METER_H
#define MK_METER_H

#include "markov.h"

/* Between two polls at most this many letters are scanned or moved: a few milliseconds of work. */
#define MK_LETTERS_PER_POLL ((uint64_t)1 << 24)

typedef struct {
    mk_poll poll;     /* may be empty: never stop */
    uint64_t letters; /* scanned and moved so far */
    uint64_t next;    /* the count at which to poll */
    bool stopped;     /* the poll said so, and is asked no more */
} mk_meter;

static inline mk_meter mk_meter_make(mk_poll poll)
{
    return (mk_meter){poll, 0, MK_LETTERS_PER_POLL, false};
}

bool mk_meter_poll(mk_meter *meter);

/* Ends a stop: the count goes on, with a poll that may be another one. */
void mk_meter_resume(mk_meter *meter, mk_poll poll);

/* Adds `letters` to the count.  False: stop now, which every later call says too, so that not all need listen. */
static inline bool mk_meter_spend(mk_meter *meter, uint64_t letters)
{
    meter->letters += letters;
    return meter->letters < meter->next || mk_meter_poll(meter);
}

#endif
