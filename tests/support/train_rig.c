#include "tests/support/train_rig.h"

#include "base/mem.h"
#include "base/rng.h"
#include "num/gemm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const struct dfc_shape train_rig_shape = { WIDTH_A, WIDTH_B, 6, 52, 7 };

static int read_rows(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	struct source *s = ud;

	(void)e;
	for (size_t i = 0; i < n; i++) {
		assert_true(row[i] < ROWS);
		memcpy(xa + i * WIDTH_A, s->a + row[i] * WIDTH_A, WIDTH_A * sizeof(float));
		memcpy(xb + i * WIDTH_B, s->b + row[i] * WIDTH_B, WIDTH_B * sizeof(float));
	}
	return 0;
}

static void add_concept(float *x, size_t d, struct rng r, float amplitude)
{
	for (size_t c = 0; c < d; c++)
		x[c] += amplitude * (float)rng_normal(r, c);
}

void source_fill(struct source *s)
{
	struct rng r = rng_stream(1, "test.rows", 0);

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < ROWS; i++) {
		float length = i % 23 == 5 ? 40.0f : 1.0f;

		for (size_t j = 0; j < 4; j++) {
			size_t k = rng_below(r, i * 8 + j, CONCEPTS);
			float amplitude = length * (float)(0.2 + rng_unit(r, i * 8 + 4 + j));

			add_concept(s->a + i * WIDTH_A, WIDTH_A, rng_stream(1, "concept.a", k), amplitude);
			add_concept(s->b + i * WIDTH_B, WIDTH_B, rng_stream(1, "concept.b", k), amplitude);
		}
		s->weight[i] = i % 7 == 0 ? 1.0 + (double)(i % 3) : 0.0;
	}
}

struct train_data source_data(struct source *s)
{
	return (struct train_data){ .n_rows = ROWS, .weight = s->weight, .read = read_rows, .ud = s };
}

struct train_opts train_rig_opts(void)
{
	struct train_opts o = train_defaults();

	o.steps = 60;
	o.batch = 96;
	o.warmup = 5;
	o.k = 4;
	o.k_start = 9;
	o.k_anneal = 20;
	o.lr = 3e-3;
	o.aux_k = 6;
	o.dead_after = 300;
	o.threshold_decay = 0.9;
	o.threshold_from = 12;
	o.enrich = 0.25;
	o.seed = 42;
	return o;
}

void train_rig_new(struct train_rig *g, const struct dfc_shape *s, const struct train_opts *o,
		   unsigned threads)
{
	struct err e = ERR_INIT;

	source_fill(&g->source);
	g->data = source_data(&g->source);
	g->opts = *o;
	if (par_new(&g->par, threads, GEMM_SCRATCH, &e) < 0 ||
	    trainer_new(&g->t, s, o, &g->data, g->par, &e) < 0)
		fail_msg("%s", e.msg);
}

void train_rig_free(struct train_rig *g)
{
	trainer_free(g->t);
	par_free(g->par);
}

void train_rig_run(struct train_rig *g, size_t n)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		if (trainer_step(g->t, &g->stats, &e) < 0)
			fail_msg("%s", e.msg);
}
