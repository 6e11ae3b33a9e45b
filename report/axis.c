#include "report/chart.h"

/*
 * Ticks at 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990), without
 * logarithms: the power is walked to.
 */

static const double largest = 1e15; /* beyond this a tick's number is no whole number of steps */

static long floor_of(double v)
{
	long n = (long)v;

	return (double)n > v ? n - 1 : n;
}

static double clamp(double v)
{
	if (!(v > -largest))
		return -largest;
	return v < largest ? v : largest;
}

void axis_make(struct axis *out, double lo, double hi, size_t most, bool whole)
{
	static const double steps[] = { 1, 2, 5, 10 };
	double power = 1, rough;
	unsigned digits = 0;
	long last;

	lo = clamp(lo);
	hi = clamp(hi);
	if (hi < lo) {
		double swap = lo;

		lo = hi;
		hi = swap;
	}
	/* one value, or values no further apart than doubles tell */
	if (hi - lo <= (hi > -lo ? hi : -lo) * 1e-9 || hi - lo < 1e-12) {
		double around = (hi > -lo ? hi : -lo) / 10;

		around = around > 1e-9 ? around : 0.5;
		lo -= around;
		hi += around;
	}
	rough = (hi - lo) / (double)(most > 1 ? most - 1 : 1);
	while (power * 10 <= rough)
		power *= 10;
	while (power > rough) {
		power /= 10;
		digits++;
	}
	out->step = power * 10;
	for (size_t i = sizeof(steps) / sizeof(steps[0]); i-- > 0;)
		if (steps[i] * power >= rough * (1 - 1e-9))
			out->step = steps[i] * power;
	if (out->step > power * 9.9 && digits)
		digits--;
	if (whole && out->step < 1) {
		out->step = 1;
		digits = 0;
	}
	out->first = floor_of(lo / out->step + 1e-9);
	last = -floor_of(-hi / out->step + 1e-9);
	out->n = (size_t)(last - out->first) + 1;
	out->lo = (double)out->first * out->step;
	out->hi = (double)last * out->step;
	out->digits = digits;
}
