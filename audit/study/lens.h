#ifndef STUDY_LENS_H
#define STUDY_LENS_H

#include "base/par.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The logit lens (nostalgebraist 2020) on a latent: its decoder row through the model's final norm and
 * unembedding, as if it were the whole residual stream.  What it would promote and suppress.
 */

struct lens_token {
	uint32_t id;
	float logit;
};

/* direction (d_model). promoted and suppressed (k), strongest first; k <= n_vocab. logits (n_vocab) is scratch. */
void lens_tokens(struct lens_token *promoted, struct lens_token *suppressed, size_t k, float *logits,
		 const struct model *m, struct par *p, const float *direction);

#endif
