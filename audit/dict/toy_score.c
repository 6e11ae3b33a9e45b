#include "base/mem.h"
#include "dict/span.h"
#include "dict/sparse.h"
#include "dict/toy_world.h"
#include "num/gemm.h"
#include "num/ops.h"
#include "num/reduce.h"

#include <string.h>

/*
 * What a dictionary found of the concepts, by the cosines of all its decoder rows with all concepts, CHUNK
 * latents at a time.
 */

enum { CHUNK = 256 };
static const float enough = 0.8f;

/* How a concept was recovered: by a latent of its own partition, by any, by any in one of its models at least. */
enum { FOUND_OWN = 1, FOUND_ANY = 2, FOUND_HALF = 4 };

struct scoring {
	const struct toy *t;
	const struct dfc *d;
	size_t one_sided;
	struct par *par;
	uint8_t *alive;	      /* (n_latents) */
	uint8_t *side;	      /* (n_latents) enum partition the latent counts as */
	const float *b;	      /* (concepts, d) as B has them */
	const float *aside;   /* (d) of norm 1: taken out of B's rows; NULL: nothing */
	float *rows;	      /* (CHUNK, d) decoder rows of norm 1 */
	float *cos_a, *cos_b; /* (CHUNK, concepts); 0 where either side is missing */
	uint8_t *found;	      /* (concepts) FOUND_* */
	size_t flagged, is_true, is_shared;
};

/* Which latents are on at all on the held-out rows. */
static int find_alive(struct scoring *s, struct err *e)
{
	size_t d = s->t->opts.d;
	float *xa = mem_alloc(TOY_HELDOUT, d * sizeof(*xa)), *xb = mem_alloc(TOY_HELDOUT, d * sizeof(*xb));
	struct codes c = CODES_INIT;
	int rc;

	for (size_t r = 0; r < TOY_HELDOUT; r++)
		toy_row(s->t, s->t->opts.rows + r, xa + r * d, xb + r * d);
	rc = dfc_encode(&c, s->d, s->par, xa, xb, TOY_HELDOUT, e);
	for (size_t i = 0; rc == 0 && i < c.start[c.n]; i++)
		s->alive[c.latent[i]] = 1;
	codes_release(&c);
	mem_free(xa);
	mem_free(xb);
	return rc;
}

/* Without a partition: the most one-sided of the living. */
static void take_sides_by_norm(struct scoring *s)
{
	size_t n = dfc_latents(&s->d->shape), alive = 0;
	uint32_t *latent = mem_alloc(n, sizeof(*latent)), *order = mem_alloc(n, sizeof(*order));
	double *share = mem_alloc(n, sizeof(*share)), a, b;

	for (size_t i = 0; i < n; i++) {
		s->side[i] = PARTITION_SHARED;
		if (!s->alive[i])
			continue;
		a = __builtin_sqrt(op_norm2_d(dfc_decoder_a(s->d, i), s->d->shape.d_a));
		b = __builtin_sqrt(op_norm2_d(dfc_decoder_b(s->d, i), s->d->shape.d_b));
		latent[alive] = (uint32_t)i;
		share[alive++] = b / (a + b);
	}
	reduce_order(order, share, alive);
	for (size_t i = 0; i < size_min(s->one_sided, alive / 2); i++) {
		s->side[latent[order[i]]] = PARTITION_A;
		s->side[latent[order[alive - 1 - i]]] = PARTITION_B;
	}
	mem_free(latent);
	mem_free(order);
	mem_free(share);
}

static void take_sides(struct scoring *s)
{
	const struct dfc_shape *shape = &s->d->shape;

	if (shape->n_a == 0 && shape->n_b == 0) {
		take_sides_by_norm(s);
		return;
	}
	for (size_t i = 0; i < dfc_latents(shape); i++)
		s->side[i] = (uint8_t)dfc_partition(shape, i);
}

/* row -= (row . u) u */
static void take_out(float *row, const float *u, size_t d)
{
	float dot = 0.0f;

	sparse_dot(&dot, row, d, (const uint32_t[]){ 0 }, 1, u);
	op_axpy(row, -dot, u, d);
}

static void cosines(struct scoring *s, float *cos, size_t first, size_t n, int model_b)
{
	const struct toy_opts *o = &s->t->opts;
	const float *concepts = model_b ? s->b : s->t->a;
	double norm;

	memset(s->rows, 0, n * o->d * sizeof(*s->rows));
	for (size_t i = 0; i < n; i++) {
		const float *row = model_b ? dfc_decoder_b(s->d, first + i) : dfc_decoder_a(s->d, first + i);

		if (!row)
			continue;
		memcpy(s->rows + i * o->d, row, o->d * sizeof(*row));
		if (model_b && s->aside)
			take_out(s->rows + i * o->d, s->aside, o->d);
		norm = __builtin_sqrt(op_norm2_d(s->rows + i * o->d, o->d));
		op_scale(s->rows + i * o->d, norm > 0.0 ? (float)(1.0 / norm) : 0.0f, o->d);
	}
	gemm_nt(s->par, cos, o->concepts, s->rows, o->d, concepts, o->d, n, o->concepts, o->d, 0.0f);
	for (size_t j = 0; j < o->concepts; j++) {
		bool has = toy_concept(s->t, j, model_b) != NULL;
		float scale =
			has ? (float)(1.0 / __builtin_sqrt(op_norm2_d(concepts + j * o->d, o->d))) : 0.0f;

		for (size_t i = 0; i < n; i++)
			cos[i * o->concepts + j] *= scale;
	}
}

static enum partition concept_side(const struct toy_opts *o, size_t j)
{
	if (j < o->exclusive)
		return PARTITION_A;
	return j < o->concepts - o->exclusive ? PARTITION_SHARED : PARTITION_B;
}

