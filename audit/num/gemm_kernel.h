#ifndef NUM_GEMM_KERNEL_H
#define NUM_GEMM_KERNEL_H

#include "num/dtype.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The innermost loops of gemm.c, once for each instruction set, all with the same bits (gemm.h says which).
 *
 * A left panel holds some rows of the left matrix turned, (depth, rows): one value of each row beside the other;
 * the kernel says how many.  A right panel holds some columns of the right matrix, (depth, columns), the kernel says how many;
 * with a few left rows it has to fit the first-level cache.  What a panel has beyond the matrix is anything and reaches
 * no result.
 */

/* Rows and columns of the largest panels, and of those for sixteen registers of eight floats. */
enum { GEMM_MR = 8, GEMM_NR = 48, GEMM_SMALL_MR = 6, GEMM_SMALL_NR = 16 };
enum { GEMM_CHUNK = 256, GEMM_FEW = 8, GEMM_FEW_COLUMNS = 32 };

/* Rows of a stored matrix, beginning anywhere (MXFP4: at a block); `ld` values from row to row.  A right panel
 * made of them is `width` wide. */
struct gemm_rows {
	const uint8_t *data;
	const uint8_t *scale;
	size_t ld, width;
};

/* The panel of m of the rows, (depth, the kernel's rows) or (depth, width). A left one may be written GEMM_MR floats
 * beyond its end. */
typedef void (*gemm_turn_fn)(float *panel, const struct gemm_rows *w, size_t m, size_t depth);

/* c (m, n) = left * right, or c += with `add`; m and n at most the kernel's rows and columns, depth <= GEMM_CHUNK. Rows of
 * `right` are ldr apart; whole vectors of it are read. */
struct gemm_block {
	float *c;
	const float *left, *right;
	size_t ldc, ldr, m, n, depth;
	int add;
};

/* y (n, m) = x (n, depth) * w (m, depth)^T, or y += with `add`; n <= GEMM_FEW, m a multiple of
 * GEMM_FEW_COLUMNS; reads w once. x is a panel of `few_left`, (depth,
 * GEMM_MR); where n is 1, a plain vector. */
struct gemm_few {
	float *y;
	const float *x;
	struct gemm_rows w;
	size_t ldy, n, m, depth;
	int add;
};

struct gemm_kernel {
	const char *name;
	size_t rows;	/* of a left panel, GEMM_MR at most */
	size_t columns; /* of a right panel, GEMM_NR at most */
	size_t vector;	/* columns that it reads at once */
	void (*multiply)(const struct gemm_block *b);
	gemm_turn_fn left, few_left;
	/* By dtype; NULL where the format is to be widened first. DT_F32 can always be turned. */
	gemm_turn_fn right[DT_COUNT];
	void (*few[DT_COUNT])(const struct gemm_few *f);
};

/* The i-th kernel this machine can run, the best first and the plain one last; NULL beyond. */
const struct gemm_kernel *gemm_kernel_at(size_t i);

extern const struct gemm_kernel gemm_kernel_plain;
extern const struct gemm_kernel gemm_kernel_avx2;
extern const struct gemm_kernel gemm_kernel_avx512;

#endif
