#include "num/gemm.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "num/gemm_kernel.h"
#include "tests/support/naive.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Sums of 256 products: at most that many roundings and as many again over the chunks. */
#define ULP 0x1p-24

static const unsigned threads[] = { 1, 2, 3, 7 };

enum { N_THREADS = sizeof(threads) / sizeof(threads[0]) };

static struct par *workers(unsigned n)
{
	struct err e = ERR_INIT;
	struct par *p;

	assert_int_equal(par_new(&p, n, GEMM_SCRATCH, &e), 0);
	return p;
}

/* n floats in [-1, 1), some of them 0 */
static float *random_floats(const char *name, uint64_t seed, size_t n)
{
	struct rng r = rng_stream(seed, name, 0);
	float *x = mem_alloc(n + 1, sizeof(*x));

	for (size_t i = 0; i < n; i++) {
		uint64_t u = rng_u64(r, i);

		x[i] = u % 17 == 0 ? 0.0f : (float)((int32_t)(u >> 32)) * 0x1p-31f;
	}
	return x;
}

/* A stored matrix of finite values of moderate size; `held` is what to free. */
struct stored {
	struct tensor t;
	uint8_t *held, *scale;
};

static struct stored random_stored(enum dtype format, uint64_t seed, size_t rows, size_t cols)
{
	struct rng r = rng_stream(seed, "stored", (uint64_t)format);
	size_t n = rows * cols, bytes = dtype_bytes(format, n);
	struct stored s = { .held = mem_alloc(bytes + 8, 1), .scale = mem_alloc(n / 32 + 1, 1) };
	uint8_t *p = s.held + 2; /* not aligned to a float */

	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)rng_u64(r, i);
	for (size_t i = 0; i < n / 32; i++)
		s.scale[i] = (uint8_t)(120 + rng_below(r, bytes + i, 8));
	for (size_t i = 0; i < n; i++) {
		double d = (rng_unit(r, i) - 0.5) * 4.0;
		float f = (float)d;

		if (format == DT_F32)
			memcpy(p + 4 * i, &f, 4);
		else if (format == DT_F64)
			memcpy(p + 8 * i, &d, 8);
		else if (format == DT_BF16 || format == DT_F16) /* an exponent near that of 1 */
			p[2 * i + 1] = (uint8_t)((p[2 * i + 1] & 0x83) | (format == DT_BF16 ? 0x3c : 0x30));
	}
	s.t = (struct tensor){ .dtype = format, .rows = rows, .cols = cols, .data = p, .scale = s.scale };
	return s;
}

static void stored_release(struct stored *s)
{
	mem_free(s->held);
	mem_free(s->scale);
}

/* What gemm.h says an element is, one operation after another. */
static float by_definition(const float *a, size_t a_step, const float *b, size_t b_step, size_t k,
			   const float *c)
{
	float sum = c ? *c : 0.0f;

	for (size_t first = 0; first < k; first += 256) {
		float s = 0.0f;

		for (size_t d = first; d < k && d < first + 256; d++)
			s = fmaf(a[d * a_step], b[d * b_step], s);
		sum = first == 0 && !c ? s : sum + s;
	}
	return sum;
}

static void check_oracle(const char *name, const float *got, size_t ld, struct naive_matrix a,
			 struct naive_matrix b, size_t m, size_t n, size_t k, const float *bias)
{
	double *c = mem_alloc(m * n, sizeof(*c)), *size = mem_alloc(m * n, sizeof(*size));

	naive_product(c, size, a, b, m, n, k);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			double want = c[i * n + j] + (bias ? (double)bias[j] : 0.0),
			       x = (double)got[i * ld + j];
			double room = (size[i * n + j] + fabs(want)) * ULP * 8.0 * sqrt((double)k + 1.0);

			if (!(fabs(x - want) <= room))
				fail_msg("%s %zux%zux%zu (%zu, %zu): %.9g, oracle %.9g", name, m, n, k, i, j,
					 x, want);
		}
	mem_free(c);
	mem_free(size);
}

