#include "store/acts.h"

#include "base/map.h"
#include "base/sort.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ACTS_VERSION = 1, ACTS_HEADER = 128 };

static const char acts_magic[8] = { 'D', 'F', 'C', 'A', 'C', 'T', 'S', '\n' };

struct acts_header {
	char magic[8];
	uint32_t version, dtype;
	uint64_t d, rows, first_row, shards;
	struct digest payload;
	uint8_t zero[48];
};

_Static_assert(sizeof(struct acts_header) == ACTS_HEADER, "the header is written as it lies in memory");

static void shard_name(char name[32], size_t shard)
{
	snprintf(name, 32, "shard-%05zu", shard);
}

uint64_t acts_bytes(const struct acts_shape *s)
{
	uint64_t rows = s->first_row[s->n_shards] - s->first_row[0];

	return s->n_shards * (uint64_t)ACTS_HEADER + rows * (dtype_bytes(s->dtype, s->d) + sizeof(float));
}

static struct acts_header header_of(const struct acts_shape *s, size_t shard)
{
	struct acts_header h = { .version = ACTS_VERSION,
				 .dtype = (uint32_t)s->dtype,
				 .d = s->d,
				 .rows = s->first_row[shard + 1] - s->first_row[shard],
				 .first_row = s->first_row[shard],
				 .shards = s->n_shards };

	memcpy(h.magic, acts_magic, sizeof(h.magic));
	return h;
}

int acts_write(const struct artifact *a, const struct acts_shape *s, size_t shard, const float *rows,
	       const float *logp, struct err *e)
{
	size_t n = s->first_row[shard + 1] - s->first_row[shard];
	size_t bytes = dtype_bytes(s->dtype, n * s->d);
	struct acts_header h = header_of(s, shard);
	struct sha256 hash;
	struct out *o;
	char name[32];
	uint16_t *narrow = NULL;
	const void *payload = rows;

	BUG_ON(s->dtype != DT_F32 && s->dtype != DT_BF16);
	shard_name(name, shard);
	if (artifact_out(&o, a, name, e) < 0)
		return -1;
	if (s->dtype == DT_BF16) {
		narrow = mem_alloc(n * s->d, sizeof(*narrow));
		dtype_narrow_bf16(narrow, rows, n * s->d);
		payload = narrow;
	}
	sha256_init(&hash);
	sha256_add(&hash, payload, bytes);
	sha256_add(&hash, logp, n * sizeof(*logp));
	h.payload = sha256_end(&hash);
	out_put(o, &h, sizeof(h));
	out_put(o, payload, bytes);
	out_put(o, logp, n * sizeof(*logp));
	mem_free(narrow);
	return out_commit(o, NULL, e);
}

bool acts_have(const struct artifact *a, size_t shard)
{
	char name[32];

	shard_name(name, shard);
	return artifact_has(a, name);
}

struct acts_shard {
	struct map map;
	uint64_t first, rows;
	bool checked;
};

struct acts {
	struct acts_shard *shard;
	size_t n_shards, n_rows, d;
	size_t stored; /* values of a row in the shards: d, or 0 where a maker has them */
	enum dtype dtype;
	struct acts_maker maker;
	struct arena mem;
};

static const struct acts_header *shard_header(const struct acts_shard *s)
{
	return (const struct acts_header *)(const void *)s->map.p;
}

/* The header against the file's size and against what the shards before it said. */
static int shard_open(struct acts *r, const struct artifact *a, size_t i, struct err *e)
{
	struct acts_shard *s = &r->shard[i];
	const struct acts_header *h;
	char name[32];

	shard_name(name, i);
	if (map_open(&s->map, artifact_path(&r->mem, a, name), e) < 0)
		return -1;
	h = shard_header(s);
	if (s->map.n < sizeof(*h) || memcmp(h->magic, acts_magic, sizeof(h->magic)) != 0 ||
	    h->version != ACTS_VERSION)
		return err_set(e, ERR_INPUT, "%s: not a shard of activations of version %d", name,
			       ACTS_VERSION);
	if (h->dtype != DT_F32 && h->dtype != DT_BF16)
		return err_set(e, ERR_INPUT, "%s: dtype %" PRIu32 " is neither F32 nor BF16", name, h->dtype);
	if (h->d > 1u << 20 || h->rows > UINT32_MAX || (i > 0 && (h->d != r->d || h->dtype != r->dtype)) ||
	    h->first_row != r->n_rows)
		return err_set(e, ERR_INPUT,
			       "%s: width %" PRIu64 ", first row %" PRIu64 " do not follow the shard before",
			       name, h->d, h->first_row);
	r->d = r->stored = h->d;
	r->dtype = (enum dtype)h->dtype;
	if (s->map.n != sizeof(*h) + h->rows * (dtype_bytes(r->dtype, r->d) + sizeof(float)))
		return err_set(e, ERR_INPUT,
			       "%s: %zu bytes where %" PRIu64 " rows of %zu values were promised", name,
			       s->map.n, h->rows, r->d);
	s->first = r->n_rows;
	s->rows = h->rows;
	r->n_rows += h->rows;
	return 0;
}

