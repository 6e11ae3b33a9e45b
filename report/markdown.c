#include "report/markdown.h"

#include <md4c.h>

#include <string.h>

struct reader {
	struct arena *mem;
	struct node *at;  /* where the next node goes */
	struct str block; /* the code block under way */
	size_t depth;
	bool too_deep;
};

static const struct {
	const char *name, *text;
} entities[] = {
	{ "&amp;", "&" },	  { "&lt;", "<" },	  { "&gt;", ">" },	   { "&quot;", "\"" },
	{ "&apos;", "'" },	  { "&nbsp;", "\u00A0" }, { "&ndash;", "\u2013" }, { "&mdash;", "\u2014" },
	{ "&hellip;", "\u2026" }, { "&copy;", "\u00A9" }, { "&times;", "\u00D7" }, { "&minus;", "\u2212" },
	{ "&plusmn;", "\u00B1" }, { "&le;", "\u2264" },	  { "&ge;", "\u2265" },	   { "&larr;", "\u2190" },
	{ "&rarr;", "\u2192" },
};

static struct view keep(struct arena *mem, const struct str *s)
{
	return (struct view){ arena_strdup(mem, s->n ? s->p : "", s->n), s->n };
}

/* "&#8364;", "&#x20AC;": false where it is no number of a character */
static bool number_entity(uint32_t *cp, struct view v)
{
	bool hex = v.n > 3 && (v.p[2] | 32) == 'x';
	uint64_t sum = 0;

	for (size_t i = hex ? 3 : 2; i + 1 < v.n; i++) {
		char c = v.p[i] | 32;

		if (v.p[i] >= '0' && v.p[i] <= '9')
			sum = sum * (hex ? 16 : 10) + (uint64_t)(v.p[i] - '0');
		else if (hex && c >= 'a' && c <= 'f')
			sum = sum * 16 + (uint64_t)(c - 'a' + 10);
		else
			return false;
		if (sum > 0x10FFFF)
			sum = 0xFFFD;
	}
	*cp = sum && (sum < 0xD800 || sum > 0xDFFF) ? (uint32_t)sum : 0xFFFD;
	return true;
}

/* The text of an entity; names that are not in the list stay as they are written. */
static void add_entity(struct str *out, struct view v)
{
	uint32_t cp;
	char utf8[4];

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (view_is(v, entities[i].name)) {
			str_adds(out, entities[i].text);
			return;
		}
	}
	if (v.n > 3 && v.p[1] == '#' && number_entity(&cp, v))
		str_add(out, utf8, utf8_encode(utf8, cp));
	else
		str_addv(out, v);
}

static struct view attribute(struct reader *r, const MD_ATTRIBUTE *a)
{
	struct str s = STR_INIT;
	struct view v;

	for (size_t i = 0; a->text && a->substr_offsets[i] < a->size; i++) {
		struct view part = { a->text + a->substr_offsets[i],
				     a->substr_offsets[i + 1] - a->substr_offsets[i] };

		if (a->substr_types[i] == MD_TEXT_ENTITY)
			add_entity(&s, part);
		else
			str_addv(&s, part);
	}
	v = keep(r->mem, &s);
	str_release(&s);
	return v;
}

static struct node *add_node(struct reader *r, enum node_kind kind)
{
	struct node *n = ARENA_NEW(r->mem, struct node);

	n->kind = kind;
	n->parent = r->at;
	if (r->at->last)
		r->at->last->next = n;
	else
		r->at->first = n;
	r->at->last = n;
	return n;
}

static int open_node(struct reader *r, struct node *n)
{
	r->at = n;
	r->too_deep |= ++r->depth > NODE_DEPTH;
	return r->too_deep ? -1 : 0;
}

static void close_node(struct reader *r)
{
	r->at = r->at->parent;
	r->depth--;
}

/* Inlines of a tight list's item come without a paragraph around them: they get one, marked tight, which ends
 * with the next block. */
static int open_inline(struct reader *r)
{
	struct node *n;

	if (r->at->kind != NODE_ITEM)
		return 0;
	n = add_node(r, NODE_PARAGRAPH);
	n->tight = true;
	return open_node(r, n);
}

static void close_inline(struct reader *r)
{
	if (r->at->kind == NODE_PARAGRAPH && r->at->tight)
		close_node(r);
}

