#ifndef STUDY_NEAR_H
#define STUDY_NEAR_H

#include "base/mem.h"
#include "base/par.h"
#include "study/contexts.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Near misses: the rows where a latent's score came closest to the threshold and stayed under it, in documents (and prompts)
 * where it fires nowhere.
 */

struct miss {
	uint32_t row;
	double share; /* of the threshold its score came to */
};

struct near_misses;

/* Of latents latent[0..n), `most` each. Borrows all of them. */
struct near_misses *near_new(const struct dfc *d, const struct studied *s, const uint32_t *latent, size_t n,
			     size_t most, struct par *p);
void near_free(struct near_misses *s);
/* Rows of the study, raw, in increasing order. */
void near_add(struct near_misses *s, const float *xa, const float *xb, size_t first, size_t n);
/* The misses of latent[i], closest first (ties: the earlier row); how many. Valid until near_free(). */
size_t near_end(const struct miss **out, struct near_misses *s, size_t i);

#endif