static void check_same(const char *name, unsigned n_threads, const float *got, const float *want, size_t n)
{
	if (memcmp(got, want, n * sizeof(*got)) != 0)
		fail_msg("%s: other bits with %u threads", name, n_threads);
}

static const struct shape {
	size_t m, n, k;
} shapes[] = {
	{ 1, 1, 1 },	  { 1, 7, 32 },	   { 1, 33, 257 },  { 1, 129, 96 },  { 1, 514, 512 },
	{ 2, 64, 64 },	  { 3, 41, 300 },  { 4, 96, 256 },  { 5, 50, 33 },   { 7, 8, 511 },
	{ 8, 47, 264 },	  { 9, 48, 32 },   { 13, 49, 769 }, { 16, 64, 128 }, { 17, 97, 96 },
	{ 64, 160, 288 }, { 67, 100, 50 }, { 130, 31, 17 }, { 520, 51, 40 }, { 8, 200, 1030 },
};

static void weights_test(enum dtype format, int turned)
{
	size_t rule = format == DT_MXFP4 ? 32 : 1;

	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		size_t m = shapes[s].m, n = shapes[s].n, k = shapes[s].k;
		char name[80];
		struct stored w;
		float *x, *y, *first, *bias, *wide;

		if (turned)
			n = (n + rule - 1) / rule * rule;
		else
			k = (k + rule - 1) / rule * rule;
		w = random_stored(format, s, turned ? k : n, turned ? n : k);
		x = random_floats("x", s, m * k);
		bias = random_floats("bias", s, n);
		wide = mem_alloc(n * k + 1, sizeof(*wide));
		dtype_widen(wide, &w.t, 0, n * k);
		y = mem_alloc(m * n, sizeof(*y));
		first = mem_alloc(m * n, sizeof(*first));
		snprintf(name, sizeof(name), "%s%s", dtype_name(format), turned ? " turned" : "");
		for (size_t t = 0; t < N_THREADS; t++) {
			struct par *p = workers(threads[t]);

			(turned ? gemm_weight_t : gemm_weight)(p, t ? y : first, x, m, &w.t,
							       s % 2 ? bias : NULL);
			if (t)
				check_same(name, threads[t], y, first, m * n);
			par_free(p);
		}
		check_oracle(name, first, n, (struct naive_matrix){ x, k, 1 },
			     (struct naive_matrix){ wide, turned ? n : 1, turned ? 1 : k }, m, n, k,
			     s % 2 ? bias : NULL);
		for (size_t i = 0; i < m * n; i++) {
			size_t row = i / n, col = i % n;
			float want = by_definition(x + row * k, 1, turned ? wide + col : wide + col * k,
						   turned ? n : 1, k, NULL);

			want = s % 2 ? want + bias[col] : want;
			if (memcmp(first + i, &want, sizeof(want)) != 0)
				fail_msg("%s %zux%zux%zu (%zu, %zu): %a, by definition %a", name, m, n, k,
					 row, col, (double)first[i], (double)want);
		}
		mem_free(x);
		mem_free(y);
		mem_free(first);
		mem_free(bias);
		mem_free(wide);
		stored_release(&w);
	}
}

static void weights_of_every_format_are_what_the_header_says(void **state)
{
	static const enum dtype formats[] = { DT_F32, DT_BF16, DT_F16, DT_F64, DT_MXFP4 };

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		weights_test(formats[i], 0);
		weights_test(formats[i], 1);
	}
}

typedef void (*product_fn)(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b,
			   size_t ldb, size_t m, size_t n, size_t k, float beta);

