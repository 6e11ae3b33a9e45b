#ifndef BASE_LINEFILE_H
#define BASE_LINEFILE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The lines of a file, one at a time: of any size, and read through where gzip or zstd packed it (base/unpack.h).
 * No more is in memory than a line and a piece of the file.  A byte order mark before the first line is no part of it.
 */

enum { LINE_MOST = 64 << 20 }; /* bytes of a line; a longer one is refused */

struct line {
	struct view text;	 /* without its end, LF or CRLF; until the next call */
	uint64_t number, offset; /* from 1; bytes before it, of the unpacked text */
};

struct linefile;

int linefile_open(struct linefile **out, const char *path, struct err *e);
/* 1: a line; 0: there is no more; -1 with `e` filled, which names the file. */
int linefile_next(struct line *out, struct linefile *l, struct err *e);
/* Bytes of the file, as it lies there, that have been read; whether they are packed. */
size_t linefile_used(const struct linefile *l);
bool linefile_is_packed(const struct linefile *l);
void linefile_close(struct linefile *l);

#endif
