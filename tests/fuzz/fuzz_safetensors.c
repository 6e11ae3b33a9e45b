#include "model/safetensors.h"

/* Any bytes as a safetensors file.  What is accepted has tensors that lie in the file and that are found by name. */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static unsigned touch(const struct stored *t)
{
	const uint8_t *data = t->data;
	size_t bytes = dtype_bytes(t->dtype, t->n);
	unsigned sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += data[i];
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = ERR_INIT;
	struct safetensors *s;
	size_t bytes = 0, index;
	unsigned sum = 0;

	if (safetensors_parse(&s, (struct view){ (const char *)p, n }, "x.safetensors", &e) < 0) {
		BUG_ON(e.code != ERR_INPUT || !e.msg[0]);
		return 0;
	}
	for (size_t i = 0; i < safetensors_count(s); i++) {
		const struct stored *t = safetensors_nth(s, i);

		BUG_ON(safetensors_find_nth(&index, s, t->name) != t || index != i);
		bytes += dtype_bytes(t->dtype, t->n);
		sum += touch(t);
	}
	BUG_ON(bytes > n);
	safetensors_close(s);
	return (int)(sum & 0);
}
