#include "base/rng.h"
#include "tests/support/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MODEL "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}"

/* Tokenizers that are refused, and what the message has to say. */
static const struct {
	const char *text, *message;
} refused_case[] = {
	{ "", "" },
	{ "[]", "has to be an object" },
	{ "{\"version\":\"2.0\"," MODEL "}", "\"version\" has to be \"1.0\"" },
	{ "{}", "\"model\" is missing" },
	{ "{\"model\":[]}", "\"model\" is an array; it has to be an object" },
	{ "{\"model\":{}}", "\"model\" has no \"type\"; BPE is supported" },
	{ "{\"model\":{\"type\":\"WordPiece\"}}", "a tokenizer of type WordPiece is not supported; BPE is" },
	{ "{\"model\":{\"type\":\"Unigram\"}}", "a tokenizer of type Unigram is not supported; BPE is" },
	{ "{\"model\":{\"type\":\"BPE\",\"merges\":[]}}", "\"vocab\" is missing" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":[],\"merges\":[]}}", "\"vocab\" is an array" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}", "no token at all" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", "the id of token 'a' is -1" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":1.5},\"merges\":[]}}",
	  "the id of token 'a' is a number" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":\"1\"},\"merges\":[]}}",
	  "the id of token 'a' is a string" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":4194304},\"merges\":[]}}", "from 0 to 4194303" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999999},\"merges\":[]}}", "from 0 to 4194303" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":7,\"b\":7},\"merges\":[]}}",
	  "tokens 'a' and 'b' both have id 7" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]}}", "" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}}", "\"merges\" is missing" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[1]}}", "a merge is an integer" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}", "a merge is an array" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\",1]]}}",
	  "a merge is an array" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"a\",\"a\"]]}}",
	  "a merge is an array" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}",
	  "merge 'a' is not two tokens" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a a a\"]}}",
	  "merge 'a a a' is not two" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}",
	  "a merge needs token 'b'" },
	{ "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}}",
	  "a merge needs token 'aa'" },
	{ "{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{\"a\":0},\"merges\":[]}}",
	  "\"dropout\" is 0.1: encoding would be random" },
	{ "{\"model\":{\"type\":\"BPE\",\"continuing_subword_prefix\":\"##\",\"vocab\":{\"a\":0},\"merges\":[]}}",
	  "\"continuing_subword_prefix\" is not supported" },
	{ "{\"model\":{\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\",\"vocab\":{\"a\":0},\"merges\":[]}}",
	  "\"end_of_word_suffix\" is not supported" },
	{ "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"vocab\":{\"a\":0},\"merges\":[]}}",
	  "unk_token '?' is not in the vocabulary" },
	{ "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":1,\"vocab\":{\"a\":0},\"merges\":[]}}",
	  "\"byte_fallback\" is 1" },
	{ "{" MODEL ",\"added_tokens\":{}}", "\"added_tokens\" is an object" },
	{ "{" MODEL ",\"added_tokens\":[{\"id\":3}]}", "\"content\" is missing" },
	{ "{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"\"}]}", "an added token of 0 bytes" },
	{ "{" MODEL ",\"added_tokens\":[{\"content\":\"x\"}]}", "\"id\" is missing" },
	{ "{" MODEL ",\"added_tokens\":[{\"id\":4,\"content\":\"x\"}]}",
	  "added token 'x' has id 4, but the next free one is 3" },
	{ "{" MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"a\"}]}",
	  "added token 'a' has id 3, but the vocabulary gives it 0" },
	{ "{" MODEL ",\"added_tokens\":[{\"id\":-3,\"content\":\"x\"}]}", "is -3; it has to be from 0" },
	{ "{" MODEL ",\"added_tokens\":[{\"id\":0,\"content\":\"a\"},{\"id\":0,\"content\":\"a\"}]}",
	  "added token 'a' is listed twice" },
	{ "{" MODEL ",\"normalizer\":{\"type\":\"Lowercase\"}}", "normalizer Lowercase is not supported" },
	{ "{" MODEL ",\"normalizer\":{}}", "\"type\" is missing" },
	{ "{" MODEL ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{},\"content\":\"\"}}",
	  "\"Regex\" is missing" },
	{ "{" MODEL ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"\"}}",
	  "an empty string to look for" },
	{ "{" MODEL ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a\"},\"content\":\"\"}}",
	  "pattern '(a': a ( without )" },
	{ "{" MODEL
	  ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Sequence\",\"normalizers\":["
	  "{\"type\":\"Sequence\",\"normalizers\":[]}]}]}}",
	  "a Sequence within a Sequence" },
	{ "{" MODEL ",\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}}",
	  "pre_tokenizer UnicodeScripts is not supported" },
	{ "{" MODEL ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{Nope}\"},"
	  "\"behavior\":\"Isolated\"}}",
	  "named 'Nope'" },
	{ "{" MODEL
	  ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Eaten\"}}",
	  "behavior 'Eaten'" },
	{ "{" MODEL ",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"__\"}}",
	  "has to be one character" },
	{ "{" MODEL
	  ",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":\"often\"}}",
	  "first, always or never" },
	{ "{" MODEL ",\"post_processor\":{\"type\":\"RobertaProcessing\"}}", "\"cls\" is missing" },
	{ "{" MODEL ",\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",3]}}",
	  "integer from 0 to 2" },
	{ "{" MODEL ",\"post_processor\":{\"type\":\"PairProcessing\"}}",
	  "post_processor PairProcessing is not supported" },
	{ "{" MODEL ",\"post_processor\":{\"type\":\"Sequence\",\"processors\":["
	  "{\"type\":\"BertProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",1]},"
	  "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{}}]}}",
	  "a second post_processor that puts tokens around a text" },
	{ "{" MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}}",
	  "without the text itself" },
	{ "{" MODEL
	  ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"B\"}}]}}",
	  "has to name A once" },
	{ "{" MODEL
	  ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}}],"
	  "\"special_tokens\":{}}}",
	  "special token 'x' is not in \"special_tokens\"" },
	{ "{" MODEL
	  ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}}],"
	  "\"special_tokens\":{\"x\":{\"ids\":[3]}}}}",
	  "from 0 to 2" },
	{ "{" MODEL ",\"decoder\":{\"type\":\"WordPiece\"}}", "decoder WordPiece is not supported" },
};

