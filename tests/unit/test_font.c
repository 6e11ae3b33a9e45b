#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/map.h"
#include "report/font.h"
#include "tests/support/faces.h"
#include "tests/support/prop.h"
#include "tests/support/scratch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char folder[] = "templates/fonts";

static void test_spell(void **state)
{
	static const struct {
		const char *in, *want, *without; /* with our faces; with every character there is */
	} cases[] = {
		{ "", "", "" },
		{ "plain", "plain", "plain" },
		{ "\u00dcn\u00ef \u0416 \u03bb \u6a21\u578b \ud55c\uad6d \u3072",
		  "\u00dcn\u00ef \u0416 \u03bb \u6a21\u578b \ud55c\uad6d \u3072",
		  "\u00dcn\u00ef \u0416 \u03bb \u6a21\u578b \ud55c\uad6d \u3072" },
		{ "a\nb\tc", "a\u23CEb\u21E5c", "a\u23CEb\u21E5c" },
		{ "\r", "U+000D", "U+000D" },
		{ "x\u202ey", "x U+202E y", "x U+202E y" },
		{ "\u200b\u200d", "U+200B U+200D", "U+200B U+200D" },
		{ "(\U0001F600)", "(U+1F600)", "(\U0001F600)" },
		{ "\U0001F600\U0001F601", "U+1F600 U+1F601", "\U0001F600\U0001F601" },
		{ "\u0915", "U+0915", "\u0915" },
		{ "\xff\xfe", "U+FFFD U+FFFD", "U+FFFD U+FFFD" },
		{ "\ue000", "U+E000", "U+E000" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int all = 0; all < 2; all++) {
			struct str s = STR_INIT;

			fonts_spell(&s, all ? NULL : *state, view_of(cases[i].in));
			if (strcmp(s.p ? s.p : "", all ? cases[i].without : cases[i].want))
				fail_msg("'%s' became '%s'", cases[i].in, s.p);
			str_release(&s);
		}
	}
}

/* Spelled text is all in the faces, is not spelled twice, its runs tile it, and its width is their sum. */
static const char *spells_well(struct rng r, void *ud)
{
	static const uint32_t below[] = { 0x80, 0x800, 0x3000, 0x10000, 0x110000 };
	const struct fonts *f = ud;
	struct str in = STR_INIT, once = STR_INIT, twice = STR_INIT;
	enum face wanted = (enum face)rng_below(r, 0, FACE_COUNT), face;
	double sum = 0, all;
	size_t at = 0, n = rng_below(r, 1, 20);
	const char *wrong = NULL;

	for (size_t i = 0; i < n; i++) {
		uint32_t cp = (uint32_t)rng_below(r, 2 * i + 3, below[rng_below(r, 2 * i + 2, 5)]);
		char utf8[4];

		if (cp < 0xD800 || cp > 0xDFFF)
			str_add(&in, utf8, utf8_encode(utf8, cp));
	}
	fonts_spell(&once, f, str_view(&in));
	fonts_spell(&twice, f, str_view(&once));
	all = fonts_width(f, wanted, 10, str_view(&once));
	while (at < once.n) {
		struct view rest = { once.p + at, once.n - at },
			    run = { rest.p, fonts_run(&face, f, wanted, rest) };

		if (!run.n || face >= FACE_COUNT)
			wrong = "a run is empty";
		sum += fonts_width(f, face, 10, run);
		at += run.n;
	}
	if (!view_eq(str_view(&once), str_view(&twice)))
		wrong = "spelling twice is not spelling once";
	else if (sum - all > 1e-6 || all - sum > 1e-6)
		wrong = "the runs' widths are not the width";
	str_release(&in);
	str_release(&once);
	str_release(&twice);
	return wrong;
}

static void test_runs(void **state)
{
	prop_for("spelled text is set by runs", 2000, spells_well, *state);
}

