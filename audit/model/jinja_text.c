#include "model/jinja_text.h"

#include "base/unicode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *heap_alloc(struct heap *h, size_t n, size_t size)
{
	h->used += n * size + 16; /* what the arena's alignment may add */
	if (h->used > h->most)
		h->full = true;
	return arena_alloc(&h->mem, n, size);
}

bool heap_room(struct heap *h, size_t n, size_t size)
{
	size_t bytes;

	if (h->full || __builtin_mul_overflow(n, size, &bytes) || h->used > h->most ||
	    bytes > h->most - h->used)
		h->full = true;
	return !h->full;
}

static size_t count_chars(const char *p, size_t n)
{
	size_t chars = 0;

	for (size_t i = 0; i < n; i++)
		chars += ((unsigned char)p[i] & 0xc0) != 0x80;
	return chars;
}

const struct text *text_make(struct heap *h, struct view v, uint32_t origin)
{
	struct text *t = HEAP_NEW(h, struct text);

	*t = (struct text){ .p = v.n > 0 ? v.p : "", .n = v.n, .chars = count_chars(v.p, v.n) };
	if (origin > 0 && v.n > 0) {
		struct run *r = HEAP_NEW(h, struct run);

		r->origin = origin;
		t->run = r;
		t->n_run = 1;
	}
	return t;
}

const struct text *text_of(struct heap *h, const char *z)
{
	return text_make(h, view_of(z), 0);
}

struct view text_view(const struct text *t)
{
	return (struct view){ t->p, t->n };
}

bool text_eq(const struct text *a, const struct text *b)
{
	return view_eq(text_view(a), text_view(b));
}

size_t text_byte(const struct text *t, size_t at_char)
{
	size_t i = 0;

	if (t->chars == t->n)
		return at_char;
	for (size_t left = at_char; i < t->n; i++)
		if (((unsigned char)t->p[i] & 0xc0) != 0x80 && left-- == 0)
			break;
	return i;
}

size_t text_char(const struct text *t, size_t byte)
{
	return t->chars == t->n ? byte : count_chars(t->p, byte);
}

/* Code points of the bytes [from, to). */
static size_t chars_in(const struct text *t, size_t from, size_t to)
{
	return t->chars == t->n ? to - from : count_chars(t->p + from, to - from);
}

/* The run that holds the byte; there is at least one. */
static size_t run_at(const struct text *t, size_t byte)
{
	size_t lo = 0, hi = t->n_run;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->run[mid].at <= byte)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t origin_in(struct run r, size_t byte)
{
	return r.origin == 0 ? 0 : r.origin + (uint32_t)(byte - r.at);
}

const struct text *text_part(struct heap *h, const struct text *t, size_t from, size_t to)
{
	struct text *part;
	struct run *run;
	size_t first, n;

	if (from == 0 && to == t->n)
		return t;
	part = HEAP_NEW(h, struct text);
	*part = (struct text){ .p = t->p + from, .n = to - from };
	part->chars = chars_in(t, from, to);
	if (t->n_run == 0 || from == to)
		return part;
	first = run_at(t, from);
	n = run_at(t, to - 1) - first + 1;
	part->n_run = n;
	part->run = t->run + first;
	if (from == 0)
		return part;
	run = HEAP_ARRAY(h, n, struct run);
	run[0].origin = origin_in(t->run[first], from);
	for (size_t i = 1; i < n; i++)
		run[i] = (struct run){ t->run[first + i].at - (uint32_t)from, t->run[first + i].origin };
	part->run = run;
	return part;
}

/* Can `b` be written behind `a` where it stands? */
static bool pen_is_behind(const struct text *a)
{
	const struct pen *p = a->pen;

	return p != NULL && a->p == p->p && a->n == p->n && a->n_run == p->n_run &&
	       (p->n_run == 0 || a->run == p->run);
}

const struct text *text_join2(struct heap *h, const struct text *a, const struct text *b)
{
	struct pen *p = a->pen;

	if (b->n == 0)
		return a;
	if (a->n == 0)
		return b;
	if (!pen_is_behind(a)) {
		p = pen_new(h);
		pen_text(p, a);
	}
	pen_text(p, b);
	return pen_text_of(p);
}

const struct text *text_repeat(struct heap *h, const struct text *t, size_t n)
{
	struct pen *p = pen_new(h);

	pen_fill(p, t, n);
	return pen_text_of(p);
}

size_t text_find(const struct text *t, struct view needle, size_t from)
{
	const char *p, *end = t->p + t->n, *hit;

	if (from > t->n)
		return SIZE_MAX;
	if (needle.n == 0)
		return from;
	p = t->p + from;
	while ((size_t)(end - p) >= needle.n) {
		hit = memchr(p, needle.p[0], (size_t)(end - p) - needle.n + 1);
		if (hit == NULL)
			return SIZE_MAX;
		if (memcmp(hit, needle.p, needle.n) == 0)
			return (size_t)(hit - t->p);
		p = hit + 1;
	}
	return SIZE_MAX;
}

