#include "study/lens.h"

#include "base/mem.h"
#include "num/reduce.h"

#include <string.h>

void lens_tokens(struct lens_token *promoted, struct lens_token *suppressed, size_t k, float *logits,
		 const struct model *m, struct par *p, const float *direction)
{
	const struct arch *a = model_arch(m);
	float *x = mem_alloc(a->d_model, sizeof(*x));
	uint32_t *top = mem_alloc(k + 1, sizeof(*top));

	memcpy(x, direction, a->d_model * sizeof(*x));
	model_unembed(logits, m, p, x, 1);
	reduce_top_k(top, k, logits, a->n_vocab);
	for (size_t i = 0; i < k; i++)
		promoted[i] = (struct lens_token){ top[i], logits[top[i]] };
	for (size_t i = 0; i < a->n_vocab; i++)
		logits[i] = -logits[i];
	reduce_top_k(top, k, logits, a->n_vocab);
	for (size_t i = 0; i < k; i++)
		suppressed[i] = (struct lens_token){ top[i], -logits[top[i]] };
	mem_free(top);
	mem_free(x);
}
