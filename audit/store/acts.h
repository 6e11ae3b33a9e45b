#ifndef STORE_ACTS_H
#define STORE_ACTS_H

#include "base/err.h"
#include "base/mem.h"
#include "num/dtype.h"
#include "store/artifact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Activations of one model on disk: shards of consecutive rows, each one file
 * that commits by itself, so a run cut short resumes at the first missing shard.
 * A row is a pair of the corpus (store/corpus.h).
 *
 *	shard-00017:  a header (128 bytes: magic, version, dtype, d, rows, first row, sha256 of the payload),
 *	              rows x d little-endian values, then rows little-endian f32: the model's log-probability, in nats,
 *	              of the bytes from this pair to the next of its document (0 for the last)
 *
 * Width 0 is a store of log-probabilities alone (harvest.store: none); its rows are then made when they are read.
 */

struct acts_shape {
	size_t d;
	enum dtype dtype;	   /* DT_F32 or DT_BF16 */
	const uint64_t *first_row; /* (n_shards + 1) */
	size_t n_shards;
};

uint64_t acts_bytes(const struct acts_shape *s); /* of all shard files */

/* Writing: a shard at a time, whole, in any order. rows (n, d), logp (n). */
int acts_write(const struct artifact *a, const struct acts_shape *s, size_t shard, const float *rows,
	       const float *logp, struct err *e);
bool acts_have(const struct artifact *a, size_t shard);
/* A shard that is there, before a harvest goes on from it: ERR_INPUT where its header is not what the shape says or its
 * digest differs. */
int acts_check(const struct artifact *a, const struct acts_shape *s, size_t shard, struct err *e);

/* Reading: a shard's digest is checked when it is first touched. */
struct acts;

int acts_open(struct acts **out, const struct artifact *a, struct err *e);
void acts_close(struct acts *r);
size_t acts_rows(const struct acts *r);
size_t acts_width(const struct acts *r);
size_t acts_shards(const struct acts *r);
enum dtype acts_dtype(const struct acts *r);
/* Rows by number, in the order asked, widened to (n, d). */
int acts_read(struct acts *r, float *out, const uint32_t *row, size_t n, struct err *e);
/* Rows that will be asked for next: the system reads them while this process computes. */
void acts_ahead(const struct acts *r, const uint32_t *row, size_t n);
/* Rows that no shard holds come from here, in the order asked, (n, d). */
struct acts_maker {
	size_t d;
	int (*read)(void *ud, float *out, const uint32_t *row, size_t n, struct err *e);
	void *ud;
};
void acts_make(struct acts *r, struct acts_maker m);

/* logp of every row, (acts_rows), in `mem`. */
int acts_logp(const float **out, struct arena *mem, struct acts *r, struct err *e);

#endif
