#ifndef MODEL_ATTENTION_H
#define MODEL_ATTENTION_H

#include "base/par.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Causal attention of the rows of a feed against the caches of their sequences.  Tiled, with a running softmax
 * (Milakov & Gimelshein 2018, 1805.02867; Dao et al. 2022, 2205.14135): the scores of a block of queries against
 * a block of keys are all that ever exists.  Units are (run, kv head, block of queries), cut by the problem only.
 * Blocks of keys begin at fixed positions of the text and what a row does not see weighs exactly nothing, so a
 * row's bits do not depend on the rows that are fed with it.
 */

/*
 * Keys and values of one kv head of a sequence, as the products read them (num/gemm.h, panels), so that a step of many
 * sequences, which is all memory, reads both in one go: keys (context / 16, d_head, 16), values (d_head / 16, context, 16),
 * context and d_head rounded up to whole panels.
 */
struct kv_head {
	float *k, *v;
	size_t context, d_head;
};

/* Floats of k, and of v. */
size_t kv_head_floats(size_t context, size_t d_head);
/* The i-th of heads that lie one behind the other, from the first. */
struct kv_head kv_head_at(const struct kv_head *first, size_t i);
/* k and v (d_head) */
void kv_head_put(const struct kv_head *h, size_t position, const float *k, const float *v);
/* The first n positions. */
void kv_head_copy(const struct kv_head *to, const struct kv_head *from, size_t n);

/* Rows of one sequence that stand together in a feed. */
struct run {
	uint32_t seq;
	size_t row, n;	 /* its rows in the feed */
	size_t position; /* of the first */
};

/* Where the heads of a (rows, heads, d_head) array lie: strides in floats. */
struct strided {
	float *p;
	size_t row, head;
};

struct attention {
	struct strided q;     /* (rows, n_heads, d_head), already rotated */
	struct kv_head cache; /* the first of this layer's (seqs, n_kv_heads) */
	float *out;	      /* (rows, n_heads * d_head) */
	const struct run *run;
	size_t n_runs, n_heads, n_kv_heads, d_head;
	uint32_t window;      /* tokens a query sees, itself included; 0: all */
	float scale, softcap; /* softcap 0: none */
	const float *sinks;   /* (n_heads) a score without a value, or NULL */
};

/* Bytes of scratch a thread needs. */
size_t attention_scratch(size_t d_head);
void attention_all(struct par *p, const struct attention *a);

#endif
