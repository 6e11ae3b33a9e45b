#include "report/font.h"

#include "base/map.h"
#include "base/mem.h"

#include <string.h>

/*
 * TrueType, as far as widths and coverage need it (OpenType 1.9: cmap format 4, head, hhea, hmtx, maxp, loca, glyf).
 * Only the basic plane: the library that writes the PDF encodes text in two bytes.
 */

enum { BASIC_PLANE = 0x10000, PER_EM = 1000 };

struct face_file {
	struct map map;
	struct view path;
	uint16_t *glyph; /* (BASIC_PLANE) glyph of a code point; 0: none */
	unsigned per_em, n_glyphs, n_advances;
	bool long_loca;
	size_t hmtx, loca, glyf, glyf_bytes;
};

struct fonts {
	struct arena mem;
	struct face_file face[FACE_COUNT];
};

static const char *const files[FACE_COUNT] = {
	[FACE_REGULAR] = "NotoSans-Regular.ttf", [FACE_BOLD] = "NotoSans-Bold.ttf",
	[FACE_ITALIC] = "NotoSans-Italic.ttf",	 [FACE_MONO] = "DejaVuSansMono.ttf",
	[FACE_SYMBOL] = "DejaVuSans.ttf",	 [FACE_CJK] = "DroidSansFallback.ttf",
};

/* Where the wanted face lacks a character, these are asked in turn: each comes to the same set. */
static const enum face fallback[FACE_COUNT][3] = {
	[FACE_REGULAR] = { FACE_SYMBOL, FACE_CJK, FACE_COUNT },
	[FACE_BOLD] = { FACE_REGULAR, FACE_SYMBOL, FACE_CJK },
	[FACE_ITALIC] = { FACE_REGULAR, FACE_SYMBOL, FACE_CJK },
	[FACE_MONO] = { FACE_SYMBOL, FACE_REGULAR, FACE_CJK },
	[FACE_SYMBOL] = { FACE_REGULAR, FACE_CJK, FACE_COUNT },
	[FACE_CJK] = { FACE_REGULAR, FACE_SYMBOL, FACE_COUNT },
};

/* Characters without a form of their own, or that change how others are read (Unicode: Cc, Cf, line and paragraph
 * separators, variation selectors, fillers, surrogates, private use, noncharacters). */
static const struct {
	uint32_t first, last;
} unseen[] = {
	{ 0x0000, 0x001F }, { 0x007F, 0x009F }, { 0x00AD, 0x00AD },    { 0x034F, 0x034F }, { 0x0600, 0x0605 },
	{ 0x061C, 0x061C }, { 0x06DD, 0x06DD }, { 0x070F, 0x070F },    { 0x115F, 0x1160 }, { 0x17B4, 0x17B5 },
	{ 0x180B, 0x180F }, { 0x200B, 0x200F }, { 0x2028, 0x202E },    { 0x2060, 0x206F }, { 0x3164, 0x3164 },
	{ 0xD800, 0xF8FF }, { 0xFDD0, 0xFDEF }, { 0xFE00, 0xFE0F },    { 0xFEFF, 0xFEFF }, { 0xFFA0, 0xFFA0 },
	{ 0xFFF0, 0xFFFB }, { 0xFFFE, 0xFFFF }, { 0xE0000, 0x10FFFF },
};

static bool can_be_seen(uint32_t cp)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (cp >= unseen[i].first && cp <= unseen[i].last)
			return false;
	return true;
}

/* Big-endian numbers at a place that has been checked. */
static unsigned get16(const struct face_file *f, size_t at)
{
	return (unsigned)f->map.p[at] << 8 | f->map.p[at + 1];
}

static uint32_t get32(const struct face_file *f, size_t at)
{
	return (uint32_t)get16(f, at) << 16 | get16(f, at + 2);
}

static bool within(const struct face_file *f, size_t at, size_t n)
{
	return at <= f->map.n && n <= f->map.n - at;
}

/* Where a table begins; it holds at least `least` bytes, *size of them. */
static int find_table(size_t *at, size_t *size, const struct face_file *f, const char *tag, size_t least,
		      struct err *e)
{
	unsigned n = within(f, 0, 12) ? get16(f, 4) : 0;

	for (unsigned i = 0; i < n && within(f, 12 + 16 * (size_t)i, 16); i++) {
		size_t row = 12 + 16 * (size_t)i;

		if (memcmp(f->map.p + row, tag, 4) != 0)
			continue;
		*at = get32(f, row + 8);
		*size = get32(f, row + 12);
		if (!within(f, *at, *size) || *size < least)
			return err_set(e, ERR_INPUT, "%s: table %s is cut off", f->path.p, tag);
		return 0;
	}
	return err_set(e, ERR_INPUT, "%s: no table %s; a TrueType font is wanted", f->path.p, tag);
}

