#include "flow/survey.h"

#include "base/map.h"
#include "flow/files.h"
#include "flow/shares.h"
#include "flow/stage.h"
#include "flow/survey_parts.h"
#include "num/fmath.h"

enum { SAMPLE_BYTES = 4 << 20, SAMPLE_LEAST = 256 << 10, WAVE = 128, TREE_LIMIT = 1 << 30, TOKEN_MOST = 64 };

/* Two standard deviations of a source's pairs, as a share of them, that are close enough. */
static const double close_enough = 0.004;
/* Bytes of text a token stands for, a cautious figure for English and code; the tokens a template adds to a chat; tokens
 * of a model to a pair, where a corpus is only declared; pairs of a document then. Bytes of text to one that is packed. */
static const double unpacked_ratio = 3, bytes_per_token = 3.5, template_tokens = 12, tokens_per_pair = 1.08,
		    document_pairs = 400;

const char *survey_words(enum survey_how k)
{
	static const char *const words[] = { "counted", "from a sample", "as corpus.pairs declares",
					     "from the lengths of files" };

	return words[k];
}

/* ---- counted ---- */

static bool count(struct corpus_forecast *out, struct arena *mem, const struct plan *p, const char *cache)
{
	struct err e = ERR_INIT;
	const struct json *root;
	size_t i, documents, pairs, tokens[SIDE_COUNT];
	struct artifact a;

	for (i = 0; i < p->n && p->step[i].stage != &stage_tokens; i++)
		;
	if (i == p->n || !artifact_complete(cache, p->step[i].key) ||
	    artifact_open(&a, cache, p->step[i].key, &e) < 0)
		return false;
	if (artifact_check(&a, "corpus.json", &e) < 0 ||
	    json_read_file(&root, mem, artifact_path(mem, &a, "corpus.json"), TREE_LIMIT, &e) < 0 ||
	    json_size(&documents, root, "documents", &e) < 0 || json_size(&pairs, root, "pairs", &e) < 0 ||
	    json_size(&tokens[0], root, "tokens_base", &e) < 0 ||
	    json_size(&tokens[1], root, "tokens_candidate", &e) < 0)
		return false;
	out->documents = documents;
	out->pairs = (double)pairs;
	out->tokens = (double)(tokens[0] > tokens[1] ? tokens[0] : tokens[1]);
	out->how = SURVEY_COUNTED;
	out->answers = out->prompts > 0 ? ANSWERS_THERE : ANSWERS_NONE;
	return true;
}

/* ---- sampled ---- */

/* Of a long text that is cut, a beginning is read that is long enough for the same tokens; else all of it. */
static void survey_entry(void *ud, size_t i, void *scratch)
{
	const struct batch *b = ud;
	struct item item = *b->entry[i].item;
	struct entry entry = b->entry[i];
	struct batch one = *b;
	size_t most = b->spec->corpus.context * TOKEN_MOST;

	one.made = &b->made[i];
	if (item.messages == NULL && entry.answer.p == NULL && item.text.n > most) {
		item.text.n = utf8_valid(item.text.p, most);
		entry.item = &item;
		one.entry = &entry;
		entry_read(&one, 0, scratch);
		if (one.made->rc == 0 && one.made->reading[0].truncated && one.made->reading[1].truncated)
			return;
		arena_release(&one.made->mem);
		*one.made = (struct made){ .rc = 0 };
	}
	one.entry = &b->entry[i];
	entry_read(&one, 0, scratch);
}

int surveyor_read(struct surveyor *s, struct unit *unit, const struct entry *entry, const size_t *of,
		  size_t n, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct batch b = { .spec = s->plan->spec, .reader = s->reader, .entry = entry };
	int rc = 0;

	b.made = ARENA_ARRAY(&mem, n, struct made);
	par_run(s->opts->par, n, survey_entry, &b);
	for (size_t i = 0; i < n; i++) {
		struct made *m = &b.made[i];
		struct unit *u = &unit[of[i]];

		if (m->rc < 0 && rc == 0) {
			*e = m->err;
			rc = err_wrap(e, "%s: ",
				      source_place(&mem, b.spec, entry[i].item->file, entry[i].item->line));
		} else if (m->rc == 0) {
			u->documents++;
			u->pairs += (double)m->n_pairs;
			u->cut = u->cut || m->doc.truncated;
			for (size_t k = 0; k < SIDE_COUNT; k++)
				u->tokens[k] += (double)m->reading[k].n;
		}
		arena_release(&m->mem);
	}
	arena_release(&mem);
	return rc;
}

