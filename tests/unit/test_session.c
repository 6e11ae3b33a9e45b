#include "model/session.h"
#include "num/fmath.h"
#include "tests/support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIR "build/test_session.tmp"

static const char plain[] =
	"{\"model_type\": \"llama\", \"vocab_size\": 60, \"hidden_size\": 24, \"intermediate_size\": 40,"
	"\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"num_key_value_heads\": 2}";

/* Sequences that advance together do not see each other. */
static void test_together(void **state)
{
	struct checkpoint_opts o = { .seed = 1 };
	struct model *m = toy_model(DIR, plain, &o);
	struct par *p = toy_par(2);
	struct session *many = toy_session(m, p, 4, 32, 80), *one = toy_session(m, p, 1, 32, 32);
	static float got[80 * 60], want[32 * 60];
	uint32_t seq[80], row[80], none[32] = { 0 };
	int32_t id[80];
	size_t length[4] = { 30, 1, 17, 32 }, at = 0;

	(void)state;
	toy_tokens(id, 80, 2);
	for (uint32_t s = 0; s < 4; s++)
		for (size_t i = 0; i < length[s]; i++, at++)
			seq[at] = 3 - s;
	for (uint32_t i = 0; i < 80; i++)
		row[i] = i;
	toy_feed(many, id, seq, at, (struct taps){ NULL, 0 });
	session_logits(many, got, row, at);
	at = 0;
	for (size_t s = 0; s < 4; s++) {
		session_rewind(one, 0, 0);
		toy_feed(one, id + at, none, length[s], (struct taps){ NULL, 0 });
		session_logits(one, want, row, length[s]);
		if (memcmp(got + at * 60, want, length[s] * 60 * sizeof(*want)) != 0)
			fail_msg("the sequence of %zu tokens differs in company", length[s]);
		assert_int_equal(session_position(many, (uint32_t)(3 - s)), length[s]);
		at += length[s];
	}
	session_free(many);
	session_free(one);
	par_free(p);
	model_close(m);
}

/* After a fork or a rewind the same toy_tokens give the same bits. */
static void test_fork(void **state)
{
	struct checkpoint_opts o = { .seed = 2 };
	struct model *m = toy_model(DIR, plain, &o);
	struct par *p = toy_par(2);
	struct session *s = toy_session(m, p, 3, 32, 32);
	float first[60], second[60], third[60];
	uint32_t seq[32] = { 0 }, last = 5, two[] = { 2, 2, 2, 2, 2, 2 };
	int32_t id[32];

	(void)state;
	toy_tokens(id, 32, 3);
	toy_feed(s, id, seq, 10, (struct taps){ NULL, 0 });
	session_fork(s, 2, 0, 0);
	toy_feed(s, id + 10, seq, 6, (struct taps){ NULL, 0 });
	session_logits(s, first, &last, 1);
	toy_feed(s, id + 10, two, 6, (struct taps){ NULL, 0 });
	session_logits(s, second, &last, 1);
	assert_memory_equal(first, second, sizeof(first));
	toy_feed(s, id, seq, 3, (struct taps){ NULL, 0 });
	session_rewind(s, 0, 10);
	assert_int_equal(session_position(s, 0), 10);
	toy_feed(s, id + 10, seq, 6, (struct taps){ NULL, 0 });
	session_logits(s, third, &last, 1);
	assert_memory_equal(first, third, sizeof(first));
	session_free(s);
	par_free(p);
	model_close(m);
}

