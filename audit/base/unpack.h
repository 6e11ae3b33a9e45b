#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

/*
 * What gzip (RFC 1952) and Zstandard (RFC 8878) packed, a piece at a time, so that neither a large file nor one
 * that grows without end when unpacked is ever in memory whole.  Which of the two it is, the first bytes say.  Several
 * members, or frames, one after the other are one text, as their own programs have it.
 */

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD };

enum packing unpack_kind(struct view packed);

struct unpack;

/* `packed` must outlive it and be of one of the two kinds; `file` names it in errors. */
int unpack_open(struct unpack **out, struct view packed, const char *file, struct err *e);
/* Up to n bytes, fewer only at the end. ERR_INPUT where the packed bytes end early or are damaged. */
int unpack_read(size_t *got, struct unpack *u, char *p, size_t n, struct err *e);
/* Packed bytes read so far. */
size_t unpack_used(const struct unpack *u);
void unpack_close(struct unpack *u);

#endif
