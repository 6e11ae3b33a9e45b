#ifndef FLOW_RAWS_H
#define FLOW_RAWS_H

#include "base/err.h"
#include "base/linefile.h"
#include "base/str.h"
#include "flow/spec.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The documents of a source as they lie in its files, one after the other: a line, the lines up to a separator, or a file.
 * Nothing is looked at inside; no more is in memory than a document.
 */

enum { DOCUMENT_MOST = 16 << 20 }; /* bytes of a document's text; a longer one is refused */

struct raw {
	struct view text;      /* until the next */
	size_t file;	       /* of the source's files */
	uint64_t line, offset; /* where it stands there: line from 1, byte from 0, unpacked */
};

struct raws {
	const struct spec_source *src;
	struct linefile *lines; /* NULL: no file is open */
	size_t file;		/* which is, or comes next */
	struct str whole;	/* of several lines */
};

#define RAWS_OF(source)                                           \
	{                                                         \
		.src = (source), .lines = NULL, .whole = STR_INIT \
	}

/* The next document that is not empty: 1; 0: there is no more; -1 with `e` filled, which names file and line. */
int raws_next(struct raw *out, struct raws *r, struct err *e);
void raws_close(struct raws *r);
/* What part of the source's files, as they lie there, has been read. */
double raws_share(const struct raws *r);
/* How messages name a file of the source: as the spec writes it, or where it lies. */
const char *raws_name(const struct spec_source *s, size_t file);

/* e, of a document that cannot be taken, gets its place. Returns -1. */
int raws_err(struct err *e, const struct spec_source *s, size_t file, uint64_t line);

#endif
