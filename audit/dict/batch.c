#include "dict/batch.h"

#include "base/rng.h"
#include "dict/sparse.h"
#include "dict/span.h"
#include "num/ops.h"
#include "num/stats.h"

#include <string.h>

/* ---- which rows ---- */

enum { BLOCK_ROWS = 1024, ROUNDS = 6 };

int sampler_new(struct sampler *s, const struct train_data *data, struct err *e)
{
	double total = 0.0;

	*s = (struct sampler){ .n_rows = data->n_rows, .weight = data->weight };
	if (!s->weight)
		return 0;
	s->blocks = span_count(s->n_rows, BLOCK_ROWS);
	s->sum = mem_alloc(s->blocks, sizeof(*s->sum));
	for (size_t i = 0; i < s->n_rows; i++) {
		if (!__builtin_isfinite(s->weight[i]) || s->weight[i] < 0.0) {
			err_set(e, ERR_INPUT,
				"row %zu has sampling weight %g: must be finite and not below 0", i,
				s->weight[i]);
			sampler_release(s);
			return -1;
		}
		total += s->weight[i];
		s->sum[i / BLOCK_ROWS] = total;
	}
	if (!__builtin_isfinite(total)) {
		sampler_release(s);
		return err_set(e, ERR_INPUT, "the sampling weights add up to more than a number can hold");
	}
	if (total == 0.0)
		sampler_release(s);
	return 0;
}

void sampler_release(struct sampler *s)
{
	mem_free(s->sum);
	s->sum = NULL;
	s->weight = NULL;
}

