#include "model/jinja_lex.h"

#include <string.h>

struct lexer {
	struct arena *mem;
	struct view src;
	const char *name;
	struct err *e;
	size_t at;
	bool line_starts; /* what was read last ended with a newline, or nothing was read */
	char open[64];	  /* brackets that wait for their end */
	size_t n_open;
	struct token *token;
	size_t n, cap;
};

struct pos jinja_place(struct view source, const char *name, uint32_t at)
{
	struct pos p = { .file = name, .line = 1, .col = 1 };

	for (size_t i = 0; i < at && i < source.n; i++) {
		if (source.p[i] == '\n') {
			p.line++;
			p.col = 1;
		} else if (((unsigned char)source.p[i] & 0xc0) != 0x80) {
			p.col++;
		}
	}
	return p;
}

#define LEX_FAIL(l, where, ...) \
	err_at((l)->e, ERR_INPUT, jinja_place((l)->src, (l)->name, (uint32_t)(where)), __VA_ARGS__)

struct view jinja_source(struct arena *mem, struct view text)
{
	char *out = arena_alloc(mem, text.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
			continue;
		out[n++] = text.p[i] == '\r' ? '\n' : text.p[i];
	}
	if (n > 0 && out[n - 1] == '\n')
		n--;
	return (struct view){ out, n };
}

static struct token *add(struct lexer *l, enum token_kind kind, size_t at, struct view text)
{
	if (l->n == l->cap) {
		size_t cap = l->cap * 2 + 64;
		struct token *wider = ARENA_ARRAY(l->mem, cap, struct token);

		if (l->n > 0)
			memcpy(wider, l->token, l->n * sizeof(*wider));
		l->token = wider;
		l->cap = cap;
	}
	l->token[l->n] = (struct token){ .kind = kind, .at = (uint32_t)at, .text = text };
	return &l->token[l->n++];
}

static bool here(const struct lexer *l, const char *lit)
{
	size_t n = strlen(lit);

	return l->src.n - l->at >= n && memcmp(l->src.p + l->at, lit, n) == 0;
}

/* Length of the white space at `at`. */
static size_t space_at(const struct lexer *l, size_t at)
{
	size_t i = at, len;
	uint32_t cp;

	while ((len = utf8_decode(&cp, l->src.p + i, l->src.n - i)) > 0 && text_is_space(cp))
		i += len;
	return i - at;
}

static bool all_space(struct view v)
{
	size_t len;
	uint32_t cp;

	for (size_t i = 0; i < v.n; i += len) {
		len = utf8_decode(&cp, v.p + i, v.n - i);
		if (!text_is_space(cp))
			return false;
	}
	return true;
}

/* Without the white space at its end. */
static struct view stripped(struct view v)
{
	size_t keep = 0, len;
	uint32_t cp;

	for (size_t i = 0; i < v.n; i += len) {
		len = utf8_decode(&cp, v.p + i, v.n - i);
		if (!text_is_space(cp))
			keep = i + len;
	}
	return (struct view){ v.p, keep };
}

/* Data [from, to) before a tag whose sign is '-', '+' or 0: '-' takes all white space before it; otherwise
 * lstrip_blocks takes the blanks of its own line, but not before {{. */
static void add_data(struct lexer *l, size_t from, size_t to, char sign, bool strip_line)
{
	struct view v = { l->src.p + from, to - from };
	size_t line = v.n;

	if (sign == '-') {
		v = stripped(v);
	} else if (sign != '+' && strip_line) {
		while (line > 0 && v.p[line - 1] != '\n')
			line--;
		if ((line > 0 || l->line_starts) && all_space((struct view){ v.p + line, v.n - line }))
			v.n = line;
	}
	if (v.n > 0)
		add(l, TOKEN_DATA, from, v);
}

/* Steps over a tag's end: '-' and `end` with the white space behind, '+' and `end`, or `end` and (where
 * `trim`) one newline. */