static void dense_test(const char *name, product_fn fn, int a_turned, int b_turned, float beta)
{
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		size_t m = shapes[s].m, n = shapes[s].n, k = shapes[s].k;
		size_t lda = (a_turned ? m : k) + s % 3, ldb = (b_turned ? n : k) + s % 5, ldc = n + s % 2;
		float *a = random_floats("a", s, lda * (a_turned ? k : m));
		float *b = random_floats("b", s, ldb * (b_turned ? k : n));
		float *begin = random_floats("c", s, ldc * m);
		float *c = mem_alloc(ldc * m, sizeof(*c)), *first = mem_alloc(ldc * m, sizeof(*first));

		for (size_t t = 0; t < N_THREADS; t++) {
			struct par *p = workers(threads[t]);

			memcpy(c, begin, ldc * m * sizeof(*c));
			fn(p, c, ldc, a, lda, b, ldb, m, n, k, beta);
			if (t)
				check_same(name, threads[t], c, first, ldc * m);
			memcpy(first, c, ldc * m * sizeof(*c));
			par_free(p);
		}
		for (size_t i = 0; i < ldc * m; i++) {
			size_t row = i / ldc, col = i % ldc;
			float want = begin[i];

			if (col < n)
				want = by_definition(a_turned ? a + row : a + row * lda, a_turned ? lda : 1,
						     b_turned ? b + col : b + col * ldb, b_turned ? ldb : 1,
						     k, beta > 0.0f ? begin + i : NULL);
			if (memcmp(first + i, &want, sizeof(want)) != 0)
				fail_msg("%s %zux%zux%zu (%zu, %zu): %a, by definition %a", name, m, n, k,
					 row, col, (double)first[i], (double)want);
		}
		mem_free(a);
		mem_free(b);
		mem_free(c);
		mem_free(begin);
		mem_free(first);
	}
}

/* What a panel has beyond n reaches no result: it is NaN here. */
static void tile_panels(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b,
			size_t ldb, size_t m, size_t n, size_t k, float beta)
{
	size_t panels = (n + GEMM_PANEL - 1) / GEMM_PANEL, apart = (k + 3) * GEMM_PANEL;
	float *laid = mem_alloc(panels * apart, sizeof(*laid));

	(void)p;
	for (size_t i = 0; i < panels * apart; i++)
		laid[i] = __builtin_nanf("");
	for (size_t d = 0; d < k; d++)
		for (size_t j = 0; j < n; j++)
			laid[j / GEMM_PANEL * apart + d * GEMM_PANEL + j % GEMM_PANEL] = b[d * ldb + j];
	gemm_tile_panels(c, ldc, a, lda, laid, apart, m, n, k, beta);
	mem_free(laid);
}

static void tile_nt(struct par *p, float *c, size_t ldc, const float *a, size_t lda, const float *b,
		    size_t ldb, size_t m, size_t n, size_t k, float beta)
{
	(void)p;
	gemm_tile_nt(c, ldc, a, lda, b, ldb, m, n, k, beta);
}

static void dense_products_are_what_the_header_says(void **state)
{
	(void)state;
	for (int beta = 0; beta < 2; beta++) {
		dense_test("nn", gemm_nn, 0, 1, (float)beta);
		dense_test("tn", gemm_tn, 1, 1, (float)beta);
		dense_test("nt", gemm_nt, 0, 0, (float)beta);
		dense_test("tile panels", tile_panels, 0, 1, (float)beta);
		dense_test("tile nt", tile_nt, 0, 0, (float)beta);
	}
}

static void a_row_alone_is_the_row_in_a_batch(void **state)
{
	static const enum dtype formats[] = { DT_F32, DT_BF16, DT_F16, DT_MXFP4 };
	enum { ROWS = 75, OUT = 107, IN = 544 };
	struct par *p = workers(2);
	float *x = random_floats("x", 3, ROWS * IN), *all = mem_alloc(ROWS * OUT, sizeof(*all));
	float *some = mem_alloc(ROWS * OUT, sizeof(*some));

	(void)state;
	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		struct stored w = random_stored(formats[f], 5, OUT, IN);

		gemm_weight(p, all, x, ROWS, &w.t, NULL);
		for (size_t n = 1; n <= 20; n++)
			for (size_t first = 0; first + n <= ROWS; first += 18) {
				gemm_weight(p, some, x + first * IN, n, &w.t, NULL);
				if (memcmp(some, all + first * OUT, n * OUT * sizeof(*all)) != 0)
					fail_msg("%s: rows %zu..%zu differ from those of the batch",
						 dtype_name(formats[f]), first, first + n - 1);
			}
		stored_release(&w);
	}
	mem_free(x);
	mem_free(all);
	mem_free(some);
	par_free(p);
}

