#include "cmd_bench.h"

#include "base/log.h"
#include "base/par.h"
#include "num/blas.h"

#include <string.h>

/*
 * The yardstick: OpenBLAS multiplies rows of random floats with float weights of the shapes of a layer.  Tiles are
 * products of their own, each into a piece of c of its own.  Of a layer of experts each expert has its even share of
 * the rows.
 */

enum { ROLES = 11, TILE_COLS = 512, TILE_ROWS = 256 };

struct shape {
	size_t m, n, k, times;
};

struct sgemm {
	struct shape shape[ROLES];
	size_t n;
	float *a, *b, *c; /* large enough for each shape */
	struct par *par;
	double flop;
	const struct shape *now;
};

static void shape_add(struct sgemm *s, const struct arch *a, enum role role, size_t rows)
{
	bool expert = role >= ROLE_EXPERT_GATE && role <= ROLE_EXPERT_GATE_UP;
	struct shape *t = &s->shape[s->n];

	if (!a->name[role] || !arch_layer_has(a, role, 0))
		return;
	arch_shape(&t->n, &t->k, a, role);
	t->m = expert ? (rows * a->n_experts_used + a->n_experts - 1) / a->n_experts : rows;
	t->times = expert ? a->n_experts : 1;
	s->flop += 2.0 * (double)t->m * (double)t->n * (double)t->k * (double)t->times;
	s->n++;
}

/* Values from -1 to 1 by a recurrence: what they are is of no matter. */
static void fill(float *x, size_t n)
{
	uint32_t v = 1;

	for (size_t i = 0; i < n; i++, v = v * 1664525u + 1013904223u)
		x[i] = (float)(v >> 8) * 0x1p-23f - 1.0f;
}

static int reserve(float **x, size_t n, struct err *e)
{
	void *p;

	if (mem_reserve(&p, n, sizeof(float), "matrices of the yardstick", e) < 0)
		return -1;
	fill(*x = p, n);
	return 0;
}

int sgemm_new(struct sgemm **out, const struct arch *a, size_t rows, struct par *p, struct err *e)
{
	static const enum role role[ROLES] = { ROLE_Q,	  ROLE_K,	    ROLE_V,	   ROLE_QKV,
					       ROLE_O,	  ROLE_GATE,	    ROLE_UP,	   ROLE_GATE_UP,
					       ROLE_DOWN, ROLE_EXPERT_GATE, ROLE_EXPERT_UP };
	static const enum role packed[] = { ROLE_EXPERT_GATE_UP, ROLE_EXPERT_DOWN };
	struct sgemm *s = mem_alloc(1, sizeof(*s));
	size_t left = 0, right = 0, made = 0;

	s->par = p;
	for (size_t i = 0; i < ROLES; i++)
		shape_add(s, a, role[i], rows);
	for (size_t i = 0; i < sizeof(packed) / sizeof(*packed) && s->n < ROLES; i++)
		shape_add(s, a, packed[i], rows);
	for (size_t i = 0; i < s->n; i++) {
		const struct shape *t = &s->shape[i];

		left = t->m * t->k > left ? t->m * t->k : left;
		right = t->n * t->k > right ? t->n * t->k : right;
		made = t->m * t->n > made ? t->m * t->n : made;
	}
	*out = s;
	blas_setup();
	return reserve(&s->a, left, e) < 0 || reserve(&s->b, right, e) < 0 || reserve(&s->c, made, e) < 0 ? -1
													  : 0;
}

void sgemm_free(struct sgemm *s)
{
	if (!s)
		return;
	mem_free(s->a);
	mem_free(s->b);
	mem_free(s->c);
	mem_free(s);
}

static void tile_unit(void *ud, size_t unit, void *scratch)
{
	const struct sgemm *s = ud;
	const struct shape *t = s->now;
	size_t down = (t->m + TILE_ROWS - 1) / TILE_ROWS, i = unit % down * TILE_ROWS,
	       j = unit / down * TILE_COLS;
	size_t m = t->m - i < TILE_ROWS ? t->m - i : TILE_ROWS,
	       n = t->n - j < TILE_COLS ? t->n - j : TILE_COLS;

	(void)scratch;
	blas_nt(s->c + i * t->n + m * j, s->a + i * t->k, s->b + j * t->k, m, n, t->k);
}

double sgemm_tiled(struct sgemm *s)
{
	double start = log_clock();

	for (size_t i = 0; i < s->n; i++) {
		const struct shape *t = s->now = &s->shape[i];
		size_t units = ((t->m + TILE_ROWS - 1) / TILE_ROWS) * ((t->n + TILE_COLS - 1) / TILE_COLS);

		for (size_t k = 0; k < t->times; k++)
			par_run(s->par, units, tile_unit, s);
	}
	return s->flop / (log_clock() - start);
}

double sgemm_own(struct sgemm *s)
{
	double start;

	blas_threads(par_threads(s->par));
	start = log_clock();
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->shape[i].times; k++)
			blas_nt(s->c, s->a, s->b, s->shape[i].m, s->shape[i].n, s->shape[i].k);
	start = log_clock() - start;
	blas_threads(1);
	return s->flop / start;
}
