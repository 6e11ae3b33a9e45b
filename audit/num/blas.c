#include "num/blas.h"

#include <cblas.h>

void blas_setup(void)
{
	openblas_set_num_threads(1);
}

void blas_threads(unsigned n)
{
	openblas_set_num_threads((int)n);
}

const char *blas_name(void)
{
	return openblas_get_config();
}

void blas_nt(float *c, const float *a, const float *b, size_t m, size_t n, size_t k)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1.0f, a, (int)k, b,
		    (int)k, 0.0f, c, (int)n);
}
