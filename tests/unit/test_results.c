#include "store/results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const texts[] = {
	"{\"format\":1,\"training\":[{\"threshold\":2.0,\"steps\":3}],\"findings\":[{\"id\":\"F1\",\"title\":\"a\"}]}",
	"{\"format\":1,\"training\":[{\"threshold\":2.01,\"steps\":3}],\"findings\":[{\"id\":\"F1\",\"title\":\"a\"}]}",
	"{\"format\":1,\"training\":[{\"threshold\":3.0,\"steps\":4}],\"findings\":[]}",
	"{\"format\":1,\"training\":null,\"findings\":[{\"id\":\"F1\",\"title\":\"b\"},{\"id\":\"F2\"}],\"more\":true}",
};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static const struct json *tree(struct arena *mem, size_t i)
{
	struct err e = ERR_INIT;
	const struct json *v;

	assert_int_equal(json_read(&v, mem, view_of(texts[i]), "text", &e), 0);
	return v;
}

static void nothing_differs_from_itself(void **state)
{
	struct arena mem = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < TEXTS; i++) {
		struct differences d;

		results_compare(&d, &mem, tree(&mem, i), tree(&mem, i));
		assert_int_equal(d.n, 0);
		assert_int_equal(d.beyond, 0);
		differences_release(&d);
	}
	arena_release(&mem);
}

static void the_other_way_round_is_the_mirror(void **state)
{
	struct arena mem = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < TEXTS * TEXTS; i++) {
		struct differences d, m;

		results_compare(&d, &mem, tree(&mem, i / TEXTS), tree(&mem, i % TEXTS));
		results_compare(&m, &mem, tree(&mem, i % TEXTS), tree(&mem, i / TEXTS));
		assert_int_equal(d.n, m.n);
		assert_int_equal(d.beyond, m.beyond);
		for (size_t k = 0; k < d.n; k++) {
			size_t at = 0;

			while (at < m.n && strcmp(m.item[at].path, d.item[k].path) != 0)
				at++;
			assert_true(at < m.n);
			assert_int_equal(!d.item[k].old, !m.item[at].new);
			assert_int_equal(d.item[k].within, m.item[at].within);
		}
		differences_release(&d);
		differences_release(&m);
	}
	arena_release(&mem);
}

static void each_difference_has_its_name(void **state)
{
	static const struct {
		size_t old, new;
		const char *want;
		size_t beyond;
	} cases[] = {
		{ 0, 1, "training[0].threshold: 2.01, was 2;", 0 },
		{ 0, 2,
		  "training[0].threshold: 3, was 2;training[0].steps: 4, was 3;findings[F1]: absent, was an object;",
		  3 },
		{ 0, 3,
		  "training: null, was an array;findings[F1].title: \"b\", was \"a\";findings[F2]: an object, was absent;"
		  "more: true, was absent;",
		  4 },
	};
	struct arena mem = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = STR_INIT;
		struct differences d;

		results_compare(&d, &mem, tree(&mem, cases[i].old), tree(&mem, cases[i].new));
		for (size_t k = 0; k < d.n; k++) {
			difference_print(&s, &d.item[k]);
			str_addc(&s, ';');
		}
		assert_string_equal(s.p, cases[i].want);
		assert_int_equal(d.beyond, cases[i].beyond);
		differences_release(&d);
		str_release(&s);
	}
	arena_release(&mem);
}

static void each_path_has_its_stage(void **state)
{
	(void)state;
	assert_string_equal(results_stage("training[0].threshold"), "train");
	assert_string_equal(results_stage("findings[F1].title"), "steer");
	assert_string_equal(results_stage("corpus.pairs"), "tokens");
	assert_string_equal(results_stage("specs"), "run");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_differs_from_itself),
		cmocka_unit_test(the_other_way_round_is_the_mirror),
		cmocka_unit_test(each_difference_has_its_name),
		cmocka_unit_test(each_path_has_its_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
