#ifndef TESTS_CHECKPOINT_H
#define TESTS_CHECKPOINT_H

#include "model/arch.h"

#include <stdint.h>

/*
 * Model folders with random weights, for a config.json given as text: gains near 1 (or near 0 where the family adds
 * 1), biases and sinks non-zero, matrices scaled so that every mechanism matters.  `mix` stores the tensors in F32,
 * F16 and BF16 by turns, else all are F32.
 */

struct checkpoint_opts {
	uint64_t seed;
	bool mix;
	size_t shards; /* 0, 1: a single file */
};

/* 0, or -1 with the error; what the folder held before is replaced. */
int checkpoint_write(const char *dir, const char *config, const struct checkpoint_opts *o, struct err *e);

#endif
