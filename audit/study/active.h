#ifndef STUDY_ACTIVE_H
#define STUDY_ACTIVE_H

#include "base/err.h"
#include "base/par.h"
#include "dict/dfc.h"
#include "dict/train.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which latents are on at which rows, both ways round: by row and by latent.  Rows are numbered within the
 * set that was encoded (0 .. n_rows-1); the caller knows which rows of the harvest they are.
 */

struct active {
	size_t n_rows, n_latents, n;
	size_t *row_start; /* (n_rows + 1) */
	uint32_t *latent;  /* (n) by row, increasing within one */
	float *row_value;
	size_t *latent_start; /* (n_latents + 1) */
	uint32_t *row;	      /* (n) by latent, increasing within one */
	float *value;
};

/* Encodes all rows of `data`, in batches that are fixed by their number. */
int active_make(struct active *out, const struct dfc *d, struct par *p, const struct train_data *data,
		struct err *e);
/* What one model's stream alone says: the same, with its rows in the place of both sides' (doubled, the other's zero). */
int active_make_alone(struct active *out, const struct dfc *d, struct par *p, const struct train_data *data,
		      bool candidate, struct err *e);
/* Of `a`, the rows row[0..n), increasing, as rows 0..n-1. */
void active_select(struct active *out, const struct active *a, const uint32_t *row, size_t n);
void active_release(struct active *a);
/* The value of a latent at a row, 0 where it is off. */
float active_at(const struct active *a, size_t row, uint32_t latent);

#endif
