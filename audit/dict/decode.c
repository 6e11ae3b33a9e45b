#include "dict/decode.h"

#include "dict/sparse.h"
#include "dict/span.h"
#include "num/ops.h"

#include <string.h>

void moments_carve(struct moments *m, struct carve *room, const struct dfc_shape *s, size_t max_rows)
{
	m->square_a = carve_take(room, max_rows, sizeof(*m->square_a));
	m->square_b = carve_take(room, max_rows, sizeof(*m->square_b));
	m->part = carve_take(room, span_count(max_rows, MOMENT_ROWS), (s->d_a + s->d_b) * sizeof(*m->part));
	m->column = carve_take(room, s->d_a + s->d_b, sizeof(*m->column));
}

void moments_add(struct moments *m, const struct dfc_shape *s, size_t first, size_t n, const float *xa,
		 const float *xb)
{
	double *part = m->part + first / MOMENT_ROWS * (s->d_a + s->d_b);

	memset(part, 0, (s->d_a + s->d_b) * sizeof(*part));
	for (size_t r = first; r < first + n; r++) {
		m->square_a[r] = op_norm2_d(xa + r * s->d_a, s->d_a);
		m->square_b[r] = op_norm2_d(xb + r * s->d_b, s->d_b);
		sparse_add_d(part, xa + r * s->d_a, s->d_a);
		sparse_add_d(part + s->d_a, xb + r * s->d_b, s->d_b);
	}
}

void moments_fold(struct moments *m, const struct dfc_shape *s, size_t n)
{
	size_t d = s->d_a + s->d_b;

	m->sum_a = m->sum_b = 0.0;
	for (size_t r = 0; r < n; r++) {
		m->sum_a += m->square_a[r];
		m->sum_b += m->square_b[r];
	}
	memset(m->column, 0, d * sizeof(*m->column));
	for (size_t u = 0; u < span_count(n, MOMENT_ROWS); u++)
		for (size_t c = 0; c < d; c++)
			m->column[c] += m->part[u * d + c];
	m->about_a = m->sum_a;
	m->about_b = m->sum_b;
	for (size_t c = 0; c < d && n > 0; c++)
		*(c < s->d_a ? &m->about_a : &m->about_b) -= m->column[c] * m->column[c] / (double)n;
}

/* The latents of a row that lie in [first, end), and their rows in a decoder that starts with latent
 * `first`. */
struct part {
	uint32_t *row;
	const float *f;
	size_t n;
};

static struct part part_of(const struct codes *c, size_t r, size_t first, size_t end, uint32_t *row)
{
	size_t i = c->start[r], stop = c->start[r + 1];
	struct part p = { .row = row };

	while (i < stop && c->latent[i] < first)
		i++;
	p.f = c->value + i;
	for (; i < stop && c->latent[i] < end; i++)
		row[p.n++] = (uint32_t)(c->latent[i] - first);
	return p;
}

/* y (d) = base + sum f dec, over the latents [first, end) of row r; `rows` is room for their indices. */
struct side {
	const float *dec; /* (.., d), its first row that of latent `origin` */
	size_t d, origin, first, end;
};

static void combine(const struct side *s, float *y, const float *base, const struct codes *c, size_t r,
		    uint32_t *rows)
{
	struct part p = part_of(c, r, s->first, s->end, rows);

	sparse_combine(y, base, s->dec + (s->first - s->origin) * s->d, s->d, p.row, p.f, p.n);
}

static struct side side_a(const struct dfc *d, bool shared_only)
{
	const struct dfc_shape *s = &d->shape;

	return (struct side){ d->dec_a, s->d_a, 0, shared_only ? s->n_a : 0, dfc_rows_a(s) };
}

static struct side side_b(const struct dfc *d, bool shared_only)
{
	const struct dfc_shape *s = &d->shape;

	return (struct side){ d->dec_b, s->d_b, s->n_a, s->n_a,
			      shared_only ? dfc_rows_a(s) : dfc_latents(s) };
}

/* ---- residuals ---- */

struct residual_job {
	const struct dfc *d;
	const struct residual *r;
	const struct codes *c;
	struct moments *m;
	struct side a, b;
};

static void residual_unit(void *ud, size_t unit, void *scratch)
{
	const struct residual_job *j = ud;
	const struct residual *t = j->r;
	struct span u = span_of(unit, MOMENT_ROWS, j->c->n);
	size_t d_a = j->d->shape.d_a, d_b = j->d->shape.d_b;

	for (size_t r = u.first; r < u.end; r++) {
		combine(&j->a, t->ra + r * d_a, t->bias ? j->d->bias_a : NULL, j->c, r, scratch);
		sparse_subtract_from(t->ra + r * d_a, t->ta + r * d_a, d_a);
		combine(&j->b, t->rb + r * d_b, t->bias ? j->d->bias_b : NULL, j->c, r, scratch);
		sparse_subtract_from(t->rb + r * d_b, t->tb + r * d_b, d_b);
	}
	moments_add(j->m, &j->d->shape, u.first, u.end - u.first, t->ra, t->rb);
}

/* The most latents any row has: what the scratch must hold indices for. */
static size_t widest(const struct codes *c)
{
	size_t most = 0;

	for (size_t r = 0; r < c->n; r++)
		most = c->start[r + 1] - c->start[r] > most ? c->start[r + 1] - c->start[r] : most;
	return most;
}

void decode_residual(const struct dfc *d, struct par *p, const struct residual *r, const struct codes *c,
		     struct moments *m)
{
	struct residual_job j = { d, r, c, m, side_a(d, false), side_b(d, false) };

	BUG_ON(widest(c) > par_scratch(p) / sizeof(uint32_t));
	par_run(p, span_count(c->n, MOMENT_ROWS), residual_unit, &j);
	moments_fold(m, &d->shape, c->n);
}

/* ---- plain reconstructions ---- */

struct decode_job {
	const struct dfc *d;
	float *ya, *yb;
	const struct codes *c;
	struct side a, b;
};

static void decode_unit(void *ud, size_t unit, void *scratch)
{
	const struct decode_job *j = ud;
	struct span u = span_of(unit, MOMENT_ROWS, j->c->n);

	for (size_t r = u.first; r < u.end; r++) {
		combine(&j->a, j->ya + r * j->a.d, j->d->bias_a, j->c, r, scratch);
		combine(&j->b, j->yb + r * j->b.d, j->d->bias_b, j->c, r, scratch);
	}
}

void dfc_decode(const struct dfc *d, struct par *p, float *ya, float *yb, const struct codes *c,
		bool shared_only)
{
	struct decode_job j = { d, ya, yb, c, side_a(d, shared_only), side_b(d, shared_only) };

	BUG_ON(c->n_latents != dfc_latents(&d->shape));
	BUG_ON(widest(c) > par_scratch(p) / sizeof(uint32_t));
	par_run(p, span_count(c->n, MOMENT_ROWS), decode_unit, &j);
}
