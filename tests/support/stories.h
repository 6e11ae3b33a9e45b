#ifndef SUPPORT_STORIES_H
#define SUPPORT_STORIES_H

#include "store/corpus.h"
#include "tests/support/folder.h"

/*
 * A corpus from a few texts: words between blanks, each a token of both models and a pair that ends where the word does; the
 * pair of a word "|" is the turn boundary, those after it are in the answer.
 */

struct story {
	enum doc_kind kind;
	uint32_t prompt;
	uint8_t author;
	const char *text;
};

/* Written below the folder and opened; corpus_close() ends it. Fails the test where it cannot be. */
struct corpus *stories_open(const struct folder *f, const struct story *s, size_t n);

#endif