/* Log-probabilities and the best token are those of the logits, with more toy_tokens than one block of the scan. */
static void test_readout(void **state)
{
	static const char wide[] =
		"{\"model_type\": \"gemma2\", \"vocab_size\": 20001, \"hidden_size\": 8,"
		"\"intermediate_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 2,"
		"\"num_key_value_heads\": 1, \"head_dim\": 4, \"final_logit_softcapping\": 4}";
	struct checkpoint_opts o = { .seed = 3 };
	struct model *m = toy_model(DIR, wide, &o);
	struct par *p = toy_par(2);
	struct session *s = toy_session(m, p, 1, 8, 8);
	struct arena mem = ARENA_INIT;
	float *logits = ARENA_ARRAY(&mem, 8 * 20001, float);
	uint32_t seq[8] = { 0 }, row[8] = { 7, 0, 1, 2, 3, 4, 5, 5 };
	int32_t id[8], target[8] = { 0, 20000, 8191, 8192, 12345, 16383, 16384, 1 }, next[8];
	double logp[8];

	(void)state;
	toy_tokens(id, 8, 4);
	toy_feed(s, id, seq, 8, (struct taps){ NULL, 0 });
	session_logits(s, logits, row, 8);
	session_logprobs(s, logp, row, target, 8);
	session_argmax(s, next, row, 8);
	for (size_t i = 0; i < 8; i++) {
		const float *x = logits + i * 20001;
		double sum = 0, want;
		size_t best = 0;

		for (size_t j = 0; j < 20001; j++) {
			sum += fm_exp_d((double)x[j] - 4);
			best = x[j] > x[best] ? j : best;
		}
		want = (double)x[target[i]] - 4 - fm_log_d(sum);
		if (!(__builtin_fabs(logp[i] - want) < 1e-5))
			fail_msg("row %zu: log p is %g, not %g", i, logp[i], want);
		/* The two products may differ in the last bit: what was chosen must be as good. */
		if (!((double)x[best] - (double)x[next[i]] < 1e-5))
			fail_msg("row %zu: token %d is not the best, %zu is", i, next[i], best);
	}
	arena_release(&mem);
	session_free(s);
	par_free(p);
	model_close(m);
}

static void tap_add(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->seq[i] == 1 && rows->position[i] >= 4)
			x[i * d_model] += *(float *)ud;
}

/* A pass stops where asked; an injection reaches what comes after it and nothing else. */
static void test_taps(void **state)
{
	struct checkpoint_opts o = { .seed = 4 };
	struct model *m = toy_model(DIR, plain, &o);
	struct par *p = toy_par(2);
	struct session *s = toy_session(m, p, 2, 16, 32);
	static float plainly[3][16 * 24], steered[3][16 * 24];
	struct toy_keep keep[6];
	float dose = 2;
	struct tap before[3], after[4] = { { 1, tap_add, &dose } };
	struct err e = ERR_INIT;
	uint32_t seq[16];
	int32_t id[16];

	(void)state;
	toy_tokens(id, 16, 5);
	memcpy(id + 8, id, 8 * sizeof(*id));
	for (uint32_t i = 0; i < 16; i++)
		seq[i] = i / 8;
	for (size_t l = 0; l < 3; l++) {
		keep[l] = (struct toy_keep){ plainly[l], 0 };
		keep[3 + l] = (struct toy_keep){ steered[l], 0 };
		before[l] = (struct tap){ l, toy_tap_keep, &keep[l] };
		after[1 + l] = (struct tap){ l, toy_tap_keep, &keep[3 + l] };
	}
	toy_feed(s, id, seq, 16, (struct taps){ before, 3 });
	session_rewind(s, 0, 0);
	session_rewind(s, 1, 0);
	toy_feed(s, id, seq, 16, (struct taps){ after, 4 });
	assert_memory_equal(plainly[0], steered[0], sizeof(plainly[0]));
	assert_memory_equal(plainly[2], steered[2], 12 * 24 * sizeof(float));
	assert_float_equal(steered[1][12 * 24], plainly[1][12 * 24] + dose, 0);
	assert_true(toy_apart_f(plainly[2] + 12 * 24, steered[2] + 12 * 24, 4 * 24) > 1e-3);
	/* One block only: the taps above are silent, and the sequence cannot go deeper later. */
	session_rewind(s, 0, 0);
	for (size_t l = 0; l < 3; l++)
		keep[l].at = 0;
	assert_int_equal(session_feed(s, id, seq, 4, 1, (struct taps){ before, 3 }, &e), 0);
	assert_int_equal(keep[0].at, 4 * 24);
	assert_int_equal(keep[1].at + keep[2].at, 0);
	assert_int_equal(session_feed(s, id, seq, 4, 2, (struct taps){ NULL, 0 }, &e), -1);
	assert_string_equal(e.msg, "sequence 0 went through 1 blocks so far and cannot go through 2 now");
	session_rewind(s, 0, 0);
	toy_feed(s, id, seq, 4, (struct taps){ NULL, 0 });
	session_free(s);
	par_free(p);
	model_close(m);
}

static void tap_copy(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	memcpy(ud, x, rows->n * d_model * sizeof(*x));
}

static void tap_every(void *ud, float *x, size_t d_model, const struct rows *rows)
{
	(void)ud;
	for (size_t i = 0; i < rows->n; i++)
		x[i * d_model] += 0.25f * (float)rows->position[i];
}

