#ifndef FLOW_HARVESTED_H
#define FLOW_HARVESTED_H

#include "base/err.h"
#include "base/mem.h"
#include "dict/train.h"
#include "flow/stage.h"
#include "flow/streamed.h"
#include "store/acts.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The rows of a harvest, both sides of it: what trains, what is held out, and how differently the models
 * went on at each.
 */

struct harvested {
	struct corpus *corpus;
	struct acts *side[SIDE_COUNT];
	const float *logp[SIDE_COUNT]; /* (rows) */
	bool *held_out;		       /* (documents) */
	size_t n_rows;
	struct streamed
		*streamed[SIDE_COUNT]; /* who makes the rows that no store has; NULL: the store has them */
};

/*
 * The harvest that a job reads; what lives in its memory is in the job's.  Where harvest.store is none, the rows are made by
 * the models when they are read (flow/streamed.h).
 *
 * Documents and chats are held out by the hash of their text.  Prompts of rollouts are held out in strata: in the order of
 * D(p) (flow/prompts.h) each run of a few neighbours gives its share, chosen by hash, so that a behaviour that few prompts
 * show has prompts on both sides.  The split knows how large a difference is and nothing else about it.
 */
int harvested_open(struct harvested *out, const struct job *job, struct err *e);
void harvested_close(struct harvested *h);

/* The prediction gap at a row, in nats: log p_candidate - log p_base of the bytes up to the next pair. */
double harvested_gap(const struct harvested *h, size_t row);

/* A subset of rows as training data: row i of `data` is row index[i] of the harvest. */
struct subset {
	const struct harvested *h;
	uint32_t *index;
	uint32_t *wanted; /* scratch for one read, grows */
	size_t n, cap;
	bool null; /* the base's rows are read for both sides */
};

void subset_make(struct subset *out, struct arena *mem, const struct harvested *h, bool held_out);
void subset_release(struct subset *s);
/* `weight` and `lead` (n), or NULL (dict/train.h). */
struct train_data subset_data(struct subset *s, const double *weight, const double *lead);

/* Enrichment: the weight of each row of a subset, so that a document is drawn in proportion to its summed |gap| at
 * rows where it exceeds `above` nats, and its rows alike; of what is drawn, the share `turns` is turn boundaries besides,
 * those of all documents alike. NULL where no row's gap does. */
double *subset_weights(struct arena *mem, const struct subset *s, double above, double turns);
/* The gap of each row where it exceeds `above` nats either way, else 0. */
double *subset_lead(struct arena *mem, const struct subset *s, double above);

#endif
