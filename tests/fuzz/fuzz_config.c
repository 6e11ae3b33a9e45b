#include "base/str.h"
#include "model/arch.h"
#include "model/session.h"

/* Any text as a config.json.  What is accepted can be measured, named and planned for. */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void use(const struct arch *a, struct arena *mem)
{
	const struct session_opts o = { 2, 64, 16 };
	double sum = 0;

	BUG_ON(!a->n_layers || !a->d_head || !a->n_kv_heads || a->n_heads % a->n_kv_heads ||
	       a->d_rotary > a->d_head);
	for (enum role r = 0; r < ROLE_COUNT; r++) {
		size_t rows, cols;

		arch_shape(&rows, &cols, a, r);
		if (a->name[r])
			BUG_ON(arch_ignores(a,
					    arch_tensor_name(mem, a, r, a->prefix[0], a->n_layers - 1, 3)) &&
			       r != ROLE_UNEMBED);
	}
	for (size_t l = 0; l < a->n_layers; l++) {
		BUG_ON(a->rope_kind[l] > 1 || a->sparse[l] > 1);
		BUG_ON(a->d_rotary && !a->rope_freq[a->rope_kind[l]]);
		sum += a->window[l];
	}
	for (size_t k = 0; k < 2 && a->rope_freq[k]; k++)
		for (size_t i = 0; i < a->d_rotary / 2; i++)
			sum += a->rope_freq[k][i];
	BUG_ON(sum != sum || session_bytes(a, &o) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct arch a;

	if (arch_parse(&a, &mem, (struct view){ (const char *)p, n }, "config.json", &e) < 0)
		BUG_ON(e.code != ERR_INPUT || !e.msg[0]);
	else
		use(&a, &mem);
	arena_release(&mem);
	return 0;
}
