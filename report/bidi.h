#ifndef REPORT_BIDI_H
#define REPORT_BIDI_H

#include "base/mem.h"
#include "base/str.h"
#include "report/font.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text written from right to left, as far as a page that runs from left to right needs it: Arabic letters in the
 * forms that join, and lines with their runs of Hebrew and Arabic turned round (Unicode Standard Annex 9 with one
 * level: the page's direction is fixed, and what a text says about directions is spelled out, not obeyed).
 */

/* Puts presentation forms in place of Arabic letters, in reading order; a ligature stands for two. Returns how many are
 * left.  Letters whose form no face has stay as they are. */
size_t bidi_shape(uint32_t *cp, size_t n, const struct fonts *f);
/* The same for a spelled text; as it is where it has no such letter. */
struct view bidi_shape_text(struct arena *mem, const struct fonts *f, struct view text);

/* The letter at place i of the line, from the left, is order[i]; turned[i]: it stands in a run that was turned round.
 * False where nothing is. */
bool bidi_order(size_t *order, bool *turned, const uint32_t *cp, size_t n);
/* A line of text, in the order of its places. */
struct view bidi_order_text(struct arena *mem, struct view line);
/* In a run that is turned round, brackets are too. */
uint32_t bidi_mirror(uint32_t cp);

#endif
