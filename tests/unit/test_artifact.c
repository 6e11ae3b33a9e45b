#include "base/map.h"
#include "store/artifact.h"
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

#define FILES 3

struct place {
	char cache[300], dir[400], last[65];
	struct digest key;
};

static struct place place_new(void)
{
	struct place p = { .key = digest_of("key", 3) };
	char hex[65];

	snprintf(p.cache, sizeof(p.cache), "%s/cache", scratch_new("artifact"));
	digest_hex(hex, p.key);
	snprintf(p.dir, sizeof(p.dir), "%s/%.2s/%s", p.cache, hex, hex);
	return p;
}

static const char *file_name(size_t i)
{
	static const char *const name[FILES] = { "a.json", "rows-0", "rows-1" };

	return name[i];
}

/* A stage: skips what is there, and commits. */
static int build(void *ud, struct err *e)
{
	const struct place *p = ud;
	struct artifact a;
	struct out *o;
	int status;
	size_t i;

	if (artifact_open(&a, p->cache, p->key, e) < 0)
		return -1;
	status = 0;
	for (i = 0; status == 0 && !a.complete && i < FILES; i++) {
		if (artifact_has(&a, file_name(i)))
			continue;
		status = artifact_out(&o, &a, file_name(i), e);
		if (status == 0) {
			out_fmt(o, "bytes of file %zu\n", i);
			status = out_commit(o, NULL, e);
		}
	}
	if (status == 0 && !a.complete)
		status = artifact_commit(&a, e);
	artifact_close(&a);
	return status;
}

static struct artifact whole(const struct place *p)
{
	struct err e = ERR_INIT;
	struct artifact a;

	assert_int_equal(artifact_open(&a, p->cache, p->key, &e), 0);
	assert_true(a.complete);
	return a;
}

static void complete_or_not(void *ud, bool failed)
{
	struct place *p = ud;
	struct err e = ERR_INIT;
	struct artifact a;

	if (!artifact_complete(p->cache, p->key)) {
		assert_true(failed);
		assert_true(artifact_partial(p->cache, p->key) <= FILES);
		return;
	}
	a = whole(p);
	if (artifact_verify(&a, &e) < 0)
		fail_msg("%s", e.msg);
	if (!p->last[0])
		snprintf(p->last, sizeof(p->last), "%s", scratch_digest(p->dir));
	assert_string_equal(scratch_digest(p->dir), p->last);
	artifact_close(&a);
	/* begin anew, so that the next fault is met by a whole run */
	if (!failed) {
		assert_int_equal(dir_remove_tree(p->cache, &e), 0);
		assert_false(artifact_complete(p->cache, p->key));
	}
}

/* After each fault the same again, without one. */
static void goes_on(void *ud, bool failed)
{
	struct err e = ERR_INIT;

	complete_or_not(ud, failed);
	if (failed) {
		if (build(ud, &e) < 0)
			fail_msg("%s", e.msg);
		complete_or_not(ud, false);
	}
}

static void what_calls_that_fail_leave_can_be_gone_on_from(void **state)
{
	struct place p = place_new();

	(void)state;
	assert_true(sweep_io(build, goes_on, &p) > 20);
}

static void what_a_crash_leaves_can_be_gone_on_from(void **state)
{
	struct place p = place_new();

	(void)state;
	assert_true(sweep_crash(build, complete_or_not, &p) > 20);
}

