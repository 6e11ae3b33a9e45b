#ifndef REPORT_TEMPLATE_H
#define REPORT_TEMPLATE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/font.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A template and data make a text.  A template chooses and orders; it cannot compute.  It is Mustache as its
 * specification has it (report/mustache.h), with these rules of its own:
 *
 *   - {{x}} escapes for Markdown, not for HTML (report/escape.h); `{{x}}` between backticks is a code span.
 *   - {{x}} of a name that is nowhere is an error where `strict`; so is a number that has no row in
 *     store/metrics.h, by which numbers are printed.  {{x.label}} and {{x.unit}} of a number are its row's.
 *   - null is shown as a dash where `strict`, and as nothing otherwise; sections may ask for any name.
 *   - {{#list.0}} takes an element by its number: a way to say something once where a list is not empty.
 *   - null, false, the empty string and the empty array are false; every number is true.
 *
 * Partials are NAME.md beside the template.  Errors carry file, line and column.
 */

struct template_opts {
	bool strict;
	const struct fonts *fonts; /* NULL: every character that can be seen is shown */
};

/* `data`: an object; a number's path begins at its members. */
int template_fill(struct str *out, const char *path, const struct json *data, const struct template_opts *o,
		  struct err *e);
/* The same from a text; `file` names it in errors and its folder holds the partials. */
int template_fill_text(struct str *out, struct view text, const char *file, const struct json *data,
		       const struct template_opts *o, struct err *e);

/*
 * The files it is made of: itself, then by name what is beside it of the partials that it names and of the documents
 * that it links, and what those name and link.  A link is one that the text of a template has whole, as in
 * "[all](latents.md)"; one to `own`, the name of the document that is made, leads back.
 */
int template_files(const char ***out, size_t *n, struct arena *mem, const char *path, const char *own,
		   struct err *e);

#endif