/* One latent that is alive, cosines in hand. */
static void judge(struct scoring *s, size_t latent, const float *cos_a, const float *cos_b)
{
	const struct toy_opts *o = &s->t->opts;
	enum partition side = (enum partition)s->side[latent];
	bool has_a = dfc_decoder_a(s->d, latent) && side != PARTITION_B;
	bool has_b = dfc_decoder_b(s->d, latent) && side != PARTITION_A;
	bool own = false, shared = false;

	for (size_t j = 0; j < o->concepts; j++) {
		enum partition of = concept_side(o, j);
		bool in_a = has_a && cos_a[j] > enough, in_b = has_b && cos_b[j] > enough;
		bool hit = of == PARTITION_A   ? in_a
			   : of == PARTITION_B ? in_b
					       : (in_a || !has_a) && (in_b || !has_b);

		if (in_a || in_b)
			s->found[j] |= FOUND_HALF;
		if (!hit)
			continue;
		s->found[j] |= (uint8_t)(FOUND_ANY | (side == of ? FOUND_OWN : 0));
		own |= side == of;
		shared |= of == PARTITION_SHARED;
	}
	if (side == PARTITION_SHARED)
		return;
	s->flagged++;
	s->is_true += own;
	s->is_shared += !own && shared;
}

static void judge_all(struct scoring *s)
{
	size_t n = dfc_latents(&s->d->shape), concepts = s->t->opts.concepts;

	memset(s->found, 0, concepts);
	s->flagged = s->is_true = s->is_shared = 0;
	for (size_t first = 0; first < n; first += CHUNK) {
		size_t m = size_min(CHUNK, n - first);

		cosines(s, s->cos_a, first, m, 0);
		cosines(s, s->cos_b, first, m, 1);
		for (size_t i = 0; i < m; i++)
			if (s->alive[first + i])
				judge(s, first + i, s->cos_a + i * concepts, s->cos_b + i * concepts);
	}
}

static double share_of(size_t n, size_t of)
{
	return of > 0 ? (double)n / (double)of : 0.0;
}

static void conclude(struct toy_score *out, const struct scoring *s)
{
	const struct toy_opts *o = &s->t->opts;
	size_t own[2] = { 0 }, any[2] = { 0 }, half = 0, n_exclusive = 2 * o->exclusive,
	       n_shared = o->concepts - n_exclusive;

	for (size_t j = 0; j < o->concepts; j++) {
		bool shared = concept_side(o, j) == PARTITION_SHARED;

		own[shared] += (s->found[j] & FOUND_OWN) != 0;
		any[shared] += (s->found[j] & FOUND_ANY) != 0;
		half += shared && s->found[j] & FOUND_HALF;
	}
	out->exclusive = share_of(own[0], n_exclusive);
	out->exclusive_any = share_of(any[0], n_exclusive);
	out->shared = share_of(own[1], n_shared);
	out->shared_any = share_of(any[1], n_shared);
	out->shared_half = share_of(half, n_shared);
	out->flagged = s->flagged;
	out->flagged_true = share_of(s->is_true, s->flagged);
	out->flagged_shared = share_of(s->is_shared, s->flagged);
	out->flagged_nothing = share_of(s->flagged - s->is_true - s->is_shared, s->flagged);
}

/* With what all of B's concepts have in common taken out of them and of the rows. */
static void judge_aside(struct scoring *s)
{
	const struct toy_opts *o = &s->t->opts;
	float *b = mem_alloc(o->concepts, o->d * sizeof(*b)), *u = mem_alloc(o->d, sizeof(*u));
	const float *plain = s->b;

	memcpy(u, s->t->offset, o->d * sizeof(*u));
	op_scale(u, (float)(1.0 / __builtin_sqrt(op_norm2_d(u, o->d))), o->d);
	memcpy(b, plain, o->concepts * o->d * sizeof(*b));
	for (size_t j = 0; j < o->concepts; j++)
		take_out(b + j * o->d, u, o->d);
	s->b = b;
	s->aside = u;
	judge_all(s);
	s->b = plain;
	s->aside = NULL;
	mem_free(b);
	mem_free(u);
}

int toy_measure(struct toy_score *out, struct toy_score *aside, const struct toy *t, const struct dfc *d,
		size_t one_sided, struct par *p, struct err *e)
{
	size_t n = dfc_latents(&d->shape), concepts = t->opts.concepts;
	struct toy_view view = { t, t->opts.rows };
	struct train_data heldout = toy_view_data(&view, TOY_HELDOUT);
	struct scoring s = { .t = t, .d = d, .one_sided = one_sided, .par = p, .b = t->b };
	int rc;

	BUG_ON(d->shape.d_a != t->opts.d || d->shape.d_b != t->opts.d);
	*out = *aside = (struct toy_score){ .flagged = 0 };
	s.alive = mem_alloc(n, 1);
	s.side = mem_alloc(n, 1);
	s.found = mem_alloc(concepts, 1);
	s.rows = mem_alloc(CHUNK, t->opts.d * sizeof(*s.rows));
	s.cos_a = mem_alloc(CHUNK, concepts * sizeof(*s.cos_a));
	s.cos_b = mem_alloc(CHUNK, concepts * sizeof(*s.cos_b));
	rc = find_alive(&s, e);
	if (rc == 0) {
		take_sides(&s);
		judge_all(&s);
		conclude(out, &s);
		judge_aside(&s);
		conclude(aside, &s);
		rc = dfc_evaluate(&out->heldout, d, p, &heldout, e);
		aside->heldout = out->heldout;
	}
	mem_free(s.alive);
	mem_free(s.side);
	mem_free(s.found);
	mem_free(s.rows);
	mem_free(s.cos_a);
	mem_free(s.cos_b);
	return rc;
}
