#include "num/ops.h"

#include "num/fmath.h"
#include "num/fmath_lanes.h"
#include "num/lanes16.h"

#include <string.h>

/* As EACH_EIGHT. */
#define EACH_LANES(n, i, m) \
	for (size_t i = 0, m; i < (n) && (m = (n)-i < LANES ? (n)-i : LANES, 1); i += LANES)

LANES_INLINE void get(f32x16 *v, const float *p, size_t m)
{
	if (m == LANES)
		lanes_load(v, p);
	else
		lanes_load_part(v, p, m, 0.0f);
}

/* Sixteen sums, four to a register; folded as lanes_fold() does. */
CLONES double op_norm2_d(const float *x, size_t n)
{
	f64x4 s[4] = { { 0 } }, w;
	float rest[LANES] = { 0 };
	size_t i = 0;

	for (; i < n; i += LANES) {
		const float *p = x + i;

		if (n - i < LANES) {
			memcpy(rest, p, (n - i) * sizeof(*p));
			p = rest;
		}
		UNROLL(4)
		for (size_t k = 0; k < 4; k++) {
			w = (f64x4){ (double)p[4 * k], (double)p[4 * k + 1], (double)p[4 * k + 2],
				     (double)p[4 * k + 3] };
			s[k] += w * w;
		}
	}
	s[0] = (s[0] + s[2]) + (s[1] + s[3]);
	return (s[0][0] + s[0][2]) + (s[0][1] + s[0][3]);
}

CLONES double op_sum_d(const float *x, size_t n)
{
	struct lanes_double s = { { 0 }, { 0 } }, w;
	f32x16 v;

	EACH_LANES(n, i, m)
	{
		get(&v, x + i, m);
		lanes_widen(&w, &v);
		s.low += w.low;
		s.high += w.high;
	}
	return lanes_fold(&s);
}

CLONES double op_dot_d(const float *a, const float *b, size_t n)
{
	struct lanes_double s = { { 0 }, { 0 } }, x, y;
	f32x16 v, w;

	EACH_LANES(n, i, m)
	{
		get(&v, a + i, m);
		get(&w, b + i, m);
		lanes_widen(&x, &v);
		lanes_widen(&y, &w);
		s.low += x.low * y.low;
		s.high += x.high * y.high;
	}
	return lanes_fold(&s);
}

CLONES float op_dot(const float *a, const float *b, size_t n)
{
	f32x16 s[4] = { { 0 } };
	f32x16 v, w;
	size_t i = 0;

	for (; i + 4 * LANES <= n; i += 4 * LANES)
		for (size_t j = 0; j < 4; j++) {
			lanes_load(&v, a + i + j * LANES);
			lanes_load(&w, b + i + j * LANES);
			s[j] += v * w;
		}
	for (size_t j = 0; i < n; i += LANES, j++) {
		size_t m = n - i < LANES ? n - i : LANES;

		get(&v, a + i, m);
		get(&w, b + i, m);
		s[j] += v * w;
	}
	s[0] = (s[0] + s[2]) + (s[1] + s[3]);
	return lanes_sum(&s[0]);
}

CLONES void op_rmsnorm(float *y, const float *x, const float *gain, size_t d, float eps, int plus_one)
{
	double mean = op_norm2_d(x, d) / (double)d;
	float inv = (float)(1.0 / fm_sqrt_d(mean + (double)eps));
	float one = plus_one ? 1.0f : 0.0f;
	f32x8 v, g;

	EACH_EIGHT(d, i, m)
	{
		lanes_get8(&v, x + i, m, 0.0f);
		v *= inv;
		if (gain) {
			lanes_get8(&g, gain + i, m, 0.0f);
			v *= one + g;
		}
		lanes_put8(y + i, &v, m);
	}
}

