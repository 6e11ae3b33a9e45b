#include "model/pretoken_regex.h"
#include "model/tokenizer_read.h"

/* Classes and escapes of Oniguruma's syntax (its doc/RE), as sets of code points. */

#define BRACKET_DEEPEST 8

static const char *const cased_class[] = { "Lu", "Ll", "Lt" };

/* Two characters beyond ASCII are the same as a letter of ASCII when case does not count. */
#define LONG_S 0x17fu
#define KELVIN_SIGN 0x212au

static int class_named(struct regex_reader *r, struct cp_set *out, struct view name, bool negated, size_t at)
{
	struct cp_set set, word;

	if (!unicode_class(&set, r->mem, name))
		return regex_refuse(r, at, "no class of characters known here is named '%.*s'",
				    (int)(name.n < 40 ? name.n : 40), name.p);
	/* outside brackets Oniguruma's word characters are a few more */
	if (!r->bracket && name.n > 0 && (name.p[0] | 0x20) == 'w') {
		BUG_ON(!unicode_class(&word, r->mem, VIEW("word")));
		if (cp_set_eq(&set, &word))
			BUG_ON(!unicode_class(&set, r->mem, VIEW("bareword")));
	}
	if (negated)
		cp_set_invert(out, r->mem, &set);
	else
		*out = set;
	return 0;
}

/* "{Name}", "{^Name}" after \p or \P; and "[:name:]", "[:^name:]" with their own ends. */
static int class_until(struct regex_reader *r, struct cp_set *out, const char *end, bool negated)
{
	size_t from, at = r->at;
	struct view name;

	if (regex_ahead(r, "^")) {
		negated = !negated;
		r->at++;
	}
	from = r->at;
	while (r->at < r->text.n && !regex_ahead(r, end))
		r->at++;
	if (r->at == r->text.n)
		return regex_refuse(r, at, "the name of a class does not end");
	name = (struct view){ r->text.p + from, r->at - from };
	/* [:punct:] has the symbols as well, \p{Punct} not */
	if (view_is(name, "punct") && *end == ':')
		name = VIEW("posixpunct");
	if (class_named(r, out, name, negated, at) < 0)
		return -1;
	while (*end++)
		r->at++;
	return 0;
}

/* At least one and at most `most` hexadecimal digits. */
static int hex_digits(struct regex_reader *r, size_t least, size_t most, uint32_t *out)
{
	size_t n = 0, at = r->at;

	for (*out = 0; n < most && r->at < r->text.n && read_hex(r->text.p[r->at]) >= 0; n++)
		*out = *out * 16 + (uint32_t)read_hex(r->text.p[r->at++]);
	if (n < least || *out > CP_MAX)
		return regex_refuse(r, at, "no code point in hexadecimal");
	return 0;
}

static int escape_code(struct regex_reader *r, char c, uint32_t *out)
{
	size_t at = r->at;

	if (c == 'u')
		return hex_digits(r, 4, 4, out);
	if (regex_ahead(r, "{")) {
		r->at++;
		if (hex_digits(r, 1, 8, out) < 0)
			return -1;
		if (!regex_ahead(r, "}"))
			return regex_refuse(r, at, "\\x{ without }");
		r->at++;
		return 0;
	}
	if (hex_digits(r, 1, 2, out) < 0)
		return -1;
	return *out < 0x80 ? 0 : regex_refuse(r, at, "\\x%02x is a byte, not a character", (unsigned)*out);
}

/* The escapes that stand for one character; 1 where `c` is none of them. */
static int escape_single(struct regex_reader *r, char c, uint32_t *out)
{
	static const char letter[] = "tnrfvae";
	static const uint8_t code[] = { 9, 10, 13, 12, 11, 7, 27 };

	for (size_t i = 0; letter[i]; i++) {
		if (c != letter[i])
			continue;
		*out = code[i];
		return 0;
	}
	if (c == 'x' || c == 'u')
		return escape_code(r, c, out);
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return 1;
	r->at--;
	*out = regex_next(r);
	return 0;
}

