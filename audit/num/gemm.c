#include "num/gemm.h"

#include "num/gemm_kernel.h"
#include "num/ops.h"

#include <string.h>

/*
 * How a product is cut.  A unit is some rows of the left matrix by some columns of the right one, all of
 * the depth, in passes of GEMM_CHUNK.  A pass turns the unit's left rows into panels (they stay in the
 * second-level cache), then for each of the kernel's columns makes the right panel, widened, and multiplies it with
 * every left panel.  A few rows against a stored matrix are another matter, all memory: gemm_kernel.h's
 * `few`.
 *
 * Since no bit depends on the cut, it may follow the number of threads.
 */

enum {
	LEFT_ROWS = 512, /* rows of a unit at most: 512 KiB of left panels */
	TILE_ROWS = 128, /* the same of gemm_tile_*, whose panels are on the stack */
	LEAST_ROWS = 64, /* and at least, where there are so many */
	UNITS_PER_THREAD = 4,
	UNIT_COLUMNS = 768,	      /* of a unit at most */
	FEW_UNIT_BYTES = 1 << 16,     /* of weights, at least */
	PANEL = GEMM_CHUNK * GEMM_NR, /* floats, of the widest kernel */
	LINE_BYTES = 64,
	NEAR_COLUMNS = 256, /* a right matrix that lies as a panel does is used in place: where it is this */
	NEAR_ROWS = 16, /* narrow, so that its rows do not all fall on the same cache sets, or little used */
};

/* Of left panels for so many rows, the last one ragged. */
#define LEFT_FLOATS(rows) (((rows) + GEMM_MR) * GEMM_CHUNK)

_Static_assert((2 * PANEL + LEFT_FLOATS(LEFT_ROWS)) * sizeof(float) <= GEMM_SCRATCH,
	       "the scratch holds the panels");

/* The matrices of a product, both as the caller has them. */
struct product {
	const struct gemm_kernel *kernel;
	float *c;		/* (m, n) */
	const float *a;		/* (m, k), or (k, m) if a_turned */
	const struct tensor *b; /* (n, k), or (k, n) if b_turned; its cols is the row stride */
	const float *bias;	/* (n) or NULL */
	size_t ldc, lda, m, n, k;
	int a_turned, b_turned, add;
	size_t unit_rows, unit_cols, across;
};

struct panels {
	float *right; /* (GEMM_CHUNK, the kernel's columns) */
	float *wide;  /* (columns, GEMM_CHUNK): rows of a format the kernel cannot turn */
	float *left;  /* (panels, GEMM_CHUNK, the kernel's rows) */
	size_t left_floats;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t pieces(size_t n, size_t each)
{
	BUG_ON(each == 0);
	return n / each + (n % each != 0);
}

#if defined(__x86_64__)

const struct gemm_kernel *gemm_kernel_at(size_t i)
{
	const struct gemm_kernel *can[3];
	size_t n = 0;

	if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
		can[n++] = &gemm_kernel_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		can[n++] = &gemm_kernel_avx2;
	can[n++] = &gemm_kernel_plain;
	return i < n ? can[i] : NULL;
}

#else

const struct gemm_kernel *gemm_kernel_at(size_t i)
{
	return i == 0 ? &gemm_kernel_plain : NULL;
}

#endif

const char *gemm_backend(void)
{
	return "fused-256";
}

const char *gemm_machine(void)
{
	return gemm_kernel_at(0)->name;
}

/* A denormal product and a sum that rounds to even: wrong where denormals are flushed or the rounding is
 * another. */
static int arithmetic_is_ieee(const struct gemm_kernel *kernel)
{
	float left[2 * GEMM_MR] = { 0x1p-75f };
	const float right[2 * GEMM_NR] = { 0x1p-70f, 0x1p75f, [GEMM_NR + 1] = 0x1.8p-24f, 0x1p-140f };
	/* 2^-145, 1 + 2^-23, 2^-140, as bits: == would take denormals for zero, too */
	const uint32_t want[3] = { 0x10, 0x3f800001, 0x200 };
	float c[GEMM_NR];
	uint32_t got[3];
	struct gemm_block b = { .c = c,
				.left = left,
				.right = right,
				.ldc = GEMM_NR,
				.ldr = GEMM_NR,
				.m = 1,
				.n = 16,
				.depth = 2 };

	left[kernel->rows] = 1.0f;
	kernel->multiply(&b);
	memcpy(got, c, sizeof(got));
	return memcmp(got, want, sizeof(want)) == 0;
}

int gemm_setup(const char *backend, struct err *e)
{
	if (backend && strcmp(backend, gemm_backend()) != 0)
		return err_set(e, ERR_USAGE, "products are computed as %s here, not as %s", gemm_backend(),
			       backend);
	for (size_t i = 0; gemm_kernel_at(i); i++)
		if (!arithmetic_is_ieee(gemm_kernel_at(i)))
			return err_set(e, ERR_IO,
				       "the %s kernel does not round as IEEE 754 says: "
				       "something has changed the floating-point mode",
				       gemm_kernel_at(i)->name);
	return 0;
}

/* Rows first .. of a stored matrix from column k on. */
static struct gemm_rows rows_at(const struct tensor *t, size_t first, size_t k)
{
	size_t at = first * t->cols + k;

