#ifndef SUPPORT_NAIVE_DFC_H
#define SUPPORT_NAIVE_DFC_H

#include "dict/dfc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The crosscoder in double, dense, with loops written from the equations of METHOD section 3.  Shares
 * nothing with audit/dict but the order of the parameters.
 */

/* One batch of scaled rows and everything that counts as given. */
struct naive_batch {
	struct dfc_shape shape;
	enum score score;
	size_t n;
	const double *xa, *xb; /* (n, d) */
	size_t want;	       /* latents kept in the whole batch */
	const bool *dead;      /* (n_latents) may learn from the auxiliary loss */
	size_t aux_k;
	double aux_weight;
};

struct naive_step {
	bool *kept, *aux_kept;	   /* (n, n_latents) */
	double *f, *scores;	   /* (n, n_latents) before BatchTopK */
	double *ea, *eb;	   /* (n, d) residuals */
	double *given_a, *given_b; /* (n, d) the residual the auxiliary loss takes as given */
	double variance;	   /* of that */
	double loss_a, loss_b, loss_aux, loss;
	double smallest; /* kept score */
	double *grad;	 /* (n_params) in the order of struct dfc */
};

/* What an activation is multiplied by to compare it; a norm of 0 where the latent has no row. */
double naive_score_weight(enum score score, double norm_a, double norm_b, bool exclusive);

struct naive_step naive_step_new(const struct naive_batch *b);
void naive_step_free(struct naive_step *s);
/* Chooses what is kept, then loss and gradient. param (n_params). */
void naive_step_run(struct naive_step *s, const struct naive_batch *b, const double *param);
/* The loss at other parameters with the choice and the given residual as they are: what the gradient is of.
 */
double naive_loss(const struct naive_step *s, const struct naive_batch *b, const double *param);

size_t naive_params(const struct dfc_shape *s);
/* The latent's row in a model's encoder or decoder, as an index into the parameters; SIZE_MAX: has none. */
size_t naive_row(const struct dfc_shape *s, size_t latent, bool decoder, bool model_b);
/* The plain optimiser on n elements, step t from 1. */
void naive_adam(double *p, double *m, double *v, const double *g, size_t n, double lr, double beta1,
		double beta2, double eps, size_t t);

#endif
