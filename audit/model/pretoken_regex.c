#include "model/pretoken_regex.h"

#include <stdarg.h>
#include <stdio.h>

#define REPEAT_MOST 65535 /* PCRE2's bound */
#define SHOWN 80	  /* bytes of a pattern in a message */

/* An open group: what its end restores, and what a quantifier behind it repeats. */
struct group {
	size_t op;	    /* its first operator */
	bool icase, dotall; /* outside it */
	bool look;	    /* (?=...) and its like: not to be repeated */
};

struct parse {
	struct regex_reader r;
	struct regex *x;
	struct group group[REGEX_DEEPEST];
	size_t depth;
	bool dotall;
	size_t item;	 /* the first operator of the item before; SIZE_MAX: there is none to repeat */
	bool repeated;	 /* it has a quantifier already */
	bool begun;	 /* something stands in this group already */
	uint32_t letter; /* an ASCII letter matched without case right before, or 0 */
};

int regex_refuse(const struct regex_reader *r, size_t at, const char *fmt, ...)
{
	char what[160];
	size_t shown = r->text.n < SHOWN ? r->text.n : SHOWN;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(r->e, ERR_INPUT, "pattern '%.*s'%s: %s, at byte %zu", (int)shown, r->text.p,
		       shown < r->text.n ? "..." : "", what, at + 1);
}

uint32_t regex_next(struct regex_reader *r)
{
	uint32_t cp = 0;
	size_t n = utf8_decode(&cp, r->text.p + r->at, r->text.n - r->at);

	BUG_ON(n == 0);
	r->at += n;
	return cp;
}

bool regex_ahead(const struct regex_reader *r, const char *lit)
{
	return view_starts((struct view){ r->text.p + r->at, r->text.n - r->at }, lit);
}

static void put_op(struct parse *p, struct regex_op op)
{
	struct regex *x = p->x;

	if (x->n == x->cap) {
		size_t cap = x->cap ? 2 * x->cap : 64;
		struct regex_op *more = ARENA_ARRAY(p->r.mem, cap, struct regex_op);

		for (size_t i = 0; i < x->n; i++)
			more[i] = x->op[i];
		x->op = more;
		x->cap = cap;
	}
	x->op[x->n++] = op;
}

static void put_text(struct parse *p, const char *text)
{
	put_op(p, (struct regex_op){ .text = text });
}

static void put_set(struct parse *p, const struct cp_set *set)
{
	struct regex *x = p->x;
	size_t i = 0;

	while (i < x->n_set && !cp_set_eq(&x->set[i], set))
		i++;
	if (i == x->cap_set) {
		size_t cap = x->cap_set ? 2 * x->cap_set : 16;
		struct cp_set *more = ARENA_ARRAY(p->r.mem, cap, struct cp_set);

		for (size_t k = 0; k < x->n_set; k++)
			more[k] = x->set[k];
		x->set = more;
		x->cap_set = cap;
	}
	if (i == x->n_set)
		x->set[x->n_set++] = *set;
	put_op(p, (struct regex_op){ .set = (uint32_t)i });
}

static void item_begin(struct parse *p)
{
	p->item = p->x->n;
	p->repeated = false;
	p->begun = true;
	p->letter = 0;
}

/* An anchor: an item that no quantifier may follow. */
static void item_none(struct parse *p)
{
	p->item = SIZE_MAX;
	p->begun = true;
	p->letter = 0;
}

static void put_point(struct parse *p, uint32_t cp)
{
	struct cp_set set = CP_SET_INIT;

	cp_set_add(&set, p->r.mem, cp, cp);
	put_set(p, &set);
}

static void put_class(struct parse *p, const char *name)
{
	struct cp_set set;

	BUG_ON(!unicode_class(&set, p->r.mem, view_of(name)));
	put_set(p, &set);
}

/* Anchors, spelled out so that they do not hang on PCRE2's own idea of lines and words. */
static void put_anchor(struct parse *p, char c)
{
	/* N: a newline, W: a word character; the rest is PCRE2's */
	static const struct {
		char c;
		const char *text;
	} anchor[] = {
		{ '^', "(?:\\A|(?<=N)(?!\\z))" },
		{ '$', "(?=N|\\z)" },
		{ 'A', "\\A" },
		{ 'z', "\\z" },
		{ 'Z', "(?=N?\\z)" },
		{ 'b', "(?:(?<=W)(?!W)|(?<!W)(?=W))" },
		{ 'B', "(?:(?<=W)(?=W)|(?<!W)(?!W))" },
	};
	const char *s = "";

	for (size_t i = 0; i < sizeof(anchor) / sizeof(anchor[0]); i++)
		if (anchor[i].c == c)
			s = anchor[i].text;
	BUG_ON(!*s);
	for (; *s; s++) {
		if (*s == 'N')
			put_point(p, '\n');
		else if (*s == 'W')
			put_class(p, "bareword");
		else
			put_text(p, arena_strdup(p->r.mem, s, 1));
	}
	item_none(p);
}

