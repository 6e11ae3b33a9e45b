#ifndef DICT_AUX_H
#define DICT_AUX_H

#include "dict/carve.h"
#include "dict/decode.h"
#include "dict/encode.h"
#include "dict/grad.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The auxiliary loss that brings dead latents back (AuxK, arXiv 2406.04093, A.2).  On each row the k dead
 * latents of highest score reconstruct the row's residual, which counts as given, without bias:
 *
 *	aux = sum_r ||e_r - e^_r||^2 / sum_r ||e_r - mean e||^2     over both models; 0 where not a number
 */

struct aux {
	size_t k, n_dead;
	uint32_t *dead;	      /* (n_latents) the dead ones, increasing */
	float *enc_a, *enc_b; /* (AUX_BLOCK, d) encoder rows of some of them, side by side */
	float *weight, *bias; /* (n_latents) score weights and encoder biases of the dead */
	struct codes on;      /* fixed room; latents by their number in the dictionary */
	struct by_latent by_latent;
	float *ra, *rb;		/* (max_rows, d) e - e^ */
	struct moments moments; /* of that */
	double loss, coef;	/* coef: of the lesson, to be multiplied by the weight of this loss */
};

enum { AUX_BLOCK = 512 };

void aux_carve(struct aux *x, struct carve *room, const struct dfc_shape *s, size_t max_rows, size_t k);
/* With x->dead and x->n_dead set.  c: for its weights and room, its tiles no longer needed; n rows as in
 * its last run; ea, eb (n, d) the residuals and their moments.  Fills all below `on`; loss 0, coef 0 where
 * there is nothing. */
void aux_run(struct aux *x, struct encoder *c, struct par *p, const float *ea, const float *eb,
	     const struct moments *about);

#endif
