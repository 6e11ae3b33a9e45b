#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Memory.  Two doors, and no other malloc in the tree.
 *
 * Small memory (strings, trees, tables) never fails to its caller: when the
 * heap is gone the process prints one line and exits with status 5.  That is
 * safe at any instruction, because files appear only whole (base/out.h).
 *
 * Large memory (weights, activations, optimiser state) is sized beforehand
 * and asked for once; it can fail, and says how much was needed.
 */

/* Many small things that die together. Zeroed; nothing in it is freed alone. */
struct arena {
	struct arena_block *head;
};

#define ARENA_INIT           \
	{                    \
		.head = NULL \
	}

/* n * size zeroed bytes, aligned for any type; the product is checked. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
/* A copy of n bytes with a NUL after them. */
char *arena_strdup(struct arena *a, const char *s, size_t n);
char *arena_fmt(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
void arena_release(struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, n, type) ((type *)arena_alloc((a), (n), sizeof(type)))

/* One thing with its own end; zeroed. */
void *mem_alloc(size_t n, size_t size);
/* Room for `want` elements, growing *cap geometrically; contents kept, new room not zeroed. */
void *mem_grow(void *p, size_t *cap, size_t want, size_t size);
void mem_free(void *p);

/* Large, planned, 64-byte aligned, zeroed.  `what` names it in the error.  Ends with mem_free(). */
int mem_reserve(void **out, size_t n, size_t size, const char *what, struct err *e);
/* What mem_reserve may give in all; 0: no limit. */
void mem_limit(size_t bytes);
/* What the process may have in all, by the system's own count of its data; 0: what it may have by birth. Files looked into
 * are not in it. */
void mem_cap(size_t bytes);
/* Bytes now held by mem_reserve, and the most that ever were. */
size_t mem_reserved(void);
size_t mem_reserved_peak(void);
/* The most memory this process ever had resident, in bytes. */
size_t mem_peak_rss(void);
/* The memory this machine has, or this process may have of it, by its control group or its own limits (ulimit -v, -d). */
size_t mem_machine(void);
/* Has this process a limit of its own? */
bool mem_is_limited(void);
/* a * b, or ERR_SIZE naming `what` where that does not fit a size_t. */
int mem_mul(size_t *out, size_t a, size_t b, const char *what, struct err *e);

/* Tests: let the n-th allocation from now fail; 0 disarms. */
void mem_fail_at(size_t n);
size_t mem_live(void);

#endif
