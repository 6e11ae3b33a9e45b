#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/hide.h"

static struct hide *hide_of(const char *pattern, int as)
{
	struct hide_opts o = { .pattern = &pattern, .n_patterns = 1, .as = as };
	struct err e = ERR_INIT;
	struct hide *h;

	if (hide_open(&h, &o, &e) < 0)
		fail_msg("%s", e.msg);
	return h;
}

static void test_text(void **state)
{
	static const struct {
		const char *pattern, *in, *mask, *hash;
	} cases[] = {
		{ "b+", "abbc", "a[hidden]c", "a[3b64db95cb55]c" },
		{ "b", "", "", "" },
		{ "b", "acd", "acd", "acd" },
		{ "a|ab", "xab", "x[hidden]b", "x[ca978112ca1b]b" },
		{ "\\d{3}", "1234567", "[hidden][hidden]7", "[a665a4592042][b3a8e0e1f9ab]7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int as = HIDE_MASK; as <= HIDE_HASH; as++) {
			const char *want = as == HIDE_MASK ? cases[i].mask : cases[i].hash;
			struct hide *h = hide_of(cases[i].pattern, as);
			struct arena mem = ARENA_INIT;
			struct view got = hide_text(&mem, h, view_of(cases[i].in));

			if (!view_is(got, want))
				fail_msg("%s in '%s': '%.*s'", cases[i].pattern, cases[i].in, (int)got.n,
					 got.p);
			arena_release(&mem);
			hide_close(h);
		}
	}
}

/* What stands in a tree, and what stands there once "ab+c" is hidden. */
static void test_tree(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "\"xabcx\"", "\"x[hidden]x\"" },
		{ "{\"label\":\"abc\",\"n\":1,\"r\":0.5,\"b\":true,\"z\":null}",
		  "{\"label\":\"[hidden]\",\"n\":1,\"r\":0.5,\"b\":true,\"z\":null}" },
		{ "[\"abc\",[\"abbc\"],[]]", "[\"[hidden]\",[\"[hidden]\"],[]]" },
		/* what says what something is stays, wherever it stands */
		{ "{\"kind\":\"abc\",\"x\":{\"id\":\"abc\",\"prompt\":\"abc\"}}",
		  "{\"kind\":\"abc\",\"x\":{\"id\":\"abc\",\"prompt\":\"[hidden]\"}}" },
		/* a context is one text, however it is cut */
		{ "{\"before\":\"xa\",\"n\":2,\"at\":\"bb\",\"after\":\"cy\"}",
		  "{\"before\":\"x[hidden]\",\"n\":2,\"at\":\"\",\"after\":\"y\"}" },
		{ "{\"before\":\"a\",\"at\":\"b\"}", "{\"before\":\"a\",\"at\":\"b\"}" },
		/* so are its tokens */
		{ "[{\"text\":\"a\",\"activation\":1},{\"text\":\"b\",\"activation\":0},{\"activation\":2,\"text\":\"cd\"}]",
		  "[{\"text\":\"[hidden]\",\"activation\":1},{\"text\":\"\",\"activation\":0},{\"activation\":2,\"text\":\"d\"}]" },
		{ "[{\"text\":\"a\",\"activation\":1},{\"text\":\"bc\"}]",
		  "[{\"text\":\"a\",\"activation\":1},{\"text\":\"bc\"}]" },
	};
	struct hide *h = hide_of("ab+c", HIDE_MASK);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct str got = STR_INIT;
		struct json_out j = { .str = &got, .compact = true };
		struct err e = ERR_INIT;
		const struct json *v;

		if (json_read(&v, &mem, view_of(cases[i].in), "case", &e) < 0)
			fail_msg("%s", e.msg);
		json_put(&j, NULL, hide_tree(&mem, h, v));
		if (!view_is(str_view(&got), cases[i].want))
			fail_msg("%s became %s", cases[i].in, got.p);
		assert_ptr_equal(hide_tree(&mem, NULL, v), v);
		str_release(&got);
		arena_release(&mem);
	}
	hide_close(h);
}

static void test_refused(void **state)
{
	const char *pattern[] = { "a", "(" };
	struct hide_opts o = { .pattern = pattern, .n_patterns = 2 };
	struct err e = ERR_INIT;
	struct hide *h;

	(void)state;
	assert_int_equal(hide_open(&h, &o, &e), -1);
	assert_int_equal(e.code, ERR_SPEC);
	o.n_patterns = 0;
	assert_int_equal(hide_open(&h, &o, &e), 0);
	assert_null(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
