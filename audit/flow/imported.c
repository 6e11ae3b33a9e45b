#include "flow/imported.h"

#include "base/str.h"
#include "model/safetensors.h"

#include <inttypes.h>
#include <string.h>

enum {
	DEFAULT_DOCUMENT = 512, /* rows that count as one document where none are named */
	MOST_ROWS = 1 << 24,	/* of one document */
};

struct imported {
	struct safetensors *file;
	const char *path;
	size_t rows, d;
	/* NULL where the file has none */
	const struct stored *activations, *logp, *document, *ids, *offsets, *flags, *text, *text_first;
	size_t n_docs;
	struct arena mem;
};

/* ---- the file ---- */

enum values { VALUES_FLOAT, VALUES_WHOLE, VALUES_BYTES };

/* What a file may hold. `rows`: one value, or one row of them, for each row of activations. */
static const struct known_tensor {
	const char *name;
	size_t offset, rank;
	enum values values;
	bool rows;
} known_tensors[] = {
#define TENSOR(name, rank, values, rows)                                   \
	{                                                                  \
#name, offsetof(struct imported, name), rank, values, rows \
	}
	TENSOR(activations, 2, VALUES_FLOAT, true), TENSOR(logp, 1, VALUES_FLOAT, true),
	TENSOR(document, 1, VALUES_WHOLE, true),    TENSOR(ids, 1, VALUES_WHOLE, true),
	TENSOR(offsets, 1, VALUES_WHOLE, true),	    TENSOR(flags, 1, VALUES_BYTES, true),
	TENSOR(text, 1, VALUES_BYTES, false),	    TENSOR(text_first, 1, VALUES_WHOLE, false),
#undef TENSOR
};

static bool holds(enum dtype t, enum values v)
{
	switch (v) {
	case VALUES_FLOAT: return t == DT_F32 || t == DT_F16 || t == DT_BF16;
	case VALUES_WHOLE: return t == DT_I32 || t == DT_I64;
	case VALUES_BYTES:
	default: return t == DT_U8;
	}
}

static int tensor_take(struct imported *m, const struct stored *t, struct err *e)
{
	static const char *const wanted[] = { "F32, BF16 or F16", "I32 or I64", "U8" };
	const struct known_tensor *k = NULL;

	for (size_t i = 0; i < sizeof(known_tensors) / sizeof(*known_tensors); i++)
		if (strcmp(known_tensors[i].name, t->name) == 0)
			k = &known_tensors[i];
	if (k == NULL)
		return err_set(
			e, ERR_INPUT,
			"tensor %s is not known here; known are activations, logp, document, ids, offsets, "
			"flags, text and text_first",
			t->name);
	if (!holds(t->dtype, k->values))
		return err_set(e, ERR_INPUT, "tensor %s is %s where %s is right", t->name,
			       dtype_name(t->dtype), wanted[k->values]);
	if (t->rank != k->rank)
		return err_set(e, ERR_INPUT, "tensor %s has %zu dimensions where %zu are right", t->name,
			       t->rank, k->rank);
	memcpy((char *)m + k->offset, &t, sizeof(void *));
	return 0;
}

