#ifndef FLOW_SURVEY_H
#define FLOW_SURVEY_H

#include "base/err.h"
#include "base/mem.h"
#include "base/par.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * How large a corpus is, before it is read: counted where the cache has its tokens; else from a sample of every source that
 * both tokenizers read (all of it, where that is little); else from the declared corpus.pairs; else from the lengths of
 * files.  How long answers will be nobody knows before the models run: they are taken from the cache, from those to some of
 * the prompts, tried, or else to be as long as max_tokens allows, which makes the whole an upper bound.
 */

enum survey_how { SURVEY_COUNTED, SURVEY_SAMPLED, SURVEY_DECLARED, SURVEY_LENGTHS };
enum survey_answers { ANSWERS_NONE, ANSWERS_THERE, ANSWERS_TRIED, ANSWERS_LONGEST };

struct corpus_forecast {
	size_t documents, prompts;
	double tokens; /* of the model that has more */
	double pairs;
	double error; /* share of the pairs: two standard deviations of what the sample says of the whole; 0: all was read */
	enum survey_how how;
	enum survey_answers answers;
	size_t tried;	  /* prompts that were answered for this */
	double answer[2]; /* tokens that each model reads and writes to answer all prompts */
	double pace; /* floating-point operations a second, measured while it answered; 0: not measured */
};

struct plan;

struct survey_opts {
	const char *cache;
	struct par *par;
	bool try_answers;
};

/* What is not there is passed over where the plan lists it as missing. */
int survey_make(struct corpus_forecast *out, struct arena *mem, const struct plan *p,
		const struct survey_opts *o, struct err *e);
/* "counted", "from a sample", ... */
const char *survey_words(enum survey_how k);

#endif
