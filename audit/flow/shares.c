#include "flow/shares.h"

#include "base/mem.h"
#include "base/rng.h"

#include <stdint.h>

bool shares_asked(const struct spec *s)
{
	return s->corpus.n_sources > 0 && s->corpus.source[0].share > 0;
}

double shares_target(const struct spec *s, const double *pairs, size_t source)
{
	double whole = -1;

	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		double allows = pairs[i] / s->corpus.source[i].share;

		whole = whole < 0 || allows < whole ? allows : whole;
	}
	return whole * s->corpus.source[source].share;
}

/* A unit is taken while the sum comes no farther from the target by it. */
void shares_draw(bool *keep, const struct spec *s, size_t source, const size_t *pairs, size_t n,
		 double target)
{
	uint32_t *order = mem_alloc(n, sizeof(*order));
	double sum = 0;

	rng_permutation(rng_stream(s->seed, "corpus.share", source), order, n);
	for (size_t i = 0; i < n; i++) {
		size_t unit = order[i];

		keep[unit] = sum + (double)pairs[unit] / 2 <= target;
		sum += keep[unit] ? (double)pairs[unit] : 0;
	}
	mem_free(order);
}
