#include "model/unicode_class.h"

#include "base/sort.h"

#include "model/unicode_table.h"

#define CATEGORY_BITS 5
#define CATEGORY_MASK ((1u << CATEGORY_BITS) - 1)

/* The categories in the order of the generated table; Cs, which valid text never has, is the last. */
static const struct {
	const char *brief, *name;
} category_name[] = {
	{ "lu", "uppercaseletter" },	{ "ll", "lowercaseletter" },  { "lt", "titlecaseletter" },
	{ "lm", "modifierletter" },	{ "lo", "otherletter" },      { "mn", "nonspacingmark" },
	{ "mc", "spacingmark" },	{ "me", "enclosingmark" },    { "nd", "decimalnumber" },
	{ "nl", "letternumber" },	{ "no", "othernumber" },      { "pc", "connectorpunctuation" },
	{ "pd", "dashpunctuation" },	{ "ps", "openpunctuation" },  { "pe", "closepunctuation" },
	{ "pi", "initialpunctuation" }, { "pf", "finalpunctuation" }, { "po", "otherpunctuation" },
	{ "sm", "mathsymbol" },		{ "sc", "currencysymbol" },   { "sk", "modifiersymbol" },
	{ "so", "othersymbol" },	{ "zs", "spaceseparator" },   { "zl", "lineseparator" },
	{ "zp", "paragraphseparator" }, { "cc", "control" },	      { "cf", "format" },
	{ "co", "privateuse" },		{ "cn", "unassigned" },	      { "cs", "surrogate" },
};

#define N_CATEGORY (sizeof(category_name) / sizeof(category_name[0]))

/* Groups of categories, as masks over the order above, and the POSIX classes made of nothing else. */
static const struct {
	const char *name;
	uint32_t mask;
} group_name[] = {
	{ "l", 0x1f },
	{ "letter", 0x1f },
	{ "m", 0xe0 },
	{ "mark", 0xe0 },
	{ "combiningmark", 0xe0 },
	{ "n", 0x700 },
	{ "number", 0x700 },
	{ "p", 0x3f800 },
	{ "punctuation", 0x3f800 },
	{ "s", 0x3c0000 },
	{ "symbol", 0x3c0000 },
	{ "z", 0x1c00000 },
	{ "separator", 0x1c00000 },
	{ "c", 0x3e000000 },
	{ "other", 0x3e000000 },
	{ "digit", 0x100 },
	{ "cntrl", 0x2000000 },
	{ "any", 0x3fffffff },
	{ "assigned", 0x2fffffff },
	{ "punct", 0x3f800 },
	{ "posixpunct", 0x3ff800 },
};

static const struct cp_range space_range[] = {
	{ 0x9, 0xd },	    { 0x20, 0x20 },	{ 0x85, 0x85 },	    { 0xa0, 0xa0 },	{ 0x1680, 0x1680 },
	{ 0x2000, 0x200a }, { 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 },
};

static const struct cp_range xdigit_range[] = { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } };

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

void cp_set_add(struct cp_set *s, struct arena *mem, uint32_t first, uint32_t last)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 8;
		struct cp_range *r = ARENA_ARRAY(mem, cap, struct cp_range);

		for (size_t i = 0; i < s->n; i++)
			r[i] = s->range[i];
		s->range = r;
		s->cap = cap;
	}
	s->range[s->n++] = (struct cp_range){ first, last };
}

void cp_set_join(struct cp_set *s, struct arena *mem, const struct cp_set *other)
{
	for (size_t i = 0; i < other->n; i++)
		cp_set_add(s, mem, other->range[i].first, other->range[i].last);
}

static int order_of(const void *a, const void *b, void *ud)
{
	const struct cp_range *x = a, *y = b;

	(void)ud;
	return x->first < y->first ? -1 : x->first > y->first;
}

void cp_set_close(struct cp_set *s)
{
	size_t n = 0;

	if (s->n == 0)
		return;
	sort_stable(s->range, s->n, sizeof(*s->range), order_of, NULL);
	for (size_t i = 1; i < s->n; i++) {
		struct cp_range *last = &s->range[n];

		if (s->range[i].first <= last->last || s->range[i].first == last->last + 1)
			last->last = s->range[i].last > last->last ? s->range[i].last : last->last;
		else
			s->range[++n] = s->range[i];
	}
	s->n = n + 1;
}

void cp_set_invert(struct cp_set *out, struct arena *mem, const struct cp_set *s)
{
	uint32_t next = 0;

	*out = (struct cp_set)CP_SET_INIT;
	for (size_t i = 0; i < s->n; i++) {
		if (s->range[i].first > next)
			cp_set_add(out, mem, next, s->range[i].first - 1);
		next = s->range[i].last + 1;
	}
	if (next <= CP_MAX)
		cp_set_add(out, mem, next, CP_MAX);
}

void cp_set_meet(struct cp_set *out, struct arena *mem, const struct cp_set *a, const struct cp_set *b)
{
	size_t i = 0, j = 0;

	*out = (struct cp_set)CP_SET_INIT;
	while (i < a->n && j < b->n) {
		struct cp_range x = a->range[i], y = b->range[j];
		uint32_t first = x.first > y.first ? x.first : y.first;
		uint32_t last = x.last < y.last ? x.last : y.last;

		if (first <= last)
			cp_set_add(out, mem, first, last);
		if (x.last <= y.last)
			i++;
		else
			j++;
	}
}

