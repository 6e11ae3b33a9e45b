#include "base/hash.h"
#include "base/mem.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 180-4's examples (csrc.nist.gov, "SHA256.pdf"), and a million times "a". */
static void known_digests(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	struct sha256 s;
	char hex[65];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		digest_hex(hex, digest_of(cases[i].text, strlen(cases[i].text)));
		assert_string_equal(hex, cases[i].want);
	}
	sha256_init(&s);
	for (i = 0; i < 1000000; i++)
		sha256_add(&s, "a", 1);
	digest_hex(hex, sha256_end(&s));
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void hex_both_ways(void **state)
{
	static const char *const bad[] = {
		"",
		"ba78",
		"BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
	};
	struct digest d = digest_of("abc", 3), back;
	char hex[65];
	size_t i;

	(void)state;
	digest_hex(hex, d);
	assert_true(digest_parse(&back, hex, 64));
	assert_true(digest_eq(d, back));
	back.byte[31] ^= 1;
	assert_false(digest_eq(d, back));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(digest_parse(&back, bad[i], strlen(bad[i])));
}

static void files(void **state)
{
	const char *dir = scratch_new("hash");
	struct err e = ERR_INIT;
	struct digest d;
	char path[300];
	uint64_t size;
	char *big;

	(void)state;
	snprintf(path, sizeof(path), "%s/f", dir);
	scratch_text(path, "abc");
	assert_int_equal(digest_file(&d, &size, path, &e), 0);
	assert_int_equal(size, 3);
	assert_true(digest_eq(d, digest_of("abc", 3)));
	scratch_text(path, "");
	assert_int_equal(digest_file(&d, NULL, path, &e), 0);
	assert_true(digest_eq(d, digest_of("", 0)));
	big = mem_alloc(600001, 1);
	memset(big, 'x', 600001);
	scratch_file(path, big, 600001);
	assert_int_equal(digest_file(&d, &size, path, &e), 0);
	assert_int_equal(size, 600001);
	assert_true(digest_eq(d, digest_of(big, 600001)));
	mem_free(big);
	assert_int_equal(digest_file(&d, NULL, "no/such", &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_int_equal(digest_file(&d, NULL, dir, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_int_equal(mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_digests),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
