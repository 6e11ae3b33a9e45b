#include "study/probe.h"

#include "base/mem.h"
#include "num/fmath.h"
#include "num/gemm.h"
#include "num/stats.h"

#include <string.h>

static const double ridge = 1e-3;

/* One model's activations and the latents that are told from them. */
struct told {
	size_t d, n; /* width; latents */
	uint32_t *latent;
	size_t *number; /* (n) in the caller's list */
	float *gram;	/* (d, d) X'X of the rows that fit */
	float *origin; /* (d) mean of the first rows that fit: sums are about it, so that a far mean takes no digits */
	double *mean;  /* (d) sum, then mean, about the origin */
	double *on;    /* (n, d) sums of the rows where on */
	size_t *n_on;  /* (n) rows that fit */
	float *weight; /* (n, d) */
	float *score;  /* (rows that test, n) */
	float *rows;   /* (cap, d) those of a batch */
	size_t fitted, scored, cap;
};

struct probe {
	const struct active *a;
	const uint8_t *half;
	struct par *par;
	size_t n_latents, n_test;
	struct told told[2]; /* from the base's rows; from the candidate's */
};

static void told_new(struct told *t, size_t d, size_t n, size_t n_test)
{
	*t = (struct told){ .d = d };
	t->latent = mem_alloc(n + 1, sizeof(*t->latent));
	t->number = mem_alloc(n + 1, sizeof(*t->number));
	t->gram = mem_alloc(d * d, sizeof(*t->gram));
	t->origin = mem_alloc(d, sizeof(*t->origin));
	t->mean = mem_alloc(d, sizeof(*t->mean));
	t->on = mem_alloc(n * d + 1, sizeof(*t->on));
	t->n_on = mem_alloc(n + 1, sizeof(*t->n_on));
	t->weight = mem_alloc(n * d + 1, sizeof(*t->weight));
	t->score = mem_alloc(n * n_test + 1, sizeof(*t->score));
}

struct probe *probe_new(const struct dfc *d, const struct active *a, const uint32_t *latent, size_t n,
			const uint8_t *half, struct par *p)
{
	struct probe *s = mem_alloc(1, sizeof(*s));

	*s = (struct probe){ .a = a, .half = half, .par = p, .n_latents = n };
	for (size_t r = 0; r < a->n_rows; r++)
		s->n_test += half[r];
	told_new(&s->told[0], d->shape.d_a, n, s->n_test);
	told_new(&s->told[1], d->shape.d_b, n, s->n_test);
	for (size_t i = 0; i < n; i++) {
		struct told *t = &s->told[dfc_partition(&d->shape, latent[i]) == PARTITION_A];

		t->number[t->n] = i;
		t->latent[t->n++] = latent[i];
	}
	return s;
}

void probe_free(struct probe *s)
{
	if (s == NULL)
		return;
	for (size_t m = 0; m < 2; m++) {
		void *block[] = { s->told[m].latent, s->told[m].number, s->told[m].gram,   s->told[m].mean,
				  s->told[m].on,     s->told[m].n_on,	s->told[m].weight, s->told[m].score,
				  s->told[m].rows,   s->told[m].origin };

		for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++)
			mem_free(block[i]);
	}
	mem_free(s);
}

/* The rows of a batch that are of this half, one after the other, about the origin; how many. */
static size_t gather(struct told *t, const struct probe *s, const float *x, size_t first, size_t n,
		     uint8_t half)
{
	size_t kept = 0;

	t->rows = mem_grow(t->rows, &t->cap, n * t->d, sizeof(*t->rows));
	for (size_t r = 0; r < n; r++) {
		for (size_t c = 0; s->half[first + r] == half && c < t->d; c++)
			t->rows[kept * t->d + c] = x[r * t->d + c] - t->origin[c];
		kept += s->half[first + r] == half;
	}
	return kept;
}

/* Rows (n, d) move to the origin that they give. */
static void origin_set(struct told *t, float *rows, size_t n)
{
	for (size_t c = 0; c < t->d; c++) {
		double sum = 0;

		for (size_t r = 0; r < n; r++)
			sum += (double)rows[r * t->d + c];
		t->origin[c] = (float)(sum / (double)n);
		for (size_t r = 0; r < n; r++)
			rows[r * t->d + c] -= t->origin[c];
	}
}

/* Rows (kept, d) that fit; `at`: their numbers among the rows of the study. */
static void on_add(struct told *t, const struct probe *s, const size_t *at, size_t kept)
{
	for (size_t r = 0; r < kept; r++) {
		for (size_t k = 0; k < t->n; k++) {
			if (!(active_at(s->a, at[r], t->latent[k]) > 0))
				continue;
			t->n_on[k]++;
			for (size_t c = 0; c < t->d; c++)
				t->on[k * t->d + c] += (double)t->rows[r * t->d + c];
		}
	}
}

