#include "model/chat.h"
#include "tests/support/prop.h"

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

/* Two messages; a dot where a byte has no origin, else the message it is from. */
static const struct {
	const char *text, *want, *from;
} origin_case[] = {
	{ "<{{ messages[0].content }}>", "<a,b , c>", ".0000000." },
	{ "{{ messages[1].content|trim }}!", "h\xc3\xa9llo!", "111111." },
	{ "{{ messages[0].content ~ messages[1].content.strip() }}", "a,b , ch\xc3\xa9llo", "0000000111111" },
	{ "{{ messages[0].content.split(',')|join(';') }}", "a;b ; c", "0.00.00" },
	{ "{{ messages[0].content.split(',')[-1].lstrip() + '.' }}", "c.", "0." },
	{ "{{ messages[0].content.replace(',', '--') }}", "a--b -- c", "0..00..00" },
	{ "{{ messages[0].content|replace('b', messages[1].content[1:3]) }}", "a,h\xc3\xa9 , c",
	  "00111"
	  "0000" },
	{ "{{ messages[0].content[::-1] }}", "c , b,a", "0000000" },
	{ "{{ messages[0].content[2] * 3 }}", "bbb", "000" },
	{ "{{ messages[1].content.partition('l')[2] }}", "lo ", "111" },
	{ "{{ '%s|%5s' % (messages[0].content[0], messages[0].content[2]) }}", "a|    b", "0.....0" },
	{ "{{ '{}-{:>3}'.format(messages[0].content[0], 'x') }}", "a-  x", "0...." },
	{ "{{ messages[0].content|indent(2, true) }}", "  a,b , c", "..0000000" },
	{ "{% for c in messages[1].content %}{{ c }}.{% endfor %}", " .h.\xc3\xa9.l.l.o. .",
	  "1.1.11.1.1.1.1." },
	{ "{% set x %}[{{ messages[0].content[:1] }}]{% endset %}{{ x }}", "[a]", ".0." },
	{ "{% macro f(x) %}({{ x }}){% endmacro %}{{ f(messages[0].content[:1]) }}", "(a)", ".0." },
	{ "{{ messages|map(attribute='content')|map('trim')|join('+') }}", "a,b , c+h\xc3\xa9llo",
	  "0000000.111111" },
	{ "{% set n = namespace(s='') %}{% for m in messages %}{% set n.s = n.s + m.content[:1] + ',' %}"
	  "{% endfor %}"
	  "{{ n.s }}",
	  "a, ,", "0.1." },
	{ "{{ (messages[0].content[:1] + 'x' + messages[1].content)[1:4] }}", "x h", ".11" },
	{ "{{ messages[0].content|upper }}", "A,B , C", "......." },
	{ "{{ messages[0].content|tojson }}", "\"a,b , c\"", "........." },
	{ "{{ [messages[0].content] }}", "['a,b , c']", "..........." },
	{ "{{ messages[0].role }}", "user", "...." },
};

static void origins(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *messages;

	(void)state;
	json_read(&messages, &mem,
		  VIEW("[{\"role\": \"user\", \"content\": \"a,b , c\"},"
		       "{\"role\": \"user\", \"content\": \" h\\u00e9llo \"}]"),
		  "m", &e);
	for (size_t i = 0; i < sizeof(origin_case) / sizeof(origin_case[0]); i++) {
		struct chat_template *t;
		struct chat_text text;
		struct str from = STR_INIT;

		if (chat_parse(&t, view_of(origin_case[i].text), "t", NULL, &e) < 0 ||
		    chat_render(&text, &mem, t, messages, &(struct chat_opts){ .extra = NULL }, &e) < 0)
			fail_msg("%s: %s", origin_case[i].text, e.msg);
		check_origins(origin_case[i].text, &text, messages);
		for (size_t k = 0; k < text.text.n; k++)
			str_addc(&from, text.origin[k] == 0 ? '.' : text.origin[k] < 9 ? '0' : '1');
		if (!view_is(text.text, origin_case[i].want) ||
		    !view_is(str_view(&from), origin_case[i].from))
			fail_msg("%s: got %s from %s", origin_case[i].text, text.text.p, from.p);
		str_release(&from);
		chat_close(t);
	}
	arena_release(&mem);
}

