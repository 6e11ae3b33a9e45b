#ifndef DICT_LOOK_H
#define DICT_LOOK_H

#include "base/err.h"
#include "dict/carve.h"
#include "dict/dfc.h"

#include <stddef.h>

/*
 * What rows say of the exclusive latents of either model, as the dictionary now stands.  With r_m what is left of a row of
 * model m after its reconstruction, and n the other model:
 *
 *	g_i = sum f_i r_n / sum f_i^2
 *
 * is the decoder row that would serve latent i best in the model where it has none (least squares on f_i alone).  It
 * is near 0 where the concept is the latent's own model's alone, and about as long as the row it has where the latent
 * holds half of a shared concept.  Two estimates from separate rows are kept, since their product has no noise in the
 * mean and the square of one has.
 *
 * And rows where
 *
 *	||r_m||^2 / mean ||r_m||^2 - ||r_n||^2 / mean ||r_n||^2
 *
 * is large, the means those of the batch: model m has something there that no latent says, and the other has not.  No two of
 * the residuals kept are alike (cosine above 0.6): the clearer one is.
 */

enum { LOOK_BATCHES = 16, LOOK_SEEDS = 64 };

struct look_side {
	size_t first, n;   /* the exclusive latents of this model */
	size_t d, d_other; /* widths of this model and of the other */
	float *pull[2];	   /* (n, d_other) sum f r_n, of the even and the odd batches */
	double *square[2]; /* (n) sum f^2 */
	size_t *rows;	   /* (n) on which the latent was on */
	float *seed;	   /* (LOOK_SEEDS, d) residuals of norm 1 */
	double *clear;	   /* (LOOK_SEEDS) the difference above */
	size_t n_seeds;
};

struct look {
	struct look_side side[2]; /* of model A, of model B */
	float *unit;		  /* (the wider model's) */
};

struct trainer;

void look_carve(struct look *l, struct carve *room, const struct dfc_shape *s);
/* Reads the rows of the LOOK_BATCHES steps to come, and leaves the trainer's batch and codes at the last of them. */
int look_run(struct trainer *t, struct err *e);
/* ||g_i|| of latent side->first + i from the product of the two estimates; 0 where that is not above 0. */
double look_norm(const struct look_side *side, size_t i);
/* g_i from all rows, (d_other). */
void look_row(float *g, const struct look_side *side, size_t i);

#endif
