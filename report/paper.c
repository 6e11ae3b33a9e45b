#include "report/paper.h"

#include <string.h>

/* A4 in points, and where its column begins and ends. */
static const double page_width = 595.276, page_height = 841.89, top = 72, bottom = 841.89 - 64;

/* A band on its page; a head that is repeated is placed more than once. */
struct placed {
	size_t band, page;
	double y;
};

struct cutter {
	const struct flow *f;
	struct arena *mem;
	struct placed *placed;
	size_t n, cap, page;
	double y;
};

static void place(struct cutter *c, size_t band)
{
	const struct band *b = &c->f->band[band];

	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 256;
		struct placed *grown = ARENA_ARRAY(c->mem, cap, struct placed);

		if (c->n)
			memcpy(grown, c->placed, c->n * sizeof(*grown));
		c->placed = grown;
		c->cap = cap;
	}
	if (c->y > top)
		c->y += b->before;
	c->placed[c->n++] = (struct placed){ band, c->page, c->y };
	c->y += b->height;
}

/* On a new page a row of a table comes below its head. */
static void turn_page(struct cutter *c, size_t next)
{
	const struct band *b = &c->f->band[next];

	if (c->y <= top)
		return;
	c->page++;
	c->y = top;
	for (size_t i = 0; i < b->n_heads; i++)
		place(c, b->heads + i);
}

/* Bands [from, to) stay together: their height below what is on the page. */
static double height_of(const struct cutter *c, size_t from, size_t to)
{
	double h = 0;

	for (size_t i = from; i < to; i++)
		h += c->f->band[i].height + (i > from || c->y > top ? c->f->band[i].before : 0);
	return h;
}

static void cut(struct cutter *c)
{
	const double slack = 0.01;
	size_t end;

	for (size_t i = 0; i < c->f->n; i = end) {
		end = i + 1;
		while (end < c->f->n && c->f->band[end - 1].keep && !c->f->band[end].new_page)
			end++;
		if (c->f->band[i].new_page || c->y + height_of(c, i, end) > bottom + slack)
			turn_page(c, i);
		/* what is higher than a page is cut where the page ends */
		for (size_t k = i; k < end; k++) {
			if (c->y + height_of(c, k, k + 1) > bottom + slack)
				turn_page(c, k);
			place(c, k);
		}
	}
}

static bool same_anchor(struct view a, struct view b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		char x = a.p[i] >= 'A' && a.p[i] <= 'Z' ? (char)(a.p[i] | 32) : a.p[i];
		char y = b.p[i] >= 'A' && b.p[i] <= 'Z' ? (char)(b.p[i] | 32) : b.p[i];

		if (x != y)
			return false;
	}
	return true;
}

/* Where a heading ("name", from "#name") or a document ("name.md") is; NULL: nowhere. */
static const struct placed *find_place(const struct cutter *c, struct view anchor, bool document)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct band *b = &c->f->band[c->placed[i].band];
		struct view name = document ? b->document : b->anchor;

		if (name.n && same_anchor(name, anchor))
			return &c->placed[i];
	}
	return NULL;
}

static int add_jump(struct page *page, const struct cutter *c, struct area a, double y, struct err *e)
{
	struct jump j = { .x = a.x, .y = a.y + y, .w = a.w, .h = a.h };
	const char *mark = memchr(a.target.p, '#', a.target.n);
	struct view file = { a.target.p, mark ? (size_t)(mark - a.target.p) : a.target.n };
	const struct placed *to;

	if (view_starts(a.target, "https://") || view_starts(a.target, "http://") ||
	    view_starts(a.target, "mailto:")) {
		j.uri = a.target;
	} else if (file.n == 0 || view_ends(file, ".md")) {
		to = find_place(c, mark ? (struct view){ mark + 1, a.target.n - file.n - 1 } : file, !mark);
		if (!to)
			return err_set(e, ERR_SPEC, "the document links to '%.*s', and there is no such %s",
				       (int)a.target.n, a.target.p, mark ? "heading" : "document");
		j.page = to->page;
		j.to_y = to->y;
	} else {
		return 0; /* files beside the document: paper cannot lead there */
	}
	page->jump[page->n_jumps++] = j;
	return 0;
}

