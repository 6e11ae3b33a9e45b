#include "base/hash.h"
#include "base/rng.h"
#include "dict/aux.h"
#include "dict/encode.h"
#include "dict/grad.h"
#include "num/gemm.h"
#include "tests/support/naive_dfc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The sparse step against dense loops in double, and those against finite differences. */

struct shape_case {
	const char *name;
	struct dfc_shape shape;
	enum score score;
	size_t n, want, dead, aux_k; /* every dead-th latent that is off counts as dead; 0: none */
};

static const struct shape_case cases[] = {
	{ "balanced", { 20, 36, 3, 10, 4 }, SCORE_BALANCED, 37, 37 * 4, 0, 0 },
	{ "paper score", { 20, 36, 3, 10, 4 }, SCORE_PAPER, 37, 37 * 4, 0, 0 },
	{ "standard crosscoder", { 33, 7, 0, 24, 0 }, SCORE_BALANCED, 50, 50 * 3, 0, 0 },
	{ "nothing shared", { 16, 16, 5, 0, 6 }, SCORE_BALANCED, 20, 20 * 2, 0, 0 },
	{ "one of each", { 1, 1, 1, 1, 1 }, SCORE_BALANCED, 3, 3, 0, 0 },
	{ "wants more than is positive", { 8, 8, 2, 4, 2 }, SCORE_BALANCED, 10, 80, 0, 0 },
	{ "wants nothing", { 8, 8, 2, 4, 2 }, SCORE_BALANCED, 10, 0, 0, 0 },
	{ "aux takes all dead", { 20, 36, 13, 30, 14 }, SCORE_BALANCED, 37, 9, 1, 1000 },
	{ "aux takes some", { 20, 36, 13, 30, 14 }, SCORE_BALANCED, 37, 9, 1, 6 },
	{ "aux with the paper's score", { 20, 36, 13, 30, 14 }, SCORE_PAPER, 37, 9, 2, 3 },
	{ "tiles with edges", { 24, 40, 100, 900, 77 }, SCORE_BALANCED, 300, 300 * 2, 0, 0 },
	{ "length", { 20, 36, 3, 10, 4 }, SCORE_LENGTH, 37, 37 * 4, 0, 0 },
};

static struct par *par_of(unsigned threads)
{
	struct err e = ERR_INIT;
	struct par *p;

	if (par_new(&p, threads, GEMM_SCRATCH, &e) < 0)
		fail_msg("%s", e.msg);
	return p;
}

/* One forward and backward, as the trainer does it, in memory of its own. */
struct rig {
	struct dfc d;
	struct par *par;
	float *xa, *xb;
	double *wide_xa, *wide_xb, *wide_param;
	struct encoder encoder;
	struct cut cut;
	struct codes kept;
	struct by_latent on;
	struct residual res;
	struct moments moments;
	struct aux aux;
	struct grad grad;
	bool *dead;
	void *block;
};

static void rig_carve(struct rig *g, struct carve *room, const struct shape_case *c)
{
	size_t k = dfc_latents(&c->shape), cap = c->n * k;

	g->xa = carve_take(room, c->n, c->shape.d_a * sizeof(float));
	g->xb = carve_take(room, c->n, c->shape.d_b * sizeof(float));
	g->wide_xa = carve_take(room, c->n, c->shape.d_a * sizeof(double));
	g->wide_xb = carve_take(room, c->n, c->shape.d_b * sizeof(double));
	g->wide_param = carve_take(room, naive_params(&c->shape), sizeof(double));
	encoder_carve(&g->encoder, room, &c->shape, c->n);
	g->kept.start = carve_take(room, c->n + 1, sizeof(size_t));
	g->kept.latent = carve_take(room, cap, sizeof(uint32_t));
	g->kept.value = carve_take(room, cap, sizeof(float));
	by_latent_carve(&g->on, room, k, cap);
	g->res.ra = carve_take(room, c->n, c->shape.d_a * sizeof(float));
	g->res.rb = carve_take(room, c->n, c->shape.d_b * sizeof(float));
	moments_carve(&g->moments, room, &c->shape, c->n);
	aux_carve(&g->aux, room, &c->shape, c->n, c->aux_k);
	g->grad.norm2 = carve_take(room, k, sizeof(double));
	g->dead = carve_take(room, k, sizeof(bool));
}