/* Values that round, overflow, vanish and are not numbers. */
static void fill_hard(float *x, size_t n, uint64_t seed)
{
	static const float hard[] = { 0x1p-149f, -0x1p-126f, 0x1.fffffep127f, -0x1p64f,
				      0x1p-64f,	 -0.0f,	     0x1.000002p0f };
	struct rng r = rng_stream(seed, "hard", 0);

	for (size_t i = 0; i < n; i++) {
		uint64_t u = rng_u64(r, i);
		uint32_t bits = (uint32_t)(u >> 32);

		if (u % 4 == 0)
			x[i] = hard[u / 4 % (sizeof(hard) / sizeof(hard[0]))];
		else if (u % 4 == 1)
			bits = (bits & 0x807fffffu) | (100 + (bits >> 23 & 31)) << 23,
			memcpy(x + i, &bits, sizeof(bits));
		else
			x[i] = (float)(int32_t)bits * 0x1p-31f;
	}
}

static int same_float(float a, float b)
{
	return memcmp(&a, &b, sizeof(a)) == 0 || (a != a && b != b);
}

static void every_kernel_multiplies_as_the_plain_one(void **state)
{
	float *left = mem_alloc(GEMM_CHUNK * GEMM_MR, sizeof(*left)),
	      *eight = mem_alloc(GEMM_CHUNK * GEMM_MR, sizeof(*eight)), /* as the plain kernel has it */
		      *right = mem_alloc(GEMM_CHUNK * 64, sizeof(*right));

	(void)state;
	assert_non_null(gemm_kernel_at(0));
	for (size_t i = 0; gemm_kernel_at(i); i++)
		for (uint64_t seed = 0; seed < 200; seed++) {
			const struct gemm_kernel *kernel = gemm_kernel_at(i);
			struct rng r = rng_stream(seed, "kernel", 0);
			size_t rows = kernel->rows;
			size_t m = 1 + rng_below(r, 0, rows), n = 1 + rng_below(r, 1, kernel->columns);
			size_t depth = 1 + rng_below(r, 2, GEMM_CHUNK), ldr = 48 + rng_below(r, 3, 16);
			float got[GEMM_MR * 50], want[GEMM_MR * 50];

			if (seed % 3 == 0)
				ldr = kernel->columns; /* as in a panel */
			fill_hard(left, GEMM_CHUNK * GEMM_MR, seed);
			for (size_t k = 0; k < depth; k++)
				memcpy(eight + k * GEMM_MR, left + k * rows, rows * sizeof(*left));
			fill_hard(right, GEMM_CHUNK * 64, seed + 1000);
			fill_hard(got, GEMM_MR * 50, seed + 2000);
			memcpy(want, got, sizeof(want));
			kernel->multiply(&(struct gemm_block){ got, left, right, 50, ldr, m, n, depth,
							       (int)(seed % 2) });
			gemm_kernel_plain.multiply(&(struct gemm_block){ want, eight, right, 50, ldr, m, n,
									 depth, (int)(seed % 2) });
			for (size_t c = 0; c < GEMM_MR * 50; c++)
				if (!same_float(got[c], want[c]))
					fail_msg("%s seed %d %zux%zux%zu: value %zu is %a, plain %a",
						 kernel->name, (int)seed, m, n, depth, c, (double)got[c],
						 (double)want[c]);
			for (size_t c = 0; c < m * n; c++) { /* and the plain one as libm's fmaf */
				float sum = 0.0f, begin[GEMM_MR * 50];

				for (size_t k = 0; k < depth; k++)
					sum = fmaf(eight[k * GEMM_MR + c / n], right[k * ldr + c % n], sum);
				fill_hard(begin, GEMM_MR * 50, seed + 2000);
				sum = seed % 2 ? begin[c / n * 50 + c % n] + sum : sum;
				if (i == 0 && !same_float(want[c / n * 50 + c % n], sum))
					fail_msg("plain seed %d: value %zu is %a, fmaf %a", (int)seed, c,
						 (double)want[c / n * 50 + c % n], (double)sum);
			}
		}
	mem_free(left);
	mem_free(eight);
	mem_free(right);
}

