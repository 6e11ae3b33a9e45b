#include "store/corpus.h"

#include "base/map.h"
#include "base/sort.h"

#include <string.h>

const char *const side_name[SIDE_COUNT] = { "base", "candidate" };

/*
 * Nine files.  Each record kind has its own, so that a reader maps what it needs and a
 * record's place is its number times its size.
 */

enum file {
	FILE_DOCS,
	FILE_TEXT,
	FILE_PAIRS,
	FILE_IDS,
	FILE_ENDS = FILE_IDS + SIDE_COUNT,
	FILE_KINDS = FILE_ENDS + SIDE_COUNT,
	FILE_COUNT = FILE_KINDS + SIDE_COUNT
};

static const char *const file_name[FILE_COUNT] = {
	"docs.bin",  "text.bin",       "pairs.bin",  "base.ids",	"candidate.ids",
	"base.ends", "candidate.ends", "base.kinds", "candidate.kinds",
};

_Static_assert(sizeof(struct doc) == 80, "documents are written as they lie in memory");
_Static_assert(sizeof(struct pair_record) == 16, "pairs are written as they lie in memory");

struct corpus_writer {
	struct out *file[FILE_COUNT];
	uint64_t text, pairs, tokens[SIDE_COUNT];
};

int corpus_create(struct corpus_writer **out, const struct artifact *a, struct err *e)
{
	struct corpus_writer *w = mem_alloc(1, sizeof(*w));

	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (artifact_out(&w->file[i], a, file_name[i], e) < 0) {
			corpus_abort(w);
			return -1;
		}
	}
	*out = w;
	return 0;
}

void corpus_abort(struct corpus_writer *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (w->file[i] != NULL)
			out_abort(w->file[i]);
	}
	mem_free(w);
}

void corpus_add(struct corpus_writer *w, struct doc *d, struct view text,
		const struct doc_tokens side[SIDE_COUNT], const struct pair_record *pair, size_t n_pairs)
{
	BUG_ON(text.n > UINT32_MAX || n_pairs > UINT32_MAX);
	d->text_first = w->text;
	d->text_n = (uint32_t)text.n;
	d->pair_first = w->pairs;
	d->pair_n = (uint32_t)n_pairs;
	w->text += text.n;
	w->pairs += n_pairs;
	out_put(w->file[FILE_TEXT], text.p, text.n);
	out_put(w->file[FILE_PAIRS], pair, n_pairs * sizeof(*pair));
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		BUG_ON(side[s].n > UINT32_MAX);
		d->token_first[s] = w->tokens[s];
		d->token_n[s] = (uint32_t)side[s].n;
		w->tokens[s] += side[s].n;
		out_put(w->file[FILE_IDS + s], side[s].id, side[s].n * sizeof(*side[s].id));
		out_put(w->file[FILE_ENDS + s], side[s].end, side[s].n * sizeof(*side[s].end));
		out_put(w->file[FILE_KINDS + s], side[s].kind, side[s].n);
	}
	out_put(w->file[FILE_DOCS], d, sizeof(*d));
}

int corpus_finish(struct corpus_writer *w, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct out *o = w->file[i];

		w->file[i] = NULL;
		if (rc < 0)
			out_abort(o);
		else
			rc = out_commit(o, NULL, e);
	}
	mem_free(w);
	return rc;
}

struct corpus {
	struct map file[FILE_COUNT];
	const struct doc *doc;
	const struct pair_record *pair;
	size_t n_docs, n_rows, n_tokens[SIDE_COUNT];
};

static int side_check(const struct corpus *c, size_t doc, const struct doc *d, size_t s, struct err *e)
{
	struct doc_tokens t;
	uint32_t end = 0;

	if (d->token_first[s] > c->n_tokens[s] || d->token_n[s] > c->n_tokens[s] - d->token_first[s])
		return err_set(e, ERR_INPUT, "document %zu: its tokens lie outside %s", doc,
			       file_name[FILE_IDS + s]);
	t = corpus_side(c, doc, (enum side)s);
	for (size_t i = 0; i < t.n; i++) {
		if (t.kind[i] > TOKEN_TEMPLATE || t.id[i] < 0 || t.end[i] < end || t.end[i] > d->text_n)
			return err_set(e, ERR_INPUT, "document %zu: token %zu of %s is malformed", doc, i,
				       file_name[FILE_IDS + s]);
		end = t.end[i];
	}
	for (size_t i = 0; i < d->pair_n; i++) {
		uint32_t at = c->pair[d->pair_first + i].token[s];

		if (at >= t.n || (i > 0 && at <= c->pair[d->pair_first + i - 1].token[s]))
			return err_set(e, ERR_INPUT,
				       "document %zu: pair %zu names token %u of %zu, or out of order", doc,
				       i, at, t.n);
	}
	return 0;
}

