#include "dict/exchange.h"

#include "dict/span.h"
#include "num/ops.h"
#include "num/reduce.h"

#include <string.h>

enum { FEWEST_ROWS = 16 };
static const double least_left = 0.1; /* of u . u, after b_dec is taken out */

/* Latents to choose from and what they are ordered by, the largest first. */
struct line {
	uint32_t *latent, *order;
	double *by;
	size_t n;
};

static struct line line_new(size_t most)
{
	return (struct line){ mem_alloc(most, sizeof(uint32_t)), mem_alloc(most, sizeof(uint32_t)),
			      mem_alloc(most, sizeof(double)), 0 };
}

static void line_release(struct line *l)
{
	mem_free(l->latent);
	mem_free(l->order);
	mem_free(l->by);
}

static void line_add(struct line *l, size_t latent, double by)
{
	l->latent[l->n] = (uint32_t)latent;
	l->by[l->n++] = -by;
}

/* Parameters and their moments. */
static void swap(struct trainer *t, float *a, float *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float x = a[i];

		a[i] = b[i];
		b[i] = x;
	}
	adam_state_swap(&t->state, (size_t)(a - t->dict.memory), (size_t)(b - t->dict.memory), n);
}

static double decoder_norm(const struct trainer *t, size_t i, bool model_b)
{
	const struct dfc_shape *s = &t->dict.shape;

	return __builtin_sqrt(op_norm2_d(trainer_decoder_row(t, i, model_b), model_b ? s->d_b : s->d_a));
}

static void swap_latents(struct trainer *t, bool model_b, size_t i, size_t k)
{
	const struct dfc *d = &t->dict;
	size_t width = model_b ? d->shape.d_b : d->shape.d_a;
	uint64_t idle = t->idle[i];
	uint8_t moved = t->moved[i] | t->moved[k];

	swap(t, d->bias_enc + i, d->bias_enc + k, 1);
	swap(t, trainer_encoder_row(t, i, model_b), trainer_encoder_row(t, k, model_b), width);
	swap(t, trainer_decoder_row(t, i, model_b), trainer_decoder_row(t, k, model_b), width);
	t->idle[i] = t->idle[k];
	t->idle[k] = idle;
	t->moved[i] = t->moved[k] = moved;
	t->encoder.weight[i] = dfc_score_weight(d, i);
	t->encoder.weight[k] = dfc_score_weight(d, k);
}

/* Shared latents that are model m's alone by their norms, most one-sided first. */
static void one_sided(struct line *l, const struct trainer *t, bool model_b)
{
	const struct dfc *d = &t->dict;
	double own, other;

	for (size_t i = d->shape.n_a; i < dfc_rows_a(&d->shape) && t->opts.promote > 0.0; i++) {
		if (trainer_is_dead(t, i))
			continue;
		own = decoder_norm(t, i, model_b);
		other = decoder_norm(t, i, !model_b);
		if (own > 0.0 && own / (own + other) >= t->opts.promote)
			line_add(l, i, own / (own + other));
	}
	reduce_order(l->order, l->by, l->n);
}

/* Of latents first .. end-1, longest idle first. */
static void dead_ones(struct line *l, const struct trainer *t, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (trainer_is_dead(t, i))
			line_add(l, i, (double)t->idle[i]);
	reduce_order(l->order, l->by, l->n);
}

static size_t line_at(const struct line *l, size_t i)
{
	return l->latent[l->order[i]];
}

/* ---- promote ---- */

static void promote_side(struct trainer *t, bool model_b)
{
	const struct dfc_shape *s = &t->dict.shape;
	size_t first = model_b ? dfc_rows_a(s) : 0, n = model_b ? s->n_b : s->n_a;
	struct line from = line_new(s->n_shared), to = line_new(n);

	one_sided(&from, t, model_b);
	dead_ones(&to, t, first, first + n);
	for (size_t i = 0; i < size_min(from.n, to.n); i++) {
		swap_latents(t, model_b, line_at(&from, i), line_at(&to, i));
		t->moves.promoted++;
	}
	line_release(&from);
	line_release(&to);
}

/* ---- demote ---- */

