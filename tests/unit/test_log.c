#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What `talk` says on stderr. */
static const char *said(struct arena *mem, enum log_mode mode, void (*talk)(void))
{
	const char *path = arena_fmt(mem, "%s/stderr", scratch_new("log"));
	int was = dup(STDERR_FILENO);
	struct err e = ERR_INIT;
	struct view v;

	fflush(stderr);
	assert_non_null(freopen(path, "w", stderr));
	log_open(mode);
	talk();
	log_open(LOG_AUTO);
	fflush(stderr);
	dup2(was, STDERR_FILENO);
	close(was);
	assert_int_equal(file_read(&v, mem, path, 1u << 20, &e), 0);
	return v.p;
}

static void talk(void)
{
	int i;

	log_note("%d of\n%s", 3, "them");
	log_warn("look out");
	for (i = 0; i <= 1000; i++)
		log_progress("acts base", (uint64_t)i, 1000, i ? "812 tokens/s" : NULL);
	log_progress("train 1", 0, 0, NULL);
}

static void lines(void **state)
{
	struct arena mem = ARENA_INIT;
	const char *text = said(&mem, LOG_LINES, talk);

	(void)state;
	assert_string_equal(text, "3 of?them\nwarning: look out\nacts base: 0 of 1000\n"
				  "acts base: 1000 of 1000, 812 tokens/s\ntrain 1: 0 of 0\n");
	arena_release(&mem);
}

static void json(void **state)
{
	struct arena mem = ARENA_INIT;
	const char *text = said(&mem, LOG_JSON, talk);

	(void)state;
	assert_string_equal(
		text,
		"{\"event\":\"note\",\"text\":\"3 of?them\"}\n"
		"{\"event\":\"warning\",\"text\":\"look out\"}\n"
		"{\"event\":\"progress\",\"stage\":\"acts base\",\"done\":0,\"total\":1000,\"detail\":null}\n"
		"{\"event\":\"progress\",\"stage\":\"acts base\",\"done\":1000,\"total\":1000,"
		"\"detail\":\"812 tokens/s\"}\n"
		"{\"event\":\"progress\",\"stage\":\"train 1\",\"done\":0,\"total\":0,\"detail\":null}\n");
	arena_release(&mem);
}

static void never(void **state)
{
	struct arena mem = ARENA_INIT;

	(void)state;
	/* notes are still said; it is progress that never is */
	assert_string_equal(said(&mem, LOG_NEVER, talk), "3 of?them\nwarning: look out\n");
	arena_release(&mem);
}

static void copy_is_of_notes(void **state)
{
	struct arena mem = ARENA_INIT;
	const char *path = arena_fmt(&mem, "%s/log.txt", scratch_new("logcopy"));
	struct err e = ERR_INIT;
	struct view v;

	(void)state;
	assert_int_equal(log_copy(path, &e), 0);
	said(&mem, LOG_JSON, talk);
	assert_int_equal(log_copy(NULL, &e), 0);
	said(&mem, LOG_JSON, talk);
	assert_int_equal(file_read(&v, &mem, path, 1000, &e), 0);
	assert_string_equal(v.p, "3 of?them\nwarning: look out\n");
	assert_int_equal(log_copy("no/such/log.txt", &e), -1);
	assert_int_equal(e.code, ERR_IO);
	arena_release(&mem);
}

static void clock_goes_on(void **state)
{
	double a = log_clock(), b = log_clock();

	(void)state;
	assert_true(b >= a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),	 cmocka_unit_test(json),
		cmocka_unit_test(never),	 cmocka_unit_test(copy_is_of_notes),
		cmocka_unit_test(clock_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
