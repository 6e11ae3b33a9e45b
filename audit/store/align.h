#ifndef STORE_ALIGN_H
#define STORE_ALIGN_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Two tokenizations of one text, side by side.  A pair is a token of A and a
 * token of B whose last bytes coincide: the places where both have read exactly
 * the same text.  Input is byte spans only, so any two tokenizers do.
 */

struct pair {
	uint32_t a, b; /* token of A, token of B */
	uint32_t byte; /* where both end (greedy: where B does, A may differ by blanks) */
};

/* One side: end[i] is the byte after token i; content[i] is false for tokens that never pair (special,
 * template, white space). Ends do not decrease. */
struct align_side {
	const uint32_t *end;
	const bool *content;
	size_t n;
};

/* Of several content tokens with the same end, the last. The pairs live in `mem`, in order. */
size_t align_pairs(struct pair **out, struct arena *mem, const struct align_side *a,
		   const struct align_side *b);

/*
 * Algorithm 1 of the paper (arXiv 2602.11729), for comparison: a window of tokens on each side is grown
 * until both decode to the same text (NFKC; runs of white space count as one blank, those at the ends as
 * none), then the last tokens are a pair and both windows start anew.  The side with fewer code points
 * grows, B where they are equal, the other side where that one is at its end; bytes that are no UTF-8
 * count as U+FFFD but never match.  White-space tokens go with the content token after them.
 */
struct greedy {
	struct pair *pair;
	size_t n;
	bool complete;	       /* both sides came to the end */
	size_t stop_a, stop_b; /* the first token not passed; all tokens where a side came to its end */
};

/* piece(ud, i): the bytes of token i as they stand in running text; empty for special and template tokens. */
struct greedy_side {
	struct align_side tokens;
	struct view (*piece)(const void *ud, size_t i);
	const void *ud;
};

/* Stops where a window holds `window` content tokens without a match (the paper has 16); 0: no limit, and
 * time then grows with the square of the longest window. The pairs live in `mem`. */
void align_greedy(struct greedy *out, struct arena *mem, const struct greedy_side *a,
		  const struct greedy_side *b, size_t window);

/* How well two sides met. */
struct align_figures {
	size_t content_a, content_b, pairs;
	size_t longest_gap; /* most content tokens of either side in a row without a pair */
};
void align_measure(struct align_figures *out, const struct align_side *a, const struct align_side *b,
		   const struct pair *pair, size_t n);

#endif
