#include "dict/toy.h"

#include "base/mem.h"
#include "base/rng.h"
#include "dict/span.h"
#include "dict/sparse.h"
#include "dict/toy_world.h"
#include "num/fmath.h"
#include "num/gemm.h"
#include "num/ops.h"
#include "num/reduce.h"
#include "num/stats.h"

#include <string.h>

enum { BLOCK_ROWS = 1024, NOISE_VALUES = 1 << 18, MOST_CONCEPTS = 1 << 16 };

struct toy_opts toy_defaults(void)
{
	return (struct toy_opts){
		.concepts = 2048,
		.d = 256,
		.exclusive = 51,
		.rows = 1000000,
		.rank = 10,
		.tau = 0.1,
		.active = 5.0,
		.correlation = 1.0,
		.decay = 0.001,
		.floor = 1e-4,
		.noise = 0.01,
		.seed = 1,
	};
}

/* ---- the concepts ---- */

static void unit_rows(float *c, size_t n, size_t d, struct rng r)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < d; k++)
			c[i * d + k] = (float)rng_normal(r, i * d + k);
		op_scale(c + i * d, (float)(1.0 / __builtin_sqrt(op_norm2_d(c + i * d, d))), d);
	}
}

/* b (n, d) = M a + b, all of them times what brings the median norm to 1. */
static void other_model(float *b, const float *a, const float *offset, const struct toy_opts *o,
			struct par *p)
{
	size_t n = o->concepts, d = o->d;
	struct rng rm = rng_stream(o->seed, "toy.matrix", 0);
	float *m = mem_alloc(d * d, sizeof(*m));
	double *norm = mem_alloc(n, sizeof(*norm));

	for (size_t i = 0; i < d * d; i++)
		m[i] = (float)(o->tau * rng_normal(rm, i));
	for (size_t i = 0; i < n; i++)
		memcpy(b + i * d, offset, d * sizeof(*b));
	gemm_nt(p, b, d, a, d, m, d, n, d, d, 1.0f);
	for (size_t i = 0; i < n; i++)
		norm[i] = __builtin_sqrt(op_norm2_d(b + i * d, d));
	op_scale(b, (float)(1.0 / stats_median(norm, n)), n * d);
	mem_free(m);
	mem_free(norm);
}

static void make_concepts(struct toy *t, struct par *p)
{
	const struct toy_opts *o = &t->opts;
	size_t bytes = o->exclusive * o->d * sizeof(float);
	struct rng rb = rng_stream(o->seed, "toy.offset", 0);

	for (size_t k = 0; k < o->d; k++)
		t->offset[k] = (float)(o->tau * rng_normal(rb, k));
	unit_rows(t->a, o->concepts, o->d, rng_stream(o->seed, "toy.concept", 0));
	other_model(t->b, t->a, t->offset, o, p);
	memset(t->a + (o->concepts - o->exclusive) * o->d, 0, bytes);
	memset(t->b, 0, bytes);
}

/* ---- when they are on ---- */

static double expected(const struct toy_opts *o, const double *shape, double times)
{
	double sum = 0.0;

	for (size_t i = 0; i < o->concepts; i++)
		sum += shape[i] * times > o->floor ? shape[i] * times : o->floor;
	return sum;
}

/* logit of pi_i, less what the spread of l_i . g adds to the mean of a small probability. */
static void make_logits(struct toy *t)
{
	const struct toy_opts *o = &t->opts;
	double *shape = mem_alloc(o->concepts, sizeof(*shape)), lo = 0.0, hi = 1.0, mid, pi;
	uint32_t *place = mem_alloc(o->concepts, sizeof(*place));
	struct rng r = rng_stream(o->seed, "toy.loading", 0);

	rng_permutation(rng_stream(o->seed, "toy.order", 0), place, o->concepts);
	for (size_t i = 0; i < o->concepts; i++)
		shape[i] = fm_exp_d(-o->decay * (double)place[i]);
	for (int i = 0; i < 60; i++) {
		mid = (lo + hi) / 2.0;
		*(expected(o, shape, mid) < o->active ? &lo : &hi) = mid;
	}
	for (size_t i = 0; i < o->concepts; i++) {
		pi = shape[i] * lo > o->floor ? shape[i] * lo : o->floor;
		pi = pi < 0.999 ? pi : 0.999;
		t->logit[i] = (float)(fm_log_d(pi / (1.0 - pi)) - o->correlation * o->correlation / 2.0);
	}
	for (size_t i = 0; i < o->rank * o->concepts; i++)
		t->loading[i] = (float)(o->correlation / __builtin_sqrt((double)o->rank) * rng_normal(r, i));
	mem_free(shape);
	mem_free(place);
}

