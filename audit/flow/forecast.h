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
/* A source by the digests of its files and the fields that choose from it. */
void key_source(struct json_out *key, const struct plan *p, size_t source);

/* Floating-point operations of one token through blocks 0 .. n_blocks-1 (SIZE_MAX: all, and the unembedding). */
double forecast_token(const struct arch *a, size_t n_blocks);

/* Bytes of a side's weights: of its files, or where they are not there, of its shape in bf16 (MXFP4 experts as stored). */
uint64_t forecast_weights(const struct plan *p, enum side side);
/* Bytes of them that the logit lens looks into: the unembedding, as wide as the side's values are on the average. */
uint64_t forecast_unembedding(const struct plan *p, enum side side);

/* The session that reads many texts of at most `context` tokens: as many at once as a fixed cache budget allows. */
struct session_opts forecast_session(const struct arch *a, size_t context);

/* What every step has in memory besides its own: the program, its libraries and the threads' scratch. */
enum { FORECAST_BASE = 64 << 20 };

/* The dictionary of a plan, and the operations of training it once: the dense encode, and about as much again for what
 * touches kept latents and the optimiser. */
struct dfc_shape forecast_dictionary(const struct plan *p);
double forecast_training(const struct plan *p);

/* Texts that steering reads. What will be found is not known: one finding is expected, and that a tenth of the held-out
 * prompts show it. Two answers to each prompt: at every dose for the finding and the random directions, at two for the
 * random groups. */
double forecast_steering(const struct plan *p);

/* Readings of the corpus that rows of a buffer each take, where there is no store. scattered: as below. */
double forecast_readings(const struct plan *p, double rows, bool scattered);
/* What reading `rows` rows costs a step: files looked into, or without a store the buffers, the models and their work.
 * scattered: in any order, as training draws them; else as they stand in the corpus. */
void forecast_rows(struct needs *out, const struct plan *p, const struct step *step, double rows,
		   bool scattered);

/* The plan's survey of the corpus. */
void forecast_corpus(struct corpus_forecast *out, const struct plan *p);

#endif
