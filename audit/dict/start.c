#include "base/rng.h"
#include "dict/sparse.h"
#include "dict/span.h"
#include "dict/trainer.h"
#include "num/ops.h"
#include "num/stats.h"

#include <string.h>

/*
 * Where training starts: scales from the median norm of the rows, random decoder rows of one norm, the
 * encoder equal to them, and the decoder biases at the geometric median of the first batch.
 */

enum { SCALE_ROWS = 65536, INIT_UNIT = 16, WEISZFELD_STEPS = 32 };

/* ---- scales ---- */

/* Row i of the sample: one of each of SCALE_ROWS equal stretches, or simply all. */
static uint32_t sample_row(uint64_t seed, size_t n_rows, size_t i)
{
	size_t first, end;

	if (n_rows <= SCALE_ROWS)
		return (uint32_t)i;
	first = (size_t)((__extension__(unsigned __int128) i * n_rows) / SCALE_ROWS);
	end = (size_t)((__extension__(unsigned __int128)(i + 1) * n_rows) / SCALE_ROWS);
	return (uint32_t)(first + rng_below(rng_stream(seed, "train.scale", 0), i, end - first));
}

static int scale_from(float *scale, const double *norm, size_t n, const char *model,
		      const struct dfc_shape *s, struct err *e)
{
	double median = stats_median(norm, n);

	*scale = (float)(dfc_typical_norm(s) / median);
	if (!(*scale > 0.0f) || !__builtin_isfinite(*scale))
		return err_set(e, ERR_INPUT,
			       "the median row of the %s model has norm %g: it cannot be scaled", model,
			       median);
	return 0;
}

static int read_norms(struct trainer *t, double *a, double *b, size_t n, struct err *e)
{
	struct batch *batch = &t->batch;

	for (size_t first = 0; first < n; first += t->opts.batch) {
		size_t m = size_min(t->opts.batch, n - first);

		for (size_t i = 0; i < m; i++)
			batch->row[i] = sample_row(t->opts.seed, t->data.n_rows, first + i);
		if (batch_read(batch, &t->dict.shape, t->par, &t->data, m, e) < 0)
			return -1;
		memcpy(a + first, batch->norm_a, m * sizeof(*a));
		memcpy(b + first, batch->norm_b, m * sizeof(*b));
	}
	return 0;
}

static int find_scales(struct trainer *t, struct err *e)
{
	const struct dfc_shape *s = &t->dict.shape;
	size_t n = size_min(t->data.n_rows, SCALE_ROWS);
	double *a = mem_alloc(n, sizeof(*a)), *b = mem_alloc(n, sizeof(*b));
	int rc = read_norms(t, a, b, n, e);

	if (rc == 0 && (scale_from(&t->dict.scale_a, a, n, "base", s, e) < 0 ||
			scale_from(&t->dict.scale_b, b, n, "candidate", s, e) < 0))
		rc = -1;
	mem_free(a);
	mem_free(b);
	return rc;
}

/* ---- decoder and encoder ---- */

static void random_row(float *row, size_t d, struct rng r, size_t first, double norm)
{
	double length;

	for (size_t c = 0; c < d; c++)
		row[c] = (float)rng_normal(r, (uint64_t)(first + c));
	length = __builtin_sqrt(op_norm2_d(row, d));
	op_scale(row, length > 0.0 ? (float)(norm / length) : 0.0f, d);
}

static void init_unit(void *ud, size_t unit, void *scratch)
{
	struct trainer *t = ud;
	struct dfc *d = &t->dict;
	size_t d_a = d->shape.d_a, d_b = d->shape.d_b;
	struct rng a = rng_stream(t->opts.seed, "train.decoder.a", 0),
		   b = rng_stream(t->opts.seed, "train.decoder.b", 0);
	struct span u = span_of(unit, INIT_UNIT, dfc_latents(&d->shape));

	(void)scratch;
	for (size_t i = u.first; i < u.end; i++) {
		if (dfc_decoder_a(d, i))
			random_row(d->dec_a + i * d_a, d_a, a, i * d_a, t->opts.init_norm);
		if (dfc_decoder_b(d, i))
			random_row(d->dec_b + (i - d->shape.n_a) * d_b, d_b, b, i * d_b, t->opts.init_norm);
	}
}

static void init_rows(struct trainer *t)
{
	struct dfc *d = &t->dict;
	const struct dfc_shape *s = &d->shape;

	par_run(t->par, span_count(dfc_latents(s), INIT_UNIT), init_unit, t);
	if (dfc_rows_a(s) > 0)
		memcpy(d->enc_a, d->dec_a, dfc_rows_a(s) * s->d_a * sizeof(float));
	if (dfc_rows_b(s) > 0)
		memcpy(d->enc_b, d->dec_b, dfc_rows_b(s) * s->d_b * sizeof(float));
}

/* ---- biases ---- */

/*
 * The geometric median by Weiszfeld's iteration from the mean: the next guess is the mean of the rows
 * weighted by one over their distance to the last.  A row that is the guess would weigh without bound; its
 * distance counts as a millionth of the typical norm.
 */
