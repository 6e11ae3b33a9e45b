#include "flow/prompts.h"

/* The gap from the turn boundary to the end of the document, of n pairs; n is 0 where no boundary is paired. */
static double answer_gap(size_t *n, size_t *turn, const struct harvested *h, const struct doc *d)
{
	bool inside = false;
	double gap = 0;

	*n = 0;
	for (size_t i = 0; i < d->pair_n; i++) {
		size_t row = d->pair_first + i;

		if (!inside && (corpus_pair(h->corpus, row)->flags & PAIR_TURN)) {
			inside = true;
			*turn = row;
		}
		if (!inside)
			continue;
		gap += harvested_gap(h, row);
		(*n)++;
	}
	return gap;
}

size_t prompts_measure(struct prompt_gap **out, struct arena *mem, const struct harvested *h)
{
	struct prompt_gap *p;
	size_t n = 0;

	for (size_t i = 0; i < corpus_docs(h->corpus); i++) {
		const struct doc *d = corpus_doc(h->corpus, i);

		if (d->kind == DOC_ROLLOUT && d->prompt >= n)
			n = d->prompt + 1;
	}
	p = ARENA_ARRAY(mem, n + 1, struct prompt_gap);
	for (size_t i = 0; i < corpus_docs(h->corpus); i++) {
		const struct doc *d = corpus_doc(h->corpus, i);
		struct prompt_gap *g = &p[d->prompt];
		size_t turn = 0, pairs;
		double gap = answer_gap(&pairs, &turn, h, d);

		if (d->kind != DOC_ROLLOUT || pairs == 0)
			continue;
		if (!g->known)
			g->turn = turn;
		g->known = true;
		if (d->author & AUTHOR_BASE)
			g->doc[SIDE_BASE] = i;
		if (d->author & AUTHOR_CANDIDATE)
			g->doc[SIDE_CANDIDATE] = i;
		if (d->author == (AUTHOR_BASE | AUTHOR_CANDIDATE))
			gap = gap < 0 ? -gap : gap;
		else if (d->author == AUTHOR_BASE)
			gap = -gap;
		g->gap += gap;
		if (gap > g->mean * (double)pairs)
			g->mean = gap / (double)pairs;
	}
	*out = p;
	return n;
}
