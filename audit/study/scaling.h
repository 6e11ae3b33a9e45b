#ifndef STUDY_SCALING_H
#define STUDY_SCALING_H

#include "base/par.h"
#include "dict/dfc.h"
#include "study/active.h"

#include <stddef.h>

/*
 * Latent scaling (Minder et al., arXiv 2504.02922, section 3.2): does an exclusive latent explain as much of the other model?
 * With d its decoder row, f its activation, and y a target of model m at the same rows,
 *
 *	beta(y) = argmin_b sum_r || b f(r) d - y(r) ||^2 = sum_r f(r) d . y(r) / (sum_r f(r)^2 ||d||^2)
 *
 *	nu_error = beta(error of the other model) / beta(own error, the latent's part put back): shrinkage - near 1, the other model
 *	           has it too and the dictionary left it out there; near 0, it does not
 *	nu_recon = beta(reconstruction of the other model) / beta(own reconstruction): decoupling - near 1, other latents of the other
 *	           model say the same
 *
 * all in the dictionary's scaled space, over held-out rows.  It compares vectors of both models with one direction, so it says
 * something only where the candidate grew out of the base and the widths are equal; else it is not applicable.
 */

struct scaling {
	bool known; /* the latent is exclusive and fires */
	double nu_error, nu_recon;
};

struct scaling_sums;

/* NULL where the widths differ. */
struct scaling_sums *scaling_new(const struct dfc *d, const struct active *a, struct par *p);
void scaling_free(struct scaling_sums *s);
/* Rows first .. first+n-1 of the study, raw (n, d_a), (n, d_b); in increasing order, each row once. */
void scaling_add(struct scaling_sums *s, const float *xa, const float *xb, size_t first, size_t n);
/* out (n_latents). */
void scaling_end(struct scaling *out, const struct scaling_sums *s);

#endif
