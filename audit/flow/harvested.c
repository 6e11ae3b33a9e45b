#include "flow/harvested.h"

#include "flow/prompts.h"
#include "num/reduce.h"

#include <string.h>

static int sides_open(struct harvested *h, struct arena *mem, const struct artifact *side[SIDE_COUNT],
		      struct err *e)
{
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		if (acts_open(&h->side[s], side[s], e) < 0)
			return -1;
		if (acts_rows(h->side[s]) != h->n_rows)
			return err_set(e, ERR_INPUT, "%s: %zu rows where the corpus has %zu pairs",
				       side[s]->dir, acts_rows(h->side[s]), h->n_rows);
		if (acts_logp(&h->logp[s], mem, h->side[s], e) < 0)
			return -1;
	}
	return 0;
}

/* A number in [0, 1) that only a text decides. */
static double text_unit(struct view text)
{
	struct digest d = digest_of(text.p, text.n);
	uint64_t word;

	memcpy(&word, d.byte, sizeof(word));
	return (double)(word >> 11) * 0x1p-53;
}

/* Of every stratum of prompts with neighbouring gaps, the share with the smallest hashes. */
static void prompts_split(struct harvested *h, struct arena *mem, double share)
{
	struct prompt_gap *p;
	size_t n = prompts_measure(&p, mem, h), known = 0, taken = 0;
	double *key = ARENA_ARRAY(mem, n + 1, double);
	uint32_t *order = ARENA_ARRAY(mem, n + 1, uint32_t), *local;
	size_t stratum = share > 0 && share < 1 ? (size_t)(1 / (share < 0.5 ? share : 1 - share) + 0.5) : 1;

	for (size_t i = 0; i < n; i++) {
		key[i] = p[i].known ? -p[i].gap : 0;
		known += p[i].known;
	}
	for (size_t i = 0; i < n; i++)
		key[i] = p[i].known ? key[i] : 1e300;
	reduce_order(order, key, n);
	local = ARENA_ARRAY(mem, stratum + 1, uint32_t);
	for (size_t first = 0; first < known; first += stratum) {
		size_t m = known - first < stratum ? known - first : stratum;
		/* Rounded over all strata, not within each, so that the whole share comes out right. */
		size_t want = (size_t)((double)(first + m) * share + 0.5) - taken;

		for (size_t i = 0; i < m; i++)
			key[i] = text_unit(corpus_text(h->corpus, p[order[first + i]].doc[SIDE_BASE]));
		reduce_order(local, key, m);
		for (size_t i = 0; i < m && i < want; i++, taken++) {
			const struct prompt_gap *g = &p[order[first + local[i]]];

			h->held_out[g->doc[SIDE_BASE]] = h->held_out[g->doc[SIDE_CANDIDATE]] = true;
		}
	}
}

static void split_make(struct harvested *h, struct arena *mem, double share)
{
	h->held_out = ARENA_ARRAY(mem, corpus_docs(h->corpus), bool);
	for (size_t i = 0; i < corpus_docs(h->corpus); i++) {
		if (corpus_doc(h->corpus, i)->kind != DOC_ROLLOUT)
			h->held_out[i] = text_unit(corpus_text(h->corpus, i)) < share;
	}
	prompts_split(h, mem, share);
}

/* Rows that were not stored are made by the models. */
static int streams_open(struct harvested *h, const struct job *job, struct err *e)
{
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		if (acts_width(h->side[s]) == 0 &&
		    streamed_open(&h->streamed[s], job->plan, (enum side)s, job->step->depth, h->corpus,
				  job->par, e) < 0)
			return -1;
		if (h->streamed[s] != NULL)
			acts_make(h->side[s], streamed_maker(h->streamed[s]));
	}
	return 0;
}

int harvested_open(struct harvested *out, const struct job *job, struct err *e)
{
	const struct artifact *side[SIDE_COUNT] = { job_input(job, &stage_acts, SIDE_BASE),
						    job_input(job, &stage_acts, SIDE_CANDIDATE) };
	struct harvested h = { .corpus = NULL };

	if (corpus_open(&h.corpus, job_input(job, &stage_tokens, 0), e) < 0)
		return -1;
	h.n_rows = corpus_rows(h.corpus);
	if (sides_open(&h, job->mem, side, e) < 0 || streams_open(&h, job, e) < 0) {
		harvested_close(&h);
		return -1;
	}
	split_make(&h, job->mem, job->spec->corpus.held_out);
	*out = h;
	return 0;
}

void harvested_close(struct harvested *h)
{
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		acts_close(h->side[s]);
		streamed_close(h->streamed[s]);
	}
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

		for (size_t k = 0; h->held_out[i] == held_out && k < d->pair_n; k++)
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

/* s->wanted: rows of the subset as rows of the harvest. */
static void want(struct subset *s, const uint32_t *row, size_t n)
{
	s->wanted = mem_grow(s->wanted, &s->cap, n, sizeof(*s->wanted));
	for (size_t i = 0; i < n; i++)
		s->wanted[i] = s->index[row[i]];
}

static void subset_ahead(void *ud, const uint32_t *row, size_t n)
{
	struct subset *s = ud;

	want(s, row, n);
	acts_ahead(s->h->side[SIDE_BASE], s->wanted, n);
	if (!s->null)
		acts_ahead(s->h->side[SIDE_CANDIDATE], s->wanted, n);
}

static int subset_read(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	struct subset *s = ud;

	want(s, row, n);
	if (acts_read(s->h->side[SIDE_BASE], xa, s->wanted, n, e) < 0)
		return -1;
	return acts_read(s->h->side[s->null ? SIDE_BASE : SIDE_CANDIDATE], xb, s->wanted, n, e);
}

double *subset_lead(struct arena *mem, const struct subset *s, double above)
{
	double *lead = ARENA_ARRAY(mem, s->n, double);

	for (size_t i = 0; i < s->n; i++) {
		double gap = harvested_gap(s->h, s->index[i]);

		lead[i] = gap > above || gap < -above ? gap : 0;
	}
	return lead;
}

struct train_data subset_data(struct subset *s, const double *weight, const double *lead)
{
	return (struct train_data){ .n_rows = s->n,
				    .weight = weight,
				    .lead = lead,
				    .read = subset_read,
				    .ahead = subset_ahead,
				    .ud = s };
}

static bool is_turn(const struct subset *s, size_t i)
{
	return (corpus_pair(s->h->corpus, s->index[i])->flags & PAIR_TURN) != 0;
}

/* Of `whole`, the weight of all rows, turn boundaries get so much more that the addition is the share of what it comes to. */
static void turns_weigh(double *weight, const struct subset *s, double whole, double share)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += is_turn(s, i);
	for (size_t i = 0; i < s->n; i++) {
		if (is_turn(s, i))
			weight[i] += share / (1 - share) * whole / (double)n;
	}
}

double *subset_weights(struct arena *mem, const struct subset *s, double above, double turns)
{
	double *weight = ARENA_ARRAY(mem, s->n, double), whole = 0;

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
		whole += sum;
		i += d->pair_n;
	}
	turns_weigh(weight, s, whole, turns);
	return whole > 0 ? weight : NULL;
}
