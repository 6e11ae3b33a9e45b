#include "tests/support/naive_study.h"

#include "base/mem.h"
#include "tests/support/naive_dfc.h"

#include <math.h>

static const double rounding = 1e-4; /* of the threshold */

static const float *row_of(const float *m, size_t first, size_t end, size_t latent, size_t d)
{
	return latent >= first && latent < end ? m + (latent - first) * d : NULL;
}

double naive_norm(const float *x, size_t d)
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
	double h = (double)d->bias_enc[latent], a, b;

	for (size_t i = 0; ea != NULL && i < s->d_a; i++)
		h += (double)ea[i] * ((double)r->xa[row * s->d_a + i] * (double)d->scale_a);
	for (size_t i = 0; eb != NULL && i < s->d_b; i++)
		h += (double)eb[i] * ((double)r->xb[row * s->d_b + i] * (double)d->scale_b);
	a = naive_norm(row_of(d->dec_a, 0, end_a, latent, s->d_a), s->d_a);
	b = naive_norm(row_of(d->dec_b, s->n_a, end, latent, s->d_b), s->d_b);
	h = h > 0 ? h : 0;
	*score = h * naive_score_weight(d->score, a, b, ea == NULL || eb == NULL);
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

		if (naive_norm(xa, s->d_a) * (double)d->scale_a > most ||
		    naive_norm(xb, s->d_b) * (double)d->scale_b > most)
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

/* ---- cards ---- */

static size_t latents_of(const struct naive_rows *r)
{
	return r->d->shape.n_a + r->d->shape.n_shared + r->d->shape.n_b;
}

double *naive_codes(const struct naive_rows *r)
{
	size_t n_latents = latents_of(r);
	double *f = mem_alloc(r->n * n_latents, sizeof(*f)), score;

	for (size_t i = 0; i < r->n; i++) {
		for (size_t k = 0; k < n_latents; k++) {
			f[i * n_latents + k] = activation(&score, r, k, i);
			if (!(score > (double)r->d->threshold))
				f[i * n_latents + k] = 0;
		}
	}
	return f;
}

double naive_correlation(const struct naive_rows *r, const double *f, size_t i, size_t k)
{
	size_t n_latents = latents_of(r);
	double mean[2] = { 0 }, square[2] = { 0 }, product = 0;

	for (size_t row = 0; row < r->n; row++) {
		mean[0] += f[row * n_latents + i] / (double)r->n;
		mean[1] += f[row * n_latents + k] / (double)r->n;
	}
	for (size_t row = 0; row < r->n; row++) {
		double x = f[row * n_latents + i] - mean[0], y = f[row * n_latents + k] - mean[1];

		square[0] += x * x;
		square[1] += y * y;
		product += x * y;
	}
	return square[0] > 0 && square[1] > 0 ? product / sqrt(square[0] * square[1]) : 0;
}

/* Column c of a model's reconstruction of a row. */
static double rebuilt(const struct naive_rows *r, const double *f, int model, size_t c)
{
	const struct dfc_shape *s = &r->d->shape;
	size_t first = model == 0 ? 0 : s->n_a, end = s->n_a + s->n_shared + (model == 0 ? 0 : s->n_b);
	size_t d = model == 0 ? s->d_a : s->d_b;
	const float *dec = model == 0 ? r->d->dec_a : r->d->dec_b;
	double sum = (double)(model == 0 ? r->d->bias_a[c] : r->d->bias_b[c]);

	for (size_t k = first; k < end; k++)
		sum += f[k] > 0 ? f[k] * (double)dec[(k - first) * d + c] : 0;
	return sum;
}

