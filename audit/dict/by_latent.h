#ifndef DICT_BY_LATENT_H
#define DICT_BY_LATENT_H

#include "dict/carve.h"
#include "dict/dfc.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Codes turned over: the rows on which latent i is on stand at [start[i], start[i+1]), increasing.  So the
 * thread that owns a latent finds all it learns from in one place and in a fixed order.
 */

struct by_latent {
	size_t *start;	 /* (n_latents + 1) */
	uint32_t *row;	 /* (kept) */
	float *value;	 /* (kept) f */
	float *pull;	 /* (kept) sum_m e_r^m . dec_i^m, once decode_residual() has been there */
	uint32_t *place; /* (kept) where code j stands here */
	uint32_t *count; /* (BY_LATENT_PARTS, n_latents) */
};

enum { BY_LATENT_PARTS = 8 };

void by_latent_carve(struct by_latent *t, struct carve *room, size_t n_latents, size_t kept);
void by_latent_make(struct by_latent *t, struct par *p, const struct codes *c);

#endif