static int enter_list(struct reader *r, const MD_BLOCK_UL_DETAIL *ul, const MD_BLOCK_OL_DETAIL *ol)
{
	struct node *n = add_node(r, NODE_LIST);

	n->tight = ul ? ul->is_tight : ol->is_tight;
	n->level = ol ? ol->start : 0;
	/* a list that counts from 0 still counts */
	if (ol && !ol->start)
		n->level = 1;
	return open_node(r, n);
}

static int enter_cell(struct reader *r, bool head, const MD_BLOCK_TD_DETAIL *td)
{
	struct node *n = add_node(r, NODE_CELL);

	n->head = head;
	n->align = td->align == MD_ALIGN_RIGHT	  ? NODE_RIGHT
		   : td->align == MD_ALIGN_CENTER ? NODE_CENTER
						  : NODE_LEFT;
	return open_node(r, n);
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *ud)
{
	struct reader *r = ud;
	struct node *n;

	close_inline(r);
	switch (type) {
	case MD_BLOCK_QUOTE: return open_node(r, add_node(r, NODE_QUOTE));
	case MD_BLOCK_UL: return enter_list(r, detail, NULL);
	case MD_BLOCK_OL: return enter_list(r, NULL, detail);
	case MD_BLOCK_LI: return open_node(r, add_node(r, NODE_ITEM));
	case MD_BLOCK_HR: return open_node(r, add_node(r, NODE_RULE));
	case MD_BLOCK_H:
		n = add_node(r, NODE_HEADING);
		n->level = ((const MD_BLOCK_H_DETAIL *)detail)->level;
		return open_node(r, n);
	case MD_BLOCK_CODE: str_clear(&r->block); return open_node(r, add_node(r, NODE_BLOCK));
	case MD_BLOCK_P: return open_node(r, add_node(r, NODE_PARAGRAPH));
	case MD_BLOCK_TABLE:
		n = add_node(r, NODE_TABLE);
		n->level = ((const MD_BLOCK_TABLE_DETAIL *)detail)->col_count;
		return open_node(r, n);
	case MD_BLOCK_TR: return open_node(r, add_node(r, NODE_ROW));
	case MD_BLOCK_TH: r->at->head = true; return enter_cell(r, true, detail);
	case MD_BLOCK_TD: return enter_cell(r, false, detail);
	case MD_BLOCK_DOC:
	case MD_BLOCK_HTML:
	case MD_BLOCK_THEAD:
	case MD_BLOCK_TBODY: break;
	}
	return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *ud)
{
	struct reader *r = ud;

	(void)detail;
	close_inline(r);
	if (type == MD_BLOCK_DOC || type == MD_BLOCK_HTML || type == MD_BLOCK_THEAD || type == MD_BLOCK_TBODY)
		return 0;
	if (type == MD_BLOCK_CODE)
		r->at->text = keep(r->mem, &r->block);
	close_node(r);
	return 0;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *ud)
{
	struct reader *r = ud;
	struct node *n;

	if (open_inline(r) < 0)
		return -1;
	switch (type) {
	case MD_SPAN_STRONG: return open_node(r, add_node(r, NODE_STRONG));
	case MD_SPAN_A:
		n = add_node(r, NODE_LINK);
		n->target = attribute(r, &((const MD_SPAN_A_DETAIL *)detail)->href);
		return open_node(r, n);
	case MD_SPAN_IMG:
		n = add_node(r, NODE_IMAGE);
		n->target = attribute(r, &((const MD_SPAN_IMG_DETAIL *)detail)->src);
		return open_node(r, n);
	case MD_SPAN_CODE: return open_node(r, add_node(r, NODE_CODE));
	case MD_SPAN_DEL: return open_node(r, add_node(r, NODE_STRIKE));
	default: return open_node(r, add_node(r, NODE_EMPHASIS));
	}
}

static int leave_span(MD_SPANTYPE type, void *detail, void *ud)
{
	(void)type;
	(void)detail;
	close_node(ud);
	return 0;
}

static bool in_cell(const struct node *n)
{
	while (n && n->kind != NODE_CELL)
		n = n->parent;
	return n != NULL;
}

/* A row is cut at its bars first, so a bar in a span of code has a backslash there that is no part of it. */
static void add_code(struct str *out, struct view v, bool cell)
{
	for (size_t i = 0; i < v.n; i++)
		if (!cell || v.p[i] != '\\' || i + 1 == v.n || v.p[i + 1] != '|')
			str_addc(out, v.p[i]);
}

