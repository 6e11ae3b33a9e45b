#include "base/sort.h"
#include "base/mem.h"

#include <string.h>

static void merge(char *to, const char *a, size_t na, const char *b, size_t nb, size_t size, sort_fn order,
		  void *ud)
{
	while (na > 0 && nb > 0) {
		/* of equals the left one first: that is what makes it stable */
		if (order(a, b, ud) <= 0) {
			memcpy(to, a, size);
			a += size;
			na--;
		} else {
			memcpy(to, b, size);
			b += size;
			nb--;
		}
		to += size;
	}
	memcpy(to, na ? a : b, (na ? na : nb) * size);
}

/* Bottom-up: runs of 1, 2, 4, ... merged between the array and a second one. */
void sort_stable(void *base, size_t n, size_t size, sort_fn order, void *ud)
{
	char *from = base, *to, *spare, *swap;
	size_t run, i;

	if (n < 2)
		return;
	spare = to = mem_alloc(n, size);
	for (run = 1; run < n; run *= 2) {
		for (i = 0; i < n; i += 2 * run) {
			size_t na = run < n - i ? run : n - i;
			size_t nb = n - i - na < run ? n - i - na : run;

			merge(to + i * size, from + i * size, na, from + (i + na) * size, nb, size, order,
			      ud);
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != base)
		memcpy(base, from, n * size);
	mem_free(spare);
}

size_t sort_last(const uint64_t *first, size_t n, size_t stride, uint64_t x)
{
	size_t lo = 0, hi = n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		uint64_t at;

		memcpy(&at, (const char *)first + mid * stride, sizeof(at));
		if (at <= x)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}