/* Dots and a page number at the end of a line of contents. */
static int put_number(struct scene *s, const struct cutter *c, const struct band *b, double y, struct err *e)
{
	const struct style t = FLOW_BODY, dots = { FACE_REGULAR, 8, INK_MUTED };
	const struct placed *to = find_place(c, b->contents, false);
	double baseline = y + b->height / 2 + t.size * 0.355, end, step = scene_measure(s, dots, VIEW(". "));

	if (!to)
		return err_set(e, ERR_SPEC, "the contents name '#%.*s', and there is no such heading",
			       (int)b->contents.n, b->contents.p);
	end = b->contents_end -
	      scene_text(s, b->contents_end, baseline, t, 1, view_of(arena_fmt(c->mem, "%zu", to->page + 1)));
	/* on a grid from the right, so that the dots of all lines stand below one another */
	for (size_t i = 0; b->contents_end - 24 - (double)i * step > b->contents_x + 6; i++) {
		double x = b->contents_end - 24 - (double)i * step;

		if (x + step < end)
			scene_text(s, x, baseline, dots, 0, VIEW("."));
	}
	return 0;
}

static void put_furniture(struct page *page, const struct paper *p, size_t number, struct arena *mem)
{
	const struct style t = { FACE_REGULAR, 7.5, INK_MUTED }, warn = { FACE_BOLD, 7.5, INK_WARN };
	const double head = 44, foot = page_height - 36, right = PAPER_X + PAPER_WIDTH;
	struct scene *s = &page->scene;

	scene_wrap(s, PAPER_X, head, PAPER_WIDTH * 0.68, 9, 1, t, view_of(p->info.head_left));
	scene_text(s, right, head, p->info.head_warns ? warn : t, 1, view_of(p->info.head_right));
	scene_line(s, PAPER_X, head + 6, PAPER_WIDTH, 0, INK_RULE, 0.4);
	scene_text(s, PAPER_X, foot, t, 0, view_of(p->info.author));
	scene_text(s, right, foot, t, 1, view_of(arena_fmt(mem, "page %zu of %zu", number + 1, p->n_pages)));
}

static int fill_pages(struct paper *p, const struct cutter *c, struct err *e)
{
	for (size_t i = 0; i < p->n_pages; i++) {
		scene_init(&p->page[i].scene, c->mem, c->f->fonts, page_width);
		p->page[i].scene.height = page_height;
		put_furniture(&p->page[i], p, i, c->mem);
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct placed *at = &c->placed[i];
		const struct band *b = &c->f->band[at->band];
		struct page *page = &p->page[at->page];

		scene_place(&page->scene, &b->scene, 0, at->y, 1);
		if (b->contents.n && put_number(&page->scene, c, b, at->y, e) < 0)
			return -1;
		for (size_t k = 0; k < b->areas.n; k++)
			if (add_jump(page, c, b->areas.area[k], at->y, e) < 0)
				return -1;
		if (b->anchor.n && b->level <= 3)
			p->bookmark[p->n_bookmarks++] =
				(struct bookmark){ b->words, b->level, at->page, at->y };
	}
	return 0;
}

int paper_make(struct paper *out, struct arena *mem, const struct flow *f, const struct paper_info *info,
	       struct err *e)
{
	struct cutter c = { .f = f, .mem = mem, .y = top };
	size_t n_bookmarks = 0;

	*out = (struct paper){ .info = *info, .fonts = f->fonts, .width = page_width, .height = page_height };
	cut(&c);
	out->n_pages = c.page + 1;
	out->page = ARENA_ARRAY(mem, out->n_pages, struct page);
	for (size_t i = 0; i < c.n; i++) {
		out->page[c.placed[i].page].n_jumps += f->band[c.placed[i].band].areas.n;
		n_bookmarks += f->band[c.placed[i].band].anchor.n != 0;
	}
	for (size_t i = 0; i < out->n_pages; i++) {
		out->page[i].jump = ARENA_ARRAY(mem, out->page[i].n_jumps + 1, struct jump);
		out->page[i].n_jumps = 0;
	}
	out->bookmark = ARENA_ARRAY(mem, n_bookmarks + 1, struct bookmark);
	return fill_pages(out, &c, e);
}