/* One subtable of format 4: segments of [start, end] with a delta, or an offset into glyph ids behind them. */
static int read_segments(struct face_file *f, size_t at, struct err *e)
{
	size_t n = within(f, at, 14) ? get16(f, at + 6) / 2 : 0;
	size_t ends = at + 14, starts = ends + 2 * n + 2, deltas = starts + 2 * n, offsets = deltas + 2 * n;

	if (!n || !within(f, at, 16 + 8 * n))
		return err_set(e, ERR_INPUT, "%s: its table of characters is cut off", f->path.p);
	for (size_t i = 0; i < n; i++) {
		unsigned start = get16(f, starts + 2 * i), end = get16(f, ends + 2 * i);
		unsigned delta = get16(f, deltas + 2 * i), offset = get16(f, offsets + 2 * i);

		for (unsigned cp = start; cp <= end && cp < 0xFFFF; cp++) {
			size_t slot = offsets + 2 * i + offset + 2 * (size_t)(cp - start);
			unsigned glyph = cp;

			if (offset) {
				if (!within(f, slot, 2))
					return err_set(e, ERR_INPUT,
						       "%s: its table of characters points outside",
						       f->path.p);
				glyph = get16(f, slot);
			}
			if (!offset || glyph)
				glyph = (glyph + delta) & 0xFFFF;
			if (glyph < f->n_glyphs)
				f->glyph[cp] = (uint16_t)glyph;
		}
	}
	return 0;
}

static int read_cmap(struct face_file *f, struct err *e)
{
	size_t at, size;
	unsigned n;

	if (find_table(&at, &size, f, "cmap", 4, e) < 0)
		return -1;
	n = get16(f, at + 2);
	for (unsigned i = 0; i < n && 12 + 8 * (size_t)i <= size; i++) {
		size_t row = at + 4 + 8 * (size_t)i, sub = at + get32(f, row + 4);

		/* Windows, Unicode basic plane: the one table that every reader of PDF agrees on */
		if (get16(f, row) == 3 && get16(f, row + 2) == 1 && within(f, sub, 2) && get16(f, sub) == 4)
			return read_segments(f, sub, e);
	}
	return err_set(e, ERR_INPUT, "%s: no table of characters of format 4", f->path.p);
}

static int read_face(struct face_file *f, struct err *e)
{
	size_t head, hhea, maxp, size;

	if (find_table(&head, &size, f, "head", 54, e) < 0 ||
	    find_table(&hhea, &size, f, "hhea", 36, e) < 0 || find_table(&maxp, &size, f, "maxp", 6, e) < 0)
		return -1;
	f->per_em = get16(f, head + 18);
	f->long_loca = get16(f, head + 50) != 0;
	f->n_advances = get16(f, hhea + 34);
	f->n_glyphs = get16(f, maxp + 4);
	if (f->per_em < 16 || !f->n_advances || !f->n_glyphs || f->n_advances > f->n_glyphs)
		return err_set(e, ERR_INPUT, "%s: %u units an em, %u widths for %u glyphs", f->path.p,
			       f->per_em, f->n_advances, f->n_glyphs);
	if (find_table(&f->hmtx, &size, f, "hmtx", 4 * (size_t)f->n_advances, e) < 0 ||
	    find_table(&f->loca, &size, f, "loca", (f->long_loca ? 4 : 2) * ((size_t)f->n_glyphs + 1), e) <
		    0 ||
	    find_table(&f->glyf, &f->glyf_bytes, f, "glyf", 0, e) < 0)
		return -1;
	f->glyph = mem_alloc(BASIC_PLANE, sizeof(*f->glyph));
	return read_cmap(f, e);
}

int fonts_open(struct fonts **out, const char *dir, struct err *e)
{
	struct fonts *f = mem_alloc(1, sizeof(*f));

	*out = NULL;
	for (size_t i = 0; i < FACE_COUNT; i++) {
		struct face_file *face = &f->face[i];

		face->path = view_of(arena_fmt(&f->mem, "%s/%s", dir, files[i]));
		if (map_open(&face->map, face->path.p, e) < 0 || read_face(face, e) < 0) {
			fonts_close(f);
			return -1;
		}
	}
	*out = f;
	return 0;
}

void fonts_close(struct fonts *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < FACE_COUNT; i++) {
		if (f->face[i].map.p)
			map_close(&f->face[i].map);
		mem_free(f->face[i].glyph);
	}
	arena_release(&f->mem);
	mem_free(f);
}

const char *fonts_file(enum face face)
{
	return files[face];
}

const char *fonts_path(const struct fonts *f, enum face face)
{
	return f->face[face].path.p;
}

static bool face_has(const struct fonts *f, enum face face, uint32_t cp)
{
	return cp < BASIC_PLANE && f->face[face].glyph[cp] != 0;
}

enum face fonts_face(const struct fonts *f, enum face wanted, uint32_t cp)
{
	if (face_has(f, wanted, cp))
		return wanted;
	for (size_t i = 0; i < 3 && fallback[wanted][i] != FACE_COUNT; i++)
		if (face_has(f, fallback[wanted][i], cp))
			return fallback[wanted][i];
	return FACE_COUNT;
}

