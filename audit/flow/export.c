#include "flow/export.h"

#include "base/json.h"
#include "base/log.h"
#include "base/out.h"

#include <string.h>

enum { EXPORT_ROWS = 1024, HEADER_UNIT = 8 };

struct exporting {
	const struct corpus *corpus;
	struct acts *rows;
	const float *logp;
	enum side side;
	struct out *out;
	struct json_out header;
	uint64_t at; /* bytes of the payload laid out so far */
};

static void lay(struct exporting *x, const char *name, const char *dtype, uint64_t rows, uint64_t cols,
		uint64_t bytes)
{
	json_open(&x->header, name, '{');
	json_puts(&x->header, "dtype", dtype);
	json_open(&x->header, "shape", '[');
	json_put_size(&x->header, NULL, rows);
	if (cols > 0)
		json_put_size(&x->header, NULL, cols);
	json_close(&x->header, ']');
	json_open(&x->header, "data_offsets", '[');
	json_put_size(&x->header, NULL, x->at);
	json_put_size(&x->header, NULL, x->at += bytes);
	json_close(&x->header, ']');
	json_close(&x->header, '}');
}

/* The widest values first, so that every tensor is aligned. */
static void header_write(struct exporting *x)
{
	uint64_t rows = corpus_rows(x->corpus), docs = corpus_docs(x->corpus), d = acts_width(x->rows), n;
	struct view last = corpus_text(x->corpus, docs - 1);
	uint64_t text = corpus_doc(x->corpus, docs - 1)->text_first + last.n;
	struct str s = STR_INIT;

	x->header = (struct json_out)JSON_TO_STR(&s);
	x->header.compact = true;
	json_open(&x->header, NULL, '{');
	json_open(&x->header, "__metadata__", '{');
	json_puts(&x->header, "format", "dfc-audit activations 1");
	json_puts(&x->header, "side", side_name[x->side]);
	json_close(&x->header, '}');
	lay(x, "text_first", "I64", docs + 1, 0, 8 * (docs + 1));
	lay(x, "document", "I32", rows, 0, 4 * rows);
	lay(x, "ids", "I32", rows, 0, 4 * rows);
	lay(x, "offsets", "I64", rows, 0, 8 * rows);
	lay(x, "logp", "F32", rows, 0, 4 * rows);
	lay(x, "activations", dtype_name(acts_dtype(x->rows)), rows, d,
	    dtype_bytes(acts_dtype(x->rows), rows * d));
	lay(x, "flags", "U8", rows, 0, rows);
	lay(x, "text", "U8", text, 0, text);
	json_close(&x->header, '}');
	while (s.n % HEADER_UNIT != 0)
		str_adds(&s, " ");
	n = s.n;
	out_put(x->out, &n, sizeof(n));
	out_put(x->out, s.p, s.n);
	str_release(&s);
}

static void documents_write(struct exporting *x)
{
	size_t docs = corpus_docs(x->corpus);

	for (size_t i = 0; i <= docs; i++) {
		int64_t at = 0;

		if (i > 0)
			at = (int64_t)(corpus_doc(x->corpus, i - 1)->text_first +
				       corpus_doc(x->corpus, i - 1)->text_n);
		out_put(x->out, &at, sizeof(at));
	}
	for (size_t i = 0; i < docs; i++)
		for (size_t k = 0; k < corpus_doc(x->corpus, i)->pair_n; k++)
			out_put(x->out, &(int32_t){ (int32_t)i }, sizeof(int32_t));
	for (size_t i = 0; i < docs; i++) {
		const struct doc *d = corpus_doc(x->corpus, i);
		struct doc_tokens t = corpus_side(x->corpus, i, x->side);

		for (size_t k = 0; k < d->pair_n; k++)
			out_put(x->out, &t.id[corpus_pair(x->corpus, d->pair_first + k)->token[x->side]],
				sizeof(*t.id));
	}
	for (size_t i = 0; i < corpus_rows(x->corpus); i++) {
		int64_t byte = corpus_pair(x->corpus, i)->byte;

		out_put(x->out, &byte, sizeof(byte));
	}
}

static int rows_write(struct exporting *x, struct err *e)
{
	size_t n = corpus_rows(x->corpus), d = acts_width(x->rows);
	float *block = mem_alloc(EXPORT_ROWS * d, sizeof(*block));
	uint16_t *narrow = mem_alloc(EXPORT_ROWS * d, sizeof(*narrow));
	uint32_t row[EXPORT_ROWS];
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += EXPORT_ROWS) {
		size_t m = n - i < EXPORT_ROWS ? n - i : EXPORT_ROWS;

		for (size_t k = 0; k < m; k++)
			row[k] = (uint32_t)(i + k);
		rc = acts_read(x->rows, block, row, m, e);
		if (acts_dtype(x->rows) == DT_BF16) {
			dtype_narrow_bf16(narrow, block, m * d);
			out_put(x->out, narrow, m * d * sizeof(*narrow));
		} else {
			out_put(x->out, block, m * d * sizeof(*block));
		}
		log_progress(x->side == SIDE_BASE ? "export base" : "export candidate", i + m, n, NULL);
	}
	mem_free(block);
	mem_free(narrow);
	return rc;
}

int export_write(const char *path, const struct corpus *c, struct acts *rows, enum side side, struct err *e)
{
	struct exporting x = { .corpus = c, .rows = rows, .side = side };
	struct arena mem = ARENA_INIT;
	int rc = acts_logp(&x.logp, &mem, rows, e);

	if (rc == 0)
		rc = out_open(&x.out, path, e);
	if (rc == 0) {
		header_write(&x);
		documents_write(&x);
		out_put(x.out, x.logp, corpus_rows(c) * sizeof(*x.logp));
		rc = rows_write(&x, e);
		for (size_t i = 0; i < corpus_rows(c); i++)
			out_put(x.out, &(uint8_t){ (uint8_t)corpus_pair(c, i)->flags }, 1);
		for (size_t i = 0; i < corpus_docs(c); i++)
			out_put(x.out, corpus_text(c, i).p, corpus_text(c, i).n);
		if (rc == 0)
			rc = out_commit(x.out, NULL, e);
		else
			out_abort(x.out);
	}
	arena_release(&mem);
	return rc;
}
