#include "base/hash.h"
#include "base/out.h"
#include "base/rng.h"
#include "dict/train.h"
#include "num/gemm.h"
#include "num/stats.h"
#include "tests/support/naive_dfc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char dir[] = "build/test_train.tmp";
static const char path[] = "build/test_train.tmp/t.ckpt";

enum { ROWS = 700, WIDTH_A = 24, WIDTH_B = 40, CONCEPTS = 60 };

static const struct dfc_shape shape = { WIDTH_A, WIDTH_B, 6, 52, 7 };

/* Rows made of a few concepts each, seen by two models; some rows are far too long. */
struct source {
	float a[ROWS * WIDTH_A], b[ROWS * WIDTH_B];
	double weight[ROWS];
	size_t reads;
};

static int read_rows(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	struct source *s = ud;

	(void)e;
	for (size_t i = 0; i < n; i++) {
		assert_true(row[i] < ROWS);
		memcpy(xa + i * WIDTH_A, s->a + row[i] * WIDTH_A, WIDTH_A * sizeof(float));
		memcpy(xb + i * WIDTH_B, s->b + row[i] * WIDTH_B, WIDTH_B * sizeof(float));
	}
	s->reads++;
	return 0;
}

static void add_concept(float *x, size_t d, struct rng r, float amplitude)
{
	for (size_t c = 0; c < d; c++)
		x[c] += amplitude * (float)rng_normal(r, c);
}

static void source_fill(struct source *s)
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

static struct train_data data_of(struct source *s)
{
	return (struct train_data){ .n_rows = ROWS, .weight = s->weight, .read = read_rows, .ud = s };
}

static struct train_opts opts_of(void)
{
	return (struct train_opts){
		.steps = 60, .batch = 96, .warmup = 5, .k = 4, .k_start = 9, .k_anneal = 20, .lr = 3e-3, .beta1 = 0.9,
		.beta2 = 0.999, .adam_eps = 1e-8, .grad_clip = 1.0, .aux_weight = 0.03, .aux_k = 6, .dead_after = 300,
		.outlier = 2.0, .threshold_decay = 0.9, .threshold_from = 12, .init_norm = 0.4,
		.score = SCORE_BALANCED, .enrich = 0.25, .seed = 42,
	};
}

struct rig {
	struct source source;
	struct train_data data;
	struct train_opts opts;
	struct par *par;
	struct trainer *t;
	struct train_stats stats;
};

static void rig_new(struct rig *g, const struct dfc_shape *s, const struct train_opts *o, unsigned threads)
{
	struct err e = ERR_INIT;

	source_fill(&g->source);
	g->data = data_of(&g->source);
	g->opts = *o;
	if (par_new(&g->par, threads, GEMM_SCRATCH, &e) < 0 || trainer_new(&g->t, s, o, &g->data, g->par, &e) < 0)
		fail_msg("%s", e.msg);
}

static void rig_free(struct rig *g)
{
	trainer_free(g->t);
	par_free(g->par);
}

static void run_steps(struct rig *g, size_t n)
{
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		if (trainer_step(g->t, &g->stats, &e) < 0)
			fail_msg("%s", e.msg);
}

static struct digest digest_now(const struct rig *g)
{
	const struct dfc *d = trainer_dict(g->t);
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, d->memory, d->n_params * sizeof(float));
	sha256_add(&s, &d->threshold, sizeof(d->threshold));
	sha256_add(&s, &g->stats, sizeof(g->stats));
	return sha256_end(&s);
}

/* Any number of threads, and any interruption, the same bits. */
static void test_threads(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 7 };
	struct train_opts o = opts_of();
	struct digest first = { { 0 } }, now;
	struct rig g;

	(void)state;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++) {
		rig_new(&g, &shape, &o, threads[i]);
		run_steps(&g, o.steps);
		now = digest_now(&g);
		if (i == 0)
			first = now;
		if (!digest_eq(first, now))
			fail_msg("%u threads train another dictionary", threads[i]);
		rig_free(&g);
	}
}