/* Exclusive latents that the other model has a use for. */
static void wanted(struct line *l, const struct trainer *t, const struct look_side *k, bool model_b)
{
	double own, other;

	for (size_t i = 0; i < k->n; i++) {
		if (trainer_is_dead(t, k->first + i) || k->rows[i] < FEWEST_ROWS ||
		    !(k->square[0][i] > 0.0) || !(k->square[1][i] > 0.0))
			continue;
		own = decoder_norm(t, k->first + i, model_b);
		other = look_norm(k, i);
		if (other > 0.0 && other / (own + other) >= t->opts.demote)
			line_add(l, i, other / (own + other));
	}
	reduce_order(l->order, l->by, l->n);
}

static void demote_latent(struct trainer *t, const struct look_side *k, bool model_b, size_t i, size_t to)
{
	const struct dfc *d = &t->dict;
	float *dec = trainer_decoder_row(t, to, !model_b);

	swap_latents(t, model_b, k->first + i, to);
	t->moves.demoted++;
	look_row(dec, k, i);
	trainer_forget_moments(t, dec, k->d_other);
	trainer_silence(t, trainer_encoder_row(t, to, !model_b), k->d_other);
	t->encoder.weight[to] = dfc_score_weight(d, to);
}

static void demote_side(struct trainer *t, bool model_b)
{
	const struct dfc_shape *s = &t->dict.shape;
	const struct look_side *k = &t->look.side[model_b];
	struct line from = line_new(k->n), sided = line_new(s->n_shared), dead = line_new(s->n_shared);

	wanted(&from, t, k, model_b);
	one_sided(&sided, t, model_b);
	dead_ones(&dead, t, s->n_a, dfc_rows_a(s));
	for (size_t i = 0; i < size_min(from.n, sided.n + dead.n); i++)
		demote_latent(t, k, model_b, line_at(&from, i),
			      i < sided.n ? line_at(&sided, i) : line_at(&dead, i - sided.n));
	line_release(&from);
	line_release(&sided);
	line_release(&dead);
}

/* ---- reseed ---- */

static void reseed_latent(struct trainer *t, bool model_b, size_t i, const float *u, size_t width)
{
	const struct dfc *d = &t->dict;
	const float *bias = model_b ? d->bias_b : d->bias_a;
	float *dec = trainer_decoder_row(t, i, model_b), *enc = trainer_encoder_row(t, i, model_b);
	double bias2 = op_norm2_d(bias, width), left;

	memcpy(dec, u, width * sizeof(*dec));
	memcpy(enc, u, width * sizeof(*enc));
	if (bias2 > 0.0)
		op_axpy(enc, (float)(-op_dot_d(u, bias, width) / bias2), bias, width);
	left = op_dot_d(enc, u, width);
	op_scale(enc, (float)(1.0 / (left > least_left ? left : least_left)), width);
	trainer_forget_moments(t, dec, width);
	trainer_forget_moments(t, enc, width);
	trainer_silence(t, d->bias_enc + i, 1);
	t->idle[i] = 0;
	t->encoder.weight[i] = dfc_score_weight(d, i);
	t->moves.reseeded++;
}

static void reseed_side(struct trainer *t, bool model_b)
{
	const struct look_side *k = &t->look.side[model_b];
	struct line from = line_new(LOOK_SEEDS), to = line_new(k->n);

	for (size_t i = 0; i < k->n_seeds; i++)
		line_add(&from, i, k->clear[i]);
	reduce_order(from.order, from.by, from.n);
	dead_ones(&to, t, k->first, k->first + k->n);
	for (size_t i = 0; i < size_min(from.n, to.n); i++)
		reseed_latent(t, model_b, line_at(&to, i), k->seed + line_at(&from, i) * k->d, k->d);
	line_release(&from);
	line_release(&to);
}

int trainer_exchange(struct trainer *t, struct err *e)
{
	const struct train_opts *o = &t->opts;
	bool reseed = t->at <= trainer_reseed_until(t), fold = t->at <= trainer_fold_until(t);

	if (o->exchange_every == 0 || t->at == 0 || t->at % o->exchange_every != 0 ||
	    t->dict.shape.n_a + t->dict.shape.n_b == 0)
		return 0;
	if ((o->demote > 0.0 || reseed || fold) && look_run(t, e) < 0)
		return -1;
	if (fold)
		fold_run(t);
	for (int model_b = 0; model_b < 2; model_b++) {
		if (o->demote > 0.0)
			demote_side(t, model_b);
		promote_side(t, model_b);
		if (reseed)
			reseed_side(t, model_b);
	}
	return 0;
}