	return (struct gemm_rows){ .data = (const uint8_t *)t->data + dtype_bytes(t->dtype, at),
				   .scale = t->dtype == DT_MXFP4 ? t->scale + at / 32 : NULL,
				   .ld = t->cols };
}

/* depth rows of n floats, `ld` apart, put `to_ld` apart; what stands to their right is fetched meanwhile,
 * being next. n is a constant where it matters. */
static inline void copy_rows(float *to, size_t to_ld, const float *from, size_t ld, size_t n, size_t depth)
{
	for (size_t d = 0; d < depth; d++, to += to_ld, from += ld) {
		for (size_t i = n; i < 2 * n; i += LINE_BYTES / sizeof(*from))
			__builtin_prefetch((const void *)((uintptr_t)from + i * sizeof(*from)), 0, 2);
		memcpy(to, from, n * sizeof(*from));
	}
}

/* Rows i0 .. i0+m-1 of the left matrix from column k on, as panels. */
static void left_panels(float *left, const struct product *g, size_t i0, size_t m, size_t k, size_t depth)
{
	size_t height = g->kernel->rows;

	for (size_t i = 0; i < m; i += height, left += GEMM_CHUNK * height) {
		size_t rows = least(height, m - i);
		const float *from = g->a + (g->a_turned ? k * g->lda + i0 + i : (i0 + i) * g->lda + k);
		struct gemm_rows w = { .data = (const uint8_t *)from, .ld = g->lda };

		if (!g->a_turned)
			g->kernel->left(left, &w, rows, depth);
		else if (rows == GEMM_SMALL_MR)
			copy_rows(left, height, from, g->lda, GEMM_SMALL_MR, depth);
		else
			copy_rows(left, height, from, g->lda, rows, depth);
	}
}

/* n columns of the right matrix, which has them side by side. MXFP4 comes in blocks, which may begin
 * before. */
static void right_copy(float *right, size_t width, const struct tensor *b, size_t j, size_t n, size_t k,
		       size_t depth)
{
	const float *from = (const float *)b->data + k * b->cols + j;
	float wide[2 * GEMM_NR];
	size_t before = j % 32, blocks = pieces(before + n, 32) * 32;

	if (b->dtype == DT_F32) {
		if (n == GEMM_SMALL_NR)
			copy_rows(right, width, from, b->cols, GEMM_SMALL_NR, depth);
		else
			copy_rows(right, width, from, b->cols, n, depth);
		return;
	}
	for (size_t d = 0; d < depth; d++, right += width)
		if (b->dtype == DT_MXFP4) {
			dtype_widen(wide, b, (k + d) * b->cols + j - before, blocks);
			memcpy(right, wide + before, n * sizeof(*right));
		} else {
			dtype_widen(right, b, (k + d) * b->cols + j, n);
		}
}

static void right_turn(const struct panels *s, const struct product *g, size_t j, size_t n, size_t k,
		       size_t depth)
{
	const struct tensor *b = g->b;
	struct gemm_rows w = rows_at(b, j, k);
	enum dtype format = b->dtype;

	w.width = g->kernel->columns;
	if (!g->kernel->right[format]) {
		for (size_t i = 0; i < n; i++)
			dtype_widen(s->wide + i * GEMM_CHUNK, b, (j + i) * b->cols + k, depth);
		w = (struct gemm_rows){ .data = (const uint8_t *)s->wide,
					.ld = GEMM_CHUNK,
					.width = w.width };
		format = DT_F32;
	}
	g->kernel->right[format](s->right, &w, n, depth);
}

/* The right panel and the stride of its rows. */
static const float *right_panel(size_t *ld, const struct panels *s, const struct product *g, size_t m,
				size_t j, size_t n, size_t k, size_t depth)
{
	*ld = g->kernel->columns;
	if (!g->b_turned) {
		right_turn(s, g, j, n, k, depth);
	} else if (g->b->dtype == DT_F32 && n % g->kernel->vector == 0 &&
		   (m <= NEAR_ROWS || g->b->cols <= NEAR_COLUMNS)) {
		*ld = g->b->cols;
		return (const float *)g->b->data + k * g->b->cols + j;
	} else {
		right_copy(s->right, *ld, g->b, j, n, k, depth);
	}
	return s->right;
}

/* Lines of stored rows that the next right panel is made of: fetched a few at a time between products, since a
 * crowd of them would hold up what is read meanwhile. */
struct coming {
	const uint8_t *row;
	size_t rows, stride, bytes, at; /* rows left, apart, bytes wanted of each, and the next one */
};

static void fetch_some(struct coming *c, size_t lines)
{
	for (; lines > 0 && c->rows > 0; lines--) {
		__builtin_prefetch(c->row + c->at, 0, 2);
		c->at += LINE_BYTES;
		if (c->at >= c->bytes) {
			c->at = 0;
			c->row += c->stride;
			c->rows--;
		}
	}
}

/* c (m, b->n) by all left panels and one right panel */
static void multiply_down(const struct gemm_kernel *kernel, struct gemm_block *b, float *c, const float *left,
			  size_t m, struct coming coming)
{
	size_t each = coming.rows * pieces(coming.bytes, LINE_BYTES) / pieces(m, kernel->rows) + 1;

	for (size_t i = 0; i < m; i += kernel->rows) {
		fetch_some(&coming, each);
		b->c = c + i * b->ldc;
		b->left = left + i * GEMM_CHUNK;
		b->m = least(kernel->rows, m - i);
		kernel->multiply(b);
	}
}

/* What is stored of columns j .. j+n-1 of the right matrix, from k on. */
static struct coming coming_of(const struct product *g, size_t j, size_t n, size_t k)
{
	const struct tensor *b = g->b;

