#ifndef FLOW_CHECKS_H
#define FLOW_CHECKS_H

#include "base/json.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What can be wrong with a harvest without anything failing: a doubled BOS, special tokens written in documents, text
 * that the vocabulary does not have, a vocabulary larger than the embedding, positions whose norm dwarfs the others,
 * bytes that were replaced.  Each is counted by the stage that sees it and is a named check in results.json.
 */

struct check_opts {
	double special, unknown;	    /* shares of documents and of tokens */
	double outlier_norm, outlier_share; /* times the median norm; share of positions */
};

struct reading;
struct tokenizer;

/* Of one side of the corpus. */
struct check_tally {
	uint64_t doubled_bos, special; /* documents */
	uint64_t unknown;	       /* tokens */
	size_t vocabulary, embedding;  /* entries; one more than the largest id of each */
	struct check_token {
		int32_t id;
		uint64_t documents;
	} * token; /* special tokens that stood in texts, by id */
	size_t n, cap;
};

void check_tally_add(struct check_tally *t, const struct reading *r);
void check_tally_release(struct check_tally *t);
/* corpus.json's "checks", an object a side. */
void check_tally_write(struct json_out *j, const struct check_tally tally[SIDE_COUNT],
		       struct tokenizer *const tokenizer[SIDE_COUNT]);

/* The rows that exceed `times` their median norm and the texts of their tokens, foremost first: harvest.json's outliers of
 * a side. norm (n) belongs to row (n). */
void check_outliers_write(struct json_out *j, const char *key, const struct corpus *c, enum side side,
			  const double *norm, const uint32_t *row, size_t n, double limit);

/* results.json's "checks", of corpus.json and harvest.json as they were written. */
void checks_write(struct json_out *j, const struct check_opts *o, const struct json *corpus,
		  const struct json *harvest);

#endif