/* Documents or chats, until they are known well enough. */
static int documents_sample(struct part *out, struct surveyor *s, size_t source, size_t bytes, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	bool chat = spec->corpus.source[source].kind == SOURCE_CHATS;
	struct arena mem = ARENA_INIT;
	struct entry entry[WAVE];
	size_t of[WAVE], n, done = 0;
	struct drawn *d = NULL;
	struct unit *unit;
	int rc = drawn_make(&d, &mem, spec, source, bytes, e);

	unit = rc == 0 ? ARENA_ARRAY(&mem, d->n, struct unit) : NULL;
	while (rc == 0 && done < d->n) {
		for (n = 0; n < WAVE && done + n < d->n; n++) {
			entry[n] = (struct entry){ .item = &d->item[done + n],
						   .kind = chat ? DOC_CHAT : DOC_DOCUMENT,
						   .chat = chat };
			unit[done + n] = (struct unit){ .bytes = (double)d->bytes[done + n] };
			of[n] = done + n;
		}
		rc = surveyor_read(s, unit, entry, of, n, e);
		done += n;
		part_estimate(out, d, unit, done, spec->corpus.context, true);
		if (done >= 2 * WAVE && 2 * fm_sqrt_d(out->variance) <= close_enough * out->pairs)
			break;
	}
	arena_release(&mem);
	return rc;
}

/* What the sources come to together, each cut to its share; the prompts of all are answered first. */
static void parts_add(struct corpus_forecast *out, const struct spec *spec, const struct part *part)
{
	double pairs[SOURCES_MOST], tokens[SIDE_COUNT] = { 0 }, documents = 0, variance = 0;

	for (size_t i = 0; i < spec->corpus.n_sources; i++)
		pairs[i] = part[i].pairs;
	for (size_t i = 0; i < spec->corpus.n_sources; i++) {
		double kept =
			shares_asked(spec) && pairs[i] > 0 ? shares_target(spec, pairs, i) / pairs[i] : 1;

		documents += part[i].documents * kept;
		out->prompts += (size_t)(part[i].prompts + 0.5);
		out->pairs += part[i].pairs * kept;
		variance += part[i].variance * kept * kept;
		for (size_t s = 0; s < SIDE_COUNT; s++) {
			tokens[s] += part[i].tokens[s] * kept;
			out->answer[s] += part[i].answer[s];
		}
	}
	out->documents = (size_t)(documents + 0.5);
	out->tokens = tokens[0] > tokens[1] ? tokens[0] : tokens[1];
	out->error = out->pairs > 0 ? 2 * fm_sqrt_d(variance) / out->pairs : 0;
}

static int sample_sources(struct corpus_forecast *c, struct surveyor *s, struct err *e)
{
	const struct spec *spec = s->plan->spec;
	struct part part[SOURCES_MOST] = { { .documents = 0 } }, others = { .documents = 0 };
	size_t n = spec->corpus.n_sources, bytes = SAMPLE_BYTES / n;

	bytes = bytes < SAMPLE_LEAST ? SAMPLE_LEAST : bytes;
	for (size_t i = 0; i < n; i++) {
		if (spec->corpus.source[i].kind == SOURCE_ROLLOUTS)
			continue;
		if (documents_sample(&part[i], s, i, bytes, e) < 0)
			return -1;
		others.pairs += part[i].pairs;
		others.variance += part[i].variance;
	}
	for (size_t i = 0; i < n; i++) {
		if (spec->corpus.source[i].kind == SOURCE_ROLLOUTS &&
		    survey_answers(&part[i], c, s, i, &others, e) < 0)
			return -1;
	}
	parts_add(c, spec, part);
	return 0;
}