	if (g->b_turned || n == 0 || k >= g->k)
		return (struct coming){ .rows = 0 };
	return (struct coming){ .row = rows_at(b, j, k).data,
				.rows = n,
				.stride = dtype_bytes(b->dtype, b->cols),
				.bytes = dtype_bytes(b->dtype, least(GEMM_CHUNK, g->k - k)) };
}

/* c of rows i0 .. i0+m-1 and columns j0 .. j0+n-1 */
static void cell(const struct panels *s, const struct product *g, size_t i0, size_t m, size_t j0, size_t n)
{
	/* even widths: 64 columns are 32 and 32, not 48 and 16 */
	size_t width = pieces(n, pieces(n, g->kernel->columns));

	width = pieces(width, g->kernel->vector) * g->kernel->vector;
	for (size_t k = 0; k < g->k; k += GEMM_CHUNK) {
		struct gemm_block b = { .ldc = g->ldc,
					.depth = least(GEMM_CHUNK, g->k - k),
					.add = g->add || k > 0 };

		left_panels(s->left, g, i0, m, k, b.depth);
		for (size_t j = 0; j < n; j += width) {
			b.n = least(width, n - j);
			b.right = right_panel(&b.ldr, s, g, m, j0 + j, b.n, k, b.depth);
			multiply_down(g->kernel, &b, g->c + i0 * g->ldc + j0 + j, s->left, m,
				      j + width < n
					      ? coming_of(g, j0 + j + width, least(width, n - j - width), k)
					      : coming_of(g, j0, width, k + GEMM_CHUNK));
		}
	}
	for (size_t i = 0; g->k == 0 && !g->add && i < m; i++)
		memset(g->c + (i0 + i) * g->ldc + j0, 0, n * sizeof(*g->c));
	for (size_t i = 0; g->bias && i < m; i++)
		op_add(g->c + (i0 + i) * g->ldc + j0, g->bias + j0, n);
}

/* The same where `few` can do it; what is left of its columns goes the common way. One row needs no panel. */
static void few_cell(const struct panels *s, const struct product *g, size_t j, size_t n)
{
	size_t even = n / GEMM_FEW_COLUMNS * GEMM_FEW_COLUMNS;
	size_t most = g->m > 1 ? s->left_floats / GEMM_MR / GEMM_CHUNK * GEMM_CHUNK : g->k;

	for (size_t k = 0; even > 0 && k < g->k; k += most) {
		struct gemm_few f = { .y = g->c + j,
				      .x = g->m > 1 ? s->left : g->a + k,
				      .w = rows_at(g->b, j, k),
				      .ldy = g->ldc,
				      .n = g->m,
				      .m = even,
				      .depth = least(most, g->k - k),
				      .add = g->add || k > 0 };
		struct gemm_rows x = { .data = (const uint8_t *)(g->a + k), .ld = g->lda };

		if (g->m > 1)
			g->kernel->few_left(s->left, &x, g->m, f.depth);
		g->kernel->few[g->b->dtype](&f);
	}
	for (size_t i = 0; g->bias && i < g->m; i++)
		op_add(g->c + i * g->ldc + j, g->bias + j, even);
	if (even < n)
		cell(s, g, 0, g->m, j + even, n - even);
}

static struct panels panels_in(float *scratch)
{
	return (struct panels){ .right = scratch,
				.wide = scratch + PANEL,
				.left = scratch + 2 * PANEL,
				.left_floats = LEFT_FLOATS(LEFT_ROWS) };
}

static void product_unit(void *ud, size_t unit, void *scratch)
{
	const struct product *g = ud;
	size_t i = unit / g->across * g->unit_rows, j = unit % g->across * g->unit_cols;
	struct panels s = panels_in(scratch);

	cell(&s, g, i, least(g->unit_rows, g->m - i), j, least(g->unit_cols, g->n - j));
}

static void few_unit(void *ud, size_t unit, void *scratch)
{
	const struct product *g = ud;
	size_t j = unit * g->unit_cols;
	struct panels s = panels_in(scratch);

	few_cell(&s, g, j, least(g->unit_cols, g->n - j));
}

static int is_few(const struct product *g)
{
	return g->m <= GEMM_FEW && g->k > 0 && !g->a_turned && !g->b_turned && g->kernel->few[g->b->dtype];
}

static void few_run(struct par *p, struct product *g)
{
	size_t fair = pieces(g->n, GEMM_FEW_COLUMNS) / (par_threads(p) * UNITS_PER_THREAD);
	size_t worth = pieces(FEW_UNIT_BYTES, dtype_bytes(g->b->dtype, GEMM_FEW_COLUMNS * g->k));

	g->unit_cols = (fair > worth ? fair : worth) * GEMM_FEW_COLUMNS;
	par_run(p, pieces(g->n, g->unit_cols), few_unit, g);
}

/* A unit's left rows are turned once and its right columns once: of the cuts with enough units for all
 * threads, the one where that weighs least against rows * columns. A right value costs about three to a
 * left one's two. */
static void cut(struct product *g, size_t units)
{
	size_t columns = g->kernel->columns, panels = pieces(g->n, columns), first = pieces(g->m, LEFT_ROWS);
	double least_cost = 0.0;

	for (size_t down = first; down <= pieces(g->m, LEAST_ROWS) && down < first + units; down++) {
		size_t rows = pieces(pieces(g->m, down), g->kernel->rows) * g->kernel->rows;
		size_t cols = least(panels / pieces(units, down), UNIT_COLUMNS / columns);
		double cost;

		cols = (cols > 0 ? cols : 1) * columns;
		cost = 3.0 / (double)rows + 2.0 / (double)cols;
		if (down > first && cost >= least_cost)
			continue;
		least_cost = cost;
		g->unit_rows = rows;
		g->unit_cols = cols;
	}
	g->across = pieces(g->n, g->unit_cols);
}

static void product_run(struct par *p, struct product *g)
{
	BUG_ON(par_scratch(p) < GEMM_SCRATCH);
	if (g->m == 0 || g->n == 0)
		return;
	g->kernel = gemm_kernel_at(0);
	if (is_few(g)) {
		few_run(p, g);
		return;
	}
	cut(g, par_threads(p) > 1 ? par_threads(p) * UNITS_PER_THREAD : 1);
	par_run(p, pieces(g->m, g->unit_rows) * g->across, product_unit, g);
}

void gemm_weight(struct par *p, float *y, const float *x, size_t n, const struct tensor *w, const float *bias)
{
	struct product g = { .c = y,
			     .a = x,
			     .b = w,
			     .bias = bias,
			     .ldc = w->rows,
			     .lda = w->cols,
			     .m = n,
			     .n = w->rows,
			     .k = w->cols };

	product_run(p, &g);
}

void gemm_weight_t(struct par *p, float *y, const float *x, size_t n, const struct tensor *w,
		   const float *bias)
{
	struct product g = { .c = y,
			     .a = x,
			     .b = w,
			     .bias = bias,
			     .ldc = w->cols,
			     .lda = w->rows,
			     .m = n,
			     .n = w->cols,
			     .k = w->rows,
			     .b_turned = 1 };

	product_run(p, &g);
}

/* The product that the functions below are asked for; all name their arguments alike. */
#define FLOATS(g, b_rows, left_turned, right_turned)                                     \
	struct tensor t = { .dtype = DT_F32, .rows = (b_rows), .cols = ldb, .data = b }; \
	struct product g = { .c = c,                                                     \
			     .a = a,                                                     \
			     .b = &t,                                                    \
			     .ldc = ldc,                                                 \
			     .lda = lda,                                                 \
			     .m = m,                                                     \
			     .n = n,                                                     \
			     .k = k,                                                     \
			     .a_turned = (left_turned),                                  \
			     .b_turned = (right_turned),                                 \
			     .add = beta != 0.0f }

void gemm_nn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta)
{
	FLOATS(g, k, 0, 1);

	product_run(p, &g);
}

