#ifndef NUM_FMATH_LANES_H
#define NUM_FMATH_LANES_H

#include "num/lanes.h"

/*
 * The kernels behind fmath.h's float functions, eight lanes at a time, to be inlined into the CLONES of
 * fmath.c and ops.c.  Polynomials are interpolations at Chebyshev nodes of the functions named, computed in
 * quadruple precision and rounded.  In place.
 */

/* exp(r) = 1 + r + r^2 P(r) on |r| <= ln(2)/2, scaled by 2^n in two steps so that denormals round once. P is
 * summed in pairs: the shorter chain counts more than the multiplication it costs. */
LANES_INLINE void lanes_exp(f32x8 *x)
{
	const float round = 0x1.8p23f; /* adding and taking it away rounds to an integer */
	const float ln2_hi = 0x1.62e4p-1f, ln2_lo = 0x1.7f7d1cp-20f;
	f32x8 t = *x * 0x1.715476p0f + round;
	f32x8 n = t - round;
	f32x8 r = (*x - n * ln2_hi) - n * ln2_lo, r2 = r * r;
	f32x8 a = r * 0.000198909882f + 0.00139336474f;
	f32x8 b = r * 0.00833331048f + 0.0416664667f;
	f32x8 p = r * 0.166666672f + 0.5f;
	u32x8 e = (u32x8)t - 0x4b400000u; /* beyond the limits below it wraps round */
	u32x8 low = (u32x8)((i32x8)e >> 1);

	p = p + r2 * (b + r2 * a);
	p = 1.0f + (r + r2 * p);
	p = p * (f32x8)((low + 127u) << 23);
	p = p * (f32x8)((e - low + 127u) << 23);
	/* beyond these n is no exponent, and p anything; NaN stays NaN */
	p = LANES_SELECT8(*x > 89.0f, (f32x8){ 0 } + __builtin_inff(), p);
	*x = LANES_SELECT8(*x < -104.0f, (f32x8){ 0 }, p);
}

/* |x| < 0.625: x + x z P(z), z = x^2; beyond: 1 - 2 / (exp(2|x|) + 1), with the sign put back. */
LANES_INLINE void lanes_tanh(f32x8 *x)
{
	i32x8 sign = (i32x8)*x & INT32_MIN;
	f32x8 a = (f32x8)((i32x8)*x ^ sign);
	f32x8 z = *x * *x;
	f32x8 e = a + a;
	f32x8 p;

	lanes_exp(&e);
	e = 1.0f - 2.0f / (e + 1.0f);
	p = z * 0.00229274482f - 0.00834394526f;
	p = p * z + 0.0217689183f;
	p = p * z - 0.0539592579f;
	p = p * z + 0.133333042f;
	p = p * z - 0.333333343f;
	p = a + a * (z * p);
	p = LANES_SELECT8(a >= 0.625f, e, p);
	*x = (f32x8)((i32x8)p | sign);
}

/* |x| < 0.92: x + x P(x^2); beyond: 1 - exp(-Q(|x|)), Q = -log erfc on [0.9, 4]; erfc(4) is below half an
 * ulp. */
LANES_INLINE void lanes_erf(f32x8 *x)
{
	i32x8 sign = (i32x8)*x & INT32_MIN;
	f32x8 a = (f32x8)((i32x8)*x ^ sign);
	f32x8 z = *x * *x;
	f32x8 p, q;
	f32x8 b = LANES_SELECT8(a > 4.0f, (f32x8){ 0 } + 4.0f, a);

	q = b * -1.64306368e-06f + 4.61638592e-05f;
	q = q * b - 0.000597585749f;
	q = q * b + 0.00476262579f;
	q = q * b - 0.0264276378f;
	q = q * b + 0.110087164f;
	q = q * b + 0.631823897f;
	q = q * b + 1.13023102f;
	q = q * b - 0.000318539649f;
	q = -q;
	lanes_exp(&q);
	q = 1.0f - q;
	p = z * 8.39977802e-05f - 0.000815005042f;
	p = p * z + 0.00520171458f;
	p = p * z - 0.0268596914f;
	p = p * z + 0.112837009f;
	p = p * z - 0.376126349f;
	p = p * z + 0.128379166f;
	p = a + a * p;
	p = LANES_SELECT8(a >= 0.92f, q, p);
	*x = (f32x8)((i32x8)p | sign);
}

#endif
