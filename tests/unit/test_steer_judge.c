#include "base/rng.h"
#include "flow/steering.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Verdicts from effects (flow/steer_judge.c): findings whose nulls are normal draws, judged by hand and by loops of our own.
 */

enum { CONTROLS = 40, MOST = 12 };

struct bench {
	struct arena mem;
	struct spec spec;
	struct finding f[MOST];
	double slope[MOST][NULL_COUNT][CONTRAST_COUNT][CONTROLS];
};

/* Controls of unit deviation about `mean`, and a finding `z` deviations from there on either kind. */
static void finding_make(struct bench *b, size_t i, uint64_t seed, double on, double off)
{
	const double z[CONTRAST_COUNT] = { on, off };
	struct finding *f = &b->f[i];

	*f = (struct finding){ .side = SIDE_CANDIDATE, .tested = true, .keeps_text = { true, true } };
	for (size_t w = 0; w < NULL_COUNT; w++) {
		f->null[w].n = CONTROLS;
		for (size_t k = 0; k < CONTRAST_COUNT; k++) {
			struct rng r = rng_stream(seed, "test.judge", (i * NULL_COUNT + w) * 2 + k);

			f->null[w].slope[k] = b->slope[i][w][k];
			for (size_t c = 0; c < CONTROLS; c++)
				b->slope[i][w][k][c] = rng_normal(r, c);
			f->effect[k].z[w] = z[k];
		}
	}
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		f->effect[k].slope.mean = z[k];
		f->effect[k].p_trend = 0.001;
	}
}

static void judged(struct bench *b, size_t n)
{
	b->spec.steer.alpha = 0.05;
	findings_judge(b->f, n, &b->spec, &b->mem);
}

static void verdict_is(struct bench *b, const char *verdict)
{
	judged(b, 1);
	assert_string_equal(b->f[0].verdict, verdict);
	assert_int_equal(b->f[0].confirmed, strncmp(verdict, "confirmed", 9) == 0);
}

static void each_reason_has_its_verdict(void **state)
{
	static struct bench b;

	(void)state;
	finding_make(&b, 0, 1, 6, 6);
	verdict_is(&b, "confirmed: amplifies and suppresses");
	b.f[0].keeps_text[0] = false;
	verdict_is(&b, "not confirmed: no dose keeps the text coherent on both signs");
	finding_make(&b, 0, 1, -6, 6);
	verdict_is(&b, "not confirmed: suppressing it does not move its prompts towards the base's answer");
	b.f[0].side = SIDE_BASE;
	verdict_is(&b,
		   "not confirmed: suppressing it does not move its prompts towards the candidate's answer");
	finding_make(&b, 0, 1, 6, -6);
	verdict_is(&b, "not confirmed: amplifying it does not move other prompts towards its answer");
	finding_make(&b, 0, 1, 6, 0.1);
	b.f[0].effect[1].z[NULL_DIRECTIONS] = 6;
	verdict_is(&b, "not confirmed: the effects lie within those of random groups");
	finding_make(&b, 0, 1, 6, 0.1);
	b.f[0].effect[1].z[NULL_GROUPS] = 6;
	verdict_is(&b, "not confirmed: the effects lie within those of random directions");
	finding_make(&b, 0, 1, 6, 6);
	b.f[0].effect[0].p_trend = 0.2;
	verdict_is(&b, "not confirmed: no trend over the doses");
	finding_make(&b, 0, 1, 6, 6);
	b.f[0].tested = false;
	verdict_is(&b, "not tested: too few held-out prompts show it");
	assert_true(b.f[0].p == 1 && b.f[0].q == 1);
	b.f[0].aimed = (struct aimed){ .p = 0.4, .known = true };
	verdict_is(&b, "not tested: it moves the prompts it was made from no more than random directions do");
	arena_release(&b.mem);
}

/* Exclusive and shared latents alone are shown, and decide nothing. */
static void what_is_shown_does_not_gate(void **state)
{
	static struct bench b;

	(void)state;
	finding_make(&b, 0, 2, 6, 6);
	for (size_t k = 0; k < CONTRAST_COUNT; k++)
		b.f[0].effect[k].z[NULL_EXCLUSIVE] = b.f[0].effect[k].z[NULL_SHARED] = -9;
	verdict_is(&b, "confirmed: amplifies and suppresses");
	arena_release(&b.mem);
}

/* Two effects that are rare together, one of which random directions have as well. */
static void each_effect_lies_outside(void **state)
{
	static struct bench b;

	(void)state;
	finding_make(&b, 0, 3, 1.15, 6);
	judged(&b, 1);
	assert_true(b.f[0].q <= 0.05 && b.f[0].effect[CONTRAST_ON].p_null > 0.05);
	verdict_is(&b, "not confirmed: the effects lie within those of random groups");
	finding_make(&b, 0, 3, 6, 1.15);
	verdict_is(&b, "not confirmed: the effects lie within those of random groups");
	arena_release(&b.mem);
}

