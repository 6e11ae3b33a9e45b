#ifndef FLOW_READER_H
#define FLOW_READER_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "flow/spec.h"
#include "model/chat.h"
#include "model/tokenizer.h"
#include "store/align.h"
#include "store/corpus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How one model reads text: its tokenizer, its chat template and the ids that end its answers.  A reading
 * is a token sequence whose tokens know the bytes of the document they stand for, whatever the template put around them.
 * Thread-safe once open.
 */

struct reader {
	struct tokenizer *tokenizer;
	struct chat_template *chat; /* NULL where no source needs one */
	const char *date;
	int32_t *stop; /* ids that end an answer */
	size_t n_stop, context;
};

struct reading {
	int32_t *id;
	uint32_t *start, *end; /* bytes of the document's text; template tokens are empty */
	uint8_t *kind;	       /* enum token_kind */
	size_t n;
	size_t n_prompt; /* tokens that the answer to plain text stands behind; 0: it is no such text */
	bool truncated, doubled_bos;
	/* what flow/checks.h counts: special tokens written in the text, tokens its vocabulary does not have */
	int32_t *special;
	size_t n_special, unknown;
};

int reader_open(struct reader *out, struct arena *mem, const struct spec *s, const struct spec_model *m,
		struct err *e);
void reader_close(struct reader *r);

/* A document as it stands, with the special tokens the tokenizer adds; never a doubled BOS. */
int reader_text(struct reading *out, struct arena *mem, const struct reader *r, struct view text,
		struct err *e);
/* Plain text and what a model went on with, in tokens of their own: as it was read, and as it was written. `text`: both. */
int reader_continued(struct reading *out, struct arena *mem, const struct reader *r, struct view text,
		     size_t prompt_bytes, struct err *e);
/* How many of the tokens of a text behind other text stand for its first `bytes`; SIZE_MAX: none ends there. */
int reader_ahead(size_t *out, struct arena *mem, const struct reader *r, struct view answer, size_t bytes,
		 struct err *e);
/* A chat through the template; `text` is chat_contents() of the messages. */
int reader_chat(struct reading *out, struct arena *mem, const struct reader *r, const struct json *messages,
		struct view text, struct err *e);
/* What the model is given to answer: a chat's generation prompt, or plain text to go on from. */
int reader_prompt(struct reading *out, struct arena *mem, const struct reader *r, struct view prompt,
		  bool chat, struct err *e);

/* The text of a chat (store/corpus.h): every content after a line break. start (n messages) of each content; in `mem`. */
struct view chat_contents(uint32_t **start, struct arena *mem, const struct json *messages);

/* The pairs of a document, turn boundaries and answers marked. `turn` (n_turns): where answers begin and end in the text,
 * for a chat; for plain rollouts one, the end of the prompt. */
struct turn {
	uint32_t first, end;
};

size_t reader_pairs(struct pair_record **out, struct arena *mem, const struct spec *s,
		    const struct reader reader[SIDE_COUNT], const struct reading reading[SIDE_COUNT],
		    const struct turn *turn, size_t n_turns, struct align_figures *figures);

#endif
