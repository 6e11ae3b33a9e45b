#ifndef DICT_CARVE_H
#define DICT_CARVE_H

#include "base/err.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A workspace is one block, carved by a function of its owner that runs twice: with `at` NULL to count the
 * bytes, then over the block itself.  So the size and the pieces cannot disagree.
 *
 *	struct carve c = CARVE_COUNT;
 *	x_carve(x, &c);
 *	if (carve_reserve(&c, &x->block, "x", e) == 0)
 *		x_carve(x, &c);
 */

struct carve {
	char *at;
	size_t bytes; /* SIZE_MAX: more than can be counted */
};

#define CARVE_COUNT                    \
	{                              \
		.at = NULL, .bytes = 0 \
	}

/* n * size bytes on a line of their own; NULL while counting. */
static inline void *carve_take(struct carve *c, size_t n, size_t size)
{
	size_t bytes;
	char *p = c->at;

	if (__builtin_mul_overflow(n, size, &bytes) || __builtin_add_overflow(bytes, 63, &bytes) ||
	    __builtin_add_overflow(c->bytes, bytes / 64 * 64, &c->bytes)) {
		c->bytes = SIZE_MAX;
		return NULL;
	}
	if (p)
		c->at = p + bytes / 64 * 64;
	return p;
}

/* Reserves what was counted; `c` is then ready for the second run. *block ends with mem_free(). */
static inline int carve_reserve(struct carve *c, void **block, const char *what, struct err *e)
{
	if (mem_reserve(block, c->bytes, 1, what, e) < 0)
		return -1;
	*c = (struct carve){ .at = *block };
	return 0;
}

#endif