/* Every stored bit pattern: special values too. */
static void every_kernel_turns_and_multiplies_stored_rows_alike(void **state)
{
	enum { ROWS = 43, COLS = 320, WIDTH = 48, FEW = GEMM_FEW_COLUMNS };
	static const enum dtype formats[] = { DT_F32, DT_BF16, DT_F16, DT_MXFP4 };
	float *panel = mem_alloc(COLS * WIDTH, sizeof(*panel)), *wide = mem_alloc(ROWS * COLS, sizeof(*wide));
	float *x = random_floats("x", 9, GEMM_FEW * COLS), *y = mem_alloc(GEMM_FEW * ROWS, sizeof(*y));

	(void)state;
	for (size_t i = 0; gemm_kernel_at(i); i++)
		for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
			const struct gemm_kernel *kernel = gemm_kernel_at(i);
			struct stored w = random_stored(formats[f], f, ROWS, COLS);
			uint8_t *p = w.held + 2;

			if (!kernel->right[formats[f]]) {
				stored_release(&w);
				continue;
			}
			for (size_t b = 0; b < dtype_bytes(formats[f], ROWS * COLS); b++)
				p[b] = (uint8_t)rng_u64(rng_stream(f, "bits", 0), b);
			for (size_t b = 0; b < ROWS * COLS / 32; b++)
				w.scale[b] = (uint8_t)b;
			dtype_widen(wide, &w.t, 0, ROWS * COLS);
			for (size_t m = 1; m <= ROWS; m += 7)
				for (size_t depth = formats[f] == DT_MXFP4 ? 32 : 5; depth <= 256;
				     depth += formats[f] == DT_MXFP4 ? 32 : 41) {
					struct gemm_rows rows = {
						.data = p, .scale = w.scale, .ld = COLS, .width = WIDTH
					};

					kernel->right[formats[f]](panel, &rows, m, depth);
					for (size_t c = 0; c < m * depth; c++) {
						size_t r = c / depth, k = c % depth;

						if (!same_float(panel[k * WIDTH + r], wide[r * COLS + k]))
							fail_msg("%s %s: row %zu column %zu is %a, not %a",
								 kernel->name, dtype_name(formats[f]), r, k,
								 (double)panel[k * WIDTH + r],
								 (double)wide[r * COLS + k]);
					}
				}
			for (size_t n = 1; kernel->few[formats[f]] && n <= GEMM_FEW; n++)
				for (size_t depth = 32; depth <= COLS;
				     depth += formats[f] == DT_MXFP4 ? 96 : 83) {
					struct gemm_rows rows = { .data = p, .scale = w.scale, .ld = COLS };

					kernel->few[formats[f]](
						&(struct gemm_few){ y, x, rows, FEW, n, FEW, depth, 0 });
					for (size_t c = 0; c < n * FEW; c++) {
						size_t stride = n > 1 ? GEMM_MR : 1;
						float want =
							by_definition(x + c / FEW, stride,
								      wide + c % FEW * COLS, 1, depth, NULL);

						if (!same_float(y[c], want))
							fail_msg("%s %s: few (%zu, %zu) is %a, not %a",
								 kernel->name, dtype_name(formats[f]),
								 c / FEW, c % FEW, (double)y[c],
								 (double)want);
					}
				}
			stored_release(&w);
		}
	mem_free(panel);
	mem_free(wide);
	mem_free(x);
	mem_free(y);
}