/* Every record against its neighbours, so that readers may trust positions. */
static int corpus_check(const struct corpus *c, struct err *e)
{
	uint64_t text = 0, pairs = 0, tokens[SIDE_COUNT] = { 0 };

	for (size_t i = 0; i < c->n_docs; i++) {
		const struct doc *d = &c->doc[i];

		if (d->text_first != text || d->pair_first != pairs || d->token_first[0] != tokens[0] ||
		    d->token_first[1] != tokens[1] || d->text_n > c->file[FILE_TEXT].n - text ||
		    d->pair_n > c->n_rows - pairs || d->kind > DOC_ROLLOUT ||
		    d->author > (AUTHOR_BASE | AUTHOR_CANDIDATE))
			return err_set(e, ERR_INPUT,
				       "document %zu of docs.bin does not follow the one before it", i);
		for (size_t s = 0; s < SIDE_COUNT; s++) {
			if (side_check(c, i, d, s, e) < 0)
				return -1;
			tokens[s] += d->token_n[s];
		}
		text += d->text_n;
		pairs += d->pair_n;
	}
	if (text != c->file[FILE_TEXT].n || pairs != c->n_rows || tokens[0] != c->n_tokens[0] ||
	    tokens[1] != c->n_tokens[1])
		return err_set(e, ERR_INPUT, "docs.bin does not cover the other files of the corpus");
	return 0;
}

static int corpus_map(struct corpus *c, const struct artifact *a, struct err *e)
{
	struct arena mem = ARENA_INIT;
	int rc = 0;

	for (size_t i = 0; i < FILE_COUNT && rc == 0; i++) {
		rc = artifact_check(a, file_name[i], e);
		if (rc == 0)
			rc = map_open(&c->file[i], artifact_path(&mem, a, file_name[i]), e);
	}
	arena_release(&mem);
	return rc;
}

int corpus_open(struct corpus **out, const struct artifact *a, struct err *e)
{
	struct corpus *c = mem_alloc(1, sizeof(*c));

	if (corpus_map(c, a, e) < 0)
		goto fail;
	c->doc = (const void *)c->file[FILE_DOCS].p;
	c->pair = (const void *)c->file[FILE_PAIRS].p;
	c->n_docs = c->file[FILE_DOCS].n / sizeof(*c->doc);
	c->n_rows = c->file[FILE_PAIRS].n / sizeof(*c->pair);
	if (c->file[FILE_DOCS].n % sizeof(*c->doc) != 0 || c->file[FILE_PAIRS].n % sizeof(*c->pair) != 0) {
		err_set(e, ERR_INPUT, "docs.bin or pairs.bin ends inside a record");
		goto fail;
	}
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		c->n_tokens[s] = c->file[FILE_KINDS + s].n;
		if (c->file[FILE_IDS + s].n != 4 * c->n_tokens[s] ||
		    c->file[FILE_ENDS + s].n != 4 * c->n_tokens[s]) {
			err_set(e, ERR_INPUT, "%s does not match %s in length", file_name[FILE_IDS + s],
				file_name[FILE_KINDS + s]);
			goto fail;
		}
	}
	if (corpus_check(c, e) < 0)
		goto fail;
	*out = c;
	return 0;
fail:
	corpus_close(c);
	return err_wrap(e, "%s: ", a->dir);
}

void corpus_close(struct corpus *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (c->file[i].p != NULL)
			map_close(&c->file[i]);
	}
	mem_free(c);
}

size_t corpus_docs(const struct corpus *c)
{
	return c->n_docs;
}

size_t corpus_rows(const struct corpus *c)
{
	return c->n_rows;
}

size_t corpus_tokens(const struct corpus *c, enum side s)
{
	return c->n_tokens[s];
}

const struct doc *corpus_doc(const struct corpus *c, size_t doc)
{
	BUG_ON(doc >= c->n_docs);
	return &c->doc[doc];
}

size_t corpus_doc_of(const struct corpus *c, size_t row)
{
	BUG_ON(row >= c->n_rows);
	return sort_last(&c->doc->pair_first, c->n_docs, sizeof(*c->doc), row);
}

const struct pair_record *corpus_pair(const struct corpus *c, size_t row)
{
	BUG_ON(row >= c->n_rows);
	return &c->pair[row];
}

struct view corpus_text(const struct corpus *c, size_t doc)
{
	const struct doc *d = corpus_doc(c, doc);

	return (struct view){ (const char *)c->file[FILE_TEXT].p + d->text_first, d->text_n };
}

struct doc_tokens corpus_side(const struct corpus *c, size_t doc, enum side s)
{
	const struct doc *d = corpus_doc(c, doc);
	uint64_t first = d->token_first[s];

	return (struct doc_tokens){
		.id = (const int32_t *)(const void *)c->file[FILE_IDS + s].p + first,
		.end = (const uint32_t *)(const void *)c->file[FILE_ENDS + s].p + first,
		.kind = c->file[FILE_KINDS + s].p + first,
		.n = d->token_n[s],
	};
}

size_t corpus_shards(size_t **first, struct arena *mem, const struct corpus *c, size_t rows_per_shard)
{
	size_t *shard = ARENA_ARRAY(mem, c->n_docs + 1, size_t);
	size_t n = 0, rows = 0;

	for (size_t i = 0; i < c->n_docs; i++) {
		if (rows == 0 && c->doc[i].pair_n > 0)
			shard[n++] = i;
		rows += c->doc[i].pair_n;
		if (rows >= rows_per_shard)
			rows = 0;
	}
	/* Documents without a pair in front belong to the first shard. */
	if (n > 0)
		shard[0] = 0;
	shard[n] = c->n_docs;
	*first = shard;
	return n;
}
