#include "report/paper.h"
#include "report/render.h"

#include "base/out.h"

#include <hpdf.h>

#include <stdio.h>
#include <string.h>

/*
 * The one door to libharu (2.3 and 2.4).  It copies pages of marks and decides nothing.  No clock and no random
 * identifiers: the only date is the one given, and nothing of HPDF_PDFA_* is called.
 *
 * Three habits of the library are met by its own structures.  It embeds the glyphs of the characters shown and their
 * components, but not the components of components: those are marked here.  A destination cannot be asked for
 * without a zoom; zoom 0, which the format defines as "leave it", is put in afterwards.  And its table from codes to
 * characters (ToUnicode) speaks of glyphs, which readers pass over with a warning: ours takes its place, so that
 * text can be searched and copied.
 */

struct painter {
	HPDF_Doc doc;
	HPDF_STATUS first, detail; /* the first error; the later ones follow from it */
	const struct paper *paper;
	HPDF_Font font[FACE_COUNT];
	uint8_t *seen[FACE_COUNT]; /* (65536) characters whose glyphs are marked */
	HPDF_Page *page;
};

static void keep_error(HPDF_STATUS code, HPDF_STATUS detail, void *ud)
{
	struct painter *p = ud;

	if (!p->first) {
		p->first = code;
		p->detail = detail;
	}
}

/* Hundredths of a point are enough for paper, and keep the file small. */
static HPDF_REAL hundredths(double v)
{
	return (HPDF_REAL)((double)(long)(v * 100 + (v < 0 ? -0.5 : 0.5)) / 100);
}

static HPDF_REAL up(const struct painter *p, double y)
{
	return hundredths(p->paper->height - y);
}

static void set_fill(HPDF_Page page, enum ink ink)
{
	unsigned rgb = ink_rgb(ink);

	HPDF_Page_SetRGBFill(page, (HPDF_REAL)(rgb >> 16 & 255) / 255, (HPDF_REAL)(rgb >> 8 & 255) / 255,
			     (HPDF_REAL)(rgb & 255) / 255);
}

static void set_stroke(HPDF_Page page, const struct mark *m)
{
	static const HPDF_UINT16 dashed[] = { 4, 2 }, dotted[] = { 1, 2 };
	unsigned rgb = ink_rgb(m->stroke);

	HPDF_Page_SetRGBStroke(page, (HPDF_REAL)(rgb >> 16 & 255) / 255, (HPDF_REAL)(rgb >> 8 & 255) / 255,
			       (HPDF_REAL)(rgb & 255) / 255);
	HPDF_Page_SetLineWidth(page, hundredths(m->width));
	if (m->dash == DASH_SOLID)
		HPDF_Page_SetDash(page, NULL, 0, 0);
	else
		HPDF_Page_SetDash(page, m->dash == DASH_DASHED ? dashed : dotted, 2, 0);
}

static void finish_shape(HPDF_Page page, const struct mark *m)
{
	if (m->fill != INK_NONE && m->stroke != INK_NONE)
		HPDF_Page_FillStroke(page);
	else if (m->fill != INK_NONE)
		HPDF_Page_Fill(page);
	else if (m->stroke != INK_NONE)
		HPDF_Page_Stroke(page);
	else
		HPDF_Page_EndPath(page);
}

/* Codes are characters of the first plane; a range may differ in its last byte only, a block holds 100 ranges. */
static void map_to_unicode(HPDF_Font font)
{
	HPDF_Dict map = ((HPDF_FontAttr)font->attr)->cmap_stream;
	char line[32];

	if (!map)
		return;
	HPDF_MemStream_FreeData(map->stream);
	HPDF_Stream_WriteStr(map->stream, "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
					  "/CMapName /characters def\n/CMapType 2 def\n"
					  "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n");
	for (unsigned high = 0; high < 256; high++) {
		if (high % 64 == 0)
			HPDF_Stream_WriteStr(map->stream, "64 beginbfrange\n");
		snprintf(line, sizeof(line), "<%02X00> <%02XFF> <%02X00>\n", high, high, high);
		HPDF_Stream_WriteStr(map->stream, line);
		if (high % 64 == 63)
			HPDF_Stream_WriteStr(map->stream, "endbfrange\n");
	}
	HPDF_Stream_WriteStr(map->stream, "endcmap\nend\nend\n");
}

static HPDF_Font load_face(struct painter *p, enum face face)
{
	const char *name;

	if (p->font[face])
		return p->font[face];
	name = HPDF_LoadTTFontFromFile(p->doc, fonts_path(p->paper->fonts, face), HPDF_TRUE);
	p->font[face] = name ? HPDF_GetFont(p->doc, name, "UTF-8") : NULL;
	if (p->font[face])
		map_to_unicode(p->font[face]);
	p->seen[face] = mem_alloc(0x10000, 1);
	return p->font[face];
}

