#include "num/reduce.h"

#include "base/mem.h"
#include "base/sort.h"
#include "num/ops.h"

#include <stdbool.h>
#include <string.h>

struct chunks {
	double *part;
	const float *a, *b;
	size_t n;
};

static size_t chunk_size(const struct chunks *c, size_t unit)
{
	size_t left = c->n - unit * REDUCE_CHUNK;

	return left < REDUCE_CHUNK ? left : REDUCE_CHUNK;
}

static void sum_unit(void *ud, size_t unit, void *scratch)
{
	struct chunks *c = ud;

	(void)scratch;
	c->part[unit] = op_sum_d(c->a + unit * REDUCE_CHUNK, chunk_size(c, unit));
}

static void dot_unit(void *ud, size_t unit, void *scratch)
{
	struct chunks *c = ud;
	size_t first = unit * REDUCE_CHUNK;

	(void)scratch;
	c->part[unit] = op_dot_d(c->a + first, c->b + first, chunk_size(c, unit));
}

static double fold(struct par *p, par_fn fn, const float *a, const float *b, size_t n)
{
	size_t n_units = n / REDUCE_CHUNK + (n % REDUCE_CHUNK != 0);
	struct chunks c = { .a = a, .b = b, .n = n };
	double sum = 0.0;

	if (n_units == 0)
		return 0.0;
	c.part = mem_alloc(n_units, sizeof(*c.part));
	par_run(p, n_units, fn, &c);
	for (size_t i = 0; i < n_units; i++)
		sum += c.part[i];
	mem_free(c.part);
	return sum;
}

double reduce_sum(struct par *p, const float *x, size_t n)
{
	return fold(p, sum_unit, x, NULL, n);
}

double reduce_dot(struct par *p, const float *a, const float *b, size_t n)
{
	return fold(p, dot_unit, a, b, n);
}

double reduce_sum_d(const double *x, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i += REDUCE_CHUNK) {
		size_t end = n - i < REDUCE_CHUNK ? n : i + REDUCE_CHUNK;
		double part = 0.0;

		for (size_t j = i; j < end; j++)
			part += x[j];
		sum += part;
	}
	return sum;
}

/*
 * Floats and doubles in one order: as unsigned integers that grow with the value, NaN lowest and the two
 * zeros equal.
 */
static uint64_t order_key(double x)
{
	uint64_t u;

	if (x != x)
		return 0;
	x += 0.0; /* -0 becomes +0 */
	memcpy(&u, &x, sizeof(u));
	return u >> 63 ? ~u : u | 1ull << 63;
}

struct ranked {
	uint64_t key;
	uint32_t index;
};

/* Whether a is chosen after b: smaller, or as large with a greater index. */
static bool after(struct ranked a, struct ranked b)
{
	return a.key < b.key || (a.key == b.key && a.index > b.index);
}

/* A heap whose root is the one to go first; `k` entries. */
static void sift(struct ranked *heap, size_t k, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct ranked t;

		if (child >= k)
			return;
		if (child + 1 < k && after(heap[child + 1], heap[child]))
			child++;
		if (!after(heap[child], heap[at]))
			return;
		t = heap[at];
		heap[at] = heap[child];
		heap[child] = t;
		at = child;
	}
}

static void heap_offer(struct ranked *heap, size_t k, struct ranked r)
{
	if (after(heap[0], r)) {
		heap[0] = r;
		sift(heap, k, 0);
	}
}

static void heap_build(struct ranked *heap, size_t k)
{
	for (size_t i = k / 2; i-- > 0;)
		sift(heap, k, i);
}

static void heap_drain(uint32_t *index, struct ranked *heap, size_t k)
{
	while (k > 0) {
		index[--k] = heap[0].index;
		heap[0] = heap[k];
		sift(heap, k, 0);
	}
}

void reduce_top_k(uint32_t *index, size_t k, const float *x, size_t n)
{
	struct ranked *heap;

	if (k == 0)
		return;
	BUG_ON(k > n);
	heap = mem_alloc(k, sizeof(*heap));
	for (size_t i = 0; i < k; i++)
		heap[i] = (struct ranked){ order_key((double)x[i]), (uint32_t)i };
	heap_build(heap, k);
	for (size_t i = k; i < n; i++)
		heap_offer(heap, k, (struct ranked){ order_key((double)x[i]), (uint32_t)i });
	heap_drain(index, heap, k);
	mem_free(heap);
}

void reduce_top_k_d(uint32_t *index, size_t k, const double *x, size_t n)
{
	struct ranked *heap;

	if (k == 0)
		return;
	BUG_ON(k > n);
	heap = mem_alloc(k, sizeof(*heap));
	for (size_t i = 0; i < k; i++)
		heap[i] = (struct ranked){ order_key(x[i]), (uint32_t)i };
	heap_build(heap, k);
	for (size_t i = k; i < n; i++)
		heap_offer(heap, k, (struct ranked){ order_key(x[i]), (uint32_t)i });
	heap_drain(index, heap, k);
	mem_free(heap);
}

static int by_key(const void *a, const void *b, void *ud)
{
	const struct ranked *x = a, *y = b;

	(void)ud;
	return x->key < y->key ? -1 : x->key > y->key;
}

void reduce_order(uint32_t *index, const double *x, size_t n)
{
	struct ranked *r;

	if (n == 0)
		return;
	r = mem_alloc(n, sizeof(*r));
	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){ order_key(x[i]), (uint32_t)i };
	sort_stable(r, n, sizeof(*r), by_key, NULL);
	for (size_t i = 0; i < n; i++)
		index[i] = r[i].index;
	mem_free(r);
}
