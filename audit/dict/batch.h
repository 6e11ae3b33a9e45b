#ifndef DICT_BATCH_H
#define DICT_BATCH_H

#include "dict/carve.h"
#include "dict/decode.h"
#include "dict/train.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Which rows a step takes, and those rows scaled and without outliers.
 *
 * Rows come by epochs: position i of an endless sequence is element i mod n of a permutation of the rows
 * keyed by (seed, i / n), which is evaluated and not stored (a Feistel network walked until it lands
 * inside; Black and Rogaway 2002).  A share of the slots is drawn by weight instead: a uniform number
 * looked up in the sums of the weights.
 */

struct sampler {
	size_t n_rows;
	const double *weight; /* (n_rows), borrowed; NULL: all slots come by epochs */
	double *sum;	      /* (blocks) of weights, running */
	size_t blocks;
};

/* ERR_INPUT names a weight that is negative or not finite. */
int sampler_new(struct sampler *s, const struct train_data *data, struct err *e);
void sampler_release(struct sampler *s);
/* The row at share u in [0, 1) of the weights; there are some. */
uint32_t sampler_draw(const struct sampler *s, double u);
/* The rows of a step, (o->batch). */
void sampler_batch(const struct sampler *s, uint32_t *row, const struct train_opts *o, size_t step);

struct batch {
	size_t n;		 /* rows left after the outlier rule */
	uint32_t *row;		 /* (batch) as sampled */
	float *xa, *xb;		 /* (batch, d): scaled; the first n count */
	double *norm_a, *norm_b; /* (batch) of the raw rows */
	double *sorted;		 /* (batch) */
	struct moments moments;	 /* of the n scaled rows */
};

void batch_carve(struct batch *b, struct carve *room, const struct dfc_shape *s, size_t size);
/* Rows as they are and their norms. ERR_INPUT names a row that is not finite. */
int batch_read(struct batch *b, const struct dfc_shape *s, struct par *p, const struct train_data *data,
	       size_t n, struct err *e);
/* Leaves out rows above `outlier` times the median norm of either side (0: none), and scales by the
 * dictionary's. */
void batch_prepare(struct batch *b, const struct dfc *d, struct par *p, double outlier);

#endif
