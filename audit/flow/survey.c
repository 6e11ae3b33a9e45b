#include "flow/survey.h"

#include "base/linefile.h"
#include "base/map.h"
#include "base/unpack.h"
#include "flow/reader.h"
#include "flow/shares.h"
#include "flow/source.h"
#include "flow/stage.h"

enum { SAMPLE_ITEMS = 512, SAMPLE_BYTES = 1 << 20, SAMPLE_FILE = 256 << 20, TREE_LIMIT = 1 << 30 };

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
	return true;
}

/* ---- sampled ---- */

/* What some items come to. */
struct sample {
	double tokens[SIDE_COUNT], pairs;
	double whole_bytes, whole_tokens; /* of those that no side had to cut */
	size_t bytes[SAMPLE_ITEMS], n;
};

static int item_add(struct sample *out, const struct item *it, const struct spec *spec,
		    const struct reader *reader, bool prompt, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct reading reading[SIDE_COUNT];
	struct align_figures figures;
	struct pair_record *pair;
	struct view text = it->text;
	uint32_t *start;
	int rc = 0;

	if (it->messages != NULL)
		text = chat_contents(&start, &mem, it->messages);
	for (size_t s = 0; s < SIDE_COUNT && rc == 0; s++) {
		rc = it->messages != NULL ? reader_chat(&reading[s], &mem, &reader[s], it->messages, text, e)
					  : reader_text(&reading[s], &mem, &reader[s], text, e);
		if (rc == 0)
			out->tokens[s] += (double)reading[s].n;
	}
	if (rc == 0 && !prompt)
		out->pairs += (double)reader_pairs(&pair, &mem, spec, reader, reading, NULL, 0, &figures);
	if (rc == 0 && !reading[0].truncated && !reading[1].truncated) {
		out->whole_bytes += (double)text.n;
		out->whole_tokens += (double)(reading[0].n < reading[1].n ? reading[1].n : reading[0].n);
	}
	out->bytes[out->n++] = it->text.n;
	arena_release(&mem);
	return rc;
}

/* How many times the sample the whole is: by the bytes that are read of each item, as far as a context goes; by items
 * where they have no text of their own, as chats. */
static double sample_scale(const struct sample *some, const struct item *item, size_t n, size_t context)
{
	double most =
		some->whole_tokens > 0 ? (double)context * some->whole_bytes / some->whole_tokens : 1e300;
	double all = 0, seen = 0;

	for (size_t i = 0; i < n; i++)
		all += (double)item[i].text.n < most ? (double)item[i].text.n : most;
	for (size_t i = 0; i < some->n; i++)
		seen += (double)some->bytes[i] < most ? (double)some->bytes[i] : most;
	return seen > 0 ? all / seen : (double)n / (double)some->n;
}

/* One source: its items, and a sample of them spread evenly. */
static int source_add(struct corpus_forecast *out, const struct spec *spec, const struct reader *reader,
		      size_t source, struct err *e)
{
	const struct spec_source *src = &spec->corpus.source[source];
	bool prompts = src->kind == SOURCE_ROLLOUTS;
	struct arena mem = ARENA_INIT;
	struct sample *some = ARENA_NEW(&mem, struct sample);
	size_t n = 0, m;
	double scale, tokens;
	struct item *item;
	int rc = source_read(&item, &n, &mem, spec, source, e);

	m = n < SAMPLE_ITEMS ? n : SAMPLE_ITEMS;
	for (size_t i = 0; i < m && rc == 0; i++)
		rc = item_add(some, &item[(size_t)((double)i * (double)n / (double)m)], spec, reader, prompts,
			      e);
	if (rc == 0 && m > 0) {
		scale = sample_scale(some, item, n, spec->corpus.context);
		tokens = scale * (some->tokens[0] > some->tokens[1] ? some->tokens[0] : some->tokens[1]);
		if (prompts) {
			tokens = 2 * (tokens + (double)n * ((double)src->max_tokens + template_tokens));
			some->pairs = tokens / scale;
			out->prompts += n;
		}
		out->documents += prompts ? 2 * n : n;
		out->tokens += tokens;
		out->pairs += scale * some->pairs;
	}
	arena_release(&mem);
	return rc;
}

/* The bytes of a source's text; where they are packed, what texts usually come to. */
static double source_bytes(const struct spec_source *s)
{
	struct err e = ERR_INIT;
	struct map m;
	double bytes;

	if (map_open(&m, s->file, &e) < 0)
		return 0;
	bytes = (double)m.n;
	if (unpack_kind((struct view){ (const char *)m.p, m.n }) != PACKED_NOT)
		bytes *= unpacked_ratio;
	map_close(&m);
	return bytes;
}

