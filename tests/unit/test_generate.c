#include "model/generate.h"
#include "num/fmath.h"
#include "tests/support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIR "build/test_generate.tmp"

enum { PROMPTS = 7, CONTEXT = 24 };

static const char config[] =
	"{\"model_type\": \"qwen3\", \"vocab_size\": 50, \"hidden_size\": 24, \"intermediate_size\": 40,"
	"\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 8}";

/* Prompts of 1, 4, 7 ... tokens. */
struct fixture {
	struct model *m;
	struct par *p;
	struct arena mem;
	int32_t id[PROMPTS][CONTEXT];
	struct prompt prompt[PROMPTS];
};

static void setup(struct fixture *f)
{
	struct checkpoint_opts o = { .seed = 11 };

	*f = (struct fixture){ .mem = ARENA_INIT };
	f->m = toy_model(DIR, config, &o);
	f->p = toy_par(2);
	for (size_t i = 0; i < PROMPTS; i++) {
		toy_tokens(f->id[i], CONTEXT, i);
		f->prompt[i] = (struct prompt){ f->id[i], 1 + 3 * i };
	}
}

static void teardown(struct fixture *f)
{
	par_free(f->p);
	model_close(f->m);
	arena_release(&f->mem);
}

static struct continuation *run(struct fixture *f, size_t seqs, size_t rows, size_t *first,
				const struct generate_opts *o)
{
	struct session *s = toy_session(f->m, f->p, seqs, CONTEXT, rows);
	struct continuation *out = ARENA_ARRAY(&f->mem, PROMPTS, struct continuation);
	struct err e = ERR_INIT;

	if (generate(out, &f->mem, s, f->prompt, PROMPTS, (struct taps){ NULL, 0 }, first, o, &e) < 0)
		fail_msg("%s", e.msg);
	session_free(s);
	return out;
}

/* The plain way: a token at a time, one prompt at a time. */
static size_t plainly(int32_t *out, const struct fixture *f, const struct prompt *prompt, size_t max)
{
	struct session *s = toy_session(f->m, f->p, 1, CONTEXT, CONTEXT);
	uint32_t seq[CONTEXT] = { 0 }, last = (uint32_t)prompt->n - 1;
	size_t n = 0;

	toy_feed(s, prompt->id, seq, prompt->n, (struct taps){ NULL, 0 });
	for (;;) {
		session_argmax(s, &out[n], &last, 1);
		if (++n == max || session_position(s, 0) == CONTEXT)
			break;
		last = 0;
		toy_feed(s, &out[n - 1], seq, 1, (struct taps){ NULL, 0 });
	}
	session_free(s);
	return n;
}

/* Whatever the places and the rows of a feed, the greedy continuations are those of the plain way. */
static void test_greedy(void **state)
{
	static const size_t plan[][2] = { { 1, 24 }, { 3, 5 }, { 7, 2 }, { 16, 200 }, { 4, 1 } };
	const struct generate_opts o = { .max_tokens = 9 };
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < sizeof(plan) / sizeof(plan[0]); i++) {
		size_t first = 99;
		struct continuation *got = run(&f, plan[i][0], plan[i][1], &first, &o);

		assert_int_equal(first, (PROMPTS - 1) / plan[i][0] * plan[i][0]);
		for (size_t k = 0; k < PROMPTS; k++) {
			int32_t want[CONTEXT];
			size_t n = plainly(want, &f, &f.prompt[k], 9);

			if (got[k].n != n || memcmp(got[k].id, want, n * sizeof(*want)) ||
			    got[k].stopped_by != -1)
				fail_msg("%zu places, %zu rows: prompt %zu goes on otherwise", plan[i][0],
					 plan[i][1], k);
		}
	}
	teardown(&f);
}

/* The last prompt has 19 tokens of 24: five are fed, and a sixth is chosen after the last. */
static void test_context_end(void **state)
{
	const struct generate_opts o = { .max_tokens = 100 };
	struct continuation *got;
	struct fixture f;

	(void)state;
	setup(&f);
	f.prompt[0].n = CONTEXT;
	got = run(&f, 3, 10, NULL, &o);
	assert_int_equal(got[6].n, 6);
	assert_int_equal(got[0].n, 1);
	assert_int_equal(got[0].stopped_by, -1);
	got = run(&f, 3, 10, NULL, &(struct generate_opts){ .max_tokens = 0 });
	assert_int_equal(got[6].n, 0);
	teardown(&f);
}

static void test_stop(void **state)
{
	struct generate_opts o = { .max_tokens = 5 };
	struct continuation *whole, *got;
	struct fixture f;

	(void)state;
	setup(&f);
	whole = run(&f, 4, 64, NULL, &o);
	o.stop = (const int32_t[]){ 49, whole[2].id[3] };
	o.n_stop = 2;
	got = run(&f, 4, 64, NULL, &o);
	for (size_t i = 0; i < PROMPTS; i++) {
		size_t n = 0;

		while (n < whole[i].n && whole[i].id[n] != o.stop[0] && whole[i].id[n] != o.stop[1])
			n++;
		assert_int_equal(got[i].n, n);
		assert_memory_equal(got[i].id, whole[i].id, n * sizeof(int32_t));
		assert_int_equal(got[i].stopped_by, n < whole[i].n ? whole[i].id[n] : -1);
	}
	teardown(&f);
}

