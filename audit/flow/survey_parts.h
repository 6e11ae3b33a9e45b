#ifndef FLOW_SURVEY_PARTS_H
#define FLOW_SURVEY_PARTS_H

#include "flow/entry.h"
#include "flow/plan.h"

/*
 * The parts of a survey: a sample of a source, and what it says of the whole.  A sample is looked at in an order of which
 * every beginning is spread evenly over the source, so that one may stop anywhere.
 */

enum { LENGTH_BINS = 5120 };

/* How many units of a source have how many bytes, as they lie in the file. */
struct lengths {
	double count[LENGTH_BINS], bytes[LENGTH_BINS];
};

void lengths_add(struct lengths *l, size_t bytes);
/* The sum of min(length, most). */
double lengths_sum(const struct lengths *l, double most);

struct drawn {
	struct item *item; /* (n) in the order they are looked at */
	size_t *bytes;	   /* (n) of each, as it lies in the file */
	size_t n;
	double whole; /* units of the source, of which these are some; all are where it is n */
	double scale; /* of lengths: 1, or more where not all of the file was looked at */
	struct lengths lengths;
};

/* About so many bytes of source i, in `mem`. */
int drawn_make(struct drawn **out, struct arena *mem, const struct spec *s, size_t source, size_t bytes,
	       struct err *e);

/* The first k of 0 .. n-1 in such an order, in `mem`. */
size_t *drawn_order(struct arena *mem, size_t n, size_t k);

/* What a unit came to: a document, or the documents of a prompt. */
struct unit {
	double bytes, documents, tokens[SIDE_COUNT], pairs;
	bool cut;
};

/* What all of a source comes to. */
struct part {
	double documents, prompts, tokens[SIDE_COUNT], pairs, variance; /* of the pairs */
	double answer[SIDE_COUNT];
};

/* From the first n units of a sample. by_length: a longer one has more pairs, as far as a context goes. */
void part_estimate(struct part *out, const struct drawn *d, const struct unit *unit, size_t n, size_t context,
		   bool by_length);

/* What a survey has at hand. */
struct surveyor {
	const struct plan *plan;
	const struct survey_opts *opts;
	struct reader reader[SIDE_COUNT];
	struct arena mem;
};

/* Entries read by both models, added to what their unit came to; `unit` of each. */
int surveyor_read(struct surveyor *s, struct unit *unit, const struct entry *entry, const size_t *of,
		  size_t n, struct err *e);

/* A source of rollouts, and how its answers are known. others: what the rest of the corpus comes to, with which it is to be
 * known well enough. */
int survey_answers(struct part *out, struct corpus_forecast *c, struct surveyor *s, size_t source,
		   const struct part *others, struct err *e);

#endif
