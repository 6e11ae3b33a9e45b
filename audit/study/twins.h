#ifndef STUDY_TWINS_H
#define STUDY_TWINS_H

#include "base/par.h"
#include "dict/dfc.h"
#include "study/active.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Twins (METHOD section 5): a base-only and a candidate-only latent that fire alike are one concept that the
 * dictionary has twice.  Alike is the Pearson correlation of their activations over the rows of the study, of every
 * base-only with every candidate-only latent.  Sums run over rows where both are on, so the product costs what is on, not
 * what there is; each exclusive latent is a unit with room for one line of the matrix.
 */

struct twin {
	uint32_t latent;    /* the other side's most alike */
	double correlation; /* 0 where nothing fires with it */
};

/* out (n_latents): of every exclusive latent; shared ones get no correlation. */
void twins_find(struct twin *out, const struct active *a, const struct dfc_shape *shape, struct par *p);

#endif
