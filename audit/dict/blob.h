#ifndef DICT_BLOB_H
#define DICT_BLOB_H

#include "base/err.h"
#include "base/map.h"
#include "base/out.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The binary files of this floor, little-endian:
 *
 *	8 bytes    name and version, "DFCDICT1"
 *	u64        bytes of the head
 *	head       a packed struct of the writer
 *	body       arrays, one after the other, of the sizes the head implies
 *	32 bytes   SHA-256 of everything before
 *
 * A file is refused, in one line, where its name, length or digest is not right.  The head's values are the
 * reader's to check: a digest says that bytes are as written, not that they make sense.
 */

struct blob {
	struct map map;
	const char *path; /* borrowed */
	const uint8_t *head;
	size_t at, end; /* of the body's unread part */
};

struct blob_part {
	const void *p;
	size_t bytes;
};

/* parts[0] is the head. */
int blob_write(const char *path, const char name[8], const struct blob_part *part, size_t n, struct err *e);
int blob_open(struct blob *b, const char *path, const char name[8], size_t head_bytes, struct err *e);
/* ERR_INPUT where the body is not of this many bytes. */
int blob_expect(const struct blob *b, size_t bytes, struct err *e);
/* The body's next bytes, copied; blob_expect() has said they are there. */
void blob_take(struct blob *b, void *to, size_t bytes);
void blob_close(struct blob *b);

#endif
