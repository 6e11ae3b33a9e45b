#include "tests/support/naive.h"

void naive_product(double *c, double *size, struct naive_matrix a, struct naive_matrix b, size_t m, size_t n,
		   size_t k)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			double sum = 0.0, sum_abs = 0.0;

			for (size_t d = 0; d < k; d++) {
				double p = (double)a.p[i * a.row + d * a.col] *
					   (double)b.p[d * b.row + j * b.col];

				sum += p;
				sum_abs += p < 0.0 ? -p : p;
			}
			c[i * n + j] = sum;
			if (size)
				size[i * n + j] = sum_abs;
		}
}
