#include "tests/support/stories.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 64 };

static void story_add(struct corpus_writer *w, const struct story *s, size_t number)
{
	int32_t id[WORDS];
	uint32_t end[WORDS];
	uint8_t kind[WORDS] = { TOKEN_CONTENT };
	struct pair_record pair[WORDS];
	struct doc_tokens side[SIDE_COUNT];
	struct doc d = {
		.line = number + 1, .kind = (uint8_t)s->kind, .prompt = s->prompt, .author = s->author
	};
	struct view text = view_of(s->text);
	bool answer = false;
	uint32_t n = 0;

	for (size_t at = 0; at < text.n;) {
		size_t from = at + strspn(text.p + at, " "), to = from + strcspn(text.p + from, " ");
		bool turn = to - from == 1 && text.p[from] == '|';

		assert_true(n < WORDS && to > from);
		id[n] = (int32_t)n;
		end[n] = (uint32_t)to;
		pair[n] = (struct pair_record){ .token = { n, n },
						.byte = (uint32_t)to,
						.flags = turn	  ? PAIR_TURN
							 : answer ? PAIR_ANSWER
								  : 0 };
		answer |= turn;
		n++;
		at = to;
	}
	side[0] = side[1] = (struct doc_tokens){ id, end, kind, n };
	corpus_add(w, &d, text, side, pair, n);
}

struct corpus *stories_open(const struct folder *f, const struct story *s, size_t n)
{
	struct artifact a = folder_artifact(f, 7);
	struct err e = ERR_INIT;
	struct corpus_writer *w;
	struct corpus *c;

	assert_int_equal(corpus_create(&w, &a, &e), 0);
	for (size_t i = 0; i < n; i++)
		story_add(w, &s[i], i);
	assert_int_equal(corpus_finish(w, &e), 0);
	assert_int_equal(artifact_commit(&a, &e), 0);
	if (corpus_open(&c, &a, &e) < 0)
		fail_msg("%s", e.msg);
	return c;
}