static bool one_line(const char *s)
{
	return *s && !strpbrk(s, "\n\r");
}

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_case) / sizeof(refused_case[0]); i++) {
		struct err e = ERR_INIT;
		struct tokenizer *t;

		if (tokenizer_parse(&t, view_of(refused_case[i].text), "t.json", &e) == 0)
			fail_msg("taken: %s", refused_case[i].text);
		assert_null(t);
		assert_int_equal(e.code, ERR_INPUT);
		if (!strstr(e.msg, refused_case[i].message) || !one_line(e.msg))
			fail_msg("%s: '%s'", refused_case[i].text, e.msg);
		if (strcmp(e.file, "t.json") != 0 && !strstr(e.msg, "t.json"))
			fail_msg("%s: no file in '%s'", refused_case[i].text, e.msg);
	}
}

static const char whole[] =
	"{\"version\":\"1.0\",\"added_tokens\":[{\"id\":3,\"content\":\"<s>\",\"special\":true,\"normalized\":true}],"
	"\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Prepend\",\"prepend\":\"b\"},"
	"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"c+\"},\"content\":\"a\"}]},\"pre_tokenizer\":{\"type\":\"Sequence\","
	"\"pretokenizers\":[{\"type\":\"Digits\"},{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{L}[^\\\\s&&[a-c]]{1,2}\"},"
	"\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"Metaspace\",\"replacement\":\"_\"}]},\"post_processor\":"
	"{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}],"
	"\"special_tokens\":{\"<s>\":{\"ids\":[3]}}},\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
	"{\"type\":\"Strip\",\"content\":\"b\",\"start\":1,\"stop\":0}]}," MODEL "}";

/* Opens it, or not, and uses it where it opens: nothing may break. */
static bool try_text(struct view text)
{
	struct arena mem = ARENA_INIT;
	struct str decoded = STR_INIT;
	struct err e = ERR_INIT;
	struct tokenizer *t;
	struct encoding c;
	bool opened = tokenizer_parse(&t, text, "t.json", &e) == 0;

	if (!opened && (e.code != ERR_INPUT || !one_line(e.msg)))
		fail_msg("'%.*s': '%s'", (int)text.n, text.p, e.msg);
	if (opened) {
		if (tokenizer_encode(&c, &mem, t, VIEW("ab c\xc3\xa9 12 <s>a"), true, &e) == 0)
			tokenizer_decode(&decoded, t, c.id, c.n, true);
		tokenizer_close(t);
	}
	str_release(&decoded);
	arena_release(&mem);
	return opened;
}

static void truncated_files(void **state)
{
	struct view text = VIEW(whole);

	(void)state;
	assert_true(try_text(text));
	for (size_t n = 0; n < text.n; n++)
		assert_false(try_text((struct view){ whole, n }));
}

static void damaged_files(void **state)
{
	static const char byte[] = "{}[]\"\\:,0129-.eanulltrusp(*+?|^$ \xff";
	struct rng r = rng_stream(3, "damage", 0);
	char text[sizeof(whole)];
	size_t opened = 0;

	(void)state;
	for (uint64_t i = 0; i < 3000; i++) {
		memcpy(text, whole, sizeof(whole));
		for (uint64_t k = 0; k <= rng_below(r, 8 * i, 2); k++)
			text[rng_below(r, 8 * i + 2 * k + 1, sizeof(whole) - 1)] =
				byte[rng_below(r, 8 * i + 2 * k + 2, sizeof(byte) - 1)];
		opened += try_text((struct view){ text, sizeof(whole) - 1 });
	}
	assert_true(opened > 100 && opened < 2900);
}

static void missing_files(void **state)
{
	struct err e = ERR_INIT;
	struct tokenizer *t;

	(void)state;
	assert_int_equal(tokenizer_open(&t, "tests/vectors/tokenizer/no-such.json", &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_non_null(strstr(e.msg, "no-such.json"));
	assert_null(t);
	e = (struct err)ERR_INIT;
	assert_int_equal(tokenizer_open(&t, "tests/vectors/tokenizer", &e), -1);
	assert_string_equal(e.msg, "tests/vectors/tokenizer: no tokenizer.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(truncated_files),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(missing_files),
	};

	return cmocka_run_group_tests_name("tokenizer_refuse", tests, NULL, NULL);
}