CLONES void op_layernorm(float *y, const float *x, const float *gain, const float *bias, size_t d, float eps)
{
	double mean = op_sum_d(x, d) / (double)d;
	struct lanes_double s = { { 0 }, { 0 } }, w;
	f32x16 v;
	f32x8 u, g;
	float inv, centre = (float)mean;

	EACH_LANES(d, i, m)
	{
		if (m == LANES)
			lanes_load(&v, x + i);
		else
			lanes_load_part(&v, x + i, m, centre);
		lanes_widen(&w, &v);
		w.low -= mean;
		w.high -= mean;
		s.low += w.low * w.low;
		s.high += w.high * w.high;
	}
	inv = (float)(1.0 / fm_sqrt_d(lanes_fold(&s) / (double)d + (double)eps));
	EACH_EIGHT(d, i, m)
	{
		lanes_get8(&u, x + i, m, 0.0f);
		u = (u - centre) * inv;
		if (gain) {
			lanes_get8(&g, gain + i, m, 0.0f);
			u *= g;
		}
		if (bias) {
			lanes_get8(&g, bias + i, m, 0.0f);
			u += g;
		}
		lanes_put8(y + i, &u, m);
	}
}

CLONES void op_mul(float *y, const float *x, size_t n)
{
	f32x8 v, w;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, y + i, m, 0.0f);
		lanes_get8(&w, x + i, m, 0.0f);
		v *= w;
		lanes_put8(y + i, &v, m);
	}
}

CLONES void op_add(float *y, const float *x, size_t n)
{
	f32x8 v, w;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, y + i, m, 0.0f);
		lanes_get8(&w, x + i, m, 0.0f);
		v += w;
		lanes_put8(y + i, &v, m);
	}
}

CLONES void op_axpy(float *y, float a, const float *x, size_t n)
{
	f32x8 v, w, by = (f32x8){ 0 } + a;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, y + i, m, 0.0f);
		lanes_get8(&w, x + i, m, 0.0f);
		v += by * w;
		lanes_put8(y + i, &v, m);
	}
}

CLONES void op_scale(float *y, float a, size_t n)
{
	f32x8 v, by = (f32x8){ 0 } + a;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, y + i, m, 0.0f);
		v *= by;
		lanes_put8(y + i, &v, m);
	}
}

CLONES float op_max(const float *x, size_t n, float least)
{
	f32x8 v, top[2];
	float most;
	size_t i = 0;

	top[0] = top[1] = (f32x8){ 0 } + least;
	for (; i + 2 * EIGHT <= n; i += 2 * EIGHT) {
		UNROLL(2)
		for (size_t k = 0; k < 2; k++) {
			lanes_load8(&v, x + i + k * EIGHT);
			top[k] = LANES_SELECT8(v > top[k], v, top[k]);
		}
	}
	for (; i < n; i += EIGHT) {
		lanes_get8(&v, x + i, n - i < EIGHT ? n - i : EIGHT, least);
		top[0] = LANES_SELECT8(v > top[0], v, top[0]);
	}
	top[0] = LANES_SELECT8(top[1] > top[0], top[1], top[0]);
	most = top[0][0];
	for (size_t k = 1; k < EIGHT; k++)
		most = top[0][k] > most ? top[0][k] : most;
	return most;
}

/* Sixteen sums, four to a register; folded as lanes_fold() does. */
CLONES double op_exp_sum(float *y, const float *x, size_t n, float top)
{
	f64x4 s[4] = { { 0 } };
	f32x8 v;

	for (size_t i = 0; i < n; i += 2 * EIGHT) {
		UNROLL(2)
		for (size_t k = 0; k < 2; k++) {
			size_t at = i + k * EIGHT, m = at >= n ? 0 : n - at < EIGHT ? n - at : EIGHT;

			if (m == 0)
				continue;
			lanes_get8(&v, x + at, m, -__builtin_inff());
			v -= top;
			lanes_exp(&v);
			s[2 * k] += __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3), f64x4);
			s[2 * k + 1] +=
				__builtin_convertvector(__builtin_shufflevector(v, v, 4, 5, 6, 7), f64x4);
			if (y)
				lanes_put8(y + at, &v, m);
		}
	}
	s[0] = (s[0] + s[2]) + (s[1] + s[3]);
	return (s[0][0] + s[0][2]) + (s[0][1] + s[0][3]);
}