/* From the stream after a block on: the bits of the whole way, and nothing that could go wrong later. */
static void test_above(void **state)
{
	struct checkpoint_opts o = { .seed = 7 };
	struct model *m = toy_model(DIR, plain, &o);
	struct par *p = toy_par(2);
	struct session *s = toy_session(m, p, 3, 32, 32);
	struct err e = ERR_INIT;
	float x[5 * 24], want[60], got[60];
	uint32_t zero[16] = { 0 }, one[] = { 1, 1, 1, 1, 1 }, two[] = { 2, 2, 2, 2, 2 }, last = 4;
	int32_t id[16];

	(void)state;
	toy_tokens(id, 16, 8);
	for (size_t first = 1; first <= 3; first++) {
		struct tap keep = { first - 1, tap_copy, x }, change = { first - 1, tap_every, NULL };

		session_rewind(s, 0, 0);
		toy_feed(s, id, zero, 9, (struct taps){ NULL, 0 });
		session_fork(s, 1, 0, 0);
		session_fork(s, 2, 0, first);
		toy_feed(s, id + 9, one, 5, (struct taps){ &keep, 1 });
		session_rewind(s, 1, 9);
		toy_feed(s, id + 9, one, 5, (struct taps){ &change, 1 });
		session_logits(s, want, &last, 1);
		assert_int_equal(
			session_feed_above(s, x, id + 9, two, 5, first, (struct taps){ &change, 1 }, &e), 0);
		session_logits(s, got, &last, 1);
		assert_memory_equal(want, got, sizeof(want));
		assert_int_equal(session_position(s, 2), 14);
		/* The blocks below have nothing of it. */
		assert_int_equal(session_feed(s, id, two, 1, SIZE_MAX, (struct taps){ NULL, 0 }, &e), -1);
		assert_int_equal(e.code, ERR_INPUT);
		assert_non_null(strstr(e.msg, "sequence 2 began at block"));
		session_fork(s, 1, 2, 0);
		assert_int_equal(session_feed(s, id, one, 1, SIZE_MAX, (struct taps){ NULL, 0 }, &e), -1);
		session_rewind(s, 2, 0);
		toy_feed(s, id, two, 5, (struct taps){ NULL, 0 });
	}
	session_free(s);
	par_free(p);
	model_close(m);
}

/* What is refused leaves the session as it was. */
static void test_refusals(void **state)
{
	static const struct {
		int32_t id[4];
		uint32_t seq[4];
		size_t n;
		const char *want;
	} bad[] = {
		{ { 1, 2, 60 }, { 0, 0, 0 }, 3, "token 60 is outside the model's vocabulary of 60" },
		{ { 1, -1 }, { 0, 0 }, 2, "token -1 is outside the model's vocabulary of 60" },
		{ { 1, 2 }, { 0, 2 }, 2, "sequence 2 of a session of 2" },
		{ { 1, 2, 3 }, { 0, 1, 0 }, 3, "the rows of sequence 0 do not stand together" },
		{ { 1, 2, 3, 4 }, { 1, 0, 0, 0 }, 4, "sequence 0 is longer than the 8 positions planned" },
		{ { 1 }, { 0 }, 0, "a feed of 0 rows; 1 to 8 were planned" },
		{ { 1 }, { 0 }, 9, "a feed of 9 rows; 1 to 8 were planned" },
	};
	struct checkpoint_opts o = { .seed = 5 };
	struct model *m = toy_model(DIR, plain, &o);
	struct par *p = toy_par(1);
	struct session *s = toy_session(m, p, 2, 8, 8);
	uint32_t seq[8] = { 0 }, last = 0;
	float want[60], got[60];
	int32_t id[8];

	(void)state;
	toy_tokens(id, 8, 6);
	toy_feed(s, id, seq, 7, (struct taps){ NULL, 0 });
	session_rewind(s, 0, 6);
	toy_feed(s, id + 6, seq, 1, (struct taps){ NULL, 0 });
	session_logits(s, want, &last, 1);
	session_rewind(s, 0, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(session_feed(s, bad[i].id, bad[i].seq, bad[i].n, SIZE_MAX,
					      (struct taps){ NULL, 0 }, &e),
				 -1);
		assert_string_equal(e.msg, bad[i].want);
		assert_int_equal(e.code, ERR_INPUT);
		assert_int_equal(session_position(s, 0), 6);
		assert_int_equal(session_position(s, 1), 0);
	}
	toy_feed(s, id + 6, seq, 1, (struct taps){ NULL, 0 });
	session_logits(s, got, &last, 1);
	assert_memory_equal(want, got, sizeof(got));
	session_free(s);
	par_free(p);
	model_close(m);
}

