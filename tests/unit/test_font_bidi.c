#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/bidi.h"
#include "tests/support/faces.h"
#include "tests/support/prop.h"

#include <string.h>

/* Words in reading order, and their letters in the forms that join (ArabicShaping.txt of Unicode says which join). */
static void test_shapes(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "latin", "latin" },
		{ "\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd" },
		/* beh alone; beh beh; beh beh beh */
		{ "\u0628", "\ufe8f" },
		{ "\u0628\u0628", "\ufe91\ufe90" },
		{ "\u0628\u0628\u0628", "\ufe91\ufe92\ufe90" },
		/* alef joins to the right only; so does dal */
		{ "\u0627\u0628", "\ufe8d\ufe8f" },
		{ "\u0628\u0627\u0628", "\ufe91\ufe8e\ufe8f" },
		{ "\u062f\u0627\u0631", "\ufea9\ufe8d\ufead" },
		/* seen, lam and alef as one, meem */
		{ "\u0633\u0644\u0627\u0645", "\ufeb3\ufefc\ufee1" },
		{ "\u0644\u0627", "\ufefb" },
		/* a mark between two letters does not part them; a blank and a letter of another script do */
		{ "\u0628\u064e\u0628", "\ufe91\u064e\ufe90" },
		{ "\u0628 \u0628", "\ufe8f \ufe8f" },
		{ "\u0628a\u0628", "\ufe8fa\ufe8f" },
		{ "\u0628\u0640\u0628", "\ufe91\u0640\ufe90" },
		/* hamza joins to nothing */
		{ "\u0628\u0621\u0628", "\ufe8f\u0621\ufe8f" },
		/* Persian peh and gaf */
		{ "\u067e\u06af", "\ufb58\ufb93" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct view got = bidi_shape_text(&mem, *state, view_of(cases[i].in));

		if (!view_is(got, cases[i].want))
			fail_msg("case %zu: '%.*s', not '%s'", i, (int)got.n, got.p, cases[i].want);
		arena_release(&mem);
	}
}

/* Capitals stand for Hebrew letters, as in the annex; the places from left to right. */
static void test_orders(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "abc", "abc" },
		{ "", "" },
		{ "ABC", "CBA" },
		{ "he said ABC.", "he said CBA." },
		{ "car is THE CAR in", "car is RAC EHT in" },
		{ "he said CAR MEANS CAR.", "he said RAC SNAEM RAC." },
		{ "A 123 B", "B 123 A" },
		{ "A 1.5", "1.5 A" },
		{ "x 12 A", "x 12 A" },
		{ "A (B) C", "C (B) A" },
		{ "(A)", "(A)" },
		{ "A, b, C", "A, b, C" },
		{ "A-B c D-E", "B-A c E-D" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct str in = STR_INIT, want = STR_INIT;
		struct view got;
		char utf8[4];

		for (size_t k = 0; k < 2; k++) {
			for (const char *p = k ? cases[i].want : cases[i].in; *p; p++) {
				uint32_t cp =
					*p >= 'A' && *p <= 'Z' ? 0x05D0 + (uint32_t)(*p - 'A') : (uint32_t)*p;

				str_add(k ? &want : &in, utf8, utf8_encode(utf8, cp));
			}
		}
		got = bidi_order_text(&mem, str_view(&in));
		if (!view_eq(got, str_view(&want)))
			fail_msg("'%s' became '%.*s'", cases[i].in, (int)got.n, got.p);
		str_release(&in);
		str_release(&want);
		arena_release(&mem);
	}
}

/* Every letter has one place; shaping a shaped text does nothing. */
static const char *places_all(struct rng r, void *ud)
{
	static const uint32_t pool[] = { 'a',	 'b',	 '1',	 '2',	 '.',	 ' ',	 '(',
					 ')',	 0x05D0, 0x05D1, 0x0627, 0x0628, 0x0644, 0x064E,
					 0x0661, 0x06CC, 0x4E2D, 0xE9,	 0xFE8F, '-' };
	uint32_t cp[40];
	size_t order[40], n = rng_below(r, 0, 40), once, seen[40] = { 0 };
	bool turned[40];
	uint32_t twice[40];

	for (size_t i = 0; i < n; i++)
		cp[i] = pool[rng_below(r, i + 1, sizeof(pool) / sizeof(pool[0]))];
	bidi_order(order, turned, cp, n);
	for (size_t i = 0; i < n; i++)
		seen[order[i]]++;
	for (size_t i = 0; i < n; i++)
		if (seen[i] != 1)
			return "a letter has no place, or two";
	once = bidi_shape(cp, n, ud);
	memcpy(twice, cp, once * sizeof(*cp));
	if (bidi_shape(twice, once, ud) != once)
		return "shaping twice shortens";
	return NULL;
}

static void test_any(void **state)
{
	prop_for("every letter has a place", 3000, places_all, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shapes), cmocka_unit_test(test_orders),
					    cmocka_unit_test(test_any) };

	return cmocka_run_group_tests(tests, faces_open, faces_close);
}