/* What the sources come to together, each cut to its share; the prompts of all are answered first. */
static void parts_add(struct corpus_forecast *out, const struct spec *spec,
		      const struct corpus_forecast *part)
{
	double pairs[SOURCES_MOST];

	for (size_t i = 0; i < spec->corpus.n_sources; i++)
		pairs[i] = part[i].pairs;
	for (size_t i = 0; i < spec->corpus.n_sources; i++) {
		double kept =
			shares_asked(spec) && pairs[i] > 0 ? shares_target(spec, pairs, i) / pairs[i] : 1;

		out->documents += (size_t)((double)part[i].documents * kept + 0.5);
		out->prompts += part[i].prompts;
		out->tokens += part[i].tokens * kept;
		out->pairs += part[i].pairs * kept;
	}
}

static bool sample(struct corpus_forecast *out, const struct spec *spec)
{
	struct reader reader[SIDE_COUNT] = { { .tokenizer = NULL }, { .tokenizer = NULL } };
	struct arena mem = ARENA_INIT;
	struct corpus_forecast c = { .how = SURVEY_SAMPLED }, part[SOURCES_MOST] = { { .documents = 0 } };
	struct err e = ERR_INIT;
	int rc;

	/* without a model there is no tokenizer to read with */
	if (!spec->base.dir || !spec->candidate.dir)
		return false;
	rc = reader_open(&reader[0], &mem, spec, &spec->base, &e);
	if (rc == 0)
		rc = reader_open(&reader[1], &mem, spec, &spec->candidate, &e);
	for (size_t i = 0; i < spec->corpus.n_sources && rc == 0; i++) {
		/* All of it would be in memory, only for a forecast. */
		if (spec->corpus.source[i].limit == 0 && source_bytes(&spec->corpus.source[i]) > SAMPLE_FILE)
			rc = err_set(&e, ERR_SIZE, "%s is too large to sample", spec->corpus.source[i].path);
	}
	for (size_t i = 0; i < spec->corpus.n_sources && rc == 0; i++)
		rc = source_add(&part[i], spec, reader, i, &e);
	parts_add(&c, spec, part);
	for (size_t s = 0; s < SIDE_COUNT; s++)
		reader_close(&reader[s]);
	arena_release(&mem);
	if (rc == 0)
		*out = c;
	return rc == 0;
}

/* ---- reckoned ---- */

/* Items of a source and their mean length, from the first lines of the file. */
static void source_lengths(const struct spec_source *s, size_t *items, double *bytes)
{
	struct err e = ERR_INIT;
	struct linefile *l = NULL;
	struct line line;
	size_t n = 0, seen = 0;

	*items = 0;
	*bytes = 0;
	if (linefile_open(&l, s->file, &e) < 0)
		return;
	while (seen < SAMPLE_BYTES && linefile_next(&line, l, &e) > 0) {
		seen = (size_t)line.offset + line.text.n + 1;
		n += s->form != FORM_SEPARATED || view_is(line.text, s->separator);
	}
	n = s->form == FORM_FILE || n == 0 ? 1 : n;
	*bytes = s->form == FORM_FILE ? source_bytes(s) : (double)seen / (double)n;
	*items = *bytes > 0 ? (size_t)(source_bytes(s) / *bytes + 0.5) : 0;
	if (s->limit > 0 && s->limit < *items)
		*items = s->limit;
	linefile_close(l);
}

static void reckon(struct corpus_forecast *out, const struct spec *s)
{
	struct corpus_forecast part[SOURCES_MOST] = { { .documents = 0 } };

	*out = (struct corpus_forecast){ .how = SURVEY_LENGTHS };
	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		const struct spec_source *src = &s->corpus.source[i];
		size_t items;
		double bytes, tokens;

		source_lengths(src, &items, &bytes);
		tokens = bytes / bytes_per_token + template_tokens;
		if (src->kind == SOURCE_ROLLOUTS) {
			part[i].prompts = items;
			items *= 2;
			tokens += (double)src->max_tokens;
		}
		if (tokens > (double)s->corpus.context)
			tokens = (double)s->corpus.context;
		part[i].documents = items;
		part[i].tokens = part[i].pairs = (double)items * tokens;
	}
	parts_add(out, s, part);
	if (s->corpus.pairs > 0)
		*out = (struct corpus_forecast){
			.documents = (size_t)((double)s->corpus.pairs / document_pairs) + 1,
			.prompts = out->prompts,
			.pairs = (double)s->corpus.pairs,
			.tokens = (double)s->corpus.pairs * tokens_per_pair,
			.how = SURVEY_DECLARED
		};
}

void survey_make(struct corpus_forecast *out, struct arena *mem, const struct plan *p, const char *cache)
{
	*out = (struct corpus_forecast){ .documents = 0 };
	if (p->spec == NULL)
		return;
	if (p->n_imported > 0) {
		*out = (struct corpus_forecast){ .pairs = (double)p->n_imported,
						 .tokens = (double)p->n_imported,
						 .documents =
							 (size_t)((double)p->n_imported / document_pairs) + 1,
						 .how = SURVEY_COUNTED };
		return;
	}
	reckon(out, p->spec); /* the prompts are of use where the rest is counted */
	if (p->n_missing == 0 && (count(out, mem, p, cache) || sample(out, p->spec)))
		return;
}
