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
 * Every byte of the rendered text knows whether it came from a message's content and from where:
 * strings inside the interpreter carry their origin through slicing, trimming, splitting and joining.
 */

struct chat_template;

/* ERR_INPUT where the folder has no template. bos_token and eos_token come from tokenizer_config.json. */
int chat_open(struct chat_template **out, const char *dir, struct err *e);
/* A template given as text; `config` (may be NULL) is a parsed tokenizer_config.json. */
int chat_parse(struct chat_template **out, struct view text, const char *name, const struct json *config, struct err *e);
void chat_close(struct chat_template *t);

struct chat_text {
	struct view text;
	/* (text.n) where each byte came from: 0 the template, else 1 + its offset in the contents of all
	 * messages laid end to end with one separator byte before each (so message 0 starts at offset 1). */
	uint32_t *origin;
};

struct chat_opts {
	bool add_generation_prompt;
	const struct json *extra;  /* object of further template variables (tools, enable_thinking, date_string...), or NULL */
	const char *now;           /* "YYYY-MM-DD": what strftime_now formats; NULL: strftime_now is an error */
};

/* `messages` is a JSON array of objects with "role" and "content". raise_exception() in the template: ERR_INPUT. */
int chat_render(struct chat_text *out, struct arena *mem, const struct chat_template *t, const struct json *messages,
		const struct chat_opts *o, struct err *e);

#endif