/* Known widths: those of the PDF that libharu 2.3 wrote from the same files. */
static void test_widths(void **state)
{
	static const struct {
		enum face face;
		uint32_t cp;
		unsigned width;
	} cases[] = {
		{ FACE_REGULAR, ' ', 260 }, { FACE_REGULAR, 'A', 639 }, { FACE_REGULAR, '!', 269 },
		{ FACE_BOLD, 'A', 690 },    { FACE_ITALIC, '%', 799 },	{ FACE_MONO, 'i', 602 },
		{ FACE_MONO, 'W', 602 },    { FACE_CJK, 0x6A21, 1000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (fonts_advance(*state, cases[i].face, cases[i].cp) != cases[i].width)
			fail_msg("%s, U+%04X: %u, not %u", fonts_file(cases[i].face), (unsigned)cases[i].cp,
				 fonts_advance(*state, cases[i].face, cases[i].cp), cases[i].width);
}

static void test_faces(void **state)
{
	assert_int_equal(fonts_face(*state, FACE_BOLD, 'x'), FACE_BOLD);
	assert_int_equal(fonts_face(*state, FACE_BOLD, 0x2192), FACE_SYMBOL);
	assert_int_equal(fonts_face(*state, FACE_MONO, 0x6A21), FACE_CJK);
	assert_int_equal(fonts_face(*state, FACE_REGULAR, 0xAC00), FACE_CJK);
	assert_int_equal(fonts_face(*state, FACE_REGULAR, 0x1F600), FACE_COUNT);
	assert_false(fonts_has(*state, 0x202E));
	assert_true(fonts_has(*state, ' '));
}

/* A composite of composites brings all its parts. */
static void test_parts(void **state)
{
	uint16_t glyph[FONT_PARTS];

	assert_int_equal(fonts_glyphs(glyph, *state, FACE_REGULAR, 'o'), 1);
	assert_true(fonts_glyphs(glyph, *state, FACE_REGULAR, 0xE9) >= 3);
	assert_true(fonts_glyphs(glyph, *state, FACE_SYMBOL, 0x1EBF) >= 3);
	for (uint32_t cp = 0; cp < 0x10000; cp++)
		for (size_t face = 0; face < FACE_COUNT; face++)
			assert_in_range(fonts_glyphs(glyph, *state, (enum face)face, cp), 1, FONT_PARTS);
}

/* Links to the real files, one of them replaced by `bytes`. */
static int open_with(struct fonts **f, enum face face, struct view bytes, struct err *e)
{
	char dir[300], path[600], there[600], cwd[256];

	snprintf(dir, sizeof(dir), "%s", scratch_new("font"));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	for (size_t i = 0; i < FACE_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, fonts_file((enum face)i));
		snprintf(there, sizeof(there), "%s/%s/%s", cwd, folder, fonts_file((enum face)i));
		if (i == face)
			scratch_file(path, bytes.p, bytes.n);
		else
			assert_int_equal(symlink(there, path), 0);
	}
	return fonts_open(f, dir, e);
}

static void test_broken(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct fonts *f;
	struct view whole;
	char path[300];

	(void)state;
	snprintf(path, sizeof(path), "%s/%s", folder, fonts_file(FACE_MONO));
	assert_int_equal(file_read(&whole, &mem, path, SIZE_MAX, &e), 0);
	for (size_t n = 0; n < whole.n; n = n < 400 ? n + 37 : n * 2) {
		e = (struct err)ERR_INIT;
		assert_int_equal(open_with(&f, FACE_MONO, (struct view){ whole.p, n }, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		assert_non_null(strstr(e.msg, fonts_file(FACE_MONO)));
	}
	/* random bytes turned over anywhere in the first tables: an error or a font, never a read outside */
	for (uint64_t seed = 0; seed < 60; seed++) {
		char *bent = arena_strdup(&mem, whole.p, whole.n);
		struct rng r = rng_stream(seed, "bend", 0);
		uint16_t glyph[FONT_PARTS];

		for (uint64_t i = 0; i < 8; i++)
			bent[rng_below(r, 3 * i, i % 2 ? whole.n : 400)] = (char)rng_u64(r, 3 * i + 1);
		e = (struct err)ERR_INIT;
		if (open_with(&f, FACE_MONO, (struct view){ bent, whole.n }, &e) < 0)
			continue;
		for (uint32_t cp = 0; cp < 0x10000; cp += 7) {
			fonts_advance(f, FACE_MONO, cp);
			fonts_glyphs(glyph, f, FACE_MONO, cp);
		}
		fonts_close(f);
	}
	assert_int_equal(fonts_open(&f, "templates/nowhere", &e), -1);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spell), cmocka_unit_test(test_runs),  cmocka_unit_test(test_widths),
		cmocka_unit_test(test_faces), cmocka_unit_test(test_parts), cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, faces_open, faces_close);
}
