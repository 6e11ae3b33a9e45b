#include "flow/stage.h"

#include "base/log.h"
#include "flow/entry.h"
#include "flow/forecast.h"
#include "flow/imported.h"
#include "flow/reader.h"
#include "flow/rollouts.h"
#include "flow/shares.h"
#include "model/arch.h"

#include <string.h>

/*
 * The corpus as both models read it.  Documents are read in batches of TOKENS_BATCH, each a unit with an
 * arena of its own, and written in order.
 */

enum { TOKENS_BATCH = 256, LONG_GAP = 16 };

struct tally {
	uint64_t documents, characters, tokens[SIDE_COUNT], content[SIDE_COUNT], pairs, turns, truncated,
		with_gap;
	uint64_t longest_gap, paired[SIDE_COUNT], prompts, same_answer;
	struct source_tally {
		uint64_t documents, pairs, replaced, left_out;
	} * source;
	struct check_tally check[SIDE_COUNT];
};

static void describe(struct json_out *key, const struct plan *p, const struct step *step)
{
	const struct spec *s = p->spec;

	(void)step;
	json_put_size(key, "seed", s->seed);
	json_put_size(key, "context", s->corpus.context);
	json_put_size(key, "pairing", (uint64_t)s->corpus.pairing);
	json_puts(key, "date", s->corpus.date);
	key_model(key, p, "base");
	key_model(key, p, "candidate");
	if (p->n_imported > 0) {
		key_model(key, p, "activations base");
		key_model(key, p, "activations candidate");
	}
	json_open(key, "sources", '[');
	for (size_t i = 0; i < s->corpus.n_sources; i++)
		key_source(key, p, i);
	json_close(key, ']');
	json_open(key, "shares", '[');
	for (size_t i = 0; i < s->corpus.n_sources; i++)
		json_put_real(key, NULL, s->corpus.source[i].share);
	json_close(key, ']');
}

static void forecast(struct needs *out, const struct plan *p, const struct step *step)
{
	struct corpus_forecast c;

	(void)step;
	forecast_corpus(&c, p);
	out->memory = FORECAST_BASE + (uint64_t)(c.tokens * 24);
	out->disk = (uint64_t)(c.tokens * (2 * 9 + 5) + c.pairs * sizeof(struct pair_record)) +
		    c.documents * sizeof(struct doc);
	out->work = 0;
}

static void tally_add(struct tally *t, const struct made *m, const struct item *item)
{
	struct source_tally *src = &t->source[item->source];

	src->replaced += item->replaced > 0;
	t->documents++;
	t->characters += m->text.n;
	t->truncated += m->doc.truncated;
	t->pairs += m->n_pairs;
	t->with_gap += m->figures.longest_gap > LONG_GAP;
	if (m->figures.longest_gap > t->longest_gap)
		t->longest_gap = m->figures.longest_gap;
	t->content[SIDE_BASE] += m->figures.content_a;
	t->content[SIDE_CANDIDATE] += m->figures.content_b;
	t->paired[SIDE_BASE] += m->figures.pairs;
	t->paired[SIDE_CANDIDATE] += m->figures.pairs;
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		t->tokens[s] += m->reading[s].n;
		check_tally_add(&t->check[s], &m->reading[s]);
	}
	for (size_t i = 0; i < m->n_pairs; i++)
		t->turns += (m->pair[i].flags & PAIR_TURN) != 0;
	src->documents++;
	src->pairs += m->n_pairs;
}

static void tally_write(struct json_out *j, const struct tally *t, const struct spec *s,
			struct tokenizer *const tokenizer[SIDE_COUNT])
{
	json_put_size(j, "documents", t->documents);
	json_put_size(j, "characters", t->characters);
	json_open(j, "sources", '[');
	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		json_open(j, NULL, '{');
		json_put_size(j, "documents", t->source[i].documents);
		json_put_size(j, "pairs", t->source[i].pairs);
		json_put_size(j, "documents_replaced", t->source[i].replaced);
		json_put_size(j, "left_out", t->source[i].left_out);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_put_size(j, "tokens_base", t->tokens[SIDE_BASE]);
	json_put_size(j, "tokens_candidate", t->tokens[SIDE_CANDIDATE]);
	json_put_size(j, "content_base", t->content[SIDE_BASE]);
	json_put_size(j, "content_candidate", t->content[SIDE_CANDIDATE]);
	json_put_size(j, "pairs", t->pairs);
	json_put_size(j, "turn_boundary_pairs", t->turns);
	json_put_real(j, "paired_base",
		      (double)t->paired[0] / (double)(t->content[0] > 0 ? t->content[0] : 1));
	json_put_real(j, "paired_candidate",
		      (double)t->paired[1] / (double)(t->content[1] > 0 ? t->content[1] : 1));
	json_put_size(j, "longest_gap", t->longest_gap);
	json_put_size(j, "documents_with_gap", t->with_gap);
	json_put_size(j, "truncated", t->truncated);
	check_tally_write(j, t->check, tokenizer);
	if (t->prompts == 0) {
		json_put_null(j, "rollouts");
		return;
	}
	json_open(j, "rollouts", '{');
	json_put_size(j, "prompts", t->prompts);
	json_put_size(j, "same_answer", t->same_answer);
	json_close(j, '}');
}

