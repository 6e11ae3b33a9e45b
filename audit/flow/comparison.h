#ifndef FLOW_COMPARISON_H
#define FLOW_COMPARISON_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/par.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Two runs, as of successive fine-tunes of one base: what is new, gone, grown, shrunk.  The comparison is a tree,
 * diff.json, of which templates/diff.md makes the document (docs/formats.md).
 *
 * Findings are matched one to one.  Where both runs' activations and dictionaries are in the cache, two findings are as
 * alike as their groups fire together at the turn boundaries of the text both runs read (flow/overlap.h); otherwise as
 * the distinctive words of their title and of the candidates' answers.  Latents are matched by decoder cosine and
 * co-activation (study/match.h), and only from the cache.
 *
 * An effect has grown or shrunk where its interval, the slope plus and minus 1.96 standard deviations of random
 * directions, lies apart from the old one; a latent's relevance likewise by the interval of its card.
 */

/* One run, as far as it could be read: a golden has results alone. */
struct told {
	const char *name; /* as it was asked for */
	const struct json *results, *provenance, *plan;
};

/* Reads a run directory's three files; the last two may be missing. */
int told_read(struct told *out, struct arena *mem, const char *dir, struct err *e);

struct comparison {
	bool passed; /* the gate */
	size_t changes; /* findings new, gone, grown, shrunk or of another verdict; figures beyond their tolerance */
};

/* Writes the tree as one object. `cache` may be NULL: latents are not matched then. */
int comparison_write(struct comparison *out, struct json_out *j, const struct told *old,
		     const struct told *new, const char *cache, struct par *par, struct err *e);

#endif