static bool skip_end(struct lexer *l, const char *end, bool trim)
{
	char sign = l->at < l->src.n ? l->src.p[l->at] : '\0';
	size_t from = l->at;

	if (sign == '-' || (trim && sign == '+'))
		l->at++;
	if (!here(l, end)) {
		l->at = from;
		return false;
	}
	l->at += strlen(end);
	if (sign == '-')
		l->at += space_at(l, l->at);
	else if (sign != '+' && trim && here(l, "\n"))
		l->at++;
	l->line_starts = l->src.p[l->at - 1] == '\n';
	return true;
}

static int lex_comment(struct lexer *l, size_t begin)
{
	while (l->at < l->src.n) {
		if (skip_end(l, "#}", true))
			return 0;
		l->at++;
	}
	return LEX_FAIL(l, begin, "this comment has no end, #} is missing");
}

/* Is there NAME with blanks around it, then (maybe) '-' and %}, at l->at? Steps over it. */
static bool skip_raw_tag(struct lexer *l, const char *name, bool ends)
{
	size_t from = l->at;
	bool found = false;

	l->at += space_at(l, l->at);
	if (here(l, name)) {
		l->at += strlen(name);
		l->at += space_at(l, l->at);
		found = skip_end(l, "%}", ends);
	}
	if (!found)
		l->at = from;
	return found;
}

/* Behind {% raw %}: all is data up to {% endraw %}. */
static int lex_raw(struct lexer *l, size_t begin)
{
	size_t from = l->at;

	while (l->at < l->src.n) {
		size_t tag = l->at;
		bool line_starts = l->line_starts;
		char sign;

		if (!here(l, "{%")) {
			l->at++;
			continue;
		}
		l->at += 2;
		sign = here(l, "-") || here(l, "+") ? l->src.p[l->at] : '\0';
		l->at += sign != '\0';
		if (skip_raw_tag(l, "endraw", true)) {
			bool starts = l->line_starts;

			l->line_starts = line_starts;
			add_data(l, from, tag, sign, true);
			l->line_starts = starts;
			return 0;
		}
		l->at = tag + 1;
	}
	return LEX_FAIL(l, begin, "this raw block has no end, {%% endraw %%} is missing");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int digit_of(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits of a base, single underscores between them; their end. */
static size_t digits_end(struct view s, size_t at, int base)
{
	while (at < s.n &&
	       (digit_of(s.p[at]) < base || (s.p[at] == '_' && at + 1 < s.n && digit_of(s.p[at + 1]) < base)))
		at++;
	return at;
}

/* The end of a float that starts at `at`, or `at` where there is an integer only. */
static size_t float_end(struct view s, size_t at)
{
	size_t i = digits_end(s, at, 10), sign;
	bool any = false;

	if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) {
		i = digits_end(s, i + 1, 10);
		any = true;
	}
	if (i + 1 < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		sign = s.p[i + 1] == '+' || s.p[i + 1] == '-';
		if (i + 1 + sign < s.n && is_digit(s.p[i + 1 + sign])) {
			i = digits_end(s, i + 1 + sign, 10);
			any = true;
		}
	}
	return any ? i : at;
}

static int lex_float(struct lexer *l, size_t end)
{
	struct str plain = STR_INIT;
	double v = 0;
	bool good;

	for (size_t i = l->at; i < end; i++)
		if (l->src.p[i] != '_')
			str_addc(&plain, l->src.p[i]);
	good = view_real(&v, str_view(&plain));
	str_release(&plain);
	if (!good)
		return LEX_FAIL(l, l->at, "the number %.*s is out of range",
				(int)(end - l->at < 40 ? end - l->at : 40), l->src.p + l->at);
	add(l, TOKEN_FLOAT, l->at, (struct view){ l->src.p + l->at, end - l->at })->real = v;
	l->at = end;
	return 0;
}

static int lex_number(struct lexer *l)
{
	size_t from = l->at, i = from, end = float_end(l->src, from);
	int base = 10;
	int64_t v = 0;

	if (end > from && (from == 0 || l->src.p[from - 1] != '.'))
		return lex_float(l, end);
	if (l->src.p[from] == '0' && from + 2 < l->src.n) {
		char mark = (char)(l->src.p[from + 1] | 0x20);
		int other = mark == 'b' ? 2 : mark == 'o' ? 8 : mark == 'x' ? 16 : 0;

		if (other != 0 && digit_of(l->src.p[from + 2]) < other) {
			base = other;
			i = from + 2;
		}
	}
	/* a decimal that begins with 0 is 0, as in Jinja, and what follows is another number */
	end = digits_end(l->src, i, base == 10 && l->src.p[from] == '0' ? 1 : base);
	for (; i < end; i++)
		if (l->src.p[i] != '_' && (__builtin_mul_overflow(v, base, &v) ||
					   __builtin_add_overflow(v, digit_of(l->src.p[i]), &v)))
			return LEX_FAIL(l, from, "the number %.*s does not fit 64 bits",
					(int)(end - from < 40 ? end - from : 40), l->src.p + from);
	add(l, TOKEN_INT, from, (struct view){ l->src.p + from, end - from })->integer = v;
	l->at = end;
	return 0;
}

/* \x41, \u1234, \U00012345: `n` hexadecimal digits behind l->at. */
static int lex_escape_code(struct lexer *l, struct str *out, size_t n)
{
	size_t from = l->at - 2;
	uint32_t cp = 0;
	char utf8[4];

	for (size_t i = 0; i < n; i++, l->at++) {
		if (l->at >= l->src.n || digit_of(l->src.p[l->at]) > 15)
			return LEX_FAIL(l, from, "an escape that needs %zu hexadecimal digits", n);
		cp = cp * 16 + (uint32_t)digit_of(l->src.p[l->at]);
	}
	if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return LEX_FAIL(l, from, "U+%04X is no character", (unsigned)cp);
	str_add(out, utf8, utf8_encode(utf8, cp));
	return 0;
}

/* Python's escapes; the backslash is behind l->at. */
static int lex_escape(struct lexer *l, struct str *out)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
	char c = l->src.p[l->at++], utf8[4];
	const char *known = memchr(from, c, sizeof(from) - 1);
	uint32_t cp = 0;

	if (known != NULL) {
		str_addc(out, to[known - from]);
	} else if (c == 'x' || c == 'u' || c == 'U') {
		return lex_escape_code(l, out, c == 'x' ? 2 : c == 'u' ? 4 : 8);
	} else if (c >= '0' && c <= '7') {
		l->at--;
		for (int i = 0; i < 3 && l->at < l->src.n && l->src.p[l->at] >= '0' && l->src.p[l->at] <= '7';
		     i++)
			cp = cp * 8 + (uint32_t)(l->src.p[l->at++] - '0');
		str_add(out, utf8, utf8_encode(utf8, cp));
	} else if (c == 'N') {
		return LEX_FAIL(l, l->at - 2, "character names (\\N{...}) in strings are not supported");
	} else if (c != '\n') {
		str_addc(out, '\\');
		str_addc(out, c);
	}
	return 0;
}

