#include "base/str.h"
#include "flow/imported.h"
#include "tests/support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Files of activations from elsewhere, made here byte by byte: good ones read back, bad ones are refused by name. */

enum { ROWS = 4, D = 2 };

/* A tensor to be written: its header's words and its bytes. */
struct part {
	const char *name, *dtype, *shape;
	const void *p;
	size_t n;
};

static const float activations[ROWS * D] = { 1, -2, 0.5F, 3, 0, 7, -8, 9 };
static const float not_finite[ROWS * D] = { 1, -2, 0.5F, 3, 0, __builtin_inff(), -8, 9 };
static const float logp[ROWS] = { -1, -2, 0, -0.25F }, bad_logp[ROWS] = { 0, 0, __builtin_nanf(""), 0 };
static const int32_t document[ROWS] = { 0, 0, 2, 2 }, back[ROWS] = { 0, 1, 0, 2 }, far[ROWS] = { 0, 1, 2, 9 },
		     below[ROWS] = { -1, 0, 0, 0 }, ids[ROWS] = { 5, 6, 7, 8 },
		     bad_ids[ROWS] = { 5, -6, 7, 8 };
static const int64_t offsets[ROWS] = { 1, 3, 0, 2 }, bad_offsets[ROWS] = { 3, 1, 0, 2 },
		     over[ROWS] = { 1, 4, 0, 2 }, text_first[] = { 0, 3, 3, 6 }, bad_first[] = { 0, 4, 3, 6 },
		     short_first[] = { 0, 3, 3, 5 };
static const uint8_t flags[ROWS] = { 0, 1, 2, 3 }, bad_flags[ROWS] = { 0, 4, 0, 0 };

#define A                                                                     \
	{                                                                     \
		"activations", "F32", "4,2", activations, sizeof(activations) \
	}
#define LOGP                                           \
	{                                              \
		"logp", "F32", "4", logp, sizeof(logp) \
	}
#define DOCUMENT                                                   \
	{                                                          \
		"document", "I32", "4", document, sizeof(document) \
	}
#define IDS                                         \
	{                                           \
		"ids", "I32", "4", ids, sizeof(ids) \
	}
#define OFFSETS                                                 \
	{                                                       \
		"offsets", "I64", "4", offsets, sizeof(offsets) \
	}
#define FIRST                                                            \
	{                                                                \
		"text_first", "I64", "4", text_first, sizeof(text_first) \
	}
#define FLAGS                                            \
	{                                                \
		"flags", "U8", "4", flags, sizeof(flags) \
	}
#define TEXT                                   \
	{                                      \
		"text", "U8", "6", "abcdef", 6 \
	}

static const char *write_file(const struct part *part)
{
	static char path[400];
	struct str head = STR_INIT, body = STR_INIT, file = STR_INIT;
	uint64_t n;

	str_adds(&head, "{");
	for (size_t i = 0; part[i].name != NULL; i++) {
		str_addf(&head, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
			 i > 0 ? "," : "", part[i].name, part[i].dtype, part[i].shape, body.n,
			 body.n + part[i].n);
		str_add(&body, part[i].p, part[i].n);
	}
	str_adds(&head, "}");
	n = head.n;
	str_add(&file, (const char *)&n, sizeof(n));
	str_addv(&file, str_view(&head));
	str_addv(&file, str_view(&body));
	snprintf(path, sizeof(path), "%s/side.safetensors", scratch_new("imported"));
	scratch_file(path, file.p, file.n);
	str_release(&head);
	str_release(&body);
	str_release(&file);
	return path;
}

