#include "flow/options.h"

#include <string.h>

static const struct field nothing[] = { { .name = NULL } };

static size_t rows_of(const struct field *table)
{
	size_t n = 0;

	while (table[n].name)
		n++;
	return n;
}

static const char *dashes(const char *name)
{
	return name[1] ? "--" : "-";
}

static int unknown(const struct field *table, struct view name, const char *arg, struct arena *mem,
		   struct err *e)
{
	size_t n = rows_of(table);
	const char **names = ARENA_ARRAY(mem, n + 2, const char *);
	const char *near;

	for (size_t i = 0; i < n; i++)
		names[i] = table[i].name;
	names[n] = "help";
	near = word_near(names, name);
	if (near)
		return err_set(e, ERR_USAGE, "%s: no such option; is it %s%s?", arg, dashes(near), near);
	return err_set(e, ERR_USAGE, "%s: no such option; --help lists them", arg);
}

/* The option at arg[*i]; its value may be the argument after it. */
static int read_option(void *into, const struct field *table, bool *seen, char *const *arg, size_t n,
		       size_t *i, struct arena *mem, struct err *e)
{
	const char *text = arg[*i] + 1 + (arg[*i][1] == '-'), *equals = strchr(text, '=');
	struct view name = { text, equals ? (size_t)(equals - text) : strlen(text) }, value;
	size_t row = 0;
	const char *what;

	while (table[row].name &&
	       !(view_eq(view_of(table[row].name), name) && (text - arg[*i] == 2) == (name.n > 1)))
		row++;
	if (!table[row].name)
		return unknown(table, name, arg[*i], mem, e);
	what = arena_fmt(mem, "%s%s", dashes(table[row].name), table[row].name);
	if (seen[row])
		return err_set(e, ERR_USAGE, "%s is given twice", what);
	seen[row] = true;
	if (equals)
		value = view_of(equals + 1);
	else if (table[row].kind == FIELD_BOOL)
		value = VIEW("true");
	else if (*i + 1 < n)
		value = view_of(arg[++*i]);
	else
		return err_set(e, ERR_USAGE, "%s needs a value: %s", what, field_kind_text(mem, &table[row]));
	return field_parse(into, &table[row], what, value, mem, e);
}

int options_read(struct options *out, void *into, const struct field *table, char *const *arg, size_t n,
		 struct arena *mem, struct err *e)
{
	static const struct yaml empty = { .kind = YAML_MAP };
	struct problems none = PROBLEMS_INIT;
	bool *seen, rest = false;

	if (!table)
		table = nothing;
	seen = ARENA_ARRAY(mem, rows_of(table) + 1, bool);
	*out = (struct options){ .operand = ARENA_ARRAY(mem, n + 1, const char *) };
	field_read(into, table, &empty, mem, &none);
	BUG_ON(none.n > 0);
	for (size_t i = 0; i < n; i++) {
		if (rest || arg[i][0] != '-' || arg[i][1] == '\0') {
			out->operand[out->n++] = arg[i];
		} else if (strcmp(arg[i], "--") == 0) {
			rest = true;
		} else if (strcmp(arg[i], "--help") == 0 || strcmp(arg[i], "-h") == 0) {
			out->help = true;
			return 0;
		} else if (read_option(into, table, seen, arg, n, &i, mem, e) < 0) {
			return -1;
		}
	}
	return 0;
}