static void rig_new(struct rig *g, const struct shape_case *c, unsigned threads)
{
	struct rng r = rng_stream(7, c->name, 0);
	struct carve room = CARVE_COUNT;
	struct err e = ERR_INIT;

	*g = (struct rig){ .par = par_of(threads) };
	assert_int_equal(dfc_new(&g->d, &c->shape, &e), 0);
	assert_int_equal(dfc_new(&g->grad.of, &c->shape, &e), 0);
	rig_carve(g, &room, c);
	assert_int_equal(carve_reserve(&room, &g->block, "rig", &e), 0);
	rig_carve(g, &room, c);
	g->d.score = c->score;
	g->encoder.dict = &g->d;
	assert_int_equal(g->d.n_params, naive_params(&c->shape));
	for (size_t i = 0; i < g->d.n_params; i++)
		g->wide_param[i] = (double)(g->d.memory[i] = (float)rng_normal(r, i) * 0.3f);
	for (size_t i = 0; i < c->n * c->shape.d_a; i++)
		g->wide_xa[i] = (double)(g->xa[i] = (float)rng_normal(r, 1u << 28 | i));
	for (size_t i = 0; i < c->n * c->shape.d_b; i++)
		g->wide_xb[i] = (double)(g->xb[i] = (float)rng_normal(r, 1u << 29 | i));
}

static void rig_run(struct rig *g, const struct shape_case *c, float bound)
{
	encoder_weigh(&g->encoder, g->par);
	encoder_run(&g->encoder, g->par, g->xa, g->xb, c->n, bound);
	g->cut = encoder_cut(&g->encoder, g->par, c->want);
	encoder_take(&g->encoder, g->par, &g->cut, &g->kept);
	by_latent_make(&g->on, g->par, &g->kept);
	g->res.ta = g->xa;
	g->res.tb = g->xb;
	g->res.bias = true;
	decode_residual(&g->d, g->par, &g->res, &g->kept, &g->on, &g->moments);
	g->aux.n_dead = 0;
	for (size_t i = 0; c->dead > 0 && i < dfc_latents(&c->shape); i += c->dead)
		if (g->on.start[i + 1] == g->on.start[i]) {
			g->dead[i] = true;
			g->aux.dead[g->aux.n_dead++] = (uint32_t)i;
		}
	aux_run(&g->aux, &g->encoder, g->par, g->res.ra, g->res.rb, &g->moments);
}

static void rig_backward(struct rig *g, const struct shape_case *c, double aux_weight)
{
	struct lesson main = { g->res.ra, g->res.rb, &g->on, 2.0 / (double)c->n };
	struct lesson aux = { g->aux.ra, g->aux.rb, &g->aux.by_latent, aux_weight * g->aux.coef };

	grad_run(&g->grad, &g->d, g->par, g->xa, g->xb, &main, g->aux.coef > 0.0 ? &aux : NULL,
		 g->moments.column);
}

static void rig_free(struct rig *g)
{
	dfc_release(&g->d);
	dfc_release(&g->grad.of);
	mem_free(g->block);
	par_free(g->par);
}

static struct naive_batch naive_of(const struct rig *g, const struct shape_case *c)
{
	return (struct naive_batch){
		.shape = c->shape,
		.score = c->score,
		.n = c->n,
		.xa = g->wide_xa,
		.xb = g->wide_xb,
		.want = c->want,
		.dead = c->dead ? g->dead : NULL,
		.aux_k = c->aux_k,
		.aux_weight = 0.5,
	};
}

static void check_near(const char *name, const char *what, double got, double want, double scale)
{
	double diff = got > want ? got - want : want - got;

	if (!(diff <= 2e-5 * scale))
		fail_msg("%s: %s is %.9g, the naive one %.9g", name, what, got, want);
}

static void check_codes(const char *name, const struct codes *c, const bool *mark, const double *f,
			const char *what)
{
	size_t at = 0;

	for (size_t r = 0; r < c->n; r++)
		for (size_t i = 0; i < c->n_latents; i++) {
			if (!mark[r * c->n_latents + i])
				continue;
			if (at >= c->start[r + 1] || c->latent[at] != i)
				fail_msg("%s: %s: row %zu does not have latent %zu where the naive one has",
					 name, what, r, i);
			check_near(name, what, (double)c->value[at++], f[r * c->n_latents + i], 10.0);
		}
	if (at != c->start[c->n])
		fail_msg("%s: %s: %zu latents kept, the naive one keeps %zu", name, what, c->start[c->n], at);
}

