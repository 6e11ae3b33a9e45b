#ifndef MODEL_CHAT_H
#define MODEL_CHAT_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Chat templates: the Jinja template of a model folder (chat_template.jinja, else the
 * "chat_template" of tokenizer_config.json), executed by an interpreter of the subset that released
 * templates use.  A construct outside the subset is an error that names it, with line and column.
 *
 * The engine is model/jinja.h; variables are those that transformers' apply_chat_template() hands
 * over: messages, add_generation_prompt, tools and documents (none unless given), the special tokens
 * of the folder by name, and whatever the caller adds.
 *
 * Every byte of the rendered text knows whether it came from a message's content and from where:
 * strings inside the interpreter carry their origin through slicing, trimming, splitting and joining.
 */

struct chat_template;

/* ERR_INPUT where the folder has no template. The special tokens come from tokenizer_config.json, those
 * it lacks from special_tokens_map.json. Of several templates "default" counts, "tool_use" with tools. */
int chat_open(struct chat_template **out, const char *dir, struct err *e);
/* A template given as text; `config` (may be NULL) is a parsed tokenizer_config.json. */
int chat_parse(struct chat_template **out, struct view text, const char *name, const struct json *config,
	       struct err *e);
void chat_close(struct chat_template *t);

struct chat_text {
	struct view text;
	/* (text.n) where each byte came from: 0 the template, else 1 + its offset in the contents of all
	 * messages laid end to end with one separator byte before each: the contents of message 0 begin at
	 * offset 1 and have origin 2, message 1 begins one byte behind the end of message 0, and so on.
	 * A content that is a list of parts counts as the texts of its parts, end to end. */
	uint32_t *origin;
};

struct chat_opts {
	bool add_generation_prompt;
	const struct json *extra; /* object of further variables (tools, enable_thinking, ...), or NULL */
	const char *now;	  /* "YYYY-MM-DD": what strftime_now formats; NULL: using it is an error */
};

/* `messages` is a JSON array of objects with "role" and "content". What the template raises by
 * raise_exception() is ERR_INPUT with that message. */
int chat_render(struct chat_text *out, struct arena *mem, const struct chat_template *t,
		const struct json *messages, const struct chat_opts *o, struct err *e);

#endif