static void a_life(void **state)
{
	struct place p = place_new();
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct artifact a;
	struct out *o;
	uint64_t bytes;
	struct view v;

	(void)state;
	assert_false(artifact_complete(p.cache, p.key));
	assert_int_equal(artifact_partial(p.cache, p.key), 0);
	assert_false(path_is_dir(p.cache));
	assert_int_equal(artifact_open(&a, p.cache, p.key, &e), 0);
	assert_false(a.complete);
	assert_int_equal(artifact_out(&o, &a, "checkpoint", &e), 0);
	out_fmt(o, "old");
	assert_int_equal(out_commit(o, NULL, &e), 0);
	assert_int_equal(artifact_out(&o, &a, "half", &e), 0);
	out_fmt(o, "never ends");
	assert_false(artifact_has(&a, "half"));
	artifact_close(&a);
	artifact_close(&a);
	assert_int_equal(artifact_partial(p.cache, p.key), 1);
	/* the next process finds what is whole; what was half-written is swept out */
	assert_int_equal(artifact_open(&a, p.cache, p.key, &e), 0);
	out_abort(o);
	assert_true(artifact_has(&a, "checkpoint"));
	assert_int_equal(artifact_drop(&a, "checkpoint", &e), 0);
	assert_int_equal(artifact_drop(&a, "checkpoint", &e), 0);
	assert_false(artifact_has(&a, "checkpoint"));
	artifact_close(&a);
	assert_int_equal(build(&p, &e), 0);
	a = whole(&p);
	assert_int_equal(artifact_bytes(&bytes, &a, &e), 0);
	assert_int_equal(file_read(&v, &mem, artifact_path(&mem, &a, "rows-0"), 100, &e), 0);
	assert_string_equal(v.p, "bytes of file 1\n");
	assert_int_equal(artifact_check(&a, "rows-0", &e), 0);
	assert_int_equal(artifact_check(&a, "rows-9", &e), -1);
	assert_int_equal(e.code, ERR_DIFFERS);
	assert_int_equal(artifact_verify(&a, &e), 0);
	artifact_close(&a);
	arena_release(&mem);
	assert_int_equal(mem_live(), 0);
}

