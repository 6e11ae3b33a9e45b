#ifndef DICT_TRAIN_H
#define DICT_TRAIN_H

#include "base/err.h"
#include "base/par.h"
#include "dict/dfc.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Training a dfc: METHOD section 3 (arXiv 2602.11729 and its code).  A step takes one batch, cut into
 * micro-batches by the plan; gradients are summed in micro-batch order whichever thread made them.  A
 * trainer resumed from a checkpoint goes on with the same bits as one that was never stopped.
 */

struct train_opts {
	size_t steps, batch, warmup;
	size_t k, k_start, k_anneal;      /* latents kept a row: from k_start to k over k_anneal steps */
	double lr, beta1, beta2, adam_eps, grad_clip;
	double aux_weight;                /* of AuxK */
	size_t aux_k;                     /* 0: mean(d_a, d_b) / 2 */
	size_t dead_after;                /* pairs without activation that make a latent dead */
	double outlier;                   /* a row is left out when either norm exceeds this times the batch median */
	double threshold_decay;           /* EMA of the smallest kept score */
	size_t threshold_from;            /* from this step on */
	double init_norm;                 /* of decoder rows, per model */
	enum score score;
	double enrich;                    /* share of a batch drawn by row weight; 0: none */
	uint64_t seed;
	size_t log_every, checkpoint_every, checkpoint_keep;
};

/* Where rows come from: raw activations of rows row[0..n), xa (n, d_a), xb (n, d_b). Called from one thread at a time. */
struct train_data {
	size_t n_rows;
	const double *weight;             /* (n_rows) enrichment weight of each row, >= 0; NULL: none */
	int (*read)(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e);
	void *ud;
};

struct train_stats {
	size_t step, n_kept_rows;
	double loss, loss_a, loss_b, loss_aux, fve_a, fve_b;
	double l0[3], dead[3];            /* per partition: latents on a row; share of latents dead */
	double threshold, grad_norm, lr, k;
};

struct trainer;

/* Planned memory of training, in bytes. */
size_t trainer_bytes(const struct dfc_shape *s, const struct train_opts *o);
int trainer_new(struct trainer **out, const struct dfc_shape *s, const struct train_opts *o, const struct train_data *data,
		struct par *p, struct err *e);
void trainer_free(struct trainer *t);
/* One step. ERR_DIFFERS with the step and the cause where the loss or a gradient is no longer finite. */
int trainer_step(struct trainer *t, struct train_stats *stats, struct err *e);
size_t trainer_at(const struct trainer *t); /* steps done */
const struct dfc *trainer_dict(const struct trainer *t);

/* A checkpoint holds parameters, optimiser, dead counters, threshold and step; whole or absent. */
int trainer_save(const struct trainer *t, const char *path, struct err *e);
int trainer_load(struct trainer *t, const char *path, struct err *e);

/* The rows of step i: a function of (seed, i, weights) alone. */
void train_batch(uint32_t *row, const struct train_opts *o, const struct train_data *data, size_t step);

/* On rows of `data` (held out): METHOD 3, "Log". */
struct heldout {
	size_t rows;
	double fve, fve_a, fve_b;         /* pooled, per model; 1 - SSE/SST about the mean */
	double fve_shared, fve_shared_a, fve_shared_b; /* with the exclusives switched off */
	double l0[3], dead[3];
};
int dfc_evaluate(struct heldout *out, const struct dfc *d, struct par *p, const struct train_data *data, struct err *e);

#endif
