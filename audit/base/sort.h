#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* A stable merge sort: the result depends on the order alone, never on the library or on addresses. */

typedef int (*sort_fn)(const void *a, const void *b, void *ud);

/* n elements of `size` bytes. `order` is negative, zero or positive, as for memcmp(). */
void sort_stable(void *base, size_t n, size_t size, sort_fn order, void *ud);
/* Of n numbers that never fall, `stride` bytes from one to the next, the last that is at most x; 0 where none is. */
size_t sort_last(const uint64_t *first, size_t n, size_t stride, uint64_t x);

#endif
