#define _XOPEN_SOURCE 700 /* mkdtemp, truncate */

#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void folder_make(struct folder *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/dfc-audit-test-XXXXXX");
	assert_non_null(mkdtemp(f->path));
}

void folder_remove(struct folder *f)
{
	struct err e = ERR_INIT;

	assert_int_equal(dir_remove_tree(f->path, &e), 0);
}

struct artifact folder_artifact(const struct folder *f, uint64_t number)
{
	struct err e = ERR_INIT;
	struct artifact a;

	if (artifact_open(&a, f->path, digest_of(&number, sizeof(number)), &e) < 0)
		fail_msg("%s", e.msg);
	return a;
}

void folder_flip(const char *path, size_t at)
{
	FILE *f = fopen(path, "r+b");
	int c;

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
	c = fgetc(f);
	assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
	assert_int_not_equal(fputc(c ^ 1, f), EOF);
	assert_int_equal(fclose(f), 0);
}

void folder_cut(const char *path, size_t n)
{
	assert_int_equal(truncate(path, (off_t)n), 0);
}