/* Gradient in the places of the parameters; rows of latents that are off are void and must be 0 in the
 * naive one. */
static void check_gradient(const char *name, const struct rig *g, const struct naive_step *s)
{
	const struct dfc_shape *shape = &g->d.shape;
	double most = 1e-12, norm2 = 0.0;
	size_t k = dfc_latents(shape);

	for (size_t i = 0; i < g->d.n_params; i++) {
		most = s->grad[i] > most ? s->grad[i] : -s->grad[i] > most ? -s->grad[i] : most;
		norm2 += s->grad[i] * s->grad[i];
	}
	for (size_t i = 0; i < k; i++)
		for (int part = 0; part < 4; part++) {
			size_t row = naive_row(shape, i, part & 1, part & 2),
			       d = part & 2 ? shape->d_b : shape->d_a;

			for (size_t c = 0; row != SIZE_MAX && c < d; c++)
				check_near(name, "gradient",
					   grad_touches(&g->grad, i) ? (double)g->grad.of.memory[row + c]
								     : 0.0,
					   s->grad[row + c], most);
		}
	for (size_t i = (size_t)(g->d.bias_enc - g->d.memory), end = i + k; i < end; i++)
		check_near(name, "encoder bias gradient",
			   grad_touches(&g->grad, i - (end - k)) ? (double)g->grad.of.memory[i] : 0.0,
			   s->grad[i], most);
	for (size_t i = (size_t)(g->d.bias_a - g->d.memory); i < g->d.n_params; i++)
		check_near(name, "decoder bias gradient", (double)g->grad.of.memory[i], s->grad[i], most);
	check_near(name, "gradient norm", g->grad.norm, __builtin_sqrt(norm2), __builtin_sqrt(norm2));
	assert_true(g->grad.bad == SIZE_MAX);
}

static void test_against_naive(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct shape_case *c = &cases[i];
		struct naive_batch b;
		struct naive_step s;
		struct rig g;

		rig_new(&g, c, 2);
		rig_run(&g, c, 0.0f);
		rig_backward(&g, c, 0.5);
		b = naive_of(&g, c);
		s = naive_step_new(&b);
		naive_step_run(&s, &b, g.wide_param);
		check_codes(c->name, &g.kept, s.kept, s.f, "kept");
		check_near(c->name, "smallest kept score",
			   (double)encoder_smallest(&g.encoder, &g.cut, &g.kept), s.smallest, 10.0);
		check_near(c->name, "loss a", g.moments.sum_a / (double)c->n, s.loss_a, s.loss_a);
		check_near(c->name, "loss b", g.moments.sum_b / (double)c->n, s.loss_b, s.loss_b);
		check_near(c->name, "aux loss", g.aux.loss, s.loss_aux, s.loss_aux);
		if (c->dead > 0) {
			assert_true(g.aux.n_dead > 0 && s.loss_aux > 0.0);
			check_codes(c->name, &g.aux.on, s.aux_kept, s.f, "aux");
			check_near(c->name, "variance",
				   (g.moments.about_a + g.moments.about_b) / (double)c->n, s.variance,
				   s.variance);
		}
		check_gradient(c->name, &g, &s);
		naive_step_free(&s);
		rig_free(&g);
	}
}

/* The naive gradient is the slope of the naive loss: central differences, the choice held. */
static void test_finite_differences(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < sizeof(cases) / sizeof(*cases); i++) {
		const struct shape_case *c = &cases[i];
		const double h = 1e-5;
		struct naive_batch b;
		struct naive_step s;
		struct rig g;

		rig_new(&g, c, 1);
		rig_run(&g, c, 0.0f);
		b = naive_of(&g, c);
		s = naive_step_new(&b);
		naive_step_run(&s, &b, g.wide_param);
		for (size_t j = 0; j < g.d.n_params; j += 1 + g.d.n_params / 300) {
			double at = g.wide_param[j], up, down, slope;

			g.wide_param[j] = at + h;
			up = naive_loss(&s, &b, g.wide_param);
			g.wide_param[j] = at - h;
			down = naive_loss(&s, &b, g.wide_param);
			g.wide_param[j] = at;
			slope = (up - down) / (2.0 * h);
			if (slope - s.grad[j] > 1e-4 || s.grad[j] - slope > 1e-4)
				fail_msg("%s: parameter %zu: slope %.9g, gradient %.9g", c->name, j, slope,
					 s.grad[j]);
		}
		naive_step_free(&s);
		rig_free(&g);
	}
}