struct entries {
	struct entry *all;
	size_t n, cap;
};

static void entries_rollout(struct entries *out, struct tally *t, const struct rollout *r, size_t number)
{
	size_t n;

	out->all = mem_grow(out->all, &out->cap, out->n + 2, sizeof(*out->all));
	n = entry_rollout(out->all + out->n, r, number);
	out->n += n;
	t->prompts++;
	t->same_answer += n == 1;
}

static int entries_source(struct entries *out, struct job *job, size_t source, struct err *e)
{
	bool chat = job->spec->corpus.source[source].kind == SOURCE_CHATS;
	struct item *item = NULL;
	size_t n;

	if (source_read(&item, &n, job->mem, job->spec, source, e) < 0)
		return -1;
	out->all = mem_grow(out->all, &out->cap, out->n + n, sizeof(*out->all));
	for (size_t i = 0; i < n; i++)
		out->all[out->n++] = (struct entry){ .item = &item[i],
						     .kind = chat ? DOC_CHAT : DOC_DOCUMENT,
						     .chat = chat };
	return 0;
}

/* Every document to be read, in the order of the sources. */
static int entries_make(struct entries *out, struct tally *t, struct job *job, struct err *e)
{
	const struct spec *s = job->spec;
	struct rollout *rollout = NULL;
	size_t n_rollouts = 0, at = 0;

	if (job->step->n_in > 0 &&
	    rollouts_read(&rollout, &n_rollouts, job->mem, s, job_input(job, &stage_rollouts, 0), e) < 0)
		return -1;
	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		if (s->corpus.source[i].kind != SOURCE_ROLLOUTS) {
			if (entries_source(out, job, i, e) < 0)
				return -1;
			continue;
		}
		for (; at < n_rollouts && rollout[at].prompt.source == i; at++)
			entries_rollout(out, t, &rollout[at], at);
	}
	return 0;
}

/* Ids the model has an embedding of, or the document is refused: its forward pass would have nothing to read. */
static int ids_check(struct made *m, const struct plan *p)
{
	const struct spec *spec = p->spec;

	for (size_t s = 0; s < SIDE_COUNT; s++) {
		size_t rows = s == SIDE_BASE ? p->base->n_vocab : p->candidate->n_vocab;

		for (size_t i = 0; i < m->reading[s].n; i++) {
			if ((size_t)m->reading[s].id[i] >= rows)
				return err_set(
					&m->err, ERR_INPUT,
					"token %d of %s lies beyond the %zu rows of the model's embedding; is it "
					"the tokenizer of another model?",
					m->reading[s].id[i],
					s == SIDE_BASE ? spec->base.name : spec->candidate.name, rows);
		}
	}
	return 0;
}

/* Reads n entries. The error of the first that cannot be read. */
static int batch_read(struct job *job, struct batch *b, size_t n, struct err *e)
{
	int rc = 0;

	memset(b->made, 0, n * sizeof(*b->made));
	par_run(job->par, n, entry_read, b);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct made *m = &b->made[i];

		if (m->rc < 0 || ids_check(m, job->plan) < 0) {
			*e = m->err;
			rc = err_wrap(e, "%s: ",
				      source_place(job->mem, job->spec, b->entry[i].item->file,
						   b->entry[i].item->line));
		}
	}
	return rc;
}

static int batch_run(struct job *job, struct batch *b, struct corpus_writer *w, struct tally *t, size_t n,
		     struct err *e)
{
	int rc = batch_read(job, b, n, e);

	for (size_t i = 0; i < n; i++) {
		struct made *m = &b->made[i];
		struct doc_tokens side[SIDE_COUNT];

		if (rc == 0) {
			for (size_t s = 0; s < SIDE_COUNT; s++)
				side[s] = (struct doc_tokens){ m->reading[s].id, m->reading[s].end,
							       m->reading[s].kind, m->reading[s].n };
			tally_add(t, m, b->entry[i].item);
			corpus_add(w, &m->doc, m->text, side, m->pair, m->n_pairs);
		}
		arena_release(&m->mem);
	}
	return rc;
}

/* ---- shares: the corpus is read once to count its pairs, and what is left out is taken from the list ---- */

static int pairs_count(size_t *pairs, struct job *job, struct batch *b, const struct entries *in,
		       struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < in->n && rc == 0; i += TOKENS_BATCH) {
		size_t rows = in->n - i < TOKENS_BATCH ? in->n - i : TOKENS_BATCH;

		b->entry = in->all + i;
		rc = batch_read(job, b, rows, e);
		for (size_t k = 0; k < rows; k++) {
			pairs[i + k] = b->made[k].n_pairs;
			arena_release(&b->made[k].mem);
		}
	}
	return rc;
}

