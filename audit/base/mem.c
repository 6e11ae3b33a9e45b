#include "base/mem.h"
#include "base/map.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Every block carries a header right before the bytes the caller sees, so that
 * one mem_free() ends both kinds and the books stay right.
 */
struct header {
	alignas(max_align_t) void *base; /* what the heap gave */
	size_t reserved;		 /* bytes on the books of mem_reserve(), 0 for small memory */
};

#define LINE 64u /* bytes of a cache line; alignment of reserved memory */

#ifdef TEST_TINY
#define BLOCK 64u
#define BLOCK_MOST 256u
#else
#define BLOCK (16u << 10)
#define BLOCK_MOST (1u << 20)
#endif

static _Atomic size_t fail_in, live;
static _Atomic size_t limit, held, peak;

/* Something to set a breakpoint on. */
static bool mem_fault(void)
{
	return true;
}

static bool must_fail(void)
{
	size_t n = atomic_load(&fail_in);

	while (n > 0)
		if (atomic_compare_exchange_weak(&fail_in, &n, n - 1))
			return n == 1 && mem_fault();
	return false;
}

/* Not exit(): other threads may be at work, and nothing half-written can be left (base/out.h). */
static _Noreturn void die(size_t n, size_t size)
{
	if (size == 1)
		fprintf(stderr, "dfc-audit: out of memory: %zu bytes asked for\n", n);
	else
		fprintf(stderr, "dfc-audit: out of memory: %zu times %zu bytes asked for\n", n, size);
	_exit(err_status(ERR_SIZE));
}

static struct header *header_of(void *p)
{
	return (struct header *)p - 1;
}

void *mem_alloc(size_t n, size_t size)
{
	struct header *h;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || __builtin_add_overflow(bytes, sizeof(*h), &bytes))
		die(n, size);
	h = must_fail() ? NULL : calloc(1, bytes);
	if (!h)
		die(n, size);
	h->base = h;
	atomic_fetch_add(&live, 1);
	return h + 1;
}

void *mem_grow(void *p, size_t *cap, size_t want, size_t size)
{
	struct header *h = p ? header_of(p) : NULL;
	size_t n = want, bytes;

	if (p && want <= *cap)
		return p;
#ifndef TEST_TINY
	if (*cap <= SIZE_MAX / 2 && n < *cap + *cap / 2)
		n = *cap + *cap / 2;
	if (n < 16)
		n = 16;
#endif
	if (__builtin_mul_overflow(n, size, &bytes) || __builtin_add_overflow(bytes, sizeof(*h), &bytes))
		die(want, size);
	h = must_fail() ? NULL : realloc(h, bytes);
	if (!h)
		die(want, size);
	*h = (struct header){ .base = h };
	if (!p)
		atomic_fetch_add(&live, 1);
	*cap = n;
	return h + 1;
}

void mem_free(void *p)
{
	struct header *h;

	if (!p)
		return;
	h = header_of(p);
	atomic_fetch_sub(&held, h->reserved);
	atomic_fetch_sub(&live, 1);
	free(h->base);
}

int mem_mul(size_t *out, size_t a, size_t b, const char *what, struct err *e)
{
	if (__builtin_mul_overflow(a, b, out))
		return err_set(e, ERR_SIZE, "%s: %zu times %zu bytes is more than any memory", what, a, b);
	return 0;
}

/* Puts `bytes` on the books, unless that would exceed the limit. */
static bool book(size_t bytes)
{
	size_t was = atomic_load(&held), most, now, top;

	do {
		most = atomic_load(&limit);
		if (__builtin_add_overflow(was, bytes, &now) || (most && now > most))
			return false;
	} while (!atomic_compare_exchange_weak(&held, &was, now));
	top = atomic_load(&peak);
	while (now > top && !atomic_compare_exchange_weak(&peak, &top, now))
		;
	return true;
}

/* calloc() rather than an aligned allocation and memset(): fresh pages are zero already and stay untouched. */
int mem_reserve(void **out, size_t n, size_t size, const char *what, struct err *e)
{
	const double mib = 1024.0 * 1024.0;
	struct header *h;
	size_t bytes;
	char *base, *p;

	*out = NULL;
	if (mem_mul(&bytes, n, size, what, e) < 0)
		return -1;
	if (bytes > SIZE_MAX - sizeof(*h) - LINE)
		return err_set(e, ERR_SIZE, "%s: %zu bytes is more than any memory", what, bytes);
	if (!book(bytes))
		return err_set(e, ERR_SIZE, "%s needs %.1f MiB, but %.1f of the limit of %.1f MiB are taken",
			       what, (double)bytes / mib, (double)atomic_load(&held) / mib,
			       (double)atomic_load(&limit) / mib);
	base = must_fail() ? NULL : calloc(1, bytes + sizeof(*h) + LINE);
	if (!base) {
		atomic_fetch_sub(&held, bytes);
		return err_set(e, ERR_SIZE, "%s needs %.1f MiB, which the system does not give", what,
			       (double)bytes / mib);
	}
	p = base + sizeof(*h);
	p += (LINE - (uintptr_t)p % LINE) % LINE;
	map_huge(p, bytes);
	*header_of(p) = (struct header){ .base = base, .reserved = bytes };
	atomic_fetch_add(&live, 1);
	*out = p;
	return 0;
}

