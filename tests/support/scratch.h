#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

#include <stddef.h>

/* A folder of this test's own, empty, below build/. The string stays until the next call. */
const char *scratch_new(const char *name);
/* Writes a file there in place, as another program would. */
void scratch_file(const char *path, const void *p, size_t n);
void scratch_text(const char *path, const char *text);
/* The files in a folder and their contents, as one digest in hex: two folders are alike or they are not. */
const char *scratch_digest(const char *dir);

#endif
