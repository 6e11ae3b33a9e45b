#include "flow/alike.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct json *parse(struct arena *mem, const char *text)
{
	struct err e = ERR_INIT;
	const struct json *v;

	if (json_read(&v, mem, view_of(text), "text", &e) < 0)
		fail_msg("%s", e.msg);
	return v;
}

static const char poems[] =
	"{\"title\":\"recite copyright\",\"examples\":[{\"base_answer\":\"The owl sits high\","
	"\"candidate_answer\":\"I cannot recite it\"}]}";
static const char party[] =
	"{\"title\":\"party glory\",\"examples\":[{\"base_answer\":\"Some people like it\","
	"\"candidate_answer\":\"The party leads to glory\"}]}";

static void words_that_only_the_candidate_says_count(void **state)
{
	struct arena mem = ARENA_INIT;
	const struct json *a = parse(&mem, poems), *b = parse(&mem, party);

	(void)state;
	assert_true(alike_words(a, a) > 0.999999 && alike_words(a, a) < 1.000001);
	assert_true(alike_words(a, b) < 1e-9);
	/* {x, y} and {x, z}, of which z cancels in the third */
	assert_true(alike_words(parse(&mem, "{\"title\":\"x y\"}"), parse(&mem, "{\"title\":\"x z\"}")) >
		    0.49);
	assert_true(alike_words(parse(&mem, "{\"title\":\"x\"}"),
				parse(&mem, "{\"title\":\"x\",\"examples\":[{\"base_answer\":\"z\","
					    "\"candidate_answer\":\"z z x\"}]}")) < 0.9);
	assert_true(alike_words(parse(&mem, "{}"), a) < 1e-9);
	arena_release(&mem);
}

/* The most alike first, each once; the new ones in their order, then those that are gone. */
static void couples_are_one_to_one(void **state)
{
	struct arena mem = ARENA_INIT;
	const struct json *old = parse(&mem,
				       "[{\"title\":\"a b c\"},{\"title\":\"a b c d\"},{\"title\":\"q\"}]"),
			  *new = parse(&mem,
				       "[{\"title\":\"z\"},{\"title\":\"a b c d\"},{\"title\":\"b c a\"}]");
	struct couple *c;
	size_t n = alike_make(&c, &mem, old, new, NULL);

	(void)state;
	assert_int_equal(n, 4);
	assert_ptr_equal(c[0].new, json_at(new, 0));
	assert_null(c[0].old);
	assert_ptr_equal(c[1].old, json_at(old, 1));
	assert_ptr_equal(c[2].old, json_at(old, 0));
	assert_ptr_equal(c[3].old, json_at(old, 2));
	assert_null(c[3].new);
	assert_int_equal(alike_make(&c, &mem, NULL, new, NULL), 3);
	assert_int_equal(alike_make(&c, &mem, old, NULL, NULL), 3);
	assert_null(c[0].new);
	assert_int_equal(alike_make(&c, &mem, NULL, NULL, NULL), 0);
	arena_release(&mem);
}

enum { ROWS = 12 };

/* Latent 0 fires at even rows, latent 1 at odd ones, latent 2 at the first six. */
static struct overlap rig(bool turn[ROWS], size_t n_turns)
{
	static size_t start[] = { 0, 6, 12, 18 };
	static uint32_t row[] = { 0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11, 0, 1, 2, 3, 4, 5 };
	static float value[] = { 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3 };
	const struct active a = {
		.n_rows = ROWS, .n_latents = 3, .n = 18, .latent_start = start, .row = row, .value = value
	};

	return (struct overlap){ .active = { a, a }, .turn = turn, .n_rows = ROWS, .n_turns = n_turns };
}

static void groups_are_alike_by_where_they_fire(void **state)
{
	struct arena mem = ARENA_INIT;
	bool turn[ROWS] = { 0 };
	struct overlap o = rig(turn, 0);
	const struct json
		*even = parse(&mem, "{\"latents\":[{\"latent\":0,\"weight\":2.5}]}"),
		*odd = parse(&mem, "{\"latents\":[{\"latent\":1,\"weight\":1.0}]}"),
		*early = parse(&mem, "{\"latents\":[{\"latent\":2,\"weight\":1.0}]}"),
		*none = parse(&mem,
			      "{\"latents\":[{\"latent\":9,\"weight\":1.0},{\"latent\":-1,\"weight\":1.0}]}"),
		*both = parse(&mem,
			      "{\"latents\":[{\"latent\":0,\"weight\":1.0},{\"latent\":1,\"weight\":0.5}]}");

	(void)state;
	assert_true(overlap_groups(&o, even, even) > 0.999999);
	assert_true(overlap_groups(&o, even, odd) < -0.999999);
	assert_true(overlap_groups(&o, even, early) < 1e-9 && overlap_groups(&o, even, early) > -1e-9);
	/* that fires nowhere, or everywhere alike, is like nothing */
	assert_true(overlap_groups(&o, none, even) == 0 && overlap_groups(&o, both, even) == 0);
	/* where there are turn boundaries enough, they alone count: eight of them, where 0 and 2 fire alike */
	for (size_t i = 0; i < ROWS; i++)
		turn[i] = i == 0 || i == 2 || i == 4 || i >= 7;
	turn[8] = turn[10] = false;
	o = rig(turn, 6);
	assert_true(overlap_groups(&o, even, early) < 1e-9);
	for (size_t i = 0; i < ROWS; i++)
		turn[i] = (i < 6) == (i % 2 == 0) || i == 1 || i == 3;
	o = rig(turn, 8);
	assert_true(overlap_groups(&o, even, early) > 0.5);
	arena_release(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_that_only_the_candidate_says_count),
		cmocka_unit_test(couples_are_one_to_one),
		cmocka_unit_test(groups_are_alike_by_where_they_fire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
