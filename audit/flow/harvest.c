#include "flow/harvest.h"

#include "flow/forecast.h"
#include "model/model.h"
#include "model/session.h"

#include <string.h>

struct harvester {
	const struct corpus *corpus;
	enum side side;
	struct model *model;
	struct session *session;
	size_t d, layer, max_rows, max_seqs;
	uint64_t tokens;
	/* the feed being packed, (max_rows) each */
	int32_t *id, *target;
	uint32_t *seq, *row;
	size_t *slot, *token; /* the row it fills, or SIZE_MAX; the token its target is */
	double *logp;
	size_t n, n_seqs, n_targets;
	/* this reading: rows (pairs, d) or NULL, token_logp (tokens) where log-probabilities are asked for */
	float *rows;
	bool gap;
	double *token_logp;
	size_t token_cap;
	struct arena mem;
};

const struct spec_model *side_model(const struct spec *s, enum side side)
{
	return side == SIDE_BASE ? &s->base : &s->candidate;
}

const struct arch *side_arch(const struct plan *p, enum side side)
{
	return side == SIDE_BASE ? p->base : p->candidate;
}

size_t side_layer(const struct plan *p, enum side side, size_t depth)
{
	return side == SIDE_BASE ? p->depth[depth].base : p->depth[depth].candidate;
}

static void capture(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	const struct harvester *h = ud;

	for (size_t i = 0; i < rows->n; i++) {
		if (h->slot[i] != SIZE_MAX)
			memcpy(h->rows + h->slot[i] * d_model, x + i * d_model, d_model * sizeof(*x));
	}
}

static int feed_flush(struct harvester *h, struct err *e)
{
	struct tap tap = { .layer = h->layer, .fn = capture, .ud = h };

	if (h->n == 0)
		return 0;
	if (session_feed(h->session, h->id, h->seq, h->n, h->gap ? SIZE_MAX : h->layer + 1,
			 (struct taps){ &tap, h->rows != NULL }, e) < 0)
		return -1;
	if (h->n_targets > 0) {
		session_logprobs(h->session, h->logp, h->row, h->target, h->n_targets);
		for (size_t i = 0; i < h->n_targets; i++)
			h->token_logp[h->token[i]] = h->logp[i];
	}
	h->tokens += h->n;
	h->n = 0;
	h->n_targets = 0;
	return 0;
}

static void feed_new(struct harvester *h)
{
	for (size_t i = 0; i < h->n_seqs; i++)
		session_rewind(h->session, (uint32_t)i, 0);
	h->n = 0;
	h->n_targets = 0;
	h->n_seqs = 0;
}

/* One document into feeds. `row` and `token`: where its pairs and tokens begin in this reading. */
static int feed_doc(struct harvester *h, size_t doc, size_t row, size_t token, struct err *e)
{
	const struct doc *d = corpus_doc(h->corpus, doc);
	struct doc_tokens t = corpus_side(h->corpus, doc, h->side);
	size_t pair = 0;

	if (d->pair_n == 0)
		return 0;
	if (h->n_seqs == h->max_seqs || (h->n > 0 && h->n + t.n > h->max_rows)) {
		if (feed_flush(h, e) < 0)
			return -1;
		feed_new(h);
	}
	for (size_t i = 0; i < t.n; i++) {
		bool paired =
			pair < d->pair_n && corpus_pair(h->corpus, d->pair_first + pair)->token[h->side] == i;

		if (h->n == h->max_rows && feed_flush(h, e) < 0)
			return -1;
		h->id[h->n] = t.id[i];
		h->seq[h->n] = (uint32_t)h->n_seqs;
		h->slot[h->n] = paired ? row + pair : SIZE_MAX;
		pair += paired;
		if (h->gap && i + 1 < t.n && t.kind[i + 1] != TOKEN_TEMPLATE) {
			h->row[h->n_targets] = (uint32_t)h->n;
			h->target[h->n_targets] = t.id[i + 1];
			h->token[h->n_targets++] = token + i + 1;
		}
		h->n++;
	}
	h->n_seqs++;
	return 0;
}