/* One row: appends what is on to the block. p (concepts) is room for the probabilities. */
static void draw_row(const struct toy *t, struct toy_block *b, size_t row, float *p)
{
	const struct toy_opts *o = &t->opts;
	struct rng amplitude = rng_stream(o->seed, "toy.amplitude", row),
		   g = rng_stream(o->seed, "toy.factor", row);
	struct rng coin = rng_stream(o->seed, "toy.coin", row);
	const uint32_t key[2] = { (uint32_t)coin.key, (uint32_t)(coin.key >> 32) };
	uint32_t four[4];

	for (size_t i = 0; i < o->concepts; i++)
		p[i] = -t->logit[i];
	for (size_t k = 0; k < o->rank; k++)
		op_axpy(p, -(float)rng_normal(g, k), t->loading + k * o->concepts, o->concepts);
	fm_exp_n(p, p, o->concepts);
	for (size_t i = 0; i < o->concepts; i++) {
		if (i % 4 == 0)
			rng_philox(four, (const uint32_t[4]){ (uint32_t)i }, key);
		if (!((double)four[i % 4] * 0x1p-32 * (1.0 + (double)p[i]) < 1.0))
			continue;
		b->concept = mem_grow(b->concept, &b->cap, b->n + 1, sizeof(*b->concept));
		b->z = mem_grow(b->z, &b->cap_z, b->n + 1, sizeof(*b->z));
		b->concept[b->n] = (uint32_t)i;
		b->z[b->n++] = (float)rng_unit(amplitude, i);
	}
}

static void block_unit(void *ud, size_t unit, void *scratch)
{
	struct toy *t = ud;
	struct toy_block *b = &t->block[unit];
	struct span u = span_of(unit, BLOCK_ROWS, t->opts.rows + TOY_HELDOUT);

	for (size_t r = u.first; r < u.end; r++) {
		draw_row(t, b, r, scratch);
		b->end[r - u.first] = (uint32_t)b->n;
	}
}

static int make_blocks(struct toy *t, struct par *p, struct err *e)
{
	size_t rows = t->opts.rows + TOY_HELDOUT;
	void *end;

	t->n_blocks = span_count(rows, BLOCK_ROWS);
	t->block = mem_alloc(t->n_blocks, sizeof(*t->block));
	if (mem_reserve(&end, t->n_blocks * BLOCK_ROWS, sizeof(uint32_t), "toy rows", e) < 0)
		return -1;
	t->end = end;
	for (size_t i = 0; i < t->n_blocks; i++)
		t->block[i].end = t->end + i * BLOCK_ROWS;
	par_run(p, t->n_blocks, block_unit, t);
	return 0;
}

/* ---- making one ---- */

static int check(const struct toy_opts *o, struct err *e)
{
	if (o->concepts == 0 || o->concepts > MOST_CONCEPTS || o->d == 0 || o->d > MOST_CONCEPTS ||
	    o->rows == 0 || o->rows > UINT32_MAX - TOY_HELDOUT || o->rank > 1000)
		return err_set(e, ERR_USAGE,
			       "%zu concepts in %zu dimensions, %zu rows, rank %zu: 1 to %d, 1 to %d, "
			       "1 to 4 billion and at most 1000 would be right",
			       o->concepts, o->d, o->rows, o->rank, MOST_CONCEPTS, MOST_CONCEPTS);
	if (o->exclusive > o->concepts / 2)
		return err_set(e, ERR_USAGE, "%zu exclusive concepts a model: at most half of %zu",
			       o->exclusive, o->concepts);
	if (!(o->tau > 0.0 && o->tau < 1e6))
		return err_set(e, ERR_USAGE, "tau %g: must be above 0 and below 1e6", o->tau);
	if (!(o->active > 0.0 && o->active <= (double)o->concepts / 2.0))
		return err_set(e, ERR_USAGE, "%g concepts on a row: above 0 and at most half of %zu",
			       o->active, o->concepts);
	return 0;
}

