#include "report/surface.h"
#include "base/map.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SHA "50ad700389275ac65bffb39b366ffec491c7f84d20c9026dca48903cca08da77"

static const char provenance[] =
	"{\"program\":{\"version\":\"1\",\"commit\":\"c\"},\"backend\":\"b\",\"date\":\"2024-02-29T00:00:00Z\","
	"\"spec\":{\"path\":\"a dir/spec.yaml\",\"commit\":\"0123456789012345678901234567890123456789\",\"sha256\":\"" SHA
	"\",\"lines\":{\"base\":5,\"candidate\":6}},"
	"\"subjects\":{\"base\":{\"name\":\"m\",\"sha256\":\"" SHA
	"\"},\"candidate\":{\"name\":\"n\",\"sha256\":\"" SHA
	"\"}},\"inputs\":[{\"role\":\"base\",\"name\":\"config.json\",\"sha256\":\"" SHA
	"\"},{\"role\":\"candidate\",\"name\":\"x\",\"sha256\":\"" SHA "\"}],\"plan_key\":\"k\"}";

/* One confirmed, one not, one without a dose on both sides; `number` is a figure that may move; layers: a member more. */
static const char *results(char *room, size_t n, const char *number, const char *layers)
{
	snprintf(
		room, n,
		"{\"audit\":{\"name\":\"demo\"},\"verdict\":{\"status\":\"confirmed\"},\"models\":{},\"findings\":["
		"{\"id\":\"F1\",\"kind\":\"candidate-only\",\"title\":\"<poems> & \\u0001\",\"is_confirmed\":true,"
		"\"tested\":true,\"verdict\":\"confirmed\",\"slope_on\":%s},"
		"{\"id\":\"F2\",\"kind\":\"base-only\",\"title\":\"b\",\"is_confirmed\":false,\"tested\":true,\"verdict\":\"no\","
		"\"doses\":[{\"dose\":-1,\"counts\":true},{\"dose\":1,\"counts\":true}]},"
		"{\"id\":\"F3\",\"kind\":\"shared\",\"title\":\"c\",\"is_confirmed\":false,\"tested\":true,\"verdict\":\"?\","
		"\"doses\":[{\"dose\":-1,\"counts\":true},{\"dose\":1,\"counts\":false}]}]%s}",
		number, layers);
	return room;
}

static char *make_with(char dir[300], const char *number, const char *layers)
{
	static const char *const documents[] = { "report.md", "report.pdf" };
	struct err e = ERR_INIT;
	char path[400], text[2000];

	snprintf(dir, 300, "%s", scratch_new("surface"));
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, documents[i]);
		scratch_text(path, "x");
	}
	snprintf(path, sizeof(path), "%s/results.json", dir);
	scratch_text(path, results(text, sizeof(text), number, layers));
	snprintf(path, sizeof(path), "%s/provenance.json", dir);
	scratch_text(path, provenance);
	assert_int_equal(surfaces_write(dir, &e), 0);
	return dir;
}

static char *make(char dir[300], const char *number)
{
	return make_with(dir, number, "");
}

static const struct json *read_tree(struct arena *mem, const char *dir, const char *name)
{
	struct err e = ERR_INIT;
	const struct json *v;

	assert_int_equal(json_read_file(&v, mem, arena_fmt(mem, "%s/%s", dir, name), 1 << 20, &e), 0);
	return v;
}

static const struct json *sarif_results(struct arena *mem, const char *dir)
{
	const struct json *run = json_at(json_find(read_tree(mem, dir, "audit.sarif"), "runs"), 0);

	return json_find(run, "results");
}

static const struct json *location(const struct json *result)
{
	return json_find(json_at(json_find(result, "locations"), 0), "physicalLocation");
}

static void sarif_points_at_the_spec(void **state)
{
	static const struct {
		const char *level, *kind, *rule;
		int64_t line;
	} want[] = { { "error", "fail", "candidate-only", 6 },
		     { "none", "review", "base-only", 5 },
		     { "none", "open", "shared-different-use", 6 } };
	struct arena mem = ARENA_INIT;
	char dir[300];
	const struct json *found = sarif_results(&mem, make(dir, "1"));

	(void)state;
	assert_int_equal(found->n, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct json *r = json_at(found, i), *at = location(r);

		assert_true(view_is(json_find(r, "level")->str, want[i].level));
		assert_true(view_is(json_find(r, "kind")->str, want[i].kind));
		assert_true(view_is(json_find(r, "ruleId")->str, want[i].rule));
		assert_true(view_is(json_find(json_find(at, "artifactLocation"), "uri")->str,
				    "a%20dir/spec.yaml"));
		assert_int_equal(json_find(json_find(at, "region"), "startLine")->integer, want[i].line);
	}
	arena_release(&mem);
}

