#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include "model/session.h"
#include "tests/support/checkpoint.h"

/* Toy models of every family, and what tests of the forward pass do with them. Failures fail the test. */

struct toy_shape {
	const char *name, *config;
};

enum { TOY_SHAPES = 15 };
/* Shapes that released models do not have, so that nothing depends on a round number. */
extern const struct toy_shape toy_shape[TOY_SHAPES];

struct par *toy_par(unsigned threads);
/* Written to `dir`, and opened. */
struct model *toy_model(const char *dir, const char *config, const struct checkpoint_opts *o);
struct session *toy_session(const struct model *m, struct par *p, size_t seqs, size_t context, size_t rows);
void toy_feed(struct session *s, const int32_t *id, const uint32_t *seq, size_t n, struct taps taps);
/* n tokens that any of the shapes knows. */
void toy_tokens(int32_t *id, size_t n, uint64_t stream);
/* The share of b's range by which a differs most from b. */
double toy_apart(const float *a, const double *b, size_t n);
double toy_apart_f(const float *a, const float *b, size_t n);

/* A tap that keeps what it sees, call after call. */
struct toy_keep {
	float *x;
	size_t at;
};

void toy_tap_keep(void *ud, float *x, size_t d_model, const struct rows *rows);

#endif
