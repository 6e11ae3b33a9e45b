#ifndef FLOW_FORECAST_H
#define FLOW_FORECAST_H

#include "base/json.h"
#include "flow/plan.h"
#include "model/session.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What several stages say in their keys, and what they reckon with before anything has run.
 */

/* A model by the digests of its files (weights, config, tokenizer), under the key "base" or "candidate". */
void key_model(struct json_out *key, const struct plan *p, const char *role);
/* A source by the digest of its file and the fields that choose from it. */
void key_source(struct json_out *key, const struct plan *p, size_t source);

/* Floating-point operations of one token through blocks 0 .. n_blocks-1 (SIZE_MAX: all, and the unembedding). */
double forecast_token(const struct arch *a, size_t n_blocks);

/* Bytes of a side's weights: of its files, or where they are not there, of its shape in bf16 (MXFP4 experts as stored). */
uint64_t forecast_weights(const struct plan *p, enum side side);

/* The session that reads many texts of at most `context` tokens: as many at once as a fixed cache budget allows. */
struct session_opts forecast_session(const struct arch *a, size_t context);

/* Sizes of the corpus, reckoned from file sizes and the length of the first lines. */
struct corpus_forecast {
	size_t documents, prompts;
	double tokens; /* of one model */
	double pairs;
};

void forecast_corpus(struct corpus_forecast *out, const struct plan *p);

#endif
