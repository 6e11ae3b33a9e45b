#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "report/chart.h"
#include "report/figure.h"
#include "report/strip.h"
#include "tests/support/faces.h"
#include "tests/support/prop.h"

#include <stdio.h>
#include <string.h>

static void test_axis(void **state)
{
	static const struct {
		double lo, hi;
		size_t most;
		bool whole;
		double from, to, step;
		unsigned digits;
	} cases[] = {
		{ 0, 100, 6, false, 0, 100, 20, 0 },
		{ 0, 97, 6, false, 0, 100, 20, 0 },
		{ -15.5, 3.2, 6, false, -20, 5, 5, 0 },
		{ 0.961, 0.984, 6, false, 0.96, 0.985, 0.005, 3 },
		{ 0, 2000, 7, true, 0, 2000, 500, 0 },
		{ 1, 3, 7, true, 1, 3, 1, 0 },
		{ 5, 5, 6, false, 4.4, 5.6, 0.2, 1 },
		{ 0, 0, 6, false, -0.6, 0.6, 0.2, 1 },
		{ 1e12, 3e12, 5, false, 1e12, 3e12, 5e11, 0 },
		{ -1e-9, 1e-9, 5, false, -1e-9, 1e-9, 5e-10, 10 },
		{ 3, 1, 3, false, 1, 3, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct axis a;

		axis_make(&a, cases[i].lo, cases[i].hi, cases[i].most, cases[i].whole);
		if (a.lo - cases[i].from > 1e-9 * a.step || cases[i].from - a.lo > 1e-9 * a.step ||
		    a.hi - cases[i].to > 1e-9 * a.step || cases[i].to - a.hi > 1e-9 * a.step ||
		    a.step - cases[i].step > 1e-9 * a.step || cases[i].step - a.step > 1e-9 * a.step ||
		    a.digits != cases[i].digits)
			fail_msg("[%g, %g]: %g to %g by %g, %u digits", cases[i].lo, cases[i].hi, a.lo, a.hi,
				 a.step, a.digits);
	}
}

/* An axis holds its data, has few ticks, and digits enough to tell them apart. */
static const char *holds(struct rng r, void *ud)
{
	static const double scales[] = { 1e-12, 1e-6, 1e-3, 1, 10, 1e3, 1e7, 1e14, 1e300 };
	double scale = scales[rng_below(r, 0, 9)], a = rng_normal(r, 1) * scale,
	       b = a + rng_normal(r, 2) * scale;
	double lo = a < b ? a : b, hi = a < b ? b : a;
	size_t most = 2 + rng_below(r, 5, 8);
	struct axis axis;
	char one[64], two[64];

	(void)ud;
	axis_make(&axis, lo, hi, most, false);
	if (scale < 1e15 && (axis.lo > lo + 1e-9 * axis.step || axis.hi < hi - 1e-9 * axis.step))
		return "data outside";
	if (axis.n < 2 || axis.n > most + 2)
		return "too many ticks, or too few";
	snprintf(one, sizeof(one), "%.*f", (int)axis.digits, axis.lo);
	snprintf(two, sizeof(two), "%.*f", (int)axis.digits, axis.lo + axis.step);
	return strcmp(one, two) ? NULL : "two ticks look alike";
}

static void test_any_axis(void **state)
{
	(void)state;
	prop_for("an axis holds its data", 2000, holds, NULL);
}

/* Every mark lies within the scene, and no two words on one another. */
static void check_scene(const struct scene *s, const char *name)
{
	const double slack = 0.6;

	for (size_t i = 0; i < s->n; i++) {
		const struct mark *m = &s->mark[i];
		double left = m->x, right = m->x + m->w, top = m->y, bottom = m->y + m->h;

		if (m->kind == MARK_WORD) {
			top = m->y - m->size * 0.8;
			bottom = m->y + m->size * 0.3;
		}
		for (size_t k = 0; k < m->n; k++) {
			left = k && left < m->point[k].x ? left : m->point[k].x;
			right = k && right > m->point[k].x ? right : m->point[k].x;
			top = k && top < m->point[k].y ? top : m->point[k].y;
			bottom = k && bottom > m->point[k].y ? bottom : m->point[k].y;
		}
		if (left < -slack || right > s->width + slack || top < -slack || bottom > s->height + slack)
			fail_msg("%s: mark %zu '%.*s' at %.1f..%.1f, %.1f..%.1f lies outside %.1f x %.1f",
				 name, i, (int)m->text.n, m->text.p ? m->text.p : "", left, right, top,
				 bottom, s->width, s->height);
		for (size_t k = 0; k < i && m->kind == MARK_WORD; k++) {
			const struct mark *o = &s->mark[k];
			double size = o->size < m->size ? o->size : m->size,
			       dy = o->y > m->y ? o->y - m->y : m->y - o->y;

			if (o->kind == MARK_WORD && dy < size * 0.7 && m->x + slack < o->x + o->w &&
			    o->x + slack < m->x + m->w)
				fail_msg("%s: '%.*s' stands on '%.*s'", name, (int)m->text.n, m->text.p,
					 (int)o->text.n, o->text.p);
		}
	}
}

static const struct json *read_results(struct arena *mem)
{
	struct err e = ERR_INIT;
	const struct json *v;

	if (json_read_file(&v, mem, "tests/vectors/report/run/results.json", 1 << 24, &e) < 0)
		fail_msg("%s", e.msg);
	return v;
}

static void test_figures(void **state)
{
	static const char *const names[] = { "training-1", "training-2", "gap",		  "columns",
					     "relevance",  "dose-F1",	 "contexts-1020", "contexts-43" };
	struct arena mem = ARENA_INIT;
	const struct json *results = read_results(&mem);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct err e = ERR_INIT;
		struct scene s;

		if (figure_make(&s, &mem, *state, results, view_of(names[i]), &e) < 0)
			fail_msg("%s: %s", names[i], e.msg);
		assert_true(s.n > 10 && s.height > 50 && s.title[0]);
		check_scene(&s, names[i]);
	}
	arena_release(&mem);
}