/* The first row whose running sum is above u times the total. */
uint32_t sampler_draw(const struct sampler *s, double u)
{
	double at = u * s->sum[s->blocks - 1], sum;
	size_t lo = 0, hi = s->blocks - 1, mid, last = 0;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (s->sum[mid] > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	sum = lo > 0 ? s->sum[lo - 1] : 0.0;
	for (size_t i = lo * BLOCK_ROWS; i < s->n_rows; i++) {
		if (s->weight[i] == 0.0)
			continue;
		last = i;
		sum += s->weight[i];
		if (sum > at)
			break;
	}
	return (uint32_t)last;
}

/* A bijection of 0 .. n-1: on twice `half` bits, again and again until the value is below n. */
struct shuffle {
	struct rng key;
	uint64_t n;
	unsigned half;
};

static struct shuffle shuffle_of(uint64_t seed, uint64_t epoch, uint64_t n)
{
	struct shuffle s = { .key = rng_stream(seed, "train.epoch", epoch), .n = n };

	while (s.half < 32 && (uint64_t)1 << (2 * s.half) < n)
		s.half++;
	return s;
}

static uint64_t shuffle_at(const struct shuffle *s, uint64_t i)
{
	uint64_t mask = ((uint64_t)1 << s->half) - 1, left, right, next;

	if (s->half == 0)
		return 0;
	do {
		left = i >> s->half;
		right = i & mask;
		for (uint64_t round = 0; round < ROUNDS; round++) {
			next = left ^ (rng_u64(s->key, round << 32 | right) & mask);
			left = right;
			right = next;
		}
		i = left << s->half | right;
	} while (i >= s->n);
	return i;
}

void sampler_batch(const struct sampler *s, uint32_t *row, const struct train_opts *o, size_t step)
{
	size_t drawn = s->weight ? (size_t)(o->enrich * (double)o->batch + 0.5) : 0;
	size_t plain = o->batch - size_min(drawn, o->batch);
	uint64_t at = (uint64_t)step * plain, epoch = at / s->n_rows;
	struct rng r = rng_stream(o->seed, "train.enrich", step);
	struct shuffle order = shuffle_of(o->seed, epoch, s->n_rows);

	for (size_t i = 0; i < plain; i++, at++) {
		if (at / s->n_rows != epoch) {
			epoch = at / s->n_rows;
			order = shuffle_of(o->seed, epoch, s->n_rows);
		}
		row[i] = (uint32_t)shuffle_at(&order, at % s->n_rows);
	}
	for (size_t i = plain; i < o->batch; i++)
		row[i] = sampler_draw(s, rng_unit(r, i - plain));
}

void train_batch(uint32_t *row, const struct train_opts *o, const struct train_data *data, size_t step)
{
	struct sampler s;
	struct err e = ERR_INIT;

	BUG_ON(sampler_new(&s, data, &e) < 0);
	sampler_batch(&s, row, o, step);
	sampler_release(&s);
}

/* ---- their values ---- */

void batch_carve(struct batch *b, struct carve *room, const struct dfc_shape *s, size_t size)
{
	b->row = carve_take(room, size, sizeof(*b->row));
	b->xa = carve_take(room, size, s->d_a * sizeof(*b->xa));
	b->xb = carve_take(room, size, s->d_b * sizeof(*b->xb));
	b->norm_a = carve_take(room, size, sizeof(*b->norm_a));
	b->norm_b = carve_take(room, size, sizeof(*b->norm_b));
	b->sorted = carve_take(room, size, sizeof(*b->sorted));
	moments_carve(&b->moments, room, s, size);
}

struct norms_job {
	struct batch *b;
	const struct dfc_shape *s;
	size_t n;
};

static void norms_unit(void *ud, size_t unit, void *scratch)
{
	const struct norms_job *j = ud;
	struct span u = span_of(unit, MOMENT_ROWS, j->n);

	(void)scratch;
	for (size_t r = u.first; r < u.end; r++) {
		j->b->norm_a[r] = __builtin_sqrt(op_norm2_d(j->b->xa + r * j->s->d_a, j->s->d_a));
		j->b->norm_b[r] = __builtin_sqrt(op_norm2_d(j->b->xb + r * j->s->d_b, j->s->d_b));
	}
}

/* The squares of floats cannot overflow a double, so a norm is finite exactly where its row is. */
int batch_read(struct batch *b, const struct dfc_shape *s, struct par *p, const struct train_data *data,
	       size_t n, struct err *e)
{
	struct norms_job j = { b, s, n };

	if (data->read(data->ud, b->xa, b->xb, b->row, n, e) < 0)
		return -1;
	par_run(p, span_count(n, MOMENT_ROWS), norms_unit, &j);
	for (size_t r = 0; r < n; r++)
		if (!__builtin_isfinite(b->norm_a[r]) || !__builtin_isfinite(b->norm_b[r]))
			return err_set(e, ERR_INPUT, "row %u: an activation of the %s model is not finite",
				       b->row[r], __builtin_isfinite(b->norm_a[r]) ? "candidate" : "base");
	b->n = n;
	return 0;
}

static void move_row(struct batch *b, const struct dfc_shape *s, size_t to, size_t from)
{
	memcpy(b->xa + to * s->d_a, b->xa + from * s->d_a, s->d_a * sizeof(*b->xa));
	memcpy(b->xb + to * s->d_b, b->xb + from * s->d_b, s->d_b * sizeof(*b->xb));
	b->norm_a[to] = b->norm_a[from];
	b->norm_b[to] = b->norm_b[from];
}

/* The rows that stay move up, in order. */
static void leave_out(struct batch *b, const struct dfc_shape *s, double outlier)
{
	double most_a = outlier * stats_median(b->norm_a, b->n),
	       most_b = outlier * stats_median(b->norm_b, b->n);
	size_t kept = 0;

	for (size_t r = 0; r < b->n; r++) {
		if (b->norm_a[r] > most_a || b->norm_b[r] > most_b)
			continue;
		if (kept != r)
			move_row(b, s, kept, r);
		kept++;
	}
	b->n = kept;
}

struct scale_job {
	struct batch *b;
	const struct dfc *d;
};

static void scale_unit(void *ud, size_t unit, void *scratch)
{
	const struct scale_job *j = ud;
	const struct dfc_shape *s = &j->d->shape;
	struct span u = span_of(unit, MOMENT_ROWS, j->b->n);

	(void)scratch;
	op_scale(j->b->xa + u.first * s->d_a, j->d->scale_a, (u.end - u.first) * s->d_a);
	op_scale(j->b->xb + u.first * s->d_b, j->d->scale_b, (u.end - u.first) * s->d_b);
	moments_add(&j->b->moments, s, u.first, u.end - u.first, j->b->xa, j->b->xb);
}

void batch_prepare(struct batch *b, const struct dfc *d, struct par *p, double outlier)
{
	struct scale_job j = { b, d };

	if (outlier > 0.0 && b->n > 0)
		leave_out(b, &d->shape, outlier);
	par_run(p, span_count(b->n, MOMENT_ROWS), scale_unit, &j);
	moments_fold(&b->moments, &d->shape, b->n);
}