static void make_noise(struct toy *t)
{
	struct rng r = rng_stream(t->opts.seed, "toy.noise", 0);

	for (size_t i = 0; i < NOISE_VALUES + t->opts.d; i++)
		t->noise[i] = (float)(t->opts.noise * rng_normal(r, i));
}

int toy_new(struct toy **out, const struct toy_opts *o, struct par *p, struct err *e)
{
	struct toy *t;

	*out = NULL;
	if (check(o, e) < 0)
		return -1;
	t = mem_alloc(1, sizeof(*t));
	t->opts = *o;
	t->par = p;
	t->a = mem_alloc(o->concepts * o->d, sizeof(*t->a));
	t->b = mem_alloc(o->concepts * o->d, sizeof(*t->b));
	t->offset = mem_alloc(o->d, sizeof(*t->offset));
	t->logit = mem_alloc(o->concepts, sizeof(*t->logit));
	t->loading = mem_alloc(o->rank * o->concepts, sizeof(*t->loading));
	t->noise = mem_alloc(NOISE_VALUES + o->d, sizeof(*t->noise));
	make_concepts(t, p);
	make_logits(t);
	make_noise(t);
	if (make_blocks(t, p, e) < 0) {
		toy_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void toy_free(struct toy *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_blocks; i++) {
		mem_free(t->block[i].concept);
		mem_free(t->block[i].z);
	}
	mem_free(t->block);
	mem_free(t->end);
	mem_free(t->a);
	mem_free(t->b);
	mem_free(t->offset);
	mem_free(t->logit);
	mem_free(t->loading);
	mem_free(t->noise);
	mem_free(t);
}

const float *toy_concept(const struct toy *t, size_t i, int model_b)
{
	const struct toy_opts *o = &t->opts;

	if (model_b)
		return i >= o->exclusive ? t->b + i * o->d : NULL;
	return i < o->concepts - o->exclusive ? t->a + i * o->d : NULL;
}

/* ---- its rows ---- */

static const float *noise_of(const struct toy *t, const char *model, size_t row)
{
	return t->noise + rng_below(rng_stream(t->opts.seed, model, 0), row, NOISE_VALUES);
}

void toy_row(const struct toy *t, size_t row, float *xa, float *xb)
{
	const struct toy_block *b = &t->block[row / BLOCK_ROWS];
	size_t first = row % BLOCK_ROWS ? b->end[row % BLOCK_ROWS - 1] : 0,
	       n = b->end[row % BLOCK_ROWS] - first;

	sparse_combine(xa, noise_of(t, "toy.noise.a", row), t->a, t->opts.d, b->concept + first, b->z + first,
		       n);
	sparse_combine(xb, noise_of(t, "toy.noise.b", row), t->b, t->opts.d, b->concept + first, b->z + first,
		       n);
}

enum { READ_UNIT = 32 };

struct reading {
	const struct toy_view *v;
	float *xa, *xb;
	const uint32_t *row;
	size_t n;
};

static void read_unit(void *ud, size_t unit, void *scratch)
{
	const struct reading *j = ud;
	const struct toy *t = j->v->toy;
	struct span u = span_of(unit, READ_UNIT, j->n);

	(void)scratch;
	for (size_t i = u.first; i < u.end; i++)
		toy_row(t, j->v->first + j->row[i], j->xa + i * t->opts.d, j->xb + i * t->opts.d);
}

static int read_rows(void *ud, float *xa, float *xb, const uint32_t *row, size_t n, struct err *e)
{
	struct reading j = { ud, xa, xb, row, n };

	(void)e;
	par_run(j.v->toy->par, span_count(n, READ_UNIT), read_unit, &j);
	return 0;
}

struct train_data toy_view_data(struct toy_view *v, size_t n)
{
	return (struct train_data){ .n_rows = n, .read = read_rows, .ud = v };
}

struct train_data toy_data(struct toy *t)
{
	t->training = (struct toy_view){ t, 0 };
	return toy_view_data(&t->training, t->opts.rows);
}
