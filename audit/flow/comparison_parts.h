#ifndef FLOW_COMPARISON_PARTS_H
#define FLOW_COMPARISON_PARTS_H

#include "flow/comparison.h"
#include "flow/overlap.h"

/* Between comparison.c, which writes the document, and changes.c, which writes its findings and latents. */

enum change { CHANGE_NEW, CHANGE_GONE, CHANGE_GROWN, CHANGE_SHRUNK, CHANGE_NONE, CHANGE_COUNT };

struct parts {
	struct json_out *j;
	struct arena *mem;
	const struct told *old, *new;
	const struct overlap *overlap; /* NULL: the cache had not everything */
	const char *why;	       /* it had not */
	size_t findings[CHANGE_COUNT], latents[CHANGE_COUNT];
	struct {
		size_t new_confirmed, turned_confirmed, grown_confirmed, gone_confirmed, other_verdict;
	} count;
	size_t worse, figures, inputs_changed;
};

const char *change_name(enum change c); /* "new" "gone" "grown" "shrunk" "unchanged" */
/* Members of the open object: "changes", and what counts of them. */
void changes_put_findings(struct parts *t);
/* "features". */
void changes_put_latents(struct parts *t);

#endif