static int64_t whole(const struct stored *t, size_t i)
{
	int32_t narrow;
	int64_t wide;

	if (t->dtype == DT_I32) {
		memcpy(&narrow, (const char *)t->data + i * sizeof(narrow), sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, (const char *)t->data + i * sizeof(wide), sizeof(wide));
	return wide;
}

static int rows_check(struct imported *m, struct err *e)
{
	if (m->activations == NULL)
		return err_set(e, ERR_INPUT, "there is no tensor activations");
	m->rows = m->activations->shape[0];
	m->d = m->activations->shape[1];
	if (m->rows == 0 || m->rows >= UINT32_MAX || m->d == 0 || m->d > 1u << 20)
		return err_set(e, ERR_INPUT,
			       "activations of %zu rows and %zu values are not for this program", m->rows,
			       m->d);
	for (size_t i = 0; i < sizeof(known_tensors) / sizeof(*known_tensors); i++) {
		const struct stored *t;

		memcpy(&t, (const char *)m + known_tensors[i].offset, sizeof(void *));
		if (t != NULL && known_tensors[i].rows && t->shape[0] != m->rows)
			return err_set(e, ERR_INPUT, "tensor %s has %zu rows where activations have %zu",
				       t->name, t->shape[0], m->rows);
	}
	if ((m->text == NULL) != (m->text_first == NULL) || (m->text == NULL) != (m->offsets == NULL))
		return err_set(e, ERR_INPUT, "text, text_first and offsets come together or not at all");
	if (m->text != NULL && m->document == NULL)
		return err_set(e, ERR_INPUT, "text needs document, which says whose text a row is of");
	return 0;
}

static int text_check(const struct imported *m, struct err *e)
{
	const char *p = m->text->data;
	int64_t before = 0;

	if (m->text_first->shape[0] < 2 || m->text_first->shape[0] > UINT32_MAX ||
	    whole(m->text_first, 0) != 0 ||
	    whole(m->text_first, m->text_first->shape[0] - 1) != (int64_t)m->text->n)
		return err_set(e, ERR_INPUT,
			       "text_first must begin with 0 and end with the %zu bytes of text", m->text->n);
	for (size_t i = 1; i < m->text_first->shape[0]; i++) {
		int64_t at = whole(m->text_first, i);
		size_t n = (size_t)(at - before);

		if (at < before || at > (int64_t)m->text->n || at - before > UINT32_MAX)
			return err_set(e, ERR_INPUT, "text_first[%zu], %" PRId64 ", does not follow %" PRId64,
				       i, at, before);
		if (utf8_valid(p + before, n) != n)
			return err_set(e, ERR_INPUT, "the text of document %zu is not UTF-8", i - 1);
		before = at;
	}
	return 0;
}

static int row_check(const struct imported *m, size_t i, int64_t *doc, int64_t *offset, struct err *e)
{
	int64_t at = whole(m->document, i),
		most = m->text_first ? (int64_t)m->text_first->shape[0] - 2 : (int64_t)i;

	if (at < *doc || at > most)
		return err_set(e, ERR_INPUT,
			       "document[%zu] is %" PRId64 ": it goes from 0 up, and here to %" PRId64
			       " at most",
			       i, at, most);
	if (at != *doc || i == 0)
		*offset = 0;
	*doc = at;
	if (m->offsets != NULL) {
		int64_t end = whole(m->offsets, i),
			size = whole(m->text_first, (size_t)at + 1) - whole(m->text_first, (size_t)at);

		if (end < *offset || end > size)
			return err_set(e, ERR_INPUT,
				       "offsets[%zu] is %" PRId64 ": in its document of %" PRId64
				       " bytes it comes after %" PRId64,
				       i, end, size, *offset);
		*offset = end;
	}
	return 0;
}

static int values_check(struct imported *m, struct err *e)
{
	int64_t doc = 0, offset = 0;

	for (size_t i = 0; m->document != NULL && i < m->rows; i++)
		if (row_check(m, i, &doc, &offset, e) < 0)
			return -1;
	for (size_t i = 0; m->ids != NULL && i < m->rows; i++)
		if (whole(m->ids, i) < 0 || whole(m->ids, i) > INT32_MAX)
			return err_set(e, ERR_INPUT, "ids[%zu] is %" PRId64 ", which is no token", i,
				       whole(m->ids, i));
	for (size_t i = 0; m->flags != NULL && i < m->rows; i++)
		if (((const uint8_t *)m->flags->data)[i] > (PAIR_TURN | PAIR_ANSWER))
			return err_set(e, ERR_INPUT,
				       "flags[%zu] is %u: 1 is a turn boundary, 2 inside an answer", i,
				       ((const uint8_t *)m->flags->data)[i]);
	m->n_docs = m->text_first	  ? m->text_first->shape[0] - 1
		    : m->document != NULL ? (size_t)doc + 1
					  : (m->rows + DEFAULT_DOCUMENT - 1) / DEFAULT_DOCUMENT;
	return 0;
}

int imported_open(struct imported **out, const char *path, struct err *e)
{
	struct imported *m = mem_alloc(1, sizeof(*m));
	int rc;

	m->path = arena_strdup(&m->mem, path, strlen(path));
	rc = safetensors_open(&m->file, path, e);
	if (rc == 0) {
		for (size_t i = 0; i < safetensors_count(m->file) && rc == 0; i++)
			rc = tensor_take(m, safetensors_nth(m->file, i), e);
		if (rc == 0)
			rc = rows_check(m, e);
		if (rc == 0 && m->text != NULL)
			rc = text_check(m, e);
		if (rc == 0)
			rc = values_check(m, e);
		if (rc < 0)
			err_wrap(e, "%s: ", path);
	}
	if (rc < 0) {
		imported_close(m);
		return -1;
	}
	*out = m;
	return 0;
}

void imported_close(struct imported *m)
{
	if (m == NULL)
		return;
	safetensors_close(m->file);
	arena_release(&m->mem);
	mem_free(m);
}

size_t imported_rows(const struct imported *m)
{
	return m->rows;
}

size_t imported_width(const struct imported *m)
{
	return m->d;
}

static void widen(float *out, const struct stored *t, size_t first, size_t n)
{
	struct tensor all = { .dtype = t->dtype, .rows = 1, .cols = t->n, .data = t->data };

	dtype_widen(out, &all, first, n);
}

int imported_read(const struct imported *m, float *rows, float *logp, size_t first, size_t n, struct err *e)
{
	widen(rows, m->activations, first * m->d, n * m->d);
	memset(logp, 0, n * sizeof(*logp));
	if (m->logp != NULL)
		widen(logp, m->logp, first, n);
	for (size_t i = 0; i < n * m->d; i++)
		if (!__builtin_isfinite(rows[i]))
			return err_set(e, ERR_INPUT, "%s: activations[%zu][%zu] is not finite", m->path,
				       first + i / m->d, i % m->d);
	for (size_t i = 0; i < n; i++)
		if (!__builtin_isfinite(logp[i]))
			return err_set(e, ERR_INPUT, "%s: logp[%zu] is not finite", m->path, first + i);
	return 0;
}

/* ---- the corpus ---- */

static size_t doc_of(const struct imported *m, size_t row)
{
	return m->document != NULL ? (size_t)whole(m->document, row) : row / DEFAULT_DOCUMENT;
}

/* Both sides must tell of the same pairs; what only one of them says, holds for both. */
static int sides_agree(const struct imported *a, const struct imported *b, bool gap, struct err *e)
{
	if (a->rows != b->rows)
		return err_set(e, ERR_INPUT, "%s has %zu rows and %s %zu: row i of both is one pair", a->path,
			       a->rows, b->path, b->rows);
	if (gap && (a->logp == NULL || b->logp == NULL))
		return err_set(e, ERR_INPUT,
			       "%s has no tensor logp, which harvest.gap needs; add it, or write gap: false",
			       a->logp == NULL ? a->path : b->path);
	for (size_t i = 0; i < a->rows; i++)
		if (a->document != NULL && b->document != NULL && doc_of(a, i) != doc_of(b, i))
			return err_set(e, ERR_INPUT, "row %zu is of document %zu in %s and of %zu in %s", i,
				       doc_of(a, i), a->path, doc_of(b, i), b->path);
	for (size_t i = 0; a->offsets != NULL && b->offsets != NULL && i < a->rows; i++)
		if (whole(a->offsets, i) != whole(b->offsets, i))
			return err_set(e, ERR_INPUT,
				       "row %zu ends at byte %" PRId64 " in %s and at %" PRId64 " in %s", i,
				       whole(a->offsets, i), a->path, whole(b->offsets, i), b->path);
	return 0;
}

struct importing {
	const struct imported *side[SIDE_COUNT],
		*frame; /* frame: the side that tells of documents and text */
	struct corpus_writer *writer;
	struct str text; /* of a document that came without */
	int32_t *id[SIDE_COUNT];
	uint32_t *end;
	uint8_t *kind;
	struct pair_record *pair;
	size_t cap[5];
	uint64_t characters, turns;
};

/* Where no text came along, a document reads as its token ids, or the numbers of its rows. */
static void text_make(struct importing *t, size_t first, size_t n)
{
	const struct imported *m = t->frame;

	str_clear(&t->text);
	for (size_t i = 0; i < n; i++) {
		str_addf(&t->text, i > 0 ? " %" PRId64 : "%" PRId64,
			 m->ids != NULL ? whole(m->ids, first + i) : (int64_t)(first + i));
		t->end[i] = (uint32_t)t->text.n;
	}
}

static void doc_add(struct importing *t, size_t number, size_t first, size_t n)
{
	const struct imported *m = t->frame;
	struct doc d = { .line = number + 1, .kind = DOC_DOCUMENT };
	struct doc_tokens side[SIDE_COUNT];
	struct view text;

	t->end = mem_grow(t->end, &t->cap[0], n + 1, sizeof(*t->end));
	t->kind = mem_grow(t->kind, &t->cap[1], n + 1, sizeof(*t->kind));
	t->pair = mem_grow(t->pair, &t->cap[2], n + 1, sizeof(*t->pair));
	if (m->offsets != NULL)
		for (size_t i = 0; i < n; i++)
			t->end[i] = (uint32_t)whole(m->offsets, first + i);
	else
		text_make(t, first, n);
	text = str_view(&t->text);
	if (m->offsets != NULL) {
		d.offset = (uint64_t)whole(m->text_first, number);
		text = (struct view){ (const char *)m->text->data + d.offset,
				      (size_t)whole(m->text_first, number + 1) - (size_t)d.offset };
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t flags = m->flags != NULL ? ((const uint8_t *)m->flags->data)[first + i] : 0;

		t->kind[i] = TOKEN_CONTENT;
		t->pair[i] = (struct pair_record){ { (uint32_t)i, (uint32_t)i }, t->end[i], flags };
		t->turns += (flags & PAIR_TURN) != 0;
	}
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		const struct stored *ids = t->side[s]->ids;

		t->id[s] = mem_grow(t->id[s], &t->cap[3 + s], n + 1, sizeof(*t->id[s]));
		for (size_t i = 0; i < n; i++)
			t->id[s][i] = ids != NULL ? (int32_t)whole(ids, first + i) : 0;
		side[s] = (struct doc_tokens){ t->id[s], t->end, t->kind, n };
	}
	t->characters += text.n;
	corpus_add(t->writer, &d, text, side, t->pair, n);
}

