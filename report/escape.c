#include "report/escape.h"

#include "report/markdown.h"

#include <string.h>

/*
 * CommonMark 0.30 with the tables, strikethrough, autolinks, mentions and mathematics of GitHub.  Signs that mean
 * something anywhere are always escaped; those that mean something at the start of a block only there.
 */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c & 0x80);
}

/* Blanks and the signs of block quotes at the start of a line. */
static size_t prefix_of(struct view line)
{
	size_t i = 0;

	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t' || line.p[i] == '>'))
		i++;
	return i;
}

static size_t blanks_of(struct view line)
{
	size_t i = 0;

	while (i < line.n && line.p[i] == ' ')
		i++;
	return i;
}

/* Takes the signs of at most `most` quotes off the start of a line; returns of how many. */
static size_t strip_quotes(struct view *line, size_t most)
{
	size_t n = 0, blanks;

	while (n < most && (blanks = blanks_of(*line)) < 4 && blanks < line->n && line->p[blanks] == '>') {
		size_t by = blanks + 1 + (blanks + 1 < line->n && line->p[blanks + 1] == ' ');

		line->p += by;
		line->n -= by;
		n++;
	}
	return n;
}

/* The run of one sign that a line of a fence begins with, at most three blanks in; 0 where it is none. */
static size_t fence_run(struct view line, char *sign)
{
	size_t at = blanks_of(line), run = at;

	*sign = at < line.n ? line.p[at] : '\0';
	if (at > 3 || (*sign != '`' && *sign != '~'))
		return 0;
	while (run < line.n && line.p[run] == *sign)
		run++;
	return run - at >= 3 ? run - at : 0;
}

/* Follows the fences of code blocks over the lines that have come since. */
static void see_lines(struct escape *s, const struct str *out)
{
	const char *end;

	while (s->seen < out->n && (end = memchr(out->p + s->seen, '\n', out->n - s->seen))) {
		struct view line = { out->p + s->seen, (size_t)(end - out->p) - s->seen };
		size_t quotes, run;
		char sign;

		s->seen += line.n + 1;
		quotes = strip_quotes(&line, s->fence ? s->fence_quotes : SIZE_MAX);
		run = fence_run(line, &sign);
		if (run && !s->fence) {
			s->fence = sign;
			s->fence_run = run;
			s->fence_quotes = quotes;
		} else if (s->fence &&
			   (quotes < s->fence_quotes || (run >= s->fence_run && sign == s->fence))) {
			/* where the quote ends, so does a block in it */
			s->fence = '\0';
		}
	}
}

bool escape_in_block(struct escape *s, const struct str *out)
{
	see_lines(s, out);
	return s->fence != '\0';
}

/* What stands on the last line so far. */
static struct view last_line(const struct str *out)
{
	struct view all = str_view(out);
	size_t i = all.n;

	while (i > 0 && all.p[i - 1] != '\n')
		i--;
	return (struct view){ all.p + i, all.n - i };
}

static bool in_table(struct view line)
{
	size_t at = prefix_of(line);

	return at < line.n && line.p[at] == '|';
}

void escape_none(struct escape *s, struct str *out, struct view text)
{
	for (size_t i = 0; i < text.n; i++) {
		char before = i ? text.p[i - 1] : out->n ? out->p[out->n - 1] : '\0';

		if (text.p[i] == '(' && before == ']')
			s->address = true;
		else if (text.p[i] == ')' || text.p[i] == '\n')
			s->address = false;
	}
	str_addv(out, text);
}

/* Only blanks, quote signs and list markers before: a sign here could begin a block. */
static bool begins_block(struct view line)
{
	size_t i = prefix_of(line);

	while (i < line.n && (strchr("-+*.) \t>", line.p[i]) || is_digit(line.p[i])))
		i++;
	return i == line.n;
}

/* Each line of the value on a line of its own, with the prefix of the line it begins on; four blanks keep a line
 * from closing the block. */
static void put_lines(struct escape *s, struct str *out, struct view value)
{
	struct str prefix = STR_INIT;
	struct view line = last_line(out);

	str_add(&prefix, line.p, prefix_of(line));
	for (size_t i = 0; i < value.n;) {
		const char *end = memchr(value.p + i, '\n', value.n - i);
		struct view one = { value.p + i, end ? (size_t)(end - value.p) - i : value.n - i };
		size_t at = blanks_of(one);

		if (i) {
			str_addc(out, '\n');
			str_addv(out, str_view(&prefix));
		}
		if (at < one.n && one.p[at] == s->fence)
			str_adds(out, "    ");
		fonts_spell(out, s->fonts, one);
		i += one.n + 1;
	}
	str_release(&prefix);
}

/* After '#' as the anchor of a heading, else as a part of a path. */
static void put_address(struct str *out, struct view value)
{
	size_t i = out->n;

	while (i > 1 && out->p[i - 1] != '(' && out->p[i - 1] != '\n')
		i--;
	if (memchr(out->p + i, '#', out->n - i)) {
		markdown_slug(out, value);
		return;
	}
	for (i = 0; i < value.n; i++) {
		char c = value.p[i];

		if ((is_word(c) && !(c & 0x80)) || (c && strchr("-._~/", c)))
			str_addc(out, c);
		else
			str_addf(out, "%%%02X", (unsigned char)c);
	}
}

