#ifndef MODEL_RUNNING_H
#define MODEL_RUNNING_H

#include <stddef.h>

/*
 * The two steps of a softmax whose scores come in blocks: the largest so far, and the weights relative to it.
 * Vectorised; the order depends on n only.
 */

/* The largest of x (n) and `least`. */
float running_max(const float *x, size_t n, float least);
/* x = exp(x - top), and their sum. */
double running_exp(float *x, size_t n, float top);

#endif