void naive_scaling(double *error, double *recon, const struct naive_rows *r, const double *f, size_t latent)
{
	const struct dfc_shape *s = &r->d->shape;
	size_t n_latents = latents_of(r), d = s->d_a;
	int own = latent < s->n_a ? 0 : 1;
	const float *row = own == 0 ? r->d->dec_a + latent * d : r->d->dec_b + (latent - s->n_a) * d;
	double sum_error[2] = { 0 }, sum_recon[2] = { 0 };

	for (size_t i = 0; i < r->n; i++) {
		double a = f[i * n_latents + latent];

		for (size_t c = 0; a > 0 && c < d; c++) {
			for (int m = 0; m < 2; m++) {
				double x = m == 0 ? (double)r->xa[i * d + c] * (double)r->d->scale_a
						  : (double)r->xb[i * d + c] * (double)r->d->scale_b;
				double y = rebuilt(r, f + i * n_latents, m, c);

				sum_recon[m] += a * (double)row[c] * y;
				/* the latent's own part is put back where it was taken from */
				sum_error[m] +=
					a * (double)row[c] * (x - y + (m == own ? a * (double)row[c] : 0));
			}
		}
	}
	*error = sum_error[1 - own] / sum_error[own];
	*recon = sum_recon[1 - own] / sum_recon[own];
}

/* g x = b, by elimination; g (d, d) and b are spent. */
static void eliminate(double *g, double *b, size_t d)
{
	for (size_t i = 0; i < d; i++) {
		for (size_t k = i + 1; k < d; k++) {
			double part = g[k * d + i] / g[i * d + i];

			for (size_t c = i; c < d; c++)
				g[k * d + c] -= part * g[i * d + c];
			b[k] -= part * b[i];
		}
	}
	for (size_t i = d; i-- > 0;) {
		for (size_t c = i + 1; c < d; c++)
			b[i] -= g[i * d + c] * b[c];
		b[i] /= g[i * d + i];
	}
}

/* The ridge's weights, (d) on the heap. */
static double *ridge_fit(const struct naive_rows *r, const float *x, size_t d, const uint8_t *half,
			 const uint8_t *on)
{
	double *g = mem_alloc(d * d, sizeof(*g)), *b = mem_alloc(d, sizeof(*b)),
	       *mean = mem_alloc(d, sizeof(*mean)), trace = 0, n = 0;

	for (size_t i = 0; i < r->n; i++) {
		for (size_t c = 0; half[i] == 0 && c < d; c++)
			mean[c] += (double)x[i * d + c];
		n += half[i] == 0;
	}
	for (size_t i = 0; i < r->n; i++) {
		for (size_t c = 0; half[i] == 0 && c < d; c++) {
			double v = (double)x[i * d + c] - mean[c] / n;

			b[c] += on[i] ? v : 0;
			for (size_t k = 0; k < d; k++)
				g[c * d + k] += v * ((double)x[i * d + k] - mean[k] / n);
		}
	}
	for (size_t c = 0; c < d; c++)
		trace += g[c * d + c];
	for (size_t c = 0; c < d; c++)
		g[c * d + c] += 1e-3 * trace / (double)d;
	eliminate(g, b, d);
	mem_free(g);
	mem_free(mean);
	return b;
}

double naive_auroc(const struct naive_rows *r, const double *f, size_t latent, const uint8_t *half)
{
	const struct dfc_shape *s = &r->d->shape;
	bool base_only = latent < s->n_a;
	const float *x = base_only ? r->xb : r->xa;
	size_t d = base_only ? s->d_b : s->d_a;
	uint8_t *on = mem_alloc(r->n, 1);
	double *score = mem_alloc(r->n, sizeof(*score)), *w, won = 0, pairs = 0;

	for (size_t i = 0; i < r->n; i++)
		on[i] = f[i * latents_of(r) + latent] > 0;
	w = ridge_fit(r, x, d, half, on);
	for (size_t i = 0; i < r->n; i++) {
		for (size_t c = 0; c < d; c++)
			score[i] += (double)x[i * d + c] * w[c];
	}
	for (size_t i = 0; i < r->n; i++) {
		for (size_t k = 0; half[i] == 1 && on[i] && k < r->n; k++) {
			if (half[k] != 1 || on[k])
				continue;
			won += score[i] > score[k] ? 1 : score[i] == score[k] ? 0.5 : 0;
			pairs++;
		}
	}
	mem_free(on);
	mem_free(score);
	mem_free(w);
	return pairs > 0 ? won / pairs : -1;
}
