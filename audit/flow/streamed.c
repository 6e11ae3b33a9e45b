#include "flow/streamed.h"

#include "base/sort.h"
#include "flow/harvest.h"
#include "model/arch.h"

#include <string.h>

enum { READ_ROWS = 4096 }; /* rows of documents read together */

struct streamed {
	struct harvester *harvester;
	const struct corpus *corpus;
	size_t d, room;
	enum dtype dtype;
	uint32_t *row; /* (n) that the buffer holds, increasing */
	size_t n, cap;
	uint8_t *value; /* (room, d) of dtype */
	/* one reading */
	uint32_t *doc;
	float *made;
	size_t n_docs, n_made, doc_cap, made_cap;
};

static size_t row_bytes(const struct plan *p, size_t d)
{
	return dtype_bytes(p->spec->harvest.f32 ? DT_F32 : DT_BF16, d);
}

size_t streamed_room(const struct plan *p)
{
	double bytes = p->spec->harvest.buffer * 1024 * 1024 * 1024;

	return (size_t)(bytes /
			(double)(row_bytes(p, p->base->d_model) + row_bytes(p, p->candidate->d_model)));
}

int streamed_open(struct streamed **out, const struct plan *p, enum side side, size_t depth,
		  const struct corpus *c, struct par *par, struct err *e)
{
	struct streamed *s = mem_alloc(1, sizeof(*s));
	void *value;

	s->corpus = c;
	s->d = side_arch(p, side)->d_model;
	s->dtype = p->spec->harvest.f32 ? DT_F32 : DT_BF16;
	s->room = streamed_room(p);
	if (s->room > corpus_rows(c))
		s->room = corpus_rows(c);
	if (mem_reserve(&value, s->room * s->d, dtype_bytes(s->dtype, 1), "harvest.buffer", e) < 0) {
		mem_free(s);
		return -1;
	}
	s->value = value;
	if (harvester_new(&s->harvester, p, side, depth, c, par, e) < 0) {
		streamed_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void streamed_close(struct streamed *s)
{
	if (s == NULL)
		return;
	harvester_free(s->harvester);
	mem_free(s->value);
	mem_free(s->row);
	mem_free(s->doc);
	mem_free(s->made);
	mem_free(s);
}

static uint8_t *place_of(const struct streamed *s, size_t i)
{
	return s->value + dtype_bytes(s->dtype, i * s->d);
}

static int by_number(const void *a, const void *b, void *ud)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	(void)ud;
	return (x > y) - (x < y);
}

/* Where the buffer holds a row; n where it does not. */
static size_t find(const struct streamed *s, uint32_t row)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->row[mid] < row)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->row[lo] == row ? lo : s->n;
}

/* Reads the documents listed and takes their wanted rows, the buffer's from `first` on. How many that were. */
static int docs_read(size_t *taken, struct streamed *s, size_t first, struct err *e)
{
	size_t at = first, row = 0;

	s->made = mem_grow(s->made, &s->made_cap, s->n_made * s->d, sizeof(*s->made));
	if (harvester_read(s->harvester, s->made, NULL, s->doc, s->n_docs, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n_docs; i++) {
		const struct doc *d = corpus_doc(s->corpus, s->doc[i]);

		for (; at < s->n && s->row[at] < d->pair_first + d->pair_n; at++) {
			const float *from = s->made + (row + s->row[at] - d->pair_first) * s->d;

			if (s->dtype == DT_BF16)
				dtype_narrow_bf16((uint16_t *)(void *)place_of(s, at), from, s->d);
			else
				memcpy(place_of(s, at), from, s->d * sizeof(*from));
		}
		row += d->pair_n;
	}
	s->n_docs = s->n_made = 0;
	*taken = at - first;
	return 0;
}

/* The documents of every row of the buffer, some at a time. */
static int buffer_fill(struct streamed *s, struct err *e)
{
	size_t done = 0, taken;

	s->n_docs = s->n_made = 0;
	for (size_t i = 0; i < s->n;) {
		uint32_t doc = (uint32_t)corpus_doc_of(s->corpus, s->row[i]);
		const struct doc *d = corpus_doc(s->corpus, doc);

		s->doc = mem_grow(s->doc, &s->doc_cap, s->n_docs + 1, sizeof(*s->doc));
		s->doc[s->n_docs++] = doc;
		s->n_made += d->pair_n;
		while (i < s->n && s->row[i] < d->pair_first + d->pair_n)
			i++;
		if (s->n_made < READ_ROWS && i < s->n)
			continue;
		if (docs_read(&taken, s, done, e) < 0)
			return -1;
		done += taken;
	}
	BUG_ON(done != s->n);
	return 0;
}

int streamed_want(struct streamed *s, const uint32_t *row, size_t n, struct err *e)
{
	size_t kept = 0;
	int rc;

	s->row = mem_grow(s->row, &s->cap, n, sizeof(*s->row));
	memcpy(s->row, row, n * sizeof(*row));
	sort_stable(s->row, n, sizeof(*s->row), by_number, NULL);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || s->row[kept - 1] != s->row[i])
			s->row[kept++] = s->row[i];
	s->n = 0;
	if (kept > s->room)
		return err_set(
			e, ERR_SIZE,
			"%zu rows are read at once and harvest.buffer holds %zu; raise it, or lower train.batch",
			kept, s->room);
	s->n = kept;
	rc = buffer_fill(s, e);
	if (rc < 0)
		s->n = 0;
	return rc;
}

static int rows_read(void *ud, float *out, const uint32_t *row, size_t n, struct err *e)
{
	struct streamed *s = ud;
	size_t found = 0;

	while (found < n && find(s, row[found]) < s->n)
		found++;
	if (found < n && streamed_want(s, row, n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct tensor t = {
			.dtype = s->dtype, .rows = 1, .cols = s->d, .data = place_of(s, find(s, row[i]))
		};

		dtype_widen(out + i * s->d, &t, 0, s->d);
	}
	return 0;
}

struct acts_maker streamed_maker(struct streamed *s)
{
	return (struct acts_maker){ .d = s->d, .read = rows_read, .ud = s };
}
