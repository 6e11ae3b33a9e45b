#include "model/chat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* All contents end to end, as origins count them. */
static void lay_contents(struct str *out, const struct json *messages)
{
	for (const struct json *i = messages->first; i != NULL; i = i->next) {
		const struct json *content = json_find(i, "content");

		str_addc(out, '\0');
		if (content != NULL && content->kind == JSON_STRING)
			str_addv(out, content->str);
		if (content == NULL || content->kind != JSON_ARRAY)
			continue;
		for (const struct json *k = content->first; k != NULL; k = k->next)
			if (json_find(k, "text") != NULL)
				str_addv(out, json_find(k, "text")->str);
	}
}

/* Each byte that has an origin is the byte it names. Returns how many have. */
static size_t check_origins(const char *what, const struct chat_text *t, const struct json *messages)
{
	struct str contents = STR_INIT;
	size_t n = 0;

	lay_contents(&contents, messages);
	for (size_t i = 0; i < t->text.n; i++) {
		if (t->origin[i] == 0)
			continue;
		if (t->origin[i] - 1 >= contents.n || contents.p[t->origin[i] - 1] != t->text.p[i])
			fail_msg("%s: byte %zu names another byte as its origin", what, i);
		n++;
	}
	str_release(&contents);
	return n;
}

static void check_case(const char *file, const struct json *template, const struct json *c)
{
	const char *name = json_find(c, "conversation")->str.p;
	const struct json *want = json_find(c, "expected"), *extra = json_find(c, "extra");
	const struct json *now = json_find(extra, "now"), *messages = json_find(c, "messages");
	struct chat_opts o = {
		.add_generation_prompt = json_find(c, "add_generation_prompt")->kind == JSON_TRUE,
		.extra = extra,
		.now = now != NULL ? now->str.p : NULL,
	};
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct chat_template *t;
	struct chat_text text;

	if (chat_parse(&t, template->str, file, NULL, &e) < 0)
		fail_msg("%s:%u:%u: %s", file, e.line, e.col, e.msg);
	if (chat_render(&text, &mem, t, messages, &o, &e) == 0) {
		if (want->kind != JSON_STRING || !view_eq(text.text, want->str))
			fail_msg("%s: %s: got %.*s", file, name, (int)text.text.n, text.text.p);
		check_origins(name, &text, messages);
	} else if (want->kind == JSON_STRING || !view_is(json_find(c, "error")->str, e.msg)) {
		fail_msg("%s: %s: line %u: %s", file, name, e.line, e.msg);
	}
	chat_close(t);
	arena_release(&mem);
}

static void released_templates(void **state)
{
	static const char *const file[] = { "chatml",	   "deepseek-r1-distill",
					    "deepseek-v3", "deepseek-v3.1",
					    "gpt-oss",	   "mistral-nemo-instruct",
					    "qwen2.5",	   "qwen3" };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		const struct json *all, *c;

		if (json_read_file(&all, &mem, arena_fmt(&mem, "tests/vectors/chat/%s.json", file[i]),
				   1 << 20, &e) < 0)
			fail_msg("%s", e.msg);
		for (c = json_find(all, "cases")->first; c != NULL; c = c->next, n++)
			check_case(file[i], json_find(all, "template"), c);
		arena_release(&mem);
	}
	assert_int_equal(n, 238);
}

static const struct {
	const char *folder, *extra, *want, *error;
} folder_case[] = {
	{ "folder-config", "{}", "<s>user:Hi</s><pad><a><b>", NULL },
	{ "folder-list", "{}", "plain 1", NULL },
	{ "folder-list", "{\"tools\": [1, 2]}", "tools 2", NULL },
	{ "folder-list", "{\"tools\": null}", "plain 1", NULL },
	{ "folder-file", "{}", "<s>from the file", NULL },
	{ "folder-none", "{}", NULL, "has no chat template" },
	{ "folder-bad", "{}", NULL, "\"chat_template\" is an integer" },
	{ "no-such-folder", "{}", NULL, "has no chat template" },
};

static void folders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(folder_case) / sizeof(folder_case[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		const struct json *messages, *extra;
		struct chat_template *t = NULL;
		struct chat_text text;
		int r;

		json_read(&messages, &mem, VIEW("[{\"role\": \"user\", \"content\": \"Hi\"}]"), "messages",
			  &e);
		json_read(&extra, &mem, view_of(folder_case[i].extra), "extra", &e);
		r = chat_open(&t, arena_fmt(&mem, "tests/vectors/chat/%s", folder_case[i].folder), &e);
		if (r < 0 && (folder_case[i].error == NULL || strstr(e.msg, folder_case[i].error) == NULL))
			fail_msg("%s: %s", folder_case[i].folder, e.msg);
		if (r == 0) {
			assert_null(folder_case[i].error);
			if (chat_render(&text, &mem, t, messages, &(struct chat_opts){ .extra = extra }, &e) <
			    0)
				fail_msg("%s: %s", folder_case[i].folder, e.msg);
			if (!view_is(text.text, folder_case[i].want))
				fail_msg("%s: got %s", folder_case[i].folder, text.text.p);
		}
		chat_close(t);
		arena_release(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(released_templates),
		cmocka_unit_test(folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
