#include "report/flow.h"

#include <stdio.h>
#include <string.h>

/* Sizes, leadings and spaces of the blocks, in points. */
static const struct {
	double size, leading, before;
} headings[] = { { 0, 0, 0 },	    { 21, 27, 0 },   { 14.5, 19, 22 }, { 11, 15, 15 },
		 { 9.5, 13.5, 11 }, { 9.25, 13, 9 }, { 9.25, 13, 9 } };

static const double body_leading = 13.2, paragraph_space = 6.5, code_size = 7.8, code_leading = 10.6;
static const double indent = 15; /* of a list's items */
static const double quote_pad = 9;

/* Boxes: the words GitHub gives meaning to, and plain quotes. */
static const struct box {
	const char *sign, *title;
	enum ink ink, panel;
} boxes[] = {
	{ "[!WARNING]", "Warning", INK_WARN, INK_WARN_PANEL },
	{ "[!CAUTION]", "Caution", INK_WARN, INK_WARN_PANEL },
	{ "[!IMPORTANT]", "Important", INK_CANDIDATE, INK_WARN_PANEL },
	{ "[!TIP]", "Result", INK_GOOD, INK_GOOD_PANEL },
	{ "[!NOTE]", "Note", INK_NOTE, INK_NOTE_PANEL },
	{ "", "", INK_RULE, INK_PANEL },
};

struct band *flow_band(struct flow *f, double width, double before, double height)
{
	struct band *b;

	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 256;
		struct band *grown = ARENA_ARRAY(f->mem, cap, struct band);

		if (f->n)
			memcpy(grown, f->band, f->n * sizeof(*grown));
		f->band = grown;
		f->cap = cap;
	}
	b = &f->band[f->n++];
	*b = (struct band){ .before = before, .height = height };
	scene_init(&b->scene, f->mem, f->fonts, width);
	return b;
}

/* Where the baseline lies in a line of `leading`. */
static double baseline(double leading, double size)
{
	return leading / 2 + size * 0.355;
}

/* The lines of a passage, one band each; the first two and the last two stay together. */
static void add_lines(struct flow *f, const struct passage *p, double x, double width, double leading,
		      double before)
{
	struct line *line;
	size_t n = passage_break(&line, f->mem, p, width);

	for (size_t i = 0; i < n; i++) {
		struct band *b = flow_band(f, x + width, i ? 0 : before, leading);

		b->keep = (i == 0 && n > 1) || i + 2 == n;
		passage_lay(&b->scene, &b->areas, p, line[i], x, baseline(leading, p->style.size));
	}
}

static void add_heading(struct flow *f, const struct node *n, double x, double width)
{
	unsigned level = n->level;
	size_t first = f->n;
	struct passage p;
	struct str words = STR_INIT;

	passage_make(&p, f->mem, f->fonts, n, (struct style){ FACE_BOLD, headings[level].size, INK_TEXT });
	add_lines(f, &p, x, width, headings[level].leading, headings[level].before);
	if (level == 2) {
		struct band *rule = flow_band(f, x + width, 1, 4);

		scene_line(&rule->scene, x, 1, width, 0, INK_RULE, 0.7);
	}
	for (size_t i = first; i < f->n; i++)
		f->band[i].keep = true;
	markdown_words(&words, n);
	f->band[first].anchor = n->target;
	f->band[first].level = level;
	f->band[first].words = view_of(arena_strdup(f->mem, words.n ? words.p : "", words.n));
	str_release(&words);
}

/* Only a picture. */
static bool is_picture(const struct node *n)
{
	return n && n->kind == NODE_PARAGRAPH && n->first && n->first == n->last &&
	       n->first->kind == NODE_IMAGE;
}

/* Only emphasis: the words below a picture. */
static bool is_caption(const struct node *n)
{
	return n && n->kind == NODE_PARAGRAPH && n->first && n->first == n->last &&
	       n->first->kind == NODE_EMPHASIS;
}

static bool is_table(const struct node *n)
{
	return n && n->kind == NODE_TABLE;
}

static bool is_one_row(const struct node *n)
{
	return is_table(n) && n->first && n->first->next == n->last;
}

/* A few words that lead to a table or a picture stay with it. */
static bool introduces(const struct node *n, size_t lines)
{
	return (is_table(n->next) || is_picture(n->next)) && lines <= 3;
}

/* Only a link to a heading: a line of contents. */
static bool is_contents(const struct node *n)
{
	const struct node *link = n->first;

	return link && link == n->last && link->kind == NODE_LINK && link->target.n > 1 &&
	       link->target.p[0] == '#';
}