/* Every damage: named, refused; and after artifact_reject() made anew. */
static void damage_is_noticed(void **state)
{
	static const struct {
		const char *file, *bytes; /* NULL: removed */
		const char *want;
		bool check; /* seen by artifact_check() of "rows-0" as well */
	} cases[] = {
		{ "rows-0", "bytes of file 0\n", "rows-0 has changed: its digest is ", true },
		{ "rows-0", "bytes of file", "rows-0 has 13 bytes, its MANIFEST says 16", true },
		{ "rows-0", NULL, "rows-0 is missing", true },
		{ "a.json", "", "a.json has 0 bytes, its MANIFEST says 16", false },
		{ "extra", "x", "extra is not in its MANIFEST", false },
		{ "MANIFEST", "", "MANIFEST does not begin with its number of files", true },
		{ "MANIFEST", "files 0\n", "a.json is not in its MANIFEST", true },
		{ "MANIFEST", "files 99999999999999999999\n",
		  "MANIFEST does not begin with its number of files", true },
		{ "MANIFEST", "files 4000000000\n", "MANIFEST does not begin with its number of files",
		  true },
		{ "MANIFEST", "files 1\nxyz 3 a.json\n", "MANIFEST is damaged at row 1", true },
		{ "MANIFEST",
		  "files 1\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 ../a\n",
		  "MANIFEST is damaged at row 1", true },
		{ "MANIFEST", "files 1\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 a",
		  "MANIFEST is damaged at row 1", true },
		{ "MANIFEST", "files 0\nmore\n", "MANIFEST goes on after its 0 rows", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place p = place_new();
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct artifact a;
		const char *path;

		assert_int_equal(build(&p, &e), 0);
		path = arena_fmt(&mem, "%s/%s", p.dir, cases[i].file);
		if (cases[i].bytes)
			scratch_text(path, cases[i].bytes);
		else
			assert_int_equal(unlink(path), 0);
		a = whole(&p);
		assert_int_equal(artifact_verify(&a, &e), -1);
		if (e.code != ERR_DIFFERS || !strstr(e.msg, cases[i].want))
			fail_msg("case %zu: %s", i, e.msg);
		assert_int_equal(artifact_check(&a, "rows-0", &e), cases[i].check ? -1 : 0);
		assert_int_equal(artifact_reject(&a, &e), 0);
		assert_false(artifact_complete(p.cache, p.key));
		assert_int_equal(build(&p, &e), 0);
		a = whole(&p);
		assert_int_equal(artifact_verify(&a, &e), 0);
		assert_int_equal(artifact_reject(&a, &e), 0);
		assert_true(path_is_dir(arena_fmt(&mem, "%s.bad", p.dir)));
		arena_release(&mem);
	}
	assert_int_equal(mem_live(), 0);
}

static void each_flipped_bit_is_noticed(void **state)
{
	struct place p = place_new();
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct artifact a;
	const char *path;
	struct view v;
	size_t bit;
	char *bytes;

	(void)state;
	assert_int_equal(build(&p, &e), 0);
	a = whole(&p);
	path = artifact_path(&mem, &a, "rows-1");
	assert_int_equal(file_read(&v, &mem, path, 100, &e), 0);
	bytes = arena_strdup(&mem, v.p, v.n);
	for (bit = 0; bit < 8 * v.n; bit += 7) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		scratch_file(path, bytes, v.n);
		assert_int_equal(artifact_check(&a, "rows-1", &e), -1);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	/* and of the MANIFEST */
	path = arena_fmt(&mem, "%s/MANIFEST", p.dir);
	scratch_file(artifact_path(&mem, &a, "rows-1"), bytes, v.n);
	assert_int_equal(file_read(&v, &mem, path, 1000, &e), 0);
	bytes = arena_strdup(&mem, v.p, v.n);
	for (bit = 0; bit < 8 * v.n; bit += 7) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		scratch_file(path, bytes, v.n);
		if (artifact_verify(&a, &e) == 0)
			fail_msg("bit %zu of the MANIFEST", bit);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	arena_release(&mem);
}

static void paths_too_long_are_refused(void **state)
{
	struct err e = ERR_INIT;
	struct artifact a;
	char cache[600];

	(void)state;
	memset(cache, 'x', sizeof(cache) - 1);
	cache[sizeof(cache) - 1] = '\0';
	assert_int_equal(artifact_open(&a, cache, digest_of("", 0), &e), -1);
	assert_int_equal(mem_live(), 0);
}

/* Several processes want one artifact at once: one makes it, all find it whole, no lock is left. */
static void processes_share_a_cache(void **state)
{
	struct place p = place_new();
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct artifact a;
	int round, i, status;

	(void)state;
	for (round = 0; round < 10; round++) {
		assert_int_equal(dir_remove_tree(p.cache, &e), 0);
		fflush(NULL);
		for (i = 0; i < 4; i++)
			if (fork() == 0) {
				if (!freopen("/dev/null", "w", stderr))
					_exit(1);
				_exit(build(&p, &e) < 0);
			}
		for (i = 0; i < 4; i++) {
			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
		}
		a = whole(&p);
		assert_int_equal(artifact_verify(&a, &e), 0);
		assert_false(path_is_file(arena_fmt(&mem, "%s.lock", p.dir)));
		assert_false(path_is_dir(arena_fmt(&mem, "%s.part", p.dir)));
	}
	arena_release(&mem);
}

/* A rank writes into what another has opened, and finds it complete afterwards. */
static void a_rank_joins(void **state)
{
	struct artifact leads, joins;
	struct place p = place_new();
	struct err e = ERR_INIT;
	struct out *o;

	(void)state;
	assert_int_equal(artifact_join(&joins, p.cache, p.key, &e), -1);
	assert_non_null(strstr(e.msg, "one cache"));
	assert_int_equal(artifact_open(&leads, p.cache, p.key, &e), 0);
	assert_int_equal(artifact_join(&joins, p.cache, p.key, &e), 0);
	assert_int_equal(artifact_out(&o, &joins, "shard-1", &e), 0);
	out_put(o, "x", 1);
	assert_int_equal(out_commit(o, NULL, &e), 0);
	artifact_close(&joins);
	assert_true(artifact_has(&leads, "shard-1"));
	assert_int_equal(artifact_commit(&leads, &e), 0);
	assert_int_equal(artifact_open(&joins, p.cache, p.key, &e), 0);
	assert_true(joins.complete && artifact_has(&joins, "shard-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life),
		cmocka_unit_test(what_calls_that_fail_leave_can_be_gone_on_from),
		cmocka_unit_test(what_a_crash_leaves_can_be_gone_on_from),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(each_flipped_bit_is_noticed),
		cmocka_unit_test(paths_too_long_are_refused),
		cmocka_unit_test(processes_share_a_cache),
		cmocka_unit_test(a_rank_joins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
