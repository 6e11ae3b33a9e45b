#include "flow/stage.h"

#include "base/log.h"
#include "flow/forecast.h"
#include "model/model.h"
#include "model/session.h"
#include "store/acts.h"
#include "store/corpus.h"

#include <string.h>

/*
 * The harvest of one model: the residual stream after its block, at every pair, and the model's log-probability of the
 * bytes up to the next pair.  A shard of documents is a unit of the store; within it documents are packed into feeds in
 * their order, so what is computed together depends on the corpus alone.
 */

static const struct arch *side_arch(const struct plan *p, const struct step *step)
{
	return step->index == SIDE_BASE ? p->base : p->candidate;
}

static size_t side_layer(const struct plan *p, const struct step *step)
{
	return step->index == SIDE_BASE ? p->layer_base : p->layer_candidate;
}

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;

	key_model(key, p, step->index == SIDE_BASE ? "base" : "candidate");
	json_put_size(key, "layer", side_layer(p, step));
	json_put_bool(key, "gap", s->harvest.gap);
	json_put_bool(key, "f32", s->harvest.f32);
	json_put_size(key, "rows_per_shard", s->harvest.rows_per_shard);
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;
	const struct arch *a = side_arch(p, step);
	struct session_opts o = forecast_session(a, s->corpus.context);
	struct corpus_forecast c;
	double rows;

	forecast_corpus(&c, p);
	rows = c.pairs < (double)s->harvest.rows_per_shard ? c.pairs : (double)s->harvest.rows_per_shard;
	out->memory = session_bytes(a, &o) +
		      (uint64_t)((rows + (double)s->corpus.context) * (double)a->d_model) * sizeof(float);
	out->disk = (uint64_t)(c.pairs * (double)(a->d_model * (s->harvest.f32 ? 4 : 2) + sizeof(float)));
	out->work = c.tokens * forecast_token(a, s->harvest.gap ? SIZE_MAX : side_layer(p, step) + 1);
}

struct harvest {
	const struct corpus *corpus;
	enum side side;
	struct session *session;
	size_t d, layer, n_blocks, max_rows, max_seqs;
	bool gap;
	/* the feed being packed, (max_rows) each */
	int32_t *id, *target;
	uint32_t *seq, *row;
	size_t *slot, *token; /* the shard row it fills, or SIZE_MAX; the shard token its target is */
	double *logp;
	size_t n, n_seqs, n_targets;
	/* the shard: rows (rows, d), lp (rows), token_logp (tokens) */
	float *rows, *lp;
	double *token_logp;
	size_t row_cap, token_cap;
};

static void capture(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	const struct harvest *h = ud;

	for (size_t i = 0; i < rows->n; i++) {
		if (h->slot[i] != SIZE_MAX)
			memcpy(h->rows + h->slot[i] * d_model, x + i * d_model, d_model * sizeof(*x));
	}
}

static int feed_flush(struct harvest *h, struct err *e)
{
	struct tap tap = { .layer = h->layer, .fn = capture, .ud = h };

	if (h->n == 0)
		return 0;
	if (session_feed(h->session, h->id, h->seq, h->n, h->n_blocks, (struct taps){ &tap, 1 }, e) < 0)
		return -1;
	if (h->n_targets > 0) {
		session_logprobs(h->session, h->logp, h->row, h->target, h->n_targets);
		for (size_t i = 0; i < h->n_targets; i++)
			h->token_logp[h->token[i]] = h->logp[i];
	}
	h->n = 0;
	h->n_targets = 0;
	return 0;
}

static void feed_new(struct harvest *h)
{
	for (size_t i = 0; i < h->n_seqs; i++)
		session_rewind(h->session, (uint32_t)i, 0);
	h->n_seqs = 0;
}

/* One document into feeds. `row` and `token`: where its pairs and tokens begin in the shard. */
static int feed_doc(struct harvest *h, size_t doc, size_t row, size_t token, struct err *e)
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
static void doc_logp(struct harvest *h, size_t doc, size_t row, size_t token)
{
	const struct doc *d = corpus_doc(h->corpus, doc);
	struct doc_tokens t = corpus_side(h->corpus, doc, h->side);

	for (size_t i = 0; i + 1 < d->pair_n && h->gap; i++) {
		size_t from = corpus_pair(h->corpus, d->pair_first + i)->token[h->side];
		size_t to = corpus_pair(h->corpus, d->pair_first + i + 1)->token[h->side];
		double sum = 0;

		for (size_t k = from + 1; k <= to; k++) {
			if (t.kind[k] != TOKEN_TEMPLATE)
				sum += h->token_logp[token + k];
		}
		h->lp[row + i] = (float)sum;
	}
}

