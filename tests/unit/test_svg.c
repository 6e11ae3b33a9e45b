#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/map.h"
#include "report/chart.h"
#include "report/render.h"
#include "tests/support/fault.h"
#include "tests/support/scratch.h"

#include <stdio.h>
#include <string.h>

struct drawing {
	struct arena mem;
	struct fonts *fonts;
	struct scene scene;
	char path[300];
};

static void draw(struct drawing *d)
{
	struct err e = ERR_INIT;
	const struct point line[] = { { 1, 2 }, { 3.14159, 4 } };

	assert_int_equal(fonts_open(&d->fonts, "templates/fonts", &e), 0);
	scene_init(&d->scene, &d->mem, d->fonts, 100);
	d->scene.height = 50;
	d->scene.title = "a < b & \"c\"";
	scene_box(&d->scene, 1, 2.5, 30, 10.004, INK_PANEL, INK_RULE);
	scene_line(&d->scene, 0, 0, 100, 0, INK_TEXT, 0.5);
	scene_outline(&d->scene, line, 2, INK_NONE, INK_BASE, 1, DASH_DASHED);
	scene_text(&d->scene, 5, 20, (struct style){ FACE_BOLD, 8, INK_TEXT }, 0,
		   VIEW(" <x> & \u2192 y\u202e"));
	snprintf(d->path, sizeof(d->path), "%s/x.svg", scratch_new("svg"));
}

static void finish(struct drawing *d)
{
	fonts_close(d->fonts);
	arena_release(&d->mem);
}

static void test_marks(void **state)
{
	static const char *const parts[] = {
		"<svg xmlns=\"http://www.w3.org/2000/svg\"",
		"width=\"154.67\" height=\"88\" viewBox=\"-8 -8 116.00 66.00\"",
		"<title>a &lt; b &amp; &quot;c&quot;</title>",
		"<rect x=\"-8\" y=\"-8\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
		"<rect x=\"1\" y=\"2.5\" width=\"30\" height=\"10\" fill=\"#f4f5f7\" stroke=\"#b4b9bf\" stroke-width=\"0.5\"/>",
		"<line x1=\"0\" y1=\"0\" x2=\"100\" y2=\"0\" stroke=\"#1a1a1a\" stroke-width=\"0.5\"/>",
		"<polyline points=\"1.00,2.00 3.14,4.00\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1\" stroke-dasharray=\"4 2\"/>",
		"<text class=\"b\" x=\"5\" y=\"20\" font-size=\"8\" fill=\"#1a1a1a\" textLength=",
		"> &lt;x&gt; &amp; </text>",
		">\u2192</text>",
		"y U+202E</text>",
		"</svg>\n",
	};
	struct drawing d = { .mem = ARENA_INIT };
	struct err e = ERR_INIT;
	struct view text;

	(void)state;
	draw(&d);
	assert_int_equal(scene_svg(&d.scene, d.path, &e), 0);
	assert_int_equal(file_read(&text, &d.mem, d.path, SIZE_MAX, &e), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(text.p, parts[i]))
			fail_msg("no '%s' in\n%s", parts[i], text.p);
	finish(&d);
}

static int write_it(void *ud, struct err *e)
{
	struct drawing *d = ud;

	return scene_svg(&d->scene, d->path, e);
}

static void test_faults(void **state)
{
	struct drawing d = { .mem = ARENA_INIT };

	(void)state;
	draw(&d);
	assert_true(sweep_io(write_it, NULL, &d) > 0);
	finish(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_marks), cmocka_unit_test(test_faults) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
