#ifndef DICT_TOY_H
#define DICT_TOY_H

#include "dict/train.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A world with known concepts (arXiv 2602.11729, section 2.3; METHOD section 4).  Concepts are unit vectors
 * in R^d; some exist in model A only, some in B only.  B has them as M c + b, rescaled to norm 1 in the
 * median.  A row is
 *
 *	x_m = sum_i z_i c_i^m + noise        with the same z for both models
 *
 * z_i is 0, or with probability p_i uniform in [0, 1).  logit p_i = logit pi_i + l_i . g with g standard
 * normal in `rank` dimensions drawn for the row and l_i of variance correlation^2 / rank an entry; pi_i is
 * a multiple of exp(-decay * position of i in a random order), not below `floor`, such that `active`
 * concepts are expected. Which of the concepts are exclusive is independent of how frequent they are.
 */

struct toy_opts {
	size_t concepts, d, exclusive; /* exclusive: to each model */
	size_t rows;		       /* distinct ones; training goes through them again and again */
	size_t rank;
	double tau; /* standard deviation of the entries of M and b */
	double active, correlation, decay, floor, noise;
	uint64_t seed;
};

struct toy;

struct toy_opts toy_defaults(void); /* the paper's where it says; 1M rows, 5 active, correlation 1 */
/* The par reads its rows too, and outlives it. */
int toy_new(struct toy **out, const struct toy_opts *o, struct par *p, struct err *e);
void toy_free(struct toy *t);
/* Rows as training data; borrows the toy. */
struct train_data toy_data(struct toy *t);
/* The concept as a model has it, (d); NULL where that model has not. Concepts are A-only, then shared, then
 * B-only. */
const float *toy_concept(const struct toy *t, size_t i, int model_b);

/*
 * What a dictionary found.  A latent recovers a concept when its decoder row and the concept have a cosine
 * above 0.8 in the model (for a shared concept: in both) the concept lives in.  Latents that are never on
 * in a sample of rows recover nothing.  A standard crosscoder has no partition; its exclusive latents are
 * taken to be the `one_sided` most one-sided to each side, by the share of the two decoder norms; the same number as a
 * partition has, so that either kind names as many suspects.
 *
 * All concepts of B have b in common, and with many on a row their sum of b is nearly the same on each, so
 * that a dictionary has it in its bias and its rows point along M c alone: at tau = 0.1 and d = 256 such a
 * row has a cosine of 0.71 with M c + b.  So all is scored twice, the second time with the direction of b
 * taken out of B's rows and concepts.
 */
struct toy_score {
	double exclusive;     /* share of exclusive concepts recovered by an exclusive latent of that model */
	double exclusive_any; /* ... by any latent */
	double shared;	      /* share of shared concepts recovered by a latent that is not exclusive */
	double shared_any;
	double shared_half; /* ... by any latent in one of the two models at least */
	size_t flagged;	    /* exclusive latents that are alive */
	/* Shares of those: recover an exclusive concept of their model, else a shared one, else nothing. */
	double flagged_true, flagged_shared, flagged_nothing;
	struct heldout heldout;
};
/* aside: with b taken out. */
int toy_measure(struct toy_score *out, struct toy_score *aside, const struct toy *t, const struct dfc *d,
		size_t one_sided, struct par *p, struct err *e);

#endif
