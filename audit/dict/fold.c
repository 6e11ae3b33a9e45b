#include "dict/fold.h"

#include "dict/trainer.h"
#include "num/ops.h"

#include <stdbool.h>
#include <string.h>

/* ---- the rows ---- */

static void carve_half(struct fold_rows *h, struct carve *room, size_t n, size_t rows, size_t codes)
{
	size_t all = codes > SIZE_MAX - rows ? SIZE_MAX : codes + rows;

	h->end = carve_take(room, rows, sizeof(*h->end));
	h->latent = carve_take(room, all, sizeof(*h->latent));
	h->value = carve_take(room, all, sizeof(*h->value));
	h->square = carve_take(room, n + 1, sizeof(*h->square));
	h->weight = carve_take(room, n + 1, sizeof(*h->weight));
	h->f = carve_take(room, rows, sizeof(*h->f));
}

void fold_carve(struct fold *f, struct carve *room, size_t n, size_t rows, size_t codes)
{
	carve_half(&f->half[0], room, n, rows, codes);
	carve_half(&f->half[1], room, n, rows, codes);
	f->on = carve_take(room, n, sizeof(*f->on));
	f->left = carve_take(room, n + 1, sizeof(*f->left));
	f->scaled = carve_take(room, n + 1, sizeof(*f->scaled));
	f->way = carve_take(room, n + 1, sizeof(*f->way));
	f->product = carve_take(room, n + 1, sizeof(*f->product));
}

void fold_clear(struct fold *f, size_t n)
{
	for (int half = 0; half < 2; half++) {
		f->half[half].n = 0;
		memset(f->half[half].square, 0, (n + 1) * sizeof(*f->half[half].square));
	}
	memset(f->on, 0, n * sizeof(*f->on));
}

static size_t row_start(const struct fold_rows *h, size_t row)
{
	return row > 0 ? h->end[row - 1] : 0;
}

static void add_code(struct fold_rows *h, size_t at, size_t latent, float value)
{
	h->latent[at] = (uint32_t)latent;
	h->value[at] = value;
	h->square[latent] += (double)value * (double)value;
}

void fold_add(struct fold *f, size_t half, const struct codes *c, size_t rows, size_t n)
{
	struct fold_rows *h = &f->half[half];

	for (size_t r = 0; r < rows; r++) {
		size_t at = row_start(h, h->n);

		for (size_t i = c->start[r]; i < c->start[r + 1]; i++) {
			add_code(h, at++, c->latent[i], c->value[i]);
			f->on[c->latent[i]]++;
		}
		add_code(h, at++, n, 1.0f);
		h->end[h->n++] = at;
	}
}

/* ---- one latent from the others ---- */

static double row_dot(const struct fold_rows *h, size_t row, const double *w)
{
	double sum = 0.0;

	for (size_t i = row_start(h, row); i < h->end[row]; i++)
		sum += w[h->latent[i]] * (double)h->value[i];
	return sum;
}

static void row_add(double *to, const struct fold_rows *h, size_t row, double times)
{
	for (size_t i = row_start(h, row); i < h->end[row]; i++)
		to[h->latent[i]] += times * (double)h->value[i];
}

static void take_latent(struct fold_rows *h, size_t j)
{
	for (size_t r = 0; r < h->n; r++) {
		h->f[r] = 0.0;
		for (size_t i = row_start(h, r); i < h->end[r]; i++)
			h->f[r] = h->latent[i] == j ? (double)h->value[i] : h->f[r];
	}
}

/* to = what the preconditioner makes of v; 0 for those that take no part.  Returns v . to. */
static double precondition(double *to, const double *v, const struct fold_rows *h, size_t n)
{
	double dot = 0.0;

	for (size_t i = 0; i < n; i++) {
		to[i] = h->square[i] > 0.0 ? v[i] / (h->square[i] * (1.0 + FOLD_RIDGE)) : 0.0;
		dot += v[i] * to[i];
	}
	return dot;
}

/* product = (F^T F + ridge) way.  Returns way . product. */
static double multiply(struct fold *f, const struct fold_rows *h, size_t n)
{
	double dot = 0.0;

	memset(f->product, 0, n * sizeof(*f->product));
	for (size_t r = 0; r < h->n; r++)
		row_add(f->product, h, r, row_dot(h, r, f->way));
	for (size_t i = 0; i < n; i++) {
		f->product[i] += FOLD_RIDGE * h->square[i] * f->way[i];
		dot += f->way[i] * f->product[i];
	}
	return dot;
}