static int add_words(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *ud)
{
	struct reader *r = ud;
	struct str s = STR_INIT;

	if (r->at->kind == NODE_BLOCK) {
		str_add(&r->block, text, size);
		return 0;
	}
	if (open_inline(r) < 0)
		return -1;
	switch (type) {
	case MD_TEXT_NULLCHAR: str_adds(&s, "\uFFFD"); break;
	case MD_TEXT_BR: add_node(r, NODE_BREAK); return 0;
	case MD_TEXT_SOFTBR: str_addc(&s, ' '); break;
	case MD_TEXT_ENTITY: add_entity(&s, (struct view){ text, size }); break;
	case MD_TEXT_CODE: add_code(&s, (struct view){ text, size }, in_cell(r->at)); break;
	default: str_add(&s, text, size); break;
	}
	add_node(r, NODE_TEXT)->text = keep(r->mem, &s);
	str_release(&s);
	return 0;
}

const struct node *markdown_next(const struct node *root, const struct node *n)
{
	if (n->first)
		return n->first;
	while (n != root && !n->next)
		n = n->parent;
	return n == root ? NULL : n->next;
}

void markdown_words(struct str *out, const struct node *n)
{
	for (const struct node *at = n; at; at = markdown_next(n, at)) {
		if (at->kind == NODE_BREAK)
			str_addc(out, ' ');
		str_addv(out, at->text);
	}
}

void markdown_slug(struct str *out, struct view words)
{
	for (size_t i = 0, n; i < words.n; i += n) {
		uint32_t cp = 0;
		char c = words.p[i];

		n = utf8_decode(&cp, words.p + i, words.n - i);
		if (!n)
			n = 1;
		else if (c >= 'A' && c <= 'Z')
			str_addc(out, (char)(c | 32));
		else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
			str_addc(out, c);
		else if (c == ' ')
			str_addc(out, '-');
		else if (cp >= 0xC0 && cp != 0xD7 && cp != 0xF7 && !(cp >= 0x2000 && cp < 0x2C00) &&
			 !(cp >= 0x3000 && cp < 0x3040))
			str_add(out, words.p + i, n);
	}
}

/* Repeated anchors get "-1", "-2", ... */
static void name_headings(struct arena *mem, struct node *root)
{
	struct str s = STR_INIT;

	for (struct node *n = root->first; n; n = n->next) {
		size_t same = 0;

		if (n->kind != NODE_HEADING)
			continue;
		str_clear(&s);
		markdown_words(&s, n);
		n->text = keep(mem, &s);
		str_clear(&s);
		markdown_slug(&s, n->text);
		n->text = n->target = keep(mem, &s);
		for (const struct node *before = root->first; before != n; before = before->next)
			same += before->kind == NODE_HEADING && view_eq(before->text, n->text);
		if (same)
			n->target = view_of(arena_fmt(mem, "%.*s-%zu", (int)n->text.n, n->text.p, same));
	}
	for (struct node *n = root->first; n; n = n->next)
		if (n->kind == NODE_HEADING)
			n->text = (struct view){ NULL, 0 };
	str_release(&s);
}

int markdown_read(struct node **out, struct arena *mem, struct view text, const char *file, struct err *e)
{
	const MD_PARSER parser = {
		.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_NOHTML,
		.enter_block = enter_block,
		.leave_block = leave_block,
		.enter_span = enter_span,
		.leave_span = leave_span,
		.text = add_words,
	};
	struct reader r = { .mem = mem, .at = ARENA_NEW(mem, struct node) };
	struct node *root = r.at;
	int rc;

	*out = NULL;
	if (text.n > UINT32_MAX / 2)
		return err_set(e, ERR_SIZE, "%s: %zu bytes of Markdown; at most 2 GiB", file, text.n);
	rc = md_parse(text.p, (MD_SIZE)text.n, &parser, &r);
	str_release(&r.block);
	if (r.too_deep)
		return err_set(e, ERR_INPUT, "%s: more than %d blocks and spans within one another", file,
			       (int)NODE_DEPTH);
	if (rc != 0)
		return err_set(e, ERR_INPUT, "%s: Markdown that cannot be read", file);
	name_headings(mem, root);
	*out = root;
	return 0;
}