static void test_resume(void **state)
{
	static const size_t stops[] = { 0, 1, 11, 12, 37, 60 };
	struct train_opts o = opts_of();
	struct err e = ERR_INIT;
	struct digest whole;
	struct rig g;

	(void)state;
	rig_new(&g, &shape, &o, 2);
	run_steps(&g, o.steps + 1);
	whole = digest_now(&g);
	rig_free(&g);
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++) {
		rig_new(&g, &shape, &o, 1);
		run_steps(&g, stops[i]);
		assert_int_equal(trainer_save(g.t, path, &e), 0);
		rig_free(&g);
		o.steps = 1000 + i;
		rig_new(&g, &shape, &o, 3);
		if (trainer_load(g.t, path, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(trainer_at(g.t), stops[i]);
		run_steps(&g, 61 - stops[i]);
		if (!digest_eq(whole, digest_now(&g)))
			fail_msg("stopped after step %zu, it goes on differently", stops[i]);
		rig_free(&g);
	}
}

static void test_checkpoint_of_another(void **state)
{
	struct dfc_shape other = shape;
	struct train_opts o = opts_of();
	struct err e = ERR_INIT;
	struct digest was;
	struct rig g;

	(void)state;
	rig_new(&g, &shape, &o, 1);
	run_steps(&g, 3);
	assert_int_equal(trainer_save(g.t, path, &e), 0);
	rig_free(&g);
	o.lr = 1e-3;
	rig_new(&g, &shape, &o, 1);
	run_steps(&g, 2);
	was = digest_now(&g);
	assert_int_equal(trainer_load(g.t, path, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(e.msg, "build/test_train.tmp/t.ckpt: a checkpoint with lr 0.003, this training has 0.001");
	assert_true(digest_eq(was, digest_now(&g)));
	rig_free(&g);
	other.n_b = 8;
	o = opts_of();
	rig_new(&g, &other, &o, 1);
	assert_int_equal(trainer_load(g.t, path, &e), -1);
	assert_string_equal(e.msg, "build/test_train.tmp/t.ckpt: a checkpoint with n_b 7, this training has 8");
	rig_free(&g);
}

/* What was planned is what is reserved. */
static void test_bytes(void **state)
{
	struct train_opts o = opts_of();
	size_t before, after;
	struct rig g;

	(void)state;
	source_fill(&g.source);
	for (int aux = 0; aux < 2; aux++) {
		struct err e = ERR_INIT;

		o.dead_after = aux ? 300 : 0;
		g.data = data_of(&g.source);
		assert_int_equal(par_new(&g.par, 2, GEMM_SCRATCH, &e), 0);
		before = mem_reserved();
		assert_int_equal(trainer_new(&g.t, &shape, &o, &g.data, g.par, &e), 0);
		after = mem_reserved();
		assert_int_equal(after - before, trainer_bytes(&shape, &o));
		rig_free(&g);
	}
	assert_int_equal(mem_reserved(), 0);
}

/* ---- which rows ---- */

static void test_batch_rows(void **state)
{
	struct train_opts o = opts_of();
	static struct source source;
	struct train_data data;
	uint32_t row[96];
	size_t seen[ROWS] = { 0 }, weighted[ROWS] = { 0 }, zero = 0, drawn;
	double total = 0.0, want;

	(void)state;
	source_fill(&source);
	data = data_of(&source);
	for (size_t i = 0; i < ROWS; i++)
		total += source.weight[i];
	for (size_t step = 0; step < 700; step++) {
		train_batch(row, &o, &data, step);
		for (size_t i = 0; i < 96; i++)
			(i < 72 ? seen : weighted)[row[i]]++;
	}
	drawn = 700 * 24;
	for (size_t i = 0; i < ROWS; i++) {
		assert_int_equal(seen[i], 72);
		zero += source.weight[i] == 0.0 && weighted[i] > 0;
		want = (double)drawn * source.weight[i] / total;
		if (!((double)weighted[i] > want - 6.0 * __builtin_sqrt(want + 1.0) &&
		      (double)weighted[i] < want + 6.0 * __builtin_sqrt(want + 1.0)))
			fail_msg("row %zu was drawn %zu times, about %g would be right", i, weighted[i], want);
	}
	assert_int_equal(zero, 0);
	o.enrich = 1.0;
	train_batch(row, &o, &data, 3);
	for (size_t i = 0; i < 96; i++)
		assert_true(source.weight[row[i]] > 0.0);
	memset(source.weight, 0, sizeof(source.weight));
	train_batch(row, &o, &data, 3);
	data.weight = NULL;
	train_batch(row + 48, &(struct train_opts){ .batch = 48, .seed = 42 }, &data, 3);
}

/* Every row once an epoch, whatever the number of rows; epochs differ. */
static void test_epochs(void **state)
{
	static const size_t rows[] = { 1, 2, 3, 4, 5, 16, 17, 255, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct train_opts o = { .batch = rows[i], .seed = 5 };
		struct train_data data = { .n_rows = rows[i] };
		uint32_t first[1000], second[1000];
		bool seen[1000] = { false };

		train_batch(first, &o, &data, 0);
		train_batch(second, &o, &data, 1);
		for (size_t r = 0; r < rows[i]; r++) {
			assert_true(first[r] < rows[i] && !seen[first[r]]);
			seen[first[r]] = true;
		}
		assert_true(rows[i] < 5 || memcmp(first, second, rows[i] * sizeof(*first)) != 0);
	}
}

/* ---- a step, from the equations ---- */

struct wide {
	double xa[96 * WIDTH_A], xb[96 * WIDTH_B], norm_a[96], norm_b[96];
	size_t n;
};

static double length_of(const float *x, size_t d)
{
	double sum = 0.0;

	for (size_t c = 0; c < d; c++)
		sum += (double)x[c] * (double)x[c];
	return __builtin_sqrt(sum);
}

/* Scaled rows of the first batch without those longer than twice the median on either side. */
static void wide_batch(struct wide *w, const struct rig *g, const struct dfc *d)
{
	const struct source *s = &g->source;
	uint32_t row[96];

	train_batch(row, &g->opts, &g->data, 0);
	for (size_t i = 0; i < 96; i++) {
		w->norm_a[i] = length_of(s->a + row[i] * WIDTH_A, WIDTH_A);
		w->norm_b[i] = length_of(s->b + row[i] * WIDTH_B, WIDTH_B);
	}
	w->n = 0;
	for (size_t i = 0; i < 96; i++) {
		if (w->norm_a[i] > 2.0 * stats_median(w->norm_a, 96) || w->norm_b[i] > 2.0 * stats_median(w->norm_b, 96))
			continue;
		for (size_t c = 0; c < WIDTH_A; c++)
			w->xa[w->n * WIDTH_A + c] = (double)s->a[row[i] * WIDTH_A + c] * (double)d->scale_a;
		for (size_t c = 0; c < WIDTH_B; c++)
			w->xb[w->n * WIDTH_B + c] = (double)s->b[row[i] * WIDTH_B + c] * (double)d->scale_b;
		w->n++;
	}
}

static void check_start(const struct rig *g, const struct dfc *d, const struct wide *w)
{
	static double norm[ROWS];
	double typical = __builtin_sqrt((WIDTH_A + WIDTH_B) / 2.0), want;
	double pull[WIDTH_A] = { 0 };

	for (size_t i = 0; i < ROWS; i++)
		norm[i] = length_of(g->source.a + i * WIDTH_A, WIDTH_A);
	want = typical / stats_median(norm, ROWS);
	assert_true((double)d->scale_a > want * 0.999999 && (double)d->scale_a < want * 1.000001);
	for (size_t k = 0; k < dfc_latents(&shape); k++) {
		if (dfc_decoder_a(d, k))
			assert_true(length_of(dfc_decoder_a(d, k), WIDTH_A) > 0.39999 &&
				    length_of(dfc_decoder_a(d, k), WIDTH_A) < 0.40001);
		assert_true(d->bias_enc[k] == 0.0f);
	}
	assert_memory_equal(d->enc_a, d->dec_a, dfc_rows_a(&shape) * WIDTH_A * sizeof(float));
	assert_memory_equal(d->enc_b, d->dec_b, dfc_rows_b(&shape) * WIDTH_B * sizeof(float));
	/* At the geometric median the unit vectors to all rows cancel. */
	for (size_t r = 0; r < w->n; r++) {
		double sum = 0.0;

		for (size_t c = 0; c < WIDTH_A; c++)
			sum += (w->xa[r * WIDTH_A + c] - (double)d->bias_a[c]) * (w->xa[r * WIDTH_A + c] - (double)d->bias_a[c]);
		for (size_t c = 0; c < WIDTH_A; c++)
			pull[c] += (w->xa[r * WIDTH_A + c] - (double)d->bias_a[c]) / __builtin_sqrt(sum);
	}
	for (size_t c = 0; c < WIDTH_A; c++)
		assert_true(pull[c] < 0.01 && pull[c] > -0.01);
}

static void test_first_step(void **state)
{
	static struct wide w;
	struct train_opts o = opts_of();
	size_t n = naive_params(&shape);
	double *p = mem_alloc(n, sizeof(double)), *m = mem_alloc(n, sizeof(double)), *v = mem_alloc(n, sizeof(double));
	double norm2 = 0.0;
	struct naive_batch b;
	struct naive_step s;
	struct rig g;
	const struct dfc *d;

	(void)state;
	o.adam_eps = 1e-3;
	rig_new(&g, &shape, &o, 2);
	d = trainer_dict(g.t);
	wide_batch(&w, &g, d);
	check_start(&g, d, &w);
	for (size_t i = 0; i < n; i++)
		p[i] = (double)d->memory[i];
	b = (struct naive_batch){ .shape = shape, .score = o.score, .n = w.n, .xa = w.xa, .xb = w.xb, .want = w.n * 9 };
	s = naive_step_new(&b);
	naive_step_run(&s, &b, p);
	for (size_t i = 0; i < n; i++)
		norm2 += s.grad[i] * s.grad[i];
	run_steps(&g, 1);
	assert_int_equal(g.stats.n_kept_rows, w.n);
	assert_true(w.n < 96 && g.stats.k == 9.0 && g.stats.step == 1);
	assert_true(g.stats.loss_a > s.loss_a * 0.99999 && g.stats.loss_a < s.loss_a * 1.00001);
	assert_true(g.stats.loss_b > s.loss_b * 0.99999 && g.stats.loss_b < s.loss_b * 1.00001);
	assert_true(g.stats.threshold > s.smallest * 0.9999 && g.stats.threshold < s.smallest * 1.0001);
	assert_true(g.stats.l0[0] + g.stats.l0[1] + g.stats.l0[2] > 8.999 && g.stats.l0[0] + g.stats.l0[1] + g.stats.l0[2] < 9.001);
	for (size_t i = 0; i < n; i++)
		s.grad[i] /= __builtin_sqrt(norm2) > 1.0 ? __builtin_sqrt(norm2) + 1e-6 : 1.0;
	naive_adam(p, m, v, s.grad, n, o.lr / 5.0, o.beta1, o.beta2, o.adam_eps, 1);
	for (size_t i = 0; i < n; i++)
		if (!(p[i] - (double)d->memory[i] < 1e-6 && (double)d->memory[i] - p[i] < 1e-6))
			fail_msg("parameter %zu is %.9g after a step, the naive one %.9g", i, (double)d->memory[i], p[i]);
	naive_step_free(&s);
	mem_free(p);
	mem_free(m);
	mem_free(v);
	rig_free(&g);
}

/* ---- over many steps ---- */

/* Learns; dead latents come and the auxiliary loss with them; without exclusives both scores are one crosscoder. */
static void test_learning(void **state)
{
	struct train_opts o = opts_of();
	double first;
	struct rig g;

	(void)state;
	rig_new(&g, &shape, &o, 2);
	run_steps(&g, 21);
	first = g.stats.loss;
	assert_true(g.stats.k == 4.0);
	run_steps(&g, 280);
	assert_true(g.stats.loss < 0.75 * first && g.stats.fve_a > 0.3 && g.stats.fve_b > 0.3);
	rig_free(&g);
}

static void test_standard_crosscoder(void **state)
{
	const struct dfc_shape standard = { WIDTH_A, WIDTH_B, 0, 65, 0 };
	struct train_opts o = opts_of();
	struct digest d[2];
	struct rig g;

	(void)state;
	for (int i = 0; i < 2; i++) {
		o.score = i ? SCORE_PAPER : SCORE_BALANCED;
		rig_new(&g, &standard, &o, 2);
		run_steps(&g, 30);
		d[i] = digest_now(&g);
		assert_true(g.stats.l0[0] == 0.0 && g.stats.l0[2] == 0.0 && g.stats.dead[0] == 0.0);
		rig_free(&g);
	}
	assert_true(digest_eq(d[0], d[1]));
}

/* ---- what goes wrong ---- */

static void test_not_finite(void **state)
{
	struct train_opts o = opts_of();
	struct err e = ERR_INIT;
	uint32_t row[96];
	char want[128];
	struct rig g;

	(void)state;
	rig_new(&g, &shape, &o, 2);
	run_steps(&g, 2);
	train_batch(row, &o, &g.data, 2);
	g.source.a[row[50] * WIDTH_A + 3] = __builtin_inff();
	assert_int_equal(trainer_step(g.t, &g.stats, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	snprintf(want, sizeof(want), "step 3: row %u: an activation of the base model is not finite", row[50]);
	assert_string_equal(e.msg, want);
	assert_int_equal(trainer_at(g.t), 2);
	rig_free(&g);
}

static void test_divergence(void **state)
{
	struct train_opts o = opts_of();
	struct err e = ERR_INIT;
	struct rig g;
	size_t i;

	(void)state;
	o.lr = 1e18;
	o.warmup = 0;
	rig_new(&g, &shape, &o, 2);
	for (i = 0; i < 20 && trainer_step(g.t, &g.stats, &e) == 0; i++)
		;
	assert_true(i < 20 && trainer_at(g.t) == i);
	assert_int_equal(e.code, ERR_DIFFERS);
	assert_non_null(strstr(e.msg, "step "));
	rig_free(&g);
}

static void test_refused(void **state)
{
	static struct source source;
	struct train_opts o;
	struct train_data data;
	struct trainer *t;
	struct par *p;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(par_new(&p, 1, GEMM_SCRATCH, &e), 0);
	for (int i = 0; i < 7; i++) {
		source_fill(&source);
		data = data_of(&source);
		o = opts_of();
		if (i == 0)
			o.batch = 0;
		if (i == 1)
			o.k = 0;
		if (i == 2)
			o.beta1 = 1.0;
		if (i == 3)
			o.init_norm = __builtin_nan("");
		if (i == 4)
			data.n_rows = 0;
		if (i == 5)
			source.weight[9] = -1.0;
		if (i == 6)
			memset(source.b, 0, sizeof(source.b));
		if (trainer_new(&t, &shape, &o, &data, p, &e) == 0 || e.code != (i < 5 ? ERR_USAGE : ERR_INPUT))
			fail_msg("case %d: made, or code %d (%s)", i, e.code, e.msg);
		assert_null(t);
	}
	par_free(p);
}

/* ---- held out ---- */

static void test_evaluate(void **state)
{
	struct train_opts o = opts_of();
	struct err e = ERR_INIT;
	double sse[2] = { 0 }, shared[2] = { 0 }, sst[2] = { 0 }, l0[3] = { 0 }, diff;
	bool seen[65] = { false };
	struct codes c = CODES_INIT;
	struct heldout h;
	const struct dfc *d;
	struct rig g;
	size_t rows = 0, dead[3] = { 6, 52, 7 };

	(void)state;
	rig_new(&g, &shape, &o, 2);
	run_steps(&g, 100);
	d = trainer_dict(g.t);
	assert_int_equal(dfc_evaluate(&h, d, g.par, &g.data, &e), 0);
	for (int model = 0; model < 2; model++) {
		size_t width = model ? WIDTH_B : WIDTH_A;
		const float *x = model ? g.source.b : g.source.a;
		float scale = model ? d->scale_b : d->scale_a;
		double most = 2.0 * __builtin_sqrt((WIDTH_A + WIDTH_B) / 2.0), mean[WIDTH_B] = { 0 };
		static float ya[ROWS * WIDTH_A], yb[ROWS * WIDTH_B];

		assert_int_equal(dfc_encode(&c, d, g.par, g.source.a, g.source.b, ROWS, &e), 0);
		for (int part = 0; part < 2; part++) {
			dfc_decode(d, g.par, ya, yb, &c, part);
			rows = 0;
			for (size_t r = 0; r < ROWS; r++) {
				if (length_of(g.source.a + r * WIDTH_A, WIDTH_A) * (double)d->scale_a > most ||
				    length_of(g.source.b + r * WIDTH_B, WIDTH_B) * (double)d->scale_b > most)
					continue;
				rows++;
				for (size_t k = 0; k < width; k++) {
					diff = (double)(x[r * width + k] * scale) - (double)(model ? yb : ya)[r * width + k];
					(part ? shared : sse)[model] += diff * diff;
					mean[k] += part ? 0.0 : (double)(x[r * width + k] * scale);
				}
				for (size_t i = c.start[r]; i < c.start[r + 1] && !part && !model; i++) {
					l0[dfc_partition(&shape, c.latent[i])] += 1.0;
					dead[dfc_partition(&shape, c.latent[i])] -= !seen[c.latent[i]];
					seen[c.latent[i]] = true;
				}
			}
		}
		for (size_t r = 0; r < ROWS; r++)
			for (size_t k = 0; k < width; k++) {
				if (length_of(g.source.a + r * WIDTH_A, WIDTH_A) * (double)d->scale_a > most ||
				    length_of(g.source.b + r * WIDTH_B, WIDTH_B) * (double)d->scale_b > most)
					continue;
				diff = (double)(x[r * width + k] * scale) - mean[k] / (double)rows;
				sst[model] += diff * diff;
			}
	}
	assert_int_equal(h.rows, rows);
	assert_int_equal(h.outliers, ROWS - rows);
	assert_true(h.outliers >= 5);
	{
		const double got[] = { h.fve_a, h.fve_b, h.fve, h.fve_shared_a, h.fve_shared_b, h.fve_shared };
		const double want[] = { 1 - sse[0] / sst[0], 1 - sse[1] / sst[1], 1 - (sse[0] + sse[1]) / (sst[0] + sst[1]),
					1 - shared[0] / sst[0], 1 - shared[1] / sst[1],
					1 - (shared[0] + shared[1]) / (sst[0] + sst[1]) };

		for (size_t i = 0; i < 6; i++)
			if (!(got[i] - want[i] < 1e-5 && want[i] - got[i] < 1e-5))
				fail_msg("explained variance %zu is %.9g, the naive one %.9g", i, got[i], want[i]);
	}
	for (int p = 0; p < 3; p++) {
		assert_true(h.l0[p] > l0[p] / (double)rows - 0.01 && h.l0[p] < l0[p] / (double)rows + 0.01);
		assert_true(h.dead[p] == (double)dead[p] / (double)dfc_partition_size(&shape, (enum partition)p));
	}
	assert_true(h.fve > h.fve_shared && h.fve > 0.2);
	codes_release(&c);
	rig_free(&g);
}

static int set_up(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	return dir_make(dir, &e) < 0 || gemm_setup(NULL, &e) < 0;
}

static int tear_down(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	return dir_remove_tree(dir, &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_checkpoint_of_another),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_batch_rows),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_first_step),
		cmocka_unit_test(test_learning),
		cmocka_unit_test(test_standard_crosscoder),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_divergence),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_evaluate),
	};

	return cmocka_run_group_tests_name("train", tests, set_up, tear_down);
}
