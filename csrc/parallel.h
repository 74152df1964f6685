/* parallel.h - independent items of work on several threads. */
#ifndef MK_PARALLEL_H
#define MK_PARALLEL_H

#include "markov.h"

/* Does item `item` on worker `worker` (0 is the calling thread).  Long work asks the poll it is given. */
typedef mk_status mk_task(void *context, size_t worker, size_t item, mk_poll poll);

/* Does items [0, items), each once, workers taking the next one as they become free.  Fewer threads are used if the
 * system gives no more.  After a failure, or when the poll (asked on the calling thread only) says so, no new item is
 * begun; the first failure is returned.  No thread is left when this returns. */
mk_status mk_parallel(mk_task *task, void *context, size_t items, size_t threads, mk_poll poll);

#endif