static int sample(struct corpus_forecast *out, const struct plan *p, const struct survey_opts *o,
		  struct err *e)
{
	struct surveyor s = { .plan = p, .opts = o };
	struct corpus_forecast c = { .how = SURVEY_SAMPLED };
	int rc = reader_open(&s.reader[0], &s.mem, p->spec, &p->spec->base, e);

	if (rc == 0)
		rc = reader_open(&s.reader[1], &s.mem, p->spec, &p->spec->candidate, e);
	if (rc == 0)
		rc = sample_sources(&c, &s, e);
	for (size_t i = 0; i < SIDE_COUNT; i++)
		reader_close(&s.reader[i]);
	arena_release(&s.mem);
	if (rc == 0)
		*out = c;
	return rc;
}

/* ---- reckoned ---- */

/* Items of a source and their mean length, from the first of them; the files' bytes where they are packed are what texts
 * usually come to. */
static void source_lengths(const struct spec_source *s, double *items, double *bytes)
{
	struct err e = ERR_INIT;
	struct raws r = RAWS_OF(s);
	struct raw raw;
	double seen = 0, n = 0, whole = 0;

	for (size_t i = 0; i < s->n_files; i++) {
		struct file_id id;

		if (file_identify(&id, s->file[i], &e) == 0)
			whole += (double)id.size;
	}
	while (seen < SAMPLE_LEAST && raws_next(&raw, &r, &e) > 0) {
		seen += (double)raw.text.n + 1;
		n++;
	}
	if (r.lines != NULL && linefile_is_packed(r.lines))
		whole *= unpacked_ratio;
	raws_close(&r);
	*bytes = n > 0 ? seen / n : 0;
	*items = n > 0 ? whole / *bytes : 0;
	if (s->limit > 0 && (double)s->limit < *items)
		*items = (double)s->limit;
}

static void reckon(struct corpus_forecast *out, const struct spec *s)
{
	struct part part[SOURCES_MOST] = { { .documents = 0 } };

	*out = (struct corpus_forecast){ .how = SURVEY_LENGTHS };
	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		const struct spec_source *src = &s->corpus.source[i];
		double items, bytes, tokens;

		source_lengths(src, &items, &bytes);
		tokens = bytes / bytes_per_token + template_tokens;
		if (src->kind == SOURCE_ROLLOUTS) {
			out->answers = ANSWERS_LONGEST;
			part[i].prompts = items;
			tokens += (double)src->max_tokens;
			part[i].answer[0] = part[i].answer[1] = items * tokens;
			items *= 2;
		}
		if (tokens > (double)s->corpus.context)
			tokens = (double)s->corpus.context;
		part[i].documents = items;
		part[i].tokens[0] = part[i].tokens[1] = part[i].pairs = items * tokens;
	}
	parts_add(out, s, part);
	if (s->corpus.pairs > 0) {
		out->documents = (size_t)((double)s->corpus.pairs / document_pairs) + 1;
		out->pairs = (double)s->corpus.pairs;
		out->tokens = (double)s->corpus.pairs * tokens_per_pair;
		out->how = SURVEY_DECLARED;
	}
}

int survey_make(struct corpus_forecast *out, struct arena *mem, const struct plan *p,
		const struct survey_opts *o, struct err *e)
{
	*out = (struct corpus_forecast){ .documents = 0 };
	if (p->spec == NULL)
		return 0;
	if (p->n_imported > 0) {
		*out = (struct corpus_forecast){ .pairs = (double)p->n_imported,
						 .tokens = (double)p->n_imported,
						 .documents =
							 (size_t)((double)p->n_imported / document_pairs) + 1,
						 .how = SURVEY_COUNTED };
		return 0;
	}
	reckon(out, p->spec); /* the prompts are of use where the rest is counted */
	/* without a model there is no tokenizer to read with */
	if (p->n_missing > 0 || !p->spec->base.dir || !p->spec->candidate.dir || count(out, mem, p, o->cache))
		return 0;
	return sample(out, p, o, e);
}
