#include "num/ops.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The oracle: the same equations in double, with the C library, one value after another. */

enum { LONGEST = 1100 };

static const size_t lengths[] = { 1, 2, 15, 16, 17, 31, 33, 64, 65, 100, 127, 128, 255, 513, LONGEST };

enum { N_LENGTHS = sizeof(lengths) / sizeof(lengths[0]) };

static void fill(float *x, size_t n, const char *name, uint64_t seed, double range)
{
	struct rng r = rng_stream(seed, name, 0);

	for (size_t i = 0; i < n; i++)
		x[i] = (float)((rng_unit(r, i) * 2.0 - 1.0) * range);
}

static void near(const char *name, size_t n, size_t i, float got, double want, double room)
{
	if (!(fabs((double)got - want) <= room))
		fail_msg("%s of %zu: value %zu is %.9g, oracle %.9g", name, n, i, (double)got, want);
}

static double sum_of(const float *x, size_t n)
{
	double s = 0.0;

	for (size_t i = 0; i < n; i++)
		s += (double)x[i];
	return s;
}

static void norms(void **state)
{
	static float x[LONGEST], gain[LONGEST], bias[LONGEST], y[LONGEST];

	(void)state;
	for (size_t k = 0; k < N_LENGTHS; k++) {
		size_t n = lengths[k];
		double squares = 0.0, mean, var = 0.0;

		fill(x, n, "x", k, 3.0);
		fill(gain, n, "gain", k, 1.0);
		fill(bias, n, "bias", k, 1.0);
		for (size_t i = 0; i < n; i++)
			squares += (double)x[i] * (double)x[i];
		mean = sum_of(x, n) / (double)n;
		for (size_t i = 0; i < n; i++)
			var += ((double)x[i] - mean) * ((double)x[i] - mean);
		for (int plus = 0; plus < 2; plus++) {
			op_rmsnorm(y, x, gain, n, 1e-5f, plus);
			for (size_t i = 0; i < n; i++)
				near("rmsnorm", n, i, y[i],
				     (double)x[i] / sqrt(squares / (double)n + (double)1e-5f) *
					     (plus + (double)gain[i]),
				     2e-6);
		}
		op_rmsnorm(y, x, NULL, n, 1e-5f, 0);
		near("rmsnorm, no gain", n, n - 1, y[n - 1],
		     (double)x[n - 1] / sqrt(squares / (double)n + (double)1e-5f), 2e-6);
		op_layernorm(y, x, gain, bias, n, 1e-5f);
		for (size_t i = 0; i < n; i++)
			near("layernorm", n, i, y[i],
			     ((double)x[i] - mean) / sqrt(var / (double)n + (double)1e-5f) * (double)gain[i] +
				     (double)bias[i],
			     4e-6);
		op_layernorm(y, x, NULL, NULL, n, 1e-5f);
		memcpy(gain, x, sizeof(gain));
		op_layernorm(gain, gain, NULL, NULL, n, 1e-5f);
		assert_memory_equal(gain, y, n * sizeof(*y));
	}
}

static void softmaxes(void **state)
{
	static float x[LONGEST], y[LONGEST];

	(void)state;
	for (size_t k = 0; k < N_LENGTHS; k++)
		for (int sink = 0; sink < 2; sink++) {
			size_t n = lengths[k];
			double sum = sink ? exp(1.5) : 0.0;
			float lse;

			fill(x, n, "x", k, 8.0);
			for (size_t i = 0; i < n; i++)
				sum += exp((double)x[i]);
			memcpy(y, x, sizeof(y));
			lse = sink ? op_softmax_sink(y, n, 1.5f) : op_softmax(y, n);
			near("softmax, its sum", n, 0, lse, log(sum), 2e-6);
			for (size_t i = 0; i < n; i++)
				near("softmax", n, i, y[i], exp((double)x[i]) / sum,
				     1e-6 * exp((double)x[i]) / sum + 1e-12);
			if (!sink)
				near("logsumexp", n, 0, op_logsumexp(x, n), log(sum), 2e-6);
		}
}

static void softmaxes_at_the_edges(void **state)
{
	float x[3] = { -INFINITY, -INFINITY, -INFINITY }, y[3] = { 1000.0f, -INFINITY, 1000.0f };

	(void)state;
	assert_true(op_softmax(x, 3) == -INFINITY);
	assert_true(x[0] == 0.0f && x[2] == 0.0f);
	assert_true(op_logsumexp(x, 0) == -INFINITY);
	near("softmax", 3, 0, op_softmax(y, 3), 1000.0 + log(2.0), 1e-4);
	assert_true(y[0] == 0.5f && y[1] == 0.0f && y[2] == 0.5f);
	x[0] = x[1] = x[2] = -INFINITY;
	near("softmax, only the sink", 3, 0, op_softmax_sink(x, 3, 2.0f), 2.0, 1e-6);
	assert_true(x[0] == 0.0f);
	near("softmax, nothing but a sink", 0, 0, op_softmax_sink(x, 0, 2.0f), 2.0, 1e-6);
}

