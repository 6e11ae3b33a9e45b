#ifndef CMD_BENCH_H
#define CMD_BENCH_H

#include "cmd.h"

/* The measurements of `bench`: one struct of options for all, one function each. */

struct bench_opts {
	size_t da, db, width, k, batch, steps;
	double exclusive;
	const char *sizes, *modes;
	size_t concepts, seeds, rows, d;
	double pairs, active, lr;
	size_t threads;
	const char *out; /* NULL: none */
	bool table, json;
};

int bench_train(const struct call *c, const struct bench_opts *o, struct err *e);
int bench_toy(const struct call *c, const struct bench_opts *o, struct err *e);

#endif
