#ifndef FLOW_PROVENANCE_H
#define FLOW_PROVENANCE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

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
	const char *date; /* of the documents: commit_time, or what SOURCE_DATE_EPOCH says; NULL: none */
	bool timeless;	  /* a golden's: commits, which change with every change, are not recorded */
};

/*
 * `template_path` may be NULL, and may lie outside the repository.  Dirty are the tracked files of the spec's folder
 * tree and of the template's that differ from the commit, and the spec or template where the commit lacks it.  Other
 * files that git does not know are not: what a spec reads of them has its digest in the report.
 */
int provenance_collect(struct provenance *out, struct arena *mem, const char *spec_path,
		       const char *template_path, struct err *e);

/*
 * A spec as an earlier commit of the repository around `dir` has it, read from git's objects without checking anything
 * out: its bytes, and `out` as provenance_collect() would have given it then.  `root`, the work tree, in mem.
 */
int provenance_recall(struct provenance *out, struct view *text, const char **root, struct arena *mem,
		      const char *dir, const char *commit, const char *spec_path, struct err *e);
/* ISO 8601 in UTC of seconds since 1970. */
const char *provenance_time(struct arena *mem, int64_t seconds);

#endif
