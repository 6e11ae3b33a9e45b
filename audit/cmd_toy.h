#ifndef CMD_TOY_H
#define CMD_TOY_H

#include "cmd_bench.h"
#include "dict/toy.h"

#include <stdbool.h>

/* What `bench toy` measures: kinds of crosscoders (modes) times sizes times seeds, and the file and tables of it. */

/* TOY_K_TIMES: how many times k is kept at the first step; METHOD section 3 has 1000 -> 200. */
enum { TOY_FIGURES = 14, TOY_MOST_RUNS = 64, TOY_K_TIMES = 5 };
struct toy_figure {
	const char *key, *head;
};
extern const struct toy_figure toy_figures[TOY_FIGURES];

/* A training that is finished. */
struct toy_result {
	bool done;
	double value[TOY_FIGURES];
	double seconds;
};

/* One row of the table: a kind of crosscoder at a size. */
struct toy_cell {
	size_t mode;
	size_t width;
	struct toy_result *of; /* (seeds) */
};

struct toy_run {
	const struct call *call;
	const struct bench_opts *o;
	struct train_opts spec; /* of a spec that says nothing: exchanges are as there */
	struct par *par;
	struct toy_cell cell[TOY_MOST_RUNS];
	size_t n;
	const struct json *others; /* trainings in the file that this call does not ask for; NULL: none */
};

size_t toy_exclusive(const struct bench_opts *o); /* concepts each model has alone */
size_t toy_k(const struct bench_opts *o);
/* -1: no such mode */
int toy_mode(size_t *out, struct view name);
const char *toy_mode_name(size_t mode);

/* Fills what the file at --out holds; not there is fine.  ERR_INPUT where it is of another world or training. */
int toy_file_read(struct toy_run *r, struct err *e);
int toy_file_write(const struct toy_run *r, struct err *e);
void toy_print(const struct toy_run *r);
void toy_print_json(const struct toy_run *r);

#endif
