#include "flow/field.h"
#include "base/str.h"

#include <stdarg.h>
#include <string.h>

struct reader {
	const struct field *root;
	struct arena *mem;
	struct problems *problems;
};

/* The way down to a field, on the stack of the readers above it. */
struct where {
	const struct where *up;
	const char *name; /* NULL: an element of a list */
	size_t index;
};

static void path_add(struct str *s, const struct where *w)
{
	if (!w)
		return;
	path_add(s, w->up);
	if (!w->name)
		str_addf(s, "[%zu]", w->index);
	else
		str_addf(s, "%s%s", s->n ? "." : "", w->name);
}

PRINTF_LIKE(4, 5)
static void problem(struct reader *r, struct pos at, const struct where *w, const char *fmt, ...)
{
	struct str path = STR_INIT;
	char msg[sizeof(((struct err *)0)->msg)];
	struct err e = ERR_INIT;
	va_list args;

	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	path_add(&path, w);
	err_at(&e, ERR_SPEC, at, "%s%s%s", path.n ? path.p : "", path.n ? ": " : "", msg);
	problems_add(r->problems, &e);
	str_release(&path);
}

/* A value as a message shows it: cut where it is long, in quotes where it was. */
static const char *shown(struct arena *mem, const struct yaml *y)
{
	struct view v = y->text;
	const char *quote = y->quoted ? "\"" : "";
	size_t cut = v.n > 48 ? utf8_valid(v.p, 45) : v.n;

	if (y->kind != YAML_SCALAR)
		return yaml_kind_name(y->kind);
	if (yaml_is_blank(y))
		return "nothing";
	return arena_fmt(mem, "%s%.*s%s%s", quote, (int)cut, v.p, cut < v.n ? "..." : "", quote);
}

const char *word_near(const char *const *words, struct view wrong)
{
	const char *best = NULL;
	size_t least = wrong.n < 4 ? 2 : wrong.n < 8 ? 3 : 4; /* one more than the slips forgiven */

	if (wrong.n > 64)
		return NULL;
	for (; *words; words++) {
		size_t d = str_distance(view_of(*words), wrong);

		if (d < least && d < strlen(*words)) {
			best = *words;
			least = d;
		}
	}
	return best;
}

static size_t rows_of(const struct field *table)
{
	size_t n = 0;

	while (table[n].name)
		n++;
	return n;
}

static const char *join(struct arena *mem, const char *const *words)
{
	const char *s = "";

	for (size_t i = 0; words[i]; i++)
		s = arena_fmt(mem, "%s%s%s", s, i ? ", " : "", words[i]);
	return s;
}

static const char *const *names_of(struct arena *mem, const struct field *table)
{
	size_t n = rows_of(table);
	const char **name = ARENA_ARRAY(mem, n + 1, const char *);

	for (size_t i = 0; i < n; i++)
		name[i] = table[i].name;
	return name;
}

/* Says what is wrong with a number out of bounds; true where it is within. */
static bool within(struct reader *r, const struct field *row, const struct yaml *y, double v,
		   const struct where *w)
{
	if (v >= row->lo && v <= row->hi)
		return true;
	problem(r, y->at, w, "%s is %s %s", shown(r->mem, y), v < row->lo ? "below" : "above",
		field_number(r->mem, row, v < row->lo ? row->lo : row->hi));
	return false;
}

