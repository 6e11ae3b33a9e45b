#ifndef FLOW_HARVEST_H
#define FLOW_HARVEST_H

#include "base/err.h"
#include "base/par.h"
#include "flow/plan.h"
#include "store/corpus.h"

#include <stddef.h>
#include <stdint.h>

/*
 * One model reading documents of the corpus: the residual stream after its block, at every pair, and its log-probability
 * of the bytes up to the next pair (METHOD section 2).  Documents are packed into feeds in the order given; a row's bits
 * depend on its document and on nothing else (model/session.h), so which documents are read together is free.
 */

struct harvester;

int harvester_new(struct harvester **out, const struct plan *p, enum side side, size_t depth,
		  const struct corpus *c, struct par *par, struct err *e);
void harvester_free(struct harvester *h);
/* The pairs of documents doc[0..n), in their order: rows (pairs, d_model), logp (pairs) in nats, 0 for the last of a
 * document.  Either may be NULL: without logp only the blocks up to the layer run.  ERR_INPUT names a row that is not
 * finite, by its number in the corpus. */
int harvester_read(struct harvester *h, float *rows, float *logp, const uint32_t *doc, size_t n,
		   struct err *e);
/* Tokens read so far. */
uint64_t harvester_tokens(const struct harvester *h);

/* What a harvester reserves, the model's weights included, in bytes. */
uint64_t harvester_bytes(const struct plan *p, enum side side);
/* The model of a side, and its block at a depth of the plan. */
const struct spec_model *side_model(const struct spec *s, enum side side);
const struct arch *side_arch(const struct plan *p, enum side side);
size_t side_layer(const struct plan *p, enum side side, size_t depth);

#endif
