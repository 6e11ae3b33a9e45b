#include "cmd_bench.h"

#include "base/log.h"
#include "base/par.h"
#include "base/str.h"
#include "num/gemm.h"

#include <string.h>

/*
 * Greedy steps: many sequences together, one of them alone, and between them a prefill and a copy of memory, all on the
 * same threads.  The prefilled text is long enough to reach the rate of a harvest, however short the context of the
 * steps; its first tokens are their context.  Every step begins at the same place: the sequences go back.
 */

enum { FEED_ROWS = 512, COPY_FLOATS = 1 << 25, COPY_UNIT = 1 << 18 };

struct run {
	const struct bench_opts *o;
	struct bench_model b;
	const struct arch *a;
	size_t text;	    /* tokens of the prefill, at least the context */
	int32_t *id, *next; /* (text), (sequences) */
	uint32_t *seq;	    /* (sequences) 0, 1, ... */
	float *from, *to;   /* (COPY_FLOATS) */
	double *prefill, *many, *one, *copy, *share, *of_memory; /* (steps) */
};

static void copy_unit(void *ud, size_t unit, void *scratch)
{
	struct run *r = ud;

	(void)scratch;
	memcpy(r->to + unit * COPY_UNIT, r->from + unit * COPY_UNIT, COPY_UNIT * sizeof(float));
}

/* Bytes a second, those read and those written. */
static double time_copy(struct run *r)
{
	double start = log_clock();

	par_run(r->b.par, COPY_FLOATS / COPY_UNIT, copy_unit, r);
	return 2.0 * COPY_FLOATS * sizeof(float) / (log_clock() - start);
}

/* One greedy step of the first n sequences: tokens a second. */
static int time_step(double *rate, struct run *r, size_t n, struct err *e)
{
	double start;

	for (size_t i = 0; i < n; i++) {
		session_rewind(r->b.session, (uint32_t)i, r->o->context);
		r->next[i] = r->id[i % r->o->context];
	}
	start = log_clock();
	if (session_feed(r->b.session, r->next, r->seq, n, SIZE_MAX, (struct taps){ NULL, 0 }, e) < 0)
		return -1;
	session_argmax(r->b.session, r->next, r->seq, n);
	*rate = (double)n / (log_clock() - start);
	return 0;
}

static int time_prefill(double *rate, struct run *r, struct err *e)
{
	double start = log_clock();

	if (bench_prompt(&r->b, r->id, r->text, SIZE_MAX, (struct taps){ NULL, 0 }, e) < 0)
		return -1;
	*rate = (double)r->text / (log_clock() - start);
	return 0;
}

static int measure(struct run *r, struct err *e)
{
	double bytes = bench_token_bytes(r->b.model), cold;

	if (time_prefill(&cold, r, e) < 0)
		return -1;
	for (size_t i = 1; i < r->o->sequences; i++)
		session_fork(r->b.session, (uint32_t)i, 0, 0);
	for (size_t i = 0; i < BENCH_WARM_UP; i++)
		if (time_step(&cold, r, r->o->sequences, e) < 0 || time_step(&cold, r, 1, e) < 0)
			return -1;
	time_copy(r);
	for (size_t i = 0; i < r->o->steps; i++) {
		if (time_prefill(&r->prefill[i], r, e) < 0 ||
		    time_step(&r->many[i], r, r->o->sequences, e) < 0)
			return -1;
		r->copy[i] = time_copy(r);
		if (time_step(&r->one[i], r, 1, e) < 0)
			return -1;
		r->share[i] = r->many[i] / r->prefill[i];
		r->of_memory[i] = r->one[i] * bytes / r->copy[i];
		log_progress("bench decode", i + 1, r->o->steps, NULL);
	}
	return 0;
}

static void write_json(const struct run *r, const char *dir)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	size_t n = r->o->steps;

	json_open(&j, NULL, '{');
	json_puts(&j, "model", dir);
	json_puts(&j, "family", r->a->family);
	json_put_size(&j, "parameters", model_parameters(r->b.model));
	json_put_size(&j, "sequences", r->o->sequences);
	json_put_size(&j, "context", r->o->context);
	json_put_size(&j, "prefill_tokens", r->text);
	json_put_size(&j, "threads", par_threads(r->b.par));
	json_put_size(&j, "steps", n);
	json_puts(&j, "backend", gemm_backend());
	json_puts(&j, "kernels", gemm_machine());
	bench_put(&j, "together_tokens_per_second", bench_quartiles(r->many, n));
	bench_put(&j, "prefill_tokens_per_second", bench_quartiles(r->prefill, n));
	bench_put(&j, "share_of_prefill", bench_quartiles(r->share, n));
	bench_put(&j, "alone_tokens_per_second", bench_quartiles(r->one, n));
	json_put_real(&j, "weight_bytes_per_token", bench_token_bytes(r->b.model));
	bench_put(&j, "copy_bytes_per_second", bench_quartiles(r->copy, n));
	bench_put(&j, "alone_share_of_copy", bench_quartiles(r->of_memory, n));
	json_put_size(&j, "peak_rss_bytes", mem_peak_rss());
	json_close(&j, '}');
	print_json(&text);
}

