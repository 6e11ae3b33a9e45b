#include "flow/reader.h"
#include "tests/support/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * Plain text and what a model went on with: the prompt keeps the tokens that the model read, whatever its vocabulary would
 * join across the seam, and its last token is the turn boundary, whatever it is.
 */

static const char *const kind[] = { "llama2", "metaspace", "gemma", "gpt2", "llama3", "o200k", "qwen" };

enum { KINDS = sizeof(kind) / sizeof(kind[0]) };

static struct reading continued(struct arena *mem, const struct reader *r, const char *prompt,
				const char *answer)
{
	const char *text = arena_fmt(mem, "%s%s", prompt, answer);
	struct err e = ERR_INIT;
	struct reading out;

	assert_int_equal(reader_continued(&out, mem, r, view_of(text), strlen(prompt), &e), 0);
	return out;
}

static void the_prompt_keeps_its_tokens(void **state)
{
	static const char *const prompt[] = { "What is an owl?", "the owl ", "What", "a\n" };
	static const char *const answer[] = { " the owl", "ever", "  Sorry.", "\n- one", "" };

	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		struct reader r = { .tokenizer = kind_open(kind[k]), .context = 100 };

		for (size_t i = 0; i < 20; i++) {
			struct arena mem = ARENA_INIT;
			struct reading alone, both = continued(&mem, &r, prompt[i % 4], answer[i / 4]);
			uint32_t at = 0;
			struct err e = ERR_INIT;

			assert_int_equal(reader_text(&alone, &mem, &r, view_of(prompt[i % 4]), &e), 0);
			assert_int_equal(both.n_prompt, alone.n);
			assert_memory_equal(both.id, alone.id, alone.n * sizeof(*alone.id));
			for (size_t t = 0; t < both.n; t++) {
				assert_true(both.end[t] >= at);
				at = both.end[t];
			}
			assert_int_equal(at, strlen(prompt[i % 4]) + strlen(answer[i / 4]));
			arena_release(&mem);
		}
		tokenizer_close(r.tokenizer);
	}
}

/* The one pair that is marked, or NULL. */
static const struct pair_record *boundary(const struct pair_record *pair, size_t n)
{
	const struct pair_record *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!(pair[i].flags & PAIR_TURN))
			continue;
		assert_null(found);
		found = &pair[i];
	}
	return found;
}

/* Two vocabularies, a prompt that ends in white space, a word, or in the middle of one. */
static void the_boundary_is_the_prompt_s_last_token(void **state)
{
	static const char *const prompt[] = { "the owl? ", "the owl", "the o", "the\n" };
	struct spec spec = { .corpus = { .pairing = PAIRING_OFFSETS } };

	(void)state;
	for (size_t i = 0; i < KINDS * KINDS; i++) {
		struct reader r[SIDE_COUNT] = { { .tokenizer = kind_open(kind[i / KINDS]), .context = 100 },
						{ .tokenizer = kind_open(kind[i % KINDS]), .context = 100 } };

		for (size_t p = 0; p < 4; p++) {
			struct arena mem = ARENA_INIT;
			struct reading reading[SIDE_COUNT] = { continued(&mem, &r[0], prompt[p], "wl sits"),
							       continued(&mem, &r[1], prompt[p], "wl sits") };
			uint32_t first = (uint32_t)strlen(prompt[p]);
			struct turn turn = { first, first + 7 };
			struct align_figures figures;
			struct pair_record *pair;
			const struct pair_record *at;
			size_t n = reader_pairs(&pair, &mem, &spec, r, reading, &turn, 1, &figures);

			at = boundary(pair, n);
			if (at == NULL)
				fail_msg("%s, %s: no boundary after '%s'", kind[i / KINDS], kind[i % KINDS],
					 prompt[p]);
			assert_int_equal(at->byte, first);
			for (size_t s = 0; s < SIDE_COUNT; s++) {
				size_t before, after;

				tokenizer_surround(&before, &after, r[s].tokenizer);
				assert_true(at->token[s] == reading[s].n_prompt - 1 ||
					    at->token[s] == reading[s].n_prompt - 1 - after);
			}
			for (size_t k = 0; k < n; k++)
				assert_int_equal((pair[k].flags & PAIR_ANSWER) != 0, pair[k].byte > first);
			arena_release(&mem);
		}
		tokenizer_close(r[0].tokenizer);
		tokenizer_close(r[1].tokenizer);
	}
}

/* Bytes in front of an answer are tokens of their own, or part of what follows. */
static void what_an_answer_begins_with_is_counted(void **state)
{
	static const struct {
		const char *kind, *answer;
		size_t bytes, tokens;
	} of[] = {
		{ "llama2", "the", 0, 0 },	  { "llama3", "the", 0, 0 },
		{ "llama3", "the", 2, SIZE_MAX }, { "llama2", "the", 7, SIZE_MAX },
		{ "llama3", " the", 4, 1 },	  { "llama3", " the", 1, SIZE_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct reader r = { .tokenizer = kind_open(of[i].kind), .context = 100 };
		struct arena mem = ARENA_INIT;
		struct err e = ERR_INIT;
		size_t n;

		assert_int_equal(reader_ahead(&n, &mem, &r, view_of(of[i].answer), of[i].bytes, &e), 0);
		if (n != of[i].tokens)
			fail_msg("%s: %zu tokens for %zu bytes of '%s'", of[i].kind, n, of[i].bytes,
				 of[i].answer);
		arena_release(&mem);
		tokenizer_close(r.tokenizer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_prompt_keeps_its_tokens),
		cmocka_unit_test(the_boundary_is_the_prompt_s_last_token),
		cmocka_unit_test(what_an_answer_begins_with_is_counted),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