static int lex_string(struct lexer *l)
{
	size_t begin = l->at++;
	char quote = l->src.p[begin];
	struct str out = STR_INIT;
	int r = 0;

	while (r == 0 && l->at < l->src.n && l->src.p[l->at] != quote) {
		char c = l->src.p[l->at++];

		if (c != '\\')
			str_addc(&out, c);
		else if (l->at < l->src.n)
			r = lex_escape(l, &out);
	}
	if (r == 0 && l->at >= l->src.n)
		r = LEX_FAIL(l, begin, "this string has no end, %c is missing", quote);
	if (r == 0) {
		l->at++;
		add(l, TOKEN_STRING, begin, (struct view){ arena_strdup(l->mem, out.p, out.n), out.n });
	}
	str_release(&out);
	return r;
}

static int lex_bracket(struct lexer *l, char c)
{
	char want;

	if (c == '(' || c == '[' || c == '{') {
		if (l->n_open == sizeof(l->open))
			return LEX_FAIL(l, l->at, "brackets nested more than %zu deep", sizeof(l->open));
		l->open[l->n_open++] = c == '(' ? ')' : c == '[' ? ']' : '}';
	} else if (c == ')' || c == ']' || c == '}') {
		if (l->n_open == 0)
			return LEX_FAIL(l, l->at, "unexpected '%c'", c);
		want = l->open[--l->n_open];
		if (want != c)
			return LEX_FAIL(l, l->at, "unexpected '%c', expected '%c'", c, want);
	}
	return 0;
}