static void add_picture(struct flow *f, const struct node *n, double x, double width)
{
	const double most = 640; /* what a page holds besides a caption */
	const struct scene *s = f->picture ? f->picture(f->ud, n->target) : NULL;
	double scale = 1;
	struct band *b;

	if (!s)
		return;
	if (s->width * scale > width)
		scale = width / s->width;
	if (s->height * scale > most)
		scale = most / s->height;
	b = flow_band(f, x + width, paragraph_space, s->height * scale);
	scene_place(&b->scene, s, x, 0, scale);
	b->keep = is_caption(n->parent->next) || is_table(n->parent->next);
}

static void add_contents(struct flow *f, const struct node *n, double x, double width)
{
	struct style t = FLOW_BODY;
	double number = fonts_width(f->fonts, t.face, t.size, VIEW("0")) * FLOW_PAGE_NUMBER + 6;
	struct view words = n->first->target;
	struct passage p;
	struct line *line;
	size_t n_lines;

	/* the whole line is the way to the page: plain words, without the colour of links */
	passage_make(&p, f->mem, f->fonts, n->first, t);
	n_lines = passage_break(&line, f->mem, &p, width - number);
	for (size_t i = 0; i < n_lines; i++) {
		struct band *b = flow_band(f, x + width, 0, body_leading);

		passage_lay(&b->scene, &b->areas, &p, line[i], x, baseline(body_leading, t.size));
		areas_add(&b->areas, f->mem, (struct area){ x, 0, width, body_leading, words });
		b->keep = i + 1 < n_lines;
		if (i + 1 < n_lines)
			continue;
		b->contents = (struct view){ words.p + 1, words.n - 1 };
		b->contents_x = x + line[i].width;
		b->contents_end = x + width;
	}
}

static void add_paragraph(struct flow *f, const struct node *n, double x, double width, double before)
{
	struct style t = FLOW_BODY;
	struct passage p;
	size_t first = f->n;
	bool is_title;

	if (is_picture(n)) {
		add_picture(f, n->first, x, width);
		return;
	}
	if (n->parent->kind == NODE_ITEM && is_contents(n)) {
		add_contents(f, n, x, width);
		return;
	}
	if (is_caption(n)) {
		t.size = 8;
		t.ink = INK_MUTED;
		before = 2;
	}
	passage_make(&p, f->mem, f->fonts, n, t);
	if (p.n)
		add_lines(f, &p, x, width, t.size < 9 ? 11 : body_leading, before);
	is_title = first > 0 && f->band[first - 1].keep && f->n == first + 1 && n->next;
	/* the numbers of a picture stay with its caption, a line under a heading with what it is the title of */
	if (f->n > first && (is_caption(n) ? is_one_row(n->next) : introduces(n, f->n - first) || is_title))
		f->band[f->n - 1].keep = true;
}

static void add_code(struct flow *f, const struct node *n, double x, double width)
{
	const struct style t = { FACE_MONO, code_size, INK_TEXT };
	const double pad = 6;
	struct view rest = n->text;
	size_t first = f->n;

	while (rest.n) {
		const char *end = memchr(rest.p, '\n', rest.n);
		struct view one = { rest.p, end ? (size_t)(end - rest.p) : rest.n };
		struct passage p;
		struct line *line;
		size_t n_lines;

		passage_plain(&p, f->mem, f->fonts, one, t);
		n_lines = passage_break(&line, f->mem, &p, width - 2 * pad);
		for (size_t i = 0; i < n_lines; i++) {
			struct band *b =
				flow_band(f, x + width, f->n == first ? paragraph_space : 0, code_leading);

			scene_box(&b->scene, x, -0.2, width, code_leading + 0.4, INK_PANEL, INK_NONE);
			passage_lay(&b->scene, &b->areas, &p, line[i], x + pad,
				    baseline(code_leading, t.size));
		}
		rest.p += one.n + (end ? 1 : 0);
		rest.n -= one.n + (end ? 1 : 0);
	}
	if (f->n > first + 1)
		f->band[first].keep = true;
}

static void add_blocks(struct flow *f, const struct node *n, double x, double width);

static void add_list(struct flow *f, const struct node *list, double x, double width)
{
	const struct style t = FLOW_BODY;
	unsigned number = list->level;

	for (const struct node *item = list->first; item; item = item->next) {
		bool contents =
			item->first && item->first->kind == NODE_PARAGRAPH && is_contents(item->first);
		double by = contents && list->parent->kind != NODE_ITEM ? 0 : indent;
		char label[16] = "\u2022";
		size_t first = f->n;
		struct band *b;

		if (list->level)
			snprintf(label, sizeof(label), "%u.", number++);
		add_blocks(f, item->first, x + by, width - by);
		if (f->n == first)
			flow_band(f, x + width, 0, body_leading);
		b = &f->band[first];
		b->before = list->tight ? 1.5 : paragraph_space;
		if (item == list->first && list->parent->kind != NODE_ITEM)
			b->before = paragraph_space;
		if (!contents)
			scene_text(&b->scene, x + indent - 5, baseline(body_leading, t.size), t, 1,
				   view_of(label));
	}
}

