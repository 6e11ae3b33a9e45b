#include "base/rng.h"
#include "study/contrast.h"
#include "tests/support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIR "build/test_contrast.tmp"

enum { VOCAB = 60, WIDTH = 24, LAYER = 1, TASKS = 40, MOST = 14 };

static const char config[] =
	"{\"model_type\": \"llama\", \"vocab_size\": 60, \"hidden_size\": 24, \"intermediate_size\": 40,"
	"\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"num_key_value_heads\": 2}";

/* What one sequence is steered by, written out anew. */
struct plain {
	const struct reading_task *task;
};

static void plain_tap(void *ud, float *x, size_t d, const struct rows *rows)
{
	const struct reading_task *t = ((const struct plain *)ud)->task;

	for (size_t i = 0; i < rows->n && t->steering.direction != NULL; i++) {
		bool at_turn = rows->position[i] == t->n_prompt - 1, after = rows->position[i] >= t->n_prompt;

		if (!at_turn && t->steering.where == INJECT_TURN)
			continue;
		if (!at_turn && !after && t->steering.where == INJECT_ANSWER)
			continue;
		for (size_t c = 0; c < d; c++)
			x[i * d + c] += t->steering.dose * t->steering.direction[c];
	}
}

/* The whole text alone, in one feed; the logits after each token. */
static void alone(float *logits, struct session *s, const struct reading_task *t)
{
	struct plain ud = { t };
	struct tap tap = { .layer = LAYER, .fn = plain_tap, .ud = &ud };
	uint32_t seq[MOST] = { 0 }, row[MOST];

	for (uint32_t i = 0; i < MOST; i++)
		row[i] = i;
	session_rewind(s, 0, 0);
	toy_feed(s, t->id, seq, t->n, (struct taps){ &tap, 1 });
	session_logits(s, logits, row, t->n);
}

static double log_p(const float *logits, int32_t target)
{
	double most = -1e300, sum = 0;

	for (size_t i = 0; i < VOCAB; i++)
		most = (double)logits[i] > most ? (double)logits[i] : most;
	for (size_t i = 0; i < VOCAB; i++)
		sum += exp((double)logits[i] - most);
	return (double)logits[target] - most - log(sum);
}

/* Prompts and texts that neighbours share, texts of all lengths, all places to steer at, and none. */
static void tasks_make(struct reading_task *task, int32_t id[TASKS][MOST], float logits[TASKS][VOCAB],
		       const float *direction)
{
	struct rng r = rng_stream(4, "test.contrast", 0);

	for (size_t i = 0; i < TASKS; i++) {
		size_t n_prompt = 1 + i / 5 % 6, n = n_prompt + rng_below(r, i, MOST - n_prompt + 1);

		toy_tokens(id[i], MOST, 100 + i);
		if (i % 5 != 0)
			memcpy(id[i], id[i - 1], n_prompt * sizeof(*id[i]));
		task[i] = (struct reading_task){ .id = id[i],
						 .n_prompt = n_prompt,
						 .n = n,
						 .steering = { i % 4 == 3 ? NULL : direction,
							       (float)rng_normal(r, 1000 + i),
							       (enum inject)(i % 3) },
						 .logits = i % 2 ? logits[i] : NULL };
		/* The very text of two tasks before, steered otherwise. */
		if (i % 5 >= 2 && i / 5 % 2 == 0) {
			task[i].id = task[i - 2].id;
			task[i].n = task[i - 2].n;
		}
	}
}

static void readings_are_those_of_each_text_alone(void **state)
{
	static int32_t id[TASKS][MOST];
	static float logits[TASKS][VOCAB], whole[MOST * VOCAB];
	struct checkpoint_opts o = { .seed = 11 };
	struct model *m = toy_model(DIR, config, &o);
	struct par *p = toy_par(2);
	struct session_opts plan = { 6, MOST, 3 * MOST };
	struct session *many = toy_session(m, p, plan.max_seqs, plan.max_context, plan.max_rows),
		       *one = toy_session(m, p, 1, MOST, MOST);
	struct reading_task task[TASKS];
	struct err e = ERR_INIT;
	float direction[WIDTH];
	size_t moved = 0;

	(void)state;
	for (size_t c = 0; c < WIDTH; c++)
		direction[c] = (float)rng_normal(rng_stream(5, "test.direction", 0), c);
	tasks_make(task, id, logits, direction);
	assert_int_equal(contrast_read(task, TASKS, many, &plan, LAYER, &e), 0);
	for (size_t i = 0; i < TASKS; i++) {
		struct reading_task *t = &task[i], bare = *t;
		double want = 0, least = 0;

		alone(whole, one, t);
		for (size_t k = t->n_prompt; k < t->n; k++) {
			double v = log_p(whole + (k - 1) * VOCAB, t->id[k]);

			want += v;
			least = v < least ? v : least;
		}
		if (fabs(t->logp - want) > 1e-5 || fabs(t->least - least) > 1e-5)
			fail_msg("text %zu: %.9g (least %.9g), alone %.9g (%.9g)", i, t->logp, t->least, want,
				 least);
		if (t->logits != NULL)
			assert_memory_equal(t->logits, whole + (t->n_prompt - 1) * VOCAB, sizeof(logits[i]));
		bare.steering.direction = NULL;
		alone(whole, one, &bare);
		moved += t->logits != NULL &&
			 memcmp(t->logits, whole + (t->n_prompt - 1) * VOCAB, sizeof(logits[i])) != 0;
	}
	assert_int_equal(moved, TASKS / 4);
	session_free(many);
	session_free(one);
	par_free(p);
	model_close(m);
}

static void a_text_that_does_not_fit_is_refused(void **state)
{
	struct checkpoint_opts o = { .seed = 11 };
	struct model *m = toy_model(DIR, config, &o);
	struct par *p = toy_par(1);
	struct session_opts plan = { 3, 8, 8 };
	struct session *s = toy_session(m, p, 3, 8, 8);
	struct err e = ERR_INIT;
	int32_t id[9];
	struct reading_task t = { .id = id, .n_prompt = 2, .n = 9 };

	(void)state;
	toy_tokens(id, 9, 1);
	assert_int_equal(contrast_read(&t, 1, s, &plan, LAYER, &e), -1);
	assert_int_equal(e.code, ERR_INPUT);
	assert_string_equal(e.msg, "a prompt and its answer have 9 tokens; 8 fit");
	session_free(s);
	par_free(p);
	model_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readings_are_those_of_each_text_alone),
		cmocka_unit_test(a_text_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests_name("contrast", tests, NULL, NULL);
}
