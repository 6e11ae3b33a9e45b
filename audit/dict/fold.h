#ifndef DICT_FOLD_H
#define DICT_FOLD_H

#include "dict/carve.h"
#include "dict/dfc.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Latents that say what others say already.  Ours; off reproduces the paper.
 *
 * Where all concepts of a model have an offset b in common, x = sum z_i (c_i + b), the quickest thing to learn is one
 * latent for b that is on nearly everywhere, and rows without b for the rest: what is reconstructed is as good, but no
 * latent has the row of its concept.  Such a latent j betrays itself, since its activation is a sum of the others':
 *
 *	f_j = w_0 + sum_{i != j} w_i f_i
 *
 * So every exchange_every steps the latents that are on at FOLD_ON of the rows looked at or more, the most frequent
 * first and FOLD_MOST of them at most, are fitted so: least squares with a ridge of FOLD_RIDGE of each latent's own sum
 * of squares, by FOLD_ITERATIONS of conjugate gradients preconditioned by those sums, on the even and on the odd
 * batches of the look (dict/look.h) apart.  Where the share of f_j's variance that either fit says of the *other* half
 * is on the average train_opts.fold or more, for either model
 *
 *	dec_i += w_i dec_j	(i in a partition that has the model)
 *	b_dec += w_0 dec_j
 *
 * with w = u v (u + v) / (u^2 + v^2) of the two fits' u and v: their mean where they agree, less as they part, since a
 * latent that is seldom on has a weight of little but noise; 0 where they have not one sign.
 *
 * and latent j is dead: encoder and bias 0, without moments.  The last exchange that folds is one that has an interval
 * of steps after it.  A row of a partition that lacks a model gets nothing there: no forbidden weight comes to be.
 */

#define FOLD_ON 0.3
#define FOLD_RIDGE 0.01
enum { FOLD_MOST = 8, FOLD_ITERATIONS = 8 };

/* The codes of some rows, each with one more latent, number n_latents, that is 1 everywhere. */
struct fold_rows {
	size_t n;    /* rows */
	size_t *end; /* of each row's codes */
	uint32_t *latent;
	float *value;
	double *square; /* (n_latents + 1) sum f^2; 0: takes no part */
	double *weight; /* (n_latents + 1) w, the last of them w_0 */
	double *f;	/* (rows) activation of the latent that is fitted */
};

struct fold {
	struct fold_rows half[2];	       /* of the even and the odd batches of a look */
	size_t *on;			       /* (n_latents) rows on which each is on */
	double *left, *scaled, *way, *product; /* (n_latents + 1) of the conjugate gradients */
};

struct trainer;

/* Room for `codes` codes on `rows` rows in each half. */
void fold_carve(struct fold *f, struct carve *room, size_t n_latents, size_t rows, size_t codes);
void fold_clear(struct fold *f, size_t n_latents);
/* The trainer's codes of one batch. */
void fold_add(struct fold *f, size_t half, const struct codes *c, size_t rows, size_t n_latents);
/* Fits latent j in both halves.  The mean share of its variance that is said of the half not fitted. */
double fold_fit(struct fold *f, size_t j, size_t n_latents);
/* Folds what is there to fold. */
void fold_run(struct trainer *t);

#endif
