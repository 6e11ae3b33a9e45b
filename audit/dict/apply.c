#include "dict/encode.h"
#include "dict/span.h"
#include "dict/train.h"
#include "num/ops.h"

#include <string.h>

/*
 * A dictionary at work: rows to codes, and how well it does on rows it has not seen.
 */

enum { CHUNK_ROWS = 512, SCALE_UNIT = 64, EVALUATE_ROWS = 2048 };

/* ---- rows to codes ---- */

struct chunk {
	const struct dfc *d;
	const float *xa, *xb; /* (n, d) raw */
	size_t n;
	float *scaled_a, *scaled_b; /* (CHUNK_ROWS, d) */
	uint8_t *bad;		    /* (CHUNK_ROWS) bit 0: A is not finite, bit 1: B */
	struct encoder encoder;
	struct codes codes; /* of the chunk: fixed room for `start` only */
	void *block;
};

static void chunk_carve(struct chunk *k, struct carve *room, const struct dfc_shape *s)
{
	k->scaled_a = carve_take(room, CHUNK_ROWS, s->d_a * sizeof(*k->scaled_a));
	k->scaled_b = carve_take(room, CHUNK_ROWS, s->d_b * sizeof(*k->scaled_b));
	k->bad = carve_take(room, CHUNK_ROWS, sizeof(*k->bad));
	encoder_carve(&k->encoder, room, s, CHUNK_ROWS);
}

static int chunk_new(struct chunk *k, const struct dfc *d, struct err *e)
{
	struct carve room = CARVE_COUNT;

	*k = (struct chunk){ .d = d };
	chunk_carve(k, &room, &d->shape);
	if (carve_reserve(&room, &k->block, "encoding workspace", e) < 0)
		return -1;
	chunk_carve(k, &room, &d->shape);
	k->encoder.dict = d;
	return 0;
}

static bool scale_row(float *y, const float *x, size_t d, float scale)
{
	memcpy(y, x, d * sizeof(*y));
	op_scale(y, scale, d);
	return __builtin_isfinite(op_norm2_d(x, d));
}

static void scale_unit(void *ud, size_t unit, void *scratch)
{
	const struct chunk *k = ud;
	const struct dfc_shape *s = &k->d->shape;
	struct span u = span_of(unit, SCALE_UNIT, k->n);

	(void)scratch;
	for (size_t r = u.first; r < u.end; r++) {
		k->bad[r] = !scale_row(k->scaled_a + r * s->d_a, k->xa + r * s->d_a, s->d_a, k->d->scale_a);
		k->bad[r] |= (uint8_t)(2 * !scale_row(k->scaled_b + r * s->d_b, k->xb + r * s->d_b, s->d_b,
						      k->d->scale_b));
	}
}

/* Appends the codes of one chunk to `c`. */
static void append(struct codes *c, struct chunk *k, struct par *p)
{
	struct cut cut = encoder_cut(&k->encoder, p, SIZE_MAX);
	size_t had = c->start[c->n];
	struct codes part = { .start = c->start + c->n };

	c->latent = mem_grow(c->latent, &c->cap, had + cut.kept, sizeof(*c->latent));
	c->value = mem_grow(c->value, &c->cap_value, had + cut.kept, sizeof(*c->value));
	part.latent = c->latent + had;
	part.value = c->value + had;
	encoder_take(&k->encoder, p, &cut, &part);
	for (size_t r = 0; r <= k->n; r++)
		part.start[r] += had;
	c->n += k->n;
}

static int encode_chunks(struct codes *c, struct chunk *k, struct par *p, size_t n, struct err *e)
{
	const struct dfc_shape *s = &k->d->shape;
	const float *xa = k->xa, *xb = k->xb;

	for (size_t first = 0; first < n; first += CHUNK_ROWS) {
		k->n = size_min(CHUNK_ROWS, n - first);
		k->xa = xa + first * s->d_a;
		k->xb = xb + first * s->d_b;
		par_run(p, span_count(k->n, SCALE_UNIT), scale_unit, k);
		for (size_t r = 0; r < k->n; r++)
			if (k->bad[r])
				return err_set(e, ERR_INPUT,
					       "row %zu: an activation of the %s model is not finite",
					       first + r, k->bad[r] & 1 ? "base" : "candidate");
		encoder_run(&k->encoder, p, k->scaled_a, k->scaled_b, k->n, k->d->threshold);
		append(c, k, p);
	}
	return 0;
}

