#include "store/results.h"

#include <stdlib.h>
#include <string.h>

/*
 * Two results: the first line and the rest.  Nothing differs from itself, what differs does so both ways, and every
 * difference can be told.
 */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static size_t compare(struct arena *mem, const struct json *old, const struct json *new, size_t *beyond)
{
	struct differences d;
	struct str s = STR_INIT;
	size_t n;

	results_compare(&d, mem, old, new);
	for (size_t i = 0; i < d.n; i++) {
		str_clear(&s);
		difference_print(&s, &d.item[i]);
		if (s.n == 0 || memchr(s.p, '\n', s.n) || utf8_valid(s.p, s.n) != s.n ||
		    !*results_stage(d.item[i].path) || (!d.item[i].old && !d.item[i].new))
			abort();
	}
	n = d.n;
	*beyond = d.beyond;
	differences_release(&d);
	str_release(&s);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *end = n ? memchr(p, '\n', n) : NULL;
	struct view first = { (const char *)p, end ? (size_t)(end - (const char *)p) : n };
	struct view rest = { (const char *)p + first.n + (end ? 1 : 0), n - first.n - (end ? 1 : 0) };
	struct arena mem = ARENA_INIT;
	const struct json *a, *b;
	struct err e = ERR_INIT;
	size_t here, there, same;

	if (json_read(&a, &mem, first, "old", &e) == 0 && json_read(&b, &mem, rest, "new", &e) == 0) {
		if (compare(&mem, a, a, &same) != 0 || same != 0 || compare(&mem, b, b, &same) != 0)
			abort();
		if (compare(&mem, a, b, &here) != compare(&mem, b, a, &there) || here != there)
			abort();
	}
	arena_release(&mem);
	return 0;
}