void mem_limit(size_t bytes)
{
	atomic_store(&limit, bytes);
}

void mem_cap(size_t bytes)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose shadows are data too */
	struct rlimit r;

	if (getrlimit(RLIMIT_DATA, &r) < 0)
		return;
	r.rlim_cur = bytes > 0 && (r.rlim_max == RLIM_INFINITY || bytes < r.rlim_max) ? bytes : r.rlim_max;
	(void)setrlimit(RLIMIT_DATA, &r);
#else
	(void)bytes;
#endif
}

size_t mem_reserved(void)
{
	return atomic_load(&held);
}

size_t mem_reserved_peak(void)
{
	return atomic_load(&peak);
}

/* From /proc: the ru_maxrss of getrusage() starts at the size of the process that started this one. */
size_t mem_peak_rss(void)
{
	static const char label[] = "VmHWM:";
	struct arena mem = ARENA_INIT;
	struct view text;
	struct err e = ERR_INIT;
	const char *at;
	size_t kib = 0;

	if (file_read(&text, &mem, "/proc/self/status", 1u << 20, &e) == 0) {
		at = strstr(text.p, label);
		for (at = at ? at + sizeof(label) - 1 : ""; *at == ' ' || *at == '\t'; at++)
			;
		for (; *at >= '0' && *at <= '9'; at++)
			kib = kib * 10 + (size_t)(*at - '0');
	}
	arena_release(&mem);
	return kib * 1024;
}

/* SIZE_MAX where there is none. */
static size_t own_limit(void)
{
	static const int kind[] = { RLIMIT_AS, RLIMIT_DATA };
	size_t least = SIZE_MAX;
	struct rlimit own;

	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		if (getrlimit(kind[i], &own) == 0 && own.rlim_cur != RLIM_INFINITY && own.rlim_cur < least)
			least = (size_t)own.rlim_cur;
	}
	return least;
}

bool mem_is_limited(void)
{
	return own_limit() < SIZE_MAX;
}

size_t mem_machine(void)
{
	size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct view text;
	uint64_t most;

	if (file_read(&text, &mem, "/sys/fs/cgroup/memory.max", 100, &e) == 0 && text.n > 0 &&
	    view_u64(&most, (struct view){ text.p, text.n - 1 }) && most < all)
		all = (size_t)most;
	arena_release(&mem);
	return own_limit() < all ? own_limit() : all;
}

void mem_fail_at(size_t n)
{
	atomic_store(&fail_in, n);
}

size_t mem_live(void)
{
	return atomic_load(&live);
}

/* ---- arenas: blocks in a list, the one being filled in front ---- */

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	alignas(max_align_t) char data[];
};

static struct arena_block *block_new(size_t cap)
{
	struct arena_block *b;
	size_t bytes;

	if (__builtin_add_overflow(cap, sizeof(*b), &bytes))
		die(cap, 1);
	b = mem_alloc(bytes, 1);
	b->cap = cap;
	return b;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	const size_t unit = alignof(max_align_t);
	struct arena_block *b = a->head;
	size_t bytes, cap;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - unit)
		die(n, size);
	bytes = (bytes + unit - 1) / unit * unit;
	if (!b || b->cap - b->used < bytes) {
		cap = !b ? BLOCK : b->cap < BLOCK_MOST ? 2 * b->cap : BLOCK_MOST;
		b = block_new(bytes > cap ? bytes : cap);
		/* What is large gets a block of its own, behind the one that still has room. */
		if (a->head && bytes > cap / 2) {
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
	}
	p = b->data + b->used;
	b->used += bytes;
	return p;
}

char *arena_strdup(struct arena *a, const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		die(n, 1);
	p = arena_alloc(a, n + 1, 1);
	if (n > 0)
		memcpy(p, s, n);
	return p;
}

char *arena_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	BUG_ON(n < 0);
	p = arena_alloc(a, (size_t)n + 1, 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void arena_release(struct arena *a)
{
	struct arena_block *b = a->head, *next;

	for (; b; b = next) {
		next = b->next;
		mem_free(b);
	}
	a->head = NULL;
}