/* Among many that are nothing, what would pass alone has to pass the correction too. */
static void findings_are_corrected_together(void **state)
{
	static struct bench b;

	(void)state;
	finding_make(&b, 0, 3, 6, 6);
	b.f[0].effect[0].p_trend = 0.03;
	verdict_is(&b, "confirmed: amplifies and suppresses");
	for (size_t i = 1; i < MOST; i++)
		finding_make(&b, i, 3, 0.05, 0.05);
	judged(&b, MOST);
	assert_true(b.f[0].p <= 0.05 && b.f[0].q > 0.05 && !b.f[0].confirmed);
	assert_string_equal(
		b.f[0].verdict,
		"not confirmed: its effects do not survive the correction for all findings tested");
	arena_release(&b.mem);
}

/* ---- p and q by loops of our own ---- */

static double standard(const double *slope, size_t i)
{
	double mean = 0, square = 0;

	for (size_t k = 0; k < CONTROLS; k++)
		mean += k != i ? slope[k] / (CONTROLS - 1) : 0;
	for (size_t k = 0; k < CONTROLS; k++)
		square += k != i ? pow(slope[k] - mean, 2) : 0;
	return (slope[i] - mean) / sqrt(square / (CONTROLS - 2));
}

static double naive_p(const struct bench *b, size_t n, size_t which)
{
	double worst = 0;

	for (size_t w = 0; w < 2; w++) {
		double z = fmin(b->f[which].effect[0].z[w], b->f[which].effect[1].z[w]), above = 1;

		for (size_t i = 0; i < n; i++) {
			for (size_t c = 0; c < CONTROLS; c++)
				above += fmin(standard(b->slope[i][w][0], c),
					      standard(b->slope[i][w][1], c)) >= z;
		}
		worst = fmax(worst, above / (1.0 + (double)n * CONTROLS));
	}
	return fmax(worst, fmax(b->f[which].effect[0].p_trend, b->f[which].effect[1].p_trend));
}

static double naive_q(const double *p, size_t n, size_t which)
{
	double q = 1;

	for (size_t i = 0; i < n; i++) {
		double rank = 0;

		for (size_t k = 0; k < n; k++)
			rank += p[k] <= p[i];
		if (p[i] >= p[which])
			q = fmin(q, p[i] * (double)n / rank);
	}
	return q;
}

static void p_and_q_are_what_they_are_defined_to_be(void **state)
{
	static struct bench b;
	double p[MOST];

	(void)state;
	for (size_t i = 0; i < MOST; i++) {
		finding_make(&b, i, 4, 0.4 * (double)i - 1, 2.5 - 0.2 * (double)i);
		b.f[i].effect[0].z[NULL_GROUPS] += i % 3 == 0 ? 0.7 : -0.3;
	}
	judged(&b, MOST);
	for (size_t i = 0; i < MOST; i++) {
		p[i] = naive_p(&b, MOST, i);
		assert_true(fabs(b.f[i].p - p[i]) < 1e-12);
	}
	for (size_t i = 0; i < MOST; i++)
		assert_true(fabs(b.f[i].q - naive_q(p, MOST, i)) < 1e-12);
	arena_release(&b.mem);
}

/* ---- what is nothing ---- */

/* A finding drawn as its controls are passes as often as the level says at most: either null, and both kinds. */
static void nothing_is_confirmed_at_the_level(void **state)
{
	enum { DRAWS = 2000 };
	static struct bench b;
	size_t confirmed = 0;

	(void)state;
	for (uint64_t i = 0; i < DRAWS; i++) {
		struct rng r = rng_stream(5, "test.judge.zero", i);

		finding_make(&b, 0, 1000 + i, 0, 0);
		for (size_t k = 0; k < CONTRAST_COUNT; k++) {
			for (size_t w = 0; w < NULL_GATES; w++)
				b.f[0].effect[k].z[w] = rng_normal(r, k);
			b.f[0].effect[k].slope.mean = rng_normal(r, k);
		}
		judged(&b, 1);
		confirmed += b.f[0].confirmed;
	}
	arena_release(&b.mem);
	/* 0.05 of 2000 is 100 at most; both effects outside by themselves are far fewer. */
	assert_true(confirmed > 0 && confirmed < 100);
}

/* The best; METHOD's weights where others are no better. */
static void the_way_that_is_better_is_taken(void **state)
{
	(void)state;
	assert_int_equal(ways_best((const double[]){ 2, 2.5, 3.8, 3 }), WAY_OWN);
	assert_int_equal(ways_best((const double[]){ 2, 3.8, 2.5, -1e300 }), WAY_EXCLUSIVE);
	assert_int_equal(ways_best((const double[]){ 3, 2, 1, 3.1 }), WAY_ACTING);
	assert_int_equal(ways_best((const double[]){ 3, 3, 1, 3 }), WAY_JOINT);
	assert_int_equal(ways_best((const double[]){ -1e300, -1e300, -1e300, -1e300 }), WAY_JOINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_reason_has_its_verdict),
		cmocka_unit_test(the_way_that_is_better_is_taken),
		cmocka_unit_test(what_is_shown_does_not_gate),
		cmocka_unit_test(each_effect_lies_outside),
		cmocka_unit_test(findings_are_corrected_together),
		cmocka_unit_test(p_and_q_are_what_they_are_defined_to_be),
		cmocka_unit_test(nothing_is_confirmed_at_the_level),
	};

	return cmocka_run_group_tests_name("steer_judge", tests, NULL, NULL);
}
