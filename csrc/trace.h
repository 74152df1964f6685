/* trace.h - writing the record of a run's steps; markov.h reads it. */
#ifndef MK_TRACE_H
#define MK_TRACE_H

#include "markov.h"

/* Makes room for one more step, so that the next mk_trace_append cannot fail. */
mk_status mk_trace_reserve(mk_trace *trace);
void mk_trace_append(mk_trace *trace, mk_match match);

#endif
