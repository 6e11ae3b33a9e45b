#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void room(struct str *s, size_t n)
{
	BUG_ON(n > SIZE_MAX - s->n - 1);
	s->p = mem_grow(s->p, &s->cap, s->n + n + 1, 1);
}

void str_add(struct str *s, const char *p, size_t n)
{
	room(s, n);
	if (n > 0)
		memcpy(s->p + s->n, p, n);
	s->n += n;
	s->p[s->n] = '\0';
}

void str_addv(struct str *s, struct view v)
{
	str_add(s, v.p, v.n);
}

void str_addc(struct str *s, char c)
{
	str_add(s, &c, 1);
}

void str_adds(struct str *s, const char *z)
{
	str_add(s, z, strlen(z));
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	BUG_ON(n < 0);
	room(s, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(s->p + s->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	s->n += (size_t)n;
}

void str_clear(struct str *s)
{
	s->n = 0;
	if (s->p)
		s->p[0] = '\0';
}

void str_release(struct str *s)
{
	mem_free(s->p);
	*s = (struct str)STR_INIT;
}

struct view str_view(const struct str *s)
{
	return (struct view){ s->p ? s->p : "", s->n };
}

/* ---- views ---- */

struct view view_of(const char *z)
{
	return (struct view){ z, strlen(z) };
}

bool view_eq(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool view_is(struct view v, const char *lit)
{
	return view_eq(v, view_of(lit));
}

int view_cmp(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool view_starts(struct view v, const char *lit)
{
	size_t n = strlen(lit);

	return v.n >= n && (n == 0 || memcmp(v.p, lit, n) == 0);
}

bool view_ends(struct view v, const char *lit)
{
	size_t n = strlen(lit);

	return v.n >= n && (n == 0 || memcmp(v.p + v.n - n, lit, n) == 0);
}

bool view_is_name(struct view v)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	for (size_t i = 0; i < v.n; i++)
		if (!v.p[i] || !strchr(plain, v.p[i]))
			return false;
	return v.n > 0;
}

/* ---- numbers ---- */

bool view_u64(uint64_t *out, struct view v)
{
	uint64_t x = 0;
	size_t i;

	if (v.n == 0)
		return false;
	for (i = 0; i < v.n; i++) {
		unsigned digit = (unsigned)((unsigned char)v.p[i]) - '0';

		if (digit > 9 || __builtin_mul_overflow(x, (uint64_t)10, &x) ||
		    __builtin_add_overflow(x, (uint64_t)digit, &x))
			return false;
	}
	*out = x;
	return true;
}

bool view_i64(int64_t *out, struct view v)
{
	bool minus = v.n > 0 && v.p[0] == '-';
	uint64_t x;

	if (minus)
		v = (struct view){ v.p + 1, v.n - 1 };
	if (!view_u64(&x, v) || x > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - x) : (int64_t)x;
	return true;
}

static size_t digits(struct view v, size_t i)
{
	size_t from = i;

	while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
		i++;
	return i - from;
}

/* -?digits(.digits)?([eE][+-]?digits)? and nothing else; strtod() would take much more. */
static bool is_real(struct view v)
{
	size_t i = v.n > 0 && v.p[0] == '-', n;

	n = digits(v, i);
	if (n == 0)
		return false;
	i += n;
	if (i < v.n && v.p[i] == '.') {
		n = digits(v, i + 1);
		if (n == 0)
			return false;
		i += 1 + n;
	}
	if (i < v.n && (v.p[i] == 'e' || v.p[i] == 'E')) {
		i++;
		i += i < v.n && (v.p[i] == '+' || v.p[i] == '-');
		n = digits(v, i);
		if (n == 0)
			return false;
		i += n;
	}
	return i == v.n;
}

bool view_real(double *out, struct view v)
{
	struct str z = STR_INIT;
	double x;

	if (!is_real(v))
		return false;
	str_addv(&z, v);
	x = strtod(z.p, NULL); /* the process never calls setlocale(): the point is a point */
	str_release(&z);
	if (!isfinite(x))
		return false;
	*out = x;
	return true;
}

/* d.ddde-dd as printf wrote it, set as people write it: without an exponent where that is short. */
static void lay_out(char *out, const char *sci)
{
	char digit[24] = "";
	const char *p = sci;
	int n = 0, exp, i;

	if (*p == '-')
		*out++ = *p++;
	for (; *p != 'e'; p++)
		if (*p != '.' && n < (int)sizeof(digit))
			digit[n++] = *p;
	exp = (int)strtol(p + 1, NULL, 10);
	while (n > 1 && digit[n - 1] == '0')
		n--;
	if (exp < -5 || exp > 16) {
		*out++ = digit[0];
		if (n > 1)
			*out++ = '.';
		for (i = 1; i < n; i++)
			*out++ = digit[i];
		snprintf(out, 8, "e%d", exp);
		return;
	}
	if (exp < 0) {
		*out++ = '0';
		*out++ = '.';
		for (i = -1; i > exp; i--)
			*out++ = '0';
	}
	for (i = 0; i < n || i <= exp; i++) {
		if (i == exp + 1 && exp >= 0)
			*out++ = '.';
		*out++ = i < n ? digit[i] : '0';
	}
	*out = '\0';
}

/*
 * A decimal of at most 15 digits survives the way into a normal double and back, so the search can begin there;
 * in subnormal ones fewer digits may do.  The nearest decimal of p digits reads back if any of p digits does.
 */
void real_shortest(char *out, double v)
{
	int p = fabs(v) < 0x1p-1021 ? 1 : 15;
	char sci[40];

	BUG_ON(!isfinite(v));
	for (; p <= 17; p++) {
		snprintf(sci, sizeof(sci), "%.*e", p - 1, v);
		if (p == 17 || strtod(sci, NULL) == v)
			break;
	}
	lay_out(out, sci);
}

/* ---- UTF-8: the table of well-formed byte sequences of the Unicode Standard (chapter 3, table 3-7) ---- */

size_t utf8_decode(uint32_t *cp, const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;
	unsigned lo = 0x80, hi = 0xbf;
	size_t len, i;
	uint32_t c;

	if (n == 0)
		return 0;
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	c = s[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	*cp = c;
	return len;
}

size_t utf8_encode(char out[4], uint32_t cp)
{
	BUG_ON(cp > 0x10ffff);
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

size_t utf8_valid(const char *p, size_t n)
{
	size_t i = 0, len;
	uint32_t cp;

	for (; i < n; i += len) {
		len = (unsigned char)p[i] < 0x80 ? 1 : utf8_decode(&cp, p + i, n - i);
		if (len == 0)
			break;
	}
	return i;
}

/* Insert, delete, change, or swap two neighbours (optimal string alignment). Three rows are enough. */
size_t str_distance(struct view a, struct view b)
{
	size_t w = b.n + 1, i, j, best;
	size_t *row = mem_alloc(3 * w, sizeof(*row));
	size_t *before = row, *last = row + w, *now = row + 2 * w, *swap;

	for (j = 0; j < w; j++)
		now[j] = j;
	for (i = 1; i <= a.n; i++) {
		swap = before;
		before = last;
		last = now;
		now = swap;
		now[0] = i;
		for (j = 1; j < w; j++) {
			best = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	best = now[b.n];
	mem_free(row);
	return best;
}