static void test_bytes(void **state)
{
	struct par *p = toy_par(1);

	(void)state;
	for (size_t i = 0; i < TOY_SHAPES; i++) {
		struct checkpoint_opts o = { .seed = i };
		struct model *m = toy_model(DIR, toy_shape[i].config, &o);
		struct session_opts plan = { 3, 17, 29 };
		size_t before = mem_reserved(), live = mem_live();
		struct session *s = toy_session(m, p, 3, 17, 29);

		if (mem_reserved() - before != session_bytes(model_arch(m), &plan))
			fail_msg("%s: %zu bytes reserved, %zu foretold", toy_shape[i].name,
				 mem_reserved() - before, session_bytes(model_arch(m), &plan));
		session_free(s);
		assert_int_equal(mem_reserved(), before);
		assert_int_equal(mem_live(), live);
		plan.max_context = SIZE_MAX / 2;
		assert_true(session_bytes(model_arch(m), &plan) == SIZE_MAX);
		model_close(m);
	}
	par_free(p);
}

static void test_limits(void **state)
{
	static const char gpt2[] =
		"{\"model_type\": \"gpt2\", \"vocab_size\": 45, \"n_embd\": 8, \"n_layer\": 1,"
		"\"n_head\": 2, \"n_positions\": 16}";
	struct checkpoint_opts o = { .seed = 6 };
	struct model *m = toy_model(DIR, gpt2, &o);
	struct par *p = toy_par(1);
	struct err e = ERR_INIT;
	struct session *s;

	(void)state;
	assert_int_equal(session_new(&s, m, p, &(struct session_opts){ 1, 17, 1 }, &e), -1);
	assert_string_equal(e.msg, "a context of 17 tokens: this model (gpt2) is defined up to 16");
	assert_int_equal(session_new(&s, m, p, &(struct session_opts){ 1, 16, 0 }, &e), -1);
	assert_int_equal(session_new(&s, m, p, &(struct session_opts){ SIZE_MAX, 16, 4 }, &e), -1);
	mem_limit(mem_reserved() + 1000);
	assert_int_equal(session_new(&s, m, p, &(struct session_opts){ 1, 16, 16 }, &e), -1);
	assert_int_equal(e.code, ERR_SIZE);
	mem_limit(0);
	par_free(p);
	model_close(m);
}

/* With longrope a text is short or long from its first feed on; a fork stays what it was. */
static void test_longrope(void **state)
{
	enum { LIMIT = 32, N = 40 };
	struct par *p = toy_par(2);
	struct err e = ERR_INIT;
	struct session *s, *none;
	struct model *m;
	float whole[61], copied[61];
	int32_t id[N];
	uint32_t seq[N] = { 0 }, last = N - 2, first = 0, other = 1;

	(void)state;
	assert_int_equal(model_open(&m, "tests/vectors/arch/phi3_longrope", &e), 0);
	s = toy_session(m, p, 2, N, N);
	toy_tokens(id, N, 9);
	toy_feed(s, id, seq, LIMIT, (struct taps){ NULL, 0 });
	assert_int_equal(session_feed(s, id + LIMIT, seq, 1, SIZE_MAX, (struct taps){ NULL, 0 }, &e), -1);
	assert_non_null(strstr(e.msg, "began within the 32 tokens"));
	session_rewind(s, 0, 0);
	toy_feed(s, id, seq, N - 1, (struct taps){ NULL, 0 });
	session_logits(s, whole, &last, 1);
	session_rewind(s, 0, N - 2);
	session_fork(s, 1, 0, 0);
	toy_feed(s, id + N - 2, &other, 1, (struct taps){ NULL, 0 });
	session_logits(s, copied, &first, 1);
	assert_memory_equal(whole, copied, sizeof(whole));
	assert_int_equal(session_new(&none, m, p, &(struct session_opts){ 1, N, LIMIT }, &e), -1);
	assert_non_null(strstr(e.msg, "has to be fed whole"));
	session_free(s);
	model_close(m);
	par_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_together), cmocka_unit_test(test_fork),
		cmocka_unit_test(test_readout),	 cmocka_unit_test(test_taps),
		cmocka_unit_test(test_above),	 cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bytes),	 cmocka_unit_test(test_limits),
		cmocka_unit_test(test_longrope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