static bool in_words(size_t *out, const char *const *words, struct view text)
{
	for (size_t i = 0; words && words[i]; i++) {
		if (view_is(text, words[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* A whole number was wanted and is not there: what is there, and what may have been meant. */
static void not_whole(struct reader *r, const struct field *row, const struct yaml *y, const struct where *w)
{
	const char *near = row->words && y->kind == YAML_SCALAR ? word_near(row->words, y->text) : NULL;
	double v;

	if (y->kind == YAML_SCALAR && y->quoted && view_real(&v, y->text))
		problem(r, y->at, w, "%s is text; a number stands without quotes", shown(r->mem, y));
	else if (y->kind == YAML_SCALAR && view_real(&v, y->text) && v > -1e15 && v < 1e15 &&
		 v == (double)(int64_t)v)
		problem(r, y->at, w, "%s is not a plain whole number; is it %.0f?", shown(r->mem, y), v);
	else if (row->words)
		problem(r, y->at, w, "%s is not a whole number or %s%s%s%s", shown(r->mem, y),
			join(r->mem, row->words), near ? "; is it " : "", near ? near : "", near ? "?" : "");
	else
		problem(r, y->at, w, "%s is not a whole number", shown(r->mem, y));
}

/* All digits behind a sign: a number, if too long for any kind of ours. */
static bool is_huge(struct view v)
{
	size_t i = v.n > 0 && v.p[0] == '-';

	for (size_t j = i; j < v.n; j++)
		if (v.p[j] < '0' || v.p[j] > '9')
			return false;
	return v.n > i;
}

static void read_whole(struct reader *r, void *at, const struct field *row, const struct yaml *y,
		       const struct where *w)
{
	uint64_t u = 0;
	int64_t i = 0;
	size_t word;
	double v;

	if (y->kind == YAML_SCALAR && in_words(&word, row->words, y->text)) {
		*(int64_t *)at = (int64_t)row->lo - 1 - (int64_t)word;
		return;
	}
	if (y->kind != YAML_SCALAR || y->quoted || !is_huge(y->text)) {
		not_whole(r, row, y, w);
		return;
	}
	if (view_u64(&u, y->text))
		v = (double)u;
	else if (view_i64(&i, y->text))
		v = (double)i;
	else
		v = y->text.p[0] == '-' ? -1e300 : 1e300;
	if (!within(r, row, y, v, w))
		return;
	if (row->kind == FIELD_SIZE)
		*(size_t *)at = (size_t)u;
	else if (row->kind == FIELD_U64)
		*(uint64_t *)at = u;
	else
		*(int64_t *)at = i < 0 ? i : (int64_t)u;
}

static void read_real(struct reader *r, double *at, const struct field *row, const struct yaml *y,
		      const struct where *w)
{
	double v;

	if (y->kind == YAML_SCALAR && y->quoted && view_real(&v, y->text))
		problem(r, y->at, w, "%s is text; a number stands without quotes", shown(r->mem, y));
	else if (y->kind != YAML_SCALAR || y->quoted || !view_real(&v, y->text))
		problem(r, y->at, w, "%s is not a number", shown(r->mem, y));
	else if (within(r, row, y, v, w))
		*at = v == 0 ? 0 : v; /* -0 is 0 */
}

static const char *const truths[] = { "false", "true", NULL };

static void read_bool(struct reader *r, bool *at, const struct field *row, const struct yaml *y,
		      const struct where *w)
{
	static const char *const yes[] = { "yes", "on", "True", "TRUE", "Yes", "y", "1", NULL };
	static const char *const no[] = { "no", "off", "False", "FALSE", "No", "n", "0", NULL };
	const char *const *words = row->words ? row->words : truths;
	const char *hint = NULL;
	size_t word;

	if (y->kind == YAML_SCALAR && (row->words || !y->quoted) && in_words(&word, words, y->text)) {
		*at = word == 1;
		return;
	}
	if (y->kind == YAML_SCALAR && !y->quoted && !row->words && in_words(&word, yes, y->text))
		hint = "true";
	else if (y->kind == YAML_SCALAR && !y->quoted && !row->words && in_words(&word, no, y->text))
		hint = "false";
	else if (y->kind == YAML_SCALAR && !y->quoted)
		hint = word_near(words, y->text);
	problem(r, y->at, w, "%s is not %s or %s%s%s%s", shown(r->mem, y), words[1], words[0],
		hint ? "; is it " : "", hint ? hint : "", hint ? "?" : "");
}

static void read_word(struct reader *r, int *at, const struct field *row, const struct yaml *y,
		      const struct where *w)
{
	const char *hint = y->kind == YAML_SCALAR ? word_near(row->words, y->text) : NULL;
	size_t word;

	if (y->kind == YAML_SCALAR && in_words(&word, row->words, y->text))
		*at = (int)word;
	else
		problem(r, y->at, w, "%s is none of %s%s%s%s", shown(r->mem, y), join(r->mem, row->words),
			hint ? "; is it " : "", hint ? hint : "", hint ? "?" : "");
}

/* null and ~ are how YAML and JSON write an absent value. */
static bool is_null(const struct yaml *y)
{
	return yaml_is_blank(y) || (!y->quoted && (view_is(y->text, "null") || view_is(y->text, "~")));
}

static void read_text(struct reader *r, const char **at, const struct field *row, const struct yaml *y,
		      const struct where *w)
{
	bool optional = row->fallback && row->fallback[0] == '\0';

	if (y->kind != YAML_SCALAR) {
		problem(r, y->at, w, "%s where a text belongs", shown(r->mem, y));
		return;
	}
	if (optional && (is_null(y) || y->text.n == 0)) {
		*at = NULL;
		return;
	}
	if (is_null(y)) {
		problem(r, y->at, w, "nothing given; it needs a text");
		return;
	}
	for (size_t i = 0; i < y->text.n; i++) {
		if ((unsigned char)y->text.p[i] < 0x20 || y->text.p[i] == 0x7f) {
			problem(r, y->at, w, "%s holds a line break or control character", shown(r->mem, y));
			return;
		}
	}
	if (y->text.n == 0 && row->lo > 0)
		problem(r, y->at, w, "an empty text; it needs %s", field_kind_text(r->mem, row));
	else if ((double)y->text.n < row->lo)
		problem(r, y->at, w, "%s is shorter than %.0f bytes", shown(r->mem, y), row->lo);
	else if ((double)y->text.n > row->hi)
		problem(r, y->at, w, "%s is longer than %.0f bytes", shown(r->mem, y), row->hi);
	else
		*at = arena_strdup(r->mem, y->text.p, y->text.n);
}

static void read_map(struct reader *r, char *into, const struct field *table, const struct yaml *y,
		     const struct where *w);
static void read_value(struct reader *r, char *at, const struct field *row, const struct yaml *y,
		       const struct where *w);

static void keep_pos(char *at, const struct field *row, const struct yaml *y)
{
	if (row->at_offset)
		*(struct pos *)(at + row->at_offset - 1) = y->at;
}

static void read_list(struct reader *r, char *into, const struct field *row, const struct yaml *y,
		      const struct where *w)
{
	bool scalars = row->inner[0].name[0] == '\0';
	char *list;
	size_t i = 0;

	if (y->kind != YAML_LIST) {
		problem(r, y->at, w,
			y->kind == YAML_SCALAR && scalars && !is_null(y)
				? "%s where a list belongs; a list of one is [%s]"
				: "%s where a list belongs",
			shown(r->mem, y), shown(r->mem, y));
		return;
	}
	if ((double)y->n < row->lo || (double)y->n > row->hi) {
		problem(r, y->at, w, "%zu item%s; %s are %.0f", y->n, y->n == 1 ? "" : "s",
			(double)y->n < row->lo ? "the fewest" : "the most",
			(double)y->n < row->lo ? row->lo : row->hi);
		return;
	}
	list = arena_alloc(r->mem, y->n ? y->n : 1, row->stride);
	for (const struct yaml *m = y->first; m; m = m->next, i++) {
		struct where element = { .up = w, .index = i };

		if (scalars) {
			read_value(r, list + i * row->stride, &row->inner[0], m, &element);
		} else {
			keep_pos(list + i * row->stride, row, m);
			read_map(r, list + i * row->stride, row->inner, m, &element);
		}
	}
	*(char **)(into + row->offset) = list;
	*(size_t *)(into + row->n_offset) = y->n;
}

/* `at` is the member itself, for lists the struct it is in (they have two members). */
static void read_value(struct reader *r, char *at, const struct field *row, const struct yaml *y,
		       const struct where *w)
{
	switch (row->kind) {
	case FIELD_SIZE:
	case FIELD_U64:
	case FIELD_INT: read_whole(r, at, row, y, w); break;
	case FIELD_REAL: read_real(r, (double *)(void *)at, row, y, w); break;
	case FIELD_BOOL: read_bool(r, (bool *)at, row, y, w); break;
	case FIELD_TEXT:
	case FIELD_PATH: read_text(r, (const char **)(void *)at, row, y, w); break;
	case FIELD_WORD: read_word(r, (int *)(void *)at, row, y, w); break;
	case FIELD_STRUCT:
		keep_pos(at, row, y);
		read_map(r, at, row->inner, y, w);
		break;
	case FIELD_LIST: read_list(r, at, row, y, w); break;
	}
}

static char *member(char *into, const struct field *row)
{
	return row->kind == FIELD_LIST ? into : into + row->offset;
}

/* Defaults are written as a user would write them, and read the same way. */
static void read_default(struct reader *r, char *into, const struct field *row, const struct where *w)
{
	static const struct yaml blank = { .kind = YAML_SCALAR, .text = { "", 0 } };
	const struct yaml *y = &blank;
	struct err e = ERR_INIT;
	size_t before = r->problems->n;

	BUG_ON(row->fallback[0] && yaml_read(&y, r->mem, view_of(row->fallback), "default", &e) < 0);
	read_value(r, member(into, row), row, y, w);
	BUG_ON(r->problems->n != before);
}

/* The dotted path of a field of that name in another section: it stands a level too high or too low. */
static const char *elsewhere(struct arena *mem, const struct field *table, const char *prefix,
			     struct view key)
{
	const char *found = NULL;

	for (const struct field *row = table; row->name && !found; row++) {
		const char *path = arena_fmt(mem, "%s%s%s", prefix, prefix[0] ? "." : "", row->name);

		if (view_eq(view_of(row->name), key))
			found = path;
		else if (row->kind == FIELD_STRUCT)
			found = elsewhere(mem, row->inner, path, key);
	}
	return found;
}

static void unknown(struct reader *r, const struct field *table, const struct yaml *m, const struct where *w)
{
	struct where at = {
		.up = w, .name = arena_fmt(r->mem, "%.*s", (int)(m->key.n < 64 ? m->key.n : 64), m->key.p)
	};
	const char *const *names = names_of(r->mem, table);
	const char *near = elsewhere(r->mem, r->root, "", m->key);

	if (!near)
		near = word_near(names, m->key);
	if (near)
		problem(r, m->key_at, &at, "no such field; is it %s?", near);
	else
		problem(r, m->key_at, &at, "no such field; here belong %s", join(r->mem, names));
}

static void read_map(struct reader *r, char *into, const struct field *table, const struct yaml *y,
		     const struct where *w)
{
	size_t n = rows_of(table);
	const struct yaml **seen = ARENA_ARRAY(r->mem, n, const struct yaml *);

	if (y->kind != YAML_MAP && !yaml_is_blank(y)) {
		problem(r, y->at, w, "%s where a map belongs", shown(r->mem, y));
		return;
	}
	for (const struct yaml *m = y->first; m; m = m->next) {
		size_t i = 0;

		while (i < n && !view_is(m->key, table[i].name))
			i++;
		if (i == n && r->problems->n == PROBLEMS_MAX) {
			r->problems->more++;
		} else if (i == n) {
			unknown(r, table, m, w);
		} else if (seen[i]) {
			struct where at = { .up = w, .name = table[i].name };

			problem(r, m->key_at, &at, "given twice; first in line %u", seen[i]->key_at.line);
		} else {
			seen[i] = m;
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct where at = { .up = w, .name = table[i].name };

		if (table[i].fallback)
			read_default(r, into, &table[i], &at);
		if (seen[i])
			read_value(r, member(into, &table[i]), &table[i], seen[i], &at);
		else if (!table[i].fallback)
			problem(r, y->key.n ? y->key_at : y->at, &at, "missing; it has no default: %s",
				table[i].help);
	}
}

void field_read(void *into, const struct field *table, const struct yaml *y, struct arena *mem,
		struct problems *p)
{
	struct reader r = { .root = table, .mem = mem, .problems = p };

	read_map(&r, into, table, y, NULL);
}

int field_parse(void *into, const struct field *row, const char *what, struct view text, struct arena *mem,
		struct err *e)
{
	struct problems p = PROBLEMS_INIT;
	struct reader r = { .root = row, .mem = mem, .problems = &p };
	bool is_text = row->kind == FIELD_TEXT || row->kind == FIELD_PATH;
	struct where w = { .name = what };
	struct yaml y = { .kind = YAML_SCALAR, .text = text, .quoted = is_text };
	int rc = 0;

	read_value(&r, member(into, row), row, &y, &w);
	if (p.n > 0)
		rc = err_set(e, ERR_USAGE, "%s", p.item[0].msg);
	problems_release(&p);
	return rc;
}
