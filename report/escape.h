#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include "base/str.h"
#include "report/font.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Putting a value into Markdown so that it is text and nothing else there, wherever it comes to stand: whatever a
 * model says cannot make a heading, a link, a table cell or HTML.  The place is read off what was written before it.
 * Line feeds become their sign outside code blocks; characters that are not shown as themselves are spelled out.
 */

struct escape {
	const struct fonts *fonts;	/* NULL: every character that can be seen is shown */
	size_t seen;			/* whole lines of the output that have been looked at */
	char fence;			/* inside a fenced code block: its character */
	size_t fence_run, fence_quotes; /* its length, and how many quotes it stands in */
	bool address;			/* behind the "](" of a link that was written as it is */
};

/* Text that is Markdown already: the template's own, and raw values. */
void escape_none(struct escape *s, struct str *out, struct view text);

/* As running text, in a code block or in the address of a link, as the end of `out` asks for. */
void escape_value(struct escape *s, struct str *out, struct view value);
/* As a code span of its own, with fences long enough. Nothing where the value is empty. */
void escape_code(struct escape *s, struct str *out, struct view value);
/* Would a code span be one here? */
bool escape_in_block(struct escape *s, const struct str *out);

#endif