int dfc_encode(struct codes *c, const struct dfc *d, struct par *p, const float *xa, const float *xb,
	       size_t n, struct err *e)
{
	struct chunk k;
	int rc;

	if (chunk_new(&k, d, e) < 0)
		return -1;
	k.xa = xa;
	k.xb = xb;
	c->start = mem_grow(c->start, &c->cap_rows, n + 1, sizeof(*c->start));
	c->start[0] = 0;
	c->n = 0;
	c->n_latents = dfc_latents(&d->shape);
	encoder_weigh(&k.encoder, p);
	rc = encode_chunks(c, &k, p, n, e);
	mem_free(k.block);
	return rc;
}

/* ---- held-out rows ---- */

struct evaluation {
	const struct dfc *d;
	const struct train_data *data;
	struct par *par;
	float *xa, *xb, *ya, *yb; /* (EVALUATE_ROWS, d) */
	uint32_t *row;
	double *column;		   /* (d_a + d_b) sums of scaled rows */
	double square_a, square_b; /* sums of squared norms */
	double sse_a, sse_b, shared_a, shared_b;
	uint8_t *seen; /* (n_latents) */
	struct codes codes;
	void *block;
};

static void evaluation_carve(struct evaluation *v, struct carve *room, const struct dfc_shape *s)
{
	v->xa = carve_take(room, EVALUATE_ROWS, s->d_a * sizeof(*v->xa));
	v->xb = carve_take(room, EVALUATE_ROWS, s->d_b * sizeof(*v->xb));
	v->ya = carve_take(room, EVALUATE_ROWS, s->d_a * sizeof(*v->ya));
	v->yb = carve_take(room, EVALUATE_ROWS, s->d_b * sizeof(*v->yb));
	v->row = carve_take(room, EVALUATE_ROWS, sizeof(*v->row));
	v->column = carve_take(room, s->d_a + s->d_b, sizeof(*v->column));
	v->seen = carve_take(room, dfc_latents(s), sizeof(*v->seen));
}

/* Rows that are no outliers move up; how many there are. Rows that are not finite stay, for dfc_encode to
 * name. */
static size_t leave_out(const struct evaluation *v, size_t n)
{
	const struct dfc_shape *s = &v->d->shape;
	double most = (double)v->d->outlier * dfc_typical_norm(s);
	size_t kept = 0;

	if (!(most > 0.0))
		return n;
	for (size_t r = 0; r < n; r++) {
		if (__builtin_sqrt(op_norm2_d(v->xa + r * s->d_a, s->d_a)) * (double)v->d->scale_a > most ||
		    __builtin_sqrt(op_norm2_d(v->xb + r * s->d_b, s->d_b)) * (double)v->d->scale_b > most)
			continue;
		memmove(v->xa + kept * s->d_a, v->xa + r * s->d_a, s->d_a * sizeof(float));
		memmove(v->xb + kept * s->d_b, v->xb + r * s->d_b, s->d_b * sizeof(float));
		kept++;
	}
	return kept;
}

/* Squared distance of n rows (n, d), in row order. */
static double squared_error(const float *x, const float *y, float scale, size_t n, size_t d)
{
	double sum = 0.0, diff;

	for (size_t i = 0; i < n * d; i++) {
		diff = (double)(x[i] * scale) - (double)y[i];
		sum += diff * diff;
	}
	return sum;
}

static double add_columns(double *column, const float *x, float scale, size_t n, size_t d)
{
	double square = 0.0, v;

	for (size_t i = 0; i < n * d; i++) {
		v = (double)(x[i] * scale);
		column[i % d] += v;
		square += v * v;
	}
	return square;
}