static int shard_run(struct job *job, struct harvest *h, const struct acts_shape *shape, const size_t *first,
		     size_t shard, struct err *e)
{
	size_t row = 0, token = 0;

	memset(h->lp, 0, h->row_cap * sizeof(*h->lp));
	for (size_t doc = first[shard]; doc < first[shard + 1]; doc++) {
		if (feed_doc(h, doc, row, token, e) < 0)
			return err_wrap(e, "document %zu: ", doc);
		row += corpus_doc(h->corpus, doc)->pair_n;
		token += corpus_doc(h->corpus, doc)->token_n[h->side];
	}
	if (feed_flush(h, e) < 0)
		return -1;
	feed_new(h);
	row = token = 0;
	for (size_t doc = first[shard]; doc < first[shard + 1]; doc++) {
		doc_logp(h, doc, row, token);
		row += corpus_doc(h->corpus, doc)->pair_n;
		token += corpus_doc(h->corpus, doc)->token_n[h->side];
	}
	for (size_t i = 0; i < row * h->d; i++) {
		if (!(h->rows[i] - h->rows[i] == 0))
			return err_set(e, ERR_INPUT,
				       "the residual stream of row %zu of shard %zu is not finite", i / h->d,
				       shard);
	}
	return acts_write(job->out, shape, shard, h->rows, h->lp, e);
}

/* The most rows and tokens any shard has. */
static void shard_sizes(struct harvest *h, const size_t *first, size_t n)
{
	for (size_t s = 0; s < n; s++) {
		size_t rows = 0, tokens = 0;

		for (size_t doc = first[s]; doc < first[s + 1]; doc++) {
			rows += corpus_doc(h->corpus, doc)->pair_n;
			tokens += corpus_doc(h->corpus, doc)->token_n[h->side];
		}
		h->row_cap = rows > h->row_cap ? rows : h->row_cap;
		h->token_cap = tokens > h->token_cap ? tokens : h->token_cap;
	}
}

static int harvest_reserve(struct harvest *h, struct arena *mem, struct err *e)
{
	void *rows, *lp, *token_logp;

	if (mem_reserve(&rows, h->row_cap * h->d, sizeof(*h->rows), "a shard of activations", e) < 0)
		return -1;
	h->rows = rows;
	if (mem_reserve(&lp, h->row_cap, sizeof(*h->lp), "a shard's log-probabilities", e) < 0)
		return -1;
	h->lp = lp;
	if (mem_reserve(&token_logp, h->token_cap + 1, sizeof(*h->token_logp),
			"a shard's token log-probabilities", e) < 0)
		return -1;
	h->token_logp = token_logp;
	h->id = ARENA_ARRAY(mem, h->max_rows, int32_t);
	h->target = ARENA_ARRAY(mem, h->max_rows, int32_t);
	h->seq = ARENA_ARRAY(mem, h->max_rows, uint32_t);
	h->row = ARENA_ARRAY(mem, h->max_rows, uint32_t);
	h->slot = ARENA_ARRAY(mem, h->max_rows, size_t);
	h->token = ARENA_ARRAY(mem, h->max_rows, size_t);
	h->logp = ARENA_ARRAY(mem, h->max_rows, double);
	return 0;
}

static uint64_t *shard_rows(struct arena *mem, const struct corpus *c, const size_t *first, size_t n)
{
	uint64_t *row = ARENA_ARRAY(mem, n + 1, uint64_t);

	for (size_t s = 0; s < n; s++)
		row[s] = corpus_doc(c, first[s])->pair_first;
	row[n] = corpus_rows(c);
	return row;
}

static int shards_run(struct job *job, struct harvest *h, struct err *e)
{
	size_t *first, n = corpus_shards(&first, job->mem, h->corpus, job->spec->harvest.rows_per_shard);
	uint64_t *row = shard_rows(job->mem, h->corpus, first, n);
	struct acts_shape shape = {
		.d = h->d, .dtype = job->spec->harvest.f32 ? DT_F32 : DT_BF16, .first_row = row, .n_shards = n
	};
	double began = log_clock(), done = 0;

	shard_sizes(h, first, n);
	if (harvest_reserve(h, job->mem, e) < 0)
		return -1;
	for (size_t s = 0; s < n; s++) {
		if (!acts_have(job->out, s)) {
			if (shard_run(job, h, &shape, first, s, e) < 0)
				return -1;
			done += (double)(row[s + 1] - row[s]);
		}
		log_progress(job->step->label, row[s + 1], row[n],
			     arena_fmt(job->mem, "%.0f pairs/s", done / (log_clock() - began + 1e-9)));
	}
	return 0;
}

static int run(struct job *job, struct err *e)
{
	const struct spec_model *m = job->step->index == SIDE_BASE ? &job->spec->base : &job->spec->candidate;
	const struct arch *a = side_arch(job->plan, job->step);
	struct session_opts o = forecast_session(a, job->spec->corpus.context);
	struct harvest h = { .side = (enum side)job->step->index,
			     .d = a->d_model,
			     .layer = side_layer(job->plan, job->step),
			     .max_rows = o.max_rows,
			     .max_seqs = o.max_seqs,
			     .gap = job->spec->harvest.gap };
	struct model *model = NULL;
	struct corpus *corpus = NULL;
	int rc = -1;

	h.n_blocks = h.gap ? SIZE_MAX : h.layer + 1;
	if (model_open(&model, m->dir, e) < 0 || session_new(&h.session, model, job->par, &o, e) < 0 ||
	    corpus_open(&corpus, &job->in[0], e) < 0)
		goto out;
	h.corpus = corpus;
	rc = shards_run(job, &h, e);
out:
	mem_free(h.rows);
	mem_free(h.lp);
	mem_free(h.token_logp);
	corpus_close(corpus);
	session_free(h.session);
	model_close(model);
	return rc;
}

const struct stage stage_acts = {
	.name = "acts",
	.version = 2,
	.numeric = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