/* Some pairs of letters have a ligature or a sharp s that is the same without case. */
static bool has_ligature(uint32_t a, uint32_t b)
{
	return (a == 's' && (b == 's' || b == 't')) || (a == 'f' && (b == 'f' || b == 'i' || b == 'l'));
}

/* One character of `set`; `single`: it is a character, not a class. */
static int parse_set(struct parse *p, struct cp_set set, bool single, size_t at)
{
	uint32_t before = p->letter, c;

	item_begin(p);
	if (p->r.icase) {
		c = set.n > 0 ? set.range[0].first : 0;
		if (regex_fold(&p->r, &set, at) < 0)
			return -1;
		if (single && c < 0x80) {
			p->letter = c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
			if (has_ligature(before, p->letter))
				return regex_refuse(&p->r, at,
						    "'%c%c' where case does not count, which is a "
						    "ligature as well",
						    (char)before, (char)p->letter);
		}
	}
	put_set(p, &set);
	return 0;
}

static int parse_escape(struct parse *p)
{
	size_t at = p->r.at - 1;
	struct cp_set set;
	bool single;
	char c;
	int got = regex_escape(&p->r, &set, &single);

	if (got == 0)
		return parse_set(p, set, single, at);
	if (got < 0)
		return -1;
	c = p->r.text.p[p->r.at++];
	if (c != 'A' && c != 'z' && c != 'Z' && c != 'b' && c != 'B')
		return regex_refuse(&p->r, at, "\\%c is not supported", c);
	put_anchor(p, c);
	return 0;
}

static int parse_dot(struct parse *p)
{
	struct cp_set set = CP_SET_INIT, all;

	if (!p->dotall)
		cp_set_add(&set, p->r.mem, '\n', '\n');
	cp_set_invert(&all, p->r.mem, &set);
	item_begin(p);
	put_set(p, &all);
	return 0;
}

/* "(?imx-imx)" and "(?imx-imx:": 1 where the group goes on (":"), 0 where the option is for the rest of
 * the group it stands in. */
static int parse_options(struct parse *p, size_t at)
{
	bool on = true;

	for (;;) {
		char c = p->r.at < p->r.text.n ? p->r.text.p[p->r.at++] : '\0';

		if (c == '-')
			on = false;
		else if (c == 'i')
			p->r.icase = on;
		else if (c == 'm')
			p->dotall = on;
		else if (c == ':')
			return 1;
		else if (c == ')')
			return 0;
		else
			return regex_refuse(&p->r, at, "a group (?%c is not supported", c ? c : ' ');
	}
}

static int parse_group_kind(struct parse *p, struct group *g, size_t at)
{
	static const char *const look[] = { "(?=", "(?!", "(?<=", "(?<!" };
	size_t n_look = sizeof(look) / sizeof(look[0]);
	int got;

	for (size_t i = 0; i < n_look; i++) {
		if (!regex_ahead(&p->r, look[i] + 1))
			continue;
		p->r.at += view_of(look[i]).n - 1;
		put_text(p, look[i]);
		g->look = true;
		return 1;
	}
	if (!regex_ahead(&p->r, "?")) {
		put_text(p, "(?:");
		return 1;
	}
	p->r.at++;
	if (regex_ahead(&p->r, ">")) {
		p->r.at++;
		put_text(p, "(?>");
		return 1;
	}
	got = parse_options(p, at);
	if (got == 1)
		put_text(p, "(?:");
	return got;
}

static int parse_open(struct parse *p)
{
	size_t at = p->r.at - 1;
	bool begun = p->begun;
	struct group g;
	int got;

	if (p->depth == REGEX_DEEPEST)
		return regex_refuse(&p->r, at, "groups nested deeper than %d", REGEX_DEEPEST);
	if (regex_ahead(&p->r, "?#")) {
		while (p->r.at < p->r.text.n && p->r.text.p[p->r.at] != ')')
			p->r.at++;
		if (p->r.at++ == p->r.text.n)
			return regex_refuse(&p->r, at, "a comment without )");
		return 0;
	}
	g = (struct group){ .op = p->x->n, .icase = p->r.icase, .dotall = p->dotall };
	got = parse_group_kind(p, &g, at);
	if (got < 0)
		return -1;
	if (got == 0 && begun)
		return regex_refuse(&p->r, at, "options that begin amid a group");
	if (got == 1) {
		p->group[p->depth++] = g;
		p->begun = false;
	}
	p->item = SIZE_MAX;
	p->letter = 0;
	return 0;
}

static int parse_close(struct parse *p)
{
	struct group *g;

	if (p->depth == 0)
		return regex_refuse(&p->r, p->r.at - 1, "a ) without (");
	g = &p->group[--p->depth];
	put_text(p, ")");
	item_begin(p);
	p->item = g->look ? SIZE_MAX : g->op;
	p->r.icase = g->icase;
	p->dotall = g->dotall;
	return 0;
}

