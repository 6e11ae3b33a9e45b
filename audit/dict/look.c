#include "dict/look.h"

#include "dict/sparse.h"
#include "dict/trainer.h"
#include "num/ops.h"

#include <stdbool.h>
#include <string.h>

static const double alike = 0.6;

static void carve_side(struct look_side *k, struct carve *room, size_t n, size_t d, size_t d_other)
{
	k->n = n;
	k->d = d;
	k->d_other = d_other;
	for (int half = 0; half < 2; half++) {
		k->pull[half] = carve_take(room, n, d_other * sizeof(*k->pull[half]));
		k->square[half] = carve_take(room, n, sizeof(*k->square[half]));
	}
	k->rows = carve_take(room, n, sizeof(*k->rows));
	k->seed = carve_take(room, LOOK_SEEDS, d * sizeof(*k->seed));
	k->clear = carve_take(room, LOOK_SEEDS, sizeof(*k->clear));
}

void look_carve(struct look *l, struct carve *room, const struct dfc_shape *s)
{
	carve_side(&l->side[0], room, s->n_a, s->d_a, s->d_b);
	carve_side(&l->side[1], room, s->n_b, s->d_b, s->d_a);
	l->side[0].first = 0;
	l->side[1].first = s->n_a + s->n_shared;
	l->unit = carve_take(room, s->d_a > s->d_b ? s->d_a : s->d_b, sizeof(*l->unit));
}

static void clear_side(struct look_side *k)
{
	for (int half = 0; half < 2; half++) {
		memset(k->pull[half], 0, k->n * k->d_other * sizeof(*k->pull[half]));
		memset(k->square[half], 0, k->n * sizeof(*k->square[half]));
	}
	memset(k->rows, 0, k->n * sizeof(*k->rows));
	k->n_seeds = 0;
}

/* One batch, seen from one model: the other's residuals are r. */
struct glance {
	struct look_side *side;
	const struct by_latent *on;
	const float *r;
	size_t half;
};

static void pull_unit(void *ud, size_t i, void *scratch)
{
	const struct glance *g = ud;
	struct look_side *k = g->side;
	size_t at = g->on->start[k->first + i], n = g->on->start[k->first + i + 1] - at;
	float *pull = k->pull[g->half] + i * k->d_other;

	(void)scratch;
	sparse_combine(pull, pull, g->r, k->d_other, g->on->row + at, g->on->value + at, n);
	k->square[g->half][i] += op_norm2_d(g->on->value + at, n);
	k->rows[i] += n;
}

static void seed_set(struct look_side *k, size_t at, const float *unit, double clear)
{
	k->clear[at] = clear;
	memmove(k->seed + at * k->d, unit, k->d * sizeof(*unit));
}

/* Kept unless one it is like is as clear; those it is like, and where there is no room the least clear, make room for it. */
static void seed_add(struct look_side *k, const float *unit, double clear)
{
	size_t least = 0, n = 0;
	bool like[LOOK_SEEDS];

	for (size_t j = 1; j < k->n_seeds; j++)
		least = k->clear[j] < k->clear[least] ? j : least;
	if (k->n_seeds == LOOK_SEEDS && clear <= k->clear[least])
		return;
	for (size_t j = 0; j < k->n_seeds; j++) {
		like[j] = op_dot_d(unit, k->seed + j * k->d, k->d) > alike;
		if (like[j] && clear <= k->clear[j])
			return;
	}
	for (size_t j = 0; j < k->n_seeds; j++) {
		if (!like[j])
			seed_set(k, n++, k->seed + j * k->d, k->clear[j]);
	}
	k->n_seeds = n < LOOK_SEEDS ? n + 1 : n;
	seed_set(k, n < LOOK_SEEDS ? n : least, unit, clear);
}

static void look_for_seeds(struct look *l, int side, const float *r, const struct moments *m, size_t n)
{
	struct look_side *k = &l->side[side];
	const double *own = side == 0 ? m->square_a : m->square_b,
		     *other = side == 0 ? m->square_b : m->square_a;
	double mean = (side == 0 ? m->sum_a : m->sum_b) / (double)n,
	       mean_other = (side == 0 ? m->sum_b : m->sum_a) / (double)n, clear;

	for (size_t i = 0; i < n && mean > 0.0 && mean_other > 0.0; i++) {
		clear = own[i] / mean - other[i] / mean_other;
		if (!(clear > 0.0))
			continue;
		memcpy(l->unit, r + i * k->d, k->d * sizeof(*l->unit));
		op_scale(l->unit, (float)(1.0 / __builtin_sqrt(own[i])), k->d);
		seed_add(k, l->unit, clear);
	}
}

int look_run(struct trainer *t, struct err *e)
{
	struct look *l = &t->look;
	size_t n = dfc_latents(&t->dict.shape);
	bool fold = t->at <= trainer_fold_until(t);

	clear_side(&l->side[0]);
	clear_side(&l->side[1]);
	if (fold)
		fold_clear(&t->fold, n);
	for (size_t i = 0; i < LOOK_BATCHES; i++) {
		struct glance a = { &l->side[0], &t->by_latent, t->eb, i % 2 },
			      b = { &l->side[1], &t->by_latent, t->ea, i % 2 };

		if (trainer_read(t, t->at + i, e) < 0)
			return -1;
		trainer_reconstruct(t);
		if (fold)
			fold_add(&t->fold, i % 2, &t->kept, t->batch.n, n);
		par_run(t->par, a.side->n, pull_unit, &a);
		par_run(t->par, b.side->n, pull_unit, &b);
		look_for_seeds(l, 0, t->ea, &t->residual, t->batch.n);
		look_for_seeds(l, 1, t->eb, &t->residual, t->batch.n);
	}
	return 0;
}

double look_norm(const struct look_side *k, size_t i)
{
	double dot = op_dot_d(k->pull[0] + i * k->d_other, k->pull[1] + i * k->d_other, k->d_other);

	return dot > 0.0 ? __builtin_sqrt(dot / (k->square[0][i] * k->square[1][i])) : 0.0;
}

void look_row(float *g, const struct look_side *k, size_t i)
{
	memcpy(g, k->pull[0] + i * k->d_other, k->d_other * sizeof(*g));
	op_add(g, k->pull[1] + i * k->d_other, k->d_other);
	op_scale(g, (float)(1.0 / (k->square[0][i] + k->square[1][i])), k->d_other);
}
