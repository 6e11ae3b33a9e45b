#include "tests/support/kinds.h"

#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "tests/vectors/tokenizer"
#define FILE_BYTES ((size_t)1 << 20)

const char *const kinds[] = {
	"gpt2",	     "prefix",	  "llama3", "qwen",    "neox",	 "o200k", "cl100k",
	"deepseek",  "han",	  "digits", "falcon",  "strips", "words", "llama2",
	"metaspace", "metasplit", "gemma",  "unknown", NULL,
};

static struct view read(struct arena *mem, const char *path)
{
	struct err e = ERR_INIT;
	struct view text;

	if (file_read(&text, mem, path, FILE_BYTES, &e) < 0)
		fail_msg("%s", e.msg);
	return text;
}

/* The file with the vocabulary it names in place of the name. */
static void add_whole(struct str *out, struct arena *mem, struct view text)
{
	static const char *const vocab[] = { "bytes", "pieces" };

	for (size_t i = 0; i < 2; i++) {
		const char *mark = arena_fmt(mem, "\"@%s\"", vocab[i]), *at = strstr(text.p, mark);
		struct view inner;

		if (!at)
			continue;
		inner = read(mem, arena_fmt(mem, FOLDER "/%s.vocab", vocab[i]));
		str_add(out, text.p, (size_t)(at - text.p));
		str_addv(out, inner);
		str_adds(out, at + strlen(mark));
		return;
	}
	str_addv(out, text);
}

struct tokenizer *kind_open(const char *name)
{
	struct arena mem = ARENA_INIT;
	struct str whole = STR_INIT;
	struct err e = ERR_INIT;
	struct tokenizer *t;

	add_whole(&whole, &mem, read(&mem, arena_fmt(&mem, FOLDER "/%s.json", name)));
	if (tokenizer_parse(&t, str_view(&whole), name, &e) < 0)
		fail_msg("%s:%u:%u: %s", name, e.line, e.col, e.msg);
	str_release(&whole);
	arena_release(&mem);
	return t;
}

const struct json *kind_vectors(struct arena *mem, const char *name)
{
	struct view text = read(mem, arena_fmt(mem, FOLDER "/%s.jsonl", name));
	struct str array = STR_INIT;
	struct err e = ERR_INIT;
	const struct json *v;

	str_addc(&array, '[');
	for (size_t i = 0; i + 1 < text.n; i++)
		str_addc(&array, text.p[i] == '\n' ? ',' : text.p[i]);
	str_addc(&array, ']');
	text = (struct view){ arena_strdup(mem, array.p, array.n), array.n };
	str_release(&array);
	if (json_read(&v, mem, text, name, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	return v;
}

static const char *const hard[] = {
	" ",
	"  ",
	"\n",
	"\r\n",
	"\t",
	" a",
	"the",
	" the",
	"I'm",
	"'S",
	"'\xc5\xbf",
	"A",
	"aB",
	"1",
	"12",
	"345",
	".",
	"...",
	"-",
	"_",
	"/",
	"\"",
	"<|end|>",
	"<|pad|>",
	"<l>",
	" <r> ",
	"<b>",
	"one",
	"<s>",
	"</s>",
	"\xc3\xa9",
	"e\xcc\x81",
	"\xcc\x81",
	"a\xcc\x81\xcc\xa3",
	"\xe1\xba\x9b\xcc\xa3",
	"\xe2\x84\xab",
	"\xc2\xbd",
	"\xc2\xa0",
	"\xc2\x85",
	"\xe3\x80\x80",
	"\xe2\x96\x81",
	"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab",
	"\xea\xb0\x80\xe1\x86\xa8",
	"\xed\x95\x9c",
	"\xe6\xbc\xa2\xe5\xad\x97",
	"\xe3\x82\xab",
	"\xef\xbd\xb1",
	"\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",
	"\xe2\x80\x8d",
	"\xd0\x9f\xd1\x80",
	"\xe0\xa4\xb9\xe0\xa4\xbf",
	"\xe0\xa5\x98",
	"\xf0\x9e\xa4\x80",
	"\xef\xbb\xbf",
	"\xef\xac\x81",
};

struct view kind_text(struct arena *mem, struct rng r)
{
	size_t n = rng_below(r, 0, 14);
	struct str text = STR_INIT;
	struct view v;

	str_adds(&text, "");
	for (size_t i = 1; i <= n; i++)
		str_adds(&text, hard[rng_below(r, i, sizeof(hard) / sizeof(hard[0]))]);
	v = (struct view){ arena_strdup(mem, text.p, text.n), text.n };
	str_release(&text);
	return v;
}
