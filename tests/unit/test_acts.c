#include "store/acts.h"
#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { D = 5, SHARDS = 3 };

static const uint64_t first_row[SHARDS + 1] = { 0, 4, 5, 11 };

/* Exact in bf16, so that both dtypes must give them back. */
static float value_of(size_t row, size_t k)
{
	return (float)((int)(row * 7 + k) - 20) / 4;
}

static void shard_write(const struct artifact *a, const struct acts_shape *s, size_t shard)
{
	float rows[11 * D], logp[11];
	size_t n = first_row[shard + 1] - first_row[shard];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		logp[i] = -(float)(first_row[shard] + i) / 3;
		for (size_t k = 0; k < D; k++)
			rows[i * D + k] = value_of(first_row[shard] + i, k);
	}
	assert_int_equal(acts_write(a, s, shard, rows, logp, &e), 0);
}

static struct artifact store_make(const struct folder *f, enum dtype dtype, const size_t *order)
{
	struct acts_shape s = { .d = D, .dtype = dtype, .first_row = first_row, .n_shards = SHARDS };
	struct artifact a = folder_artifact(f, 1);
	struct err e = ERR_INIT;
	uint64_t bytes;

	for (size_t i = 0; i < SHARDS; i++) {
		assert_false(acts_have(&a, order[i]));
		shard_write(&a, &s, order[i]);
		assert_true(acts_have(&a, order[i]));
	}
	assert_int_equal(artifact_bytes(&bytes, &a, &e), 0);
	assert_int_equal(bytes, acts_bytes(&s));
	assert_int_equal(artifact_commit(&a, &e), 0);
	return a;
}

/* Any order of shards, either dtype: every row comes back, in the order asked. */
static void rows_come_back(void **state)
{
	static const size_t order[][SHARDS] = { { 0, 1, 2 }, { 2, 0, 1 }, { 1, 2, 0 } };
	static const uint32_t want[] = { 10, 0, 4, 3, 5, 5 };

	(void)state;
	for (size_t t = 0; t < 6; t++) {
		struct folder f;
		struct artifact a;
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct acts *r;
		float got[6 * D];
		const float *logp;

		folder_make(&f);
		a = store_make(&f, t % 2 ? DT_F32 : DT_BF16, order[t / 2]);
		assert_int_equal(acts_open(&r, &a, &e), 0);
		assert_int_equal(acts_rows(r), 11);
		assert_int_equal(acts_width(r), D);
		assert_int_equal(acts_read(r, got, want, 6, &e), 0);
		for (size_t i = 0; i < 6 * D; i++)
			assert_true(got[i] == value_of(want[i / D], i % D));
		assert_int_equal(acts_logp(&logp, &mem, r, &e), 0);
		for (size_t i = 0; i < 11; i++)
			assert_true(logp[i] == -(float)i / 3);
		acts_close(r);
		arena_release(&mem);
		folder_remove(&f);
	}
}

enum damage { FLIP_HEADER, FLIP_PAYLOAD, CUT, GONE };

/* Whatever happens to a shard is named, and no row of it is given out. */
static void damage_is_named(void **state)
{
	static const struct {
		enum damage damage;
		size_t at;
		bool opens;
		const char *says;
	} cases[] = {
		{ FLIP_HEADER, 0, false, "not a shard" },
		{ FLIP_HEADER, 8, false, "version" },
		{ FLIP_HEADER, 12, false, "dtype" },
		{ FLIP_HEADER, 16, false, "width" },
		{ FLIP_HEADER, 24, false, "bytes where" },
		{ FLIP_HEADER, 32, false, "first row" },
		{ FLIP_HEADER, 48, true, "sha256" },
		{ FLIP_PAYLOAD, 128, true, "sha256" },
		{ FLIP_PAYLOAD, 140, true, "sha256" },
		{ CUT, 130, false, "bytes where" },
		{ CUT, 100, false, "not a shard" },
		{ CUT, 0, false, "not a shard" },
		{ GONE, 0, false, "shards" },
	};
	static const size_t order[] = { 0, 1, 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct folder f;
		struct artifact a;
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct acts *r = NULL;
		uint32_t row = 4;
		float got[D];
		const char *path;
		int rc;

		folder_make(&f);
		a = store_make(&f, DT_F32, order);
		path = artifact_path(&mem, &a, cases[i].damage == GONE ? "shard-00002" : "shard-00001");
		if (cases[i].damage == CUT)
			folder_cut(path, cases[i].at);
		else if (cases[i].damage == GONE)
			assert_int_equal(path_remove(path, &e), 0);
		else
			folder_flip(path, cases[i].at);
		rc = acts_open(&r, &a, &e);
		if ((rc == 0) != cases[i].opens)
			fail_msg("case %zu: open says %d: %s", i, rc, e.msg);
		if (rc == 0)
			assert_int_equal(acts_read(r, got, &row, 1, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
		if (rc == 0)
			acts_close(r);
		arena_release(&mem);
		folder_remove(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_back),
		cmocka_unit_test(damage_is_named),
	};

	return cmocka_run_group_tests_name("acts", tests, NULL, NULL);
}
