#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One line of valid UTF-8 with nothing in it that a terminal would obey. In place: never grows. */
static void clean(char *s)
{
	size_t n = strlen(s), i = 0;

	while (i < n) {
		uint32_t cp = 0;
		size_t len = utf8_decode(&cp, s + i, n - i);
		bool control = cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029;

		if (len == 0 || control) {
			len = len ? len : 1;
			memset(s + i, '?', len);
		}
		i += len;
	}
}

/* A character cut in half by the truncation would show as '?'; better to leave it away. */
static void trim_cut_character(char *s, size_t size, int want)
{
	size_t n = strlen(s);

	if (want < 0 || (size_t)want < size)
		return;
	while (n > 0 && ((unsigned char)s[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && (unsigned char)s[n - 1] >= 0xc0 && utf8_valid(s + n - 1, strlen(s + n - 1)) == 0)
		s[n - 1] = '\0';
}

static void fill(struct err *e, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);

	trim_cut_character(e->msg, sizeof(e->msg), n);
	clean(e->msg);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	*e = (struct err){ .code = code };
	va_start(ap, fmt);
	fill(e, fmt, ap);
	va_end(ap);
	return -1;
}

int err_at(struct err *e, enum err_code code, struct pos at, const char *fmt, ...)
{
	va_list ap;
	int n;

	*e = (struct err){ .code = code, .line = at.line, .col = at.col };
	n = snprintf(e->file, sizeof(e->file), "%s", at.file ? at.file : "");
	trim_cut_character(e->file, sizeof(e->file), n);
	clean(e->file);
	va_start(ap, fmt);
	fill(e, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *verb, const char *path)
{
	int no = errno;
	bool absent = no == ENOENT || no == ENOTDIR || no == EISDIR;
	bool reading = !strcmp(verb, "open") || !strcmp(verb, "read") || !strcmp(verb, "map") ||
		       !strcmp(verb, "list");
	char why[128];

	if (strerror_r(no, why, sizeof(why)) != 0)
		snprintf(why, sizeof(why), "error %d", no);
	return err_set(e, absent && reading ? ERR_INPUT : ERR_IO, "cannot %s %s: %s", verb, path, why);
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char was[sizeof(e->msg)];
	va_list ap;
	size_t n;
	int want;

	memcpy(was, e->msg, sizeof(was));
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	want = snprintf(e->msg + n, sizeof(e->msg) - n, "%s", was);
	trim_cut_character(e->msg, sizeof(e->msg) - n, want);
	clean(e->msg);
	return -1;
}

void err_print(const struct err *e, FILE *f)
{
	if (!e->file[0])
		fprintf(f, "dfc-audit: %s\n", e->msg);
	else if (e->line == 0)
		fprintf(f, "%s: %s\n", e->file, e->msg);
	else
		fprintf(f, "%s:%u:%u: %s\n", e->file, e->line, e->col, e->msg);
}

int err_status(enum err_code code)
{
	switch (code) {
	case ERR_NONE: return 0;
	case ERR_USAGE: return 2;
	case ERR_SPEC: return 2;
	case ERR_INPUT: return 3;
	case ERR_IO: return 4;
	case ERR_SIZE: return 5;
	case ERR_DIFFERS: return 1;
	}
	bug_at(__FILE__, __LINE__, "unknown err_code");
}

void bug_at(const char *file, int line, const char *what)
{
	fprintf(stderr, "dfc-audit: this is a bug: %s:%d: %s\n", file, line, what);
	abort();
}
