#include "tests/support/scratch.h"

#include "base/hash.h"
#include "base/out.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

const char *scratch_new(const char *name)
{
	static char dir[256];
	struct err e = ERR_INIT;

	snprintf(dir, sizeof(dir), "build/scratch/%s-%ld", name, (long)getpid());
	if (dir_remove_tree(dir, &e) < 0 || dir_make(dir, &e) < 0)
		fail_msg("%s", e.msg);
	return dir;
}

void scratch_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

void scratch_text(const char *path, const char *text)
{
	scratch_file(path, text, strlen(text));
}

static void add_folder(struct sha256 *s, const char *dir)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct digest d;
	char **name;
	size_t n, i;

	if (dir_list(&name, &n, &mem, dir, &e) < 0)
		fail_msg("%s", e.msg);
	for (i = 0; i < n; i++) {
		const char *path = arena_fmt(&mem, "%s/%s", dir, name[i]);

		sha256_add(s, name[i], strlen(name[i]) + 1);
		if (name[i][strlen(name[i]) - 1] == '/') {
			add_folder(s, path);
		} else {
			if (digest_file(&d, NULL, path, &e) < 0)
				fail_msg("%s", e.msg);
			sha256_add(s, d.byte, sizeof(d.byte));
		}
	}
	arena_release(&mem);
}

const char *scratch_digest(const char *dir)
{
	static char hex[65];
	struct sha256 s;

	sha256_init(&s);
	add_folder(&s, dir);
	digest_hex(hex, sha256_end(&s));
	return hex;
}
