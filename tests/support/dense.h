#ifndef SUPPORT_DENSE_H
#define SUPPORT_DENSE_H

#include "dict/dfc.h"
#include "study/active.h"

#include <stdint.h>

/* Small dictionaries and activations that a test can hold whole. */

/* f (n_rows, n_latents), zero: off. The same as struct active, on the heap. */
void dense_active(struct active *out, const float *f, size_t n_rows, size_t n_latents);
/* All parameters normal, drawn by the seed; the scales differ. Fails the test where it cannot be. */
void dense_dfc(struct dfc *out, const struct dfc_shape *shape, uint64_t seed);
/* n normal values. */
void dense_normal(float *x, size_t n, uint64_t seed);
struct par *dense_par(unsigned threads);

#endif
