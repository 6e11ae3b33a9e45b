#include "base/out.h"
#include "base/map.h"
#include "base/str.h"
#include "tests/support/fault.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Larger than the buffer, so that writes happen before the commit. */
#ifdef TEST_TINY
#define PIECES 15
#else
#define PIECES 30000
#endif

struct place {
	char dir[300], path[400];
	const char *old; /* what the file held before; NULL: there was none */
};

static struct place place_new(const char *old)
{
	struct place p = { .old = old };

	snprintf(p.dir, sizeof(p.dir), "%s", scratch_new("out"));
	snprintf(p.path, sizeof(p.path), "%s/result", p.dir);
	if (old)
		scratch_text(p.path, old);
	return p;
}

static int write_pieces(void *ud, struct err *e)
{
	const struct place *p = ud;
	struct digest d;
	struct out *o;
	int i;

	if (out_open(&o, p->path, e) < 0)
		return -1;
	for (i = 0; i < PIECES; i++)
		out_fmt(o, "%05d\n", i);
	return out_commit(o, &d, e);
}

static size_t temporaries(const char *dir)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	size_t n, i, count = 0;
	char **name;

	assert_int_equal(dir_list(&name, &n, &mem, dir, &e), 0);
	for (i = 0; i < n; i++)
		count += out_is_temporary(name[i]);
	arena_release(&mem);
	return count;
}

static bool is_whole(const struct view v)
{
	char last[16];

	snprintf(last, sizeof(last), "%05d\n", PIECES - 1);
	return v.n == 6 * PIECES && view_starts(v, "00000\n") && view_ends(v, last);
}

/* Old, or whole; never part. After a failure that was reported, no litter either. */
static void old_or_new(void *ud, bool failed)
{
	const struct place *p = ud;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct view v;
	bool there = file_read(&v, &mem, p->path, SIZE_MAX, &e) == 0;

	if (!failed)
		assert_true(there && is_whole(v));
	else if (there)
		assert_true(is_whole(v) || (p->old && view_is(v, p->old)));
	else
		assert_null(p->old);
	arena_release(&mem);
}

static void old_or_new_without_litter(void *ud, bool failed)
{
	const struct place *p = ud;

	old_or_new(ud, failed);
	assert_int_equal(temporaries(p->dir), 0);
	if (p->old)
		scratch_text(p->path, p->old);
}

static void a_file_is_whole_or_as_before_when_calls_fail(void **state)
{
	struct place fresh = place_new(NULL), old;

	(void)state;
	assert_true(sweep_io(write_pieces, old_or_new_without_litter, &fresh) >= 6);
	old = place_new("old bytes\n");
	assert_true(sweep_io(write_pieces, old_or_new_without_litter, &old) >= 6);
}

static void a_file_is_whole_or_as_before_when_the_process_ends(void **state)
{
	struct place p = place_new("old bytes\n");

	(void)state;
	assert_true(sweep_crash(write_pieces, old_or_new, &p) >= 6);
}

static void memory_faults_leave_no_part(void **state)
{
	struct place p = place_new("old bytes\n");

	(void)state;
	assert_true(sweep_memory(write_pieces, old_or_new, &p) >= 3);
}

static void digest_and_size_are_of_all_bytes(void **state)
{
	struct place p = place_new(NULL);
	struct err e = ERR_INIT;
	struct digest d, of_file;
	char big[1000];
	uint64_t size;
	struct out *o;

	(void)state;
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(out_open(&o, p.path, &e), 0);
	out_put(o, "a\0b", 3);
	out_put(o, "", 0);
	out_fmt(o, "%s", big);
	assert_int_equal(out_size(o), 1002);
	assert_false(path_is_file(p.path));
	assert_int_equal(temporaries(p.dir), 1);
	assert_int_equal(out_commit(o, &d, &e), 0);
	assert_int_equal(digest_file(&of_file, &size, p.path, &e), 0);
	assert_true(digest_eq(d, of_file));
	assert_int_equal(size, 1002);
	assert_int_equal(temporaries(p.dir), 0);
}