/* Entries of one source from `first` on, as units: those of one prompt are one. unit[i] of entry first + i; their count. */
static size_t units_make(size_t *unit, size_t *unit_pairs, const struct entries *in, const size_t *pairs,
			 size_t first, size_t *n_entries)
{
	size_t n = 0, i = first;

	for (; i < in->n && in->all[i].item->source == in->all[first].item->source; i++) {
		bool again = i > first && in->all[i].item == in->all[i - 1].item;

		n += !again;
		unit[i - first] = n - 1;
		unit_pairs[n - 1] = pairs[i] + (again ? unit_pairs[n - 1] : 0);
	}
	*n_entries = i - first;
	return n;
}

static int shares_keep(struct entries *in, struct tally *t, struct job *job, struct batch *b, struct err *e)
{
	const struct spec *s = job->spec;
	size_t *pairs = mem_alloc(in->n, sizeof(*pairs)), *unit = mem_alloc(in->n, sizeof(*unit)),
	       *unit_pairs = mem_alloc(in->n, sizeof(*unit_pairs)), kept = 0, n_entries;
	double *of_source = ARENA_ARRAY(job->mem, s->corpus.n_sources, double);
	bool *keep = mem_alloc(in->n, sizeof(*keep));
	int rc = pairs_count(pairs, job, b, in, e);

	for (size_t i = 0; i < in->n; i++)
		of_source[in->all[i].item->source] += (double)pairs[i];
	for (size_t first = 0; first < in->n && rc == 0; first += n_entries) {
		size_t source = in->all[first].item->source;
		size_t n = units_make(unit, unit_pairs, in, pairs, first, &n_entries);

		shares_draw(keep, s, source, unit_pairs, n, shares_target(s, of_source, source));
		for (size_t i = 0; i < n_entries; i++) {
			t->source[source].left_out += !keep[unit[i]];
			if (keep[unit[i]])
				in->all[kept++] = in->all[first + i];
		}
	}
	if (rc == 0)
		in->n = kept;
	mem_free(pairs);
	mem_free(unit);
	mem_free(unit_pairs);
	mem_free(keep);
	return rc;
}

static int tally_save(struct job *job, const struct tally *t, struct tokenizer *const tokenizer[SIDE_COUNT],
		      struct err *e)
{
	struct json_out j;

	if (t->pairs == 0)
		return err_set(
			e, ERR_INPUT,
			"the corpus gives no pair of tokens that both models read alike; is it empty?");
	if (artifact_json(&j, job->out, "corpus.json", e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	tally_write(&j, t, job->spec, tokenizer);
	json_close(&j, '}');
	return out_commit(j.out, NULL, e);
}

static int read_corpus(struct job *job, struct err *e)
{
	struct reader reader[SIDE_COUNT] = { { .tokenizer = NULL }, { .tokenizer = NULL } };
	struct batch b = { .spec = job->spec, .reader = reader };
	struct tally t = { .source =
				   ARENA_ARRAY(job->mem, job->spec->corpus.n_sources, struct source_tally) };
	struct corpus_writer *w = NULL;
	struct entries entries = { .all = NULL };
	struct tokenizer *tokenizer[SIDE_COUNT];
	size_t n;
	int rc = -1;

	b.made = ARENA_ARRAY(job->mem, TOKENS_BATCH, struct made);
	if (reader_open(&reader[0], job->mem, job->spec, &job->spec->base, e) < 0 ||
	    reader_open(&reader[1], job->mem, job->spec, &job->spec->candidate, e) < 0 ||
	    entries_make(&entries, &t, job, e) < 0 ||
	    (shares_asked(job->spec) && shares_keep(&entries, &t, job, &b, e) < 0) ||
	    corpus_create(&w, job->out, e) < 0)
		goto out;
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		tokenizer[s] = reader[s].tokenizer;
		t.check[s].vocabulary = tokenizer_vocab(reader[s].tokenizer);
		t.check[s].embedding =
			s == SIDE_BASE ? job->plan->base->n_vocab : job->plan->candidate->n_vocab;
	}
	n = entries.n;
	for (size_t i = 0; i < n; i += TOKENS_BATCH) {
		size_t rows = n - i < TOKENS_BATCH ? n - i : TOKENS_BATCH;

		b.entry = entries.all + i;
		if (batch_run(job, &b, w, &t, rows, e) < 0)
			goto out;
		log_progress(job->step->label, i + rows, n, NULL);
	}
	rc = corpus_finish(w, e);
	w = NULL;
	if (rc == 0)
		rc = tally_save(job, &t, tokenizer, e);
out:
	corpus_abort(w);
	mem_free(entries.all);
	for (size_t s = 0; s < SIDE_COUNT; s++)
		check_tally_release(&t.check[s]);
	reader_close(&reader[0]);
	reader_close(&reader[1]);
	return rc;
}

static int run(struct job *job, struct err *e)
{
	return job->plan->n_imported > 0 ? imported_corpus(job, e) : read_corpus(job, e);
}

const struct stage stage_tokens = {
	.name = "tokens",
	.version = 3,
	.describe = describe,
	.forecast = forecast,
	.run = run,
};
