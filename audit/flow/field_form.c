#include "base/str.h"
#include "flow/field.h"

#include <string.h>

/* A table's other faces: the canonical form and the help. */

static void write_value(struct json_out *j, const char *key, const struct field *row, const char *at);

static void write_list(struct json_out *j, const char *key, const struct field *row, const char *in)
{
	const char *list = *(char *const *)(const void *)(in + row->offset);
	size_t n = *(const size_t *)(const void *)(in + row->n_offset);
	bool scalars = row->inner[0].name[0] == '\0';

	json_open(j, key, '[');
	for (size_t i = 0; i < n; i++) {
		if (scalars) {
			write_value(j, NULL, &row->inner[0], list + i * row->stride);
			continue;
		}
		json_open(j, NULL, '{');
		field_write(j, row->inner, list + i * row->stride);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void write_int(struct json_out *j, const char *key, const struct field *row, int64_t v)
{
	if (row->words && (double)v < row->lo)
		json_puts(j, key, row->words[(int64_t)row->lo - 1 - v]);
	else
		json_put_int(j, key, v);
}

static void write_bool(struct json_out *j, const char *key, const struct field *row, bool v)
{
	if (row->words)
		json_puts(j, key, row->words[v]);
	else
		json_put_bool(j, key, v);
}

static void write_value(struct json_out *j, const char *key, const struct field *row, const char *at)
{
	const void *p = at;

	switch (row->kind) {
	case FIELD_SIZE: json_put_size(j, key, *(const size_t *)p); break;
	case FIELD_U64: json_put_size(j, key, *(const uint64_t *)p); break;
	case FIELD_INT: write_int(j, key, row, *(const int64_t *)p); break;
	case FIELD_REAL: json_put_real(j, key, *(const double *)p); break;
	case FIELD_BOOL: write_bool(j, key, row, *(const bool *)p); break;
	case FIELD_TEXT:
	case FIELD_PATH: json_puts(j, key, *(const char *const *)p); break;
	case FIELD_WORD: json_puts(j, key, row->words[*(const int *)p]); break;
	case FIELD_STRUCT:
		json_open(j, key, '{');
		field_write(j, row->inner, p);
		json_close(j, '}');
		break;
	case FIELD_LIST: write_list(j, key, row, at); break;
	}
}

void field_write(struct json_out *j, const struct field *table, const void *from)
{
	for (const struct field *row = table; row->name; row++)
		write_value(j, row->name, row,
			    (const char *)from + (row->kind == FIELD_LIST ? 0 : row->offset));
}

const struct field *field_find(const struct field *table, const char *path)
{
	while (table) {
		size_t n = strcspn(path, ".");
		const struct field *row = table;

		while (row->name && !view_eq(view_of(row->name), (struct view){ path, n }))
			row++;
		if (!row->name)
			return NULL;
		if (path[n] == '\0')
			return row;
		path += n + 1;
		table = row->inner;
	}
	return NULL;
}

const char *field_number(struct arena *mem, const struct field *row, double v)
{
	char text[32];

	if (row->kind != FIELD_REAL)
		return arena_fmt(mem, "%.0f", v);
	real_shortest(text, v);
	return arena_strdup(mem, text, strlen(text));
}

static const char *choices(struct arena *mem, const char *const *words)
{
	const char *s = words[0];

	for (size_t i = 1; words[i]; i++)
		s = arena_fmt(mem, "%s%s%s", s, words[i + 1] ? ", " : " or ", words[i]);
	return s;
}

static const char *bounds(struct arena *mem, const struct field *row)
{
	const char *lo = field_number(mem, row, row->lo);

	return row->lo < row->hi ? arena_fmt(mem, "%s to %s", lo, field_number(mem, row, row->hi)) : lo;
}

const char *field_kind_text(struct arena *mem, const struct field *row)
{
	switch (row->kind) {
	case FIELD_SIZE:
	case FIELD_U64: return arena_fmt(mem, "a whole number, %s", bounds(mem, row));
	case FIELD_INT:
		return arena_fmt(mem, "a whole number, %s%s%s", bounds(mem, row), row->words ? ", or " : "",
				 row->words ? choices(mem, row->words) : "");
	case FIELD_REAL: return arena_fmt(mem, "a number, %s", bounds(mem, row));
	case FIELD_BOOL: return row->words ? choices(mem, row->words) : "true or false";
	case FIELD_WORD: return choices(mem, row->words);
	case FIELD_TEXT: return arena_fmt(mem, "a text of %s bytes", bounds(mem, row));
	case FIELD_PATH: return "a path";
	case FIELD_STRUCT: return "a map";
	case FIELD_LIST:
		return arena_fmt(mem, "a list of %.0f to %.0f%s%s", row->lo, row->hi,
				 row->inner[0].name[0] ? " maps" : ": ",
				 row->inner[0].name[0] ? "" : field_kind_text(mem, &row->inner[0]));
	}
	return "";
}

void help_wrap(FILE *f, const char *text, int indent)
{
	int room = 100 - indent, col = 0;

	fprintf(f, "%*s", indent, "");
	while (*text) {
		int n = (int)strcspn(text, " ");

		if (col > 0 && col + 1 + n > room) {
			fprintf(f, "\n%*s", indent, "");
			col = 0;
		}
		fprintf(f, "%s%.*s", col ? " " : "", n, text);
		col += n + (col > 0);
		text += n;
		text += strspn(text, " ");
	}
	fputc('\n', f);
}

static void print_table(FILE *f, struct arena *mem, const struct field *table, int indent)
{
	for (const struct field *row = table; row->name; row++) {
		bool nested = row->inner && row->inner[0].name[0];
		const char *def = !row->fallback	      ? "; required"
				  : row->kind == FIELD_STRUCT ? ""
				  : row->fallback[0] == '\0'  ? "; may be left out"
							      : arena_fmt(mem, "; default %s", row->fallback);

		const char *kind = field_kind_text(mem, row);
		bool fits = 19 + strlen(kind) + strlen(def) <= 100;

		fprintf(f, "%*s%-*s %s%s\n", indent, "", 18 - indent, row->name, kind, fits ? def : "");
		if (!fits)
			help_wrap(f, def + 2, 19);
		help_wrap(f, row->help, indent + 4);
		if (nested)
			print_table(f, mem, row->inner, indent + 2);
	}
}

void field_help(FILE *f, const struct field *table)
{
	struct arena mem = ARENA_INIT;

	print_table(f, &mem, table, 0);
	arena_release(&mem);
}
