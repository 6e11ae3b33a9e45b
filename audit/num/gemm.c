#include "num/gemm.h"

#include "num/lanes.h"
#include "num/ops.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

enum { TILE_K = 2048, WEIGHT_ROWS = 128, WEIGHT_COLS = 256 };

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t tiles_of(size_t n, size_t tile)
{
	return n / tile + (n % tile != 0);
}

const char *gemm_backend(void)
{
	static const char *const unknown = "OpenBLAS";
	const char *s = openblas_get_config();

	return s ? s : unknown;
}

int gemm_setup(const char *core, struct err *e)
{
	openblas_set_num_threads(1);
	if (core && strcmp(core, openblas_get_corename()) != 0)
		return err_set(e, ERR_USAGE, "OpenBLAS runs its %s kernels, not %s", openblas_get_corename(), core);
	return 0;
}

static void tile(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, float *c, size_t ldc, const float *a, size_t lda,
		 const float *b, size_t ldb, size_t m, size_t n, size_t k, float beta)
{
	cblas_sgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, 1.0f, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void gemm_tile_nn(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
		  size_t m, size_t n, size_t k, float beta)
{
	tile(CblasNoTrans, CblasNoTrans, c, ldc, a, lda, b, ldb, m, n, k, beta);
}

void gemm_tile_nt(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
		  size_t m, size_t n, size_t k, float beta)
{
	tile(CblasNoTrans, CblasTrans, c, ldc, a, lda, b, ldb, m, n, k, beta);
}

struct product {
	CBLAS_TRANSPOSE ta, tb;
	float *c;
	const float *a, *b;
	size_t ldc, lda, ldb, m, n, k;
	float beta;
};

static void product_unit(void *ud, size_t unit, void *scratch)
{
	const struct product *g = ud;
	size_t across = tiles_of(g->n, GEMM_COLS);
	size_t i = unit / across * GEMM_ROWS, j = unit % across * GEMM_COLS;

	(void)scratch;
	tile(g->ta, g->tb, g->c + i * g->ldc + j, g->ldc, g->a + (g->ta == CblasTrans ? i : i * g->lda), g->lda,
	     g->b + (g->tb == CblasTrans ? j * g->ldb : j), g->ldb, min_size(GEMM_ROWS, g->m - i),
	     min_size(GEMM_COLS, g->n - j), g->k, g->beta);
}

static void product_run(struct par *p, struct product *g)
{
	if (g->m > 0 && g->n > 0)
		par_run(p, tiles_of(g->m, GEMM_ROWS) * tiles_of(g->n, GEMM_COLS), product_unit, g);
}

void gemm_nn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta)
{
	struct product g = { CblasNoTrans, CblasNoTrans, c, a, b, ldc, lda, ldb, m, n, k, beta };

	product_run(p, &g);
}

void gemm_tn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta)
{
	struct product g = { CblasTrans, CblasNoTrans, c, a, b, ldc, lda, ldb, m, n, k, beta };

	product_run(p, &g);
}

void gemm_nt(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta)
{
	struct product g = { CblasNoTrans, CblasTrans, c, a, b, ldc, lda, ldb, m, n, k, beta };

	product_run(p, &g);
}

struct weighted {
	float *y;
	const float *x, *bias;
	const struct tensor *w;
	size_t n, in, out;
	int transposed;
};

/* Rows of x by columns of y; the tile of w goes through the scratch TILE_K inputs at a time. */
static void weight_unit(void *ud, size_t unit, void *scratch)
{
	const struct weighted *g = ud;
	size_t across = tiles_of(g->out, WEIGHT_COLS);
	size_t i = unit / across * WEIGHT_ROWS, j = unit % across * WEIGHT_COLS;
	size_t m = min_size(WEIGHT_ROWS, g->n - i), n = min_size(WEIGHT_COLS, g->out - j);
	float *y = g->y + i * g->out + j, *tile_w = scratch;

	for (size_t k = 0; k < g->in; k += TILE_K) {
		size_t depth = min_size(TILE_K, g->in - k);

		if (g->transposed)
			for (size_t r = 0; r < depth; r++)
				dtype_widen(tile_w + r * n, g->w, (k + r) * g->out + j, n);
		else
			for (size_t r = 0; r < n; r++)
				dtype_widen(tile_w + r * depth, g->w, (j + r) * g->in + k, depth);
		tile(CblasNoTrans, g->transposed ? CblasNoTrans : CblasTrans, y, g->out, g->x + i * g->in + k, g->in,
		     tile_w, g->transposed ? n : depth, m, n, depth, k > 0 ? 1.0f : 0.0f);
	}
	if (g->bias)
		for (size_t r = 0; r < m; r++)
			op_add(y + r * g->out, g->bias + j, n);
}

static void weight_run(struct par *p, struct weighted *g)
{
	BUG_ON(par_scratch(p) < GEMM_SCRATCH);
	if (g->n > 0 && g->out > 0)
		par_run(p, tiles_of(g->n, WEIGHT_ROWS) * tiles_of(g->out, WEIGHT_COLS), weight_unit, g);
}

void gemm_weight(struct par *p, float *y, const float *x, size_t n, const struct tensor *w, const float *bias)
{
	struct weighted g = { y, x, bias, w, n, w->cols, w->rows, 0 };

	weight_run(p, &g);
}

void gemm_weight_t(struct par *p, float *y, const float *x, size_t n, const struct tensor *w, const float *bias)
{
	struct weighted g = { y, x, bias, w, n, w->rows, w->cols, 1 };

	weight_run(p, &g);
}
