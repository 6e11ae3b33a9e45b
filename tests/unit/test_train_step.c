#include "dict/train.h"
#include "num/gemm.h"
#include "num/stats.h"
#include "tests/support/naive_dfc.h"
#include "tests/support/train_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- which rows ---- */

static void test_batch_rows(void **state)
{
	struct train_opts o = train_rig_opts();
	static struct source source;
	struct train_data data;
	uint32_t row[96];
	size_t seen[ROWS] = { 0 }, weighted[ROWS] = { 0 }, zero = 0, drawn;
	double total = 0.0, want;

	(void)state;
	source_fill(&source);
	data = source_data(&source);
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
			fail_msg("row %zu was drawn %zu times, about %g would be right", i, weighted[i],
				 want);
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
static void wide_batch(struct wide *w, const struct train_rig *g, const struct dfc *d)
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
		if (w->norm_a[i] > 2.0 * stats_median(w->norm_a, 96) ||
		    w->norm_b[i] > 2.0 * stats_median(w->norm_b, 96))
			continue;
		for (size_t c = 0; c < WIDTH_A; c++)
			w->xa[w->n * WIDTH_A + c] = (double)s->a[row[i] * WIDTH_A + c] * (double)d->scale_a;
		for (size_t c = 0; c < WIDTH_B; c++)
			w->xb[w->n * WIDTH_B + c] = (double)s->b[row[i] * WIDTH_B + c] * (double)d->scale_b;
		w->n++;
	}
}

static void check_start(const struct train_rig *g, const struct dfc *d, const struct wide *w)
{
	static double norm[ROWS];
	double typical = __builtin_sqrt((WIDTH_A + WIDTH_B) / 2.0), want;
	double pull[WIDTH_A] = { 0 };

	for (size_t i = 0; i < ROWS; i++)
		norm[i] = length_of(g->source.a + i * WIDTH_A, WIDTH_A);
	want = typical / stats_median(norm, ROWS);
	assert_true((double)d->scale_a > want * 0.999999 && (double)d->scale_a < want * 1.000001);
	for (size_t k = 0; k < dfc_latents(&train_rig_shape); k++) {
		if (dfc_decoder_a(d, k))
			assert_true(length_of(dfc_decoder_a(d, k), WIDTH_A) > 0.39999 &&
				    length_of(dfc_decoder_a(d, k), WIDTH_A) < 0.40001);
		assert_true(d->bias_enc[k] == 0.0f);
	}
	assert_memory_equal(d->enc_a, d->dec_a, dfc_rows_a(&train_rig_shape) * WIDTH_A * sizeof(float));
	assert_memory_equal(d->enc_b, d->dec_b, dfc_rows_b(&train_rig_shape) * WIDTH_B * sizeof(float));
	/* At the geometric median the unit vectors to all rows cancel. */
	for (size_t r = 0; r < w->n; r++) {
		double sum = 0.0;

		for (size_t c = 0; c < WIDTH_A; c++)
			sum += (w->xa[r * WIDTH_A + c] - (double)d->bias_a[c]) *
			       (w->xa[r * WIDTH_A + c] - (double)d->bias_a[c]);
		for (size_t c = 0; c < WIDTH_A; c++)
			pull[c] += (w->xa[r * WIDTH_A + c] - (double)d->bias_a[c]) / __builtin_sqrt(sum);
	}
	for (size_t c = 0; c < WIDTH_A; c++)
		assert_true(pull[c] < 0.01 && pull[c] > -0.01);
}

static void test_first_step(void **state)
{
	static struct wide w;
	struct train_opts o = train_rig_opts();
	size_t n = naive_params(&train_rig_shape);
	double *p = mem_alloc(n, sizeof(double)), *m = mem_alloc(n, sizeof(double)),
	       *v = mem_alloc(n, sizeof(double));
	double norm2 = 0.0;
	struct naive_batch b;
	struct naive_step s;
	struct train_rig g;
	const struct dfc *d;

	(void)state;
	o.adam_eps = 1e-3;
	train_rig_new(&g, &train_rig_shape, &o, 2);
	d = trainer_dict(g.t);
	wide_batch(&w, &g, d);
	check_start(&g, d, &w);
	for (size_t i = 0; i < n; i++)
		p[i] = (double)d->memory[i];
	b = (struct naive_batch){
		.shape = train_rig_shape, .score = o.score, .n = w.n, .xa = w.xa, .xb = w.xb, .want = w.n * 9
	};
	s = naive_step_new(&b);
	naive_step_run(&s, &b, p);
	for (size_t i = 0; i < n; i++)
		norm2 += s.grad[i] * s.grad[i];
	train_rig_run(&g, 1);
	assert_int_equal(g.stats.n_kept_rows, w.n);
	assert_true(w.n < 96 && g.stats.k == 9.0 && g.stats.step == 1);
	assert_true(g.stats.loss_a > s.loss_a * 0.99999 && g.stats.loss_a < s.loss_a * 1.00001);
	assert_true(g.stats.loss_b > s.loss_b * 0.99999 && g.stats.loss_b < s.loss_b * 1.00001);
	assert_true(g.stats.threshold > s.smallest * 0.9999 && g.stats.threshold < s.smallest * 1.0001);
	assert_true(g.stats.l0[0] + g.stats.l0[1] + g.stats.l0[2] > 8.999 &&
		    g.stats.l0[0] + g.stats.l0[1] + g.stats.l0[2] < 9.001);
	for (size_t i = 0; i < n; i++)
		s.grad[i] /= __builtin_sqrt(norm2) > 1.0 ? __builtin_sqrt(norm2) + 1e-6 : 1.0;
	naive_adam(p, m, v, s.grad, n, o.lr / 5.0, o.beta1, o.beta2, o.adam_eps, 1);
	for (size_t i = 0; i < n; i++)
		if (!(p[i] - (double)d->memory[i] < 1e-6 && (double)d->memory[i] - p[i] < 1e-6))
			fail_msg("parameter %zu is %.9g after a step, the naive one %.9g", i,
				 (double)d->memory[i], p[i]);
	naive_step_free(&s);
	mem_free(p);
	mem_free(m);
	mem_free(v);
	train_rig_free(&g);
}

