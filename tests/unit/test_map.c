#include "base/map.h"
#include "base/out.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void mapping(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 100000 };
	const char *dir = scratch_new("map");
	struct err e = ERR_INIT;
	char path[300];
	size_t i, k;

	(void)state;
	snprintf(path, sizeof(path), "%s/f", dir);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *bytes = mem_alloc(sizes[i] + 1, 1);
		struct map m;

		for (k = 0; k < sizes[i]; k++)
			bytes[k] = (uint8_t)(k * 7);
		scratch_file(path, bytes, sizes[i]);
		assert_int_equal(map_open(&m, path, &e), 0);
		assert_non_null(m.p);
		assert_int_equal(m.n, sizes[i]);
		assert_memory_equal(m.p, bytes, sizes[i]);
		/* what is dropped comes back when it is looked at */
		map_ahead(&m, 0, SIZE_MAX);
		map_ahead(&m, 4095, 2);
		map_ahead(&m, sizes[i], 1);
		map_drop(&m, 0, SIZE_MAX);
		map_drop(&m, 1, 5000);
		map_drop(&m, sizes[i], 1);
		assert_memory_equal(m.p, bytes, sizes[i]);
		map_close(&m);
		assert_null(m.p);
		map_close(&m);
		mem_free(bytes);
	}
}

static void what_cannot_be_mapped(void **state)
{
	const char *dir = scratch_new("map");
	struct err e = ERR_INIT;
	struct map m;
	char path[300];

	(void)state;
	assert_int_equal(map_open(&m, "no/such", &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(e.msg, "cannot open no/such: No such file or directory");
	assert_int_equal(map_open(&m, dir, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_non_null(strstr(e.msg, "Is a directory"));
	assert_int_equal(map_open(&m, "/dev/null", &e), -1);
	assert_non_null(strstr(e.msg, "not a regular file"));
	/* a pipe that nobody writes to is refused, and not waited for */
	snprintf(path, sizeof(path), "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	e = (struct err)ERR_INIT;
	assert_int_equal(map_open(&m, path, &e), -1);
	assert_non_null(strstr(e.msg, "not a regular file"));
}

static void reading(void **state)
{
	const char *dir = scratch_new("map");
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct view v;
	char path[300];

	(void)state;
	snprintf(path, sizeof(path), "%s/f", dir);
	scratch_file(path, "a\0b", 3);
	assert_int_equal(file_read(&v, &mem, path, 3, &e), 0);
	assert_int_equal(v.n, 3);
	assert_memory_equal(v.p, "a\0b", 4);
	assert_int_equal(file_read(&v, &mem, path, 2, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	scratch_file(path, "", 0);
	assert_int_equal(file_read(&v, &mem, path, 0, &e), 0);
	assert_int_equal(v.n, 0);
	assert_string_equal(v.p, "");
	/* a file that does not know its size */
	assert_int_equal(file_read(&v, &mem, "/proc/self/status", 1u << 20, &e), 0);
	assert_true(v.n > 100);
	assert_non_null(strstr(v.p, "VmHWM"));
	assert_int_equal(file_read(&v, &mem, "/proc/self/status", 10, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_int_equal(file_read(&v, &mem, "/dev/zero", 100000, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_int_equal(file_read(&v, &mem, dir, 10, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	arena_release(&mem);
	assert_int_equal(mem_live(), 0);
}

static void count(void *ud, const void *p, size_t n)
{
	size_t *sum = ud, i;

	for (i = 0; i < n; i++)
		sum[0] += ((const uint8_t *)p)[i];
	sum[1] += n;
}

static void streaming(void **state)
{
	const char *dir = scratch_new("map");
	size_t n = (256u << 10) * 2 + 5, i, want = 0, sum[2] = { 0 };
	struct err e = ERR_INIT;
	uint8_t *bytes = mem_alloc(n, 1);
	char path[300];

	(void)state;
	for (i = 0; i < n; i++)
		want += bytes[i] = (uint8_t)(i * 31);
	snprintf(path, sizeof(path), "%s/f", dir);
	scratch_file(path, bytes, n);
	assert_int_equal(file_stream(path, count, sum, &e), 0);
	assert_int_equal(sum[0], want);
	assert_int_equal(sum[1], n);
	assert_int_equal(file_stream("no/such", count, sum, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	mem_free(bytes);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapping),
		cmocka_unit_test(what_cannot_be_mapped),
		cmocka_unit_test(reading),
		cmocka_unit_test(streaming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
