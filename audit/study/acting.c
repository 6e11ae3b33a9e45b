#include "study/acting.h"

#include "base/mem.h"
#include "num/fmath.h"
#include "num/ops.h"
#include "num/stats.h"

/* Latents of a pool, by their numbers in it, and room to see what they do. */
struct choice {
	const struct acting_pool *pool;
	const struct dfc *d;
	size_t *at, n;	       /* (most + 1) */
	struct member *member; /* (most + 1) */
	double *x;	       /* (n_prompts) */
	float *v;	       /* (width) */
};

/* Effects in sd of random directions. */
struct standing {
	double lesser, both;
};

static const struct standing NOTHING = { -1e300, -1e300 };

static struct choice choice_of(struct arena *mem, const struct acting_pool *p, const struct dfc *d,
			       size_t most)
{
	size_t n = p->n_prompts[ACTING_ON] > p->n_prompts[ACTING_OFF] ? p->n_prompts[ACTING_ON]
								      : p->n_prompts[ACTING_OFF];

	return (struct choice){ .pool = p,
				.d = d,
				.at = ARENA_ARRAY(mem, most + 1, size_t),
				.member = ARENA_ARRAY(mem, most + 1, struct member),
				.x = ARENA_ARRAY(mem, n + 1, double),
				.v = ARENA_ARRAY(mem, dfc_width(&d->shape, p->b), float) };
}

/* Of the first n on the prompts of p; errors: how many standard errors are taken off. */
static struct standing standing_of(struct choice *c, const struct acting_pool *p, size_t n, double errors)
{
	double norm, z[ACTING_KINDS];

	for (size_t i = 0; i < n; i++)
		c->member[i] = p->member[c->at[i]];
	group_direction(c->v, c->d, p->b, c->member, n);
	norm = fm_sqrt_d(op_norm2_d(c->v, dfc_width(&c->d->shape, p->b)));
	if (!(norm > 0))
		return NOTHING;
	for (size_t k = 0; k < ACTING_KINDS; k++) {
		size_t prompts = p->n_prompts[k];

		for (size_t q = 0; q < prompts; q++) {
			c->x[q] = 0;
			for (size_t i = 0; i < n; i++)
				c->x[q] += p->effect[k][c->at[i]][q];
		}
		z[k] = (stats_mean(c->x, prompts) - errors * stats_error(c->x, prompts)) / (p->sd[k] * norm);
	}
	return (struct standing){ z[ACTING_ON] < z[ACTING_OFF] ? z[ACTING_ON] : z[ACTING_OFF],
				  z[ACTING_ON] + z[ACTING_OFF] };
}

static bool is_chosen(const struct choice *c, size_t i)
{
	for (size_t k = 0; k < c->n; k++) {
		if (c->at[k] == i)
			return true;
	}
	return false;
}

/* The latent that stands best with those chosen, of those whose lesser effect is at least `least`: pool->n where there is none. */
static size_t best_next(struct standing *out, struct choice *c, bool by_both, double least)
{
	size_t best = c->pool->n;

	*out = NOTHING;
	for (size_t i = 0; i < c->pool->n; i++) {
		struct standing s;

		if (is_chosen(c, i))
			continue;
		c->at[c->n] = i;
		s = standing_of(c, c->pool, c->n + 1, 1);
		if (s.lesser < least || !(by_both ? s.both > out->both : s.lesser > out->lesser))
			continue;
		*out = s;
		best = i;
	}
	return best;
}

static void choose(struct choice *c, size_t most)
{
	struct standing now = NOTHING, next;
	double lesser;
	size_t i;

	while (c->n < most && (i = best_next(&next, c, false, now.lesser)) < c->pool->n &&
	       next.lesser > now.lesser) {
		c->at[c->n++] = i;
		now = next;
	}
	lesser = now.lesser;
	while (c->n < most && (i = best_next(&next, c, true, lesser - 1)) < c->pool->n &&
	       next.both > now.both) {
		c->at[c->n++] = i;
		now = next;
	}
}

size_t acting_choose(struct member *out, const struct acting_pool *p, const struct dfc *d, size_t most)
{
	struct arena mem = ARENA_INIT;
	struct choice c = choice_of(&mem, p, d, most);

	choose(&c, most);
	for (size_t i = 0; i < c.n; i++)
		out[i] = p->member[c.at[i]];
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

double acting_crossed(const struct acting_pool *p, const struct dfc *d, size_t most)
{
	struct arena mem = ARENA_INIT;
	struct acting_pool half[2] = { half_of(&mem, p, 0), half_of(&mem, p, 1) };
	double sum = 0;

	for (size_t i = 0; i < 2; i++) {
		/* The first half has as many prompts as the second, or one more: room for either. */
		struct choice c = choice_of(&mem, &half[0], d, most);

		c.pool = &half[i];
		choose(&c, most);
		if (c.n > 0)
			sum += standing_of(&c, &half[1 - i], c.n, 0).lesser;
	}
	arena_release(&mem);
	return sum / 2;
}