/* ---- held out ---- */

/* One model's side of the evaluation, in double. */
struct side {
	const float *x;
	float *y;
	size_t d;
	double scale, sse, shared, sst;
};

static bool is_outlier(const struct train_rig *g, const struct dfc *d, size_t r)
{
	double most = 2.0 * __builtin_sqrt((WIDTH_A + WIDTH_B) / 2.0);

	return length_of(g->source.a + r * WIDTH_A, WIDTH_A) * (double)d->scale_a > most ||
	       length_of(g->source.b + r * WIDTH_B, WIDTH_B) * (double)d->scale_b > most;
}

static double squared_error(const struct side *s, const bool *out)
{
	double sum = 0.0, diff;

	for (size_t i = 0; i < ROWS * s->d; i++) {
		diff = out[i / s->d] ? 0.0 : (double)s->x[i] * s->scale - (double)s->y[i];
		sum += diff * diff;
	}
	return sum;
}

static double about_mean(const struct side *s, const bool *out, size_t rows)
{
	double sum = 0.0, mean, diff;

	for (size_t c = 0; c < s->d; c++) {
		mean = 0.0;
		for (size_t r = 0; r < ROWS; r++)
			mean += out[r] ? 0.0 : (double)s->x[r * s->d + c] * s->scale / (double)rows;
		for (size_t r = 0; r < ROWS; r++) {
			diff = out[r] ? 0.0 : (double)s->x[r * s->d + c] * s->scale - mean;
			sum += diff * diff;
		}
	}
	return sum;
}

static void check_codes(const struct heldout *h, const struct codes *c, const bool *out)
{
	double l0[PARTITIONS] = { 0 }, dead[PARTITIONS] = { 0 };
	bool seen[65] = { false };

	for (size_t r = 0; r < ROWS; r++)
		for (size_t i = c->start[r]; i < c->start[r + 1] && !out[r]; i++) {
			l0[dfc_partition(&train_rig_shape, c->latent[i])] += 1.0 / (double)h->rows;
			seen[c->latent[i]] = true;
		}
	for (size_t k = 0; k < 65; k++)
		dead[dfc_partition(&train_rig_shape, k)] += !seen[k];
	for (int p = 0; p < PARTITIONS; p++) {
		dead[p] /= (double)dfc_partition_size(&train_rig_shape, (enum partition)p);
		assert_true(h->l0[p] > l0[p] - 0.01 && h->l0[p] < l0[p] + 0.01 && h->dead[p] == dead[p]);
	}
}

static void check_near(const char *what, double got, double want)
{
	if (!(got - want < 1e-5 && want - got < 1e-5))
		fail_msg("%s is %.9g, the naive one %.9g", what, got, want);
}

static void test_evaluate(void **state)
{
	static float ya[ROWS * WIDTH_A], yb[ROWS * WIDTH_B];
	static struct train_rig g;
	struct train_opts o = train_rig_opts();
	struct err e = ERR_INIT;
	struct codes c = CODES_INIT;
	bool out[ROWS];
	const struct dfc *d;
	struct heldout h;
	size_t rows = 0;

	(void)state;
	train_rig_new(&g, &train_rig_shape, &o, 2);
	train_rig_run(&g, 100);
	d = trainer_dict(g.t);
	assert_int_equal(dfc_evaluate(&h, d, g.par, &g.data, &e), 0);
	for (size_t r = 0; r < ROWS; r++)
		rows += !(out[r] = is_outlier(&g, d, r));
	assert_true(h.rows == rows && h.outliers == ROWS - rows && h.outliers >= 20);
	{
		struct side a = { g.source.a, ya, WIDTH_A, (double)d->scale_a, 0, 0, 0 };
		struct side b = { g.source.b, yb, WIDTH_B, (double)d->scale_b, 0, 0, 0 };

		assert_int_equal(dfc_encode(&c, d, g.par, g.source.a, g.source.b, ROWS, &e), 0);
		dfc_decode(d, g.par, ya, yb, &c, false);
		a.sse = squared_error(&a, out);
		b.sse = squared_error(&b, out);
		dfc_decode(d, g.par, ya, yb, &c, true);
		a.shared = squared_error(&a, out);
		b.shared = squared_error(&b, out);
		a.sst = about_mean(&a, out, rows);
		b.sst = about_mean(&b, out, rows);
		check_near("fve a", h.fve_a, 1.0 - a.sse / a.sst);
		check_near("fve b", h.fve_b, 1.0 - b.sse / b.sst);
		check_near("fve", h.fve, 1.0 - (a.sse + b.sse) / (a.sst + b.sst));
		check_near("shared fve a", h.fve_shared_a, 1.0 - a.shared / a.sst);
		check_near("shared fve b", h.fve_shared_b, 1.0 - b.shared / b.sst);
		check_near("shared fve", h.fve_shared, 1.0 - (a.shared + b.shared) / (a.sst + b.sst));
	}
	check_codes(&h, &c, out);
	assert_true(h.fve > h.fve_shared && h.fve > 0.2);
	codes_release(&c);
	train_rig_free(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch_rows),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_first_step),
		cmocka_unit_test(test_evaluate),
	};
	struct err e = ERR_INIT;

	if (gemm_setup(NULL, &e) < 0)
		return 1;
	return cmocka_run_group_tests_name("train_step", tests, NULL, NULL);
}
