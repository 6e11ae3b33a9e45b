#ifndef DICT_ADAM_H
#define DICT_ADAM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Adam (arXiv 1412.6980, algorithm 1, in the form of its section 2's last paragraph but with epsilon
 * outside the bias correction, as PyTorch has it):
 *
 *	m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2
 *	p -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 *
 * in float, element by element.  Moments below 2^-100 in size are taken as 0, so that the moments of a
 * latent that is never used again end as zeros and not as denormal numbers, which some processors add
 * slowly.
 */

struct adam_opts {
	double lr, beta1, beta2, eps;
};

/* The constants of step t = 1, 2, ...; g is multiplied by `clip` first. */
struct adam {
	float beta1, rest1, beta2, rest2; /* rest = 1 - beta */
	float rate, root, eps, clip;	  /* lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
	uint32_t key[2];		  /* of the rounding at random */
};

/* `seed` is that of the rounding. */
struct adam adam_at(const struct adam_opts *o, size_t t, double clip, uint64_t seed);

/*
 * The moments of n parameters.  As floats, 8 bytes a parameter; or as bf16, 4 bytes: a step widens them, uses what it
 * computed and keeps it rounded at random, up with the probability of how far it is on the way, so that the mean is
 * right and a decay by 0.999, less than half a unit in bf16's last place, is not lost (Gupta et al. 2015, arXiv 1502.02551,
 * section 3.1).  The draws are a function of (seed, step, parameter) alone.
 */
enum adam_format { ADAM_F32, ADAM_BF16 };

struct adam_state {
	enum adam_format format;
	void *memory; /* first moments (n), then second ones (n) */
	size_t n;
};

size_t adam_state_bytes(size_t n, enum adam_format format); /* SIZE_MAX where it cannot be counted */
int adam_state_new(struct adam_state *s, size_t n, enum adam_format format, struct err *e); /* zeros */
void adam_state_release(struct adam_state *s);
/* Whether moments as they lie in `memory` (of as many bytes as this state has) are such as training leaves: finite, and no
 * second one below 0. */
bool adam_state_valid(const struct adam_state *s, const void *memory);
/* The n moments from `i` on for those from `k` on. */
void adam_state_swap(struct adam_state *s, size_t i, size_t k, size_t n);
/* The n moments from `i` on become 0. */
void adam_state_clear(struct adam_state *s, size_t i, size_t n);
/* A step of p (n), whose moments are those from `at` on; g (n), or NULL for a gradient of zero: the same bits as an array
 * of zeros. */
void adam_state_step(struct adam_state *s, const struct adam *a, float *p, size_t at, const float *g,
		     size_t n);

#endif
