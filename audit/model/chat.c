#include "model/chat.h"

#include "base/map.h"
#include "base/out.h"
#include "model/jinja.h"

#include <string.h>

#define CONFIG_MOST ((size_t)64 << 20)
#define TEMPLATE_MOST ((size_t)4 << 20)
/* Bytes a template may use, and 16 more for each byte of the messages. */
#define HEAP_LEAST ((size_t)256 << 20)

/* What transformers calls special_tokens_map. */
static const char *const token_name[] = {
	"bos_token", "eos_token", "unk_token",	"sep_token",
	"pad_token", "cls_token", "mask_token", "additional_special_tokens"
};

#define TOKENS (sizeof(token_name) / sizeof(token_name[0]))

struct chat_template {
	struct arena mem;
	struct jinja *plain, *tool_use; /* tool_use: NULL where there is no such template */
	struct jinja_var token[TOKENS];
	size_t n_tokens;
};

/* A token is a string, or an object that describes one. */
static bool token_text(struct view *out, const struct json *v)
{
	if (v != NULL && v->kind == JSON_OBJECT)
		v = json_find(v, "content");
	if (v == NULL || v->kind != JSON_STRING || v->str.n == 0)
		return false;
	*out = v->str;
	return true;
}

static struct view keep(struct chat_template *t, struct view v)
{
	return (struct view){ arena_strdup(&t->mem, v.p, v.n), v.n };
}

static void add_token_list(struct chat_template *t, const char *name, const struct json *list)
{
	struct view *text = ARENA_ARRAY(&t->mem, list->n, struct view), one;
	size_t n = 0;

	for (const struct json *i = list->first; i != NULL; i = i->next)
		if (token_text(&one, i))
			text[n++] = keep(t, one);
	if (n > 0)
		t->token[t->n_tokens++] =
			(struct jinja_var){ .name = view_of(name), .list = text, .n_list = n };
}

static bool has_token(const struct chat_template *t, const char *name)
{
	for (size_t i = 0; i < t->n_tokens; i++)
		if (view_is(t->token[i].name, name))
			return true;
	return false;
}

static void add_tokens(struct chat_template *t, const struct json *config)
{
	for (size_t i = 0; i < TOKENS; i++) {
		const struct json *v = json_find(config, token_name[i]);
		struct view text;

		if (v == NULL || has_token(t, token_name[i]))
			continue;
		if (v->kind == JSON_ARRAY)
			add_token_list(t, token_name[i], v);
		else if (token_text(&text, v))
			t->token[t->n_tokens++] =
				(struct jinja_var){ .name = view_of(token_name[i]), .text = keep(t, text) };
	}
}

int chat_parse(struct chat_template **out, struct view text, const char *name, const struct json *config,
	       struct err *e)
{
	struct chat_template *t = mem_alloc(1, sizeof(*t));

	add_tokens(t, config);
	if (jinja_open(&t->plain, text, name, e) < 0) {
		chat_close(t);
		return -1;
	}
	*out = t;
	return 0;
}

void chat_close(struct chat_template *t)
{
	if (t == NULL)
		return;
	jinja_close(t->tool_use);
	jinja_close(t->plain);
	arena_release(&t->mem);
	mem_free(t);
}

/* The template of that name among several; NULL where there is none. */
static const struct json *named_template(const struct json *list, const char *name)
{
	const struct json *i;

	for (i = list->first; i != NULL; i = i->next) {
		const struct json *n = json_find(i, "name"), *text = json_find(i, "template");

		if (n != NULL && n->kind == JSON_STRING && view_is(n->str, name) && text != NULL &&
		    text->kind == JSON_STRING)
			return text;
	}
	return NULL;
}

/* The chat_template of a tokenizer_config.json: a string, or a list of named ones. */
static int open_from_config(struct chat_template **out, const char *dir, const struct json *config,
			    struct err *e)
{
	const struct json *v = json_find(config, "chat_template"), *tool_use = NULL;
	struct str name = STR_INIT;
	int r = -1;

	str_addf(&name, "%s/tokenizer_config.json: chat_template", dir);
	if (v != NULL && v->kind == JSON_ARRAY) {
		tool_use = named_template(v, "tool_use");
		v = named_template(v, "default");
		if (v == NULL) {
			err_set(e, ERR_INPUT, "%s: none of the templates is named \"default\"", name.p);
			goto out;
		}
	}
	if (json_is_null(v)) {
		err_set(e, ERR_INPUT,
			"%s has no chat template: neither chat_template.jinja nor "
			"\"chat_template\" in tokenizer_config.json",
			dir);
		goto out;
	}
	if (v->kind != JSON_STRING) {
		err_at(e, ERR_INPUT, json_pos(v),
		       "\"chat_template\" is %s, not a string or a list of templates",
		       json_kind_name(v->kind));
		goto out;
	}
	r = chat_parse(out, v->str, name.p, config, e);
	if (r == 0 && tool_use != NULL && jinja_open(&(*out)->tool_use, tool_use->str, name.p, e) < 0) {
		chat_close(*out);
		r = -1;
	}
out:
	str_release(&name);
	return r;
}

/* NULL where there is no such file. */
static int read_config(const struct json **out, struct arena *mem, const char *dir, const char *file,
		       struct err *e)
{
	const char *path = arena_fmt(mem, "%s/%s", dir, file);

	*out = NULL;
	return path_is_file(path) ? json_read_file(out, mem, path, CONFIG_MOST, e) : 0;
}

