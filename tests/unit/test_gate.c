#include "flow/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int gate(struct gate_opts *out, struct arena *mem, const char *results, struct err *e)
{
	const struct json *v;

	if (json_read(&v, mem, view_of(results), "text", e) < 0)
		fail_msg("%s", e->msg);
	return gate_of(out, mem, v, e);
}

static void what_is_not_said_is_the_default(void **state)
{
	static const char *const texts[] = { "{}", "{\"spec\":{}}", "{\"spec\":{\"gate\":{}}}" };
	struct arena mem = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err e = ERR_INIT;
		struct gate_opts g;

		if (gate(&g, &mem, texts[i], &e) < 0)
			fail_msg("%s: %s", texts[i], e.msg);
		assert_int_equal(g.new_confirmed, 0);
		assert_int_equal(g.turned_confirmed, 0);
		assert_int_equal(g.grown_confirmed, GATE_ANY);
		assert_int_equal(g.gone_confirmed, GATE_ANY);
		assert_int_equal(g.new_candidates, GATE_ANY);
		assert_int_equal(g.worse, GATE_ANY);
		assert_int_equal(g.inputs_changed, GATE_ANY);
	}
	arena_release(&mem);
}

static void limits_are_read_as_a_spec_s_are(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct gate_opts g;

	(void)state;
	assert_int_equal(
		gate(&g, &mem,
		     "{\"spec\":{\"gate\":{\"new_confirmed\":\"any\",\"gone_confirmed\":2,\"worse\":0}}}",
		     &e),
		0);
	assert_int_equal(g.new_confirmed, GATE_ANY);
	assert_int_equal(g.gone_confirmed, 2);
	assert_int_equal(g.worse, 0);
	arena_release(&mem);
}

static void what_is_no_gate_is_an_error(void **state)
{
	static const char *const texts[] = {
		"{\"spec\":{\"gate\":{\"worse\":-1}}}",
		"{\"spec\":{\"gate\":{\"worse\":\"some\"}}}",
		"{\"spec\":{\"gate\":{\"wurst\":1}}}",
		"{\"spec\":{\"gate\":[1]}}",
	};
	struct arena mem = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err e = ERR_INIT;
		struct gate_opts g;

		if (gate(&g, &mem, texts[i], &e) == 0)
			fail_msg("%s is taken for a gate", texts[i]);
		assert_int_equal(e.code, ERR_INPUT);
		assert_non_null(strstr(e.msg, "the gate in results.json is none"));
	}
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_is_the_default),
		cmocka_unit_test(limits_are_read_as_a_spec_s_are),
		cmocka_unit_test(what_is_no_gate_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
