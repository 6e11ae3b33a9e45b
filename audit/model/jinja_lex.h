#ifndef MODEL_JINJA_LEX_H
#define MODEL_JINJA_LEX_H

#include "base/err.h"
#include "base/str.h"
#include "model/jinja_text.h"

/* Template source to tokens, with trim_blocks and lstrip_blocks as transformers sets them. */

enum token_kind {
	TOKEN_DATA,
	TOKEN_BLOCK_BEGIN,
	TOKEN_BLOCK_END,
	TOKEN_PRINT_BEGIN,
	TOKEN_PRINT_END,
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_INT,
	TOKEN_FLOAT,
	TOKEN_OPERATOR,
	TOKEN_END,
};

struct token {
	enum token_kind kind;
	uint32_t at;	  /* byte in the source */
	struct view text; /* DATA, NAME, OPERATOR; STRING: unescaped */
	int64_t integer;
	double real;
};

/* Line breaks become \n, and one at the very end is dropped, as Jinja does. */
struct view jinja_source(struct arena *mem, struct view text);
/* The tokens live in `mem`, the last is TOKEN_END. `name` is the file's, for errors. */
int jinja_lex(struct token **out, size_t *n, struct arena *mem, struct view source, const char *name,
	      struct err *e);
struct pos jinja_place(struct view source, const char *name, uint32_t at);

#endif
