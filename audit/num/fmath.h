#ifndef NUM_FMATH_H
#define NUM_FMATH_H

#include <stddef.h>

/*
 * Elementary functions whose bits are the same on every CPU: built from IEEE
 * add, multiply, divide, sqrt and integer operations only, no contraction, no
 * libm.  The array forms give the same bits as the scalar ones and are
 * vectorised (several targets of one source).  Errors are at most 2 ulp for floats, 4 for doubles.
 */

float fm_exp(float x);
float fm_log(float x);
float fm_tanh(float x);
float fm_erf(float x);
double fm_exp_d(double x);
double fm_log_d(double x);
double fm_pow_d(double x, double y); /* x > 0 */
double fm_sqrt_d(double x);
double fm_erfc_d(double x);
void fm_sincos_d(double *sin, double *cos, double x); /* |x| < 2^30 */

void fm_exp_n(float *y, const float *x, size_t n);
void fm_tanh_n(float *y, const float *x, size_t n);
void fm_erf_n(float *y, const float *x, size_t n);

#endif
