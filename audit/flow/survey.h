#ifndef FLOW_SURVEY_H
#define FLOW_SURVEY_H

#include "base/mem.h"

#include <stddef.h>

/*
 * How large a corpus is, before it is read: counted where the cache has its tokens; else reckoned from a sample of every
 * source that both tokenizers read; else from the declared corpus.pairs; else from the lengths of files.
 */

enum survey_how { SURVEY_COUNTED, SURVEY_SAMPLED, SURVEY_DECLARED, SURVEY_LENGTHS };

struct corpus_forecast {
	size_t documents, prompts;
	double tokens; /* of the model that has more */
	double pairs;
	enum survey_how how;
};

struct plan;

/* Files that are not there or not as they should be are no failure here: reading them will say so. */
void survey_make(struct corpus_forecast *out, struct arena *mem, const struct plan *p, const char *cache);
/* "counted", "from a sample", ... */
const char *survey_words(enum survey_how k);

#endif
