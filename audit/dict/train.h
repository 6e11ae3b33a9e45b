#ifndef DICT_TRAIN_H
#define DICT_TRAIN_H

#include "base/err.h"
#include "base/par.h"
#include "dict/adam.h"
#include "dict/dfc.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Training a dfc: METHOD section 3 (arXiv 2602.11729 and its code).  A step takes one batch: dense scores
 * in fixed tiles, BatchTopK over the whole batch, then only what is kept; every sum runs in an order that
 * the batch fixes, whichever thread makes it.  A trainer resumed from a checkpoint goes on with the same
 * bits as one that was never stopped.
 *
 * The par given must have at least GEMM_SCRATCH bytes of scratch a thread (num/gemm.h), and outlive the
 * trainer.
 */

struct train_opts {
	size_t steps, batch, warmup;
	size_t k, k_start, k_anneal; /* latents kept a row: from k_start to k over k_anneal steps */
	double lr, beta1, beta2, adam_eps, grad_clip; /* grad_clip 0: none */
	double aux_weight;			      /* of AuxK */
	size_t aux_k;				      /* 0: mean(d_a, d_b) / 2 */
	size_t dead_after; /* pairs without activation that make a latent dead; 0: never */
	double outlier; /* a row is left out when either norm exceeds this times the batch median; 0: none */
	double threshold_decay; /* EMA of the smallest kept score */
	size_t threshold_from;	/* from this step on; before, the last smallest kept score */
	double init_norm;	/* of decoder rows, per model */
	enum score score;
	enum adam_format state; /* of Adam's moments */
	double enrich;		/* share of a batch drawn by row weight; 0: none */
	double seeded;		/* share of exclusive latents that start at rows drawn by `lead` */
	/* dict/exchange.h; 0: none */
	double promote; /* shared latents with this share of decoder norm in one model become its own */
	double demote; /* exclusive latents that would have this share of decoder norm in the other become shared */
	double reseed; /* for this share of the steps, dead exclusive latents start anew where one model alone is unexplained */
	double fold; /* dict/fold.h: latents of which the others say this share of the variance go into them */
	size_t exchange_every; /* steps */
	double enrich_turns; /* of those drawn by weight, the share that are turn boundaries (the weights are the caller's) */
	double enrich_above; /* nats: gaps that count towards a row's weight (the weights are the caller's) */
	uint64_t seed;
	size_t log_every, checkpoint_every, checkpoint_keep; /* the caller's */
};

/* What METHOD section 3 has for a run of any size: the rest, from steps to k, is 0. */
struct train_opts train_defaults(void);

/* Where rows come from: raw activations of rows row[0..n), xa (n, d_a), xb (n, d_b). Called from one thread
 * at a time. */
struct train_data {
	size_t n_rows;
	const double *weight; /* (n_rows) enrichment weight of each row, >= 0; NULL: none */
	/* (n_rows) where exclusive latents may start: above 0 candidate-only ones, below 0 base-only ones, by its size;
	 * NULL: none */
	const double *lead;
	int (*read)(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e);
	/* What the next step will read, told while this one computes; a hint. NULL: nobody wants to know. */
	void (*ahead)(void *ud, const uint32_t *row, size_t n);
	void *ud;
};

struct train_stats {
	size_t step, n_kept_rows;    /* steps done, this one included; rows that were no outliers */
	double loss, loss_a, loss_b; /* a row's mean */
	double loss_aux;	     /* without its weight */
	double fve_a, fve_b;	     /* of the batch */
	double l0[3], dead[3];	     /* per partition: latents on a row; share of latents dead */
	double threshold, grad_norm, lr, k;
};

/* Latents that dict/exchange.h and dict/fold.h have moved so far. */
struct train_moves {
	uint64_t promoted, demoted, reseeded, folded;
};

struct trainer;

/* Planned memory of training, in bytes: what trainer_new() reserves. */
size_t trainer_bytes(const struct dfc_shape *s, const struct train_opts *o);
/* Reads rows for the scales (all, or 65,536 of them) and the first batch. ERR_USAGE names an option that
 * cannot be. */
int trainer_new(struct trainer **out, const struct dfc_shape *s, const struct train_opts *o,
		const struct train_data *data, struct par *p, struct err *e);
void trainer_free(struct trainer *t);
/* One step. ERR_DIFFERS with the step and the cause where the loss or a gradient is no longer finite; the
 * parameters are then those of the step before. ERR_INPUT names a row that is not finite. */
int trainer_step(struct trainer *t, struct train_stats *stats, struct err *e);
size_t trainer_at(const struct trainer *t); /* steps done */
struct train_moves trainer_moves(const struct trainer *t);
const struct dfc *trainer_dict(const struct trainer *t);

/* A checkpoint holds parameters, optimiser, dead counters, threshold and step; whole or absent.  Loading
 * refuses one of another shape, data size or options (the number of steps and the caller's options may
 * differ). */
int trainer_save(const struct trainer *t, const char *path, struct err *e);
int trainer_load(struct trainer *t, const char *path, struct err *e);

/* The rows of step i, (o->batch): a function of (seed, i, weights) alone. */
void train_batch(uint32_t *row, const struct train_opts *o, const struct train_data *data, size_t step);

/* On rows of `data` (held out): METHOD 3, "Log". Rows above the dictionary's outlier bound are left out. */
struct heldout {
	size_t rows, outliers;			       /* that counted; that were left out */
	double fve, fve_a, fve_b;		       /* pooled, per model; 1 - SSE/SST about the mean */
	double fve_shared, fve_shared_a, fve_shared_b; /* with the exclusives switched off */
	double l0[3], dead[3];			       /* latents on a row; share of latents never on */
};
int dfc_evaluate(struct heldout *out, const struct dfc *d, struct par *p, const struct train_data *data,
		 struct err *e);

#endif