/* Draws belong to the prompt and the position; they follow the model's distribution. */
static void test_sampling(void **state)
{
	struct generate_opts o = { .max_tokens = 5, .temperature = 0.8, .seed = 5 };
	struct continuation *a, *b, *c, *greedy;
	size_t same = 0, hits = 0;
	struct fixture f;

	(void)state;
	setup(&f);
	a = run(&f, 7, 64, NULL, &o);
	b = run(&f, 2, 3, NULL, &o);
	o.seed = 6;
	c = run(&f, 7, 64, NULL, &o);
	for (size_t i = 0; i < PROMPTS; i++) {
		assert_int_equal(a[i].n, b[i].n);
		assert_memory_equal(a[i].id, b[i].id, a[i].n * sizeof(int32_t));
		same += !memcmp(a[i].id, c[i].id, a[i].n * sizeof(int32_t));
	}
	assert_true(same < PROMPTS);
	/* Cold sampling is greedy; how often the best comes up at temperature 1 is its probability. */
	o.temperature = 1e-4;
	b = run(&f, 7, 64, NULL, &o);
	greedy = run(&f, 7, 64, NULL, &(struct generate_opts){ .max_tokens = 5 });
	for (size_t i = 0; i < PROMPTS; i++)
		assert_memory_equal(b[i].id, greedy[i].id, b[i].n * sizeof(int32_t));
	o = (struct generate_opts){ .max_tokens = 1, .temperature = 1 };
	for (o.seed = 0; o.seed < 300; o.seed++)
		hits += run(&f, 7, 64, NULL, &o)[0].id[0] == greedy[0].id[0];
	{
		struct session *s = toy_session(f.m, f.p, 1, CONTEXT, 1);
		uint32_t zero = 0;
		double logp, p;

		toy_feed(s, f.prompt[0].id, &zero, 1, (struct taps){ NULL, 0 });
		session_logprobs(s, &logp, &zero, &greedy[0].id[0], 1);
		p = fm_exp_d(logp);
		/* Five standard deviations. */
		if (!(__builtin_fabs((double)hits / 300 - p) < 5 * fm_sqrt_d(p * (1 - p) / 300)))
			fail_msg("a token of probability %g came up %zu times of 300", p, hits);
		session_free(s);
	}
	teardown(&f);
}

struct places {
	size_t *first, seen[PROMPTS];
};

static void tap_places(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	struct places *p = ud;

	(void)x;
	(void)d_model;
	for (size_t i = 0; i < rows->n; i++)
		p->seen[*p->first + rows->seq[i]]++;
}

/* A tap can tell the prompts apart. */
static void test_taps(void **state)
{
	struct generate_opts o = { .max_tokens = 4 };
	size_t first = 0;
	struct places places = { .first = &first };
	struct tap tap = { 1, tap_places, &places };
	struct continuation out[PROMPTS];
	struct err e = ERR_INIT;
	struct session *s;
	struct fixture f;

	(void)state;
	setup(&f);
	s = toy_session(f.m, f.p, 3, CONTEXT, 8);
	assert_int_equal(
		generate(out, &f.mem, s, f.prompt, PROMPTS, (struct taps){ &tap, 1 }, &first, &o, &e), 0);
	for (size_t i = 0; i < PROMPTS; i++)
		assert_int_equal(places.seen[i], f.prompt[i].n + out[i].n - 1);
	session_free(s);
	teardown(&f);
}

static void test_refusals(void **state)
{
	struct generate_opts o = { .max_tokens = 4 };
	struct continuation out[PROMPTS];
	struct err e = ERR_INIT;
	struct session *s;
	struct fixture f;

	(void)state;
	setup(&f);
	s = toy_session(f.m, f.p, 3, 8, 8);
	assert_int_equal(generate(out, &f.mem, s, f.prompt, PROMPTS, (struct taps){ NULL, 0 }, NULL, &o, &e),
			 -1);
	assert_string_equal(e.msg, "prompt 3 has 10 tokens, more than the context of 8");
	f.prompt[1].n = 0;
	assert_int_equal(generate(out, &f.mem, s, f.prompt, 2, (struct taps){ NULL, 0 }, NULL, &o, &e), -1);
	assert_string_equal(e.msg, "prompt 1 is empty");
	f.id[0][0] = 50;
	assert_int_equal(generate(out, &f.mem, s, f.prompt, 1, (struct taps){ NULL, 0 }, NULL, &o, &e), -1);
	assert_string_equal(e.msg, "prompt 0: token 50 is outside the model's vocabulary of 50");
	o.temperature = -1;
	assert_int_equal(generate(out, &f.mem, s, f.prompt, 0, (struct taps){ NULL, 0 }, NULL, &o, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	session_free(s);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greedy), cmocka_unit_test(test_context_end),
		cmocka_unit_test(test_stop),   cmocka_unit_test(test_sampling),
		cmocka_unit_test(test_taps),   cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
