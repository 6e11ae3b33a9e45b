#include "model/tokenizer_parts.h"
#include "model/tokenizer_read.h"

#define MOST_IDS 64 /* put around a text */

static int put_id(struct post_step *s, bool after, const struct json *v, size_t vocab, struct err *e)
{
	size_t *n = after ? &s->n_after : &s->n_before;

	if (v->kind != JSON_INTEGER || v->integer < 0 || (uint64_t)v->integer >= vocab)
		return err_at(e, ERR_INPUT, json_pos(v),
			      "a special token's id has to be an integer from 0 to %zu", vocab - 1);
	if (*n == MOST_IDS)
		return err_at(e, ERR_INPUT, json_pos(v), "more than %d special tokens", MOST_IDS);
	(after ? s->after : s->before)[(*n)++] = (int32_t)v->integer;
	return 0;
}

/* {"SpecialToken": {"id": name}}, whose ids stand in "special_tokens". */
static int put_special(struct post_step *s, bool after, const struct json *special, const struct json *owner,
		       size_t vocab, struct err *e)
{
	const struct json *tokens, *ids, *v;
	struct view name;

	if (json_str(&name, special, "id", e) < 0 ||
	    json_member(&tokens, owner, "special_tokens", JSON_OBJECT, e) < 0)
		return -1;
	for (v = tokens->first; v && !view_eq(v->key, name); v = v->next)
		;
	if (!v)
		return err_at(e, ERR_INPUT, json_pos(special),
			      "special token '%.*s' is not in \"special_tokens\"", read_shown(name), name.p);
	if (json_member(&ids, v, "ids", JSON_ARRAY, e) < 0)
		return -1;
	for (v = ids->first; v; v = v->next)
		if (put_id(s, after, v, vocab, e) < 0)
			return -1;
	return 0;
}

static int read_template(struct post_step *s, const struct json *v, size_t vocab, struct err *e)
{
	const struct json *single, *sequence, *special;
	bool after = false;
	struct view name;

	if (json_member(&single, v, "single", JSON_ARRAY, e) < 0)
		return -1;
	for (const struct json *item = single->first; item; item = item->next) {
		sequence = json_find(item, "Sequence");
		special = json_find(item, "SpecialToken");
		if (special) {
			if (put_special(s, after, special, v, vocab, e) < 0)
				return -1;
			continue;
		}
		if (!sequence)
			return err_at(e, ERR_INPUT, json_pos(item),
				      "a part of a template has to be Sequence or SpecialToken");
		if (json_str(&name, sequence, "id", e) < 0)
			return -1;
		if (after || !view_is(name, "A"))
			return err_at(e, ERR_INPUT, json_pos(item),
				      "a template for one text has to name A once, and "
				      "nothing else");
		after = true;
	}
	if (!after)
		return err_at(e, ERR_INPUT, json_pos(single), "a template without the text itself");
	return 0;
}

struct reading {
	struct post *post;
	struct arena *mem;
	size_t vocab;
};

/* The step that puts tokens around a text. Of two such steps the reference would take the second's template for
 * pairs, with the first's tokens as the first text. */
static int surround_new(struct post_step **out, const struct reading *r, const struct json *v, struct err *e)
{
	struct post *post = r->post;

	for (size_t i = 0; i < post->n; i++)
		if (post->step[i].kind == POST_TEMPLATE)
			return err_at(
				e, ERR_INPUT, json_pos(v),
				"a second post_processor that puts tokens around a text is not supported");
	*out = &post->step[post->n++];
	**out = (struct post_step){ .kind = POST_TEMPLATE,
				    .before = ARENA_ARRAY(r->mem, MOST_IDS, int32_t),
				    .after = ARENA_ARRAY(r->mem, MOST_IDS, int32_t) };
	return 0;
}

static int trim_add(const struct reading *r, const struct json *v, struct err *e)
{
	struct post_step *s = &r->post->step[r->post->n];
	bool trim;

	*s = (struct post_step){ .kind = POST_TRIM };
	if (read_flag(&trim, v, "trim_offsets", true, e) < 0 ||
	    read_flag(&s->prefix, v, "add_prefix_space", true, e) < 0)
		return -1;
	r->post->n += trim;
	return 0;
}

