#include "base/mem.h"
#include "tests/support/fault.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool all(const unsigned char *p, size_t n, unsigned char c)
{
	size_t i;

	for (i = 0; i < n && p[i] == c; i++)
		;
	return i == n;
}

static void arenas_give_zeroed_aligned_pieces_that_stay(void **state)
{
	static const size_t sizes[] = { 1, 0, 3, 16, 17, 100, 5000, 1, 70000, 24, 3000000, 7, 64, 65 };
	unsigned char *piece[14];
	struct arena a = ARENA_INIT;
	size_t live = mem_live(), i, k;

	(void)state;
	for (i = 0; i < 14; i++) {
		piece[i] = arena_alloc(&a, sizes[i], 1);
		assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
		assert_true(all(piece[i], sizes[i], 0));
		memset(piece[i], (int)(i + 1), sizes[i]);
		for (k = 0; k <= i; k++)
			if (!all(piece[k], sizes[k], (unsigned char)(k + 1)))
				fail_msg("piece %zu overlaps piece %zu", i, k);
	}
	arena_release(&a);
	assert_int_equal(mem_live(), live);
	arena_release(&a);
}

static void arena_strings(void **state)
{
	struct arena a = ARENA_INIT;
	char *s;

	(void)state;
	s = arena_strdup(&a, "abc\0def", 7);
	assert_memory_equal(s, "abc\0def", 8);
	assert_string_equal(arena_strdup(&a, NULL, 0), "");
	assert_string_equal(arena_fmt(&a, "%s-%05d", "x", 42), "x-00042");
	arena_release(&a);
}

static void growing_keeps_contents(void **state)
{
	size_t cap = 0, n, live = mem_live();
	uint32_t *p = NULL;

	(void)state;
	for (n = 0; n < 5000; n++) {
		p = mem_grow(p, &cap, n + 1, sizeof(*p));
		assert_true(cap > n);
		p[n] = (uint32_t)(n * n);
	}
	for (n = 0; n < 5000; n++)
		assert_int_equal(p[n], (uint32_t)(n * n));
	mem_free(p);
	mem_free(NULL);
	assert_int_equal(mem_live(), live);
}

static void reserved_memory_is_counted_and_limited(void **state)
{
	size_t live = mem_live(), before = mem_reserved();
	struct err e = ERR_INIT;
	void *a, *b;

	(void)state;
	mem_limit(before + (3u << 20));
	assert_int_equal(mem_reserve(&a, 1u << 20, 2, "weights", &e), 0);
	assert_int_equal((uintptr_t)a % 64, 0);
	assert_true(all(a, 2u << 20, 0));
	assert_int_equal(mem_reserved(), before + (2u << 20));
	assert_int_equal(mem_reserve(&b, 3u << 20, 1, "moments", &e), -1);
	assert_int_equal(e.code, ERR_SIZE);
	assert_non_null(strstr(e.msg, "moments needs 3.0 MiB"));
	assert_null(b);
	mem_free(a);
	assert_int_equal(mem_reserved(), before);
	assert_true(mem_reserved_peak() >= before + (2u << 20));
	assert_int_equal(mem_reserve(&b, 3u << 20, 1, "moments", &e), 0);
	mem_free(b);
	mem_limit(0);
	assert_int_equal(mem_live(), live);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct err e = ERR_INIT;
	size_t n;
	void *p;

	(void)state;
	assert_int_equal(mem_mul(&n, SIZE_MAX / 2, 2, "x", &e), 0);
	assert_int_equal(mem_mul(&n, SIZE_MAX / 2 + 1, 2, "logits", &e), -1);
	assert_int_equal(e.code, ERR_SIZE);
	assert_non_null(strstr(e.msg, "logits"));
	assert_int_equal(mem_reserve(&p, SIZE_MAX / 4, 8, "x", &e), -1);
	assert_int_equal(mem_reserve(&p, SIZE_MAX - 8, 1, "x", &e), -1);
	assert_int_equal(e.code, ERR_SIZE);
	assert_int_equal(mem_reserved(), 0);
}

static int several_kinds(void *ud, struct err *e)
{
	struct arena a = ARENA_INIT;
	size_t cap = 0;
	void *p, *q, *r;
	int status;

	(void)ud;
	arena_alloc(&a, 10, 10);
	arena_alloc(&a, 100000, 1);
	p = mem_alloc(3, 3);
	q = mem_grow(NULL, &cap, 10, 8);
	status = mem_reserve(&r, 100, 1, "r", e);
	mem_free(r);
	mem_free(q);
	mem_free(p);
	arena_release(&a);
	return status;
}

static void failing_small_memory_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(sweep_memory(several_kinds, NULL, NULL), 5);
}

static int too_many(void *ud, struct err *e)
{
	(void)ud;
	(void)e;
	mem_alloc(SIZE_MAX / 2, 3);
	return 0;
}

static void impossible_small_memory_ends_the_process(void **state)
{
	struct err e = ERR_INIT;
	int status;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		_exit(too_many(NULL, &e));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
}

static void peak_memory_is_read(void **state)
{
	size_t before = mem_peak_rss(), n = 64u << 20;
	struct err e = ERR_INIT;
	void *p;

	(void)state;
	assert_true(before > (1u << 20));
	assert_int_equal(mem_reserve(&p, n, 1, "x", &e), 0);
	memset(p, 1, n);
	mem_free(p);
	assert_true(mem_peak_rss() >= n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arenas_give_zeroed_aligned_pieces_that_stay),
		cmocka_unit_test(arena_strings),
		cmocka_unit_test(growing_keeps_contents),
		cmocka_unit_test(reserved_memory_is_counted_and_limited),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(failing_small_memory_ends_the_process),
		cmocka_unit_test(impossible_small_memory_ends_the_process),
		cmocka_unit_test(peak_memory_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