bool fonts_has(const struct fonts *f, uint32_t cp)
{
	return can_be_seen(cp) && (!f || fonts_face(f, FACE_REGULAR, cp) != FACE_COUNT);
}

unsigned fonts_advance(const struct fonts *f, enum face face, uint32_t cp)
{
	const struct face_file *file = &f->face[face];
	unsigned glyph = cp < BASIC_PLANE ? file->glyph[cp] : 0;

	if (glyph >= file->n_advances)
		glyph = file->n_advances - 1;
	return get16(file, file->hmtx + 4 * (size_t)glyph) * PER_EM / file->per_em;
}

static bool is_word(struct view v)
{
	unsigned char c = v.n ? (unsigned char)v.p[0] : 0;

	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

void fonts_spell(struct str *out, const struct fonts *f, struct view text)
{
	bool spelled = false;

	for (size_t i = 0, n; i < text.n; i += n) {
		uint32_t cp = 0;
		struct view next = { text.p + i, text.n - i };
		bool valid;

		n = utf8_decode(&cp, next.p, next.n);
		valid = n != 0;
		if (!valid) {
			cp = 0xFFFD;
			n = 1;
		}
		if (cp == '\n') {
			str_adds(out, "\u23CE");
			spelled = false;
			continue;
		}
		if (cp == '\t') {
			str_adds(out, "\u21E5");
			spelled = false;
			continue;
		}
		/* digits and letters must not run into the number */
		if (valid && fonts_has(f, cp)) {
			if (spelled && is_word(next))
				str_addc(out, ' ');
			str_add(out, next.p, n);
			spelled = false;
			continue;
		}
		if (spelled || (out->n && is_word((struct view){ out->p + out->n - 1, 1 })))
			str_addc(out, ' ');
		str_addf(out, "U+%04X", (unsigned)cp);
		spelled = true;
	}
}

size_t fonts_run(enum face *face, const struct fonts *f, enum face wanted, struct view spelled)
{
	size_t at = 0;

	*face = wanted;
	while (at < spelled.n) {
		uint32_t cp = 0;
		size_t n = utf8_decode(&cp, spelled.p + at, spelled.n - at);
		enum face one = fonts_face(f, wanted, cp);

		BUG_ON(!n || one == FACE_COUNT);
		if (!at)
			*face = one;
		else if (one != *face)
			break;
		at += n;
	}
	return at;
}

double fonts_width(const struct fonts *f, enum face wanted, double size, struct view spelled)
{
	uint64_t sum = 0;

	for (size_t i = 0, n; i < spelled.n; i += n) {
		uint32_t cp = 0;
		enum face face;

		n = utf8_decode(&cp, spelled.p + i, spelled.n - i);
		face = fonts_face(f, wanted, cp);
		BUG_ON(!n || face == FACE_COUNT);
		sum += fonts_advance(f, face, cp);
	}
	return (double)sum * size / PER_EM;
}

static size_t glyph_offset(const struct face_file *f, size_t id)
{
	return f->long_loca ? get32(f, f->loca + 4 * id) : 2 * (size_t)get16(f, f->loca + 2 * id);
}

/* Adds the components of glyph[i] that are not among the n yet (OpenType, glyf: composite glyph description). */
static size_t add_parts(uint16_t *glyph, size_t n, size_t i, const struct face_file *f)
{
	enum { WORDS = 1, SCALE = 8, MORE = 32, XY_SCALE = 64, TWO_BY_TWO = 128, COMPOSITE = 0x8000 };
	size_t start = glyph_offset(f, glyph[i]), end = glyph_offset(f, (size_t)glyph[i] + 1),
	       at = f->glyf + start;
	unsigned flags = MORE;

	if (end < start + 10 || end > f->glyf_bytes || get16(f, at) < COMPOSITE)
		return n;
	for (at += 10; (flags & MORE) && at + 4 <= f->glyf + end && n < FONT_PARTS;) {
		unsigned part = get16(f, at + 2);
		size_t known = 0;

		flags = get16(f, at);
		at += 4 + (flags & WORDS ? 4 : 2);
		at += flags & SCALE ? 2 : flags & XY_SCALE ? 4 : flags & TWO_BY_TWO ? 8 : 0;
		while (known < n && glyph[known] != part)
			known++;
		if (known == n && part < f->n_glyphs)
			glyph[n++] = (uint16_t)part;
	}
	return n;
}

size_t fonts_glyphs(uint16_t glyph[FONT_PARTS], const struct fonts *f, enum face face, uint32_t cp)
{
	size_t n = 1;

	glyph[0] = cp < BASIC_PLANE ? f->face[face].glyph[cp] : 0;
	for (size_t i = 0; i < n; i++)
		n = add_parts(glyph, n, i, &f->face[face]);
	return n;
}
