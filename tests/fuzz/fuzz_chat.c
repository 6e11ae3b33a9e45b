/* Chat templates: the template up to the first byte 0xff, what the user says behind it.  What parses renders
 * the same twice or fails with a place, and each byte with an origin is the byte it names. */

#include "model/chat.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A system message, the user's, an answer with a tool call, the tool's. */
static void write_messages(struct str *out, struct view content)
{
	struct json_out j = JSON_TO_STR(out);

	json_open(&j, NULL, '[');
	for (int i = 0; i < 4; i++) {
		static const char *const role[] = { "system", "user", "assistant", "tool" };

		json_open(&j, NULL, '{');
		json_puts(&j, "role", role[i]);
		json_put_str(&j, "content", i == 1 ? content : VIEW(" Some \xc3\xa9 text.\n"));
		if (i == 2) {
			json_open(&j, "tool_calls", '[');
			json_open(&j, NULL, '{');
			json_puts(&j, "name", "f");
			json_put_real(&j, "x", 1.5);
			json_close(&j, '}');
			json_close(&j, ']');
		}
		json_close(&j, '}');
	}
	json_close(&j, ']');
}

static void check_origins(const struct chat_text *t, const struct json *messages)
{
	struct str contents = STR_INIT;

	for (const struct json *i = messages->first; i != NULL; i = i->next) {
		str_addc(&contents, '\0');
		str_addv(&contents, json_find(i, "content")->str);
	}
	for (size_t i = 0; i < t->text.n; i++) {
		uint32_t origin = t->origin[i];

		if (origin > 0 && (origin > contents.n || contents.p[origin - 1] != t->text.p[i]))
			abort();
	}
	if (utf8_valid(t->text.p, t->text.n) != t->text.n)
		abort();
	str_release(&contents);
}

static void render(const struct chat_template *t, const struct json *messages)
{
	struct chat_opts o = { .add_generation_prompt = true, .now = "2026-01-31" };
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct chat_text once, twice;

	if (chat_render(&once, &mem, t, messages, &o, &e) < 0) {
		if (e.code != ERR_INPUT || e.line == 0)
			abort();
	} else {
		check_origins(&once, messages);
		if (chat_render(&twice, &mem, t, messages, &o, &e) < 0 || !view_eq(once.text, twice.text))
			abort();
	}
	arena_release(&mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *cut = memchr(p, 0xff, n);
	struct view text = { (const char *)p, cut != NULL ? (size_t)(cut - p) : n };
	struct view content = { text.p + text.n, n - text.n };
	struct arena mem = ARENA_INIT;
	struct str json = STR_INIT;
	struct err e = ERR_INIT;
	const struct json *messages;
	struct chat_template *t;

	write_messages(&json, content);
	if (json_read(&messages, &mem, str_view(&json), "messages", &e) < 0)
		abort();
	if (chat_parse(&t, text, "input", NULL, &e) == 0) {
		render(t, messages);
		chat_close(t);
	} else if (e.code != ERR_INPUT || (e.line == 0 && utf8_valid(text.p, text.n) == text.n)) {
		abort();
	}
	str_release(&json);
	arena_release(&mem);
	return 0;
}
