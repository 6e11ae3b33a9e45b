#include "flow/stage.h"

#include "base/log.h"
#include "flow/forecast.h"
#include "flow/harvest.h"
#include "flow/imported.h"
#include "store/acts.h"
#include "store/corpus.h"

/*
 * The harvest of one model (flow/harvest.h) into a store (store/acts.h).  A shard of documents is the unit: one that is
 * there and as it should be is not made again.
 */

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;

	key_model(key, p, side_name[step->index]);
	if (p->n_imported > 0)
		key_model(key, p, step->index == SIDE_BASE ? "activations base" : "activations candidate");
	json_put_size(key, "layer", side_layer(p, (enum side)step->index, step->depth));
	json_put_bool(key, "gap", s->harvest.gap);
	json_put_bool(key, "f32", s->harvest.f32);
	json_put_size(key, "rows_per_shard", s->harvest.rows_per_shard);
	if (s->harvest.no_store)
		json_puts(key, "store", "none");
}

static size_t stored_width(const struct plan *p, const struct step *step)
{
	return p->spec->harvest.no_store ? 0 : side_arch(p, (enum side)step->index)->d_model;
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;
	const struct arch *a = side_arch(p, (enum side)step->index);
	double d = (double)stored_width(p, step), rows;
	struct corpus_forecast c;

	forecast_corpus(&c, p);
	rows = c.pairs < (double)s->harvest.rows_per_shard ? c.pairs : (double)s->harvest.rows_per_shard;
	out->memory = FORECAST_BASE + (p->n_imported > 0 ? 0 : harvester_bytes(p, (enum side)step->index)) +
		      (uint64_t)((rows + (double)s->corpus.context) * (d * 6 + 16));
	out->disk = (uint64_t)(c.pairs * (d * (s->harvest.f32 ? 4 : 2) + sizeof(float)));
	out->work =
		c.tokens *
		forecast_token(a, s->harvest.gap ? SIZE_MAX
						 : side_layer(p, (enum side)step->index, step->depth) + 1);
	if ((d == 0 && !s->harvest.gap) || p->n_imported > 0)
		out->work = 0;
	out->pace = step->index == SIDE_BASE ? PACE_BASE : PACE_CANDIDATE;
	out->mapped = (uint64_t)(c.tokens * 9 + c.pairs * sizeof(struct pair_record));
}

struct harvesting {
	struct job *job;
	struct harvester *harvester;
	struct imported *imported; /* in place of it */
	struct acts_shape shape;
	const size_t *first; /* (n_shards + 1) documents */
	uint32_t *doc;	     /* (documents) 0, 1, ... */
	float *rows, *logp;  /* of the largest shard; rows NULL where they are not stored */
};

static uint64_t shard_rows(const struct acts_shape *s, size_t shard)
{
	return s->first_row[shard + 1] - s->first_row[shard];
}

static int shard_run(struct harvesting *s, size_t shard, struct err *e)
{
	bool gap = s->job->spec->harvest.gap;
	size_t first = s->first[shard], n = s->first[shard + 1] - first;

	if (s->imported != NULL) {
		if (imported_read(s->imported, s->rows, s->logp, s->shape.first_row[shard],
				  shard_rows(&s->shape, shard), e) < 0)
			return -1;
	} else if ((gap || s->rows != NULL) &&
		   harvester_read(s->harvester, s->rows, gap ? s->logp : NULL, s->doc + first, n, e) < 0)
		return err_wrap(e, "shard %zu: ", shard);
	return acts_write(s->job->out, &s->shape, shard, s->rows, s->logp, e);
}

/* A shard of an earlier process counts when it is as it was written; else it is made anew. */
static bool shard_done(const struct harvesting *s, size_t shard)
{
	struct err why = ERR_INIT;

	if (!acts_have(s->job->out, shard))
		return false;
	if (acts_check(s->job->out, &s->shape, shard, &why) == 0)
		return true;
	log_warn("%s: %s; it is made anew", s->job->step->label, why.msg);
	return false;
}

static void pace(const struct harvesting *s, size_t shard, double rows, double began)
{
	double seconds = log_clock() - began + 1e-9;
	double tokens = (s->harvester != NULL ? (double)harvester_tokens(s->harvester) : rows) / seconds;

	log_pace(s->job->step->label, s->shape.first_row[shard + 1], s->shape.first_row[s->shape.n_shards],
		 tokens, arena_fmt(s->job->mem, "%.0f pairs/s", rows / seconds));
}

static int shards_run(struct harvesting *s, struct err *e)
{
	double began = log_clock(), rows = 0;

	for (size_t i = 0; i < s->shape.n_shards; i++) {
		if (!job_takes(s->job, i))
			continue;
		if (!shard_done(s, i)) {
			if (job_may_go_on(s->job, e) < 0 || shard_run(s, i, e) < 0)
				return -1;
			rows += (double)shard_rows(&s->shape, i);
		}
		pace(s, i, rows, began);
	}
	return 0;
}

/* Which documents and rows each shard has, and room for the largest. */
static int stored_plan(struct harvesting *s, const struct corpus *c, struct err *e)
{
	struct arena *mem = s->job->mem;
	uint64_t *row, most = 0;
	size_t *first;
	void *room;

	s->shape.n_shards = corpus_shards(&first, mem, c, s->job->spec->harvest.rows_per_shard);
	row = ARENA_ARRAY(mem, s->shape.n_shards + 1, uint64_t);
	for (size_t i = 0; i < s->shape.n_shards; i++)
		row[i] = corpus_doc(c, first[i])->pair_first;
	row[s->shape.n_shards] = corpus_rows(c);
	s->first = first;
	s->shape.first_row = row;
	s->doc = ARENA_ARRAY(mem, corpus_docs(c) + 1, uint32_t);
	for (size_t i = 0; i < corpus_docs(c); i++)
		s->doc[i] = (uint32_t)i;
	for (size_t i = 0; i < s->shape.n_shards; i++)
		most = shard_rows(&s->shape, i) > most ? shard_rows(&s->shape, i) : most;
	if (s->shape.d > 0) {
		if (mem_reserve(&room, most * s->shape.d, sizeof(float), "a shard of activations", e) < 0)
			return -1;
		s->rows = room;
	}
	if (mem_reserve(&room, most, sizeof(float), "a shard's log-probabilities", e) < 0)
		return -1;
	s->logp = room;
	return 0;
}

/* Who gives the rows: the model, or the file they came in. */
static int reader_make(struct harvesting *s, const struct corpus *c, struct err *e)
{
	enum side side = (enum side)s->job->step->index;

	if (s->job->plan->n_imported == 0)
		return harvester_new(&s->harvester, s->job->plan, side, s->job->step->depth, c, s->job->par,
				     e);
	return imported_open(&s->imported, s->job->spec->activations.file[side], e);
}

static int run(struct job *job, struct err *e)
{
	struct harvesting s = { .job = job };
	struct corpus *corpus = NULL;
	int rc = -1;

	s.shape.d = stored_width(job->plan, job->step);
	s.shape.dtype = job->spec->harvest.f32 ? DT_F32 : DT_BF16;
	if (corpus_open(&corpus, job_input(job, &stage_tokens, 0), e) == 0 &&
	    stored_plan(&s, corpus, e) == 0 && reader_make(&s, corpus, e) == 0)
		rc = shards_run(&s, e);
	harvester_free(s.harvester);
	imported_close(s.imported);
	mem_free(s.rows);
	mem_free(s.logp);
	corpus_close(corpus);
	return rc;
}

const struct stage stage_acts = {
	.name = "acts",
	.version = 2,
	.numeric = true,
	.shared = true,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
