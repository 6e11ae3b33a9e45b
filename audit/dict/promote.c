#include "dict/promote.h"

#include "dict/span.h"
#include "num/ops.h"
#include "num/reduce.h"

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

static bool is_dead(const struct trainer *t, size_t latent)
{
	return t->idle[latent] >= t->opts.dead_after;
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

static void swap_rows(struct trainer *t, bool candidate, size_t i, size_t k)
{
	const struct dfc *d = &t->dict;
	const struct dfc_shape *s = &d->shape;

	swap(t, d->bias_enc + i, d->bias_enc + k, 1);
	if (candidate) {
		swap(t, d->enc_b + (i - s->n_a) * s->d_b, d->enc_b + (k - s->n_a) * s->d_b, s->d_b);
		swap(t, d->dec_b + (i - s->n_a) * s->d_b, d->dec_b + (k - s->n_a) * s->d_b, s->d_b);
	} else {
		swap(t, d->enc_a + i * s->d_a, d->enc_a + k * s->d_a, s->d_a);
		swap(t, d->dec_a + i * s->d_a, d->dec_a + k * s->d_a, s->d_a);
	}
}

static void swap_latents(struct trainer *t, bool candidate, size_t i, size_t k)
{
	uint64_t idle = t->idle[i];
	uint8_t moved = t->moved[i] | t->moved[k];

	swap_rows(t, candidate, i, k);
	t->idle[i] = t->idle[k];
	t->idle[k] = idle;
	t->moved[i] = t->moved[k] = moved;
	t->encoder.weight[i] = dfc_score_weight(&t->dict, i);
	t->encoder.weight[k] = dfc_score_weight(&t->dict, k);
}

static void one_sided(struct line *l, const struct trainer *t, bool candidate)
{
	const struct dfc *d = &t->dict;
	const struct dfc_shape *s = &d->shape;
	double a, b, share;

	for (size_t i = s->n_a; i < s->n_a + s->n_shared; i++) {
		if (is_dead(t, i))
			continue;
		a = __builtin_sqrt(op_norm2_d(dfc_decoder_a(d, i), s->d_a));
		b = __builtin_sqrt(op_norm2_d(dfc_decoder_b(d, i), s->d_b));
		share = a + b > 0.0 ? (candidate ? b : a) / (a + b) : 0.0;
		if (share >= t->opts.promote)
			line_add(l, i, share);
	}
}

static void promote_side(struct trainer *t, bool candidate)
{
	const struct dfc_shape *s = &t->dict.shape;
	size_t first = candidate ? s->n_a + s->n_shared : 0, n = candidate ? s->n_b : s->n_a;
	struct line from = line_new(s->n_shared), to = line_new(n);

	for (size_t i = first; i < first + n; i++)
		if (is_dead(t, i))
			line_add(&to, i, (double)t->idle[i]);
	one_sided(&from, t, candidate);
	reduce_order(from.order, from.by, from.n);
	reduce_order(to.order, to.by, to.n);
	for (size_t i = 0; i < size_min(from.n, to.n); i++)
		swap_latents(t, candidate, from.latent[from.order[i]], to.latent[to.order[i]]);
	line_release(&from);
	line_release(&to);
}

void trainer_promote(struct trainer *t)
{
	const struct train_opts *o = &t->opts;

	if (!(o->promote > 0.0) || o->promote_every == 0 || t->at == 0 || t->at % o->promote_every != 0)
		return;
	promote_side(t, false);
	promote_side(t, true);
}
