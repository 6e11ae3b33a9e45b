#ifndef FLOW_PROVENANCE_H
#define FLOW_PROVENANCE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where a spec stands in git: the one door to libgit2.  Opens the repository without reading the user's or the
 * system's git configuration and without writing anything.
 */

struct provenance {
	bool in_repository;
	const char *commit;        /* 40 hex digits; NULL: no commit yet */
	const char *commit_time;   /* ISO 8601 in UTC, of the commit */
	int64_t commit_seconds;    /* since 1970 */
	const char *spec_path;     /* relative to the repository */
	const char *spec_blob;     /* id of the spec's bytes as they are now */
	bool spec_committed;       /* the same bytes stand in the commit */
	const char **dirty;        /* paths in the spec's folder tree and templates that differ from the commit, sorted */
	size_t n_dirty;
};

int provenance_collect(struct provenance *out, struct arena *mem, const char *spec_path, struct err *e);

#endif
