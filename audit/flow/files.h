#ifndef FLOW_FILES_H
#define FLOW_FILES_H

#include "base/err.h"
#include "base/mem.h"
#include "flow/spec.h"

/*
 * Which files the path of a source names: a file, those that lie in a folder, or those that a pattern matches (* and ? in
 * the last part of the path, as a shell has them).  Of several, the order is that of their names byte for byte; folders in
 * the folder and names that begin with a dot are passed over.
 */

enum { FILES_MOST = 10000 }; /* of a source */

/* Sets file and n_files of the source, in `mem`, resolved against `dir`; path loses slashes at its end. ERR_SPEC where it names none or too many. */
int files_find(struct spec_source *s, struct arena *mem, const char *dir, struct err *e);
/* `path` as it is, or against `dir` where it is relative. */
const char *files_resolve(struct arena *mem, const char *dir, const char *path);

/* The files of all sources are numbered through; the source that has number `file`. n_sources where none has. */
size_t files_source(const struct spec *s, size_t file);
/* The first number of a source. */
size_t files_first(const struct spec *s, size_t source);
/* "documents.jsonl", "texts/a.txt": how a report names a file of the source, never an absolute path. */
const char *files_name(struct arena *mem, const struct spec_source *s, size_t i);

#endif
