#include "num/fmath.h"

#include "num/fmath_lanes.h"

#include <string.h>

/*
 * Double functions work on a pair (head, tail) where one double would lose too much: sums by Knuth's
 * TwoSum, products by Veltkamp's splitting and Dekker's product (Dekker 1971), so that no fused
 * multiply-add is needed or allowed.
 */

#define ARRAY_FORM(name, kernel)                             \
	CLONES void name(float *y, const float *x, size_t n) \
	{                                                    \
		f32x8 v;                                     \
                                                             \
		EACH_EIGHT(n, i, m)                          \
		{                                            \
			lanes_get8(&v, x + i, m, 0.0f);      \
			kernel(&v);                          \
			lanes_put8(y + i, &v, m);            \
		}                                            \
	}

ARRAY_FORM(fm_exp_n, lanes_exp)
ARRAY_FORM(fm_tanh_n, lanes_tanh)
ARRAY_FORM(fm_erf_n, lanes_erf)

/* The scalar forms are the array forms of one value: the same bits by construction. */
float fm_exp(float x)
{
	fm_exp_n(&x, &x, 1);
	return x;
}

float fm_tanh(float x)
{
	fm_tanh_n(&x, &x, 1);
	return x;
}

float fm_erf(float x)
{
	fm_erf_n(&x, &x, 1);
	return x;
}

float fm_log(float x)
{
	return (float)fm_log_d((double)x);
}

double fm_sqrt_d(double x)
{
	return __builtin_sqrt(x);
}

struct pair {
	double hi, lo;
};

static uint64_t bits_of(double x)
{
	uint64_t u;

	memcpy(&u, &x, sizeof(u));
	return u;
}

static double of_bits(uint64_t u)
{
	double x;

	memcpy(&x, &u, sizeof(x));
	return x;
}

static struct pair two_sum(double a, double b)
{
	double s = a + b;
	double t = s - a;

	return (struct pair){ s, (a - (s - t)) + (b - t) };
}

static struct pair fast_sum(double a, double b) /* |a| >= |b| or a = 0 */
{
	double s = a + b;

	return (struct pair){ s, b - (s - a) };
}

static struct pair two_product(double a, double b)
{
	const double split = 0x1p27 + 1.0;
	double p = a * b;
	double t = a * split;
	double ah = t - (t - a);
	double al = a - ah;
	double bh, bl;

	t = b * split;
	bh = t - (t - b);
	bl = b - bh;
	return (struct pair){ p, ((ah * bh - p) + ah * bl + al * bh) + al * bl };
}

static struct pair pair_product(struct pair a, struct pair b)
{
	struct pair p = two_product(a.hi, b.hi);