static void a_whole_file_reads_back(void **state)
{
	static const struct part part[] = { FIRST, OFFSETS, DOCUMENT,	     IDS, LOGP, A,
					    FLAGS, TEXT,    { .name = NULL } };
	struct imported *m;
	struct err e = ERR_INIT;
	float rows[3 * D], lp[3];

	(void)state;
	if (imported_open(&m, write_file(part), &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(imported_rows(m), ROWS);
	assert_int_equal(imported_width(m), D);
	assert_int_equal(imported_read(m, rows, lp, 1, 3, &e), 0);
	assert_memory_equal(rows, activations + D, sizeof(rows));
	assert_memory_equal(lp, logp + 1, sizeof(lp));
	imported_close(m);
}

static void half_precision_and_no_logp(void **state)
{
	static const uint16_t half[ROWS * D] = { 0x3c00, 0xc000, 0x3800, 0x4200, 0, 0x4700, 0xc800, 0x4880 };
	static const struct part part[] = { { "activations", "F16", "4,2", half, sizeof(half) },
					    { .name = NULL } };
	struct imported *m;
	struct err e = ERR_INIT;
	float rows[ROWS * D], lp[ROWS];

	(void)state;
	assert_int_equal(imported_open(&m, write_file(part), &e), 0);
	assert_int_equal(imported_read(m, rows, lp, 0, ROWS, &e), 0);
	for (size_t i = 0; i < ROWS * D; i++)
		assert_true(rows[i] == activations[i]);
	for (size_t i = 0; i < ROWS; i++)
		assert_true(lp[i] == 0);
	imported_close(m);
}

static void what_does_not_fit_is_refused(void **state)
{
	static const struct {
		struct part part[8];
		const char *says;
	} cases[] = {
		{ { LOGP }, "there is no tensor activations" },
		{ { A, { "logprobs", "F32", "4", logp, sizeof(logp) } },
		  "tensor logprobs is not known here" },
		{ { { "activations", "I32", "4,2", activations, 32 } }, "tensor activations is I32" },
		{ { { "activations", "F32", "8", activations, 32 } },
		  "tensor activations has 1 dimensions where 2" },
		{ { { "activations", "F32", "0,2", activations, 0 } }, "activations of 0 rows" },
		{ { A, { "logp", "F32", "3", logp, 12 } },
		  "tensor logp has 3 rows where activations have 4" },
		{ { A, { "ids", "I32", "4", bad_ids, 16 } }, "ids[1] is -6, which is no token" },
		{ { A, { "document", "I32", "4", back, 16 } }, "document[2] is 0: " },
		{ { A, { "document", "I32", "4", far, 16 } }, "document[3] is 9: " },
		{ { A, { "document", "I32", "4", below, 16 } }, "document[0] is -1: " },
		{ { A, { "flags", "U8", "4", bad_flags, 4 } }, "flags[1] is 4: " },
		{ { A, DOCUMENT, TEXT, FIRST }, "text, text_first and offsets come together" },
		{ { A, TEXT, FIRST, OFFSETS }, "text needs document" },
		{ { A, DOCUMENT, FIRST, TEXT, { "offsets", "I64", "4", bad_offsets, 32 } },
		  "offsets[1] is 1: " },
		{ { A, DOCUMENT, FIRST, TEXT, { "offsets", "I64", "4", over, 32 } }, "offsets[1] is 4: " },
		{ { A, DOCUMENT, OFFSETS, TEXT, { "text_first", "I64", "4", bad_first, 32 } },
		  "text_first[2], 3, " },
		{ { A, DOCUMENT, OFFSETS, TEXT, { "text_first", "I64", "4", short_first, 32 } },
		  "text_first must begin with 0 and end with the 6" },
		{ { A,
		    DOCUMENT,
		    OFFSETS,
		    FIRST,
		    { "text", "U8", "6",
		      "ab\xff"
		      "def",
		      6 } },
		  "the text of document 0 is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct imported *m = NULL;
		struct err e = ERR_INIT;

		if (imported_open(&m, write_file(cases[i].part), &e) == 0)
			fail_msg("case %zu was taken", i);
		assert_int_equal(e.code, ERR_INPUT);
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.msg, cases[i].says);
	}
}

static void values_that_are_not_finite_are_named(void **state)
{
	static const struct part a[] = { { "activations", "F32", "4,2", not_finite, 32 }, { .name = NULL } };
	static const struct part b[] = { A, { "logp", "F32", "4", bad_logp, 16 }, { .name = NULL } };
	static const struct {
		const struct part *part;
		const char *says;
	} cases[] = { { a, "activations[2][1] is not finite" }, { b, "logp[2] is not finite" } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct imported *m;
		struct err e = ERR_INIT;
		float rows[ROWS * D], lp[ROWS];

		assert_int_equal(imported_open(&m, write_file(cases[i].part), &e), 0);
		assert_int_equal(imported_read(m, rows, lp, 0, 2, &e), 0);
		assert_int_equal(imported_read(m, rows, lp, 0, ROWS, &e), -1);
		assert_non_null(strstr(e.msg, cases[i].says));
		imported_close(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_file_reads_back),
		cmocka_unit_test(half_precision_and_no_logp),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(values_that_are_not_finite_are_named),
	};

	return cmocka_run_group_tests_name("imported", tests, NULL, NULL);
}
