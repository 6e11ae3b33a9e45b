#include "flow/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A table with a row of every kind, and what reading, writing and helping make of it. */

struct part {
	const char *name;
	double share;
	struct pos at;
};

struct all {
	size_t size;
	uint64_t u64;
	int64_t level;
	double real;
	bool flag, wide;
	const char *text, *path;
	int word;
	struct part part;
	struct part *list;
	size_t n_list;
	double *reals;
	size_t n_reals;
};

static const struct field part_rows[] = {
	{ .name = "name",
	  .kind = FIELD_TEXT,
	  .offset = offsetof(struct part, name),
	  .lo = 1,
	  .hi = 8,
	  .help = "h" },
	{ .name = "share",
	  .kind = FIELD_REAL,
	  .offset = offsetof(struct part, share),
	  .lo = 0,
	  .hi = 1,
	  .fallback = "0.5",
	  .help = "h" },
	{ .name = NULL },
};

static const struct field real_row[] = {
	{ .name = "", .kind = FIELD_REAL, .lo = -9, .hi = 9 },
	{ .name = NULL },
};

#define AT(member) .offset = offsetof(struct all, member)
#define WORDS(...)                     \
	.words = (const char *const[]) \
	{                              \
		__VA_ARGS__, NULL      \
	}

static const struct field rows[] = {
	{ .name = "size", .kind = FIELD_SIZE, AT(size), .lo = 1, .hi = 1e15, .fallback = "7", .help = "h" },
	{ .name = "u64", .kind = FIELD_U64, AT(u64), .lo = 0, .hi = 1e15, .fallback = "0", .help = "h" },
	{ .name = "level",
	  .kind = FIELD_INT,
	  AT(level),
	  .lo = -3,
	  .hi = 9,
	  WORDS("lowest", "none"),
	  .fallback = "none",
	  .help = "h" },
	{ .name = "real",
	  .kind = FIELD_REAL,
	  AT(real),
	  .lo = -1,
	  .hi = 1e6,
	  .fallback = "1e-3",
	  .help = "h" },
	{ .name = "flag", .kind = FIELD_BOOL, AT(flag), .fallback = "true", .help = "h" },
	{ .name = "width",
	  .kind = FIELD_BOOL,
	  AT(wide),
	  WORDS("narrow", "wide"),
	  .fallback = "narrow",
	  .help = "h" },
	{ .name = "text", .kind = FIELD_TEXT, AT(text), .lo = 2, .hi = 4, .fallback = "", .help = "h" },
	{ .name = "path", .kind = FIELD_PATH, AT(path), .lo = 1, .hi = 100, .fallback = "a b", .help = "h" },
	{ .name = "word",
	  .kind = FIELD_WORD,
	  AT(word),
	  WORDS("north", "south", "west"),
	  .fallback = "south",
	  .help = "h" },
	{ .name = "part",
	  .kind = FIELD_STRUCT,
	  AT(part),
	  .inner = part_rows,
	  .at_offset = offsetof(struct part, at) + 1,
	  .fallback = "{name: none}",
	  .help = "h" },
	{ .name = "list",
	  .kind = FIELD_LIST,
	  AT(list),
	  .n_offset = offsetof(struct all, n_list),
	  .lo = 0,
	  .hi = 3,
	  .inner = part_rows,
	  .stride = sizeof(struct part),
	  .at_offset = offsetof(struct part, at) + 1,
	  .fallback = "[]",
	  .help = "h" },
	{ .name = "reals",
	  .kind = FIELD_LIST,
	  AT(reals),
	  .n_offset = offsetof(struct all, n_reals),
	  .lo = 1,
	  .hi = 4,
	  .inner = real_row,
	  .stride = sizeof(double),
	  .fallback = "[1, 2]",
	  .help = "h" },
	{ .name = NULL },
};

