#include "base/out.h"
#include "flow/run.h"
#include "tests/support/fault.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* SHA-256 of nothing */

struct run {
	char dir[300];
};

static void put(const struct run *r, const char *name, const char *bytes)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	if (bytes)
		scratch_text(path, bytes);
	else
		assert_int_equal(unlink(path), 0);
}

static struct run run_new(void)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct run r;

	snprintf(r.dir, sizeof(r.dir), "%s", scratch_new("manifest"));
	assert_int_equal(dir_make(arena_fmt(&mem, "%s/figures", r.dir), &e), 0);
	put(&r, "spec.yaml", "audit: 1\n");
	put(&r, "results.json", "");
	put(&r, "figures.md", "before figures/ in byte order\n");
	put(&r, "figures/a.svg", "<svg/>");
	put(&r, "log.txt", "about this run only\n");
	put(&r, "timings.json", "{}\n");
	arena_release(&mem);
	return r;
}

static int seal(void *ud, struct err *e)
{
	const struct run *r = ud;

	return run_seal(r->dir, e);
}

static void sealed_or_not(void *ud, bool failed)
{
	const struct run *r = ud;
	struct err e = ERR_INIT;
	char path[400];

	snprintf(path, sizeof(path), "%s/MANIFEST", r->dir);
	if (path_is_file(path))
		assert_int_equal(run_verify(r->dir, &e), 0);
	else
		assert_true(failed);
	assert_int_equal(path_remove(path, &e), 0);
}

static void sealing_is_whole_or_not_at_all(void **state)
{
	struct run r = run_new();

	(void)state;
	assert_true(sweep_io(seal, sealed_or_not, &r) >= 6);
	assert_true(sweep_crash(seal, sealed_or_not, &r) >= 6);
}

static void every_change_is_noticed(void **state)
{
	static const struct {
		const char *file, *bytes; /* NULL: removed */
		const char *want;	  /* NULL: no matter */
	} cases[] = {
		{ "results.json", "{}", "results.json has changed since it was sealed" },
		{ "spec.yaml", NULL, "spec.yaml is missing" },
		{ "new", "", "new is not in the MANIFEST" },
		{ "figures/b.svg", "", "figures/b.svg is not in the MANIFEST" },
		{ "figures/a.svg", "changed", "figures/a.svg has changed since it was sealed" },
		{ "MANIFEST", "nonsense\n", "is damaged here" },
		{ "MANIFEST", EMPTY "  results.json", "is damaged here" },
		{ "MANIFEST", EMPTY " *results.json\n", "is damaged here" },
		{ "MANIFEST", EMPTY "  ../x\n", "../x leads out of the run's directory" },
		{ "MANIFEST", EMPTY "  /x\n", "/x leads out of the run's directory" },
		{ "MANIFEST", EMPTY "  results.json\n", "figures.md is not in the MANIFEST" },
		{ "MANIFEST", "", "figures.md is not in the MANIFEST" },
		{ "log.txt", "changed", NULL },
		{ "timings.json", NULL, NULL },
		{ ".report.md.1.tmp", "of a process that is no more", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run r = run_new();
		struct err e = ERR_INIT;

		assert_int_equal(run_seal(r.dir, &e), 0);
		assert_int_equal(run_verify(r.dir, &e), 0);
		put(&r, cases[i].file, cases[i].bytes);
		assert_int_equal(run_verify(r.dir, &e), cases[i].want ? -1 : 0);
		if (cases[i].want && (e.code != ERR_DIFFERS || !strstr(e.msg, cases[i].want)))
			fail_msg("case %zu: %s", i, e.msg);
	}
}

static void names_are_in_byte_order(void **state)
{
	static const char *const want[] = { "figures.md", "figures/a.svg", "results.json", "spec.yaml" };
	struct run r = run_new();
	struct err e = ERR_INIT;
	char path[400], line[200];
	size_t n = 0;
	FILE *f;

	(void)state;
	assert_int_equal(run_seal(r.dir, &e), 0);
	snprintf(path, sizeof(path), "%s/MANIFEST", r.dir);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		assert_true(n < 4);
		assert_string_equal(line + 66, want[n++]);
	}
	fclose(f);
	assert_int_equal(n, 4);
}

static void where_there_is_no_run(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run_verify("no/such/run", &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_int_equal(run_seal("no/such/run", &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sealing_is_whole_or_not_at_all),
		cmocka_unit_test(every_change_is_noticed),
		cmocka_unit_test(names_are_in_byte_order),
		cmocka_unit_test(where_there_is_no_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