/* Does the sign at `i` need its backslash in the middle of a line? */
static bool is_special(struct view v, size_t i)
{
	char before = i ? v.p[i - 1] : ' ', after = i + 1 < v.n ? v.p[i + 1] : ' ';

	switch (v.p[i]) {
	case '\\':
	case '`':
	case '*':
	case '[':
	case ']':
	case '<':
	case '|':
	case '~':
	case '$': return true;
	case '_': return !is_word(before) || !is_word(after);
	case '&': return is_word(after) || after == '#';
	case '@': return is_word(after);
	case ':': return after == '/';
	case '.': return i >= 3 && !memcmp(v.p + i - 3, "www", 3);
	default: return false;
	}
}

/* Does it at the start of a block: headings, lists, quotes, rules, underlines, delimiters of tables, "12." */
static bool is_special_first(struct view v, size_t i)
{
	size_t digits = 0;

	if (!i)
		return v.p[0] && strchr("#>+-=:", v.p[0]);
	while (digits < v.n && is_digit(v.p[digits]))
		digits++;
	return digits && i == digits && (v.p[i] == '.' || v.p[i] == ')') &&
	       (i + 1 == v.n || v.p[i + 1] == ' ');
}

/* A blank at the edge of a value, as a number: emphasis does not take one beside its signs, and a block loses it.
 * Returns its bytes, 0 where there is none. */
static size_t put_blank(struct str *out, struct view v)
{
	uint32_t cp = 0;
	size_t n = utf8_decode(&cp, v.p, v.n);

	if (cp != ' ' && cp != 0xA0 && cp != 0x1680 && !(cp >= 0x2000 && cp <= 0x200A) && cp != 0x202F &&
	    cp != 0x205F && cp != 0x3000)
		return 0;
	str_addf(out, "&#%u;", (unsigned)cp);
	return n;
}

/* Where the last character begins. */
static size_t last_of(struct view v)
{
	size_t i = v.n ? v.n - 1 : 0;

	while (i > 0 && ((unsigned char)v.p[i] & 0xC0) == 0x80)
		i--;
	return i;
}

/* "-3.25" is a number, not a list. */
static bool is_number(struct view v)
{
	return v.n > 1 && (v.p[0] == '-' || v.p[0] == '+') && is_digit(v.p[1]);
}

static bool in_heading(struct view line)
{
	size_t at = prefix_of(line);

	return at < line.n && line.p[at] == '#';
}

static void put_words(struct str *out, struct view v)
{
	bool first = begins_block(last_line(out)), heading = in_heading(last_line(out));
	size_t edge = last_of(v),
	       blank = v.n && (first || strchr("*_~[", out->p[out->n - 1])) ? put_blank(out, v) : 0;

	first = first && !blank;
	for (size_t i = blank; i < v.n; i++) {
		if (i == edge && put_blank(out, (struct view){ v.p + i, v.n - i }))
			break;
		if (is_special(v, i) || (first && !is_number(v) && is_special_first(v, i)) ||
		    (heading && v.p[i] == '#'))
			str_addc(out, '\\');
		str_addc(out, v.p[i]);
		/* lines of the value can be broken where they ended */
		if (i >= 2 && !memcmp(v.p + i - 2, "\u23CE", 3) && i + 1 < v.n && v.p[i + 1] != ' ')
			str_addc(out, ' ');
	}
}

void escape_value(struct escape *s, struct str *out, struct view value)
{
	struct str spelled = STR_INIT;

	if (escape_in_block(s, out)) {
		put_lines(s, out, value);
	} else if (s->address) {
		put_address(out, value);
	} else {
		fonts_spell(&spelled, s->fonts, value);
		put_words(out, str_view(&spelled));
	}
	str_release(&spelled);
}

void escape_code(struct escape *s, struct str *out, struct view value)
{
	struct str spelled = STR_INIT;
	struct view v;
	size_t longest = 0, run = 0, blanks = 0;
	bool table = in_table(last_line(out)), pad;

	fonts_spell(&spelled, s->fonts, value);
	v = str_view(&spelled);
	/* "\\|" in a cell is read as a backslash and the end of the cell, span or not */
	if (table && v.n && strstr(v.p, "\\|")) {
		escape_value(s, out, value);
		str_release(&spelled);
		return;
	}
	for (size_t i = 0; i < v.n; i++) {
		run = v.p[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
		blanks += v.p[i] == ' ';
	}
	/* one blank off each end is not part of a span that has both, unless it is all blanks */
	pad = v.n && (v.p[0] == '`' || v.p[v.n - 1] == '`' ||
		      (v.p[0] == ' ' && v.p[v.n - 1] == ' ' && blanks < v.n));
	for (size_t i = 0; v.n && i <= longest; i++)
		str_addc(out, '`');
	str_adds(out, pad ? " " : "");
	for (size_t i = 0; i < v.n; i++) {
		/* a row of a table is cut at its bars before spans are looked for */
		if (v.p[i] == '|' && table)
			str_addc(out, '\\');
		str_addc(out, v.p[i]);
	}
	str_adds(out, pad ? " " : "");
	for (size_t i = 0; v.n && i <= longest; i++)
		str_addc(out, '`');
	str_release(&spelled);
}
