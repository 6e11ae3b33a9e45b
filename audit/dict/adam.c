#include "dict/adam.h"

#include "num/fmath.h"
#include "num/lanes.h"

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

LANES_INLINE void step(const struct adam *a, f32x16 *p, f32x16 *m, f32x16 *v, const f32x16 *g)
{
	const float tiny = 0x1p-100f;
	f32x16 zero = { 0 }, scaled = *g * a->clip, root = { 0 };

	*m = *m * a->beta1 + scaled * a->rest1;
	*v = *v * a->beta2 + scaled * scaled * a->rest2;
	*m = LANES_SELECT((*m < tiny) & (*m > -tiny), zero, *m);
	*v = LANES_SELECT(*v < tiny, zero, *v);
	for (size_t i = 0; i < LANES; i++)
		root[i] = __builtin_sqrtf((*v)[i]);
	*p -= *m * a->rate / (root * a->root + a->eps);
}

CLONES void adam_row(const struct adam *a, float *p, float *m, float *v, const float *g, size_t n)
{
	f32x16 x, y, z, w = { 0 };
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		lanes_load(&x, p + i);
		lanes_load(&y, m + i);
		lanes_load(&z, v + i);
		if (g)
			lanes_load(&w, g + i);
		step(a, &x, &y, &z, &w);
		lanes_store(p + i, &x);
		lanes_store(m + i, &y);
		lanes_store(v + i, &z);
	}
	if (i == n)
		return;
	lanes_load_part(&x, p + i, n - i, 0.0f);
	lanes_load_part(&y, m + i, n - i, 0.0f);
	lanes_load_part(&z, v + i, n - i, 0.0f);
	if (g)
		lanes_load_part(&w, g + i, n - i, 0.0f);
	step(a, &x, &y, &z, &w);
	lanes_store_part(p + i, &x, n - i);
	lanes_store_part(m + i, &y, n - i);
	lanes_store_part(v + i, &z, n - i);
}