int chat_open(struct chat_template **out, const char *dir, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const char *path = arena_fmt(&mem, "%s/chat_template.jinja", dir);
	const struct json *config, *map;
	struct view text;
	int r = -1;

	if (read_config(&config, &mem, dir, "tokenizer_config.json", e) < 0 ||
	    read_config(&map, &mem, dir, "special_tokens_map.json", e) < 0)
		goto out;
	if (!path_is_file(path))
		r = open_from_config(out, dir, config, e);
	else if (file_read(&text, &mem, path, TEMPLATE_MOST, e) == 0)
		r = chat_parse(out, text, path, config, e);
	if (r == 0)
		add_tokens(*out, map);
out:
	arena_release(&mem);
	return r;
}

/* Where the strings of the contents stand among all contents, in the order of the document. */
struct places {
	const struct json **string;
	uint32_t *origin;
	size_t n;
};

static uint32_t place_of(const void *ud, const struct json *string)
{
	const struct places *p = ud;
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->string[mid]->ordinal < string->ordinal)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n && p->string[lo] == string ? p->origin[lo] : 0;
}

static void add_place(struct places *p, const struct json *string, uint64_t *offset)
{
	p->string[p->n] = string;
	p->origin[p->n++] = (uint32_t)(*offset + 1);
	*offset += string->str.n;
}

static size_t count_parts(const struct json *messages)
{
	size_t n = 0;

	for (const struct json *i = messages->first; i != NULL; i = i->next) {
		const struct json *content = json_find(i, "content");

		n += content == NULL ? 0 : content->kind == JSON_ARRAY ? content->n : 1;
	}
	return n;
}

static int find_places(struct places *p, uint64_t *bytes, struct arena *mem, const struct json *messages,
		       struct err *e)
{
	size_t n = 0;

	*bytes = 0;
	if (messages == NULL || messages->kind != JSON_ARRAY)
		return err_set(e, ERR_INPUT, "messages are %s, not an array",
			       json_kind_name(messages != NULL ? messages->kind : JSON_NULL));
	for (const struct json *i = messages->first; i != NULL; i = i->next, n++)
		if (i->kind != JSON_OBJECT)
			return err_set(e, ERR_INPUT, "message %zu is %s, not an object with role and content",
				       n, json_kind_name(i->kind));
	n = count_parts(messages);
	*p = (struct places){ ARENA_ARRAY(mem, n, const struct json *), ARENA_ARRAY(mem, n, uint32_t), 0 };
	for (const struct json *i = messages->first; i != NULL; i = i->next) {
		const struct json *content = json_find(i, "content"), *part;

		*bytes += 1;
		if (content != NULL && content->kind == JSON_STRING)
			add_place(p, content, bytes);
		if (content == NULL || content->kind != JSON_ARRAY)
			continue;
		for (const struct json *k = content->first; k != NULL; k = k->next) {
			part = json_find(k, "text");
			if (part != NULL && part->kind == JSON_STRING)
				add_place(p, part, bytes);
		}
	}
	if (*bytes >= UINT32_MAX)
		return err_set(e, ERR_INPUT, "messages of %llu bytes, a chat has at most 4 GiB",
			       (unsigned long long)*bytes);
	return 0;
}

static void spread(struct chat_text *out, struct arena *mem, const struct text *t)
{
	out->text = (struct view){ arena_strdup(mem, t->p, t->n), t->n };
	out->origin = ARENA_ARRAY(mem, t->n, uint32_t);
	for (size_t i = 0; i < t->n_run; i++) {
		size_t end = i + 1 < t->n_run ? t->run[i + 1].at : t->n;

		if (t->run[i].origin == 0)
			continue;
		for (size_t at = t->run[i].at; at < end; at++)
			out->origin[at] = t->run[i].origin + (uint32_t)(at - t->run[i].at);
	}
}

int chat_render(struct chat_text *out, struct arena *mem, const struct chat_template *t,
		const struct json *messages, const struct chat_opts *o, struct err *e)
{
	static const struct json none = { .kind = JSON_NULL }, yes = { .kind = JSON_TRUE },
				 no = { .kind = JSON_FALSE };
	const struct json *extra = o->extra != NULL && o->extra->kind == JSON_OBJECT ? o->extra : NULL;
	struct arena small = ARENA_INIT;
	struct heap heap = { .most = HEAP_LEAST };
	struct jinja_inputs in = { .now = o->now };
	const struct text *text;
	struct jinja_var *var;
	struct places places;
	uint64_t bytes;
	bool with_tools;
	int r = find_places(&places, &bytes, &small, messages, e);

	if (r < 0)
		goto out;
	var = ARENA_ARRAY(&small, 4 + t->n_tokens + (extra != NULL ? extra->n : 0), struct jinja_var);
	var[in.n++] = (struct jinja_var){ .name = VIEW("tools"), .json = &none };
	var[in.n++] = (struct jinja_var){ .name = VIEW("documents"), .json = &none };
	for (size_t i = 0; i < t->n_tokens; i++)
		var[in.n++] = t->token[i];
	for (const struct json *i = extra != NULL ? extra->first : NULL; i != NULL; i = i->next)
		var[in.n++] = (struct jinja_var){ .name = i->key, .json = i };
	var[in.n++] = (struct jinja_var){ .name = VIEW("add_generation_prompt"),
					  .json = o->add_generation_prompt ? &yes : &no };
	var[in.n++] = (struct jinja_var){
		.name = VIEW("messages"), .json = messages, .origin = place_of, .ud = &places
	};
	in.var = var;
	heap.most += 16 * (size_t)bytes;
	with_tools = t->tool_use != NULL && !json_is_null(json_find(extra, "tools"));
	r = jinja_render(&text, &heap, with_tools ? t->tool_use : t->plain, &in, e);
	if (r == 0)
		spread(out, mem, text);
	arena_release(&heap.mem);
out:
	arena_release(&small);
	return r;
}