static void read_all(struct all *out, struct arena *mem, const char *text, struct problems *p)
{
	const struct yaml *y;
	struct err e = ERR_INIT;

	memset(out, 0, sizeof(*out));
	if (yaml_read(&y, mem, view_of(text), "f", &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	field_read(out, rows, y, mem, p);
}

#define DEFAULT_HEAD \
	"\"size\":7,\"u64\":0,\"level\":\"none\",\"real\":0.001,\"flag\":true,\"width\":\"narrow\","
#define DEFAULT_MIDDLE \
	"\"text\":null,\"path\":\"a b\",\"word\":\"south\",\"part\":{\"name\":\"none\",\"share\":0.5},"

static const struct {
	const char *text, *want; /* the canonical form, or the problems as "line:col: message", a line each */
} cases[] = {
	{ "", "{" DEFAULT_HEAD DEFAULT_MIDDLE "\"list\":[],\"reals\":[1,2]}" },
	{ "{size: 9, u64: 3, level: lowest, real: -0, flag: false, width: wide, text: abc, path: 'x', word: west, "
	  "part: {name: p, share: 1}, list: [{name: a}, {name: b, share: 0.25}], reals: [-9, 1e0]}",
	  "{\"size\":9,\"u64\":3,\"level\":\"lowest\",\"real\":0,\"flag\":false,\"width\":\"wide\",\"text\":\"abc\","
	  "\"path\":\"x\",\"word\":\"west\",\"part\":{\"name\":\"p\",\"share\":1},\"list\":[{\"name\":\"a\","
	  "\"share\":0.5},{\"name\":\"b\",\"share\":0.25}],\"reals\":[-9,1]}" },
	{ "level: -3",
	  "{\"size\":7,\"u64\":0,\"level\":-3,\"real\":0.001,\"flag\":true,\"width\":\"narrow\"," DEFAULT_MIDDLE
	  "\"list\":[],\"reals\":[1,2]}" },
	{ "list:\n  - share: 2\n  - {nme: x}\n",
	  "2:5: list[0].name: missing; it has no default: h\n2:12: list[0].share: 2 is above 1\n"
	  "3:5: list[1].name: missing; it has no default: h\n3:6: list[1].nme: no such field; is it name?\n" },
	{ "[1]", "1:1: a list where a map belongs\n" },
	{ "part: 3", "1:7: part: 3 where a map belongs\n" },
	{ "part:", "1:1: part.name: missing; it has no default: h\n" },
	{ "list: [3, [4]]",
	  "1:8: list[0]: 3 where a map belongs\n1:11: list[1]: a list where a map belongs\n" },
	{ "level: -6", "1:8: level: -6 is below -3\n" },
	{ "size: 99999999999999999999", "1:7: size: 99999999999999999999 is above 1000000000000000\n" },
	{ "size: -99999999999999999999", "1:7: size: -99999999999999999999 is below 1\n" },
	{ "size: 0x10", "1:7: size: 0x10 is not a whole number\n" },
	{ "size: [1]", "1:7: size: a list is not a whole number\n" },
	{ "real: inf", "1:7: real: inf is not a number\n" },
	{ "real: 2e6", "1:7: real: 2e6 is above 1000000\n" },
	{ "flag: 'true'", "1:7: flag: \"true\" is not true or false\n" },
	{ "flag: ture", "1:7: flag: ture is not true or false; is it true?\n" },
	{ "width: false", "1:8: width: false is not wide or narrow\n" },
	{ "text: a", "1:7: text: a is shorter than 2 bytes\n" },
	{ "text: abcde", "1:7: text: abcde is longer than 4 bytes\n" },
	{ "text: \"a\\0b\"", "1:7: text: \"a\" holds a line break or control character\n" },
	{ "path: ''", "1:7: path: an empty text; it needs a path\n" },
	{ "path: ~", "1:7: path: nothing given; it needs a text\n" },
	{ "word: East", "1:7: word: East is none of north, south, west; is it west?\n" },
	{ "reals: []", "1:8: reals: 0 items; the fewest are 1\n" },
	{ "reals: [1, 2, 3, 4, 5]", "1:8: reals: 5 items; the most are 4\n" },
	{ "reals: [1, x]", "1:12: reals[1]: x is not a number\n" },
	{ "part:\n  size: 3\n  name: x\n", "2:3: part.size: no such field; is it size?\n" },
};

static void cases_come_out_as_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct problems p = PROBLEMS_INIT;
		struct str got = STR_INIT;
		struct json_out j = { .str = &got, .compact = true };
		struct all all;

		read_all(&all, &mem, cases[i].text, &p);
		problems_sort(&p);
		for (size_t k = 0; k < p.n; k++)
			str_addf(&got, "%u:%u: %s\n", p.item[k].line, p.item[k].col, p.item[k].msg);
		if (p.n == 0) {
			json_open(&j, NULL, '{');
			field_write(&j, rows, &all);
			json_close(&j, '}');
		}
		if (strcmp(got.p, cases[i].want) != 0)
			fail_msg("case %zu: %s:\ngot    %s\nwanted %s", i, cases[i].text, got.p,
				 cases[i].want);
		str_release(&got);
		problems_release(&p);
		arena_release(&mem);
	}
}

