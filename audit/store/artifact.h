#ifndef STORE_ARTIFACT_H
#define STORE_ARTIFACT_H

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/out.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a stage leaves behind: a directory named by its key, with a MANIFEST
 * of the digest, size and name of every file in it.
 *
 *	cache/3f/3fa9.../            complete: it has a MANIFEST
 *	cache/3f/3fa9....part/       under way: finished files stay, for resuming
 *
 * Names are of files, never of folders within. Nothing in a complete artifact is ever written again.  While a process works on a .part it holds the lock
 * cache/3f/3fa9....lock; a second process waits for it and then finds the artifact complete.
 */

struct artifact {
	char dir[512];
	struct digest key;
	bool complete;
	struct lock lock; /* held while not complete */
};

/* Is there a complete one? Never makes anything. */
bool artifact_complete(const char *cache, struct digest key);
/* How many files a .part has; 0 where there is none. */
size_t artifact_partial(const char *cache, struct digest key);
/* Opens the complete artifact, or the .part, making it and taking its lock when there is neither. */
int artifact_open(struct artifact *a, const char *cache, struct digest key, struct err *e);
/* The .part that another process, which holds the lock, lets this one write files into. */
int artifact_join(struct artifact *a, const char *cache, struct digest key, struct err *e);
/* Lets go of the lock; the .part stays. */
void artifact_close(struct artifact *a);
/* A file that is whole, in the .part or the complete artifact. */
bool artifact_has(const struct artifact *a, const char *name);
int artifact_out(struct out **o, const struct artifact *a, const char *name, struct err *e);
/* The same for a JSON file: `j` writes to it, and out_commit(j->out) ends it. */
int artifact_json(struct json_out *j, const struct artifact *a, const char *name, struct err *e);
/* The path of a file in it, in `mem`. */
const char *artifact_path(struct arena *mem, const struct artifact *a, const char *name);
/* Removes a file of a .part (an old checkpoint). */
int artifact_drop(const struct artifact *a, const char *name, struct err *e);
/* Writes the MANIFEST, syncs, and renames the .part to its final name. */
int artifact_commit(struct artifact *a, struct err *e);
/* Reads every byte again; ERR_DIFFERS names the first file that is not as listed. */
int artifact_verify(const struct artifact *a, struct err *e);
/* Checks one file of a complete artifact against the MANIFEST: what a reader does before it trusts it. */
int artifact_check(const struct artifact *a, const char *name, struct err *e);
/* Takes apart a complete artifact that failed a check: files that are as the MANIFEST lists them become a .part to go on
 * from, the others (or all, where the MANIFEST is no help) go to cache/3f/3fa9....bad.  The next open makes them anew. */
int artifact_reject(const struct artifact *a, struct err *e);
/* Bytes of all files in it. */
int artifact_bytes(uint64_t *out, const struct artifact *a, struct err *e);

#endif
