#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/map.h"
#include "report/markdown.h"
#include "report/render.h"
#include "store/metrics.h"
#include "tests/support/fault.h"
#include "tests/support/scratch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A run directory to its documents, with the templates of the repository. */

static const char vectors[] = "tests/vectors/report/run";
static const struct render_opts opts = {
	.template_path = "templates/report.md",
	.fonts = "templates/fonts",
	.name = "report",
};

static struct view slurp(struct arena *mem, const char *dir, const char *name)
{
	struct err e = ERR_INIT;
	struct view v;

	if (file_read(&v, mem, arena_fmt(mem, "%s/%s", dir, name), SIZE_MAX, &e) < 0)
		fail_msg("%s", e.msg);
	return v;
}

/* A run directory with the vectors, `from` in them replaced by `to`. */
static const char *make_run(struct arena *mem, const char *name, const char *from, const char *to)
{
	static const char *const files[] = { "results.json", "provenance.json" };
	const char *dir = scratch_new(name);

	dir = arena_strdup(mem, dir, strlen(dir));
	for (size_t i = 0; i < 2; i++) {
		struct view v = slurp(mem, vectors, files[i]);
		struct str s = STR_INIT;

		for (size_t k = 0; k < v.n; k++) {
			if (from && !strncmp(v.p + k, from, strlen(from))) {
				str_adds(&s, to);
				k += strlen(from) - 1;
			} else {
				str_addc(&s, v.p[k]);
			}
		}
		scratch_file(arena_fmt(mem, "%s/%s", dir, files[i]), s.p, s.n);
		str_release(&s);
	}
	return dir;
}

static void render(const char *dir)
{
	struct err e = ERR_INIT;

	if (report_render(dir, &opts, &e) < 0)
		fail_msg("%s:%u:%u: %s", e.file, e.line, e.col, e.msg);
}

static bool holds(struct view v, const char *what)
{
	return v.n && strstr(v.p, what) != NULL;
}

static void test_files(void **state)
{
	static const char *const names[] = { "report.md",
					     "latents.md",
					     "steering.md",
					     "report.pdf",
					     "figures/columns.svg",
					     "figures/dose-F1.svg",
					     "figures/contexts-1020.svg",
					     "figures/training-1.svg",
					     "figures/gap.svg",
					     "figures/relevance.svg" };
	struct arena mem = ARENA_INIT;
	const char *dir = make_run(&mem, "render", NULL, NULL), *once;
	struct view text;

	(void)state;
	render(dir);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(slurp(&mem, dir, names[i]).n > 100);
	text = slurp(&mem, dir, "report.md");
	assert_true(text.n < 60000);
	assert_true(holds(text, "Confirmed findings: 1 of 2 tested."));
	assert_true(holds(text, "specs/demo.yaml"));
	assert_true(holds(text, "3fa91c0d"));
	assert_true(holds(text, "![Dose and response of finding F1](figures/dose-F1.svg)"));
	assert_false(holds(text, "UNCOMMITTED"));
	assert_false(holds(text, "DIRTY"));
	assert_false(holds(text, "{{"));
	/* again in another folder, from another time: the same bytes */
	once = scratch_digest(dir);
	once = arena_strdup(&mem, once, strlen(once));
	dir = make_run(&mem, "render-again", NULL, NULL);
	umask(077);
	render(dir);
	umask(022);
	assert_string_equal(scratch_digest(dir), once);
	arena_release(&mem);
}

/* Findings that are not among the foremost: a line with a link in the report, and a document that has them in full. */
static void test_further(void **state)
{
#define FINDING(id, rest)                                                                                  \
	"{\"id\": \"" id                                                                                   \
	"\", \"title\": \"a rhyme\", \"kind\": \"base-only\", \"verdict\": \"not tested\", "               \
	"\"tested\": false, \"latents\": [], \"expressed\": [], \"examples\": [], \"behaviours\": []" rest \
	"}, "
	static const char more[] = "\"more_findings\": true, \"findings\": [" FINDING("F6", "")
		FINDING("F7", "") FINDING("F8", "") FINDING("F9", ", \"is_further\": true");
	struct arena mem = ARENA_INIT;
	const char *dir = make_run(&mem, "further", "\"findings\":[", more);
	struct view text;

	(void)state;
	render(dir);
	text = slurp(&mem, dir, "report.md");
	assert_true(holds(text, "### Finding F8"));
	assert_false(holds(text, "### Finding F9"));
	assert_true(holds(text, "| [F9](more-findings.md#finding-f9) | a rhyme |"));
	assert_true(holds(slurp(&mem, dir, "more-findings.md"), "### Finding F9\n\n**a rhyme**"));
	dir = make_run(&mem, "nothing-further", NULL, NULL);
	render(dir);
	assert_false(holds(slurp(&mem, dir, "report.md"), "more-findings"));
	arena_release(&mem);
}