/* What is wrong falls back to its default, so that checks across fields have something to stand on. */
static void what_is_wrong_keeps_its_default(void **state)
{
	struct arena mem = ARENA_INIT;
	struct problems p = PROBLEMS_INIT;
	struct all all;

	(void)state;
	read_all(&all, &mem, "{size: 0, word: up, reals: [], flag: 3}", &p);
	assert_int_equal(p.n, 4);
	assert_int_equal(all.size, 7);
	assert_int_equal(all.word, 1);
	assert_int_equal(all.n_reals, 2);
	assert_true(all.flag);
	problems_release(&p);
	arena_release(&mem);
}

static void positions_are_kept(void **state)
{
	struct arena mem = ARENA_INIT;
	struct problems p = PROBLEMS_INIT;
	struct all all;

	(void)state;
	read_all(&all, &mem, "part:\n  name: x\nlist:\n  - name: y\n  - {name: z}\n", &p);
	assert_int_equal(p.n, 0);
	assert_int_equal(all.part.at.line, 2);
	assert_int_equal(all.list[0].at.line, 4);
	assert_int_equal(all.list[1].at.line, 5);
	assert_int_equal(all.list[1].at.col, 5);
	problems_release(&p);
	arena_release(&mem);
}

static void a_flood_of_problems_is_counted_not_kept(void **state)
{
	struct arena mem = ARENA_INIT;
	struct problems p = PROBLEMS_INIT;
	struct str text = STR_INIT;
	struct all all;

	(void)state;
	for (size_t i = 0; i < 50000; i++)
		str_addf(&text, "x%zu: 1\n", i);
	read_all(&all, &mem, text.p, &p);
	assert_int_equal(p.n, PROBLEMS_MAX);
	assert_int_equal(p.n + p.more, 50000);
	str_release(&text);
	problems_release(&p);
	arena_release(&mem);
}

static void the_caret_stands_under_the_place(void **state)
{
	static const struct {
		const char *text;
		unsigned line, col;
		const char *want;
	} places[] = {
		{ "ab: c\n", 1, 5, "    ab: c\n        ^\n" },
		{ "x\r\n\tab\r\n", 2, 2, "    \tab\n    \t^\n" },
		{ "\xc3\xa4: x", 1, 4, "    \xc3\xa4: x\n       ^\n" },
		{ "a", 1, 4, "    a\n       ^\n" },
		{ "a\x1b[31m", 1, 1, "    a?[31m\n    ^\n" },
		{ "", 9, 1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct problems p = PROBLEMS_INIT;
		struct err e = ERR_INIT;
		char got[512], want[512];
		FILE *f = tmpfile();

		assert_non_null(f);
		err_at(&e, ERR_SPEC, (struct pos){ "f", places[i].line, places[i].col }, "m");
		problems_add(&p, &e);
		problems_print(&p, view_of(places[i].text), f);
		rewind(f);
		got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
		fclose(f);
		snprintf(want, sizeof(want), "f:%u:%u: m\n%s1 problem\n", places[i].line, places[i].col,
			 places[i].want ? places[i].want : "");
		assert_string_equal(got, want);
		problems_release(&p);
	}
}

static void paths_find_rows(void **state)
{
	(void)state;
	assert_ptr_equal(field_find(rows, "size"), &rows[0]);
	assert_ptr_equal(field_find(rows, "part.share"), &part_rows[1]);
	assert_null(field_find(rows, "part.size"));
	assert_null(field_find(rows, "size.x"));
	assert_null(field_find(rows, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_come_out_as_they_should),
		cmocka_unit_test(what_is_wrong_keeps_its_default),
		cmocka_unit_test(positions_are_kept),
		cmocka_unit_test(a_flood_of_problems_is_counted_not_kept),
		cmocka_unit_test(the_caret_stands_under_the_place),
		cmocka_unit_test(paths_find_rows),
	};

	return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