static void gates(void **state)
{
	static float x[LONGEST], y[LONGEST], up[LONGEST];

	(void)state;
	for (size_t k = 0; k < N_LENGTHS; k++) {
		size_t n = lengths[k];

		fill(x, n, "x", k, 12.0);
		fill(up, n, "up", k, 12.0);
		memcpy(y, x, sizeof(y));
		op_gelu(y, n);
		for (size_t i = 0; i < n; i++)
			near("gelu", n, i, y[i], (double)x[i] * erfc(-(double)x[i] / sqrt(2.0)) / 2.0,
			     6e-7 * (1.0 + fabs((double)x[i])));
		memcpy(y, x, sizeof(y));
		op_gelu_tanh(y, n);
		for (size_t i = 0; i < n; i++) {
			double v = (double)x[i];

			near("gelu tanh", n, i, y[i],
			     v * (1.0 + tanh(0.79788456080286536 * (v + 0.044715 * v * v * v))) / 2.0,
			     6e-7 * (1.0 + fabs(v)));
		}
		memcpy(y, x, sizeof(y));
		op_silu(y, n);
		for (size_t i = 0; i < n; i++)
			near("silu", n, i, y[i], (double)x[i] / (1.0 + exp(-(double)x[i])),
			     4e-7 * (1e-6 + fabs((double)x[i])));
		memcpy(y, x, sizeof(y));
		op_softcap(y, n, 3.5f);
		for (size_t i = 0; i < n; i++)
			near("softcap", n, i, y[i], 3.5 * tanh((double)x[i] / 3.5), 2e-6);
		op_swiglu_clamped(y, x, up, n, 1.702f, 7.0f);
		for (size_t i = 0; i < n; i++) {
			double g = fmin((double)x[i], 7.0), u = fmax(fmin((double)up[i], 7.0), -7.0);

			near("swiglu", n, i, y[i], (u + 1.0) * g / (1.0 + exp(-(double)1.702f * g)), 1e-5);
		}
	}
}

/* Where the exponential over- or underflows the gates must end in 0 and x, not in NaN. */
static void gates_at_the_edges(void **state)
{
	static const float in[] = { -INFINITY, -1e30f, -200.0f, 200.0f, 1e30f, INFINITY, 0.0f };
	float x[7];

	(void)state;
	memcpy(x, in, sizeof(x));
	op_silu(x, 7);
	assert_true(x[1] == 0.0f && x[2] == 0.0f && x[3] == 200.0f && x[4] == 1e30f && x[5] == INFINITY &&
		    x[6] == 0.0f);
	memcpy(x, in, sizeof(x));
	op_gelu(x, 7);
	assert_true(x[1] == 0.0f && x[2] == 0.0f && x[3] == 200.0f && x[4] == 1e30f && x[5] == INFINITY &&
		    x[6] == 0.0f);
	memcpy(x, in, sizeof(x));
	op_gelu_tanh(x, 7);
	assert_true(x[1] == 0.0f && x[2] == 0.0f && x[3] == 200.0f && x[4] == 1e30f && x[5] == INFINITY &&
		    x[6] == 0.0f);
}

static void elementwise(void **state)
{
	static float x[LONGEST], y[LONGEST], z[LONGEST];

	(void)state;
	for (size_t k = 0; k < N_LENGTHS; k++) {
		size_t n = lengths[k];

		fill(x, n, "x", k, 2.0);
		fill(y, n, "y", k, 2.0);
		memcpy(z, y, sizeof(z));
		op_mul(z, x, n);
		op_add(z, x, n);
		op_axpy(z, 0.75f, x, n);
		op_scale(z, 1.25f, n);
		for (size_t i = 0; i < n; i++) {
			float want = y[i] * x[i];

			want = want + x[i];
			want = want + 0.75f * x[i];
			want = want * 1.25f;
			if (memcmp(z + i, &want, sizeof(want)) != 0)
				fail_msg("%zu of %zu: %a, not %a", i, n, (double)z[i], (double)want);
		}
	}
}

