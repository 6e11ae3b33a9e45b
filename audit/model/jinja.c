#include "model/jinja.h"

#include "model/jinja_machine.h"
#include "model/jinja_parse.h"

#include <string.h>

#define SOURCE_MOST (4u << 20) /* bytes; the longest released template has some 20 KB */

struct pos jinja_pos(const struct jinja *t, uint32_t at)
{
	return jinja_place(t->source, t->name, at);
}

static int parse(struct jinja *t, struct view text, const char *name, struct err *e)
{
	struct arena *mem = &t->heap.mem;
	struct parser p = { .t = t, .e = e };
	struct token *token;
	struct node *body = NULL;
	size_t n, valid = utf8_valid(text.p, text.n);

	t->heap.most = SIZE_MAX;
	t->name = arena_strdup(mem, name, strlen(name));
	if (valid < text.n)
		return err_set(e, ERR_INPUT, "%s: byte %zu of the template is not valid UTF-8", name, valid);
	if (text.n > SOURCE_MOST)
		return err_set(e, ERR_INPUT, "%s: a template of %zu bytes, at most %u are read", name, text.n,
			       SOURCE_MOST);
	t->source = jinja_source(mem, text);
	if (jinja_lex(&token, &n, mem, t->source, t->name, e) < 0)
		return -1;
	p.tok = token;
	if (!parse_body(&p, &body, "") || !parse_known(&p))
		return -1;
	t->body = body;
	return 0;
}

int jinja_open(struct jinja **out, struct view text, const char *name, struct err *e)
{
	struct jinja *t = mem_alloc(1, sizeof(*t));

	if (parse(t, text, name, e) < 0) {
		jinja_close(t);
		return -1;
	}
	*out = t;
	return 0;
}

void jinja_close(struct jinja *t)
{
	if (t == NULL)
		return;
	arena_release(&t->heap.mem);
	mem_free(t);
}

int machine_step(struct machine *m, size_t bytes)
{
	m->steps += 1 + bytes / 16;
	if (m->heap.full)
		return FAIL(m, "the template needs more than %zu MiB here", m->heap.most >> 20);
	if (m->steps > m->most_steps)
		return FAIL(m, "the template does not come to an end: more than %zu steps", m->most_steps);
	return 0;
}

int machine_enter(struct machine *m)
{
	if (++m->depth > MACHINE_DEPTH)
		return FAIL(m, "the template nests more than %u deep here (recursion without end?)",
			    MACHINE_DEPTH);
	return machine_step(m, 0);
}

void machine_leave(struct machine *m)
{
	m->depth--;
}

int machine_undefined(struct machine *m, struct value v)
{
	const struct missing *u = v.missing;

	if (u->hint != NULL)
		return FAIL(m, "%s", u->hint);
	if (u->of == NULL)
		return FAIL(m, "'%.*s' is undefined", SHORT_VIEW(u->name));
	if (u->element)
		return FAIL(m, "a %s has no element %.*s", u->of, SHORT_VIEW(u->name));
	return FAIL(m, "a %s has no attribute '%.*s'", u->of, SHORT_VIEW(u->name));
}

struct scope *scope_new(struct machine *m, struct scope *parent)
{
	struct scope *s = HEAP_NEW(&m->heap, struct scope);

	s->parent = parent;
	return s;
}

struct binding *scope_find(struct scope *s, struct view name)
{
	for (; s != NULL; s = s->parent)
		for (struct binding *b = s->first; b != NULL; b = b->next)
			if (view_eq(b->name, name))
				return b;
	return NULL;
}

void scope_set(struct machine *m, struct scope *s, struct view name, struct value v)
{
	struct scope own = { .first = s->first };
	struct binding *b = scope_find(&own, name);

	if (b == NULL) {
		b = HEAP_NEW(&m->heap, struct binding);
		*b = (struct binding){ .name = name, .next = s->first };
		s->first = b;
	}
	b->value = v;
}

static struct value from_json(struct machine *m, const struct json *j, const struct jinja_var *var);

static struct value from_json_list(struct machine *m, const struct json *j, const struct jinja_var *var)
{
	struct value *item = HEAP_ARRAY(&m->heap, j->n, struct value);
	size_t n = 0;

	for (const struct json *i = j->first; i != NULL; i = i->next)
		item[n++] = from_json(m, i, var);
	return val_seq(m, VAL_LIST, item, n);
}

/* The keys of JSON are known to differ. */
static struct value from_json_object(struct machine *m, const struct json *j, const struct jinja_var *var)
{
	struct value v = val_dict(m);
	struct dict *d = v.dict;

	d->key = HEAP_ARRAY(&m->heap, j->n, struct value);
	d->item = HEAP_ARRAY(&m->heap, j->n, struct value);
	d->cap = j->n;
	for (const struct json *i = j->first; i != NULL; i = i->next, d->n++) {
		d->key[d->n] = val_text(text_make(&m->heap, i->key, 0));
		d->item[d->n] = from_json(m, i, var);
	}
	return v;
}

/* Recursion as deep as base/json.h lets JSON nest. */
static struct value from_json(struct machine *m, const struct json *j, const struct jinja_var *var)
{
	switch (j->kind) {
	case JSON_NULL: return val_none();
	case JSON_FALSE:
	case JSON_TRUE: return val_bool(j->kind == JSON_TRUE);
	case JSON_INTEGER: return val_int(j->integer);
	case JSON_REAL: return val_real(j->real);
	case JSON_STRING:
		return val_text(
			text_make(&m->heap, j->str, var->origin != NULL ? var->origin(var->ud, j) : 0));
	case JSON_ARRAY: return from_json_list(m, j, var);
	default: return from_json_object(m, j, var);
	}
}

static struct value variable(struct machine *m, const struct jinja_var *v)
{
	struct value *item;

	if (v->json != NULL)
		return from_json(m, v->json, v);
	if (v->list == NULL)
		return val_text(text_make(&m->heap, v->text, 0));
	item = HEAP_ARRAY(&m->heap, v->n_list, struct value);
	for (size_t i = 0; i < v->n_list; i++)
		item[i] = val_text(text_make(&m->heap, v->list[i], 0));
	return val_seq(m, VAL_LIST, item, v->n_list);
}

int jinja_render(const struct text **out, struct heap *heap, const struct jinja *t,
		 const struct jinja_inputs *in, struct err *e)
{
	struct machine m = { .heap = *heap, .t = t, .e = e, .now = in->now };
	struct scope *context = scope_new(&m, NULL);
	struct pen *pen;
	enum flow flow;

	m.most_steps = MACHINE_STEPS + heap->most / 16;
	for (size_t i = 0; i < in->n; i++)
		scope_set(&m, context, in->var[i].name, variable(&m, &in->var[i]));
	pen = pen_new(&m.heap);
	flow = exec(&m, pen, t->body, scope_new(&m, context));
	if (flow != FLOW_ERROR && machine_step(&m, 0) < 0)
		flow = FLOW_ERROR;
	*out = pen_text_of(pen);
	*heap = m.heap;
	return flow == FLOW_ERROR ? -1 : 0;
}
