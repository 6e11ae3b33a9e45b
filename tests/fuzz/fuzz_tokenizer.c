/* Tokenizers: a tokenizer.json, and after a zero byte a text.  What opens must encode any text, with spans in
 * order inside it, and decode what it encoded. */

#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void use(const struct tokenizer *t, struct view text)
{
	struct arena mem = ARENA_INIT;
	struct str decoded = STR_INIT;
	struct err e = ERR_INIT;
	struct encoding c;

	if (tokenizer_encode(&c, &mem, t, text, true, &e) < 0) {
		if (e.code == ERR_NONE)
			abort();
		c.n = 0;
	}
	for (size_t i = 0; i < c.n; i++) {
		if (c.id[i] < 0 || (size_t)c.id[i] >= tokenizer_vocab(t))
			abort();
		if (c.start[i] > c.end[i] || c.end[i] > text.n || c.oracle_end[i] > text.n)
			abort();
		if (i > 0 && c.start[i] < c.start[i - 1])
			abort();
		tokenizer_piece(t, c.id[i]);
	}
	tokenizer_decode(&decoded, t, c.id, c.n, false);
	tokenizer_decode(&decoded, t, c.id, c.n, true);
	if (decoded.n != utf8_valid(decoded.p ? decoded.p : "", decoded.n))
		abort();
	str_release(&decoded);
	arena_release(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *zero = n > 0 ? memchr(p, 0, n) : NULL;
	size_t json = zero ? (size_t)(zero - p) : n;
	struct view text = VIEW("The <s> e\xcc\x81 12  a\n");
	struct err e = ERR_INIT;
	struct tokenizer *t;

	if (zero)
		text = (struct view){ (const char *)zero + 1, n - json - 1 };
	text.n = utf8_valid(text.p, text.n);
	if (tokenizer_parse(&t, (struct view){ (const char *)p, json }, "input", &e) < 0) {
		if (e.code == ERR_NONE)
			abort();
		return 0;
	}
	use(t, text);
	tokenizer_close(t);
	return 0;
}
