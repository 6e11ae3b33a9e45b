#include "flow/yaml.h"

#include <string.h>
#include <yaml.h>

/* A list or a map that is still open. */
struct frame {
	struct yaml *node;
	struct yaml *last;
	bool keyed; /* a map's key was read, its value comes next */
	struct view key;
	struct pos key_at;
};

struct builder {
	struct arena *mem;
	const char *file;
	struct frame frame[YAML_DEPTH];
	size_t depth;
	struct yaml *root;
	bool ended;
};

static struct pos place(const char *file, const yaml_mark_t *m)
{
	return (struct pos){ .file = file, .line = (unsigned)m->line + 1, .col = (unsigned)m->column + 1 };
}

/* Where byte `at` of the text stands. */
static struct pos place_of(struct view text, size_t at, const char *file)
{
	struct pos pos = { .file = file, .line = 1, .col = 1 };

	for (size_t i = 0; i < at && i < text.n; i++) {
		if (text.p[i] == '\n') {
			pos.line++;
			pos.col = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			pos.col++;
		}
	}
	return pos;
}

/* libyaml's own complaint, with its place, and what people mostly did. */
static int broken(const yaml_parser_t *y, struct view text, const char *file, struct err *e)
{
	struct pos pos = place(file, &y->problem_mark);
	const char *problem = y->problem ? y->problem : "it cannot be read";

	if (y->error == YAML_READER_ERROR) {
		pos = place_of(text, y->problem_offset, file);
		return err_at(e, ERR_SPEC, pos, "not YAML: %s (byte 0x%02x)", problem,
			      (unsigned)y->problem_value & 0xff);
	}
	if (y->problem_mark.index < text.n && strstr(problem, "cannot start any token") &&
	    y->buffer.pointer && y->buffer.pointer < y->buffer.last && *y->buffer.pointer == '\t')
		return err_at(e, ERR_SPEC, pos, "not YAML: a tab; indent with blanks");
	if (y->context && y->context_mark.line != y->problem_mark.line)
		return err_at(e, ERR_SPEC, pos, "not YAML: %s, %s that began in line %zu", problem,
			      y->context, (size_t)y->context_mark.line + 1);
	return err_at(e, ERR_SPEC, pos, "not YAML: %s", problem);
}

static int refuse_marks(const struct pos at, const yaml_char_t *anchor, const yaml_char_t *tag, struct err *e)
{
	if (anchor)
		return err_at(e, ERR_SPEC, at, "&%s: anchors are not taken; write the value where it is used",
			      (const char *)anchor);
	if (tag)
		return err_at(e, ERR_SPEC, at, "%s: tags are not taken; quote a value to make it text",
			      (const char *)tag);
	return 0;
}

/* Hangs a node where it belongs: under the open list or map, or as the root. */
static int hang(struct builder *b, struct yaml *node, struct err *e)
{
	struct frame *f;

	if (b->depth == 0) {
		b->root = node;
		return 0;
	}
	f = &b->frame[b->depth - 1];
	if (f->node->kind == YAML_MAP) {
		if (!f->keyed)
			return err_at(e, ERR_SPEC, node->at, "a key that is %s; a key is a name",
				      yaml_kind_name(node->kind));
		node->key = f->key;
		node->key_at = f->key_at;
		f->keyed = false;
	}
	if (f->last)
		f->last->next = node;
	else
		f->node->first = node;
	f->last = node;
	f->node->n++;
	return 0;
}

static int scalar(struct builder *b, const yaml_event_t *event, struct err *e)
{
	struct pos at = place(b->file, &event->start_mark);
	struct view text = { .n = event->data.scalar.length };
	struct frame *f = b->depth ? &b->frame[b->depth - 1] : NULL;
	struct yaml *node;

	if (refuse_marks(at, event->data.scalar.anchor, event->data.scalar.tag, e) < 0)
		return -1;
	text.p = arena_strdup(b->mem, (const char *)event->data.scalar.value, text.n);
	if (f && f->node->kind == YAML_MAP && !f->keyed) {
		f->key = text;
		f->key_at = at;
		f->keyed = true;
		return 0;
	}
	node = ARENA_NEW(b->mem, struct yaml);
	node->kind = YAML_SCALAR;
	node->at = at;
	node->text = text;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return hang(b, node, e);
}

