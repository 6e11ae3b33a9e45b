#include "base/linefile.h"

#include "base/unpack.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* "one\ntwo\r\n\nlast" by gzip -9n, and by libzstd with its checksum. */
static const uint8_t gz[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0xcf,
			      0x4b, 0xe5, 0x2a, 0x29, 0xcf, 0xe7, 0xe5, 0xe2, 0xca, 0x49, 0x2c, 0x2e,
			      0x01, 0x00, 0x38, 0xc2, 0x71, 0x2e, 0x0e, 0x00, 0x00, 0x00 };
static const uint8_t zst[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x71, 0x00, 0x00,
			       0x6f, 0x6e, 0x65, 0x0a, 0x74, 0x77, 0x6f, 0x0d, 0x0a,
			       0x0a, 0x6c, 0x61, 0x73, 0x74, 0xa2, 0x8b, 0x31, 0x1d };

static void write_file(char path[300], const char *name, const void *p, size_t n)
{
	snprintf(path, 300, "%s/%s", scratch_new("linefile"), name);
	scratch_file(path, p, n);
}

static void lines_are(const char *path, const char *const *want, const uint64_t *offset, size_t n)
{
	struct err e = ERR_INIT;
	struct linefile *l;
	struct line line;

	assert_int_equal(linefile_open(&l, path, &e), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(linefile_next(&line, l, &e), 1);
		assert_true(view_is(line.text, want[i]));
		assert_int_equal(line.number, i + 1);
		assert_int_equal(line.offset, offset[i]);
	}
	assert_int_equal(linefile_next(&line, l, &e), 0);
	linefile_close(l);
}

static void plain_and_packed_are_one(void **state)
{
	static const char *const want[] = { "one", "two", "", "last" };
	static const uint64_t offset[] = { 0, 4, 9, 10 };
	char path[300];
	uint8_t twice[2 * sizeof(gz)];

	(void)state;
	write_file(path, "plain", "one\ntwo\r\n\nlast", 14);
	lines_are(path, want, offset, 4);
	write_file(path, "gz", gz, sizeof(gz));
	lines_are(path, want, offset, 4);
	write_file(path, "zst", zst, sizeof(zst));
	lines_are(path, want, offset, 4);
	memcpy(twice, gz, sizeof(gz));
	memcpy(twice + sizeof(gz), gz, sizeof(gz));
	write_file(path, "twice", twice, sizeof(twice));
	lines_are(path, (const char *const[]){ "one", "two", "", "lastone", "two", "", "last" },
		  (const uint64_t[]){ 0, 4, 9, 10, 18, 23, 24 }, 7);
}

static void edges(void **state)
{
	static const uint64_t from[] = { 0, 2, 4 }, marked[] = { 3, 5 };
	char path[300];

	(void)state;
	write_file(path, "empty", "", 0);
	lines_are(path, NULL, NULL, 0);
	write_file(path, "end", "a\nb\n", 4);
	lines_are(path, (const char *const[]){ "a", "b" }, from, 2);
	write_file(path, "mark",
		   "\xef\xbb\xbf"
		   "a\nb",
		   6);
	lines_are(path, (const char *const[]){ "a", "b" }, marked, 2);
}

/* Cut anywhere it is refused; with a bit flipped it is refused or reads the same: never something else. */
static void damage_is_refused(void **state)
{
	static const struct {
		const uint8_t *p;
		size_t n;
	} file[] = { { gz, sizeof(gz) }, { zst, sizeof(zst) } };

	(void)state;
	for (size_t f = 0; f < 2; f++) {
		for (size_t cut = 4; cut < file[f].n; cut++) {
			struct err e = ERR_INIT;
			struct unpack *u;
			char out[64];
			size_t got;

			assert_int_equal(
				unpack_open(&u, (struct view){ (const char *)file[f].p, cut }, "f", &e), 0);
			assert_int_equal(unpack_read(&got, u, out, sizeof(out), &e), -1);
			assert_int_equal(e.code, ERR_INPUT);
			assert_non_null(strstr(e.msg, "f: "));
			unpack_close(u);
		}
		for (size_t bit = 32; bit < 8 * file[f].n; bit++) {
			struct err e = ERR_INIT;
			struct unpack *u;
			uint8_t bytes[64];
			char out[64];
			size_t got;

			memcpy(bytes, file[f].p, file[f].n);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(
				unpack_open(&u, (struct view){ (const char *)bytes, file[f].n }, "f", &e), 0);
			if (unpack_read(&got, u, out, sizeof(out), &e) == 0) {
				assert_int_equal(got, 14);
				assert_memory_equal(out, "one\ntwo\r\n\nlast", 14);
			}
			unpack_close(u);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_and_packed_are_one),
		cmocka_unit_test(edges),
		cmocka_unit_test(damage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