/* corpus.json as of a corpus that was read here: every row is a token of either side, and they are all paired. */
static int figures_write(const struct importing *t, struct job *job, struct err *e)
{
	static const char *const rows[] = { "tokens_base", "tokens_candidate", "content_base",
					    "content_candidate", "pairs" };
	struct json_out j;

	if (artifact_json(&j, job->out, "corpus.json", e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	json_put_size(&j, "documents", t->frame->n_docs);
	json_put_size(&j, "characters", t->characters);
	json_open(&j, "sources", '[');
	json_close(&j, ']');
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		json_put_size(&j, rows[i], t->frame->rows);
	json_put_size(&j, "turn_boundary_pairs", t->turns);
	json_put_real(&j, "paired_base", 1);
	json_put_real(&j, "paired_candidate", 1);
	json_put_size(&j, "longest_gap", 0);
	json_put_size(&j, "documents_with_gap", 0);
	json_put_size(&j, "truncated", 0);
	json_put_null(&j, "rollouts");
	json_close(&j, '}');
	return out_commit(j.out, NULL, e);
}

static int docs_write(struct importing *t, struct job *job, struct err *e)
{
	size_t row = 0;
	int rc;

	if (corpus_create(&t->writer, job->out, e) < 0)
		return -1;
	for (size_t doc = 0; doc < t->frame->n_docs; doc++) {
		size_t first = row;

		while (row < t->frame->rows && doc_of(t->frame, row) == doc)
			row++;
		if (row - first > MOST_ROWS) {
			corpus_abort(t->writer);
			return err_set(e, ERR_INPUT, "document %zu has %zu rows; %d are the most", doc,
				       row - first, MOST_ROWS);
		}
		doc_add(t, doc, first, row - first);
	}
	rc = corpus_finish(t->writer, e);
	return rc == 0 ? figures_write(t, job, e) : rc;
}

int imported_corpus(struct job *job, struct err *e)
{
	struct imported *side[SIDE_COUNT] = { NULL, NULL };
	struct importing t = { .text = STR_INIT };
	int rc = 0;

	for (size_t s = 0; s < SIDE_COUNT && rc == 0; s++)
		rc = imported_open(&side[s], job->spec->activations.file[s], e);
	if (rc == 0)
		rc = sides_agree(side[0], side[1], job->spec->harvest.gap, e);
	if (rc == 0) {
		t.side[0] = side[0];
		t.side[1] = side[1];
		/* the side with text, else the side with documents, else the base */
		t.frame = side[side[0]->offsets == NULL &&
			       (side[1]->offsets != NULL ||
				(side[0]->document == NULL && side[1]->document != NULL))];
		rc = docs_write(&t, job, e);
	}
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		imported_close(side[s]);
		mem_free(t.id[s]);
	}
	mem_free(t.end);
	mem_free(t.kind);
	mem_free(t.pair);
	str_release(&t.text);
	return rc;
}