/* Small whole numbers: scores are exact and full of ties, which go to the smaller (row, latent). */
static void test_ties(void **state)
{
	static const size_t wants[] = { 0, 1, 7, 100, 333, 1000, 100000 };
	static const float bounds[] = { 0.0f, 1.0f, 3.0f };
	const struct shape_case c = { "ties", { 2, 2, 5, 520, 3 }, SCORE_BALANCED, 40, 0, 0, 0 };
	struct naive_batch b;
	struct naive_step s;
	struct rig g;

	(void)state;
	rig_new(&g, &c, 3);
	for (size_t i = 0; i < g.d.n_params; i++)
		g.d.memory[i] = (float)((int)(i * 7 % 5) - 2);
	for (size_t i = 0; i < 2 * dfc_rows_a(&c.shape); i++)
		g.d.dec_a[i] = i % 2 ? 1.0f : 0.0f;
	for (size_t i = 0; i < 2 * dfc_rows_b(&c.shape); i++)
		g.d.dec_b[i] = i % 2 ? 0.0f : 1.0f;
	for (size_t i = 0; i < 80; i++) {
		g.wide_xa[i] = (double)(g.xa[i] = (float)((int)(i * 5 % 7) - 3));
		g.wide_xb[i] = (double)(g.xb[i] = (float)((int)(i * 3 % 4) - 1));
	}
	for (size_t i = 0; i < g.d.n_params; i++)
		g.wide_param[i] = (double)g.d.memory[i];
	for (size_t w = 0; w < sizeof(wants) / sizeof(*wants); w++)
		for (size_t k = 0; k < sizeof(bounds) / sizeof(*bounds); k++) {
			struct shape_case now = c;
			char name[64];

			now.want = wants[w];
			snprintf(name, sizeof(name), "%zu above %g", wants[w], (double)bounds[k]);
			rig_run(&g, &now, bounds[k]);
			if (g.cut.found < now.want && bounds[k] > 0.0f)
				continue;
			b = naive_of(&g, &now);
			s = naive_step_new(&b);
			if (wants[w] <= 1000) {
				naive_step_run(&s, &b, g.wide_param);
				check_codes(name, &g.kept, s.kept, s.f, "kept");
			} else {
				assert_int_equal(g.cut.kept, g.cut.found);
			}
			naive_step_free(&s);
		}
	rig_free(&g);
}

/* Threads choose who computes, nothing else: the same bits. */
static void test_threads(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 7 };
	const struct shape_case *c = &cases[10];
	struct digest first = { { 0 } }, now;
	struct rig g;

	(void)state;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		rig_new(&g, c, threads[i]);
		rig_run(&g, c, 0.0f);
		rig_backward(&g, c, 0.5);
		for (size_t k = 0; k < dfc_latents(&c->shape); k++)
			assert_true(grad_touches(&g.grad, k) == (g.on.start[k + 1] > g.on.start[k]));
		now = digest_of(g.grad.of.memory, g.d.n_params * sizeof(float));
		if (i == 0)
			first = now;
		if (!digest_eq(first, now))
			fail_msg("%u threads give other gradients", threads[i]);
		rig_free(&g);
	}
}

/* A residual without spread: the loss is not a number and counts as 0. */
static void test_aux_without_variance(void **state)
{
	const struct shape_case c = { "no spread", { 4, 4, 2, 4, 2 }, SCORE_BALANCED, 5, 0, 1, 2 };
	struct rig g;

	(void)state;
	rig_new(&g, &c, 1);
	for (size_t i = 0; i < 20; i++)
		g.xa[i] = g.xb[i] = 1.0f;
	rig_run(&g, &c, 0.0f);
	assert_true(g.aux.n_dead == 8 && g.aux.loss == 0.0 && g.aux.coef == 0.0);
	rig_backward(&g, &c, 0.5);
	for (size_t k = 0; k < 8; k++)
		assert_false(grad_touches(&g.grad, k));
	rig_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_finite_differences),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_aux_without_variance),
	};
	struct err e = ERR_INIT;

	if (gemm_setup(NULL, &e) < 0)
		return 1;
	return cmocka_run_group_tests_name("grad", tests, NULL, NULL);
}