static void test_warnings(void **state)
{
	struct arena mem = ARENA_INIT;
	const char *dir;
	struct view text;

	(void)state;
	dir = make_run(&mem, "uncommitted", "\"committed\": true", "\"committed\": false");
	render(dir);
	text = slurp(&mem, dir, "report.md");
	assert_true(holds(text, "UNCOMMITTED SPEC"));
	assert_true(strstr(text.p, "UNCOMMITTED") - text.p < 300);
	dir = make_run(&mem, "dirty", "\"is_dirty\": false,\n  \"dirty\": []",
		       "\"is_dirty\": true, \"dirty\": [\"a_b*.c\"]");
	render(dir);
	text = slurp(&mem, dir, "report.md");
	assert_true(holds(text, "DIRTY WORKING TREE"));
	assert_true(holds(text, "`a_b*.c`"));
	arena_release(&mem);
}

static void test_nothing(void **state)
{
	struct arena mem = ARENA_INIT;
	const char *dir = make_run(&mem, "nothing",
				   "\"is_confirmed\":true,\"is_candidates\":false,\"is_nothing\":false",
				   "\"is_confirmed\":false,\"is_candidates\":false,\"is_nothing\":true");
	struct view text;

	(void)state;
	render(dir);
	text = slurp(&mem, dir, "report.md");
	assert_true(holds(text, "**Nothing found.**"));
	assert_true(holds(text, "1.27 nats"));
	assert_false(holds(text, "Confirmed findings"));
	arena_release(&mem);
}

/* Models say anything: the report keeps its headings, links and pictures. */
static void count_kinds(size_t *n, struct view text)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct node *root;

	assert_int_equal(markdown_read(&root, &mem, text, "report.md", &e), 0);
	for (const struct node *at = root; at; at = markdown_next(root, at))
		if (at->kind != NODE_TEXT)
			n[at->kind]++;
	arena_release(&mem);
}

static void test_hostile(void **state)
{
	static const char *const nasty[] = {
		"# heading\\n\\n- list\\n\\n---\\n\\n| a |\\n|---|\\n](http://evil) <script>alert(1)</script> ![x](figures/none.svg) "
		"[y](none.md) [z](#none) \\u202eabc\\u0000\\u0007\\ud83d\\ude00\\u0627\\u0644 {{name}} {{{x}}} {{#y}}",
		"``` ` ```` \\n```\\n~~~\\n                                                             ",
		"",
	};
	struct arena mem = ARENA_INIT;
	size_t want[NODE_BREAK + 1] = { 0 };
	const char *dir = make_run(&mem, "plain", NULL, NULL);
	struct str huge = STR_INIT;

	(void)state;
	render(dir);
	count_kinds(want, slurp(&mem, dir, "report.md"));
	for (size_t i = 0; i < 2000; i++)
		str_adds(&huge, "0123456789");
	for (size_t i = 0; i < sizeof(nasty) / sizeof(nasty[0]) + 1; i++) {
		size_t got[NODE_BREAK + 1] = { 0 };
		bool last = i == sizeof(nasty) / sizeof(nasty[0]);

		dir = make_run(&mem, "hostile", "I cannot recite it.", last ? huge.p : nasty[i]);
		render(dir);
		count_kinds(got, slurp(&mem, dir, "report.md"));
		for (size_t k = 0; k <= NODE_BREAK; k++)
			if (got[k] != want[k])
				fail_msg("'%s': %zu nodes of kind %zu, not %zu", last ? "huge" : nasty[i],
					 got[k], k, want[k]);
	}
	str_release(&huge);
	arena_release(&mem);
}

