#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* Read-only files: mapped, or read whole into an arena. */

struct map {
	const uint8_t *p;
	size_t n;
};

int map_open(struct map *m, const char *path, struct err *e); /* an empty file: p not NULL, n 0 */
void map_close(struct map *m);
/* Tell the kernel these bytes will not be needed soon. */
void map_drop(const struct map *m, size_t first, size_t n);
/* ... that they will be: it reads them while we go on. */
void map_ahead(const struct map *m, size_t first, size_t n);
/* Asks for huge pages where whole ones lie within the n bytes at p: they are walked through at random. Never fails. */
void map_huge(void *p, size_t n);

/* What tells two states of a file apart without reading it; times in nanoseconds since 1970. */
struct file_id {
	uint64_t device, inode, size;
	int64_t modified, changed;
};

int file_identify(struct file_id *out, const char *path, struct err *e);

/* A file from beginning to end, some bytes at a time, without mapping it. */
typedef void (*file_fn)(void *ud, const void *p, size_t n);
int file_stream(const char *path, file_fn fn, void *ud, struct err *e);

/* The whole of a file, NUL after it; ERR_INPUT where it is larger than `limit`. */
int file_read(struct view *out, struct arena *mem, const char *path, size_t limit, struct err *e);

#endif