static bool ranges_have(const struct cp_range *range, size_t n, uint32_t cp)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (range[mid].last < cp)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && range[lo].first <= cp;
}

bool cp_set_has(const struct cp_set *s, uint32_t cp)
{
	return ranges_have(s->range, s->n, cp);
}

bool cp_set_eq(const struct cp_set *a, const struct cp_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->range[i].first != b->range[i].first || a->range[i].last != b->range[i].last)
			return false;
	return true;
}

static void add_table(struct cp_set *s, struct arena *mem, const struct cp_range *range, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cp_set_add(s, mem, range[i].first, range[i].last);
}

static void add_categories(struct cp_set *s, struct arena *mem, uint32_t mask)
{
	for (size_t i = 0; i < unicode_runs; i++) {
		uint32_t first = unicode_run[i] >> CATEGORY_BITS;
		uint32_t next = i + 1 < unicode_runs ? unicode_run[i + 1] >> CATEGORY_BITS : CP_MAX + 1;

		if (mask >> (unicode_run[i] & CATEGORY_MASK) & 1)
			cp_set_add(s, mem, first, next - 1);
	}
}

/* Letters, marks, decimal digits, letter numbers and connectors. */
#define WORD_MASK 0xbffu

/* The classes that no mask of categories gives; false where `name` is none. */
static bool add_mixed(struct cp_set *s, struct arena *mem, struct view name)
{
	if (view_is(name, "space")) {
		add_table(s, mem, space_range, COUNT(space_range));
	} else if (view_is(name, "word") || view_is(name, "bareword")) {
		add_categories(s, mem, WORD_MASK);
		for (size_t i = 0; i < unicode_words; i++)
			if (unicode_word[i].first > 0xff || view_is(name, "bareword"))
				cp_set_add(s, mem, unicode_word[i].first, unicode_word[i].last);
	} else if (view_is(name, "punctuator")) {
		add_table(s, mem, unicode_stop, unicode_stops);
	} else if (view_is(name, "xdigit")) {
		add_table(s, mem, xdigit_range, COUNT(xdigit_range));
	} else if (view_is(name, "blank")) {
		add_categories(s, mem, 0x400000);
		cp_set_add(s, mem, '\t', '\t');
	} else if (view_is(name, "ascii")) {
		cp_set_add(s, mem, 0, 0x7f);
	} else {
		return false;
	}
	return true;
}

/* Lower case, without blanks, '-' and '_'; false where that is too long for any name or not ASCII. */
static bool name_fold(char out[32], struct view name, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == ' ' || c == '-' || c == '_')
			continue;
		if (*n == 31)
			return false;
		out[(*n)++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out[*n] = '\0';
	return true;
}

bool unicode_class(struct cp_set *out, struct arena *mem, struct view name)
{
	char fold[32], script[32];
	struct view key = { fold, 0 };
	uint32_t mask = 0;
	size_t n;

	*out = (struct cp_set)CP_SET_INIT;
	if (!name_fold(fold, name, &key.n))
		return false;
	for (size_t i = 0; i < N_CATEGORY; i++)
		if (view_is(key, category_name[i].brief) || view_is(key, category_name[i].name))
			mask = 1u << i;
	for (size_t i = 0; i < COUNT(group_name); i++)
		if (view_is(key, group_name[i].name))
			mask = group_name[i].mask;
	if (mask != 0) {
		add_categories(out, mem, mask);
	} else if (!add_mixed(out, mem, key)) {
		for (size_t i = 0; i < unicode_scripts && out->n == 0; i++)
			if (name_fold(script, view_of(unicode_script[i].name), &n) && view_is(key, script))
				add_table(out, mem, unicode_script[i].range, unicode_script[i].n);
		if (out->n == 0)
			return false;
	}
	cp_set_close(out);
	return true;
}

static unsigned category_of(uint32_t cp)
{
	size_t lo = 0, hi = unicode_runs;

	/* The last run that begins at or before cp. */
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (unicode_run[mid] >> CATEGORY_BITS <= cp)
			lo = mid;
		else
			hi = mid;
	}
	return unicode_run[lo] & CATEGORY_MASK;
}

bool unicode_is_word(uint32_t cp)
{
	/* UTS 18 adds the two joiners and leaves out the superscripts and fractions of Latin-1. */
	if (cp == 0x200c || cp == 0x200d)
		return true;
	if (WORD_MASK >> category_of(cp) & 1)
		return true;
	return cp > 0xff && ranges_have(unicode_word, unicode_words, cp);
}

bool unicode_is_young(uint32_t cp)
{
	return ranges_have(unicode_young, unicode_youngs, cp);
}

bool unicode_is_second(uint32_t cp)
{
	/* Vowels and final consonants of Hangul. */
	if ((cp >= 0x1161 && cp <= 0x1175) || (cp >= 0x11a8 && cp <= 0x11c2))
		return true;
	return ranges_have(unicode_second, unicode_seconds, cp);
}
