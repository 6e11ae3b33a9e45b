#ifndef DICT_GRAD_H
#define DICT_GRAD_H

#include "dict/by_latent.h"
#include "dict/dfc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Gradients of the loss.  With e = x - x^ of a kept row, and coef twice the derivative of the loss by
 * ||e||^2:
 *
 *	dL/df_ri    = -coef * sum_m e_r^m . dec_i^m                 (over the latents that are on; f > 0)
 *	dL/ddec_i   = -coef * sum_r f_ri e_r^m       dL/denc_i = sum_r dL/df_ri x_r^m
 *	dL/dbias_enc_i = sum_r dL/df_ri
 *	dL/dbias_m  = -coef * sum_r e_r^m
 *
 * A latent is on for the loss itself or, when dead, for the auxiliary loss, never both in one step; so each
 * latent's rows are gone through once, by one thread, in row order.
 */

/* What latents learn from: residuals (n, d), and who was on with what pull; grad_run() uses those up. */
struct lesson {
	const float *ea, *eb;
	struct by_latent *on;
	double coef;
};

struct grad {
	struct dfc of; /* gradients in the places of the parameters; rows of untouched latents are void */
	double *norm2; /* (n_latents) of each latent's gradient; 0: untouched */
	double norm;   /* of all */
	size_t bad;    /* a latent whose gradient is not finite; SIZE_MAX: none */
};

/* xa, xb: the scaled rows. column (d_a + d_b): sums of the residuals of main. aux may be NULL. */
void grad_run(struct grad *g, const struct dfc *d, struct par *p, const float *xa, const float *xb,
	      const struct lesson *main, const struct lesson *aux, const double *column);
bool grad_touches(const struct grad *g, size_t latent);

#endif