void gemm_tn(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta)
{
	FLOATS(g, k, 1, 1);

	product_run(p, &g);
}

void gemm_nt(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb,
	     size_t m, size_t n, size_t k, float beta)
{
	FLOATS(g, n, 0, 0);

	product_run(p, &g);
}

/* In the calling thread: TILE_ROWS at a time, panels on the stack. */
static void product_here(struct product *g)
{
	_Alignas(64) float right[PANEL];
	_Alignas(64) float left[LEFT_FLOATS(TILE_ROWS)];
	struct panels s = { .right = right, .left = left, .left_floats = LEFT_FLOATS(TILE_ROWS) };

	g->kernel = gemm_kernel_at(0);
	if (is_few(g)) {
		few_cell(&s, g, 0, g->n);
		return;
	}
	for (size_t i = 0; i < g->m; i += TILE_ROWS)
		cell(&s, g, i, least(TILE_ROWS, g->m - i), 0, g->n);
}

void gemm_tile_nt(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t ldb, size_t m,
		  size_t n, size_t k, float beta)
{
	FLOATS(g, n, 0, 0);

	product_here(&g);
}

void gemm_tile_panels(float *c, size_t ldc, const float *a, size_t lda, const float *b, size_t apart,
		      size_t m, size_t n, size_t k, float beta)
{
	_Alignas(64) float left[LEFT_FLOATS(TILE_ROWS)];
	struct product g = { .kernel = gemm_kernel_at(0), .a = a, .lda = lda };

	for (size_t i = 0; i < m; i += TILE_ROWS)
		for (size_t d = 0; d < k; d += GEMM_CHUNK) {
			struct gemm_block block = { .ldc = ldc,
						    .ldr = GEMM_PANEL,
						    .depth = least(GEMM_CHUNK, k - d),
						    .add = beta != 0.0f || d > 0 };
			size_t rows = least(TILE_ROWS, m - i);

			left_panels(left, &g, i, rows, d, block.depth);
			for (size_t j = 0; j < n; j += GEMM_PANEL) {
				block.n = least(GEMM_PANEL, n - j);
				block.right = b + j / GEMM_PANEL * apart + d * GEMM_PANEL;
				multiply_down(g.kernel, &block, c + i * ldc + j, left, rows,
					      (struct coming){ .rows = 0 });
			}
		}
}
