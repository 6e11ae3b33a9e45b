#ifndef DICT_DFC_H
#define DICT_DFC_H

#include "base/err.h"
#include "base/mem.h"
#include "base/par.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A dedicated-feature crosscoder (arXiv 2602.11729, section 2).  Latents are numbered
 * A-only, then shared, then B-only:
 *
 *	[0, n_a)   [n_a, n_a + n_shared)   [n_a + n_shared, n_latents)
 *
 * so that the rows of model A are the contiguous [0, n_a + n_shared) and those of model B the contiguous
 * [n_a, n_latents).  Rows an exclusive latent would have in the other model do not exist in memory:
 * the partition is structural, not a mask that could leak.  n_a = n_b = 0 is the standard crosscoder.
 */

enum partition { PARTITION_A, PARTITION_SHARED, PARTITION_B };
enum score { SCORE_BALANCED, SCORE_PAPER };

struct dfc_shape {
	size_t d_a, d_b, n_a, n_shared, n_b;
};

/* One allocation; the pointers are views into it. */
struct dfc {
	struct dfc_shape shape;
	enum score score;
	float *enc_a, *dec_a;      /* (n_a + n_shared, d_a) */
	float *enc_b, *dec_b;      /* (n_shared + n_b, d_b) */
	float *bias_enc;           /* (n_latents) */
	float *bias_a, *bias_b;    /* (d_a), (d_b): b_dec */
	float threshold;           /* what BatchTopK came to, on the scores, for single rows */
	float scale_a, scale_b;    /* c_m: raw activations times this have median norm sqrt((d_a + d_b) / 2) */
	float *memory;
	size_t n_params;
};

size_t dfc_latents(const struct dfc_shape *s);
enum partition dfc_partition(const struct dfc_shape *s, size_t latent);
const char *partition_name(enum partition p); /* "base-only" "shared" "candidate-only" */
/* The latent's decoder row in a model, (d_a) or (d_b); NULL where the partition has none. */
const float *dfc_decoder_a(const struct dfc *d, size_t latent);
const float *dfc_decoder_b(const struct dfc *d, size_t latent);

int dfc_new(struct dfc *d, const struct dfc_shape *s, struct err *e);
void dfc_release(struct dfc *d);
int dfc_write(const struct dfc *d, const char *path, struct err *e);
int dfc_read(struct dfc *d, const char *path, struct err *e);

/* What is on, row by row: latents of row i are latent[start[i] .. start[i+1]), increasing, with f values. */
struct codes {
	size_t n, n_latents;
	size_t *start;             /* (n + 1) */
	uint32_t *latent;
	float *value;
	size_t cap;
};

void codes_release(struct codes *c);
/* Raw (unscaled) activations xa (n, d_a), xb (n, d_b) to codes: a latent is on when its score exceeds the threshold.
 * `c` is reused: its arrays grow. */
int dfc_encode(struct codes *c, const struct dfc *d, struct par *p, const float *xa, const float *xb, size_t n, struct err *e);
/* Reconstructions in scaled space: ya (n, d_a), yb (n, d_b). With shared_only, exclusive latents are off. */
void dfc_decode(const struct dfc *d, struct par *p, float *ya, float *yb, const struct codes *c, bool shared_only);

#endif
