#include "flow/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct opts {
	size_t threads, k;
	bool json;
	const char *out;
	int mode;
	double rate;
};

#define AT(member) .offset = offsetof(struct opts, member)

static const struct field rows[] = {
	{ .name = "threads",
	  .kind = FIELD_SIZE,
	  AT(threads),
	  .lo = 0,
	  .hi = 64,
	  .fallback = "0",
	  .help = "h" },
	{ .name = "k", .kind = FIELD_SIZE, AT(k), .lo = 1, .hi = 64, .fallback = "8", .help = "h" },
	{ .name = "json", .kind = FIELD_BOOL, AT(json), .fallback = "false", .help = "h" },
	{ .name = "out", .kind = FIELD_PATH, AT(out), .lo = 1, .hi = 100, .fallback = "", .help = "h" },
	{ .name = "mode",
	  .kind = FIELD_WORD,
	  AT(mode),
	  .words = (const char *const[]){ "auto", "never", NULL },
	  .fallback = "auto",
	  .help = "h" },
	{ .name = "rate", .kind = FIELD_REAL, AT(rate), .lo = -1, .hi = 1, .fallback = "0.5", .help = "h" },
	{ .name = NULL },
};

/* Arguments parted by '|'; what comes of them, operands first, or the message. */
static const struct {
	const char *arg, *want;
} cases[] = {
	{ "", "; threads 0 k 8 json 0 out - mode 0 rate 0.5" },
	{ "a|--threads|3|b", "a b; threads 3 k 8 json 0 out - mode 0 rate 0.5" },
	{ "--threads=3|-k|2|--json|--out=x=y|--mode=never|--rate|-1",
	  "; threads 3 k 2 json 1 out x=y mode 1 rate -1" },
	{ "-k=2|--json=false", "; threads 0 k 2 json 0 out - mode 0 rate 0.5" },
	{ "--out|null", "; threads 0 k 8 json 0 out null mode 0 rate 0.5" },
	{ "--|--json|-k", "--json -k; threads 0 k 8 json 0 out - mode 0 rate 0.5" },
	{ "-|a", "- a; threads 0 k 8 json 0 out - mode 0 rate 0.5" },
	{ "x|--help|--nonsense", "help" },
	{ "-h", "help" },
	{ "--thread=3", "--thread=3: no such option; is it --threads?" },
	{ "--nonsense", "--nonsense: no such option; --help lists them" },
	{ "--hlep", "--hlep: no such option; is it --help?" },
	{ "--k|3", "--k: no such option; is it -k?" },
	{ "-json", "-json: no such option; is it --json?" },
	{ "--threads", "--threads needs a value: a whole number, 0 to 64" },
	{ "--threads|65", "--threads: 65 is above 64" },
	{ "--threads=", "--threads: nothing is not a whole number" },
	{ "--threads=two", "--threads: two is not a whole number" },
	{ "--mode|of", "--mode: of is none of auto, never" },
	{ "--json=maybe", "--json: maybe is not true or false" },
	{ "--json|--json", "--json is given twice" },
	{ "-k|1|-k|1", "-k is given twice" },
	{ "--out=a\nb", "--out: \"a?b\" holds a line break or control character" },
};

static void split(char **arg, size_t *n, char *text)
{
	*n = 0;
	while (*text) {
		size_t length = strcspn(text, "|");
		bool more = text[length] == '|';

		arg[(*n)++] = text;
		text[length] = '\0';
		text += length + more;
	}
}

static void arguments_come_out_as_they_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct str got = STR_INIT;
		struct options o;
		struct opts v = { .json = false };
		char *arg[16];
		size_t n;

		split(arg, &n, arena_strdup(&mem, cases[i].arg, strlen(cases[i].arg)));
		if (options_read(&o, &v, rows, arg, n, &mem, &e) < 0) {
			assert_int_equal(e.code, ERR_USAGE);
			str_adds(&got, e.msg);
		} else if (o.help) {
			str_adds(&got, "help");
		} else {
			for (size_t k = 0; k < o.n; k++)
				str_addf(&got, "%s%s", k ? " " : "", o.operand[k]);
			str_addf(&got, "; threads %zu k %zu json %d out %s mode %d rate %g", v.threads, v.k,
				 v.json, v.out ? v.out : "-", v.mode, v.rate);
		}
		if (strcmp(got.p, cases[i].want) != 0)
			fail_msg("%s: got %s, wanted %s", cases[i].arg, got.p, cases[i].want);
		str_release(&got);
		arena_release(&mem);
	}
}

static void no_table_takes_no_options(void **state)
{
	char *const some[] = { (char[]){ "a" }, (char[]){ "--json" } };
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct options o;
	char nothing;

	(void)state;
	assert_int_equal(options_read(&o, &nothing, NULL, some, 1, &mem, &e), 0);
	assert_int_equal(o.n, 1);
	assert_int_equal(options_read(&o, &nothing, NULL, some, 2, &mem, &e), -1);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_come_out_as_they_should),
		cmocka_unit_test(no_table_takes_no_options),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