/* See above: all parts of the glyphs of these characters are to be embedded. */
static void mark_glyphs(struct painter *p, HPDF_Font font, enum face face, struct view text)
{
	HPDF_TTFontDefAttr def = ((HPDF_FontAttr)font->attr)->fontdef->attr;

	for (size_t i = 0, n; i < text.n; i += n) {
		uint16_t glyph[FONT_PARTS];
		uint32_t cp = 0;
		size_t parts;

		n = utf8_decode(&cp, text.p + i, text.n - i);
		BUG_ON(!n || cp > 0xFFFF);
		if (p->seen[face][cp])
			continue;
		p->seen[face][cp] = 1;
		parts = fonts_glyphs(glyph, p->paper->fonts, face, cp);
		for (size_t k = 0; k < parts; k++)
			if (glyph[k] < def->num_glyphs)
				def->glyph_tbl.flgs[glyph[k]] = 1;
	}
}

static void paint_word(struct painter *p, HPDF_Page page, const struct mark *m)
{
	HPDF_Font font = load_face(p, m->face);
	struct str text = STR_INIT;

	if (!font || !m->text.n)
		return;
	mark_glyphs(p, font, m->face, m->text);
	str_addv(&text, m->text);
	set_fill(page, m->fill);
	HPDF_Page_BeginText(page);
	HPDF_Page_SetFontAndSize(page, font, hundredths(m->size));
	HPDF_Page_TextOut(page, hundredths(m->x), up(p, m->y), text.p);
	HPDF_Page_EndText(page);
	str_release(&text);
}

static void paint_mark(struct painter *p, HPDF_Page page, const struct mark *m)
{
	if (m->kind == MARK_WORD) {
		paint_word(p, page, m);
		return;
	}
	if (m->fill != INK_NONE)
		set_fill(page, m->fill);
	if (m->stroke != INK_NONE)
		set_stroke(page, m);
	if (m->kind == MARK_BOX) {
		HPDF_Page_Rectangle(page, hundredths(m->x), up(p, m->y + m->h), hundredths(m->w),
				    hundredths(m->h));
	} else if (m->kind == MARK_LINE) {
		HPDF_Page_MoveTo(page, hundredths(m->x), up(p, m->y));
		HPDF_Page_LineTo(page, hundredths(m->x + m->w), up(p, m->y + m->h));
	} else {
		for (size_t i = 0; i < m->n; i++) {
			if (i)
				HPDF_Page_LineTo(page, hundredths(m->point[i].x), up(p, m->point[i].y));
			else
				HPDF_Page_MoveTo(page, hundredths(m->point[i].x), up(p, m->point[i].y));
		}
		if (!m->n)
			return;
	}
	finish_shape(page, m);
}

static HPDF_Destination make_destination(struct painter *p, size_t page, double y)
{
	enum { ZOOM = 4 }; /* [page /XYZ left top zoom] */
	HPDF_Destination d = HPDF_Page_CreateDestination(p->page[page]);
	HPDF_Real zoom;

	if (!d)
		return NULL;
	HPDF_Destination_SetXYZ(d, 0, up(p, y > 12 ? y - 12 : 0), 1);
	zoom = HPDF_Array_GetItem(d, ZOOM, HPDF_OCLASS_REAL);
	if (zoom)
		zoom->value = 0;
	return d;
}

static void paint_jumps(struct painter *p, size_t page)
{
	const struct page *from = &p->paper->page[page];

	for (size_t i = 0; i < from->n_jumps; i++) {
		const struct jump *j = &from->jump[i];
		HPDF_Rect r = { hundredths(j->x), up(p, j->y + j->h), hundredths(j->x + j->w), up(p, j->y) };
		struct str uri = STR_INIT;
		HPDF_Annotation a;

		if (j->uri.n) {
			str_addv(&uri, j->uri);
			a = HPDF_Page_CreateURILinkAnnot(p->page[page], r, uri.p);
		} else {
			a = HPDF_Page_CreateLinkAnnot(p->page[page], r,
						      make_destination(p, j->page, j->to_y));
		}
		HPDF_LinkAnnot_SetBorderStyle(a, 0, 0, 0);
		str_release(&uri);
	}
}