static void nothing_to_sum_is_zero(void **state)
{
	struct par *p = workers(2);
	float c[6] = { 1, 2, 3, 4, 5, 6 };
	const float bias[3] = { 7, 8, 9 };
	struct tensor w = { .dtype = DT_F32, .rows = 3, .cols = 0, .data = bias };

	(void)state;
	gemm_nn(p, c, 3, c, 0, c, 3, 2, 3, 0, 1.0f);
	for (size_t i = 0; i < 6; i++)
		assert_true(c[i] == (float)(i + 1));
	gemm_weight(p, c, bias, 2, &w, bias);
	for (size_t i = 0; i < 6; i++)
		assert_true(c[i] == bias[i % 3]);
	gemm_nt(p, c, 3, bias, 0, bias, 0, 2, 3, 0, 0.0f);
	for (size_t i = 0; i < 6; i++)
		assert_true(c[i] == 0.0f);
	gemm_nn(p, NULL, 0, NULL, 0, NULL, 0, 0, 0, 4, 0.0f);
	par_free(p);
}

/* The same on every machine, at every optimisation, by every compiler. */
static void bits_are_those_of_every_machine(void **state)
{
	enum { M = 30, N = 70, K = 700 };
	struct par *p = workers(2);
	float *a = random_floats("a", 1, M * K), *b = random_floats("b", 1, N * K),
	      *c = mem_alloc(M * N, sizeof(*c));
	char hex[65];

	(void)state;
	gemm_nt(p, c, N, a, K, b, K, M, N, K, 0.0f);
	digest_hex(hex, digest_of(c, M * N * sizeof(*c)));
	assert_string_equal(hex, "832e0363d22752fd71685d5ae88137972a6c7ecc102f3108171a55f363aac400");
	mem_free(a);
	mem_free(b);
	mem_free(c);
	par_free(p);
}

static void setup_names_what_is_wrong(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(gemm_setup(NULL, &e), 0);
	assert_int_equal(gemm_setup(gemm_backend(), &e), 0);
	assert_int_equal(gemm_setup("OpenBLAS", &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_string_equal(e.msg, "products are computed as fused-256 here, not as OpenBLAS");
	assert_non_null(gemm_machine());
}

#if defined(__x86_64__)

/* Bits 6 and 15 of MXCSR take denormals for zero and flush them; 13 rounds downward. */
static void setup_notices_another_floating_point_mode(void **state)
{
	static const unsigned wrong[] = { 1u << 6, 1u << 15, 1u << 13 };
	unsigned good = __builtin_ia32_stmxcsr();

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err e = ERR_INIT;
		int status;

		__builtin_ia32_ldmxcsr(good | wrong[i]);
		status = gemm_setup(NULL, &e);
		__builtin_ia32_ldmxcsr(good);
		if (status == 0)
			fail_msg("MXCSR with %x passes", wrong[i]);
	}
}

#else

static void setup_notices_another_floating_point_mode(void **state)
{
	(void)state;
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setup_names_what_is_wrong),
		cmocka_unit_test(setup_notices_another_floating_point_mode),
		cmocka_unit_test(every_kernel_multiplies_as_the_plain_one),
		cmocka_unit_test(every_kernel_turns_and_multiplies_stored_rows_alike),
		cmocka_unit_test(weights_of_every_format_are_what_the_header_says),
		cmocka_unit_test(dense_products_are_what_the_header_says),
		cmocka_unit_test(a_row_alone_is_the_row_in_a_batch),
		cmocka_unit_test(nothing_to_sum_is_zero),
		cmocka_unit_test(bits_are_those_of_every_machine),
	};

	return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