static void add_rows(struct evaluation *v, struct heldout *out, size_t n)
{
	const struct dfc *d = v->d;
	const struct dfc_shape *s = &d->shape;
	const struct codes *c = &v->codes;

	v->square_a += add_columns(v->column, v->xa, d->scale_a, n, s->d_a);
	v->square_b += add_columns(v->column + s->d_a, v->xb, d->scale_b, n, s->d_b);
	dfc_decode(d, v->par, v->ya, v->yb, c, false);
	v->sse_a += squared_error(v->xa, v->ya, d->scale_a, n, s->d_a);
	v->sse_b += squared_error(v->xb, v->yb, d->scale_b, n, s->d_b);
	dfc_decode(d, v->par, v->ya, v->yb, c, true);
	v->shared_a += squared_error(v->xa, v->ya, d->scale_a, n, s->d_a);
	v->shared_b += squared_error(v->xb, v->yb, d->scale_b, n, s->d_b);
	for (size_t i = 0; i < c->start[c->n]; i++) {
		v->seen[c->latent[i]] = 1;
		out->l0[dfc_partition(s, c->latent[i])] += 1.0;
	}
	out->rows += n;
}

static int run(struct evaluation *v, struct heldout *out, struct err *e)
{
	size_t rows = v->data->n_rows, n, kept;

	for (size_t first = 0; first < rows; first += EVALUATE_ROWS) {
		n = size_min(EVALUATE_ROWS, rows - first);
		for (size_t i = 0; i < n; i++)
			v->row[i] = (uint32_t)(first + i);
		if (v->data->read(v->data->ud, v->xa, v->xb, v->row, n, e) < 0)
			return -1;
		kept = leave_out(v, n);
		out->outliers += n - kept;
		if (dfc_encode(&v->codes, v->d, v->par, v->xa, v->xb, kept, e) < 0)
			return err_wrap(e, "held-out rows from %zu on: ", first);
		add_rows(v, out, kept);
	}
	return 0;
}

static double explained(double sse, double sst)
{
	return sst > 0.0 ? 1.0 - sse / sst : 0.0;
}

static void conclude(struct evaluation *v, struct heldout *out)
{
	const struct dfc_shape *s = &v->d->shape;
	double n = (double)out->rows, sst_a = v->square_a, sst_b = v->square_b;

	for (size_t c = 0; c < s->d_a + s->d_b; c++)
		*(c < s->d_a ? &sst_a : &sst_b) -= v->column[c] * v->column[c] / n;
	out->fve = explained(v->sse_a + v->sse_b, sst_a + sst_b);
	out->fve_a = explained(v->sse_a, sst_a);
	out->fve_b = explained(v->sse_b, sst_b);
	out->fve_shared = explained(v->shared_a + v->shared_b, sst_a + sst_b);
	out->fve_shared_a = explained(v->shared_a, sst_a);
	out->fve_shared_b = explained(v->shared_b, sst_b);
	for (size_t i = 0; i < dfc_latents(s); i++)
		out->dead[dfc_partition(s, i)] += !v->seen[i];
	for (int p = 0; p < PARTITIONS; p++) {
		size_t size = dfc_partition_size(s, (enum partition)p);

		out->l0[p] /= n;
		out->dead[p] = size > 0 ? out->dead[p] / (double)size : 0.0;
	}
}

int dfc_evaluate(struct heldout *out, const struct dfc *d, struct par *p, const struct train_data *data,
		 struct err *e)
{
	struct evaluation v = { .d = d, .data = data, .par = p };
	struct carve room = CARVE_COUNT;
	int rc;

	*out = (struct heldout){ .rows = 0 };
	evaluation_carve(&v, &room, &d->shape);
	if (carve_reserve(&room, &v.block, "evaluation workspace", e) < 0)
		return -1;
	evaluation_carve(&v, &room, &d->shape);
	rc = run(&v, out, e);
	if (rc == 0 && out->rows == 0)
		rc = err_set(e, ERR_INPUT, "none of %zu held-out rows is within the dictionary's norms",
			     data->n_rows);
	if (rc == 0)
		conclude(&v, out);
	codes_release(&v.codes);
	mem_free(v.block);
	return rc;
}
