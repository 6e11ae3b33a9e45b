#ifndef MODEL_SESSION_STATE_H
#define MODEL_SESSION_STATE_H

#include "model/attention.h"
#include "model/experts.h"
#include "model/session.h"

/* What a session holds, for session.c (its life and its feeds), forward.c (the blocks) and readout.c (the logits). */

/* Columns of the unembedding at a time. */
#ifdef TEST_TINY
enum { SCAN_COLS = 16 };
#else
enum { SCAN_COLS = 8192 };
#endif

struct session {
	const struct model *m;
	const struct arch *a;
	struct par *par;
	struct session_opts opts;
	void *block; /* all that follows */

	size_t *position, *depth; /* (max_seqs) of each sequence; through how many blocks its rows went */
	size_t *floor;		  /* (max_seqs) from which of them on they did */
	uint32_t *seen;		  /* (max_seqs) feed in which it last stood */
	uint8_t *far;		  /* (max_seqs) 1: its text is longer than arch.rope_far */
	float *k, *v;		  /* (n_layers, max_seqs, n_kv_heads) of struct kv_head */

	/* The feed at work. */
	int32_t *id; /* (max_rows) and the next two */
	uint32_t *seq, *at;
	struct run *run;
	size_t n, n_runs, first, n_blocks;
	uint32_t feed;		/* its number */
	float *x, *h, *h2, *y;	/* (max_rows, d_model) */
	float *qkv;		/* (max_rows, (n_heads + 2 n_kv_heads) d_head) */
	float *mix;		/* (max_rows, n_heads d_head) */
	float *gate, *up;	/* (max_rows, d_ffn) */
	float *cos[2], *sin[2]; /* (max_rows, d_rotary/2) */
	struct experts_work work;

	/* Of the unembedding. */
	float *scan; /* (max_rows, SCAN_COLS) */
	float *top;  /* (max_rows) */
	double *sum, *hit;
	int32_t *best;
};

struct kv_head session_kv(const struct session *s, size_t layer, uint32_t seq, size_t head);

/* Rows 0 .. n-1 of the feed through blocks first .. n_blocks-1, from x where first is not 0; everything was checked. */
void forward(struct session *s, struct taps taps);

#endif
