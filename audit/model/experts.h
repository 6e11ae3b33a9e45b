#ifndef MODEL_EXPERTS_H
#define MODEL_EXPERTS_H

#include "base/par.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A mixture of experts for the rows of a feed: the router's scores, the choice of the k best (ties: the smaller
 * index), and each chosen expert once over all rows that chose it.  Experts are taken in order, so sums are too.
 */

struct experts_work {
	float *router;	      /* (rows, n_experts) */
	uint32_t *choice;     /* (rows, n_used) */
	float *weight;	      /* (rows, n_used) */
	uint32_t *row, *slot; /* (rows * n_used) grouped by expert: the row and which of its choices */
	size_t *first;	      /* (n_experts + 1) where each expert's rows begin */
	float *x, *y;	      /* (rows, d_model) gathered */
	float *gate, *up;     /* (rows, d_expert) */
	float *fused;	      /* (rows, 2 d_expert) where gate and up are one product, or NULL */
};

/* y (n, d_model) = the mixture for x (n, d_model). */
void experts_all(float *y, const struct experts_work *w, const struct model *m, struct par *p, const float *x,
		 size_t n, size_t layer);

#endif
