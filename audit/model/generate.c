#include "model/generate.h"

#include "num/fmath.h"

#include <string.h>

enum { SAMPLE_ROWS = 16 }; /* rows of logits at a time */

/* A wave: prompts first .. first+n-1 in places 0 .. n-1. */
struct wave {
	struct session *session;
	const struct prompt *prompt;
	struct continuation *out;
	const struct generate_opts *opts;
	struct taps taps;
	struct session_opts plan;
	size_t first, n, n_vocab;
	bool *active;  /* (n) still being continued */
	int32_t *next; /* (n) the token that follows, not yet fed */
	/* A feed. */
	int32_t *id; /* (max_rows) and the next */
	uint32_t *seq;
	size_t rows;
	/* The rows whose next token is wanted: places and row numbers. */
	uint32_t *place, *last; /* (max_rows) */
	int32_t *chosen;
	size_t n_last;
	float *logits; /* (SAMPLE_ROWS, n_vocab), where sampled */
};

/* The sum of the weights that are not below the one with these bits; positive floats are in the order of their bits. */
static double weight_from(const float *x, size_t n, uint32_t bits)
{
	double sum = 0;
	float least;

	memcpy(&least, &bits, sizeof(least));
	for (size_t i = 0; i < n; i++)
		sum += x[i] >= least ? (double)x[i] : 0;
	return sum;
}

/* Leaves only the largest weights that have `share` of the sum together; of equal ones, the first. The largest is 1. */
static void nucleus(float *x, size_t n, double share)
{
	const float one = 1;
	double want = share * weight_from(x, n, 0), have;
	uint32_t lo = 0, hi;
	float least;

	memcpy(&hi, &one, sizeof(hi));
	while (lo < hi) {
		uint32_t mid = hi - (hi - lo) / 2;

		if (weight_from(x, n, mid) >= want)
			lo = mid;
		else
			hi = mid - 1;
	}
	memcpy(&least, &lo, sizeof(least));
	have = weight_from(x, n, lo + 1);
	for (size_t i = 0; i < n; i++) {
		if (x[i] < least || (x[i] == least && have >= want))
			x[i] = 0;
		else if (x[i] == least)
			have += (double)x[i];
	}
}

/* The first token at which the cumulated weights exceed `unit` of their sum. */
static int32_t sample(float *x, size_t n, const struct generate_opts *o, double unit)
{
	float top = x[0];
	double sum = 0, upto = 0;

	for (size_t i = 1; i < n; i++)
		top = x[i] > top ? x[i] : top;
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(((double)x[i] - (double)top) / o->temperature);
	fm_exp_n(x, x, n);
	if (o->top_p > 0 && o->top_p < 1)
		nucleus(x, n, o->top_p);
	for (size_t i = 0; i < n; i++)
		sum += (double)x[i];
	for (size_t i = 0; i < n; i++) {
		upto += (double)x[i];
		if (upto > unit * sum)
			return (int32_t)i;
	}
	return (int32_t)(n - 1);
}

static void sample_rows(struct wave *w)
{
	for (size_t i = 0; i < w->n_last; i += SAMPLE_ROWS) {
		size_t m = w->n_last - i < SAMPLE_ROWS ? w->n_last - i : SAMPLE_ROWS;

		session_logits(w->session, w->logits, w->last + i, m);
		for (size_t j = 0; j < m; j++) {
			uint32_t place = w->place[i + j];
			struct rng r =
				rng_stream(w->opts->seed, "generate", w->opts->number + w->first + place);
			double unit = rng_unit(r, session_position(w->session, place));

			w->chosen[i + j] = sample(w->logits + j * w->n_vocab, w->n_vocab, w->opts, unit);
		}
	}
}

static bool is_stop(const struct generate_opts *o, int32_t id)
{
	for (size_t i = 0; i < o->n_stop; i++)
		if (o->stop[i] == id)
			return true;
	return false;
}

/* A token was chosen for a place: it ends there, or goes on. */
static void take(struct wave *w, uint32_t place, int32_t id)
{
	struct continuation *c = &w->out[w->first + place];

	w->active[place] = false;
	if (is_stop(w->opts, id)) {
		c->stopped_by = id;
		return;
	}
	c->id[c->n++] = id;
	w->next[place] = id;
	w->active[place] =
		c->n < w->opts->max_tokens && session_position(w->session, place) < w->plan.max_context;
}

/* Feeds the rows gathered, and continues the places whose last row is among them. */
static int flush(struct wave *w, struct err *e)
{
	if (!w->rows)
		return 0;
	if (session_feed(w->session, w->id, w->seq, w->rows, SIZE_MAX, w->taps, e) < 0)
		return -1;
	if (w->opts->temperature > 0)
		sample_rows(w);
	else if (w->n_last)
		session_argmax(w->session, w->chosen, w->last, w->n_last);
	for (size_t i = 0; i < w->n_last; i++)
		take(w, w->place[i], w->chosen[i]);
	w->rows = w->n_last = 0;
	return 0;
}

