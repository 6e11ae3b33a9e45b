#ifndef DICT_ENCODE_H
#define DICT_ENCODE_H

#include "dict/carve.h"
#include "dict/dfc.h"
#include "dict/sparse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The dense part: every latent on every row, tile by tile, of which only what scores above a bound is kept
 * as a list.  A tile where more than half passes keeps all its values instead, in the same room, so that no
 * bound is too low.  Then a choice among the kept: all of them, or the `want` best of the batch
 * (BatchTopK).
 *
 * Rows are scaled, xa (n, d_a), xb (n, d_b).  Tiles depend on n and the shape only.
 */

enum { ENCODE_ROWS = 256, ENCODE_COLS = 512 };

struct tile {
	uint32_t hits;
	bool dense;
};

struct encoder {
	const struct dfc *dict;
	size_t max_rows, n, row_tiles, col_tiles;
	float bound;
	const float *xa, *xb;
	float *weight;		/* (n_latents) score = f * weight; the owner keeps it up to date */
	float *room;		/* (max_rows, n_latents) in all: the tiles, one after the other */
	struct tile *tile;	/* (row_tiles, col_tiles) */
	uint32_t *histogram;	/* (row_tiles, 2048) */
	uint32_t *above, *ties; /* (max_rows) of each row: scores above the cut, and at it */
};

void encoder_carve(struct encoder *c, struct carve *room, const struct dfc_shape *s, size_t max_rows);
/* Takes the weights of all latents from the decoder rows. */
void encoder_weigh(struct encoder *c, struct par *p);
/* Scores of n <= max_rows rows; those above `bound` (>= 0) are there for the choice. */
void encoder_run(struct encoder *c, struct par *p, const float *xa, const float *xb, size_t n, float bound);

/* The cut that leaves the `want` largest scores, ties by smaller (row, latent); where no more were found,
 * all. */
struct cut {
	uint32_t bits; /* scores from this one on are kept, as an unsigned number */
	size_t kept;
	size_t found; /* scores above the bound */
};
struct cut encoder_cut(struct encoder *c, struct par *p, size_t want);
/* What the cut leaves, as codes with room for k->kept; row by row, latents increasing. */
void encoder_take(struct encoder *c, struct par *p, const struct cut *k, struct codes *out);
/* The smallest score among what was taken; 0 where that is nothing. */
float encoder_smallest(const struct encoder *c, const struct cut *k, const struct codes *taken);

#endif
