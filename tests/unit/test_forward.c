#include "base/hash.h"
#include "base/str.h"
#include "model/session.h"
#include "tests/support/naive_model.h"
#include "tests/support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIR "build/test_forward.tmp"

enum { ROWS = 40 };

static void run_one(struct toy_keep *keep, float *logits, const struct model *m, struct par *p,
		    const int32_t *id, size_t step)
{
	const struct arch *a = model_arch(m);
	struct session *s = toy_session(m, p, 1, ROWS, step);
	uint32_t seq[ROWS] = { 0 }, row[ROWS];
	struct tap tap[8];

	for (size_t l = 0; l < a->n_layers; l++) {
		keep[l].at = 0;
		tap[l] = (struct tap){ l, toy_tap_keep, &keep[l] };
	}
	for (uint32_t i = 0; i < ROWS; i++)
		row[i] = i;
	for (size_t at = 0; at < ROWS; at += step) {
		size_t n = ROWS - at < step ? ROWS - at : step;

		toy_feed(s, id + at, seq, n, (struct taps){ tap, a->n_layers });
		session_logits(s, logits + at * a->n_vocab, row, n);
	}
	session_free(s);
}

static void test_naive(void **state)
{
	struct par *p = toy_par(2);
	int32_t id[ROWS];

	(void)state;
	toy_tokens(id, ROWS, 0);
	for (size_t i = 0; i < TOY_SHAPES; i++) {
		struct checkpoint_opts o = { .seed = i, .mix = i % 2, .shards = i % 3 };
		struct model *m = toy_model(DIR, toy_shape[i].config, &o);
		const struct arch *a = model_arch(m);
		struct arena mem = ARENA_INIT;
		float *logits = ARENA_ARRAY(&mem, ROWS * a->n_vocab, float);
		double *want, *resid;
		struct toy_keep keep[8];
		struct digest whole = { { 0 } };

		for (size_t l = 0; l < a->n_layers; l++)
			keep[l].x = ARENA_ARRAY(&mem, ROWS * a->d_model, float);
		naive_model(&want, &resid, &mem, m, id, ROWS);
		/* At once, in pieces, and token by token: near the truth, and the same bits. */
		for (size_t step = ROWS; step; step = step == ROWS ? 7 : step == 7 ? 1 : 0) {
			double worst = 0;

			run_one(keep, logits, m, p, id, step);
			for (size_t l = 0; l < a->n_layers; l++) {
				double d = toy_apart(keep[l].x, resid + l * ROWS * a->d_model,
						     ROWS * a->d_model);

				worst = d > worst ? d : worst;
			}
			if (!(worst < 1e-5))
				fail_msg("%s, %zu rows a feed: the residual streams are %g apart",
					 toy_shape[i].name, step, worst);
			worst = toy_apart(logits, want, ROWS * a->n_vocab);
			if (!(worst < 1e-5))
				fail_msg("%s, %zu rows a feed: the logits are %g apart", toy_shape[i].name,
					 step, worst);
			if (step == ROWS)
				whole = digest_of(logits, ROWS * a->n_vocab * sizeof(*logits));
			else if (!digest_eq(whole, digest_of(logits, ROWS * a->n_vocab * sizeof(*logits))))
				fail_msg("%s, %zu rows a feed: other bits than at once", toy_shape[i].name,
					 step);
		}
		arena_release(&mem);
		model_close(m);
	}
	par_free(p);
}

/* Texts of more than one block of keys, windows that end inside one, sinks, and caches that a feed goes on from. */
static void test_long(void **state)
{
	enum { LONG = 700 };
	static const char *const config[] = {
		"{\"model_type\": \"llama\", \"vocab_size\": 40, \"hidden_size\": 16, \"intermediate_size\": 8,"
		"\"num_hidden_layers\": 1, \"num_attention_heads\": 3, \"num_key_value_heads\": 1, \"head_dim\": 8}",
		"{\"model_type\": \"gpt_oss\", \"vocab_size\": 40, \"hidden_size\": 16, \"intermediate_size\": 8,"
		"\"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"num_key_value_heads\": 2, \"head_dim\": 8,"
		"\"num_local_experts\": 2, \"num_experts_per_tok\": 1, \"sliding_window\": 300}",
		"{\"model_type\": \"gemma2\", \"vocab_size\": 40, \"hidden_size\": 16, \"intermediate_size\": 8,"
		"\"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"head_dim\": 8,"
		"\"sliding_window\": 257, \"attn_logit_softcapping\": 2}",
	};
	static const size_t step[] = { LONG, 256, 33 };
	uint32_t seq[LONG] = { 0 }, row[LONG];
	struct par *p = toy_par(2);
	int32_t id[LONG];

	(void)state;
	toy_tokens(id, LONG, 9);
	for (uint32_t i = 0; i < LONG; i++)
		row[i] = i;
	for (size_t c = 0; c < sizeof(config) / sizeof(config[0]); c++) {
		struct checkpoint_opts o = { .seed = c };
		struct model *m = toy_model(DIR, config[c], &o);
		struct arena mem = ARENA_INIT;
		float *logits = ARENA_ARRAY(&mem, LONG * 40, float);
		struct digest whole = { { 0 } };
		double *want, *resid;

		naive_model(&want, &resid, &mem, m, id, LONG);
		for (size_t k = 0; k < 3; k++) {
			struct session *s = toy_session(m, p, 1, LONG, step[k]);

			for (size_t at = 0; at < LONG; at += step[k]) {
				size_t n = LONG - at < step[k] ? LONG - at : step[k];

				toy_feed(s, id + at, seq, n, (struct taps){ NULL, 0 });
				session_logits(s, logits + at * 40, row, n);
			}
			if (!(toy_apart(logits, want, LONG * 40) < 1e-5))
				fail_msg("model %zu, %zu rows a feed: %g apart", c, step[k],
					 toy_apart(logits, want, LONG * 40));
			if (k == 0)
				whole = digest_of(logits, LONG * 40 * sizeof(*logits));
			else if (!digest_eq(whole, digest_of(logits, LONG * 40 * sizeof(*logits))))
				fail_msg("model %zu, %zu rows a feed: other bits than at once", c, step[k]);
			session_free(s);
		}
		arena_release(&mem);
		model_close(m);
	}
	par_free(p);
}

