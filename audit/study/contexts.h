#ifndef STUDY_CONTEXTS_H
#define STUDY_CONTEXTS_H

#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/tokenizer.h"
#include "store/corpus.h"
#include "study/active.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Where a latent fires most, and what stands there.  Contexts are rows of a study: index[r] is the row of
 * the harvest that row r of `active` is.
 */

struct studied {
	const struct active *active;
	const struct corpus *corpus;
	const uint32_t *index; /* (active->n_rows) rows of the harvest */
	const uint32_t *doc;   /* (active->n_rows) */
	const double *gap;     /* (active->n_rows) nats */
};

/* The strongest rows of a latent, strongest first (ties: the earlier row), one a document and one a prompt. */
size_t contexts_top(uint32_t *row, size_t most, const struct studied *s, size_t latent);

/* Rows drawn one from each of `most` equal parts of the latent's firings in order of activation, strongest part first; one a
 * document and one a prompt, so that there may be fewer. */
size_t contexts_quantiles(uint32_t *row, size_t most, const struct studied *s, size_t latent, struct rng r);

/* One context as members of an object that the caller opened: its text before, at and after, and its tokens as the side's
 * tokenizer cuts them, `around` on either side, with the latent's activation where the token is paired. */
void context_write(struct json_out *j, const struct studied *s, size_t latent, size_t row, enum side side,
		   const struct tokenizer *t, size_t around);

#endif
