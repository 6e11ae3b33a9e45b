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
	const char *commit;	 /* 40 hex digits; NULL: no commit yet */
	const char *commit_time; /* ISO 8601 in UTC, of the commit */
	int64_t commit_seconds;	 /* since 1970 */
	const char *spec_path;	 /* relative to the repository */
	const char *spec_blob;	 /* id of the spec's bytes as they are now */
	bool spec_committed;	 /* the same bytes stand in the commit */
	const char **dirty;	 /* paths that differ from the commit, sorted; see below */
	size_t n_dirty;
};

/*
 * `template_path` may be NULL, and may lie outside the repository.  Dirty are the tracked files of the spec's folder
 * tree and of the template's that differ from the commit, and the spec or template where the commit lacks it.  Other
 * files that git does not know are not: what a spec reads of them has its digest in the report.
 */
int provenance_collect(struct provenance *out, struct arena *mem, const char *spec_path,
		       const char *template_path, struct err *e);

#endif
