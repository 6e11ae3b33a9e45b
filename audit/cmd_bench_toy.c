#include "cmd_toy.h"

#include "base/log.h"
#include "base/par.h"
#include "base/str.h"
#include "flow/spec.h"
#include "num/gemm.h"

#include <string.h>

/* Crosscoders of several kinds and sizes on worlds of known concepts, the same worlds for all. */

static const struct mode {
	const char *name;
	enum score score;
	bool exclusive; /* has latents of one model only */
	bool exchange, fold;
} modes[] = {
	{ "standard", SCORE_PAPER, false, false, false },
	{ "paper", SCORE_PAPER, true, false, false },
	{ "balanced", SCORE_BALANCED, true, false, false },
	{ "unfolded", SCORE_LENGTH, true, true, false },
	{ "exchanged", SCORE_LENGTH, true, true, true },
	{ "exchanged-paper", SCORE_PAPER, true, true, true },
};

size_t toy_exclusive(const struct bench_opts *o)
{
	return o->concepts / 40;
}

size_t toy_k(const struct bench_opts *o)
{
	return o->k ? o->k : (size_t)(o->active + 0.5);
}

int toy_mode(size_t *out, struct view name)
{
	for (*out = 0; *out < sizeof(modes) / sizeof(*modes); (*out)++)
		if (view_is(name, modes[*out].name))
			return 0;
	return -1;
}

const char *toy_mode_name(size_t mode)
{
	return modes[mode].name;
}

/* The parts of a list parted by commas. */
static bool next_part(struct view *rest, struct view *part)
{
	const char *comma = rest->n > 0 ? memchr(rest->p, ',', rest->n) : NULL;

	if (rest->n == 0)
		return false;
	part->p = rest->p;
	part->n = comma ? (size_t)(comma - rest->p) : rest->n;
	rest->p += part->n + (comma != NULL);
	rest->n -= part->n + (comma != NULL);
	return true;
}

static int read_cells(struct toy_run *r, struct err *e)
{
	struct view sizes = view_of(r->o->sizes), names, part;
	uint64_t width;

	while (next_part(&sizes, &part)) {
		if (!view_u64(&width, part) || width < 20 || width > 10000000)
			return err_set(e, ERR_USAGE, "--sizes: \"%.*s\" is no number from 20 to 10000000",
				       (int)part.n, part.p);
		names = view_of(r->o->modes);
		while (next_part(&names, &part)) {
			struct toy_cell *c = &r->cell[r->n];

			if (r->n == TOY_MOST_RUNS)
				return err_set(e, ERR_USAGE, "more than %d sizes times modes", TOY_MOST_RUNS);
			if (toy_mode(&c->mode, part) < 0)
				return err_set(
					e, ERR_USAGE,
					"--modes: \"%.*s\" is none of standard, paper, balanced, unfolded, exchanged, exchanged-paper",
					(int)part.n, part.p);
			c->width = (size_t)width;
			c->of = ARENA_ARRAY(r->call->mem, r->o->seeds, struct toy_result);
			r->n++;
		}
	}
	return 0;
}

/* What a spec has that says nothing of training. */
static struct train_opts spec_defaults(struct arena *mem)
{
	const struct yaml nothing = { .kind = YAML_MAP };
	struct problems none = { .n = 0 };
	struct train_opts t;

	field_read(&t, field_find(spec_fields, "train")->inner, &nothing, mem, &none);
	return t;
}

static struct train_opts train_opts_of(const struct toy_run *r, size_t mode, size_t seed)
{
	const struct bench_opts *o = r->o;
	struct train_opts t = train_defaults();

