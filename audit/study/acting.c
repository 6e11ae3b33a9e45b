#include "study/acting.h"

#include "base/mem.h"
#include "num/fmath.h"
#include "num/ops.h"
#include "num/stats.h"

struct choice {
	const struct acting_pool *pool;
	const struct dfc *d;
	bool *taken;		   /* (pool->n) */
	double *sum[ACTING_KINDS]; /* (n_prompts) effects of those taken */
	double *x;		   /* (n_prompts) */
	float *v;		   /* (d_b) */
	struct member *out;	   /* (n + 1): the last is the one looked at */
	size_t n;
};

/* Effects in sd of random directions. */
struct standing {
	double lesser, both;
};

static const struct standing NOTHING = { -1e300, -1e300 };

/* Of those taken and latent i of the pool. */
static struct standing standing_with(struct choice *c, size_t i)
{
	const struct acting_pool *p = c->pool;
	double norm, z[ACTING_KINDS];

	c->out[c->n] = p->member[i];
	group_direction(c->v, c->d, true, c->out, c->n + 1);
	norm = fm_sqrt_d(op_norm2_d(c->v, c->d->shape.d_b));
	if (!(norm > 0))
		return NOTHING;
	for (size_t k = 0; k < ACTING_KINDS; k++) {
		for (size_t q = 0; q < p->n_prompts[k]; q++)
			c->x[q] = c->sum[k][q] + p->effect[k][i][q];
		z[k] = (stats_mean(c->x, p->n_prompts[k]) - stats_error(c->x, p->n_prompts[k])) /
		       (p->sd[k] * norm);
	}
	return (struct standing){ z[ACTING_ON] < z[ACTING_OFF] ? z[ACTING_ON] : z[ACTING_OFF],
				  z[ACTING_ON] + z[ACTING_OFF] };
}

static void take(struct choice *c, size_t i)
{
	const struct acting_pool *p = c->pool;

	c->taken[i] = true;
	c->out[c->n++] = p->member[i];
	for (size_t k = 0; k < ACTING_KINDS; k++) {
		for (size_t q = 0; q < p->n_prompts[k]; q++)
			c->sum[k][q] += p->effect[k][i][q];
	}
}

/* The latent that stands best with those taken, of those whose lesser effect is at least `least`: pool->n where there is none. */
static size_t best_next(struct standing *out, struct choice *c, bool by_both, double least)
{
	size_t best = c->pool->n;

	*out = NOTHING;
	for (size_t i = 0; i < c->pool->n; i++) {
		struct standing s = c->taken[i] ? NOTHING : standing_with(c, i);

		if (s.lesser < least || !(by_both ? s.both > out->both : s.lesser > out->lesser))
			continue;
		*out = s;
		best = i;
	}
	return best;
}

size_t acting_choose(struct member *out, const struct acting_pool *p, const struct dfc *d, size_t most)
{
	struct arena mem = ARENA_INIT;
	size_t n_prompts = p->n_prompts[ACTING_ON] > p->n_prompts[ACTING_OFF] ? p->n_prompts[ACTING_ON]
									      : p->n_prompts[ACTING_OFF];
	struct choice c = { .pool = p,
			    .d = d,
			    .taken = ARENA_ARRAY(&mem, p->n + 1, bool),
			    .sum = { ARENA_ARRAY(&mem, n_prompts + 1, double),
				     ARENA_ARRAY(&mem, n_prompts + 1, double) },
			    .x = ARENA_ARRAY(&mem, n_prompts + 1, double),
			    .v = ARENA_ARRAY(&mem, d->shape.d_b, float),
			    .out = ARENA_ARRAY(&mem, most + 1, struct member) };
	struct standing now = NOTHING, next;
	double lesser;
	size_t i;

	while (c.n < most && (i = best_next(&next, &c, false, now.lesser)) < p->n &&
	       next.lesser > now.lesser) {
		take(&c, i);
		now = next;
	}
	lesser = now.lesser;
	while (c.n < most && (i = best_next(&next, &c, true, lesser - 1)) < p->n && next.both > now.both) {
		take(&c, i);
		now = next;
	}
	for (i = 0; i < c.n; i++)
		out[i] = c.out[i];
	arena_release(&mem);
	return c.n;
}

/* The prompts of either parity. */
static struct acting_pool half_of(struct arena *mem, const struct acting_pool *p, size_t parity)
{
	struct acting_pool out = *p;

	for (size_t k = 0; k < ACTING_KINDS && p->n_prompts[k] > 1; k++) {
		out.effect[k] = ARENA_ARRAY(mem, p->n + 1, double *);
		out.n_prompts[k] = (p->n_prompts[k] + 1 - parity) / 2;
		for (size_t i = 0; i < p->n; i++) {
			out.effect[k][i] = ARENA_ARRAY(mem, out.n_prompts[k] + 1, double);
			for (size_t q = 0; q < out.n_prompts[k]; q++)
				out.effect[k][i][q] = p->effect[k][i][2 * q + parity];
		}
	}
	return out;
}

static const double *effect_of(const struct acting_pool *p, size_t kind, uint32_t latent)
{
	size_t i = 0;

	while (p->member[i].latent != latent)
		i++;
	return p->effect[kind][i];
}

/* The lesser effect of members on the prompts of p. */
static double lesser_on(const struct acting_pool *p, const struct dfc *d, const struct member *m, size_t n)
{
	float *v = mem_alloc(d->shape.d_b, sizeof(*v));
	double norm, z[ACTING_KINDS];

	group_direction(v, d, true, m, n);
	norm = fm_sqrt_d(op_norm2_d(v, d->shape.d_b));
	mem_free(v);
	for (size_t k = 0; k < ACTING_KINDS; k++) {
		double sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += stats_mean(effect_of(p, k, m[i].latent), p->n_prompts[k]);
		z[k] = norm > 0 ? sum / (p->sd[k] * norm) : 0;
	}
	return z[ACTING_ON] < z[ACTING_OFF] ? z[ACTING_ON] : z[ACTING_OFF];
}

double acting_crossed(const struct acting_pool *p, const struct dfc *d, size_t most)
{
	struct arena mem = ARENA_INIT;
	struct acting_pool half[2] = { half_of(&mem, p, 0), half_of(&mem, p, 1) };
	struct member *m = ARENA_ARRAY(&mem, most + 1, struct member);
	double sum = 0;

	for (size_t i = 0; i < 2; i++)
		sum += lesser_on(&half[1 - i], d, m, acting_choose(m, &half[i], d, most));
	arena_release(&mem);
	return sum / 2;
}