size_t text_rfind(const struct text *t, struct view needle, size_t to)
{
	if (needle.n > to)
		return SIZE_MAX;
	for (size_t at = to - needle.n;; at--) {
		if (needle.n == 0 || memcmp(t->p + at, needle.p, needle.n) == 0)
			return at;
		if (at == 0)
			return SIZE_MAX;
	}
}

bool text_is_space(uint32_t cp)
{
	return unicode_is_space(cp) || (cp >= 0x1c && cp <= 0x1f);
}

struct pen *pen_new(struct heap *h)
{
	struct pen *p = HEAP_NEW(h, struct pen);

	p->heap = h;
	p->p = HEAP_ARRAY(h, 1, char);
	return p;
}

/* Room for n more bytes. What was written stays where it is for those who hold it. */
static bool pen_room(struct pen *p, size_t n)
{
	size_t cap = p->cap + p->cap / 2 + 48;
	char *wider;

	if (p->heap->full)
		return false;
	if (n <= p->cap - p->n)
		return true;
	if (n > cap - p->n)
		cap = p->n + n;
	if (!heap_room(p->heap, cap, 1) || cap > UINT32_MAX)
		return false;
	wider = HEAP_ARRAY(p->heap, cap, char);
	memcpy(wider, p->p, p->n);
	p->p = wider;
	p->cap = cap;
	return true;
}

/* What is written next comes from `origin`. */
static void pen_from(struct pen *p, uint32_t origin)
{
	if (p->n_run == 0 ? origin == 0 : origin_in(p->run[p->n_run - 1], p->n) == origin)
		return;
	if (p->n_run + 2 > p->cap_run) {
		size_t cap = p->cap_run + p->cap_run / 2 + 4;
		struct run *wider = HEAP_ARRAY(p->heap, cap, struct run);

		if (p->n_run > 0)
			memcpy(wider, p->run, p->n_run * sizeof(*wider));
		p->run = wider;
		p->cap_run = cap;
	}
	if (p->n_run == 0 && p->n > 0)
		p->run[p->n_run++] = (struct run){ 0, 0 };
	p->run[p->n_run++] = (struct run){ (uint32_t)p->n, origin };
}

static void pen_add(struct pen *p, const char *s, size_t n, size_t chars, uint32_t origin)
{
	if (n == 0 || !pen_room(p, n))
		return;
	pen_from(p, origin);
	memcpy(p->p + p->n, s, n);
	p->n += n;
	p->chars += chars;
}

void pen_bytes(struct pen *p, const char *s, size_t n)
{
	pen_add(p, s, n, count_chars(s, n), 0);
}

void pen_puts(struct pen *p, const char *z)
{
	pen_bytes(p, z, strlen(z));
}

void pen_char(struct pen *p, uint32_t cp)
{
	char utf8[4];
	size_t n = utf8_encode(utf8, cp);

	pen_add(p, utf8, n, 1, 0);
}

void pen_fmt(struct pen *p, const char *fmt, ...)
{
	char small[64];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	BUG_ON(n < 0 || (size_t)n >= sizeof(small));
	pen_bytes(p, small, (size_t)n);
}

void pen_part(struct pen *p, const struct text *t, size_t from, size_t to)
{
	if (from == 0 && to == t->n) {
		pen_text(p, t);
		return;
	}
	if (from == to)
		return;
	if (t->n_run == 0) {
		pen_add(p, t->p + from, to - from, chars_in(t, from, to), 0);
		return;
	}
	for (size_t i = run_at(t, from); i < t->n_run && t->run[i].at < to; i++) {
		size_t a = t->run[i].at > from ? t->run[i].at : from;
		size_t b = i + 1 < t->n_run && t->run[i + 1].at < to ? t->run[i + 1].at : to;

		pen_add(p, t->p + a, b - a, chars_in(t, a, b), origin_in(t->run[i], a));
	}
}

void pen_text(struct pen *p, const struct text *t)
{
	if (t->n_run == 0)
		pen_add(p, t->p, t->n, t->chars, 0);
	for (size_t i = 0; i < t->n_run; i++) {
		size_t a = t->run[i].at, b = i + 1 < t->n_run ? t->run[i + 1].at : t->n;

		pen_add(p, t->p + a, b - a, chars_in(t, a, b), t->run[i].origin);
	}
}

void pen_fill(struct pen *p, const struct text *t, size_t times)
{
	size_t n;

	if (t->n == 0 || __builtin_mul_overflow(t->n, times, &n)) {
		p->heap->full |= t->n > 0;
		return;
	}
	if (!pen_room(p, n))
		return;
	for (; t->n_run > 0 && times > 0; times--)
		pen_text(p, t);
	/* without origins: the first copy, then twice as much each time */
	for (size_t done = 0, more; times > 0 && done < n; done += more) {
		const char *from = done == 0 ? t->p : p->p + p->n - done;

		more = done == 0 ? t->n : done < n - done ? done : n - done;
		pen_add(p, from, more, more / t->n * t->chars, 0);
	}
}

const struct text *pen_text_of(struct pen *p)
{
	struct text *t = HEAP_NEW(p->heap, struct text);

	*t = (struct text){
		.p = p->p,
		.n = p->n,
		.chars = p->chars,
		.run = p->run,
		.n_run = p->n_run,
		.pen = p,
	};
	return t;
}
