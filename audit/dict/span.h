#ifndef DICT_SPAN_H
#define DICT_SPAN_H

#include <stddef.h>

/* Work cut into units of `each` things, the last one shorter. */

struct span {
	size_t first, end;
};

static inline size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t span_count(size_t n, size_t each)
{
	return n / each + (n % each != 0);
}

static inline struct span span_of(size_t unit, size_t each, size_t n)
{
	return (struct span){ unit * each, size_min(unit * each + each, n) };
}

#endif
