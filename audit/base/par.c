#include "base/par.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The caller is thread 0 and works too.  A round is one par_run(): its number
 * goes up, the workers wake, join it, take units from a counter until there are none,
 * and report.  When the caller finds no unit left it closes the round and waits for those that joined: a worker
 * that the system has not woken in time has nothing to do in it, and nobody waits for it.
 */

#define LINE 64u

struct worker {
	struct par *par;
	pthread_t thread;
	void *scratch;
};

struct par {
	unsigned threads, started;
	size_t scratch_bytes;
	void *scratch;	       /* of all threads, a block a thread */
	struct worker *worker; /* threads of them; the first is the caller */

	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	size_t round;
	unsigned at_work; /* workers that joined the round and have not reported */
	bool open;	  /* the round may be joined */
	bool quit, running;

	par_fn fn;
	void *ud;
	size_t n_units;
	_Atomic size_t next;
};

static void take_units(struct par *p, void *scratch)
{
	size_t unit;

	while ((unit = atomic_fetch_add(&p->next, 1)) < p->n_units)
		p->fn(p->ud, unit, scratch);
}

static void *work(void *ud)
{
	struct worker *w = ud;
	struct par *p = w->par;
	size_t seen = 0;
	bool quit;

	for (;;) {
		pthread_mutex_lock(&p->lock);
		while ((p->round == seen || !p->open) && !p->quit)
			pthread_cond_wait(&p->begin, &p->lock);
		seen = p->round;
		quit = p->quit;
		p->at_work += !quit;
		pthread_mutex_unlock(&p->lock);
		if (quit)
			return NULL;
		take_units(p, w->scratch);
		pthread_mutex_lock(&p->lock);
		if (--p->at_work == 0)
			pthread_cond_signal(&p->end);
		pthread_mutex_unlock(&p->lock);
	}
}

/* Signals are the main thread's: workers are started with all of them blocked. */
static int start_workers(struct par *p, struct err *e)
{
	sigset_t all, was;
	int no = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	for (p->started = 1; p->started < p->threads && no == 0; p->started += no == 0)
		no = pthread_create(&p->worker[p->started].thread, NULL, work, &p->worker[p->started]);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	if (no != 0)
		return err_set(e, ERR_IO, "cannot start thread %u of %u: error %d", p->started + 1,
			       p->threads, no);
	return 0;
}

int par_new(struct par **out, unsigned threads, size_t scratch_bytes, struct err *e)
{
	size_t each, i;
	struct par *p;

	*out = NULL;
	if (scratch_bytes > SIZE_MAX / 2)
		return err_set(e, ERR_SIZE, "%zu bytes of scratch a thread are more than any memory",
			       scratch_bytes);
	each = (scratch_bytes + LINE - 1) / LINE * LINE;
	if (threads == 0 || threads > 1024)
		return err_set(e, ERR_USAGE, "%u threads: from 1 to 1024 can be", threads);
	p = mem_alloc(1, sizeof(*p));
	p->threads = threads;
	p->scratch_bytes = scratch_bytes;
	p->worker = mem_alloc(threads, sizeof(*p->worker));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->begin, NULL);
	pthread_cond_init(&p->end, NULL);
	p->started = 1;
	if (mem_reserve(&p->scratch, threads, each ? each : LINE, "thread scratch", e) < 0) {
		par_free(p);
		return -1;
	}
	for (i = 0; i < threads; i++)
		p->worker[i] = (struct worker){ .par = p, .scratch = (char *)p->scratch + i * each };
	if (start_workers(p, e) < 0) {
		par_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void par_free(struct par *p)
{
	unsigned i;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_cond_broadcast(&p->begin);
	pthread_mutex_unlock(&p->lock);
	for (i = 1; i < p->started; i++)
		pthread_join(p->worker[i].thread, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->begin);
	pthread_cond_destroy(&p->end);
	mem_free(p->scratch);
	mem_free(p->worker);
	mem_free(p);
}

unsigned par_threads(const struct par *p)
{
	return p->threads;
}

size_t par_scratch(const struct par *p)
{
	return p->scratch_bytes;
}

void par_run(struct par *p, size_t n_units, par_fn fn, void *ud)
{
	BUG_ON(p->running);
	p->running = true;
	p->fn = fn;
	p->ud = ud;
	p->n_units = n_units;
	atomic_store(&p->next, 0);
	if (p->threads > 1 && n_units > 1) {
		pthread_mutex_lock(&p->lock);
		p->round++;
		p->open = true;
		pthread_cond_broadcast(&p->begin);
		pthread_mutex_unlock(&p->lock);
		take_units(p, p->worker[0].scratch);
		pthread_mutex_lock(&p->lock);
		p->open = false;
		while (p->at_work > 0)
			pthread_cond_wait(&p->end, &p->lock);
		pthread_mutex_unlock(&p->lock);
	} else {
		take_units(p, p->worker[0].scratch);
	}
	p->running = false;
}