static int row_add(struct wave *w, uint32_t place, int32_t id, bool last, struct err *e)
{
	w->id[w->rows] = id;
	w->seq[w->rows] = place;
	if (last) {
		w->place[w->n_last] = place;
		w->last[w->n_last++] = (uint32_t)w->rows;
	}
	return ++w->rows == w->plan.max_rows ? flush(w, e) : 0;
}

static int prefill(struct wave *w, struct err *e)
{
	for (uint32_t place = 0; place < w->n; place++) {
		const struct prompt *p = &w->prompt[w->first + place];

		for (size_t i = 0; i < p->n; i++)
			if (row_add(w, place, p->id[i], i + 1 == p->n, e) < 0)
				return -1;
	}
	return flush(w, e);
}

/* One token for each place that is active when the step begins. */
static int step(bool *any, struct wave *w, struct err *e)
{
	*any = false;
	for (uint32_t place = 0; place < w->n; place++) {
		if (!w->active[place])
			continue;
		*any = true;
		if (row_add(w, place, w->next[place], true, e) < 0)
			return -1;
	}
	return flush(w, e);
}

static int wave_run(struct wave *w, struct err *e)
{
	bool any = true;

	for (uint32_t place = 0; place < w->plan.max_seqs; place++)
		session_rewind(w->session, place, 0);
	if (prefill(w, e) < 0)
		return -1;
	while (any)
		if (step(&any, w, e) < 0)
			return -1;
	return 0;
}

static int prompts_check(const struct session *s, const struct prompt *prompt, size_t n,
			 const struct generate_opts *o, struct err *e)
{
	size_t context = session_plan(s).max_context, vocab = model_arch(session_model(s))->n_vocab;

	if (!(o->temperature >= 0 && o->temperature <= 1e6))
		return err_set(e, ERR_USAGE, "a temperature of %g; it must be 0 (greedy) or positive",
			       o->temperature);
	for (size_t i = 0; i < n; i++) {
		if (!prompt[i].n)
			return err_set(e, ERR_INPUT, "prompt %zu is empty", i);
		if (prompt[i].n > context)
			return err_set(e, ERR_INPUT,
				       "prompt %zu has %zu tokens, more than the context of %zu", i,
				       prompt[i].n, context);
		for (size_t j = 0; j < prompt[i].n; j++)
			if (prompt[i].id[j] < 0 || (size_t)prompt[i].id[j] >= vocab)
				return err_set(
					e, ERR_INPUT,
					"prompt %zu: token %d is outside the model's vocabulary of %zu", i,
					prompt[i].id[j], vocab);
	}
	return 0;
}

static void wave_new(struct wave *w, struct arena *work)
{
	size_t rows = w->plan.max_rows;

	w->active = ARENA_ARRAY(work, w->plan.max_seqs, bool);
	w->next = ARENA_ARRAY(work, w->plan.max_seqs, int32_t);
	w->id = ARENA_ARRAY(work, rows, int32_t);
	w->seq = ARENA_ARRAY(work, rows, uint32_t);
	w->place = ARENA_ARRAY(work, rows, uint32_t);
	w->last = ARENA_ARRAY(work, rows, uint32_t);
	w->chosen = ARENA_ARRAY(work, rows, int32_t);
	if (w->opts->temperature > 0)
		w->logits = arena_alloc(work, SAMPLE_ROWS * w->n_vocab, sizeof(*w->logits));
}

int generate(struct continuation *out, struct arena *mem, struct session *s, const struct prompt *prompt,
	     size_t n, struct taps taps, size_t *first, const struct generate_opts *o, struct err *e)
{
	struct wave w = { .session = s,
			  .prompt = prompt,
			  .out = out,
			  .opts = o,
			  .taps = taps,
			  .plan = session_plan(s),
			  .n_vocab = model_arch(session_model(s))->n_vocab };
	struct arena work = ARENA_INIT;
	int ret = 0;

	if (prompts_check(s, prompt, n, o, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t room = w.plan.max_context - prompt[i].n + 1;

		out[i] = (struct continuation){ .stopped_by = -1 };
		out[i].id = ARENA_ARRAY(mem, room < o->max_tokens ? room : o->max_tokens, int32_t);
	}
	wave_new(&w, &work);
	for (w.first = 0; o->max_tokens && w.first < n && !ret; w.first += w.n) {
		w.n = n - w.first < w.plan.max_seqs ? n - w.first : w.plan.max_seqs;
		if (first)
			*first = w.first;
		ret = wave_run(&w, e);
	}
	arena_release(&work);
	return ret;
}