/* Which box a quote is; *skip: the letters of its sign. */
static const struct box *find_box(size_t *skip, const struct node *quote)
{
	const struct box *box = boxes;
	struct str words = STR_INIT;

	if (quote->first && quote->first->kind == NODE_PARAGRAPH)
		markdown_words(&words, quote->first);
	while (box->sign[0] && !(words.n && view_starts(str_view(&words), box->sign)))
		box++;
	*skip = strlen(box->sign);
	while (box->sign[0] && *skip < words.n && words.p[*skip] == ' ')
		++*skip;
	str_release(&words);
	return box;
}

/* Moves what the bands from `first` on hold down by the space before them, which becomes part of them, and paints
 * the panel behind. */
static void paint_panel(struct flow *f, size_t first, const struct box *box, double x, double width)
{
	const double whole = 240; /* a box up to this high is not cut */
	double height = 0;

	for (size_t i = first; i < f->n; i++) {
		struct band *b = &f->band[i];
		double above = i == first ? quote_pad : b->before, below = i + 1 == f->n ? quote_pad : 0;
		struct scene inner = b->scene;

		b->before = i == first ? paragraph_space + 2 : 0;
		b->height += above + below;
		scene_init(&b->scene, f->mem, f->fonts, inner.width);
		/* bands meet without a seam */
		scene_box(&b->scene, x, 0, width, b->height + (below > 0 ? 0 : 0.4), box->panel, INK_NONE);
		scene_box(&b->scene, x, 0, 3, b->height + (below > 0 ? 0 : 0.4), box->ink, INK_NONE);
		scene_place(&b->scene, &inner, 0, above, 1);
		for (size_t k = 0; k < b->areas.n; k++)
			b->areas.area[k].y += above;
		height += b->height;
	}
	for (size_t i = first; i + 1 < f->n && height <= whole; i++)
		f->band[i].keep = true;
}

static void add_quote(struct flow *f, const struct node *quote, double x, double width)
{
	size_t first = f->n, skip;
	const struct box *box = find_box(&skip, quote);
	double inner = x + 3 + quote_pad, room = width - 3 - 2 * quote_pad;
	const struct node *rest = quote->first;

	if (box->title[0]) {
		const struct style t = { FACE_BOLD, 9.25, box->ink };
		struct band *b = flow_band(f, x + width, 0, body_leading);
		struct passage p;

		scene_text(&b->scene, inner, baseline(body_leading, t.size), t, 0, view_of(box->title));
		b->keep = true;
		passage_make(&p, f->mem, f->fonts, rest, FLOW_BODY);
		p.letter += skip;
		p.n -= skip;
		if (p.n)
			add_lines(f, &p, inner, room, body_leading, 2);
		rest = rest->next;
	}
	add_blocks(f, rest, inner, room);
	if (f->n > first)
		paint_panel(f, first, box, x, width);
}

/* A line across asks for a new page. */
static void add_rule(struct flow *f, double x, double width)
{
	flow_band(f, x + width, 0, 0)->new_page = true;
}

/* `n` and the blocks after it.  Bounded by NODE_DEPTH. */
static void add_blocks(struct flow *f, const struct node *n, double x, double width)
{
	for (; n; n = n->next) {
		switch (n->kind) {
		case NODE_HEADING: add_heading(f, n, x, width); break;
		case NODE_PARAGRAPH: add_paragraph(f, n, x, width, paragraph_space); break;
		case NODE_LIST: add_list(f, n, x, width); break;
		case NODE_TABLE:
			flow_table(f, n, x, width, paragraph_space + 2);
			f->band[f->n - 1].keep |= is_caption(n->next);
			break;
		case NODE_BLOCK: add_code(f, n, x, width); break;
		case NODE_QUOTE:
			add_quote(f, n, x, width);
			f->band[f->n - 1].keep |= is_table(n->next);
			break;
		case NODE_RULE: add_rule(f, x, width); break;
		default: break;
		}
	}
}

void flow_add(struct flow *f, const struct node *document, struct view name, double x, double width)
{
	size_t first = f->n;

	add_rule(f, x, width);
	f->band[first].document = name;
	add_blocks(f, document->first, x, width);
}
