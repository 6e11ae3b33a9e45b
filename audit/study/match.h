#ifndef STUDY_MATCH_H
#define STUDY_MATCH_H

#include "base/mem.h"
#include "base/par.h"
#include "dict/dfc.h"
#include "study/active.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The latents of one dictionary in another that was trained on the same rows from another seed (Paulo & Belrose,
 * arXiv 2501.16615), or on another candidate of the same base.  Two latents of the same partition are as similar as
 *
 *	s = (cosine of their decoder rows, the mean over the models that have them + correlation of their activations) / 2
 *
 * (models whose width differs between the two do not count; where none is left, s is the correlation alone) and are matched
 * one to one, greedily: the most similar pair first, ties by the smaller numbers, down to `least`.
 * Greedy rather than Hungarian: a pair matched is then the best that either could still have, whatever the rest does.
 */

enum { MATCH_NONE = UINT32_MAX };

struct match {
	uint32_t latent; /* of the other dictionary, or MATCH_NONE */
	double cosine, correlation;
};

/* One side of the comparison; both sides' `active` are of the same rows. */
struct coded {
	const struct dfc *dfc;
	const struct active *active;
};

/* out (latents of `of`). */
void match_latents(struct match *out, const struct coded *of, const struct coded *in, double least,
		   struct par *p);

#endif
