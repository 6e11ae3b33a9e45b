#include "flow/harvested.h"

static int sides_open(struct harvested *h, struct arena *mem, const struct artifact *side[SIDE_COUNT], struct err *e)
{
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		if (acts_open(&h->side[s], side[s], e) < 0)
			return -1;
		if (acts_rows(h->side[s]) != h->n_rows)
			return err_set(e, ERR_INPUT, "%s: %zu rows where the corpus has %zu pairs", side[s]->dir,
				       acts_rows(h->side[s]), h->n_rows);
		if (acts_logp(&h->logp[s], mem, h->side[s], e) < 0)
			return -1;
	}
	return 0;
}

int harvested_open(struct harvested *out, struct arena *mem, const struct artifact *tokens, const struct artifact *base,
		   const struct artifact *candidate, struct err *e)
{
	const struct artifact *side[SIDE_COUNT] = { base, candidate };
	struct harvested h = { .corpus = NULL };

	if (corpus_open(&h.corpus, tokens, e) < 0)
		return -1;
	h.n_rows = corpus_rows(h.corpus);
	if (sides_open(&h, mem, side, e) < 0) {
		harvested_close(&h);
		return -1;
	}
	*out = h;
	return 0;
}

void harvested_close(struct harvested *h)
{
	for (size_t s = 0; s < SIDE_COUNT; s++)
		acts_close(h->side[s]);
	corpus_close(h->corpus);
	*h = (struct harvested){ .corpus = NULL };
}

double harvested_gap(const struct harvested *h, size_t row)
{
	return (double)h->logp[SIDE_CANDIDATE][row] - (double)h->logp[SIDE_BASE][row];
}

void subset_make(struct subset *out, struct arena *mem, const struct harvested *h, bool held_out)
{
	uint32_t *index = ARENA_ARRAY(mem, h->n_rows, uint32_t);
	size_t n = 0;

	for (size_t i = 0; i < corpus_docs(h->corpus); i++) {
		const struct doc *d = corpus_doc(h->corpus, i);

		for (size_t k = 0; (d->held_out != 0) == held_out && k < d->pair_n; k++)
			index[n++] = (uint32_t)(d->pair_first + k);
	}
	*out = (struct subset){ .h = h, .index = index, .n = n };
}

void subset_release(struct subset *s)
{
	mem_free(s->wanted);
	s->wanted = NULL;
	s->cap = 0;
}

static int subset_read(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	struct subset *s = ud;

	s->wanted = mem_grow(s->wanted, &s->cap, n, sizeof(*s->wanted));
	for (size_t i = 0; i < n; i++)
		s->wanted[i] = s->index[row[i]];
	if (acts_read(s->h->side[SIDE_BASE], xa, s->wanted, n, e) < 0)
		return -1;
	return acts_read(s->h->side[SIDE_CANDIDATE], xb, s->wanted, n, e);
}

struct train_data subset_data(struct subset *s, const double *weight)
{
	return (struct train_data){ .n_rows = s->n, .weight = weight, .read = subset_read, .ud = s };
}

double *subset_weights(struct arena *mem, const struct subset *s, double above)
{
	double *weight = ARENA_ARRAY(mem, s->n, double);
	bool any = false;

	for (size_t i = 0; i < s->n;) {
		const struct doc *d = corpus_doc(s->h->corpus, corpus_doc_of(s->h->corpus, s->index[i]));
		double sum = 0;

		for (size_t k = 0; k < d->pair_n; k++) {
			double gap = harvested_gap(s->h, d->pair_first + k);

			gap = gap < 0 ? -gap : gap;
			if (gap > above)
				sum += gap;
		}
		for (size_t k = 0; k < d->pair_n; k++)
			weight[i + k] = sum / d->pair_n;
		any = any || sum > 0;
		i += d->pair_n;
	}
	return any ? weight : NULL;
}
