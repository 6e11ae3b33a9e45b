#ifndef STUDY_PROBE_H
#define STUDY_PROBE_H

#include "base/par.h"
#include "dict/dfc.h"
#include "study/active.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Can the other model tell where an exclusive latent fires?  A linear probe on the other model's activations x: ridge
 * regression of "on" (1 or 0), in closed form,
 *
 *	w = (X'X - n m m' + lambda I)^-1 (sum of x where on - n_on m),    lambda = 1e-3 of the mean diagonal
 *
 * fitted on half of the held-out documents (m: the mean row), and the area under the ROC curve of w . x on the other half.
 * It is printed and decides nothing: in small models nearly every latent is a function of the text that the other model can
 * decode too.
 */

struct probe;

/* Exclusive latents latent[0..n). half (rows of the study): 0, fits; 1, tests. Borrows all of them. */
struct probe *probe_new(const struct dfc *d, const struct active *a, const uint32_t *latent, size_t n,
			const uint8_t *half, struct par *p);
void probe_free(struct probe *s);
/* Two rounds over the rows of the study, raw, in increasing order; probe_solve() between them. */
void probe_fit(struct probe *s, const float *xa, const float *xb, size_t first, size_t n);
void probe_solve(struct probe *s);
void probe_score(struct probe *s, const float *xa, const float *xb, size_t first, size_t n);
/* auroc (n): negative where a half has no row that is on, or none that is off. */
void probe_end(double *auroc, const struct probe *s);

#endif