static void test_errors(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "\"format\": 1", "\"format\": ", "provenance.json" },
		{ "\"title\":\"Audit of", "\"tilte\":\"Audit of", "'audit.title' is not in the results" },
		{ "\"seed\":1,\"latents\"", "\"seed\":\"a/b\",\"latents\"", "is none of the figures" },
		{ "\"doses\":[", "\"dosen\":[", "no finding F1 with doses" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		const char *dir = make_run(&mem, "broken", cases[i].from, cases[i].to);

		assert_int_equal(report_render(dir, &opts, &e), -1);
		if (!strstr(e.msg, cases[i].says) && !strstr(e.file, cases[i].says))
			fail_msg("%s: %s:%u: %s", cases[i].to, e.file, e.line, e.msg);
		assert_false(path_is_file(arena_fmt(&mem, "%s/report.pdf", dir)));
		assert_false(path_is_file(arena_fmt(&mem, "%s/report.md", dir)));
		arena_release(&mem);
	}
}

/* Every number of the results has a row in the table of metrics, so that any template may name it. */
static void check_numbers(const struct json *v, const char *path, struct arena *mem)
{
	for (const struct json *one = v->first; one; one = one->next) {
		const char *here = v->kind == JSON_ARRAY ? arena_fmt(mem, "%s[]", path)
				   : !path[0]		 ? arena_fmt(mem, "%.*s", (int)one->key.n, one->key.p)
					      : arena_fmt(mem, "%s.%.*s", path, (int)one->key.n, one->key.p);

		if ((one->kind == JSON_INTEGER || one->kind == JSON_REAL) && !metric_find(view_of(here)))
			fail_msg("no row for %s", here);
		check_numbers(one, here, mem);
	}
}

static void test_numbers(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *v;

	(void)state;
	assert_int_equal(json_read(&v, &mem, slurp(&mem, vectors, "results.json"), "results.json", &e), 0);
	check_numbers(v, "", &mem);
	assert_int_equal(json_read(&v, &mem, slurp(&mem, vectors, "provenance.json"), "provenance.json", &e),
			 0);
	check_numbers(v, "provenance", &mem);
	arena_release(&mem);
}

/* A small template, so that sweeps over every system call stay short. */
static const char *const small_files[] = { "report.md", "report.pdf", "figures/gap.svg" };

struct small {
	const char *dir;
	struct digest want[3];
};

static int render_small(void *ud, struct err *e)
{
	static const char path[] = "build/scratch/small.md";
	const struct small *s = ud;
	struct render_opts o = opts;

	scratch_text(path, "# {{audit.title}}\n\n![gap](figures/gap.svg)\n");
	o.template_path = path;
	return report_render(s->dir, &o, e);
}

/* Whatever is there is whole: the bytes of an undisturbed run, or nothing. */
static void check_small(void *ud, bool failed)
{
	const struct small *s = ud;

	for (size_t i = 0; i < 3; i++) {
		struct err e = ERR_INIT;
		struct digest d;
		char path[600];

		snprintf(path, sizeof(path), "%s/%s", s->dir, small_files[i]);
		if (!path_is_file(path)) {
			assert_true(failed);
			continue;
		}
		assert_int_equal(digest_file(&d, NULL, path, &e), 0);
		assert_true(digest_eq(d, s->want[i]));
		if (failed)
			assert_int_equal(path_remove(path, &e), 0);
	}
}

static void test_crashes(void **state)
{
	struct arena mem = ARENA_INIT;
	struct small s = { .dir = make_run(&mem, "crash", NULL, NULL) };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(render_small(&s, &e), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			digest_file(&s.want[i], NULL, arena_fmt(&mem, "%s/%s", s.dir, small_files[i]), &e),
			0);
	assert_true(sweep_crash(render_small, check_small, &s) > 3);
	assert_true(sweep_io(render_small, check_small, &s) > 3);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),	 cmocka_unit_test(test_further),
		cmocka_unit_test(test_warnings), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_hostile),	 cmocka_unit_test(test_errors),
		cmocka_unit_test(test_crashes),	 cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