int regex_escape(struct regex_reader *r, struct cp_set *out, bool *single)
{
	static const char name[][8] = { "space", "word", "digit", "xdigit" };
	static const char lower[] = "swdh", upper[] = "SWDH";
	size_t at = r->at;
	uint32_t cp;
	char c;
	int got;

	*out = (struct cp_set)CP_SET_INIT;
	if (r->at == r->text.n)
		return regex_refuse(r, at, "a \\ ends it");
	c = r->text.p[r->at++];
	*single = false;
	for (size_t i = 0; lower[i]; i++)
		if (c == lower[i] || c == upper[i])
			return class_named(r, out, view_of(name[i]), c == upper[i], at);
	if (c == 'p' || c == 'P') {
		if (!regex_ahead(r, "{"))
			return regex_refuse(r, at, "\\%c without {name}", c);
		r->at++;
		return class_until(r, out, "}", c == 'P');
	}
	got = escape_single(r, c, &cp);
	if (got == 1)
		r->at = at;
	if (got != 0)
		return got;
	*single = true;
	cp_set_add(out, r->mem, cp, cp);
	return 0;
}

/* One element of a bracket class but for nested brackets: a character, an escape, a POSIX class. */
static int bracket_element(struct regex_reader *r, struct cp_set *out, bool *single)
{
	size_t at = r->at;
	uint32_t cp;
	int got;

	if (regex_ahead(r, "[:")) {
		r->at += 2;
		*single = false;
		return class_until(r, out, ":]", false);
	}
	cp = regex_next(r);
	if (cp != '\\') {
		*single = true;
		*out = (struct cp_set)CP_SET_INIT;
		cp_set_add(out, r->mem, cp, cp);
		return 0;
	}
	if (regex_ahead(r, "b")) {
		r->at++;
		*single = true;
		*out = (struct cp_set)CP_SET_INIT;
		cp_set_add(out, r->mem, '\b', '\b');
		return 0;
	}
	got = regex_escape(r, out, single);
	if (got == 1)
		return regex_refuse(r, at, "\\%c is not supported between brackets", r->text.p[at + 1]);
	return got;
}

/* An element, and the end of its range where "-" and another follow. */
static int bracket_range(struct regex_reader *r, struct cp_set *set)
{
	struct cp_set first, last;
	bool single;
	size_t at = r->at;

	if (bracket_element(r, &first, &single) < 0)
		return -1;
	if (!regex_ahead(r, "-") || regex_ahead(r, "-]") || r->at + 1 >= r->text.n) {
		cp_set_join(set, r->mem, &first);
		return 0;
	}
	if (!single)
		return regex_refuse(r, at, "a range that begins with a class");
	r->at++;
	if (regex_ahead(r, "[") || regex_ahead(r, "&&"))
		return regex_refuse(r, at, "a range without an end");
	if (bracket_element(r, &last, &single) < 0)
		return -1;
	if (!single || last.range[0].first < first.range[0].first)
		return regex_refuse(r, at, "a range whose end does not follow its begin");
	cp_set_add(set, r->mem, first.range[0].first, last.range[0].first);
	return 0;
}

/* The state of one level of "[...]". */
struct bracket {
	struct cp_set set;  /* since the last && */
	struct cp_set meet; /* before it */
	bool met, negated;
	size_t at;
};

static void bracket_meet(struct regex_reader *r, struct bracket *b)
{
	struct cp_set both;

	cp_set_close(&b->set);
	if (b->met) {
		cp_set_meet(&both, r->mem, &b->meet, &b->set);
		b->meet = both;
	} else {
		b->meet = b->set;
	}
	b->met = true;
	b->set = (struct cp_set)CP_SET_INIT;
}

static void bracket_begin(struct regex_reader *r, struct bracket *b)
{
	*b = (struct bracket){ .at = r->at };
	if (regex_ahead(r, "^")) {
		b->negated = true;
		r->at++;
	}
}