	return fast_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static struct pair pair_quotient(struct pair a, struct pair b)
{
	double q = a.hi / b.hi;
	struct pair z = two_product(q, b.hi);

	return fast_sum(q, ((a.hi - z.hi) - z.lo + a.lo - q * b.lo) / b.hi);
}

/* exp(hi + lo): r = hi + lo - n ln 2, Taylor to r^13 / 13! (remainder below 4e-18 of 1). */
static double exp_pair(double hi, double lo)
{
	static const double c[] = {
		1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
		1.0 / 362880.0,	    1.0 / 40320.0,     1.0 / 5040.0,	 1.0 / 720.0,
		1.0 / 120.0,	    1.0 / 24.0,	       1.0 / 6.0,	 0.5,
	};
	const double round = 0x1.8p52;
	double n, r, p = 0.0;
	struct pair s;
	int64_t e;

	if (hi != hi)
		return hi;
	if (hi > 710.0)
		return __builtin_inf();
	if (hi < -746.0)
		return 0.0;
	n = (hi * 0x1.71547652b82fep0 + round) - round;
	/* ln 2 with 11 low bits clear, so that n times it is exact */
	s = two_sum(hi - n * 0x1.62e42fefa38p-1, lo - n * 0x1.ef35793c7673p-45);
	r = s.hi;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		p = p * r + c[i];
	p = 1.0 + (r + (s.lo + s.lo * r + r * r * p));
	e = (int64_t)n;
	p *= of_bits((uint64_t)(e / 2 + 1023) << 52);
	return p * of_bits((uint64_t)(e - e / 2 + 1023) << 52);
}

double fm_exp_d(double x)
{
	return exp_pair(x, 0.0);
}

/* x = 2^e m with m in [sqrt(1/2), sqrt(2)); x finite and above 0. */
static double log_split(double x, double *e)
{
	double scale = 0.0;
	uint64_t u, m;

	if (x < 0x1p-1022) {
		x *= 0x1p54;
		scale = -54.0;
	}
	u = bits_of(x);
	m = u - 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
	*e = scale + (double)((int64_t)m >> 52);
	return of_bits((m & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu);
}

/* log(m) = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.172: 2s + 2s^3/3 + ..., the first terms as pairs. */
static struct pair log_pair(double x)
{
	double e, m = log_split(x, &e);
	struct pair s = pair_quotient((struct pair){ m - 1.0, 0.0 }, two_sum(m, 1.0));
	struct pair z = pair_product(s, s), cube, sum;
	double tail = 0.0;

	for (size_t i = 23; i >= 5; i -= 2)
		tail = tail * z.hi + 2.0 / (double)i;
	/* 2/3 as a pair; tail z^2 joins it */
	cube = two_sum(0x1.5555555555555p-1, 0x1.5555555555555p-55 + tail * z.hi);
	cube = pair_product(pair_product(cube, z), s);
	sum = two_sum(2.0 * s.hi, cube.hi);
	sum = fast_sum(sum.hi, sum.lo + (2.0 * s.lo + cube.lo));
	/* e ln 2, exact in its head */
	z = two_sum(e * 0x1.62e42fefa38p-1, sum.hi);
	return fast_sum(z.hi, z.lo + (sum.lo + e * 0x1.ef35793c7673p-45));
}

double fm_log_d(double x)
{
	if (x != x || x == __builtin_inf())
		return x;
	if (x == 0.0)
		return -__builtin_inf();
	if (x < 0.0)
		return __builtin_nan("");
	return log_pair(x).hi;
}

double fm_pow_d(double x, double y)
{
	struct pair l, p;

	if (x == 1.0 || y == 0.0)
		return 1.0;
	if (x != x || y != y || x < 0.0)
		return __builtin_nan("");
	if (x == 0.0 || x == __builtin_inf())
		return (x == 0.0) == (y > 0.0) ? 0.0 : __builtin_inf();
	l = log_pair(x);
	if (l.hi * y > 800.0 || l.hi * y < -800.0 || y - y != 0.0)
		return l.hi * y > 0.0 ? __builtin_inf() : 0.0;
	p = two_product(l.hi, y);
	return exp_pair(p.hi, p.lo + l.lo * y);
}

/*
 * (1 + 2x) exp(x^2) erfc(x) as a Chebyshev series in (x - k)/(x + k), k = 3.75 (the form of Shepherd and
 * Laframboise 1981), for x >= 0; x^2 is kept as a pair, since exp magnifies its error.
 */
/* 1 - erf(x) on |x| < 0.5, erf by its Taylor series: 2/sqrt(pi) sum (-1)^n x^(2n+1) / (n! (2n+1)). */
static double erfc_near_0(double x)
{
	double z = x * x, factorial = 479001600.0, p = 0.0;

	for (int n = 12; n >= 1; n--) {
		p = (1.0 / (factorial * (double)(2 * n + 1)) - p) * z;
		factorial /= (double)n;
	}
	return 1.0 - 0x1.20dd750429b6dp0 * (x - x * p);
}

double fm_erfc_d(double x)
{
	static const double c[] = {
		-2.1873429443030175e-18, -2.2370566594359991e-18, 5.068148904796111e-17,
		7.4182352566240428e-17,	 -1.2507950530688648e-15, -1.864562880419313e-15,
		3.3478119482868056e-14,	 3.2525481481487401e-14,  -9.6546967484334393e-13,
		1.9455868545777347e-13,	 2.8687950109306699e-11,  -6.3180883408866841e-11,
		-7.7544002088313509e-10, 4.5219598112182866e-09,  1.076499946567091e-08,
		-2.1886401049234397e-07, 7.7403830661984903e-07,  4.1390279860730102e-06,
		-6.916973302501207e-05,	 0.00049077583652580863,  -0.0024131635404176081,
		0.0090749976707052652,	 -0.026658668435305753,	  0.059209939998191893,
		-0.084249133366517917,	 -0.0045900545806464776,
	};
	double a = x < 0.0 ? -x : x;
	double t, b0 = 0.0, b1 = 0.0;
	struct pair sq, sum;

	if (x != x)
		return x;
	if (a < 0.5)
		return erfc_near_0(x);
	if (a > 28.0)
		return x > 0.0 ? 0.0 : 2.0;
	t = (a - 3.75) / (a + 3.75);
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		double next = 2.0 * t * b0 - b1 + c[i];

		b1 = b0;
		b0 = next;
	}
	sum = fast_sum(1.1775789345674017, t * b0 - b1 + 5.1287282061057226e-17);
	sum = pair_quotient(sum, two_sum(1.0, 2.0 * a));
	sq = two_product(a, a);
	b0 = exp_pair(-sq.hi, -sq.lo);
	b0 = b0 * sum.hi + b0 * sum.lo;
	return x < 0.0 ? 2.0 - b0 : b0;
}

/* Taylor on |r| <= pi/4 of a pair: sin to r^17, cos to r^18. */
static double sin_taylor(double r, double lo)
{
	double z = r * r, p = 0.0;
	static const double c[] = {
		1.0 / 355687428096000.0, -1.0 / 1307674368000.0, 1.0 / 6227020800.0, -1.0 / 39916800.0,
		1.0 / 362880.0,		 -1.0 / 5040.0,		 1.0 / 120.0,	     -1.0 / 6.0,
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		p = p * z + c[i];
	return r + (r * z * p + lo * (1.0 - 0.5 * z));
}

static double cos_taylor(double r, double lo)
{
	double z = r * r, p = 0.0, w;
	static const double c[] = {
		-1.0 / 6402373705728000.0, 1.0 / 20922789888000.0, -1.0 / 87178291200.0, 1.0 / 479001600.0,
		-1.0 / 3628800.0,	   1.0 / 40320.0,	   -1.0 / 720.0,	 1.0 / 24.0,
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		p = p * z + c[i];
	w = 1.0 - 0.5 * z;
	return w + (((1.0 - w) - 0.5 * z) + (z * z * p - r * lo));
}

/* Cody and Waite: pi/2 in parts of 23 bits, so that n < 2^30 times each of the first is exact. */
void fm_sincos_d(double *sin, double *cos, double x)
{
	const double round = 0x1.8p52;
	double n = (x * 0x1.45f306dc9c883p-1 + round) - round;
	struct pair r, t;
	double s, c;
	unsigned quadrant;

	/* cppcheck-suppress incorrectLogicOperator; it cannot read hexadecimal floats */
	if (!(x > -0x1p30 && x < 0x1p30)) {
		*sin = *cos = __builtin_nan("");
		return;
	}
	r = two_sum(x - n * 0x1.921fb4p0, -(n * 0x1.4442d0p-24));
	t = two_sum(r.hi, -(n * 0x1.846988p-48));
	r = two_sum(t.hi, t.lo + r.lo - n * 0x1.8cc51701b839ap-72);
	quadrant = (unsigned)((int64_t)n & 3);
	s = sin_taylor(r.hi, r.lo);
	c = cos_taylor(r.hi, r.lo);
	*sin = quadrant == 0 ? s : quadrant == 1 ? c : quadrant == 2 ? -s : -c;
	*cos = quadrant == 0 ? c : quadrant == 1 ? -s : quadrant == 2 ? -c : s;
}