static void test_no_figure(void **state)
{
	static const struct {
		const char *name, *says;
	} cases[] = {
		{ "nothing", "no figure 'nothing'; there are training-SEED" },
		{ "dose-", "no figure 'dose-'" },
		{ "dose-F9", "no finding F9" },
		{ "training-7", "no training of seed 7" },
		{ "training-x", "no training of seed x" },
		{ "contexts-99999", "no card of latent 99999" },
	};
	struct arena mem = ARENA_INIT;
	const struct json *results = read_results(&mem);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = ERR_INIT;
		struct scene s;

		assert_int_equal(figure_make(&s, &mem, *state, results, view_of(cases[i].name), &e), -1);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("%s: %s", cases[i].name, e.msg);
	}
	arena_release(&mem);
}

/* Charts of any few numbers stay in their place. */
static const char *stays(struct rng r, void *ud)
{
	struct arena mem = ARENA_INIT;
	struct scene s;
	double x[40], y[40], lo[40], hi[40], scale = rng_below(r, 0, 2) ? 1e6 : 0.01;
	size_t n = rng_below(r, 1, 40);
	struct series one = { .label = "series",
			      .ink = INK_BASE,
			      .tint = INK_BASE_TINT,
			      .x = x,
			      .y = y,
			      .lo = lo,
			      .hi = hi,
			      .n = n,
			      .look = (enum look)rng_below(r, 2, 3) };
	const struct series both[] = {
		one, { .label = "band", .tint = INK_CONTROL_TINT, .x = x, .lo = lo, .hi = hi, .n = n }
	};

	for (size_t i = 0; i < n; i++) {
		x[i] = (double)i * (double)(1 + rng_below(r, 3, 9));
		y[i] = rng_normal(r, 10 + i) * scale;
		lo[i] = y[i] - scale;
		hi[i] = y[i] + scale;
	}
	scene_init(&s, &mem, ud, 236);
	s.height = 128;
	chart_draw(&s,
		   &(struct chart){ .title = "title",
				    .x_label = "x",
				    .y_label = "y",
				    .series = both,
				    .n_series = 2,
				    .zero_line = true,
				    .percent = rng_below(r, 4, 2) },
		   0, 0, s.width, s.height);
	check_scene(&s, "chart");
	arena_release(&mem);
	return NULL;
}

static void test_any_chart(void **state)
{
	prop_for("a chart stays in its place", 300, stays, *state);
}

/* Tokens of any length wrap within the strip, and the window holds the peak. */
static const char *wraps(struct rng r, void *ud)
{
	static const char *const words[] = {
		" a",	      "lantern", " \u6a21\u578b",
		"\n",	      "",	 " 0123456789012345678901234567890123456789",
		"\U0001F600", " the"
	};
	struct arena mem = ARENA_INIT;
	struct strip_token token[60];
	struct scene s;
	size_t n = 1 + rng_below(r, 0, 60), lines = 1 + rng_below(r, 1, 5), from, to,
	       peak = rng_below(r, 2, n);
	double width = 60 + 300 * rng_unit(r, 3);

	for (size_t i = 0; i < n; i++)
		token[i] = (struct strip_token){ view_of(words[rng_below(r, 10 + i, 8)]),
						 rng_unit(r, 100 + i), i == peak, i % 5 == 0 };
	scene_init(&s, &mem, ud, width);
	strip_window(&from, &to, &s, width, lines, 7, token, n);
	if (from > peak || to <= peak || to > n)
		return "the window lost the peak";
	s.height = strip_draw(&s, 0, 0, width, lines, 7, token + from, to - from);
	check_scene(&s, "strip");
	arena_release(&mem);
	return NULL;
}

static void test_any_strip(void **state)
{
	prop_for("a strip wraps", 300, wraps, *state);
}

static void test_heat(void **state)
{
	(void)state;
	assert_int_equal(ink_heat(0), INK_HEAT);
	assert_int_equal(ink_heat(-1), INK_HEAT);
	assert_int_equal(ink_heat(1e-6), INK_HEAT + 1);
	assert_int_equal(ink_heat(1), INK_COUNT - 1);
	assert_int_equal(ink_heat(99), INK_COUNT - 1);
	/* darker with strength: in grey too */
	for (int i = 1; i < HEAT_LEVELS; i++) {
		unsigned a = ink_rgb((enum ink)(INK_HEAT + i - 1)), b = ink_rgb((enum ink)(INK_HEAT + i));

		assert_true((a >> 16) * 299 + (a >> 8 & 255) * 587 + (a & 255) * 114 >
			    (b >> 16) * 299 + (b >> 8 & 255) * 587 + (b & 255) * 114);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_axis),	  cmocka_unit_test(test_any_axis),
		cmocka_unit_test(test_figures),	  cmocka_unit_test(test_no_figure),
		cmocka_unit_test(test_any_chart), cmocka_unit_test(test_any_strip),
		cmocka_unit_test(test_heat),
	};

	return cmocka_run_group_tests(tests, faces_open, faces_close);
}
