#include "flow/prompts.h"

/* The gap from the turn boundary to the end of the document; false where no boundary is paired. */
static bool answer_gap(double *gap, size_t *turn, const struct harvested *h, const struct doc *d)
{
	bool inside = false;

	*gap = 0;
	for (size_t i = 0; i < d->pair_n; i++) {
		size_t row = d->pair_first + i;

		if (!inside && (corpus_pair(h->corpus, row)->flags & PAIR_TURN)) {
			inside = true;
			*turn = row;
		}
		if (inside)
			*gap += harvested_gap(h, row);
	}
	return inside;
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
		size_t turn = 0;
		double gap;

		if (d->kind != DOC_ROLLOUT || !answer_gap(&gap, &turn, h, d))
			continue;
		if (!g->known)
			g->turn = turn;
		g->known = true;
		if (d->author & AUTHOR_BASE)
			g->doc[SIDE_BASE] = i;
		if (d->author & AUTHOR_CANDIDATE)
			g->doc[SIDE_CANDIDATE] = i;
		if (d->author == (AUTHOR_BASE | AUTHOR_CANDIDATE))
			g->gap = gap < 0 ? -gap : gap;
		else
			g->gap += d->author == AUTHOR_CANDIDATE ? gap : -gap;
	}
	*out = p;
	return n;
}