/* Softmax with `extra` more in the denominator, given relative to nothing: exp(sink). */
static float softmax_over(float *x, size_t n, float top, double sink_weight)
{
	double sum;

	if (top == -__builtin_inff()) {
		memset(x, 0, n * sizeof(*x));
		return top;
	}
	sum = op_exp_sum(x, x, n, top) + sink_weight;
	op_scale(x, (float)(1.0 / sum), n);
	return (float)((double)top + fm_log_d(sum));
}

float op_softmax(float *x, size_t n)
{
	return softmax_over(x, n, op_max(x, n, -__builtin_inff()), 0.0);
}

float op_softmax_sink(float *x, size_t n, float sink)
{
	float top = op_max(x, n, -__builtin_inff());

	top = sink > top ? sink : top;
	return softmax_over(x, n, top, (double)fm_exp(sink - top));
}

float op_logsumexp(const float *x, size_t n)
{
	float top = op_max(x, n, -__builtin_inff());

	if (top == -__builtin_inff())
		return top;
	return (float)((double)top + fm_log_d(op_exp_sum(NULL, x, n, top)));
}

CLONES void op_gelu(float *x, size_t n)
{
	f32x8 v, e;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, x + i, m, 0.0f);
		e = v * 0x1.6a09e6p-1f;
		lanes_erf(&e);
		v = 0.5f * v * (1.0f + e);
		lanes_put8(x + i, &v, m);
	}
}

CLONES void op_gelu_tanh(float *x, size_t n)
{
	f32x8 v, t;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, x + i, m, 0.0f);
		t = 0x1.988454p-1f * (v + 0.044715f * (v * v * v)); /* sqrt(2 / pi) */
		lanes_tanh(&t);
		v = 0.5f * v * (1.0f + t);
		lanes_put8(x + i, &v, m);
	}
}

CLONES void op_silu(float *x, size_t n)
{
	f32x8 v, e;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, x + i, m, 0.0f);
		e = -v;
		lanes_exp(&e);
		v = v / (1.0f + e);
		lanes_put8(x + i, &v, m);
	}
}

CLONES void op_softcap(float *x, size_t n, float cap)
{
	f32x8 v;

	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&v, x + i, m, 0.0f);
		v /= cap;
		lanes_tanh(&v);
		v *= cap;
		lanes_put8(x + i, &v, m);
	}
}

CLONES void op_swiglu_clamped(float *y, const float *gate, const float *up, size_t n, float alpha,
			      float limit)
{
	f32x8 g, u, e, top;

	top = (f32x8){ 0 } + limit;
	EACH_EIGHT(n, i, m)
	{
		lanes_get8(&g, gate + i, m, 0.0f);
		lanes_get8(&u, up + i, m, 0.0f);
		g = LANES_SELECT8(g > limit, top, g);
		u = LANES_SELECT8(u > limit, top, u);
		u = LANES_SELECT8(u < -limit, -top, u);
		e = -(alpha * g);
		lanes_exp(&e);
		g = g / (1.0f + e);
		g = (u + 1.0f) * g;
		lanes_put8(y + i, &g, m);
	}
}

CLONES void op_rope(float *x, size_t n_heads, size_t d_head, size_t d_rotary, const float *cos,
		    const float *sin)
{
	size_t half = d_rotary / 2;
	f32x8 a, b, c, s, t;

	for (size_t h = 0; h < n_heads; h++, x += d_head)
		EACH_EIGHT(half, i, m)
		{
			lanes_get8(&a, x + i, m, 0.0f);
			lanes_get8(&b, x + half + i, m, 0.0f);
			lanes_get8(&c, cos + i, m, 0.0f);
			lanes_get8(&s, sin + i, m, 0.0f);
			t = a * c - b * s;
			b = b * c + a * s;
			lanes_put8(x + i, &t, m);
			lanes_put8(x + half + i, &b, m);
		}
}

double op_cosine_d(const float *a, const float *b, size_t n)
{
	double norms = op_norm2_d(a, n) * op_norm2_d(b, n);

	return norms > 0 ? op_dot_d(a, b, n) / fm_sqrt_d(norms) : 0;
}
