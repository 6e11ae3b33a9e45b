#include "tests/support/naive_study.h"

#include "base/mem.h"

#include <math.h>

static const double rounding = 1e-4; /* of the threshold */

static const float *row_of(const float *m, size_t first, size_t end, size_t latent, size_t d)
{
	return latent >= first && latent < end ? m + (latent - first) * d : NULL;
}

static double norm(const float *x, size_t d)
{
	double sum = 0;

	for (size_t i = 0; x != NULL && i < d; i++)
		sum += (double)x[i] * (double)x[i];
	return sqrt(sum);
}

/* max(h, 0), and its score. */
static double activation(double *score, const struct naive_rows *r, size_t latent, size_t row)
{
	const struct dfc *d = r->d;
	const struct dfc_shape *s = &d->shape;
	size_t end_a = s->n_a + s->n_shared, end = end_a + s->n_b;
	const float *ea = row_of(d->enc_a, 0, end_a, latent, s->d_a),
		    *eb = row_of(d->enc_b, s->n_a, end, latent, s->d_b);
	double h = (double)d->bias_enc[latent], weight;

	for (size_t i = 0; ea != NULL && i < s->d_a; i++)
		h += (double)ea[i] * ((double)r->xa[row * s->d_a + i] * (double)d->scale_a);
	for (size_t i = 0; eb != NULL && i < s->d_b; i++)
		h += (double)eb[i] * ((double)r->xb[row * s->d_b + i] * (double)d->scale_b);
	weight = norm(row_of(d->dec_a, 0, end_a, latent, s->d_a), s->d_a) +
		 norm(row_of(d->dec_b, s->n_a, end, latent, s->d_b), s->d_b);
	if (d->score == SCORE_BALANCED && (ea == NULL || eb == NULL))
		weight *= 2;
	h = h > 0 ? h : 0;
	*score = h * weight;
	return h;
}

static int on_edge(const struct naive_rows *r, double score)
{
	return fabs(score - (double)r->d->threshold) < rounding * (double)r->d->threshold;
}

struct naive_latent naive_latent_study(const struct naive_rows *r, size_t latent)
{
	struct naive_latent out = { .fires = 0 };
	double sum = 0, weighted = 0;

	for (size_t i = 0; i < r->n; i++) {
		double score, f = activation(&score, r, latent, i);

		out.edge += on_edge(r, score);
		if (!(score > (double)r->d->threshold))
			continue;
		out.fires++;
		out.max = f > out.max ? f : out.max;
		sum += f;
		weighted += f * r->gap[i];
	}
	if (out.fires > 0) {
		out.mean = sum / (double)out.fires;
		out.relevance = weighted / sum;
	}
	return out;
}

/* Squared errors of one model's row with all latents, and with the shared ones alone; the row's columns and square. */
struct side {
	double sse, shared, square, *column;
};

static void side_add(struct side *side, const float *x, float scale, const float *bias, const float *dec,
		     size_t d, size_t first, size_t end, const struct dfc_shape *s, const double *f)
{
	for (size_t c = 0; c < d; c++) {
		double v = (double)x[c] * (double)scale, all = (double)bias[c], shared = all;

		for (size_t k = first; k < end; k++) {
			double part = f[k] > 0 ? f[k] * (double)dec[(k - first) * d + c] : 0;

			all += part;
			shared += k >= s->n_a && k < s->n_a + s->n_shared ? part : 0;
		}
		side->sse += (v - all) * (v - all);
		side->shared += (v - shared) * (v - shared);
		side->square += v * v;
		side->column[c] += v;
	}
}

static double about_mean(const struct side *side, size_t d, size_t n)
{
	double sst = side->square;

	for (size_t c = 0; c < d; c++)
		sst -= side->column[c] * side->column[c] / (double)n;
	return sst;
}

struct naive_fit naive_fit_study(const struct naive_rows *r)
{
	const struct dfc *d = r->d;
	const struct dfc_shape *s = &d->shape;
	size_t end_a = s->n_a + s->n_shared, n_latents = end_a + s->n_b;
	double most = (double)d->outlier * sqrt((double)(s->d_a + s->d_b) / 2), sst_a, sst_b;
	double *f = mem_alloc(n_latents, sizeof(*f));
	struct side a = { .column = mem_alloc(s->d_a, sizeof(double)) },
		    b = { .column = mem_alloc(s->d_b, sizeof(double)) };
	struct naive_fit out = { .rows = 0 };

	for (size_t i = 0; i < r->n; i++) {
		const float *xa = r->xa + i * s->d_a, *xb = r->xb + i * s->d_b;

		if (norm(xa, s->d_a) * (double)d->scale_a > most ||
		    norm(xb, s->d_b) * (double)d->scale_b > most)
			continue;
		out.rows++;
		for (size_t k = 0; k < n_latents; k++) {
			double score;

			f[k] = activation(&score, r, k, i);
			out.edge += on_edge(r, score);
			f[k] = score > (double)d->threshold ? f[k] : 0;
			out.l0[k < s->n_a ? 0 : k < end_a ? 1 : 2] += f[k] > 0;
		}
		side_add(&a, xa, d->scale_a, d->bias_a, d->dec_a, s->d_a, 0, end_a, s, f);
		side_add(&b, xb, d->scale_b, d->bias_b, d->dec_b, s->d_b, s->n_a, n_latents, s, f);
	}
	for (size_t p = 0; p < 3; p++)
		out.l0[p] /= (double)out.rows;
	sst_a = about_mean(&a, s->d_a, out.rows);
	sst_b = about_mean(&b, s->d_b, out.rows);
	out.fve = 1 - (a.sse + b.sse) / (sst_a + sst_b);
	out.fve_a = 1 - a.sse / sst_a;
	out.fve_b = 1 - b.sse / sst_b;
	out.fve_shared = 1 - (a.shared + b.shared) / (sst_a + sst_b);
	mem_free(f);
	mem_free(a.column);
	mem_free(b.column);
	return out;
}
