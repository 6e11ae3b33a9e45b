#include "study/active.h"

#include "base/mem.h"

#include <string.h>

enum { ACTIVE_BATCH = 2048 };

struct encoder {
	float *xa, *xb; /* (ACTIVE_BATCH, d_a), (ACTIVE_BATCH, d_b) */
	uint32_t *row;
	struct codes codes;
	size_t cap;
};

static void rows_append(struct active *a, struct encoder *k, size_t first)
{
	const struct codes *c = &k->codes;
	size_t n = c->start[c->n], cap = k->cap;

	a->latent = mem_grow(a->latent, &cap, a->n + n, sizeof(*a->latent));
	a->row_value = mem_grow(a->row_value, &k->cap, a->n + n, sizeof(*a->row_value));
	if (n > 0) {
		memcpy(a->latent + a->n, c->latent, n * sizeof(*a->latent));
		memcpy(a->row_value + a->n, c->value, n * sizeof(*a->row_value));
	}
	for (size_t i = 0; i < c->n; i++)
		a->row_start[first + i + 1] = a->n + c->start[i + 1];
	a->n += n;
}

static void transpose(struct active *a)
{
	size_t *at = mem_alloc(a->n_latents + 1, sizeof(*at));

	a->latent_start = mem_alloc(a->n_latents + 1, sizeof(*a->latent_start));
	a->row = mem_alloc(a->n + 1, sizeof(*a->row));
	a->value = mem_alloc(a->n + 1, sizeof(*a->value));
	for (size_t i = 0; i < a->n; i++)
		a->latent_start[a->latent[i] + 1]++;
	for (size_t i = 0; i < a->n_latents; i++)
		a->latent_start[i + 1] += a->latent_start[i];
	memcpy(at, a->latent_start, a->n_latents * sizeof(*at));
	for (size_t r = 0; r < a->n_rows; r++) {
		for (size_t i = a->row_start[r]; i < a->row_start[r + 1]; i++) {
			size_t to = at[a->latent[i]]++;

			a->row[to] = (uint32_t)r;
			a->value[to] = a->row_value[i];
		}
	}
	mem_free(at);
}

static void scale_rows(float *x, float by, size_t n)
{
	for (size_t i = 0; by != 1 && i < n; i++)
		x[i] *= by;
}

/* by: what either model's rows are multiplied by. */
static int rows_encode(struct active *out, const struct dfc *d, struct par *p, const struct train_data *data,
		       const float by[2], struct err *e)
{
	struct active a = { .n_rows = data->n_rows, .n_latents = dfc_latents(&d->shape) };
	struct encoder k = {
		.xa = mem_alloc(ACTIVE_BATCH * d->shape.d_a, sizeof(float)),
		.xb = mem_alloc(ACTIVE_BATCH * d->shape.d_b, sizeof(float)),
		.row = mem_alloc(ACTIVE_BATCH, sizeof(uint32_t)),
	};
	int rc = 0;

	a.row_start = mem_alloc(a.n_rows + 1, sizeof(*a.row_start));
	for (size_t first = 0; first < a.n_rows && rc == 0; first += ACTIVE_BATCH) {
		size_t n = a.n_rows - first < ACTIVE_BATCH ? a.n_rows - first : ACTIVE_BATCH;

		for (size_t i = 0; i < n; i++)
			k.row[i] = (uint32_t)(first + i);
		rc = data->read(data->ud, k.xa, k.xb, k.row, n, e);
		scale_rows(k.xa, by[0], n * d->shape.d_a);
		scale_rows(k.xb, by[1], n * d->shape.d_b);
		if (rc == 0)
			rc = dfc_encode(&k.codes, d, p, k.xa, k.xb, n, e);
		if (rc == 0)
			rows_append(&a, &k, first);
	}
	mem_free(k.xa);
	mem_free(k.xb);
	mem_free(k.row);
	codes_release(&k.codes);
	if (rc < 0) {
		active_release(&a);
		return -1;
	}
	transpose(&a);
	*out = a;
	return 0;
}

int active_make(struct active *out, const struct dfc *d, struct par *p, const struct train_data *data,
		struct err *e)
{
	return rows_encode(out, d, p, data, (const float[]){ 1, 1 }, e);
}

int active_make_alone(struct active *out, const struct dfc *d, struct par *p, const struct train_data *data,
		      bool candidate, struct err *e)
{
	return rows_encode(out, d, p, data, (const float[]){ candidate ? 0 : 2, candidate ? 2 : 0 }, e);
}

void active_select(struct active *out, const struct active *a, const uint32_t *row, size_t n)
{
	struct active s = { .n_rows = n, .n_latents = a->n_latents };

	s.row_start = mem_alloc(n + 1, sizeof(*s.row_start));
	for (size_t i = 0; i < n; i++)
		s.row_start[i + 1] = s.row_start[i] + a->row_start[row[i] + 1] - a->row_start[row[i]];
	s.n = s.row_start[n];
	s.latent = mem_alloc(s.n + 1, sizeof(*s.latent));
	s.row_value = mem_alloc(s.n + 1, sizeof(*s.row_value));
	for (size_t i = 0; i < n; i++) {
		size_t from = a->row_start[row[i]], many = a->row_start[row[i] + 1] - from;

		memcpy(s.latent + s.row_start[i], a->latent + from, many * sizeof(*s.latent));
		memcpy(s.row_value + s.row_start[i], a->row_value + from, many * sizeof(*s.row_value));
	}
	transpose(&s);
	*out = s;
}

void active_release(struct active *a)
{
	mem_free(a->row_start);
	mem_free(a->latent);
	mem_free(a->row_value);
	mem_free(a->latent_start);
	mem_free(a->row);
	mem_free(a->value);
	*a = (struct active){ .n = 0 };
}

float active_at(const struct active *a, size_t row, uint32_t latent)
{
	size_t lo = a->row_start[row], hi = a->row_start[row + 1];

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->latent[mid] == latent)
			return a->row_value[mid];
		if (a->latent[mid] < latent)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}
