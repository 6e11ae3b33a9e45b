#ifndef TESTS_NAIVE_MODEL_H
#define TESTS_NAIVE_MODEL_H

#include "model/model.h"

/*
 * The transformer in double, loops only, one sequence from position 0, written from the equations: an oracle for
 * shapes that have no stored reference.  It trusts the binding of names to weights, which the references check.
 */

/* logits (n, n_vocab), resid (n_layers, n, d_model); both in `mem`. */
void naive_model(double **logits, double **resid, struct arena *mem, const struct model *m, const int32_t *id,
		 size_t n);

/* A vector (d_model) through the final norm and the unembedding: logits (n_vocab) in `mem`. */
double *naive_lens(struct arena *mem, const struct model *m, const float *x);

#endif