/* Whatever a pipe of filters and methods does to a content, what still has an origin is what it says. */
static const char *origins_hold(struct rng r, void *ud)
{
	static const char *const op[] = { "|trim",
					  "[1:]",
					  "[:-2]",
					  "[::2]",
					  "[::-1]",
					  ".split('a')|join('bc')",
					  "|replace('b', 'xx')",
					  "|indent(2, true)",
					  " ~ c",
					  ".strip('ab')",
					  "|list|join('-')",
					  ".center(30)",
					  "|truncate(12, true, '..', 0)",
					  ".splitlines()|join",
					  " * 2",
					  "|reverse",
					  ".rpartition('b')|join",
					  "|replace('', '.')" };
	const struct json *messages = ud;
	struct str text = STR_INIT;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	struct chat_template *t;
	struct chat_text got;

	str_adds(&text, "{% set c = messages[0].content %}");
	for (uint64_t i = 0; i < 6; i++)
		str_addf(&text, "{%% set c = c%s %%}", op[rng_below(r, i, sizeof(op) / sizeof(op[0]))]);
	str_adds(&text, "{{ c }}");
	if (chat_parse(&t, str_view(&text), "t", NULL, &e) < 0 ||
	    chat_render(&got, &mem, t, messages, &(struct chat_opts){ .extra = NULL }, &e) < 0)
		fail_msg("%s: %s", text.p, e.msg);
	check_origins(text.p, &got, messages);
	chat_close(t);
	arena_release(&mem);
	str_release(&text);
	return NULL;
}

static void origins_through_pipes(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *messages;

	(void)state;
	json_read(&messages, &mem,
		  VIEW("[{\"role\": \"user\", \"content\": \" abra\\ncad\\u00e9abra b\\u65e5\"}]"), "m", &e);
	prop_for("origins through pipes", 400, origins_hold, (void *)(uintptr_t)messages);
	arena_release(&mem);
}

/* The contents of parts count end to end; what is no text has none. */
static void contents_in_parts(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *messages;
	struct chat_template *t;
	struct chat_text text;

	(void)state;
	json_read(&messages, &mem,
		  VIEW("[{\"role\": \"user\", \"content\": [{\"type\": \"image\"},"
		       " {\"type\": \"text\", \"text\": \"ab\"},"
		       " {\"type\": \"text\", \"text\": \"c\"}]}, {\"role\": \"x\", \"content\": null},"
		       " {\"role\": \"user\", \"content\": \"d\"}]"),
		  "m", &e);
	assert_int_equal(chat_parse(&t,
				    VIEW("{% for m in messages if m.content %}{% if m.content is string %}"
					 "{{ m.content }}{% else %}{{ m.content|selectattr('text')|"
					 "map(attribute='text')|join('-') }}{% endif %}{% endfor %}"),
				    "t", NULL, &e),
			 0);
	assert_int_equal(chat_render(&text, &mem, t, messages, &(struct chat_opts){ .extra = NULL }, &e), 0);
	assert_string_equal(text.text.p, "ab-cd");
	assert_int_equal(check_origins("parts", &text, messages), 4);
	assert_int_equal(text.origin[0], 2);
	assert_int_equal(text.origin[3], 4);
	assert_int_equal(text.origin[4], 7);
	chat_close(t);
	arena_release(&mem);
}

static const struct {
	const char *messages, *error;
} message_case[] = {
	{ "{}", "messages are an object, not an array" },
	{ "[1]", "message 0 is an integer" },
	{ "[{}, \"x\"]", "message 1 is a string" },
};

static void wrong_messages(void **state)
{
	struct chat_template *t;
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(chat_parse(&t, VIEW("x"), "t", NULL, &e), 0);
	for (size_t i = 0; i < sizeof(message_case) / sizeof(message_case[0]); i++) {
		const struct json *messages;
		struct chat_text text;

		json_read(&messages, &mem, view_of(message_case[i].messages), "m", &e);
		assert_int_equal(
			chat_render(&text, &mem, t, messages, &(struct chat_opts){ .extra = NULL }, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		if (strstr(e.msg, message_case[i].error) == NULL)
			fail_msg("%s: %s", message_case[i].messages, e.msg);
	}
	chat_close(t);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(released_templates),
		cmocka_unit_test(folders),
		cmocka_unit_test(origins),
		cmocka_unit_test(origins_through_pipes),
		cmocka_unit_test(contents_in_parts),
		cmocka_unit_test(wrong_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