/* RobertaProcessing and BertProcessing: {"cls": [name, id], "sep": [name, id]} around a text. */
static int read_pair(const struct reading *r, const struct json *v, bool trims, struct err *e)
{
	struct post_step *s;
	const struct json *pair;

	if ((trims && trim_add(r, v, e) < 0) || surround_new(&s, r, v, e) < 0)
		return -1;
	for (int after = 0; after < 2; after++) {
		if (json_member(&pair, v, after ? "sep" : "cls", JSON_ARRAY, e) < 0)
			return -1;
		if (pair->n != 2)
			return err_at(e, ERR_INPUT, json_pos(pair),
				      "a token's name and id have to stand here");
		if (put_id(s, after, pair->first->next, r->vocab, e) < 0)
			return -1;
	}
	return 0;
}

static int read_step(void *ud, const struct json *v, struct view type, struct err *e)
{
	const struct reading *r = ud;
	struct post_step *s;

	if (view_is(type, "TemplateProcessing"))
		return surround_new(&s, r, v, e) < 0 ? -1 : read_template(s, v, r->vocab, e);
	if (view_is(type, "ByteLevel"))
		return trim_add(r, v, e);
	if (view_is(type, "RobertaProcessing") || view_is(type, "BertProcessing"))
		return read_pair(r, v, view_is(type, "RobertaProcessing"), e);
	return err_at(e, ERR_INPUT, json_pos(v), "post_processor %.*s is not supported", read_shown(type),
		      type.p);
}

int post_read(struct post *out, struct arena *mem, const struct json *v, size_t vocab, struct err *e)
{
	struct reading r = { out, mem, vocab };

	/* one more for what RobertaProcessing trims, and one for what a tokenizer_config.json adds */
	*out = (struct post){ .step = ARENA_ARRAY(mem, STEPS_MOST + 2, struct post_step) };
	return read_steps(v, "processors", read_step, &r, e);
}

/* The id of config[key] (a string, or an object with "content") where config[flag] is true; -1 otherwise. */
static int config_id(int32_t *out, const struct json *config, const char *flag, const char *key,
		     const struct tokenizer *t, struct err *e)
{
	const struct json *v = json_find(config, key);
	struct view content;
	bool on;

	*out = -1;
	if (read_flag(&on, config, flag, false, e) < 0)
		return -1;
	if (!on || json_is_null(v))
		return 0;
	if (v->kind == JSON_STRING)
		content = v->str;
	else if (json_str(&content, v, "content", e) < 0)
		return -1;
	*out = tokenizer_find(t, content);
	if (*out < 0)
		return err_at(e, ERR_INPUT, json_pos(v),
			      "\"%s\" is '%.*s', which the tokenizer does not have", key, read_shown(content),
			      content.p);
	return 0;
}

int post_read_config(struct post *post, struct arena *mem, const struct json *config,
		     const struct tokenizer *t, struct err *e)
{
	struct post_step s = { .kind = POST_TEMPLATE };
	bool has_before = false, has_after = false;
	int32_t bos, eos;

	for (size_t i = 0; i < post->n; i++) {
		has_before = has_before || post->step[i].n_before > 0;
		has_after = has_after || post->step[i].n_after > 0;
	}
	if (config_id(&bos, config, "add_bos_token", "bos_token", t, e) < 0 ||
	    config_id(&eos, config, "add_eos_token", "eos_token", t, e) < 0)
		return -1;
	s.before = ARENA_ARRAY(mem, 1, int32_t);
	s.after = ARENA_ARRAY(mem, 1, int32_t);
	s.before[0] = bos;
	s.after[0] = eos;
	s.n_before = bos >= 0 && !has_before;
	s.n_after = eos >= 0 && !has_after;
	if (s.n_before + s.n_after > 0)
		post->step[post->n++] = s;
	return 0;
}

int32_t post_bos(const struct post *post)
{
	int32_t bos = -1;

	/* what a later step puts before stands further to the left */
	for (size_t i = 0; i < post->n; i++)
		if (post->step[i].n_before > 0)
			bos = post->step[i].before[0];
	return bos;
}