static void fit(struct fold *f, struct fold_rows *h, size_t n)
{
	double dot, next, step;

	memset(h->weight, 0, n * sizeof(*h->weight));
	memset(f->left, 0, n * sizeof(*f->left));
	for (size_t r = 0; r < h->n; r++)
		row_add(f->left, h, r, h->f[r]);
	dot = precondition(f->way, f->left, h, n);
	for (size_t k = 0; k < FOLD_ITERATIONS && dot > 0.0; k++) {
		step = multiply(f, h, n);
		if (!(step > 0.0))
			return;
		step = dot / step;
		for (size_t i = 0; i < n; i++) {
			h->weight[i] += step * f->way[i];
			f->left[i] -= step * f->product[i];
		}
		next = precondition(f->scaled, f->left, h, n);
		for (size_t i = 0; i < n; i++)
			f->way[i] = f->scaled[i] + next / dot * f->way[i];
		dot = next;
	}
}

/* 1 - sum (f - f^)^2 / sum (f - mean)^2 */
static double share_said(const struct fold_rows *h, const double *w)
{
	double sum = 0.0, square = 0.0, missed = 0.0, miss;

	for (size_t r = 0; r < h->n; r++) {
		miss = h->f[r] - row_dot(h, r, w);
		missed += miss * miss;
		sum += h->f[r];
		square += h->f[r] * h->f[r];
	}
	square -= h->n > 0 ? sum * sum / (double)h->n : 0.0;
	return square > 0.0 ? 1.0 - missed / square : 0.0;
}

double fold_fit(struct fold *f, size_t j, size_t n)
{
	struct fold_rows *even = &f->half[0], *odd = &f->half[1];
	double own[2] = { even->square[j], odd->square[j] };

	even->square[j] = odd->square[j] = 0.0;
	take_latent(even, j);
	take_latent(odd, j);
	fit(f, even, n + 1);
	fit(f, odd, n + 1);
	even->square[j] = own[0];
	odd->square[j] = own[1];
	return (share_said(odd, even->weight) + share_said(even, odd->weight)) / 2.0;
}

/* ---- the dictionary ---- */

/* The mean of two estimates, shrunk as they part; 0 where they have not one sign. */
static double agreed(double a, double b)
{
	return a * b > 0.0 ? a * b * (a + b) / (a * a + b * b) : 0.0;
}

/* What one model has of latent j goes to the others that have the model. */
static void give(struct trainer *t, size_t j, bool model_b)
{
	struct dfc *dict = &t->dict;
	const struct dfc_shape *s = &dict->shape;
	size_t first = model_b ? s->n_a : 0, end = model_b ? dfc_latents(s) : dfc_rows_a(s),
	       d = model_b ? s->d_b : s->d_a;
	const double *even = t->fold.half[0].weight, *odd = t->fold.half[1].weight;
	const float *given = trainer_decoder_row(t, j, model_b);

	for (size_t i = first; i < end; i++) {
		double w = agreed(even[i], odd[i]);

		if (w > 0.0 || w < 0.0)
			op_axpy(trainer_decoder_row(t, i, model_b), (float)w, given, d);
	}
	op_axpy(model_b ? dict->bias_b : dict->bias_a,
		(float)agreed(even[dfc_latents(s)], odd[dfc_latents(s)]), given, d);
}

static void fold_latent(struct trainer *t, size_t j)
{
	const struct dfc_shape *s = &t->dict.shape;
	const bool has[2] = { j < dfc_rows_a(s), j >= s->n_a };

	for (int model_b = 0; model_b < 2; model_b++) {
		if (!has[model_b])
			continue;
		give(t, j, model_b);
		trainer_silence(t, trainer_encoder_row(t, j, model_b), model_b ? s->d_b : s->d_a);
	}
	trainer_silence(t, t->dict.bias_enc + j, 1);
	t->idle[j] = t->opts.dead_after;
	t->fold.half[0].square[j] = t->fold.half[1].square[j] = 0.0;
	t->moves.folded++;
}

/* The most frequent latent not yet tried that is on often enough; n_latents: none. */
static size_t most_frequent(const struct fold *f, size_t n)
{
	double least = FOLD_ON * (double)(f->half[0].n + f->half[1].n);
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if ((double)f->on[i] >= least && f->on[i] > 0 && (best == n || f->on[i] > f->on[best]))
			best = i;
	return best;
}

void fold_run(struct trainer *t)
{
	struct fold *f = &t->fold;
	size_t n = dfc_latents(&t->dict.shape), j;
	uint64_t before = t->moves.folded;

	for (size_t k = 0; k < FOLD_MOST && (j = most_frequent(f, n)) < n; k++) {
		f->on[j] = 0;
		if (fold_fit(f, j, n) >= t->opts.fold)
			fold_latent(t, j);
	}
	if (t->moves.folded > before)
		encoder_weigh(&t->encoder, t->par);
}