/* A digest of everything a session gives, for several sequences at once. */
static struct digest digest_run(const struct model *m, unsigned threads)
{
	const struct arch *a = model_arch(m);
	struct par *p = toy_par(threads);
	struct session *s = toy_session(m, p, 3, 64, 64);
	struct arena mem = ARENA_INIT;
	float *x = ARENA_ARRAY(&mem, 64 * (a->n_vocab > a->d_model ? a->n_vocab : a->d_model), float);
	struct toy_keep keep = { x, 0 };
	struct tap tap = { a->n_layers / 2, toy_tap_keep, &keep };
	struct sha256 hash;
	uint32_t seq[51], row[51];
	int32_t id[51], next[51];
	double logp[51];

	toy_tokens(id, 51, 1);
	for (uint32_t i = 0; i < 51; i++) {
		seq[i] = i < 30 ? 2 : i < 31 ? 0 : 1;
		row[i] = i;
	}
	sha256_init(&hash);
	toy_feed(s, id, seq, 51, (struct taps){ &tap, 1 });
	sha256_add(&hash, x, keep.at * sizeof(*x));
	session_logits(s, x, row, 51);
	sha256_add(&hash, x, 51 * a->n_vocab * sizeof(*x));
	session_logprobs(s, logp, row, id, 51);
	sha256_add(&hash, logp, sizeof(logp));
	session_argmax(s, next, row, 51);
	sha256_add(&hash, next, sizeof(next));
	toy_feed(s, next, (uint32_t[]){ 1, 0, 2 }, 3, (struct taps){ NULL, 0 });
	session_logits(s, x, row, 3);
	sha256_add(&hash, x, 3 * a->n_vocab * sizeof(*x));
	session_free(s);
	arena_release(&mem);
	par_free(p);
	return sha256_end(&hash);
}

static void test_threads(void **state)
{
	static const unsigned threads[] = { 2, 3, 7 };

	(void)state;
	for (size_t i = 0; i < TOY_SHAPES; i++) {
		struct checkpoint_opts o = { .seed = 100 + i, .mix = true };
		struct model *m = toy_model(DIR, toy_shape[i].config, &o);
		struct digest one = digest_run(m, 1);

		for (size_t t = 0; t < 3; t++)
			if (!digest_eq(one, digest_run(m, threads[t])))
				fail_msg("%s: %u threads give other bits than one", toy_shape[i].name,
					 threads[t]);
		model_close(m);
	}
}

/* Only distances count in a rotation, at position 130,000 as at 0: angles must keep their precision. */
static void test_far(void **state)
{
	enum { CONTEXT = 130000, STEP = 1000, TAIL = 20 };
	static const char config[] =
		"{\"model_type\": \"mistral\", \"vocab_size\": 40, \"hidden_size\": 8,"
		"\"intermediate_size\": 8, \"num_hidden_layers\": 2, \"num_attention_heads\": 2,"
		"\"num_key_value_heads\": 1, \"sliding_window\": 8, \"rope_theta\": 10000}";
	struct checkpoint_opts o = { .seed = 7 };
	struct model *m = toy_model(DIR, config, &o);
	struct par *p = toy_par(2);
	struct session *far = toy_session(m, p, 1, CONTEXT, STEP), *near = toy_session(m, p, 1, TAIL, TAIL);
	int32_t id[STEP];
	uint32_t seq[STEP] = { 0 }, last = STEP - 1;
	float a[40], b[40];

	(void)state;
	toy_tokens(id, STEP, 8);
	for (size_t i = 0; i < CONTEXT; i += STEP)
		toy_feed(far, id, seq, STEP, (struct taps){ NULL, 0 });
	session_logits(far, a, &last, 1);
	toy_feed(near, id + STEP - TAIL, seq, TAIL, (struct taps){ NULL, 0 });
	last = TAIL - 1;
	session_logits(near, b, &last, 1);
	assert_true(toy_apart_f(a, b, 40) < 1e-6);
	session_free(far);
	session_free(near);
	par_free(p);
	model_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
