#include "study/relevance.h"

#include "base/mem.h"

#include <string.h>

enum { PERM_BLOCK = 16, LATENT_UNIT = 64 };

struct task {
	struct relevance *out;
	const struct active *a;
	const double *gap;
	const uint32_t *doc;
	const struct relevance_opts *o;
	double *shuffled;  /* (PERM_BLOCK, n_rows) */
	uint32_t *extreme; /* (n_latents) */
	size_t first, n;   /* permutations of the block */
	size_t n_docs;
};

static double weighted(const struct active *a, size_t latent, const double *gap, double *weight)
{
	double sum = 0, mass = 0;

	for (size_t i = a->latent_start[latent]; i < a->latent_start[latent + 1]; i++) {
		sum += (double)a->value[i] * gap[a->row[i]];
		mass += (double)a->value[i];
	}
	*weight = mass;
	return mass > 0 ? sum / mass : 0;
}

/* Documents resampled among those where the latent fires; the ratio of their sums each time. */
static void interval(struct relevance *r, const struct task *t, size_t latent)
{
	const struct active *a = t->a;
	double *num = mem_alloc(2 * r->documents + t->o->draws, sizeof(*num)), *den = num + r->documents;
	double *mean = den + r->documents;
	struct rng rng = rng_stream(t->o->seed, "relevance.bootstrap", latent);
	size_t n = 0;

	for (size_t i = a->latent_start[latent]; i < a->latent_start[latent + 1]; i++) {
		if (i > a->latent_start[latent] && t->doc[a->row[i]] != t->doc[a->row[i - 1]])
			n++;
		num[n] += (double)a->value[i] * t->gap[a->row[i]];
		den[n] += (double)a->value[i];
	}
	for (size_t k = 0; k < t->o->draws; k++) {
		double top = 0, bottom = 0;

		for (size_t i = 0; i < r->documents; i++) {
			uint64_t at = rng_below(rng, k * r->documents + i, r->documents);

			top += num[at];
			bottom += den[at];
		}
		mean[k] = top / bottom;
	}
	r->lo = stats_quantile(mean, t->o->draws, (1 - t->o->level) / 2);
	r->hi = stats_quantile(mean, t->o->draws, (1 + t->o->level) / 2);
	mem_free(num);
}

static void facts(void *ud, size_t unit, void *scratch)
{
	const struct task *t = ud;
	const struct active *a = t->a;

	(void)scratch;
	for (size_t k = unit * LATENT_UNIT; k < a->n_latents && k < (unit + 1) * LATENT_UNIT; k++) {
		struct relevance *r = &t->out[k];
		double mass;

		*r = (struct relevance){ .p = 1 };
		r->gap = weighted(a, k, t->gap, &mass);
		for (size_t i = a->latent_start[k]; i < a->latent_start[k + 1]; i++) {
			r->fires++;
			r->documents += i == a->latent_start[k] || t->doc[a->row[i]] != t->doc[a->row[i - 1]];
			if ((double)a->value[i] > r->max)
				r->max = (double)a->value[i];
		}
		if (r->fires == 0)
			continue;
		r->mean = mass / (double)r->fires;
		if (t->o->draws > 0)
			interval(r, t, k);
	}
}

/* Gaps that belong to whole documents change places among them: each document's is that of its first row. */
static void shuffle_documents(double *gap, const struct task *t, struct rng r)
{
	uint32_t *perm = mem_alloc(2 * t->n_docs + 2, sizeof(*perm)), *first = perm + t->n_docs + 1;
	size_t at = 0;

	for (size_t i = 0; i < t->a->n_rows; i++) {
		if (i == 0 || t->doc[i] != t->doc[i - 1])
			first[at++] = (uint32_t)i;
	}
	first[at] = (uint32_t)t->a->n_rows;
	rng_permutation(r, perm, t->n_docs);
	for (size_t k = 0; k < t->n_docs; k++) {
		for (size_t i = first[k]; i < first[k + 1]; i++)
			gap[i] = t->gap[first[perm[k]]];
	}
	mem_free(perm);
}

static void shuffle(void *ud, size_t unit, void *scratch)
{
	const struct task *t = ud;
	double *gap = t->shuffled + unit * t->a->n_rows;
	struct rng r = rng_stream(t->o->seed, t->o->between ? "relevance.between" : "relevance.permute",
				  t->first + unit);

	(void)scratch;
	if (t->o->between) {
		shuffle_documents(gap, t, r);
		return;
	}
	memcpy(gap, t->gap, t->a->n_rows * sizeof(*gap));
	for (size_t from = 0, to; from < t->a->n_rows; from = to) {
		for (to = from + 1; to < t->a->n_rows && t->doc[to] == t->doc[from];)
			to++;
		for (size_t i = to - from; i > 1; i--) {
			size_t at = from + rng_below(r, from + i - 1, i);
			double swap = gap[from + i - 1];

			gap[from + i - 1] = gap[at];
			gap[at] = swap;
		}
	}
}

static void compare(void *ud, size_t unit, void *scratch)
{
	const struct task *t = ud;

	(void)scratch;
	for (size_t k = unit * LATENT_UNIT; k < t->a->n_latents && k < (unit + 1) * LATENT_UNIT; k++) {
		double seen = t->out[k].gap < 0 ? -t->out[k].gap : t->out[k].gap;

		for (size_t i = 0; t->out[k].fires > 0 && i < t->n; i++) {
			double mass, null = weighted(t->a, k, t->shuffled + i * t->a->n_rows, &mass);

			t->extreme[k] += (null < 0 ? -null : null) >= seen;
		}
	}
}

void relevance_measure(struct relevance *out, const struct active *a, const double *gap, const uint32_t *doc,
		       struct par *p, const struct relevance_opts *o)
{
	size_t units = (a->n_latents + LATENT_UNIT - 1) / LATENT_UNIT;
	struct task t = { .out = out, .a = a, .gap = gap, .doc = doc, .o = o };
	bool any = false; /* without a gap, every permutation is as extreme */

	for (size_t i = 0; i < a->n_rows; i++)
		t.n_docs += i == 0 || doc[i] != doc[i - 1];
	t.shuffled = mem_alloc(PERM_BLOCK * a->n_rows + 1, sizeof(*t.shuffled));
	t.extreme = mem_alloc(a->n_latents + 1, sizeof(*t.extreme));
	par_run(p, units, facts, &t);
	for (size_t i = 0; i < a->n_rows && !any; i++)
		any = gap[i] != 0;
	for (t.first = 0; any && t.first < o->permutations; t.first += PERM_BLOCK) {
		t.n = o->permutations - t.first < PERM_BLOCK ? o->permutations - t.first : PERM_BLOCK;
		par_run(p, t.n, shuffle, &t);
		par_run(p, units, compare, &t);
	}
	for (size_t k = 0; k < a->n_latents; k++) {
		if (out[k].fires > 0 && any)
			out[k].p = (1.0 + t.extreme[k]) / (1.0 + (double)o->permutations);
	}
	mem_free(t.shuffled);
	mem_free(t.extreme);
}