/* Log-probability of the bytes from each pair to the next. */
static void doc_logp(const struct harvester *h, float *logp, size_t doc, size_t token)
{
	const struct doc *d = corpus_doc(h->corpus, doc);
	struct doc_tokens t = corpus_side(h->corpus, doc, h->side);

	memset(logp, 0, d->pair_n * sizeof(*logp));
	for (size_t i = 0; i + 1 < d->pair_n; i++) {
		size_t from = corpus_pair(h->corpus, d->pair_first + i)->token[h->side];
		size_t to = corpus_pair(h->corpus, d->pair_first + i + 1)->token[h->side];
		double sum = 0;

		for (size_t k = from + 1; k <= to; k++) {
			if (t.kind[k] != TOKEN_TEMPLATE)
				sum += h->token_logp[token + k];
		}
		logp[i] = (float)sum;
	}
}

static int doc_finite(const struct harvester *h, const float *rows, size_t doc, struct err *e)
{
	const struct doc *d = corpus_doc(h->corpus, doc);

	for (size_t i = 0; i < d->pair_n * h->d; i++) {
		if (!(rows[i] - rows[i] == 0))
			return err_set(e, ERR_INPUT,
				       "the residual stream at pair %zu of document %zu is not finite",
				       i / h->d, doc);
	}
	return 0;
}

static int docs_feed(struct harvester *h, const uint32_t *doc, size_t n, struct err *e)
{
	size_t row = 0, token = 0;

	feed_new(h);
	for (size_t i = 0; i < n; i++) {
		if (feed_doc(h, doc[i], row, token, e) < 0)
			return err_wrap(e, "document %u: ", doc[i]);
		row += corpus_doc(h->corpus, doc[i])->pair_n;
		token += corpus_doc(h->corpus, doc[i])->token_n[h->side];
	}
	return feed_flush(h, e);
}

int harvester_read(struct harvester *h, float *rows, float *logp, const uint32_t *doc, size_t n,
		   struct err *e)
{
	size_t row = 0, token = 0;

	h->rows = rows;
	h->gap = logp != NULL;
	for (size_t i = 0; i < n; i++)
		token += corpus_doc(h->corpus, doc[i])->token_n[h->side];
	h->token_logp = mem_grow(h->token_logp, &h->token_cap, token + 1, sizeof(*h->token_logp));
	if (docs_feed(h, doc, n, e) < 0)
		return -1;
	token = 0;
	for (size_t i = 0; i < n; i++) {
		if (logp != NULL)
			doc_logp(h, logp + row, doc[i], token);
		if (rows != NULL && doc_finite(h, rows + row * h->d, doc[i], e) < 0)
			return -1;
		row += corpus_doc(h->corpus, doc[i])->pair_n;
		token += corpus_doc(h->corpus, doc[i])->token_n[h->side];
	}
	return 0;
}

int harvester_new(struct harvester **out, const struct plan *p, enum side side, size_t depth,
		  const struct corpus *c, struct par *par, struct err *e)
{
	const struct arch *a = side_arch(p, side);
	struct session_opts o = forecast_session(a, p->spec->corpus.context);
	struct harvester *h = mem_alloc(1, sizeof(*h));

	h->corpus = c;
	h->side = side;
	h->d = a->d_model;
	h->layer = side_layer(p, side, depth);
	h->max_rows = o.max_rows;
	h->max_seqs = o.max_seqs;
	if (model_open(&h->model, side_model(p->spec, side)->dir, e) < 0 ||
	    session_new(&h->session, h->model, par, &o, e) < 0) {
		harvester_free(h);
		return -1;
	}
	h->id = ARENA_ARRAY(&h->mem, h->max_rows, int32_t);
	h->target = ARENA_ARRAY(&h->mem, h->max_rows, int32_t);
	h->seq = ARENA_ARRAY(&h->mem, h->max_rows, uint32_t);
	h->row = ARENA_ARRAY(&h->mem, h->max_rows, uint32_t);
	h->slot = ARENA_ARRAY(&h->mem, h->max_rows, size_t);
	h->token = ARENA_ARRAY(&h->mem, h->max_rows, size_t);
	h->logp = ARENA_ARRAY(&h->mem, h->max_rows, double);
	*out = h;
	return 0;
}

void harvester_free(struct harvester *h)
{
	if (h == NULL)
		return;
	session_free(h->session);
	model_close(h->model);
	mem_free(h->token_logp);
	arena_release(&h->mem);
	mem_free(h);
}

uint64_t harvester_tokens(const struct harvester *h)
{
	return h->tokens;
}

uint64_t harvester_bytes(const struct plan *p, enum side side)
{
	const struct arch *a = side_arch(p, side);
	struct session_opts o = forecast_session(a, p->spec->corpus.context);

	return forecast_weights(p, side) + session_bytes(a, &o) + o.max_rows * 40;
}