/* The rest of a row that began with what it is of; bytes: weights read for a token of it. */
static void print_rates(const double *rate, size_t n, double bytes)
{
	struct interval v = bench_quartiles(rate, n);

	printf(" | %.1f | %.1f | %.1f | %.2f |\n", v.mean, v.lo, v.hi, v.mean * bytes * 1e-9);
}

static void print_markdown(const struct run *r, const char *dir)
{
	size_t n = r->o->steps;
	double bytes = bench_token_bytes(r->b.model);
	struct interval share = bench_quartiles(r->share, n), memory = bench_quartiles(r->of_memory, n),
			copy = bench_quartiles(r->copy, n);

	printf("%s: %s, %.1f M parameters; context %zu, %u threads, %zu steps, %s (%s).\n\n", dir,
	       r->a->family, (double)model_parameters(r->b.model) * 1e-6, r->o->context,
	       par_threads(r->b.par), n, gemm_backend(), gemm_machine());
	printf("| tokens a second | median | lower quartile | upper quartile | GB/s of weights |\n"
	       "|---|--:|--:|--:|--:|\n");
	printf("| %zu sequences together", r->o->sequences);
	print_rates(r->many, n, bytes / (double)r->o->sequences);
	printf("| one sequence alone");
	print_rates(r->one, n, bytes);
	printf("| prefill of %zu tokens", r->text);
	print_rates(r->prefill, n, bytes / (double)r->text);
	printf("\n%zu sequences together reach %.1f %% (%.1f to %.1f) of the prefill's rate at context %zu.\n",
	       r->o->sequences, 100 * share.mean, 100 * share.lo, 100 * share.hi, r->o->context);
	printf("One alone reads %.1f MB of weights a token: %.1f %% (%.1f to %.1f) of a copy's %.2f GB/s (read and "
	       "written).\nPeak memory %.0f MiB.\n",
	       bytes * 1e-6, 100 * memory.mean, 100 * memory.lo, 100 * memory.hi, copy.mean * 1e-9,
	       (double)mem_peak_rss() / 1048576);
}

static int prepare(struct run *r, const struct call *c, struct err *e)
{
	size_t n = r->o->steps;
	void *block;

	r->a = model_arch(r->b.model);
	r->id = bench_ids(c, r->b.model, "bench.decode", r->text);
	r->next = ARENA_ARRAY(c->mem, r->o->sequences, int32_t);
	r->seq = ARENA_ARRAY(c->mem, r->o->sequences, uint32_t);
	for (size_t i = 0; i < r->o->sequences; i++)
		r->seq[i] = (uint32_t)i;
	r->prefill = ARENA_ARRAY(c->mem, n, double);
	r->many = ARENA_ARRAY(c->mem, n, double);
	r->one = ARENA_ARRAY(c->mem, n, double);
	r->copy = ARENA_ARRAY(c->mem, n, double);
	r->share = ARENA_ARRAY(c->mem, n, double);
	r->of_memory = ARENA_ARRAY(c->mem, n, double);
	if (mem_reserve(&block, 2 * (size_t)COPY_FLOATS, sizeof(float), "the memory that is copied", e) < 0)
		return -1;
	r->from = block;
	r->to = r->from + COPY_FLOATS;
	memset(r->from, 1, COPY_FLOATS * sizeof(float)); /* pages of its own, not the one of zeros */
	return 0;
}

int bench_decode(const struct call *c, const struct bench_opts *o, struct err *e)
{
	struct run r = { .o = o, .text = o->context > FEED_ROWS ? o->context : FEED_ROWS };
	struct session_opts plan = { o->sequences, r.text + 1,
				     o->sequences > FEED_ROWS ? o->sequences : FEED_ROWS };
	int rc;

	rc = bench_open(&r.b, c, o, &plan, e);
	if (rc == 0)
		rc = prepare(&r, c, e);
	if (rc == 0)
		rc = measure(&r, e);
	if (rc == 0)
		(o->json ? write_json : print_markdown)(&r, c->operand[1]);
	mem_free(r.from);
	bench_close(&r.b);
	return rc;
}
