#ifndef FLOW_NULL_DIFF_H
#define FLOW_NULL_DIFF_H

#include "flow/harvested.h"
#include "flow/latents.h"

/*
 * The null diff (METHOD section 5): what the exclusive latents of a dictionary of the base against itself look like on the same
 * held-out rows, and how many of the real run's latents would therefore stand out where there is nothing to find.
 *
 * Two nulls.  `own`: the gap of the base against itself, which is zero everywhere: what is left is what the pipeline makes up
 * by itself.  `text`: the real run's gaps: latents that stand out although their dictionary never saw the candidate, because the
 * texts do - a latent that is no further out than these is about the text, and need not be about the candidate.
 *
 * False-discovery rate of the latents at least as strong as s, over n exclusive latents that fire and N of the null's:
 *
 *	FDR(s) = ((1 + #{null >= s}) / (1 + N)) / (#{real >= s} / n),    made monotone, at most 1
 */

enum null_kind { NULL_OWN, NULL_TEXT, NULL_KINDS };

struct null_diff {
	uint64_t seed;
	size_t n;		      /* exclusive latents of the null that fire */
	size_t stand_out[NULL_KINDS]; /* of them, by the same rule as the real run's */
	double largest[NULL_KINDS];   /* |relevance|, nats */
	double median_twin,
		real_twin;	 /* median correlation with the other side's most alike: null, real run */
	size_t twins;		 /* of the null, at study.twin */
	double *fdr[NULL_KINDS]; /* (n_latents) of the real run's exclusive latents that stand out, else 1 */
	double least_fdr[NULL_KINDS]; /* of the foremost of them */
};

/* fdr (n) of the strengths `real`, 0 where one does not stand out: 1; against the null's. */
void null_fdr(double *fdr, const double *real, size_t n, const double *null, size_t n_null);
/* From l->relevance[SITE_ALL] and l->twin. `test`: the held-out rows. */
int null_diff_measure(struct latents *l, struct subset *test, const struct relevance_opts *o, struct err *e);

#endif