static int lex_operator(struct lexer *l)
{
	static const char *const two[] = { "//", "**", "==", "!=", ">=", "<=" };
	size_t len = 1, char_len;
	uint32_t cp;

	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		if (here(l, two[i]))
			len = 2;
	if (len == 1 &&
	    (l->src.p[l->at] == '\0' || strchr("+-/*%~[](){}><=.:|,;", l->src.p[l->at]) == NULL)) {
		char_len = utf8_decode(&cp, l->src.p + l->at, l->src.n - l->at);
		if (cp < 0x20)
			return LEX_FAIL(l, l->at, "unexpected character U+%04X", (unsigned)cp);
		return LEX_FAIL(l, l->at, "unexpected character '%.*s'", (int)char_len, l->src.p + l->at);
	}
	if (len == 1 && lex_bracket(l, l->src.p[l->at]) < 0)
		return -1;
	add(l, TOKEN_OPERATOR, l->at, (struct view){ l->src.p + l->at, len });
	l->at += len;
	return 0;
}

static bool is_name_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit((char)c) || c == '_' || c >= 0x80;
}

/* The inside of {{ }} or {% %} and its end. */
static int lex_tag(struct lexer *l, enum token_kind end, size_t begin)
{
	const char *close = end == TOKEN_BLOCK_END ? "%}" : "}}";

	l->n_open = 0;
	while (l->at < l->src.n) {
		size_t at = l->at, space;
		char c = l->src.p[at];
		int r = 0;

		if (l->n_open == 0 && skip_end(l, close, end == TOKEN_BLOCK_END)) {
			add(l, end, at, (struct view){ l->src.p + at, 2 });
			return 0;
		}
		space = space_at(l, at);
		if (space > 0) {
			l->at += space;
		} else if (is_digit(c)) {
			r = lex_number(l);
		} else if (is_name_char((unsigned char)c)) {
			while (l->at < l->src.n && is_name_char((unsigned char)l->src.p[l->at]) &&
			       space_at(l, l->at) == 0)
				l->at++;
			add(l, TOKEN_NAME, at, (struct view){ l->src.p + at, l->at - at });
		} else if (c == '\'' || c == '"') {
			r = lex_string(l);
		} else {
			r = lex_operator(l);
		}
		if (r < 0)
			return -1;
	}
	return LEX_FAIL(l, begin, "this tag has no end, %s is missing", close);
}

/* The tag that begins at l->at, with the data before it. */
static int lex_tagged(struct lexer *l, size_t from)
{
	size_t begin = l->at;
	char what = l->src.p[begin + 1], sign;

	l->at += 2;
	sign = here(l, "-") || here(l, "+") ? l->src.p[l->at] : '\0';
	l->at += sign != '\0';
	add_data(l, from, begin, sign, what != '{');
	if (what == '#')
		return lex_comment(l, begin);
	if (what == '%' && skip_raw_tag(l, "raw", false))
		return lex_raw(l, begin);
	if (what == '%') {
		add(l, TOKEN_BLOCK_BEGIN, begin, (struct view){ l->src.p + begin, 2 });
		return lex_tag(l, TOKEN_BLOCK_END, begin);
	}
	add(l, TOKEN_PRINT_BEGIN, begin, (struct view){ l->src.p + begin, 2 });
	return lex_tag(l, TOKEN_PRINT_END, begin);
}

int jinja_lex(struct token **out, size_t *n, struct arena *mem, struct view source, const char *name,
	      struct err *e)
{
	struct lexer l = { .mem = mem, .src = source, .name = name, .e = e, .line_starts = true };
	size_t from = 0;

	while (l.at < source.n) {
		if (!here(&l, "{{") && !here(&l, "{%") && !here(&l, "{#")) {
			l.at++;
			continue;
		}
		if (lex_tagged(&l, from) < 0)
			return -1;
		from = l.at;
	}
	if (from < source.n)
		add(&l, TOKEN_DATA, from, (struct view){ source.p + from, source.n - from });
	add(&l, TOKEN_END, source.n, (struct view){ "", 0 });
	*out = l.token;
	*n = l.n;
	return 0;
}
