#ifndef REPORT_FONT_H
#define REPORT_FONT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The embedded faces: their metrics, and which of them has a character.  All layout is done with these widths,
 * so a document has the same lines in every renderer and on every machine; the system's fonts are never asked.
 *
 * A character that no face has, and one that cannot be seen (controls, bidirectional overrides, zero-width
 * characters: what could make a text read otherwise than it is), is spelled out as U+XXXX in every renderer alike.
 */

enum face { FACE_REGULAR, FACE_BOLD, FACE_ITALIC, FACE_MONO, FACE_SYMBOL, FACE_CJK, FACE_COUNT };

struct fonts;

/* `dir` holds the TrueType files of fonts_file(). */
int fonts_open(struct fonts **out, const char *dir, struct err *e);
void fonts_close(struct fonts *f);
const char *fonts_file(enum face face);			       /* "NotoSans-Regular.ttf" */
const char *fonts_path(const struct fonts *f, enum face face); /* with its folder */

/* Is it shown as itself? */
bool fonts_has(const struct fonts *f, uint32_t cp);
/* The face that draws cp where `wanted` was asked for; FACE_COUNT where none has it. */
enum face fonts_face(const struct fonts *f, enum face wanted, uint32_t cp);
/* Advance width in thousandths of an em, rounded down as the PDF's own width tables are. */
unsigned fonts_advance(const struct fonts *f, enum face face, uint32_t cp);

/* Adds the text with U+XXXX for what is not shown as itself; line feeds and tabs become their signs. `f` NULL: every
 * character that can be seen is shown. Idempotent. */
void fonts_spell(struct str *out, const struct fonts *f, struct view text);
/* Points from the start to the end of a spelled text. */
double fonts_width(const struct fonts *f, enum face wanted, double size, struct view spelled);
/* The longest start of a spelled text that one face draws: its bytes; *face. */
size_t fonts_run(enum face *face, const struct fonts *f, enum face wanted, struct view spelled);

/* The glyph of cp and all that it is composed of, to any depth: how many. */
enum { FONT_PARTS = 64 };
size_t fonts_glyphs(uint16_t glyph[FONT_PARTS], const struct fonts *f, enum face face, uint32_t cp);

#endif
