#include "cmd_bench.h"

#include "base/log.h"
#include "base/par.h"
#include "base/str.h"
#include "dict/toy.h"
#include "num/gemm.h"
#include "num/stats.h"

#include <string.h>

/* Crosscoders of several kinds and sizes on worlds of known concepts, the same worlds for all. */

enum mode { MODE_STANDARD, MODE_PAPER, MODE_BALANCED };
static const char *const mode_names[] = { "standard", "paper", "balanced", NULL };

enum { FIGURES = 8, MOST_RUNS = 64 };
static const struct {
	const char *key, *head;
} figure[FIGURES] = {
	{ "recall_exclusive", "exclusive recalled" }, { "recall_exclusive_by_any", "by any latent" },
	{ "recall_shared", "shared recalled" },	      { "flagged", "exclusive latents alive" },
	{ "flagged_true", "of these true" },	      { "flagged_shared", "a shared concept" },
	{ "flagged_nothing", "no concept" },	      { "fve", "FVE" },
};

/* One row of the table: a kind of crosscoder at a size. */
struct cell {
	enum mode mode;
	size_t width;
	double *value[FIGURES]; /* (seeds) */
	double seconds;		/* of training, all seeds */
};

struct toy_run {
	const struct call *call;
	const struct bench_opts *o;
	struct par *par;
	struct cell cell[MOST_RUNS];
	size_t n;
};

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

static int read_mode(enum mode *out, struct view v, struct err *e)
{
	for (size_t i = 0; mode_names[i]; i++)
		if (view_is(v, mode_names[i])) {
			*out = (enum mode)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "--modes: \"%.*s\" is none of standard, paper, balanced", (int)v.n, v.p);
}

static int read_cells(struct toy_run *r, struct err *e)
{
	struct view sizes = view_of(r->o->sizes), modes, part;
	uint64_t width;

	while (next_part(&sizes, &part)) {
		if (!view_u64(&width, part) || width < 20 || width > 10000000)
			return err_set(e, ERR_USAGE, "--sizes: \"%.*s\" is no number from 20 to 10000000",
				       (int)part.n, part.p);
		modes = view_of(r->o->modes);
		while (next_part(&modes, &part)) {
			struct cell *c = &r->cell[r->n];

			if (r->n == MOST_RUNS)
				return err_set(e, ERR_USAGE, "more than %d sizes times modes", MOST_RUNS);
			if (read_mode(&c->mode, part, e) < 0)
				return -1;
			c->width = (size_t)width;
			for (size_t i = 0; i < FIGURES; i++)
				c->value[i] = ARENA_ARRAY(r->call->mem, r->o->seeds, double);
			r->n++;
		}
	}
	return 0;
}

static struct train_opts train_opts_of(const struct toy_run *r, enum mode mode, size_t seed)
{
	const struct bench_opts *o = r->o;
	size_t steps = (size_t)(o->pairs / (double)o->batch) + 1;

	return (struct train_opts){
		.steps = steps,
		.batch = o->batch,
		.warmup = steps / 20 + 1,
		.k = o->k ? o->k : (size_t)(o->active + 0.5),
		.lr = o->lr,
		.beta1 = 0.9,
		.beta2 = 0.999,
		.adam_eps = 1e-8,
		.grad_clip = 1.0,
		.aux_weight = 0.03,
		.dead_after = (size_t)(o->pairs / 20.0) + 1,
		.outlier = 2.0,
		.threshold_decay = 0.99,
		.threshold_from = steps / 2,
		.init_norm = 0.4,
		.score = mode == MODE_BALANCED ? SCORE_BALANCED : SCORE_PAPER,
		.seed = seed,
	};
}

static int train_one(struct toy_run *r, struct cell *c, struct toy *toy, size_t seed, struct err *e)
{
	struct train_opts o = train_opts_of(r, c->mode, seed);
	struct train_data data = toy_data(toy);
	size_t own = c->mode == MODE_STANDARD ? 0 : (size_t)((double)c->width * r->o->exclusive + 0.5);
	size_t d = toy_defaults().d;
	struct dfc_shape shape = { d, d, own, c->width - 2 * own, own };
	struct train_stats stats;
	struct trainer *t = NULL;
	struct toy_score s;
	double start = log_clock();
	int rc = trainer_new(&t, &shape, &o, &data, r->par, e);

	for (size_t i = 0; rc == 0 && i < o.steps; i++) {
		rc = trainer_step(t, &stats, e);
		log_progress("bench toy", i + 1, o.steps, mode_names[c->mode]);
	}
	c->seconds += log_clock() - start;
	if (rc == 0 && (rc = toy_measure(&s, toy, trainer_dict(t), r->par, e)) == 0) {
		const double got[FIGURES] = { s.exclusive,	 s.exclusive_any, s.shared,
					      (double)s.flagged, s.flagged_true,  s.flagged_shared,
					      s.flagged_nothing, s.heldout.fve };

		for (size_t i = 0; i < FIGURES; i++)
			c->value[i][seed - 1] = got[i];
	}
	trainer_free(t);
	return rc;
}

