#ifndef SUPPORT_FOLDER_H
#define SUPPORT_FOLDER_H

#include "base/hash.h"
#include "store/artifact.h"

/* A folder of a test's own, under the system's temporary folder; removed with all in it. */
struct folder {
	char path[256];
};

void folder_make(struct folder *f);
void folder_remove(struct folder *f);
/* An artifact of that cache, named by a number, under way. */
struct artifact folder_artifact(const struct folder *f, uint64_t number);
/* Changes one byte of a file. */
void folder_flip(const char *path, size_t at);
/* Cuts a file to n bytes. */
void folder_cut(const char *path, size_t n);

#endif
