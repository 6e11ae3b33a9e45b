#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "num/dtype.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * safetensors files, mapped and checked: header length, JSON, dtypes, offsets that tile the payload without overlap or
 * gap, shapes whose product is the size.  A folder: model.safetensors, or the shards that
 * model.safetensors.index.json names.
 */

enum { SAFETENSORS_RANK = 8 };

struct stored {
	const char *name, *file;
	enum dtype dtype;
	size_t rank, shape[SAFETENSORS_RANK], n; /* n: values */
	const void *data;
};

struct safetensors;

int safetensors_open(struct safetensors **out, const char *path, struct err *e); /* a file */
int safetensors_open_dir(struct safetensors **out, const char *dir, struct err *e);
/* A file's bytes, which must outlive it; `name` is for messages. */
int safetensors_parse(struct safetensors **out, struct view bytes, const char *name, struct err *e);
void safetensors_close(struct safetensors *s);
/* In order of name, which need not be how they lie in the file. */
size_t safetensors_count(const struct safetensors *s);
const struct stored *safetensors_nth(const struct safetensors *s, size_t i);
/* NULL where there is none. index (may be NULL): its place in that order. */
const struct stored *safetensors_find_nth(size_t *index, const struct safetensors *s, const char *name);
const struct stored *safetensors_find(const struct safetensors *s, const char *name);
/* Files read, relative to the folder, sorted. */
size_t safetensors_files(const char *const **name, const struct safetensors *s);

#endif
