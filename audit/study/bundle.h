#ifndef STUDY_BUNDLE_H
#define STUDY_BUNDLE_H

#include "base/mem.h"
#include "dict/dfc.h"
#include "study/active.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Latents that stand at the same difference, so that a behaviour counts once.  What a latent carries of the difference is a
 * number for every place (a document, or a prompt with all its answers): the sum over its rows of activation x |gap|.  Two
 * latents carry the same where these vectors' cosine is at least `alike`.  Latents are taken in the order given; each joins
 * the bundle whose first latent it is most like (ties: the earlier bundle), or begins one.  A bundle that carries at least the
 * share `alike` of its sum at places that an earlier bundle holds is part of that one: one poem's latents are part of the
 * refusal to recite any.  A bundle holds the places where it carries more than half of what it carries at its largest.
 */

struct carried {
	const struct active *active;
	const double *weight;  /* (n_rows) what a row's activation counts: |gap|, nats */
	const uint32_t *place; /* (n_rows) numbers below n_places */
	size_t n_places;
};

struct bundle {
	uint32_t *latent; /* the first is the one that began it; then in the order given */
	size_t n;
	double *carries; /* (n_places) of the first, length 1 */
	double *all;	 /* (n_places) the sum over its latents, each of length 1 */
};

/* latent (n). At most `most` bundles: a latent that would begin one more is left out. Returns how many; in `mem`. */
size_t bundles_make(struct bundle **out, struct arena *mem, const struct carried *c, const uint32_t *latent,
		    size_t n, double alike, size_t most);

/*
 * What kind of difference a bundle is, by its latents' relevance (nats): candidate-only where a candidate-only latent stands
 * where the candidate's predictions are better, base-only where a base-only one stands where the base's are, either with at
 * least half of the largest |relevance| of the bundle; else both models have the concept and use it differently.
 */
enum bundle_kind { BUNDLE_CANDIDATE, BUNDLE_BASE, BUNDLE_SHARED };
enum bundle_kind bundle_kind(const struct bundle *b, const struct dfc_shape *s, const double *relevance);
const char *bundle_kind_name(enum bundle_kind k);

#endif
