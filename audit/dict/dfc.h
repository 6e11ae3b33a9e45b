#ifndef DICT_DFC_H
#define DICT_DFC_H

#include "base/err.h"
#include "base/mem.h"
#include "base/par.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A dedicated-feature crosscoder (arXiv 2602.11729, section 2).  Latents are numbered A-only, then shared,
 * then B-only:
 *
 *	[0, n_a)   [n_a, n_a + n_shared)   [n_a + n_shared, n_latents)
 *
 * so that the rows of model A are the contiguous [0, n_a + n_shared) and those of model B the contiguous
 * [n_a, n_latents).  Rows an exclusive latent would have in the other model do not exist in memory: the
 * partition is structural, not a mask that could leak.  n_a = n_b = 0 is the standard crosscoder.
 *
 *	h_i = sum_m enc_i^m . x_m + bias_enc_i        f_i = max(h_i, 0)     over the models i belongs to
 *	x^_m = sum_i f_i dec_i^m + bias_m             score_i = f_i * sum_m ||dec_i^m||, twice that for an
 *	                                              exclusive latent under SCORE_BALANCED, and
 *	                                              f_i * sqrt(sum_m ||dec_i^m||^2) under SCORE_LENGTH
 */

enum partition { PARTITION_A, PARTITION_SHARED, PARTITION_B };
enum { PARTITIONS = 3 };
/*
 * The first two are METHOD section 3's.  SCORE_LENGTH is how long the vector is that the latent adds to both rows together:
 * the loss is a sum of squares over both, so that of two latents alone the one of the larger length lowers it more. Sums of
 * norms favour shared latents by up to sqrt(2) over that, the balanced score exclusive ones by as much.
 */
enum score { SCORE_BALANCED, SCORE_PAPER, SCORE_LENGTH };

struct dfc_shape {
	size_t d_a, d_b, n_a, n_shared, n_b;
};

/* One allocation; the pointers are views into it. */
struct dfc {
	struct dfc_shape shape;
	enum score score;
	float *enc_a, *dec_a;	/* (n_a + n_shared, d_a) */
	float *enc_b, *dec_b;	/* (n_shared + n_b, d_b) */
	float *bias_enc;	/* (n_latents) */
	float *bias_a, *bias_b; /* (d_a), (d_b): b_dec */
	float threshold;	/* what BatchTopK came to, on the scores, for single rows */
	float scale_a, scale_b; /* c_m: raw activations times this have median norm sqrt((d_a + d_b) / 2) */
	float outlier;		/* rows above this times that norm were no part of training; 0: all were */
	float *memory;		/* (n_params): enc_a, enc_b, dec_a, dec_b, bias_enc, bias_a, bias_b */
	size_t n_params;
};

size_t dfc_latents(const struct dfc_shape *s);
size_t dfc_rows_a(const struct dfc_shape *s); /* n_a + n_shared */
size_t dfc_rows_b(const struct dfc_shape *s); /* n_shared + n_b */
enum partition dfc_partition(const struct dfc_shape *s, size_t latent);
size_t dfc_partition_size(const struct dfc_shape *s, enum partition p);
const char *partition_name(enum partition p); /* "base-only" "shared" "candidate-only" */
const char *score_name(enum score s);	      /* "balanced" "paper" "length" */
/* The latent's decoder row in a model, (d_a) or (d_b); NULL where the partition has none. */
const float *dfc_decoder_a(const struct dfc *d, size_t latent);
const float *dfc_decoder_b(const struct dfc *d, size_t latent);
/* The same of the first model, or where b of the second; its width; is the latent exclusive to it? */
const float *dfc_decoder(const struct dfc *d, bool b, size_t latent);
size_t dfc_width(const struct dfc_shape *s, bool b);
bool dfc_is_exclusive(const struct dfc_shape *s, bool b, size_t latent);
/* What f is multiplied by to give the latent's score. */
float dfc_score_weight(const struct dfc *d, size_t latent);
/* The norm that raw rows are scaled to in the median: sqrt((d_a + d_b) / 2). */
double dfc_typical_norm(const struct dfc_shape *s);

/* ERR_USAGE where the shape cannot be, ERR_SIZE where it cannot be counted. */
int dfc_check_shape(const struct dfc_shape *s, size_t *n_params, struct err *e);
/* Zero parameters, scales 1. */
int dfc_new(struct dfc *d, const struct dfc_shape *s, struct err *e);
void dfc_release(struct dfc *d);
/* The file is that of blob.h with the name "DFCDICT1"; the head is struct dfc_head of dfc.c, the body the
 * parameters as they stand in memory.  Reading refuses anything that does not add up or is not finite. */
int dfc_write(const struct dfc *d, const char *path, struct err *e);
int dfc_read(struct dfc *d, const char *path, struct err *e);

/* What is on, row by row: latents of row i are latent[start[i] .. start[i+1]), increasing, with f values. */
struct codes {
	size_t n, n_latents;
	size_t *start; /* (n + 1) */
	uint32_t *latent;
	float *value;
	size_t cap, cap_value, cap_rows; /* of latent, value, start */
};

#define CODES_INIT     \
	{              \
		.n = 0 \
	}

void codes_release(struct codes *c);
/* Raw (unscaled) activations xa (n, d_a), xb (n, d_b) to codes: a latent is on when its score exceeds the
 * threshold. `c` is reused: its arrays grow.  Rows are taken in chunks from the first, so the same rows cut
 * into other calls may differ in the last bits.  ERR_INPUT names a row that is not finite. */
int dfc_encode(struct codes *c, const struct dfc *d, struct par *p, const float *xa, const float *xb,
	       size_t n, struct err *e);
/* Reconstructions in scaled space: ya (n, d_a), yb (n, d_b). With shared_only, exclusive latents are off. */
void dfc_decode(const struct dfc *d, struct par *p, float *ya, float *yb, const struct codes *c,
		bool shared_only);

#endif
