#ifndef MODEL_PARITY_H
#define MODEL_PARITY_H

#include "base/err.h"
#include "base/mem.h"
#include "base/par.h"
#include "model/model.h"

#include <stddef.h>

/*
 * Our forward pass against stored values of another implementation.  A reference.safetensors holds cases; of a case X
 *   X.ids      (n) whole numbers: the tokens, from position 0
 *   X.logits   (n, n_vocab)
 *   X.resid.L  (n, d_model): the residual stream after block L, counted from 0
 * of which ids and at least one other tensor have to be there.
 */

struct parity_row {
	const char *tensor; /* "short.logits" */
	size_t n, width;
	double worst;	 /* largest |ours - reference| */
	double range;	 /* largest minus smallest value of the reference */
	double relative; /* worst / range; worst itself where the range is 0 */
};

struct parity {
	struct parity_row *row; /* in order of name */
	size_t n;
	double worst_relative;
};

/* Everything in `mem`. ERR_INPUT: a reference that is malformed, not finite, or of another model. */
int parity_read(struct parity *out, struct arena *mem, const struct model *m, struct par *p,
		const char *reference, struct err *e);

#endif