/* Closes the innermost of `depth` levels: its set goes to the level outside, or to `out`. */
static int bracket_end(struct regex_reader *r, struct bracket *b, size_t depth, struct cp_set *out)
{
	struct bracket *top = &b[depth - 1];
	struct cp_set others;

	r->at++;
	bracket_meet(r, top);
	if (depth == 1 && r->icase && regex_fold(r, &top->meet, top->at) < 0)
		return -1;
	if (top->negated) {
		cp_set_invert(&others, r->mem, &top->meet);
		top->meet = others;
	}
	if (depth == 1)
		*out = top->meet;
	else
		cp_set_join(&b[depth - 2].set, r->mem, &top->meet);
	return 0;
}

int regex_bracket(struct regex_reader *r, struct cp_set *out)
{
	struct bracket b[BRACKET_DEEPEST];
	size_t depth = 1, at = r->at, first;

	r->bracket = true;
	bracket_begin(r, &b[0]);
	first = r->at;
	while (depth > 0) {
		if (r->at >= r->text.n)
			return regex_refuse(r, at - 1, "a [ without ]");
		if (regex_ahead(r, "]") && r->at == first)
			return regex_refuse(r, at - 1, "a class that begins with ] (write \\])");
		if (regex_ahead(r, "]")) {
			if (bracket_end(r, b, depth--, out) < 0)
				return -1;
		} else if (regex_ahead(r, "&&")) {
			r->at += 2;
			bracket_meet(r, &b[depth - 1]);
		} else if (regex_ahead(r, "[") && !regex_ahead(r, "[:")) {
			if (depth == BRACKET_DEEPEST)
				return regex_refuse(r, r->at, "classes nested deeper than %d",
						    BRACKET_DEEPEST);
			r->at++;
			bracket_begin(r, &b[depth++]);
			first = r->at;
		} else if (bracket_range(r, &b[depth - 1].set) < 0) {
			return -1;
		}
	}
	r->bracket = false;
	return 0;
}

/* Beyond ASCII a set must hold all letters with case or none: then case makes no difference there. */
static int fold_beyond_ascii(struct regex_reader *r, const struct cp_set *set, size_t at)
{
	struct cp_set cased = CP_SET_INIT, part, far = CP_SET_INIT, wide;

	for (size_t i = 0; i < sizeof(cased_class) / sizeof(cased_class[0]); i++) {
		BUG_ON(!unicode_class(&part, r->mem, view_of(cased_class[i])));
		cp_set_join(&cased, r->mem, &part);
	}
	cp_set_close(&cased);
	cp_set_add(&far, r->mem, 0x80, LONG_S - 1);
	cp_set_add(&far, r->mem, LONG_S + 1, KELVIN_SIGN - 1);
	cp_set_add(&far, r->mem, KELVIN_SIGN + 1, CP_MAX);
	cp_set_meet(&wide, r->mem, &cased, &far);
	cp_set_meet(&part, r->mem, &wide, set);
	if (part.n > 0 && !cp_set_eq(&part, &wide))
		return regex_refuse(r, at, "letters beyond ASCII where case does not count, such as U+%04X",
				    (unsigned)part.range[0].first);
	return 0;
}

int regex_fold(struct regex_reader *r, struct cp_set *set, size_t at)
{
	struct cp_set fold = CP_SET_INIT;

	if (fold_beyond_ascii(r, set, at) < 0)
		return -1;
	cp_set_join(&fold, r->mem, set);
	for (uint32_t c = 'a'; c <= 'z'; c++) {
		uint32_t far = c == 's' ? LONG_S : c == 'k' ? KELVIN_SIGN : c;

		if (!cp_set_has(set, c) && !cp_set_has(set, c - 'a' + 'A') && !cp_set_has(set, far))
			continue;
		cp_set_add(&fold, r->mem, c, c);
		cp_set_add(&fold, r->mem, c - 'a' + 'A', c - 'a' + 'A');
		cp_set_add(&fold, r->mem, far, far);
	}
	cp_set_close(&fold);
	*set = fold;
	return 0;
}
