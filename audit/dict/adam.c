#include "dict/adam.h"

#include "num/fmath.h"
#include "num/lanes.h"

#include <string.h>

static double power(double x, size_t t)
{
	return x > 0.0 ? fm_pow_d(x, (double)t) : 0.0;
}

struct adam adam_at(const struct adam_opts *o, size_t t, double clip)
{
	return (struct adam){
		.beta1 = (float)o->beta1,
		.rest1 = (float)(1.0 - o->beta1),
		.beta2 = (float)o->beta2,
		.rest2 = (float)(1.0 - o->beta2),
		.rate = (float)(o->lr / (1.0 - power(o->beta1, t))),
		.root = (float)(1.0 / __builtin_sqrt(1.0 - power(o->beta2, t))),
		.eps = (float)o->eps,
		.clip = (float)clip,
	};
}

/* x where the mask is set, else 0 */
#define OR_ZERO(mask, x) ((f32x8)((i32x8)(x) & (mask)))

LANES_INLINE void step(const struct adam *a, float *p, float *m, float *v, const float *g)
{
	const float tiny = 0x1p-100f;
	f32x8 x, y, z, w = { 0 }, root = { 0 };

	lanes_load8(&x, p);
	lanes_load8(&y, m);
	lanes_load8(&z, v);
	if (g)
		lanes_load8(&w, g);
	w *= a->clip;
	y = y * a->beta1 + w * a->rest1;
	z = z * a->beta2 + w * w * a->rest2;
	y = OR_ZERO((y >= tiny) | (y <= -tiny), y);
	z = OR_ZERO(z >= tiny, z);
	for (size_t i = 0; i < EIGHT; i++)
		root[i] = __builtin_sqrtf(z[i]);
	x -= y * a->rate / (root * a->root + a->eps);
	lanes_store8(p, &x);
	lanes_store8(m, &y);
	lanes_store8(v, &z);
}

CLONES void adam_row(const struct adam *a, float *p, float *m, float *v, const float *g, size_t n)
{
	float part[4][EIGHT] = { { 0 } };
	size_t i = 0;

	for (; i + EIGHT <= n; i += EIGHT)
		step(a, p + i, m + i, v + i, g ? g + i : NULL);
	if (i == n)
		return;
	n -= i;
	memcpy(part[0], p + i, n * sizeof(*p));
	memcpy(part[1], m + i, n * sizeof(*m));
	memcpy(part[2], v + i, n * sizeof(*v));
	if (g)
		memcpy(part[3], g + i, n * sizeof(*g));
	step(a, part[0], part[1], part[2], part[3]);
	memcpy(p + i, part[0], n * sizeof(*p));
	memcpy(m + i, part[1], n * sizeof(*m));
	memcpy(v + i, part[2], n * sizeof(*v));
}