static bool parse_number(struct parse *p, size_t *out)
{
	size_t from = p->r.at;

	for (*out = 0; p->r.at < p->r.text.n; p->r.at++) {
		char c = p->r.text.p[p->r.at];

		if (c < '0' || c > '9')
			break;
		*out = *out > REPEAT_MOST ? *out : *out * 10 + (size_t)(c - '0');
	}
	return p->r.at > from;
}

/* "{n}", "{n,}", "{,n}", "{n,m}" after the bracket; false, and no step, where it is none: then { is itself. */
static bool parse_interval(struct parse *p, size_t *least, size_t *most, bool *fixed)
{
	size_t at = p->r.at;
	bool has_least = parse_number(p, least), has_most = false;

	*fixed = !regex_ahead(&p->r, ",");
	*most = *fixed ? *least : SIZE_MAX;
	if (!*fixed) {
		p->r.at++;
		has_most = parse_number(p, most);
		if (!has_most)
			*most = SIZE_MAX;
	}
	if ((!has_least && !has_most) || !regex_ahead(&p->r, "}")) {
		p->r.at = at;
		return false;
	}
	p->r.at++;
	return true;
}

static int repeat(struct parse *p, const char *text, size_t at)
{
	struct regex *x = p->x;

	if (p->item == SIZE_MAX)
		return regex_refuse(&p->r, at, "nothing to repeat");
	if (p->repeated) {
		put_text(p, NULL);
		for (size_t i = x->n - 1; i > p->item; i--)
			x->op[i] = x->op[i - 1];
		x->op[p->item] = (struct regex_op){ .text = "(?:" };
		put_text(p, ")");
	}
	put_text(p, text);
	p->repeated = true;
	p->letter = 0;
	return 0;
}

static int parse_repeat(struct parse *p, char c)
{
	char text[4] = { c };
	size_t at = p->r.at - 1;

	if (regex_ahead(&p->r, "?") || regex_ahead(&p->r, "+"))
		text[1] = p->r.text.p[p->r.at++];
	return repeat(p, arena_strdup(p->r.mem, text, text[1] ? 2 : 1), at);
}

static int parse_brace(struct parse *p)
{
	size_t least, most, at = p->r.at - 1;
	struct cp_set set = CP_SET_INIT;
	const char *text;
	bool fixed;

	if (!parse_interval(p, &least, &most, &fixed)) {
		cp_set_add(&set, p->r.mem, '{', '{');
		return parse_set(p, set, true, at);
	}
	if (least > REPEAT_MOST || (most > REPEAT_MOST && most != SIZE_MAX))
		return regex_refuse(&p->r, at, "a repeat of more than %d", REPEAT_MOST);
	if (most < least)
		return regex_refuse(&p->r, at, "a repeat {%zu,%zu}", least, most);
	if (fixed)
		text = arena_fmt(p->r.mem, "{%zu}", least);
	else if (most == SIZE_MAX)
		text = arena_fmt(p->r.mem, "{%zu,}", least);
	else
		text = arena_fmt(p->r.mem, "{%zu,%zu}", least, most);
	/* {n}? is {n} or nothing; {n,m}? is lazy; {n,m}+ is any number of {n,m}: the next quantifier */
	if (!fixed && regex_ahead(&p->r, "?")) {
		p->r.at++;
		text = arena_fmt(p->r.mem, "%s?", text);
	}
	return repeat(p, text, at);
}

static int parse_one(struct parse *p)
{
	size_t at = p->r.at;
	uint32_t cp = regex_next(&p->r);
	struct cp_set set = CP_SET_INIT;

	switch (cp) {
	case '(': return parse_open(p);
	case ')': return parse_close(p);
	case '\\': return parse_escape(p);
	case '.': return parse_dot(p);
	case '*':
	case '+':
	case '?': return parse_repeat(p, (char)cp);
	case '{': return parse_brace(p);
	case '^':
	case '$': put_anchor(p, (char)cp); return 0;
	case '|':
		put_text(p, "|");
		item_none(p);
		return 0;
	case '[':
		if (regex_bracket(&p->r, &set) < 0)
			return -1;
		item_begin(p);
		put_set(p, &set);
		return 0;
	default: cp_set_add(&set, p->r.mem, cp, cp); return parse_set(p, set, true, at);
	}
}

int regex_read(struct regex *out, struct arena *mem, struct view pattern, struct err *e)
{
	struct parse p = { .r = { .mem = mem, .text = pattern, .e = e }, .x = out, .item = SIZE_MAX };

	*out = (struct regex){ .op = NULL };
	if (pattern.n > REGEX_LONGEST)
		return err_set(e, ERR_INPUT, "a pattern of %zu bytes; %d are the most", pattern.n,
			       REGEX_LONGEST);
	if (utf8_valid(pattern.p, pattern.n) < pattern.n)
		return err_set(e, ERR_INPUT, "a pattern that is not UTF-8");
	while (p.r.at < pattern.n)
		if (parse_one(&p) < 0)
			return -1;
	if (p.depth > 0)
		return regex_refuse(&p.r, pattern.n, "a ( without )");
	return 0;
}
