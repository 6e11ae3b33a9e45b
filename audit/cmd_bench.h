#ifndef CMD_BENCH_H
#define CMD_BENCH_H

#include "cmd.h"
#include "base/hash.h"
#include "model/session.h"
#include "num/stats.h"

/* The measurements of `bench`: one struct of options for all, one function each. */

struct bench_opts {
	size_t da, db, width, k, batch, steps;
	double exclusive;
	const char *sizes, *modes;
	size_t concepts, seeds, rows, d;
	double pairs, active, lr;
	size_t tokens, sequences, context;
	int64_t layer; /* -1: none */
	unsigned shape, state;
	size_t threads;
	const char *out;   /* NULL: none */
	const char *cache; /* NULL: the host's */
	size_t null;
	bool table, json;
};

int bench_train(const struct call *c, const struct bench_opts *o, struct err *e);
int bench_forward(const struct call *c, const struct bench_opts *o, struct err *e);
int bench_decode(const struct call *c, const struct bench_opts *o, struct err *e);
int bench_make(const struct call *c, const struct bench_opts *o, struct err *e);
int bench_recall(const struct call *c, const struct bench_opts *o, struct err *e);
int bench_toy(const struct call *c, const struct bench_opts *o, struct err *e);

extern const char *const bench_shapes[]; /* NULL-ended: what bench_make can make */

/* ---- what forward and decode share (cmd_bench_model.c) ---- */

enum { BENCH_WARM_UP = 2 };

struct bench_model {
	struct model *model;
	struct par *par;
	struct session *session;
};

int bench_open(struct bench_model *b, const struct call *c, const struct bench_opts *o,
	       const struct session_opts *plan, struct err *e);
void bench_close(struct bench_model *b);
/* n token ids of a named stream, in the call's memory. */
int32_t *bench_ids(const struct call *c, const struct model *m, const char *stream, size_t n);
/* A prompt of n tokens as sequence 0, from its beginning, in feeds of at most max_rows. */
int bench_prompt(const struct bench_model *b, const int32_t *id, size_t n, size_t blocks, struct taps taps,
		 struct err *e);
/* Multiply-adds times two: of the matrices of one layer for one token, and of all blocks' attention for the tokens at
 * positions from .. to-1. */
double bench_layer_flop(const struct arch *a, size_t layer);
double bench_attention_flop(const struct arch *a, size_t from, size_t to, size_t blocks);
/* Bytes of weights that a token reads: the blocks' and the unembedding's; of experts, those it is sent to. */
double bench_token_bytes(const struct model *m);
struct interval bench_quartiles(const double *x, size_t n); /* median, lower, upper */
void bench_put(struct json_out *j, const char *key, struct interval v);

/* ---- the machine's own sgemm on the shapes of a layer (cmd_bench_sgemm.c) ---- */

struct sgemm;

int sgemm_new(struct sgemm **out, const struct arch *a, size_t rows, struct par *p, struct err *e);
void sgemm_free(struct sgemm *s);
/* FLOP a second over a layer's products: in tiles on our threads, or with OpenBLAS's own. */
double sgemm_tiled(struct sgemm *s);
double sgemm_own(struct sgemm *s);

#endif