static int run_all(struct toy_run *r, struct err *e)
{
	for (size_t seed = 1; seed <= r->o->seeds; seed++) {
		struct toy_opts o = toy_defaults();
		struct toy *toy;
		int rc = 0;

		o.concepts = r->o->concepts;
		o.exclusive = r->o->concepts / 40;
		o.rows = r->o->rows;
		o.active = r->o->active;
		o.seed = seed;
		if (toy_new(&toy, &o, r->par, e) < 0)
			return -1;
		for (size_t i = 0; rc == 0 && i < r->n; i++)
			rc = train_one(r, &r->cell[i], toy, seed, e);
		toy_free(toy);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static double standard_error(const double *x, size_t n)
{
	return stats_sd(x, n) / __builtin_sqrt((double)n);
}

static void print_markdown(const struct toy_run *r)
{
	printf("%zu concepts, %zu of each model's own, about %g on a row; %g pairs a training, batch %zu, "
	       "learning rate %g; "
	       "means and standard errors of %zu worlds.\n\n| crosscoder | latents |",
	       r->o->concepts, r->o->concepts / 40, r->o->active, r->o->pairs, r->o->batch, r->o->lr,
	       r->o->seeds);
	for (size_t i = 0; i < FIGURES; i++)
		printf(" %s |", figure[i].head);
	printf(" seconds |\n|---|--:|");
	for (size_t i = 0; i <= FIGURES; i++)
		printf("--:|");
	printf("\n");
	for (size_t k = 0; k < r->n; k++) {
		const struct cell *c = &r->cell[k];

		printf("| %s | %zu |", mode_names[c->mode], c->width);
		for (size_t i = 0; i < FIGURES; i++)
			printf(" %.3f ± %.3f |", stats_mean(c->value[i], r->o->seeds),
			       standard_error(c->value[i], r->o->seeds));
		printf(" %.0f |\n", c->seconds / (double)r->o->seeds);
	}
}

static void write_json(const struct toy_run *r)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);

	json_open(&j, NULL, '{');
	json_put_size(&j, "concepts", r->o->concepts);
	json_put_size(&j, "exclusive", r->o->concepts / 40);
	json_put_real(&j, "active", r->o->active);
	json_put_real(&j, "pairs", r->o->pairs);
	json_put_size(&j, "batch", r->o->batch);
	json_put_real(&j, "lr", r->o->lr);
	json_put_size(&j, "seeds", r->o->seeds);
	json_open(&j, "crosscoders", '[');
	for (size_t k = 0; k < r->n; k++) {
		const struct cell *c = &r->cell[k];

		json_open(&j, NULL, '{');
		json_puts(&j, "mode", mode_names[c->mode]);
		json_put_size(&j, "latents", c->width);
		json_put_real(&j, "seconds", c->seconds / (double)r->o->seeds);
		for (size_t i = 0; i < FIGURES; i++) {
			json_open(&j, figure[i].key, '{');
			json_put_real(&j, "mean", stats_mean(c->value[i], r->o->seeds));
			json_put_real(&j, "standard_error", standard_error(c->value[i], r->o->seeds));
			json_close(&j, '}');
		}
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	print_json(&text);
}

int bench_toy(const struct call *c, const struct bench_opts *o, struct err *e)
{
	struct toy_run r = { .call = c, .o = o };
	int rc = -1;

	if (read_cells(&r, e) == 0 && gemm_setup(NULL, e) == 0 &&
	    par_new(&r.par, call_threads(c, o->threads), GEMM_SCRATCH, e) == 0)
		rc = run_all(&r, e);
	if (rc == 0)
		(o->json ? write_json : print_markdown)(&r);
	par_free(r.par);
	return rc;
}
