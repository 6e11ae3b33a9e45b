#ifndef NUM_OPS_H
#define NUM_OPS_H

#include <stddef.h>

/*
 * Row operations of a transformer, single-threaded and vectorised: callers cut
 * the work.  Sums run in a fixed order that depends on the length only. Vectors are (d).
 */

/* y = x / sqrt(mean(x^2) + eps) * gain; with plus_one, * (1 + gain) (Gemma). gain may be NULL. y may be x. */
void op_rmsnorm(float *y, const float *x, const float *gain, size_t d, float eps, int plus_one);
void op_layernorm(float *y, const float *x, const float *gain, const float *bias, size_t d, float eps);
/* In place; returns log(sum(exp(x))) of the inputs. */
float op_softmax(float *x, size_t n);
/* The same with one more score `sink` in the denominator that gets no output (GPT-OSS). */
float op_softmax_sink(float *x, size_t n, float sink);
float op_logsumexp(const float *x, size_t n);
/* The steps of a softmax whose scores come in blocks: the largest of x and `least`; and y = exp(x - top), with their sum in
 * double. y may be x, or NULL. */
float op_max(const float *x, size_t n, float least);
double op_exp_sum(float *y, const float *x, size_t n, float top);
void op_gelu(float *x, size_t n); /* x * (1 + erf(x / sqrt 2)) / 2 */
void op_gelu_tanh(float *x, size_t n);
void op_silu(float *x, size_t n);
void op_mul(float *y, const float *x, size_t n); /* y *= x */
void op_add(float *y, const float *x, size_t n); /* y += x */
void op_axpy(float *y, float a, const float *x, size_t n);
void op_scale(float *y, float a, size_t n);
void op_softcap(float *x, size_t n, float cap); /* cap * tanh(x / cap) */
/* y = silu-like gate of GPT-OSS: g = min(gate, limit), u = clamp(up, +-limit): (u + 1) * g * sigmoid(alpha
 * * g) */
void op_swiglu_clamped(float *y, const float *gate, const float *up, size_t n, float alpha, float limit);
/* Rotates pairs (i, i + d_rotary/2) of each of n_heads heads of d_head floats; cos, sin (d_rotary/2). */
void op_rope(float *x, size_t n_heads, size_t d_head, size_t d_rotary, const float *cos, const float *sin);
float op_dot(const float *a, const float *b, size_t n); /* 16 interleaved partial sums, then a fixed tree */
double op_dot_d(const float *a, const float *b,
		size_t n); /* products and sums in double, 8 lanes, fixed tree */
double op_sum_d(const float *x, size_t n);
double op_norm2_d(const float *x, size_t n); /* sum of squares, in double */
/* a . b / (|a| |b|), in double; 0 where either is zero */
double op_cosine_d(const float *a, const float *b, size_t n);

#endif
