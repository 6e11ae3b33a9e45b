#ifndef DICT_ADAM_H
#define DICT_ADAM_H

#include <stddef.h>

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
};

struct adam adam_at(const struct adam_opts *o, size_t t, double clip);
/* p, m, v (n); g (n), or NULL for a gradient of zero: the same bits as an array of zeros. */
void adam_row(const struct adam *a, float *p, float *m, float *v, const float *g, size_t n);

#endif