void probe_fit(struct probe *s, const float *xa, const float *xb, size_t first, size_t n)
{
	const float *x[2] = { xa, xb };
	size_t *at = mem_alloc(n + 1, sizeof(*at)), n_at = 0;

	for (size_t r = first; r < first + n; r++) {
		if (s->half[r] == 0)
			at[n_at++] = r;
	}
	for (size_t m = 0; m < 2; m++) {
		struct told *t = &s->told[m];
		size_t kept = gather(t, s, x[m], first, n, 0);

		if (kept == 0 || t->n == 0)
			continue;
		if (t->fitted == 0)
			origin_set(t, t->rows, kept);
		gemm_tn(s->par, t->gram, t->d, t->rows, t->d, t->rows, t->d, t->d, t->d, kept, 1);
		for (size_t i = 0; i < kept * t->d; i++)
			t->mean[i % t->d] += (double)t->rows[i];
		t->fitted += kept;
		on_add(t, s, at, kept);
	}
	mem_free(at);
}

/* Cholesky, in place: g = l l', the lower half. */
static void cholesky(double *g, size_t d)
{
	for (size_t i = 0; i < d; i++) {
		for (size_t k = 0; k <= i; k++) {
			double sum = g[i * d + k];

			for (size_t c = 0; c < k; c++)
				sum -= g[i * d + c] * g[k * d + c];
			g[i * d + k] = i == k ? fm_sqrt_d(sum > 0 ? sum : 1e-300) : sum / g[k * d + k];
		}
	}
}

static void solve(double *b, const double *l, size_t d)
{
	for (size_t i = 0; i < d; i++) {
		for (size_t c = 0; c < i; c++)
			b[i] -= l[i * d + c] * b[c];
		b[i] /= l[i * d + i];
	}
	for (size_t i = d; i-- > 0;) {
		for (size_t c = i + 1; c < d; c++)
			b[i] -= l[c * d + i] * b[c];
		b[i] /= l[i * d + i];
	}
}

static void told_solve(struct told *t)
{
	double *g = mem_alloc(t->d * t->d, sizeof(*g)), trace = 0, n = (double)t->fitted;

	for (size_t c = 0; c < t->d; c++)
		t->mean[c] /= n;
	for (size_t i = 0; i < t->d * t->d; i++)
		g[i] = (double)t->gram[i] - n * t->mean[i / t->d] * t->mean[i % t->d];
	for (size_t c = 0; c < t->d; c++)
		trace += g[c * t->d + c];
	for (size_t c = 0; c < t->d; c++)
		g[c * t->d + c] += ridge * trace / (double)t->d;
	cholesky(g, t->d);
	for (size_t k = 0; k < t->n; k++) {
		double *b = t->on + k * t->d;

		for (size_t c = 0; c < t->d; c++)
			b[c] -= (double)t->n_on[k] * t->mean[c];
		solve(b, g, t->d);
		for (size_t c = 0; c < t->d; c++)
			t->weight[k * t->d + c] = (float)b[c];
	}
	mem_free(g);
}

void probe_solve(struct probe *s)
{
	for (size_t m = 0; m < 2; m++) {
		if (s->told[m].fitted > 0)
			told_solve(&s->told[m]);
	}
}

void probe_score(struct probe *s, const float *xa, const float *xb, size_t first, size_t n)
{
	const float *x[2] = { xa, xb };

	for (size_t m = 0; m < 2; m++) {
		struct told *t = &s->told[m];
		size_t kept = gather(t, s, x[m], first, n, 1);

		if (kept > 0 && t->n > 0)
			gemm_nt(s->par, t->score + t->scored * t->n, t->n, t->rows, t->d, t->weight, t->d,
				kept, t->n, t->d, 0);
		t->scored += kept;
	}
}

void probe_end(double *auroc, const struct probe *s)
{
	double *score = mem_alloc(s->n_test + 1, sizeof(*score));
	uint8_t *on = mem_alloc(s->n_test + 1, sizeof(*on));

	for (size_t m = 0; m < 2; m++) {
		const struct told *t = &s->told[m];

		for (size_t k = 0; k < t->n; k++) {
			size_t at = 0, n_on = 0;

			for (size_t r = 0; r < s->a->n_rows; r++) {
				if (s->half[r] == 0)
					continue;
				score[at] = (double)t->score[at * t->n + k];
				on[at] = active_at(s->a, r, t->latent[k]) > 0;
				n_on += on[at++];
			}
			auroc[t->number[k]] =
				t->n_on[k] == 0 || t->n_on[k] == t->fitted || n_on == 0 || n_on == at
					? -1
					: stats_auroc(score, on, at);
		}
	}
	mem_free(score);
	mem_free(on);
}
