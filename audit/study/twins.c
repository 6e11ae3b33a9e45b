#include "study/twins.h"

#include "base/mem.h"
#include "study/cofire.h"

#include <string.h>

/* The most alike of one side, for each latent of the other, line by line of the matrix. */
struct task {
	struct twin *out;
	const struct active *a;
	const struct dfc_shape *shape;
	struct spread spread;
};

static void line(void *ud, size_t unit, void *scratch)
{
	const struct task *t = ud;
	size_t n_a = t->shape->n_a, first_b = n_a + t->shape->n_shared, n = t->a->n_latents;
	bool base = unit < n_a;
	size_t latent = base ? unit : first_b + unit - n_a;
	double *product = mem_alloc(n + 1, sizeof(*product));
	struct twin *best = &t->out[latent];

	(void)scratch;
	cofire(product, t->a, latent, t->a);
	for (size_t k = base ? first_b : 0; k < (base ? n : n_a); k++) {
		double r = product[k] > 0 ? spread_correlation(&t->spread, latent, &t->spread, k, product[k],
							       t->a->n_rows)
					  : 0;

		if (r > best->correlation)
			*best = (struct twin){ (uint32_t)k, r };
	}
	mem_free(product);
}

void twins_find(struct twin *out, const struct active *a, const struct dfc_shape *shape, struct par *p)
{
	struct task t = { .out = out, .a = a, .shape = shape };

	memset(out, 0, a->n_latents * sizeof(*out));
	spread_make(&t.spread, a);
	par_run(p, shape->n_a + shape->n_b, line, &t);
	spread_release(&t.spread);
}
