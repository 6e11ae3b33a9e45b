#ifndef STUDY_RELEVANCE_H
#define STUDY_RELEVANCE_H

#include "base/par.h"
#include "num/stats.h"
#include "study/active.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Relevance (METHOD section 5): the activation-weighted mean of the prediction gap where a latent fires,
 *
 *	R_i = sum_r f_i(r) g(r) / sum_r f_i(r),    g(r) = log p_candidate - log p_base, nats
 *
 * with a null of gaps shuffled within documents and an interval by resampling documents.  Where a gap belongs to a whole
 * document (the answer that follows a prompt), the null shuffles between documents.
 */

struct relevance_opts {
	size_t permutations, draws; /* draws 0: no interval */
	double level;		    /* of the interval */
	uint64_t seed;
	bool between; /* each document has one gap: the null shuffles them among documents */
};

struct relevance {
	size_t fires, documents;
	double max, mean;   /* activation, where it fires */
	double gap, lo, hi; /* nats; 0 where it never fires */
	double p;	    /* two-sided, of the null; 1 where it never fires */
};

/* gap (n_rows); doc (n_rows): number of the row's document, not decreasing. out (n_latents). */
void relevance_measure(struct relevance *out, const struct active *a, const double *gap, const uint32_t *doc,
		       struct par *p, const struct relevance_opts *o);

#endif
