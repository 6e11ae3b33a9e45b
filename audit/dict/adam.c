#include "dict/adam.h"

#include "base/mem.h"
#include "base/rng.h"
#include "num/fmath.h"
#include "num/lanes.h"

#include <string.h>

static double power(double x, size_t t)
{
	return x > 0.0 ? fm_pow_d(x, (double)t) : 0.0;
}

struct adam adam_at(const struct adam_opts *o, size_t t, double clip, uint64_t seed)
{
	uint64_t key = rng_u64(rng_stream(seed, "adam.rounding", 0), t);

	return (struct adam){
		.beta1 = (float)o->beta1,
		.rest1 = (float)(1.0 - o->beta1),
		.beta2 = (float)o->beta2,
		.rest2 = (float)(1.0 - o->beta2),
		.rate = (float)(o->lr / (1.0 - power(o->beta1, t))),
		.root = (float)(1.0 / __builtin_sqrt(1.0 - power(o->beta2, t))),
		.eps = (float)o->eps,
		.clip = (float)clip,
		.key = { (uint32_t)key, (uint32_t)(key >> 32) },
	};
}

/* ---- a step of eight parameters ---- */

/* x where the mask is set, else 0 */
#define OR_ZERO(mask, x) ((f32x8)((i32x8)(x) & (mask)))

/* Parameters x, moments y and z, gradients w. */
LANES_INLINE void advance(const struct adam *a, f32x8 *x, f32x8 *y, f32x8 *z, f32x8 *w)
{
	const float tiny = 0x1p-100f;
	f32x8 root = { 0 };

	*w *= a->clip;
	*y = *y * a->beta1 + *w * a->rest1;
	*z = *z * a->beta2 + *w * *w * a->rest2;
	*y = OR_ZERO((*y >= tiny) | (*y <= -tiny), *y);
	*z = OR_ZERO(*z >= tiny, *z);
	for (size_t i = 0; i < EIGHT; i++)
		root[i] = __builtin_sqrtf((*z)[i]);
	*x -= *y * a->rate / (root * a->root + a->eps);
}

typedef uint16_t u16x8 __attribute__((vector_size(16)));

LANES_INLINE void widen(f32x8 *to, const uint16_t *from)
{
	u16x8 h;

	memcpy(&h, from, sizeof(h));
	*to = (f32x8)(__builtin_convertvector(h, u32x8) << 16);
}

/* Up with the probability that the bits which are dropped say: `drawn` (16 bits) is added to them. */
LANES_INLINE void narrow(uint16_t *to, const f32x8 *from, const u32x8 *drawn)
{
	u16x8 h = __builtin_convertvector(((u32x8)*from + *drawn) >> 16, u16x8);

	memcpy(to, &h, sizeof(h));
}

/* 32 bits for each of parameters `at` .. : their numbers under the step's key, mixed as xxHash ends (Collet,
 * XXH32's avalanche).  Philox would take as long as all the rest of a step. */
LANES_INLINE void draw(u32x8 *r, const struct adam *a, size_t at)
{
	*r = (uint32_t)at + (u32x8){ 0, 1, 2, 3, 4, 5, 6, 7 };
	*r = (*r ^ a->key[0]) * 0x9e3779b1u + (a->key[1] ^ (uint32_t)((uint64_t)at >> 32));
	*r = (*r ^ *r >> 15) * 0x85ebca77u;
	*r = (*r ^ *r >> 13) * 0xc2b2ae3du;
	*r ^= *r >> 16;
}

/* The format is a constant in every call, so each use is compiled for one. */
LANES_INLINE void step(const struct adam *a, enum adam_format format, float *p, void *m, void *v, size_t at,
		       const float *g)
{
	f32x8 x, y, z, w = { 0 };
	u32x8 r, low;

	lanes_load8(&x, p);
	if (format == ADAM_BF16) {
		widen(&y, m);
		widen(&z, v);
	} else {
		lanes_load8(&y, m);
		lanes_load8(&z, v);
	}
	if (g)
		lanes_load8(&w, g);
	advance(a, &x, &y, &z, &w);
	lanes_store8(p, &x);
	if (format == ADAM_BF16) {
		draw(&r, a, at);
		low = r & 0xffffu;
		r >>= 16;
		narrow(m, &y, &low);
		narrow(v, &z, &r);
	} else {
		lanes_store8(m, &y);
		lanes_store8(v, &z);
	}
}