static void geometric_median(float *out, const float *x, size_t n, size_t d, double typical)
{
	double *guess = mem_alloc(d, sizeof(*guess)), *sum = mem_alloc(d, sizeof(*sum));
	double weight, weights, distance;

	for (size_t r = 0; r < n; r++)
		sparse_add_d(sum, x + r * d, d);
	for (size_t c = 0; c < d; c++)
		guess[c] = sum[c] / (double)n;
	for (size_t i = 0; i < WEISZFELD_STEPS; i++) {
		memset(sum, 0, d * sizeof(*sum));
		weights = 0.0;
		for (size_t r = 0; r < n; r++) {
			distance = __builtin_sqrt(sparse_distance2_d(x + r * d, guess, d));
			weight = 1.0 / (distance > typical * 1e-6 ? distance : typical * 1e-6);
			weights += weight;
			sparse_add_weighted_d(sum, x + r * d, weight, d);
		}
		for (size_t c = 0; c < d; c++)
			guess[c] = sum[c] / weights;
	}
	for (size_t c = 0; c < d; c++)
		out[c] = (float)guess[c];
	mem_free(guess);
	mem_free(sum);
}

static int init_biases(struct trainer *t, struct err *e)
{
	struct batch *b = &t->batch;
	struct dfc *d = &t->dict;
	double typical = dfc_typical_norm(&d->shape);

	sampler_batch(&t->sampler, b->row, &t->opts, 0);
	if (batch_read(b, &d->shape, t->par, &t->data, t->opts.batch, e) < 0)
		return -1;
	batch_prepare(b, d, t->par, t->opts.outlier);
	if (b->n == 0)
		return err_set(e, ERR_INPUT, "every row of the first batch is an outlier");
	geometric_median(d->bias_a, b->xa, b->n, d->shape.d_a, typical);
	geometric_median(d->bias_b, b->xb, b->n, d->shape.d_b, typical);
	return 0;
}

/* ---- exclusive latents that start where the models part ---- */

/* Rows drawn by the part of `lead` with this sign, in turn; a row comes once. How many there are. */
static size_t lead_rows(uint32_t *row, size_t most, const struct trainer *t, double sign, struct err *e)
{
	size_t n_rows = t->data.n_rows, n = 0;
	double *weight = mem_alloc(n_rows, sizeof(*weight));
	struct train_data lead = t->data;
	struct rng r = rng_stream(t->opts.seed, sign > 0 ? "train.lead.b" : "train.lead.a", 0);
	struct sampler s;

	for (size_t i = 0; i < n_rows; i++)
		weight[i] = t->data.lead[i] * sign > 0.0 ? t->data.lead[i] * sign : 0.0;
	lead.weight = weight;
	if (sampler_new(&s, &lead, e) == 0) {
		for (size_t i = 0; s.sum && i < 4 * most && n < most; i++) {
			uint32_t at = sampler_draw(&s, rng_unit(r, i));

			row[n] = at;
			n += weight[at] > 0.0;
			weight[at] = 0.0; /* the sums stay: a row found again is passed over */
		}
		sampler_release(&s);
	}
	mem_free(weight);
	return n;
}

/* Decoder and encoder row of one latent: the way from the bias to a scaled row, at the norm that all start with. */
static void lead_row(float *dec, float *enc, const float *x, const float *bias, size_t d, float scale,
		     double norm)
{
	double length;

	for (size_t c = 0; c < d; c++)
		dec[c] = x[c] * scale - bias[c];
	length = __builtin_sqrt(op_norm2_d(dec, d));
	op_scale(dec, length > 0.0 ? (float)(norm / length) : 0.0f, d);
	memcpy(enc, dec, d * sizeof(*enc));
}

static int lead_side(struct trainer *t, bool candidate, struct err *e)
{
	struct dfc *d = &t->dict;
	const struct dfc_shape *s = &d->shape;
	struct batch *b = &t->batch;
	size_t n = candidate ? s->n_b : s->n_a;

	n = size_min((size_t)((double)n * t->opts.seeded), t->opts.batch);
	n = lead_rows(b->row, n, t, candidate ? 1.0 : -1.0, e);
	if (n == 0)
		return 0;
	if (batch_read(b, s, t->par, &t->data, n, e) < 0)
		return -1;
	for (size_t i = 0; i < n && candidate; i++)
		lead_row(d->dec_b + (s->n_shared + i) * s->d_b, d->enc_b + (s->n_shared + i) * s->d_b,
			 b->xb + i * s->d_b, d->bias_b, s->d_b, d->scale_b, t->opts.init_norm);
	for (size_t i = 0; i < n && !candidate; i++)
		lead_row(d->dec_a + i * s->d_a, d->enc_a + i * s->d_a, b->xa + i * s->d_a, d->bias_a, s->d_a,
			 d->scale_a, t->opts.init_norm);
	return 0;
}

int trainer_init(struct trainer *t, struct err *e)
{
	t->dict.score = t->opts.score;
	t->dict.outlier = (float)t->opts.outlier;
	if (find_scales(t, e) < 0)
		return -1;
	init_rows(t);
	if (init_biases(t, e) < 0)
		return -1;
	if (t->data.lead && t->opts.seeded > 0.0 && (lead_side(t, false, e) < 0 || lead_side(t, true, e) < 0))
		return -1;
	encoder_weigh(&t->encoder, t->par);
	return 0;
}
