#ifndef MODEL_NORMAL_H
#define MODEL_NORMAL_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/pretoken_pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text on its way to the tokens: bytes, each with the place in the original
 * text it stands for, cut into pieces.  Normalizers (here) and pre-tokenizers
 * (model/pretoken.h) rewrite the bytes or cut finer.
 *
 * Two accounts of places are kept.  The exact one: an unchanged byte stands for
 * itself, all bytes of a changed stretch for the whole stretch, inserted ones
 * for nothing.  And the reference's, by whole characters and with its habits,
 * so that its offsets can be given as well.
 */

struct origin {
	uint32_t start, end; /* exact */
	uint32_t ref_start, ref_end;
};

/* A piece of the text.  Pieces with an id are added tokens: nothing cuts or changes them any more. */
struct piece {
	uint32_t start, end;
	int32_t id; /* -1: not yet tokens */
};

struct passage {
	struct view text;
	const struct origin *at; /* of each byte; NULL: the bytes are the original text itself */
	struct piece *piece;	 /* in order; only tokens can be empty */
	size_t n, cap;
	bool continues; /* stands behind other text: nothing is put before its first piece */
	/* room for the step under way: it writes here, then the sides change */
	struct str bytes[2];
	struct origin *origin[2];
	size_t cap_origin[2];
	unsigned side;
	struct piece *next;
	size_t n_next, cap_next;
};

void passage_begin(struct passage *p, struct view original);
void passage_release(struct passage *p);
struct origin passage_origin(const struct passage *p, size_t byte);

/* Cutting: put the parts of all pieces in order (empty ones that are no token are passed over), then take them
 * over. */
void passage_cut(struct passage *p, size_t start, size_t end, int32_t id);
void passage_take_cuts(struct passage *p);

/* Rewriting: for every piece begin_piece, keep and put in order, end_piece; then take it all over. */
void passage_rewrite(struct passage *p);
void passage_keep(struct passage *p, size_t start, size_t end); /* bytes of the present text */
void passage_put(struct passage *p, struct view bytes, struct origin at);
size_t passage_written(const struct passage *p);
void passage_end_piece(struct passage *p, size_t start, int32_t id); /* from `start` of what is written */
void passage_take_rewritten(struct passage *p);
int passage_check(const struct passage *p, struct err *e); /* that all of it can be pointed at */

/* Bytes put before a piece that begins at `start`: exactly they stand for nothing, in the reference for the
 * first character of the piece. */
void passage_prepend(struct passage *p, struct view bytes, size_t start);
/* Each byte of [start, end) written as the character that stands for it in byte-level vocabularies. */
void passage_put_bytes(struct passage *p, size_t start, size_t end);
struct view passage_view(const struct passage *p, const struct piece *piece);

/* ---- normalizers ---- */

enum normal_kind { NORMAL_FORM, NORMAL_PREPEND, NORMAL_REPLACE, NORMAL_BYTES };

struct normal_step {
	enum normal_kind kind;
	bool compose, compat; /* NORMAL_FORM */
	struct view text;     /* what to prepend, or to put in */
	struct view literal;  /* NORMAL_REPLACE: what to look for, or */
	struct pattern *pattern;
};

struct normal {
	struct normal_step *step;
	size_t n;
};

/* The "normalizer" of a tokenizer.json (or NULL); refuses by name what is not known here. */
int normal_read(struct normal *out, struct arena *mem, const struct json *v, struct err *e);
void normal_release(struct normal *n);
int normal_apply(const struct normal *n, struct passage *p, struct err *e);
/* The steps alone, for the content of one added token. */
int normal_text(struct str *out, const struct normal *n, struct view text, struct err *e);

/* normal_form.c: the pieces brought to a normalization form of Unicode 9.0, at which the reference stands. */
void normal_form(struct passage *p, bool compose, bool compat);

/* A pattern: {"String": "..."} (pattern is NULL then) or {"Regex": "..."}. */
int normal_pattern(struct view *literal, struct pattern **pattern, struct arena *mem,
		   const struct json *owner, struct err *e);
/* The next place of `literal` (not empty) in text from `at`: SIZE_MAX where there is none. */
size_t normal_find(struct view text, struct view literal, size_t at);

#endif
