#include "dict/by_latent.h"

#include "dict/span.h"

#include <string.h>

/*
 * A counting sort in parts: the rows are cut in BY_LATENT_PARTS, each counts its latents, the counts are
 * summed latent by latent in the order of the parts, and each part puts its codes where its count begins.
 */

struct turning {
	struct by_latent *t;
	const struct codes *c;
	size_t each; /* rows of a part */
};

void by_latent_carve(struct by_latent *t, struct carve *room, size_t n_latents, size_t kept)
{
	t->start = carve_take(room, n_latents + 1, sizeof(*t->start));
	t->row = carve_take(room, kept, sizeof(*t->row));
	t->value = carve_take(room, kept, sizeof(*t->value));
	t->pull = carve_take(room, kept, sizeof(*t->pull));
	t->place = carve_take(room, kept, sizeof(*t->place));
	t->count = carve_take(room, BY_LATENT_PARTS, n_latents * sizeof(*t->count));
}

static void count_unit(void *ud, size_t unit, void *scratch)
{
	const struct turning *j = ud;
	const struct codes *c = j->c;
	struct span u = span_of(unit, j->each, c->n);
	uint32_t *count = j->t->count + unit * c->n_latents;

	(void)scratch;
	memset(count, 0, c->n_latents * sizeof(*count));
	for (size_t i = c->start[u.first]; i < c->start[u.end]; i++)
		count[c->latent[i]]++;
}

static void put_unit(void *ud, size_t unit, void *scratch)
{
	const struct turning *j = ud;
	const struct codes *c = j->c;
	struct span u = span_of(unit, j->each, c->n);
	uint32_t *next = j->t->count + unit * c->n_latents, to;

	(void)scratch;
	for (size_t r = u.first; r < u.end; r++)
		for (size_t i = c->start[r]; i < c->start[r + 1]; i++) {
			to = next[c->latent[i]]++;
			j->t->row[to] = (uint32_t)r;
			j->t->value[to] = c->value[i];
			j->t->place[i] = to;
		}
}

void by_latent_make(struct by_latent *t, struct par *p, const struct codes *c)
{
	struct turning j = { t, c, span_count(c->n, BY_LATENT_PARTS) };
	size_t parts = c->n > 0 ? span_count(c->n, j.each) : 0, n = c->n_latents;
	uint32_t total = 0, count;

	BUG_ON(c->n > 0 && c->start[c->n] > UINT32_MAX);
	par_run(p, parts, count_unit, &j);
	for (size_t i = 0; i < n; i++) {
		t->start[i] = total;
		for (size_t k = 0; k < parts; k++) {
			count = t->count[k * n + i];
			t->count[k * n + i] = total;
			total += count;
		}
	}
	t->start[n] = total;
	par_run(p, parts, put_unit, &j);
}
