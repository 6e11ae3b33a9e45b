#include "model/running.h"

#include "num/fmath_lanes.h"

CLONES float running_max(const float *x, size_t n, float least)
{
	f32x16 v, top;
	size_t i = 0;

	lanes_fill(&top, least);
	for (; i + LANES <= n; i += LANES) {
		lanes_load(&v, x + i);
		top = LANES_SELECT(v > top, v, top);
	}
	if (i < n) {
		lanes_load_part(&v, x + i, n - i, least);
		top = LANES_SELECT(v > top, v, top);
	}
	return lanes_max(&top);
}

CLONES double running_exp(float *x, size_t n, float top)
{
	f64x16 s = { 0 };
	f32x16 v;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		lanes_load(&v, x + i);
		v -= top;
		lanes_exp(&v);
		s += __builtin_convertvector(v, f64x16);
		lanes_store(x + i, &v);
	}
	if (i < n) {
		lanes_load_part(&v, x + i, n - i, -__builtin_inff());
		v -= top;
		lanes_exp(&v);
		s += __builtin_convertvector(v, f64x16);
		lanes_store_part(x + i, &v, n - i);
	}
	return lanes_sum_d(&s);
}
