#define _POSIX_C_SOURCE 200809L
#include "parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Of a worker, in bytes, at least: some systems give a thread less than the strings of a rule space take.  glibc puts
 * thread-local variables into it too; those of the thread sanitizer are half a megabyte. */
#define STACK ((size_t)2 << 20)

typedef struct {
    mk_task *task;
    void *context;
    size_t items;
    mk_poll poll;
    _Atomic size_t next;
    _Atomic int status; /* of the first failure */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    size_t running; /* workers other than the caller, under the lock */
} team;

typedef struct {
    team *team;
    size_t number;
    pthread_t thread;
} worker;

static void fail(team *t, mk_status status)
{
    int none = MK_OK;
    atomic_compare_exchange_strong(&t->status, &none, (int)status);
}

static int ask_team(void *context)
{
    return atomic_load_explicit(&((team *)context)->status, memory_order_relaxed) != MK_OK;
}

static int ask_caller(void *context)
{
    team *t = context;
    if (t->poll.ask && t->poll.ask(t->poll.context) != 0)
        fail(t, MK_INTERRUPTED);
    return ask_team(t);
}

static void work(team *t, size_t number, mk_poll poll)
{
    while (!ask_team(t)) {
        size_t item = atomic_fetch_add(&t->next, 1);
        if (item >= t->items)
            return;
        mk_status status = t->task(t->context, number, item, poll);
        if (status != MK_OK)
            fail(t, status);
    }
}

static void *start_worker(void *argument)
{
    worker *w = argument;
    work(w->team, w->number, (mk_poll){ask_team, w->team});
    pthread_mutex_lock(&w->team->lock);
    if (--w->team->running == 0)
        pthread_cond_signal(&w->team->idle);
    pthread_mutex_unlock(&w->team->lock);
    return NULL;
}

/* Waits for the other workers, asking the poll twenty times a second. */
static void wait_for_others(team *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&t->idle, &t->lock, &until);
        pthread_mutex_unlock(&t->lock);
        ask_caller(t);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
}

static int start_thread(worker *w)
{
    pthread_attr_t attributes;
    size_t stack;
    if (pthread_attr_init(&attributes) != 0)
        return -1;
    if (pthread_attr_getstacksize(&attributes, &stack) == 0 && stack < STACK)
        (void)pthread_attr_setstacksize(&attributes, STACK);
    int failed = pthread_create(&w->thread, &attributes, start_worker, w);
    pthread_attr_destroy(&attributes);
    return failed;
}

static mk_status run_team(team *t, worker *others, size_t count)
{
    size_t started = 0;
    for (; started < count; started++) {
        others[started] = (worker){.team = t, .number = started + 1};
        pthread_mutex_lock(&t->lock);
        t->running++;
        pthread_mutex_unlock(&t->lock);
        if (start_thread(&others[started]) != 0) {
            pthread_mutex_lock(&t->lock);
            t->running--;
            pthread_mutex_unlock(&t->lock);
            break;
        }
    }
    work(t, 0, (mk_poll){ask_caller, t});
    wait_for_others(t);
    for (size_t i = 0; i < started; i++)
        pthread_join(others[i].thread, NULL);
    return (mk_status)atomic_load(&t->status);
}

mk_status mk_parallel(mk_task *task, void *context, size_t items, size_t threads, mk_poll poll)
{
    team t = {.task = task, .context = context, .items = items, .poll = poll};
    if (threads > items)
        threads = items ? items : 1;
    if (threads <= 1) {
        work(&t, 0, (mk_poll){ask_caller, &t});
        return (mk_status)atomic_load(&t.status);
    }
    worker *others = mk_malloc((threads - 1) * sizeof *others);
    if (!others)
        return MK_NO_MEMORY;
    pthread_mutex_init(&t.lock, NULL);
    pthread_cond_init(&t.idle, NULL);
    mk_status status = run_team(&t, others, threads - 1);
    pthread_cond_destroy(&t.idle);
    pthread_mutex_destroy(&t.lock);
    mk_free(others);
    return status;
}
