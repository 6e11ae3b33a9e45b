#ifndef REPORT_MUSTACHE_H
#define REPORT_MUSTACHE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stddef.h>

/*
 * The text of a template cut into literals and tags, as the Mustache specification has it: {{name}}, {{{name}}},
 * {{&name}}, {{#name}}, {{^name}}, {{/name}}, {{>name}}, {{!comment}}, {{=<% %>=}}.  Comments and delimiters leave
 * nothing behind; a tag alone on its line (all but the values) takes the line with it.  Sections are balanced when
 * this returns, so whoever walks the list need not check.
 */

enum tag_kind { TAG_TEXT, TAG_VALUE, TAG_RAW, TAG_SECTION, TAG_INVERTED, TAG_CLOSE, TAG_PARTIAL };

struct tag {
	enum tag_kind kind;
	struct view text;   /* the literal, or the name */
	size_t at;	    /* byte of the source where it begins */
	size_t end;	    /* of a section: the index of its TAG_CLOSE */
	struct view indent; /* of a partial alone on its line: the blanks before it */
};

struct mustache {
	const char *file; /* borrowed, for errors */
	struct view text; /* borrowed */
	size_t indent;	  /* bytes put before each line that the file itself does not have */
	struct tag *tag;  /* in the arena */
	size_t n;
};

enum { MUSTACHE_DEPTH = 64 }; /* sections within sections */

int mustache_parse(struct mustache *out, struct arena *mem, struct view text, const char *file,
		   struct err *e);
/* The same, each line first indented as a partial alone on its line asks for. */
int mustache_parse_indented(struct mustache *out, struct arena *mem, struct view text, struct view indent,
			    const char *file, struct err *e);
struct pos mustache_pos(const struct mustache *m, size_t at);

#endif