static void a_fingerprint_survives_another_number(void **state)
{
	struct arena mem = ARENA_INIT;
	char one[300], two[300];
	const struct json *a = sarif_results(&mem, make(one, "1.5")),
			  *b = sarif_results(&mem, make(two, "2.5"));
	struct view prints[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct json *x = json_find(json_at(a, i), "partialFingerprints")->first,
				  *y = json_find(json_at(b, i), "partialFingerprints")->first;

		assert_true(view_eq(x->str, y->str));
		prints[i] = x->str;
	}
	assert_false(view_eq(prints[0], prints[1]));
	assert_false(view_eq(prints[1], prints[2]));
	arena_release(&mem);
}

static void junit_counts_and_escapes(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct view text;
	char dir[300];

	(void)state;
	make(dir, "1");
	assert_int_equal(file_read(&text, &mem, arena_fmt(&mem, "%s/audit.junit.xml", dir), 1 << 20, &e), 0);
	assert_non_null(strstr(text.p, "tests=\"3\" failures=\"1\" errors=\"1\""));
	assert_non_null(strstr(text.p, "&#60;poems&#62; &#38; \xEF\xBF\xBD"));
	assert_null(strchr(text.p, 1));
	arena_release(&mem);
}

/* The first of the layers is the run's own, whose findings stand above already. */
static void findings_of_further_blocks_count(void **state)
{
	static const char layers[] =
		",\"layers\":[{\"at\":\"1-1\",\"is_further\":false,\"findings\":[{\"id\":\"F1\",\"at\":\"1-1\"}]},"
		"{\"at\":\"2-2\",\"is_further\":true,\"findings\":[{\"id\":\"F1\",\"at\":\"2-2\",\"kind\":\"base-only\","
		"\"title\":\"b\",\"is_confirmed\":true,\"tested\":true,\"verdict\":\"confirmed\"}]}]";
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *found;
	struct view text;
	char dir[300];

	(void)state;
	make_with(dir, "1", layers);
	assert_int_equal(file_read(&text, &mem, arena_fmt(&mem, "%s/audit.junit.xml", dir), 1 << 20, &e), 0);
	assert_non_null(strstr(text.p, "tests=\"4\" failures=\"2\" errors=\"1\""));
	assert_non_null(strstr(text.p, "F1 at blocks 2-2, base-only: b; confirmed"));
	assert_null(strstr(text.p, "1-1"));
	found = sarif_results(&mem, dir);
	assert_int_equal(found->n, 4);
	/* the same behaviour elsewhere is another result */
	assert_false(view_eq(json_find(json_at(found, 1), "partialFingerprints")->first->str,
			     json_find(json_at(found, 3), "partialFingerprints")->first->str));
	arena_release(&mem);
}

static void statements_say_what_they_are_about(void **state)
{
	static const struct {
		const char *file, *type;
		size_t subjects;
	} want[] = { { "provenance", "https://slsa.dev/provenance/v1", 3 },
		     { "test-result", "https://in-toto.io/attestation/test-result/v0.1", 1 },
		     { "model-base", "https://model_signing/signature/v1.0", 1 },
		     { "model-candidate", "https://model_signing/signature/v1.0", 1 } };
	struct arena mem = ARENA_INIT;
	char dir[300];

	(void)state;
	make(dir, "1");
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct json *s =
			read_tree(&mem, dir, arena_fmt(&mem, "attestations/%s.json", want[i].file));

		assert_true(view_is(json_find(s, "_type")->str, "https://in-toto.io/Statement/v1"));
		assert_true(view_is(json_find(s, "predicateType")->str, want[i].type));
		assert_int_equal(json_find(s, "subject")->n, want[i].subjects);
		for (const struct json *x = json_find(s, "subject")->first; x; x = x->next)
			assert_int_equal(json_find(json_find(x, "digest"), "sha256")->str.n, 64);
	}
	assert_true(view_is(
		json_find(json_find(read_tree(&mem, dir, "attestations/test-result.json"), "predicate"),
			  "result")
			->str,
		"FAILED"));
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sarif_points_at_the_spec),
		cmocka_unit_test(a_fingerprint_survives_another_number),
		cmocka_unit_test(junit_counts_and_escapes),
		cmocka_unit_test(findings_of_further_blocks_count),
		cmocka_unit_test(statements_say_what_they_are_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