/* ---- of a row ---- */

LANES_INLINE size_t moment_bytes(enum adam_format format)
{
	return format == ADAM_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* What is left of a row, with zeros to its right. */
struct rest {
	float p[EIGHT], g[EIGHT], m[EIGHT], v[EIGHT];
};

LANES_INLINE void row(const struct adam *a, enum adam_format format, float *p, char *m, char *v, size_t at,
		      const float *g, size_t n)
{
	struct rest rest = { .p = { 0 } };
	size_t each = moment_bytes(format), i = 0;

	for (; i + EIGHT <= n; i += EIGHT)
		step(a, format, p + i, m + i * each, v + i * each, at + i, g ? g + i : NULL);
	if (i == n)
		return;
	n -= i;
	memcpy(rest.p, p + i, n * sizeof(*p));
	memcpy(rest.m, m + i * each, n * each);
	memcpy(rest.v, v + i * each, n * each);
	if (g)
		memcpy(rest.g, g + i, n * sizeof(*g));
	step(a, format, rest.p, rest.m, rest.v, at + i, rest.g);
	memcpy(p + i, rest.p, n * sizeof(*p));
	memcpy(m + i * each, rest.m, n * each);
	memcpy(v + i * each, rest.v, n * each);
}

CLONES static void row_f32(const struct adam *a, float *p, char *m, char *v, const float *g, size_t n)
{
	row(a, ADAM_F32, p, m, v, 0, g, n);
}

CLONES static void row_bf16(const struct adam *a, float *p, char *m, char *v, size_t at, const float *g,
			    size_t n)
{
	row(a, ADAM_BF16, p, m, v, at, g, n);
}

/* ---- the state ---- */

size_t adam_state_bytes(size_t n, enum adam_format format)
{
	size_t both = 2 * moment_bytes(format);

	return n > SIZE_MAX / both ? SIZE_MAX : n * both;
}

int adam_state_new(struct adam_state *s, size_t n, enum adam_format format, struct err *e)
{
	*s = (struct adam_state){ .format = format, .n = n };
	return mem_reserve(&s->memory, adam_state_bytes(n, format), 1, "Adam's moments", e);
}

void adam_state_release(struct adam_state *s)
{
	mem_free(s->memory);
	s->memory = NULL;
}

bool adam_state_valid(const struct adam_state *s, const void *memory)
{
	const float *wide = memory;
	const uint16_t *half = memory;

	for (size_t i = 0; i < 2 * s->n; i++) {
		uint32_t bits = s->format == ADAM_BF16 ? (uint32_t)half[i] << 16 : 0;
		float x;

		if (s->format == ADAM_BF16)
			memcpy(&x, &bits, sizeof(x));
		else
			x = wide[i];
		if (!__builtin_isfinite(x) || (i >= s->n && x < 0.0f))
			return false;
	}
	return true;
}

void adam_state_swap(struct adam_state *s, size_t i, size_t k, size_t n)
{
	size_t each = moment_bytes(s->format);

	for (size_t moment = 0; moment < 2; moment++) {
		char *a = (char *)s->memory + (moment * s->n + i) * each;
		char *b = (char *)s->memory + (moment * s->n + k) * each;

		for (size_t c = 0; c < n * each; c++) {
			char x = a[c];

			a[c] = b[c];
			b[c] = x;
		}
	}
}

void adam_state_clear(struct adam_state *s, size_t i, size_t n)
{
	size_t each = moment_bytes(s->format);

	for (size_t moment = 0; moment < 2; moment++)
		memset((char *)s->memory + (moment * s->n + i) * each, 0, n * each);
}

void adam_state_step(struct adam_state *s, const struct adam *a, float *p, size_t at, const float *g,
		     size_t n)
{
	size_t each = moment_bytes(s->format);
	char *m = (char *)s->memory + at * each, *v = m + s->n * each;

	if (s->format == ADAM_BF16)
		row_bf16(a, p, m, v, at, g, n);
	else
		row_f32(a, p, m, v, g, n);
}