	t.steps = (size_t)(o->pairs / (double)o->batch) + 1;
	t.batch = o->batch;
	t.warmup = t.exchange_every = t.steps / 20 + 1;
	t.k = toy_k(o);
	t.k_start = TOY_K_TIMES * toy_k(o);
	t.k_anneal = t.steps / 5;
	t.lr = o->lr;
	t.dead_after = (size_t)(o->pairs / 50.0) + 1;
	t.threshold_decay = 0.99;
	t.threshold_from = t.steps / 2;
	t.score = modes[mode].score;
	if (modes[mode].exchange) {
		t.promote = r->spec.promote;
		t.demote = r->spec.demote;
		t.reseed = r->spec.reseed;
	}
	if (modes[mode].fold)
		t.fold = r->spec.fold;
	t.seed = seed;
	return t;
}

static size_t own_latents(const struct toy_run *r, size_t width)
{
	return (size_t)((double)width * r->o->exclusive + 0.5);
}

static int train_one(struct toy_run *r, struct toy_cell *c, struct toy *toy, size_t seed, struct err *e)
{
	struct train_opts o = train_opts_of(r, c->mode, seed);
	struct train_data data = toy_data(toy);
	size_t d = r->o->d, own = modes[c->mode].exclusive ? own_latents(r, c->width) : 0;
	struct dfc_shape shape = { d, d, own, c->width - 2 * own, own };
	struct toy_result *to = &c->of[seed - 1];
	struct train_stats stats;
	struct trainer *t = NULL;
	struct toy_score s, aside;
	double start = log_clock();
	int rc = trainer_new(&t, &shape, &o, &data, r->par, e);

	for (size_t i = 0; rc == 0 && i < o.steps; i++) {
		rc = trainer_step(t, &stats, e);
		log_progress("bench toy", i + 1, o.steps, modes[c->mode].name);
	}
	to->seconds = log_clock() - start;
	if (rc == 0 &&
	    (rc = toy_measure(&s, &aside, toy, trainer_dict(t), own_latents(r, c->width), r->par, e)) == 0) {
		const double got[TOY_FIGURES] = {
			s.exclusive,	       s.exclusive_any, s.shared,	    s.shared_half,
			(double)s.flagged,     s.flagged_true,	s.flagged_shared,   s.flagged_nothing,
			aside.exclusive,       aside.shared,	aside.flagged_true, aside.flagged_shared,
			aside.flagged_nothing, s.heldout.fve
		};

		memcpy(to->value, got, sizeof(got));
		to->done = true;
		rc = toy_file_write(r, e);
	}
	trainer_free(t);
	return rc;
}

/* One world: what is not done yet of it. */
static int run_seed(struct toy_run *r, size_t seed, struct err *e)
{
	struct toy_opts o = toy_defaults();
	struct toy *toy = NULL;
	int rc = 0;

	o.concepts = r->o->concepts;
	o.d = r->o->d;
	o.exclusive = toy_exclusive(r->o);
	o.rows = r->o->rows;
	o.active = r->o->active;
	o.seed = seed;
	for (size_t i = 0; rc == 0 && i < r->n; i++) {
		if (r->cell[i].of[seed - 1].done)
			continue;
		if (!toy)
			rc = toy_new(&toy, &o, r->par, e);
		if (rc == 0)
			rc = train_one(r, &r->cell[i], toy, seed, e);
	}
	toy_free(toy);
	return rc;
}

int bench_toy(const struct call *c, const struct bench_opts *o, struct err *e)
{
	struct toy_run r = { .call = c, .o = o, .spec = spec_defaults(c->mem) };
	int rc = -1;

	if (o->table && !o->out)
		return err_set(e, ERR_USAGE, "--table prints what a file holds: --out names it");
	if (read_cells(&r, e) == 0 && toy_file_read(&r, e) == 0 && gemm_setup(NULL, e) == 0 &&
	    par_new(&r.par, call_threads(c, o->threads), GEMM_SCRATCH, e) == 0)
		rc = 0;
	for (size_t seed = 1; rc == 0 && seed <= o->seeds && !o->table; seed++)
		rc = run_seed(&r, seed, e);
	if (rc == 0)
		(o->json ? toy_print_json : toy_print)(&r);
	par_free(r.par);
	return rc;
}
