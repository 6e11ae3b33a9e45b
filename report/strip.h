#ifndef REPORT_STRIP_H
#define REPORT_STRIP_H

#include "report/scene.h"

#include <stddef.h>

/*
 * Text as a model read it: tokens side by side on a background whose strength is an activation, wrapped.
 */

struct strip_token {
	struct view text;
	double strength; /* 0..1; 0: no background */
	bool peak;	 /* where the context was found: underlined */
	bool muted;	 /* not read as text */
};

/* From the top at y; returns the height of what was drawn, at most `lines` lines. */
double strip_draw(struct scene *s, double x, double y, double width, size_t lines, double size,
		  const struct strip_token *token, size_t n);
/* The range of tokens around the peak that fits `lines` lines: as much before it as after, where there is. */
void strip_window(size_t *from, size_t *to, const struct scene *s, double width, size_t lines, double size,
		  const struct strip_token *token, size_t n);

#endif