int acts_open(struct acts **out, const struct artifact *a, struct err *e)
{
	struct acts *r = mem_alloc(1, sizeof(*r));

	while (acts_have(a, r->n_shards))
		r->n_shards++;
	r->shard = mem_alloc(r->n_shards + 1, sizeof(*r->shard));
	if (r->n_shards == 0) {
		err_set(e, ERR_INPUT, "no shard of activations");
		goto fail;
	}
	for (size_t i = 0; i < r->n_shards; i++) {
		if (shard_open(r, a, i, e) < 0)
			goto fail;
	}
	if (shard_header(&r->shard[0])->shards != r->n_shards) {
		err_set(e, ERR_INPUT, "%zu shards of activations where %" PRIu64 " were promised",
			r->n_shards, shard_header(&r->shard[0])->shards);
		goto fail;
	}
	*out = r;
	return 0;
fail:
	acts_close(r);
	return err_wrap(e, "%s: ", a->dir);
}

void acts_close(struct acts *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_shards; i++) {
		if (r->shard[i].map.p != NULL)
			map_close(&r->shard[i].map);
	}
	mem_free(r->shard);
	arena_release(&r->mem);
	mem_free(r);
}

void acts_make(struct acts *r, struct acts_maker m)
{
	BUG_ON(r->d != 0);
	r->maker = m;
	r->d = m.d;
}

size_t acts_rows(const struct acts *r)
{
	return r->n_rows;
}

size_t acts_width(const struct acts *r)
{
	return r->d;
}

size_t acts_shards(const struct acts *r)
{
	return r->n_shards;
}

enum dtype acts_dtype(const struct acts *r)
{
	return r->dtype;
}

static int payload_check(const struct map *m, size_t shard, struct err *e)
{
	const struct acts_header *h = (const struct acts_header *)(const void *)m->p;

	if (digest_eq(digest_of(m->p + ACTS_HEADER, m->n - ACTS_HEADER), h->payload))
		return 0;
	return err_set(e, ERR_INPUT,
		       "shard-%05zu: its bytes are not those that were written (sha256 differs)", shard);
}

static int shard_check(struct acts *r, size_t i, struct err *e)
{
	struct acts_shard *s = &r->shard[i];

	if (!s->checked && payload_check(&s->map, i, e) < 0)
		return -1;
	s->checked = true;
	return 0;
}

int acts_check(const struct artifact *a, const struct acts_shape *s, size_t shard, struct err *e)
{
	struct acts_header want = header_of(s, shard);
	struct arena mem = ARENA_INIT;
	struct map m = { .p = NULL };
	char name[32];
	int rc;

	shard_name(name, shard);
	rc = map_open(&m, artifact_path(&mem, a, name), e);
	arena_release(&mem);
	if (rc < 0)
		return -1;
	if (m.n != sizeof(want) + want.rows * (dtype_bytes(s->dtype, s->d) + sizeof(float)))
		rc = err_set(e, ERR_INPUT, "%s: %zu bytes where %" PRIu64 " rows of %zu values are due", name,
			     m.n, want.rows, s->d);
	else if (memcmp(m.p, &want, offsetof(struct acts_header, payload)) != 0)
		rc = err_set(e, ERR_INPUT, "%s: its header is not that of this harvest", name);
	else
		rc = payload_check(&m, shard, e);
	map_close(&m);
	return rc;
}

int acts_read(struct acts *r, float *out, const uint32_t *row, size_t n, struct err *e)
{
	if (r->maker.read != NULL)
		return r->maker.read(r->maker.ud, out, row, n, e);
	BUG_ON(r->d == 0);
	for (size_t i = 0; i < n; i++) {
		size_t at = sort_last(&r->shard->first, r->n_shards, sizeof(*r->shard), row[i]);
		struct acts_shard *s = &r->shard[at];
		struct tensor t = {
			.dtype = r->dtype, .rows = s->rows, .cols = r->d, .data = s->map.p + ACTS_HEADER
		};

		BUG_ON(row[i] >= r->n_rows);
		if (shard_check(r, at, e) < 0)
			return -1;
		dtype_widen(out + i * r->d, &t, (row[i] - s->first) * r->d, r->d);
	}
	return 0;
}

void acts_ahead(const struct acts *r, const uint32_t *row, size_t n)
{
	size_t bytes = dtype_bytes(r->dtype, r->d);

	for (size_t i = 0; i < n && r->maker.read == NULL; i++) {
		const struct acts_shard *s =
			&r->shard[sort_last(&r->shard->first, r->n_shards, sizeof(*r->shard), row[i])];

		map_ahead(&s->map, ACTS_HEADER + (row[i] - s->first) * bytes, bytes);
	}
}

int acts_logp(const float **out, struct arena *mem, struct acts *r, struct err *e)
{
	float *logp = ARENA_ARRAY(mem, r->n_rows, float);

	for (size_t i = 0; i < r->n_shards; i++) {
		const struct acts_shard *s = &r->shard[i];

		if (shard_check(r, i, e) < 0)
			return -1;
		memcpy(logp + s->first, s->map.p + ACTS_HEADER + dtype_bytes(r->dtype, s->rows * r->stored),
		       s->rows * sizeof(*logp));
	}
	*out = logp;
	return 0;
}
