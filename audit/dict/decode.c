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

enum { PIECE = 4096 };

/* One model's decoder, and the latents [first, end) of it that take part. */
struct side {
	const float *dec; /* (.., d), its first row that of latent `origin` */
	size_t d, origin, first, end;
};

/* Codes [at, at + n) of one row: at most PIECE of those that a side has. */
struct piece {
	size_t at, n;
	uint32_t row[PIECE]; /* of the decoder */
	float pull[PIECE];
};

static bool next_piece(struct piece *p, const struct side *s, const struct codes *c, size_t stop)
{
	p->at += p->n;
	while (p->at < stop && c->latent[p->at] < s->first)
		p->at++;
	for (p->n = 0; p->n < PIECE && p->at + p->n < stop && c->latent[p->at + p->n] < s->end; p->n++)
		p->row[p->n] = (uint32_t)(c->latent[p->at + p->n] - s->origin);
	return p->n > 0;
}

/* y (d) = bias + sum f dec, over the side's latents of row r */
static void combine(const struct side *s, float *y, const float *bias, const struct codes *c, size_t r,
		    struct piece *p)
{
	p->at = c->start[r];
	p->n = 0;
	if (bias)
		memcpy(y, bias, s->d * sizeof(*y));
	else
		memset(y, 0, s->d * sizeof(*y));
	while (next_piece(p, s, c, c->start[r + 1]))
		sparse_combine(y, y, s->dec, s->d, p->row, c->value + p->at, p->n);
}

/* Adds e (d) . dec to the pulls of the side's latents of row r. */
static void add_pulls(const struct side *s, const float *e, const struct codes *c, size_t r,
		      struct by_latent *on, struct piece *p)
{
	p->at = c->start[r];
	p->n = 0;
	while (next_piece(p, s, c, c->start[r + 1])) {
		memset(p->pull, 0, p->n * sizeof(*p->pull));
		sparse_dot(p->pull, s->dec, s->d, p->row, p->n, e);
		for (size_t i = 0; i < p->n; i++)
			on->pull[on->place[p->at + i]] += p->pull[i];
	}
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
	struct by_latent *on;
	struct moments *m;
	struct side a, b;
};

/* The decoder rows a row needs are near when its residual is known: so are their products with it. */
static void residual_unit(void *ud, size_t unit, void *scratch)
{
	const struct residual_job *j = ud;
	const struct residual *t = j->r;
	const struct codes *c = j->c;
	struct span u = span_of(unit, MOMENT_ROWS, c->n);
	size_t d_a = j->d->shape.d_a, d_b = j->d->shape.d_b;

	for (size_t r = u.first; r < u.end; r++) {
		float *ra = t->ra + r * d_a, *rb = t->rb + r * d_b;

		combine(&j->a, ra, t->bias ? j->d->bias_a : NULL, c, r, scratch);
		sparse_subtract_from(ra, t->ta + r * d_a, d_a);
		combine(&j->b, rb, t->bias ? j->d->bias_b : NULL, c, r, scratch);
		sparse_subtract_from(rb, t->tb + r * d_b, d_b);
		for (size_t i = c->start[r]; i < c->start[r + 1]; i++)
			j->on->pull[j->on->place[i]] = 0.0f;
		add_pulls(&j->a, ra, c, r, j->on, scratch);
		add_pulls(&j->b, rb, c, r, j->on, scratch);
	}
	moments_add(j->m, &j->d->shape, u.first, u.end - u.first, t->ra, t->rb);
}

void decode_residual(const struct dfc *d, struct par *p, const struct residual *r, const struct codes *c,
		     struct by_latent *on, struct moments *m)
{
	struct residual_job j = { d, r, c, on, m, side_a(d, false), side_b(d, false) };

	BUG_ON(par_scratch(p) < sizeof(struct piece));
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
	BUG_ON(par_scratch(p) < sizeof(struct piece));
	par_run(p, span_count(c->n, MOMENT_ROWS), decode_unit, &j);
}
