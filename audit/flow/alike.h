#ifndef FLOW_ALIKE_H
#define FLOW_ALIKE_H

#include "base/json.h"
#include "base/mem.h"
#include "flow/overlap.h"

#include <stddef.h>

/* The findings of two runs, matched one to one. */

struct couple {
	const struct json *old, *new; /* NULL: it has no counterpart */
	double similarity;	      /* of the two */
};

/*
 * In the order of the new run's findings, then the old ones that are gone.  `o` NULL: by words.  Pairs are taken from the
 * most alike down to the least likeness, ties by the order of the findings.
 */
size_t alike_make(struct couple **out, struct arena *mem, const struct json *old, const struct json *new,
		  const struct overlap *o);
/* Cosine of two findings' distinctive words: of the title, and of what the candidate answers and the base does not. */
double alike_words(const struct json *a, const struct json *b);

#endif
