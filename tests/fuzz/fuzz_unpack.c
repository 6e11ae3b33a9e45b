#include "base/mem.h"
#include "base/unpack.h"

#include <stdlib.h>
#include <string.h>

/*
 * Any bytes as a gzip or zstd file: refused with the file's name, or unpacked to the same bytes whatever pieces are asked
 * for.  What grows without end is left after MOST bytes.
 */

enum { MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* 1: all of it, 0: more than MOST, -1: refused. */
static int unpacked(struct str *out, struct view packed, size_t piece, struct err *e)
{
	struct unpack *u = NULL;
	char *room = mem_alloc(piece, 1);
	size_t got = piece;
	int rc = unpack_open(&u, packed, "input", e);

	while (rc == 0 && got == piece && out->n < MOST) {
		rc = unpack_read(&got, u, room, piece, e);
		if (rc == 0)
			str_add(out, room, got);
	}
	if (rc == 0)
		rc = got < piece;
	unpack_close(u);
	mem_free(room);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const size_t piece[] = { 65536, 1, 4093 };
	struct view packed = { (const char *)p, n };
	struct str first = STR_INIT;
	int answer = 0;

	if (unpack_kind(packed) == PACKED_NOT)
		return 0;
	for (size_t i = 0; i < sizeof(piece) / sizeof(piece[0]); i++) {
		struct str out = STR_INIT;
		struct err e = ERR_INIT;
		int rc = unpacked(&out, packed, piece[i], &e);

		if (rc < 0 && (e.code != ERR_INPUT || strstr(e.msg, "input") == NULL))
			abort();
		if (i == 0) {
			answer = rc;
			str_addv(&first, str_view(&out));
		} else if (rc != answer && answer != 0 && rc != 0) {
			abort();
		} else if (rc == 1 && answer == 1 && !view_eq(str_view(&out), str_view(&first))) {
			abort();
		}
		str_release(&out);
	}
	str_release(&first);
	return 0;
}
