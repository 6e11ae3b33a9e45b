#include "study/bundle.h"

#include "num/fmath.h"

#include <string.h>

static const double kind_share = 0.5;
static const double held_from = 0.5;

/* What a latent carries of each place, scaled to length 1; false where that is nothing. */
static bool carries(double *out, const struct carried *c, uint32_t latent)
{
	const struct active *a = c->active;
	double square = 0;

	memset(out, 0, c->n_places * sizeof(*out));
	for (size_t i = a->latent_start[latent]; i < a->latent_start[latent + 1]; i++)
		out[c->place[a->row[i]]] += (double)a->value[i] * c->weight[a->row[i]];
	for (size_t i = 0; i < c->n_places; i++)
		square += out[i] * out[i];
	for (size_t i = 0; square > 0 && i < c->n_places; i++)
		out[i] /= fm_sqrt_d(square);
	return square > 0;
}

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* The share of what a bundle carries that stands at places another holds. */
static double contained(const struct bundle *b, const struct bundle *in, size_t n_places)
{
	double most = 0, all = 0, held = 0;

	for (size_t i = 0; i < n_places; i++)
		most = in->all[i] > most ? in->all[i] : most;
	for (size_t i = 0; i < n_places; i++) {
		all += b->all[i];
		held += in->all[i] > held_from * most ? b->all[i] : 0;
	}
	return all > 0 ? held / all : 0;
}

/* The latents of `b` become those of `to`, all in the order of the list. */
static void absorb(struct bundle *to, const struct bundle *b, struct arena *mem, const uint32_t *latent,
		   size_t n)
{
	uint32_t *joined = ARENA_ARRAY(mem, to->n + b->n, uint32_t);
	size_t at = 0, i = 0, k = 0;

	for (size_t l = 0; l < n; l++) {
		if (i < to->n && to->latent[i] == latent[l])
			joined[at++] = to->latent[i++];
		else if (k < b->n && b->latent[k] == latent[l])
			joined[at++] = b->latent[k++];
	}
	to->latent = joined;
	to->n = at;
}

/* Into the earliest that holds it. What a bundle holds stays that of its own latents, or it would grow without end. */
static size_t bundles_merge(struct bundle *b, size_t n_bundles, struct arena *mem, const uint32_t *latent,
			    size_t n, size_t n_places, double alike)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_bundles; i++) {
		size_t at = 0;

		while (at < kept && contained(&b[i], &b[at], n_places) < alike)
			at++;
		if (at < kept)
			absorb(&b[at], &b[i], mem, latent, n);
		else
			b[kept++] = b[i];
	}
	return kept;
}

size_t bundles_make(struct bundle **out, struct arena *mem, const struct carried *c, const uint32_t *latent,
		    size_t n, double alike, size_t most)
{
	struct bundle *b = ARENA_ARRAY(mem, most + 1, struct bundle);
	double *v = ARENA_ARRAY(mem, c->n_places + 1, double);
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		double best = alike;
		size_t at = found;

		if (!carries(v, c, latent[i]))
			continue;
		for (size_t k = 0; k < found; k++) {
			double cosine = dot(v, b[k].carries, c->n_places);

			if (cosine > best || (cosine == best && at == found)) {
				best = cosine;
				at = k;
			}
		}
		if (at == most)
			continue;
		if (at == found) {
			b[found].latent = ARENA_ARRAY(mem, n, uint32_t);
			b[found].carries = v;
			b[found].all = ARENA_ARRAY(mem, c->n_places + 1, double);
			v = ARENA_ARRAY(mem, c->n_places + 1, double);
			found++;
		}
		b[at].latent[b[at].n++] = latent[i];
		for (size_t k = 0; k < c->n_places; k++)
			b[at].all[k] += at + 1 == found && b[at].n == 1 ? b[at].carries[k] : v[k];
	}
	*out = b;
	return bundles_merge(b, found, mem, latent, n, c->n_places, alike);
}

enum bundle_kind bundle_kind(const struct bundle *b, const struct dfc_shape *s, const double *relevance)
{
	double most = 0, gained = 0, lost = 0;

	for (size_t i = 0; i < b->n; i++) {
		double r = relevance[b->latent[i]], size = r < 0 ? -r : r;
		enum partition p = dfc_partition(s, b->latent[i]);

		most = size > most ? size : most;
		if (p == PARTITION_B && r > gained)
			gained = r;
		if (p == PARTITION_A && -r > lost)
			lost = -r;
	}
	if (gained > 0 && gained >= kind_share * most)
		return BUNDLE_CANDIDATE;
	if (lost > 0 && lost >= kind_share * most)
		return BUNDLE_BASE;
	return BUNDLE_SHARED;
}

const char *bundle_kind_name(enum bundle_kind k)
{
	static const char *const name[] = { "candidate-only", "base-only", "shared concept, different use" };

	return name[k];
}
