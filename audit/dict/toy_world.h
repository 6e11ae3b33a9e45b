#ifndef DICT_TOY_WORLD_H
#define DICT_TOY_WORLD_H

#include "dict/toy.h"

/* What a toy is, for toy.c and toy_score.c. */

enum { TOY_HELDOUT = 8192 };

/* Rows that were drawn together: those of row i are [end[i - 1], end[i]). */
struct toy_block {
	uint32_t *concept, *end;
	float *z;
	size_t n, cap, cap_z;
};

/* Rows from `first` on, as train_data.ud. */
struct toy_view {
	const struct toy *toy;
	size_t first;
};

struct toy {
	struct toy_opts opts;
	struct par *par;
	float *a, *b;	/* (concepts, d); rows of zeros where the model has not the concept */
	float *offset;	/* (d) b: what B's concepts have in common, up to its length */
	float *logit;	/* (concepts) */
	float *loading; /* (rank, concepts) l_i */
	float *noise;	/* values that rows take a stretch of, each from a place of its own */
	struct toy_block *block;
	size_t n_blocks;
	uint32_t *end; /* of all blocks */
	struct toy_view training;
};

void toy_row(const struct toy *t, size_t row, float *xa, float *xb);
struct train_data toy_view_data(struct toy_view *v, size_t n);

#endif