static void a_text_is_written_whole_or_not_at_all(void **state)
{
	struct place p = place_new("before\n");
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct view v;

	(void)state;
	out_fail_at(1);
	assert_int_equal(out_write(p.path, "whole\n", 6, &e), -1);
	out_fail_at(0);
	assert_int_equal(file_read(&v, &mem, p.path, 100, &e), 0);
	assert_true(view_is(v, "before\n"));
	assert_int_equal(out_write(p.path, "whole\n", 6, &e), 0);
	assert_int_equal(file_read(&v, &mem, p.path, 100, &e), 0);
	assert_true(view_is(v, "whole\n"));
	assert_int_equal(temporaries(p.dir), 0);
	arena_release(&mem);
}

static void an_aborted_file_leaves_nothing(void **state)
{
	struct place p = place_new("old\n");
	struct err e = ERR_INIT;
	struct out *o;

	(void)state;
	assert_int_equal(out_open(&o, p.path, &e), 0);
	out_fmt(o, "new\n");
	out_abort(o);
	out_abort(NULL);
	assert_int_equal(temporaries(p.dir), 0);
	old_or_new(&p, true);
	assert_int_equal(mem_live(), 0);
}

static void where_no_file_can_be(void **state)
{
	struct err e = ERR_INIT;
	struct out *o;

	(void)state;
	assert_int_equal(out_open(&o, "no/such/folder/x", &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_string_equal(e.msg, "cannot write no/such/folder/x: No such file or directory");
	assert_null(o);
	assert_int_equal(mem_live(), 0);
}

static void names_of_temporaries(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} cases[] = {
		{ ".a.12.tmp", true }, { ".a.b.7.tmp", true }, { "a.12.tmp", false }, { ".a.tmp", false },
		{ ".12.tmp", false },  { ".a.12.tm", false },  { ".a.x.tmp", false }, { ".a..tmp", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (out_is_temporary(cases[i].name) != cases[i].is)
			fail_msg("%s", cases[i].name);
}

static void directories(void **state)
{
	struct arena mem = ARENA_INIT;
	struct place p = place_new(NULL);
	const char *deep = arena_fmt(&mem, "%s/a//b/c/", p.dir);
	struct err e = ERR_INIT;
	uint64_t bytes;
	char **name;
	size_t n;

	(void)state;
	assert_int_equal(dir_make(deep, &e), 0);
	assert_int_equal(dir_make(deep, &e), 0);
	assert_true(path_is_dir(arena_fmt(&mem, "%s/a/b/c", p.dir)));
	scratch_text(arena_fmt(&mem, "%s/Z", p.dir), "12345");
	scratch_text(arena_fmt(&mem, "%s/\xc3\xa9", p.dir), "");
	scratch_text(arena_fmt(&mem, "%s/a.b", p.dir), "");
	assert_int_equal(symlink("a", arena_fmt(&mem, "%s/link", p.dir)), 0);
	assert_int_equal(dir_list(&name, &n, &mem, p.dir, &e), 0);
	assert_int_equal(n, 5);
	assert_string_equal(name[0], "Z");
	assert_string_equal(name[1], "a.b");
	assert_string_equal(name[2], "a/");
	assert_string_equal(name[3], "link/");
	assert_string_equal(name[4], "\xc3\xa9");
	assert_int_equal(path_size(&bytes, arena_fmt(&mem, "%s/Z", p.dir), &e), 0);
	assert_int_equal(bytes, 5);
	assert_int_equal(dir_make(arena_fmt(&mem, "%s/Z/x", p.dir), &e), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_int_equal(dir_list(&name, &n, &mem, "no/such", &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_int_equal(path_free_bytes(&bytes, arena_fmt(&mem, "%s/not/yet/there", p.dir), &e), 0);
	assert_true(bytes > 0);
	arena_release(&mem);
}

static void removing_never_follows_links(void **state)
{
	struct arena mem = ARENA_INIT;
	struct place p = place_new("stays\n");
	const char *tree = arena_fmt(&mem, "%s/tree", p.dir);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(dir_make(arena_fmt(&mem, "%s/x/y", tree), &e), 0);
	scratch_text(arena_fmt(&mem, "%s/x/f", tree), "");
	assert_int_equal(symlink("../..", arena_fmt(&mem, "%s/x/up", tree)), 0);
	assert_int_equal(path_remove(arena_fmt(&mem, "%s/x", tree), &e), -1);
	assert_int_equal(dir_remove_tree(tree, &e), 0);
	assert_false(path_is_dir(tree));
	assert_true(path_is_file(p.path));
	assert_int_equal(dir_remove_tree(tree, &e), 0);
	assert_int_equal(path_remove(tree, &e), 0);
	assert_int_equal(dir_remove_tree(p.path, &e), 0);
	assert_false(path_is_file(p.path));
	arena_release(&mem);
}

/* ---- locks: each of several processes adds one to a number in a file, in two steps ---- */

static int add_one(const char *dir)
{
	struct arena mem = ARENA_INIT;
	const char *lock = arena_fmt(&mem, "%s/lock", dir), *path = arena_fmt(&mem, "%s/n", dir);
	struct err e = ERR_INIT;
	struct view v;
	struct lock l;
	uint64_t n = 0;
	struct out *o;

	if (lock_acquire(&l, lock, &e) < 0)
		return 1;
	if (file_read(&v, &mem, path, 100, &e) < 0 || !view_u64(&n, v))
		return 1;
	if (out_open(&o, path, &e) < 0)
		return 1;
	out_fmt(o, "%llu", (unsigned long long)n + 1);
	if (out_commit(o, NULL, &e) < 0)
		return 1;
	/* half of them remove the lock's file while they hold it */
	if (n % 2 == 0 && path_remove(lock, &e) < 0)
		return 1;
	lock_release(&l);
	lock_release(&l);
	arena_release(&mem);
	return 0;
}

static void locks_hold_between_processes(void **state)
{
	struct place p = place_new(NULL);
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct view v;
	int i, k, status;

	(void)state;
	scratch_text(arena_fmt(&mem, "%s/n", p.dir), "0");
	fflush(NULL);
	for (i = 0; i < 4; i++)
		if (fork() == 0) {
			if (!freopen("/dev/null", "w", stderr))
				_exit(1);
			for (k = 0; k < 25; k++)
				if (add_one(p.dir))
					_exit(1);
			_exit(0);
		}
	for (i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(file_read(&v, &mem, arena_fmt(&mem, "%s/n", p.dir), 100, &e), 0);
	assert_string_equal(v.p, "100");
	arena_release(&mem);
}

static int put_bytes(const char *dir, const char *name, size_t n, struct err *e)
{
	struct out *o;
	char path[500];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (out_open(&o, path, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		out_put(o, "x", 1);
	return out_commit(o, NULL, e);
}

/* What may be written is a sum over files; what is removed again counts no more. */
static void an_allowance_is_kept(void **state)
{
	struct place p = place_new(NULL);
	struct err e = ERR_INIT;
	char path[500];

	(void)state;
	out_allow(100);
	assert_int_equal(put_bytes(p.dir, "a", 60, &e), 0);
	assert_int_equal(put_bytes(p.dir, "b", 40, &e), 0);
	assert_int_equal(put_bytes(p.dir, "c", 1, &e), -1);
	assert_int_equal(e.code, ERR_SIZE);
	assert_non_null(strstr(e.msg, "that may be written are used up"));
	snprintf(path, sizeof(path), "%s/c", p.dir);
	assert_false(path_is_file(path));
	assert_int_equal(temporaries(p.dir), 0);
	snprintf(path, sizeof(path), "%s/b", p.dir);
	assert_int_equal(path_remove(path, &e), 0);
	assert_int_equal(put_bytes(p.dir, "c", 41, &e), -1);
	assert_int_equal(put_bytes(p.dir, "c", 40, &e), 0);
	out_allow(0);
	assert_int_equal(put_bytes(p.dir, "d", 1000, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allowance_is_kept),
		cmocka_unit_test(a_file_is_whole_or_as_before_when_calls_fail),
		cmocka_unit_test(a_file_is_whole_or_as_before_when_the_process_ends),
		cmocka_unit_test(memory_faults_leave_no_part),
		cmocka_unit_test(digest_and_size_are_of_all_bytes),
		cmocka_unit_test(a_text_is_written_whole_or_not_at_all),
		cmocka_unit_test(an_aborted_file_leaves_nothing),
		cmocka_unit_test(where_no_file_can_be),
		cmocka_unit_test(names_of_temporaries),
		cmocka_unit_test(directories),
		cmocka_unit_test(removing_never_follows_links),
		cmocka_unit_test(locks_hold_between_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
