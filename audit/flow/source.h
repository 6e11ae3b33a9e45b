#ifndef FLOW_SOURCE_H
#define FLOW_SOURCE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "flow/raws.h"
#include "flow/spec.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The corpus sources of a spec, read: plain text and JSON Lines, packed or not, of one file or many, a line at a time.  Text is
 * brought to NFC here, once; both models then read the same bytes.  A line that is not valid UTF-8, not JSON or
 * lacks the field is refused with file, line and column.  Where a limit draws from a file, it is read twice, and only
 * what was drawn is checked and held.
 */

struct item {
	size_t source;		     /* which of the spec's sources */
	uint64_t line, offset;	     /* where it stood: line from 1, byte from 0 */
	uint32_t file;		     /* which of all the files of the spec's sources (flow/files.h) */
	uint32_t replaced;	     /* stretches that were no UTF-8 and are U+FFFD now */
	struct view text;	     /* a document, or a prompt */
	const struct json *messages; /* a chat: array of {role, content}, contents in NFC; NULL otherwise */
};

/* The items of source i, in the order of its files. Where there are more than its limit, a subset drawn by the seed. */
int source_read(struct item **out, size_t *n, struct arena *mem, const struct spec *s, size_t i,
		struct err *e);

/* What that is made of: the documents of a source counted; which of n its limit keeps, a byte each, NULL where it keeps
 * all, ends with mem_free(); and one of them looked into. */
int source_count(size_t *n, const struct spec_source *src, struct err *e);
uint8_t *source_draw(size_t n, const struct spec *s, size_t source);
int source_item(struct item *out, struct arena *mem, const struct spec *s, size_t source,
		const struct raw *raw, struct err *e);

/* A chat of a user's prompt and, unless answer.p is NULL, an assistant's answer. */
int source_chat(const struct json **out, struct arena *mem, struct view prompt, struct view answer,
		struct err *e);

/* How a report names the file: as written, but never an absolute path. */
const char *source_name(const struct spec_source *s);
/* "documents.jsonl:12", in `mem`: how a report names the place. file: which of all the files of the sources. */
const char *source_place(struct arena *mem, const struct spec *s, size_t file, uint64_t line);

#endif