static void rope_turns_pairs(void **state)
{
	enum { HEADS = 3, WIDEST = 80 };
	static const size_t shapes[][2] = { { 8, 8 }, { 6, 4 }, { 64, 64 }, { 80, 32 }, { 80, 66 } };
	float x[HEADS * WIDEST], y[HEADS * WIDEST], c[WIDEST], s[WIDEST];

	(void)state;
	for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++) {
		size_t d = shapes[k][0], half = shapes[k][1] / 2;

		fill(x, HEADS * d, "x", k, 2.0);
		for (size_t i = 0; i < half; i++) {
			c[i] = (float)cos(0.3 * (double)(i + 1));
			s[i] = (float)sin(0.3 * (double)(i + 1));
		}
		memcpy(y, x, sizeof(y));
		op_rope(y, HEADS, d, 2 * half, c, s);
		for (size_t i = 0; i < HEADS * d; i++) {
			size_t at = i % d, pair = at % half;
			const float *head = x + i / d * d;
			double want = (double)x[i];

			if (at < half)
				want = (double)head[pair] * (double)c[pair] -
				       (double)head[pair + half] * (double)s[pair];
			else if (at < 2 * half)
				want = (double)head[pair + half] * (double)c[pair] +
				       (double)head[pair] * (double)s[pair];
			near("rope", d, i, y[i], want, 1e-6);
		}
	}
}

static void sums(void **state)
{
	static float x[LONGEST], y[LONGEST];

	(void)state;
	assert_true(op_dot(x, y, 0) == 0.0f && op_dot_d(x, y, 0) == 0.0 && op_sum_d(x, 0) == 0.0 &&
		    op_norm2_d(x, 0) == 0.0 && op_cosine_d(x, y, 0) == 0.0);
	for (size_t k = 0; k < N_LENGTHS; k++) {
		size_t n = lengths[k];
		double dot = 0.0, norm = 0.0, other = 0.0;

		fill(x, n, "x", k, 2.0);
		fill(y, n, "y", k, 2.0);
		for (size_t i = 0; i < n; i++) {
			dot += (double)x[i] * (double)y[i];
			norm += (double)x[i] * (double)x[i];
			other += (double)y[i] * (double)y[i];
		}
		near("dot", n, 0, op_dot(x, y, n), dot, 1e-6 * norm + 1e-7);
		assert_true(fabs(op_dot_d(x, y, n) - dot) < 1e-13 * norm);
		assert_true(fabs(op_sum_d(x, n) - sum_of(x, n)) < 1e-12);
		assert_true(fabs(op_norm2_d(x, n) - norm) < 1e-13 * norm);
		assert_true(fabs(op_cosine_d(x, y, n) - dot / sqrt(norm * other)) < 1e-12);
	}
}

/* The same on every machine, at every optimisation, by every compiler. */
static void bits_are_those_of_every_machine(void **state)
{
	static float x[LONGEST], y[LONGEST], g[LONGEST];
	struct sha256 sha;
	char hex[65];

	(void)state;
	sha256_init(&sha);
	for (size_t k = 0; k < N_LENGTHS; k++) {
		size_t n = lengths[k];
		double d[4];

		fill(x, n, "x", k, 9.0);
		fill(g, n, "g", k, 2.0);
		op_rmsnorm(y, x, g, n, 1e-6f, 1);
		sha256_add(&sha, y, n * sizeof(*y));
		op_layernorm(y, x, g, x, n, 1e-6f);
		sha256_add(&sha, y, n * sizeof(*y));
		memcpy(y, x, sizeof(y));
		y[0] = op_softmax_sink(y, n, 2.0f);
		sha256_add(&sha, y, n * sizeof(*y));
		op_swiglu_clamped(y, x, g, n, 1.702f, 7.0f);
		op_gelu(y, n);
		sha256_add(&sha, y, n * sizeof(*y));
		op_softcap(y, n, 30.0f);
		op_gelu_tanh(y, n);
		sha256_add(&sha, y, n * sizeof(*y));
		op_axpy(y, 0.3f, x, n);
		op_silu(y, n);
		op_rope(y, 1, n, n / 2 * 2, x, g);
		sha256_add(&sha, y, n * sizeof(*y));
		d[0] = op_dot_d(x, y, n);
		d[1] = op_sum_d(y, n);
		d[2] = op_norm2_d(y, n);
		d[3] = (double)op_dot(x, y, n);
		sha256_add(&sha, d, sizeof(d));
	}
	digest_hex(hex, sha256_end(&sha));
	assert_string_equal(hex, "3f5149fcad4aec9fb50f1ab2edd54f42c4ebb48e8fab05e2ca8fcb1c34047f6c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(norms),
		cmocka_unit_test(softmaxes),
		cmocka_unit_test(softmaxes_at_the_edges),
		cmocka_unit_test(gates),
		cmocka_unit_test(gates_at_the_edges),
		cmocka_unit_test(elementwise),
		cmocka_unit_test(rope_turns_pairs),
		cmocka_unit_test(sums),
		cmocka_unit_test(bits_are_those_of_every_machine),
	};

	return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