static int open_node(struct builder *b, enum yaml_kind kind, const yaml_event_t *event, struct err *e)
{
	bool map = kind == YAML_MAP;
	struct pos at = place(b->file, &event->start_mark);
	struct yaml *node = ARENA_NEW(b->mem, struct yaml);

	if (refuse_marks(at, map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
			 map ? event->data.mapping_start.tag : event->data.sequence_start.tag, e) < 0)
		return -1;
	if (b->depth == YAML_DEPTH)
		return err_at(e, ERR_SPEC, at, "nested more than %d deep", YAML_DEPTH);
	node->kind = kind;
	node->at = at;
	if (hang(b, node, e) < 0)
		return -1;
	b->frame[b->depth++] = (struct frame){ .node = node };
	return 0;
}

static int take(struct builder *b, const yaml_event_t *event, struct err *e)
{
	struct pos at = place(b->file, &event->start_mark);

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return b->ended ? err_at(e, ERR_SPEC, at, "a second document; one is read") : 0;
	case YAML_DOCUMENT_END_EVENT: b->ended = true; return 0;
	case YAML_ALIAS_EVENT:
		return err_at(e, ERR_SPEC, at, "*%s: aliases are not taken; write the value",
			      (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT: return scalar(b, event, e);
	case YAML_SEQUENCE_START_EVENT: return open_node(b, YAML_LIST, event, e);
	case YAML_MAPPING_START_EVENT: return open_node(b, YAML_MAP, event, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: b->depth--; return 0;
	default: return 0;
	}
}

static int read_events(struct builder *b, yaml_parser_t *y, struct view text, struct err *e)
{
	for (bool end = false; !end;) {
		yaml_event_t event;
		int rc;

		if (!yaml_parser_parse(y, &event))
			return broken(y, text, b->file, e);
		end = event.type == YAML_STREAM_END_EVENT;
		rc = take(b, &event, e);
		yaml_event_delete(&event);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int yaml_read(const struct yaml **out, struct arena *mem, struct view text, const char *file, struct err *e)
{
	struct builder b = { .mem = mem, .file = file };
	yaml_parser_t y;
	size_t valid;
	int rc;

	if (view_starts(text, "\xef\xbb\xbf"))
		text = (struct view){ text.p + 3, text.n - 3 };
	if (text.n > YAML_BYTES)
		return err_at(e, ERR_SPEC, (struct pos){ .file = file, .line = 1, .col = 1 },
			      "%zu bytes; at most %d are read", text.n, YAML_BYTES);
	valid = utf8_valid(text.p, text.n);
	if (valid < text.n)
		return err_at(e, ERR_SPEC, place_of(text, valid, file), "not UTF-8: byte 0x%02x",
			      (unsigned char)text.p[valid]);
	if (!yaml_parser_initialize(&y))
		return err_set(e, ERR_SIZE, "no memory for the YAML parser");
	yaml_parser_set_encoding(&y, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y, (const unsigned char *)text.p, text.n);
	rc = read_events(&b, &y, text, e);
	yaml_parser_delete(&y);
	if (rc < 0)
		return -1;
	if (!b.root) {
		b.root = ARENA_NEW(mem, struct yaml);
		b.root->kind = YAML_MAP;
		b.root->at = (struct pos){ .file = file, .line = 1, .col = 1 };
	}
	*out = b.root;
	return 0;
}

const struct yaml *yaml_find(const struct yaml *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml *m = map->first; m; m = m->next)
		if (view_is(m->key, key))
			return m;
	return NULL;
}

bool yaml_is_blank(const struct yaml *y)
{
	return y->kind == YAML_SCALAR && !y->quoted && y->text.n == 0;
}

const char *yaml_kind_name(enum yaml_kind k)
{
	static const char *const name[] = { "a single value", "a list", "a map" };

	return name[k];
}
