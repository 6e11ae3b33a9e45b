#include "base/out.h"
#include "base/str.h"
#include "model/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIR "build/test_safetensors.tmp"

/* A file's bytes: length, header, `payload` bytes that count up. */
static struct view file_of(struct arena *mem, const char *header, size_t payload)
{
	size_t n = strlen(header);
	char *p = arena_alloc(mem, 8 + n + payload, 1);

	for (size_t i = 0; i < 8; i++)
		p[i] = (char)(n >> 8 * i);
	memcpy(p + 8, header, n);
	for (size_t i = 0; i < payload; i++)
		p[8 + n + i] = (char)(i + 1);
	return (struct view){ p, 8 + n + payload };
}

static void put(const char *path, struct view v)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(v.p, 1, v.n, f), v.n);
	fclose(f);
}

static void test_good(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct safetensors *s;
	const struct stored *t;
	size_t index;
	/* Out of order, an empty tensor, a scalar, and a header that leaves the data unaligned. */
	struct view v = file_of(
		&mem,
		"{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[6,14]},"
		"\"a\":{\"dtype\":\"BF16\",\"shape\":[1,3],\"data_offsets\":[0,6]},"
		"\"none\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[6,6]},"
		"\"c\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[14,15]}} ",
		15);

	(void)state;
	assert_int_equal(safetensors_parse(&s, v, "x/y.safetensors", &e), 0);
	assert_int_equal(safetensors_count(s), 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(safetensors_nth(s, i)->name,
				    ((const char *[]){ "a", "b", "c", "none" })[i]);
	t = safetensors_find_nth(&index, s, "b");
	assert_int_equal(index, 1);
	assert_int_equal(t->dtype, DT_F32);
	assert_int_equal(t->n, 2);
	assert_int_equal((uintptr_t)t->data % 4, 0);
	assert_int_equal(((const uint8_t *)t->data)[0], 7);
	assert_string_equal(t->file, "y.safetensors");
	t = safetensors_find(s, "c");
	assert_int_equal(t->rank, 0);
	assert_int_equal(t->n, 1);
	assert_int_equal(safetensors_find(s, "none")->n, 0);
	assert_null(safetensors_find(s, "d"));
	assert_null(safetensors_find(s, ""));
	safetensors_close(s);
	safetensors_close(NULL);
	arena_release(&mem);
}

#define ONE(dtype, shape, from, to) \
	"{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}}"

static void test_bad(void **state)
{
	static const struct {
		const char *name, *header;
		size_t payload;
		const char *want; /* part of the message */
	} bad[] = {
		{ "cut short", ONE("F32", "[4]", 0, 16), 12,
		  "data ends at byte 16 of a payload of 12 bytes" },
		{ "too much", ONE("F32", "[4]", 0, 16), 20,
		  "its tensors end at byte 16 of a payload of 20 bytes" },
		{ "a gap",
		  "{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
		  "\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
		  3, "tensor u begins at byte 2 of the payload, where 1 is due (a gap)" },
		{ "an overlap",
		  "{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
		  "\"u\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
		  3, "(an overlap)" },
		{ "the same place twice",
		  "{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
		  "\"u\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
		  2, "(an overlap)" },
		{ "shape and size", ONE("F32", "[3]", 0, 16), 16,
		  "its shape [3] in F32 takes 12 bytes, and its data_offsets [0, 16] have 16" },
		{ "falling offsets", ONE("U8", "[1]", 1, 0), 1, "its data_offsets [1, 0] have to be two" },
		{ "negative offset", ONE("U8", "[1]", -1, 0), 1, "its data_offsets [-1, 0] have to be two" },
		{ "three offsets", "{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1,
		  "its data_offsets [0, 1, 2] have to be two" },
		{ "a huge shape", ONE("F32", "[4294967296,4294967296,4294967296]", 0, 4), 4,
		  "its shape [4294967296, 4294967296, 4294967296] is of more values" },
		{ "a product of 0 mod 2^64", ONE("F32", "[4611686018427387904,4]", 0, 0), 0,
		  "its shape [4611686018427387904, 4] is of more values" },
		{ "bytes of 0 mod 2^64", ONE("F32", "[4611686018427387904]", 0, 0), 0,
		  "its data_offsets [0, 0] have 0" },
		{ "huge offsets", ONE("U8", "[1]", 0, 18446744073709551615), 1,
		  "its data_offsets [0, a number] have to be two" },
		{ "a real dimension", ONE("U8", "[1.0]", 0, 1), 1,
		  "its shape [a number]: dimension 1 has to be a whole number" },
		{ "a negative dimension", ONE("U8", "[-1]", 0, 1), 1,
		  "its shape [-1]: dimension 1 has to be a whole number" },
		{ "nine dimensions", ONE("U8", "[1,1,1,1,1,1,1,1,1]", 0, 1), 1,
		  "9 dimensions; at most 8 are read" },
		{ "a dtype of ours alone", ONE("MXFP4", "[32]", 0, 16), 16, "dtype MXFP4 is not supported" },
		{ "an unknown dtype", ONE("F8_E4M3", "[1]", 0, 1), 1,
		  "dtype F8_E4M3 is not supported (BF16, F16, F32 are)" },
		{ "no dtype", "{\"t\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype" },
		{ "no shape", "{\"t\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "shape" },
		{ "an entry that is none", "{\"t\":7}", 0, "its entry is an integer, not an object" },
		{ "a list", "[1]", 0, "its header is an array, not an object" },
		{ "no JSON", "{\"t\":", 0, "x.safetensors" },
		{ "twice",
		  "{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
		  "\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
		  2, "t" },
		{ "a NUL in a name",
		  "{\"t\\u0000u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "NUL" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		struct safetensors *s;
		struct view v = file_of(&mem, bad[i].header, bad[i].payload);

		if (safetensors_parse(&s, v, "x.safetensors", &e) == 0)
			fail_msg("%s: accepted", bad[i].name);
		if (e.code != ERR_INPUT || (!strstr(e.msg, bad[i].want) && !strstr(e.file, bad[i].want)))
			fail_msg("%s: %s", bad[i].name, e.msg);
		arena_release(&mem);
	}
}

/* Every prefix of a good file is refused. */
static void test_truncated(void **state)
{
	struct arena mem = ARENA_INIT;
	struct view v = file_of(&mem, ONE("F32", "[4]", 0, 16), 16);
	struct safetensors *s;

	(void)state;
	for (size_t n = 0; n < v.n; n++) {
		struct err e = ERR_INIT;

		if (safetensors_parse(&s, (struct view){ v.p, n }, "x", &e) == 0 || e.code != ERR_INPUT)
			fail_msg("%zu of %zu bytes: %s", n, v.n, e.msg);
	}
	arena_release(&mem);
}

static void test_hints(void **state)
{
	static const struct {
		const char *bytes, *want;
	} other[] = {
		{ "GGUF\3\0\0\0\0\0\0\0", "this is a GGUF file" },
		{ "PK\3\4 and so on, and on", "PyTorch" },
		{ "version https://git-lfs.github.com/spec/v1\n", "git lfs pull" },
		{ "", "0 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		struct err e = ERR_INIT;
		struct safetensors *s;

		assert_int_equal(safetensors_parse(&s, view_of(other[i].bytes), "x", &e), -1);
		if (!strstr(e.msg, other[i].want))
			fail_msg("%s: %s", other[i].want, e.msg);
	}
}

static void folder(const char *index, const char *one, const char *two)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(dir_remove_tree(DIR, &e), 0);
	assert_int_equal(dir_make(DIR, &e), 0);
	if (index)
		put(DIR "/model.safetensors.index.json", view_of(index));
	if (one)
		put(DIR "/one.safetensors", file_of(&mem, one, 1));
	if (two)
		put(DIR "/two.safetensors", file_of(&mem, two, 1));
	arena_release(&mem);
}

#define BYTE(name) "{\"" name "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"

static void test_shards(void **state)
{
	static const struct {
		const char *name, *index, *one, *two, *want;
	} row[] = {
		{ "good",
		  "{\"metadata\":{},\"weight_map\":{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\"}}",
		  BYTE("a"), BYTE("b"), NULL },
		{ "a shard is missing",
		  "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}", BYTE("a"), NULL,
		  "two.safetensors" },
		{ "another shard", "{\"weight_map\":{\"b\":\"one.safetensors\",\"a\":\"two.safetensors\"}}",
		  BYTE("a"), BYTE("b"), "which does not hold it" },
		{ "not stored", "{\"weight_map\":{\"a\":\"one.safetensors\",\"c\":\"one.safetensors\"}}",
		  BYTE("a"), NULL, "places tensor c in one.safetensors" },
		{ "not listed", "{\"weight_map\":{\"a\":\"one.safetensors\"}}",
		  "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
		  "\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[1,1]}}",
		  NULL, "does not list tensor z" },
		{ "stored twice", "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}",
		  BYTE("a"), BYTE("a"), "stored twice" },
		{ "outside", "{\"weight_map\":{\"a\":\"../one.safetensors\"}}", BYTE("a"), NULL,
		  "weight_map.a is not the name of a file" },
		{ "no map", "{\"weights\":{}}", NULL, NULL, "weight_map" },
		{ "empty", "{\"weight_map\":{}}", NULL, NULL, "empty" },
		{ "no JSON", "weight_map", NULL, NULL, "" },
		{ "nothing", NULL, NULL, NULL, "neither model.safetensors nor model.safetensors.index.json" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct err e = ERR_INIT;
		struct safetensors *s;
		const char *const *file;
		int ret;

		folder(row[i].index, row[i].one, row[i].two);
		ret = safetensors_open_dir(&s, DIR, &e);
		if ((ret < 0) != (row[i].want != NULL) || (row[i].want && !strstr(e.msg, row[i].want)))
			fail_msg("%s: %d %s", row[i].name, ret, e.msg);
		if (ret < 0)
			continue;
		assert_int_equal(safetensors_files(&file, s), 3);
		assert_string_equal(file[0], "model.safetensors.index.json");
		assert_string_equal(file[2], "two.safetensors");
		assert_string_equal(safetensors_find(s, "b")->file, "two.safetensors");
		safetensors_close(s);
	}
}

static void test_folder_hints(void **state)
{
	struct err e = ERR_INIT;
	struct safetensors *s;

	(void)state;
	folder(NULL, NULL, NULL);
	put(DIR "/model.gguf", view_of("GGUF"));
	assert_int_equal(safetensors_open_dir(&s, DIR, &e), -1);
	assert_non_null(strstr(e.msg, "it holds GGUF files"));
	assert_int_equal(safetensors_open_dir(&s, DIR "/nowhere", &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_hints),
		cmocka_unit_test(test_shards),	  cmocka_unit_test(test_folder_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