/* Each below the last one of a higher level. */
static void paint_bookmarks(struct painter *p)
{
	enum { LEVELS = 7 };
	HPDF_Outline above[LEVELS] = { NULL };
	HPDF_Encoder utf8 = HPDF_GetEncoder(p->doc, "UTF-8");

	for (size_t i = 0; i < p->paper->n_bookmarks; i++) {
		const struct bookmark *b = &p->paper->bookmark[i];
		HPDF_Outline parent = NULL, o;
		struct str words = STR_INIT;

		for (unsigned level = 1; level < b->level; level++)
			parent = above[level] ? above[level] : parent;
		fonts_spell(&words, p->paper->fonts, b->words);
		o = HPDF_CreateOutline(p->doc, parent, words.n ? words.p : "", utf8);
		HPDF_Outline_SetDestination(o, make_destination(p, b->page, b->y));
		HPDF_Outline_SetOpened(o, b->level < 2);
		above[b->level] = o;
		for (unsigned level = b->level + 1; level < LEVELS; level++)
			above[level] = NULL;
		str_release(&words);
	}
}

/* "2026-01-31T12:00:00Z"; false where it is written otherwise */
static bool read_date(HPDF_Date *out, const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	int part[6] = { 0 }, at = 0;

	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == 'd' ? !digit : text[i] != form[i])
			return false;
		if (digit)
			part[at] = part[at] * 10 + (text[i] - '0');
		else
			at++;
	}
	*out = (HPDF_Date){ part[0], part[1], part[2], part[3], part[4], part[5], '+', 0, 0 };
	return true;
}

static void set_info(struct painter *p, HPDF_InfoType type, const char *text)
{
	struct str s = STR_INIT;

	fonts_spell(&s, p->paper->fonts, view_of(text ? text : ""));
	if (s.n)
		HPDF_SetInfoAttr(p->doc, type, s.p);
	str_release(&s);
}

static void paint(struct painter *p)
{
	const struct paper_info *info = &p->paper->info;
	HPDF_Date date;

	HPDF_SetCompressionMode(p->doc, HPDF_COMP_ALL);
	HPDF_UseUTFEncodings(p->doc);
	HPDF_SetCurrentEncoder(p->doc, "UTF-8");
	HPDF_SetPageMode(p->doc, HPDF_PAGE_MODE_USE_OUTLINE);
	set_info(p, HPDF_INFO_TITLE, info->title);
	set_info(p, HPDF_INFO_AUTHOR, info->author);
	set_info(p, HPDF_INFO_SUBJECT, info->subject);
	set_info(p, HPDF_INFO_KEYWORDS, info->keywords);
	if (info->date && read_date(&date, info->date)) {
		HPDF_SetInfoDateAttr(p->doc, HPDF_INFO_CREATION_DATE, date);
		HPDF_SetInfoDateAttr(p->doc, HPDF_INFO_MOD_DATE, date);
	}
	for (size_t i = 0; i < p->paper->n_pages; i++) {
		p->page[i] = HPDF_AddPage(p->doc);
		HPDF_Page_SetSize(p->page[i], HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
	}
	for (size_t i = 0; i < p->paper->n_pages && !p->first; i++) {
		const struct scene *s = &p->paper->page[i].scene;

		for (size_t k = 0; k < s->n && !p->first; k++)
			paint_mark(p, p->page[i], &s->mark[k]);
		paint_jumps(p, i);
	}
	paint_bookmarks(p);
}

static void copy_out(struct painter *p, struct out *o)
{
	HPDF_BYTE piece[8192];
	HPDF_UINT32 n = sizeof(piece);

	HPDF_SaveToStream(p->doc);
	HPDF_ResetStream(p->doc);
	while (!p->first && n == sizeof(piece)) {
		HPDF_STATUS rc = HPDF_ReadFromStream(p->doc, piece, &n);

		/* the end of the stream is reported as an error of its own */
		if (rc != HPDF_OK && rc != HPDF_STREAM_EOF)
			keep_error(rc, 0, p);
		out_put(o, piece, n);
	}
}

int paper_pdf(const struct paper *paper, const char *path, struct err *e)
{
	struct painter p = { .paper = paper };
	struct out *o = NULL;
	int rc = -1;

	p.doc = HPDF_New(keep_error, &p);
	if (!p.doc)
		return err_set(e, ERR_IO, "cannot write %s: libharu has no memory", path);
	p.page = mem_alloc(paper->n_pages, sizeof(HPDF_Page));
	paint(&p);
	if (!p.first && out_open(&o, path, e) < 0)
		goto out;
	if (o)
		copy_out(&p, o);
	if (p.first) {
		err_set(e, ERR_IO, "cannot write %s: libharu error 0x%04lX (%lu)", path,
			(unsigned long)p.first, (unsigned long)p.detail);
		if (o)
			out_abort(o);
		goto out;
	}
	rc = out_commit(o, NULL, e);
out:
	HPDF_Free(p.doc);
	for (size_t i = 0; i < FACE_COUNT; i++)
		mem_free(p.seen[i]);
	mem_free(p.page);
	return rc;
}
