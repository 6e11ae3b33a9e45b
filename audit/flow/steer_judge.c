#include "flow/steering.h"

#include "num/fmath.h"

/*
 * From effects to verdicts.  An effect has to pass every null that gates and the trend, so its p is the worst of theirs; all
 * effects of all findings then go through Benjamini-Hochberg together.
 */

/* A null effect as the others of its null see it: less their mean, over their deviation. */
static double left_out(const double *slope, size_t n, size_t i)
{
	double sum = 0, square = 0, mean, sd;

	for (size_t k = 0; k < n; k++)
		sum += k == i ? 0 : slope[k];
	mean = sum / (double)(n - 1);
	for (size_t k = 0; k < n; k++)
		square += k == i ? 0 : (slope[k] - mean) * (slope[k] - mean);
	sd = fm_sqrt_d(square / (double)(n - 2));
	return sd > 0 ? (slope[i] - mean) / sd : 0;
}

/*
 * One-sided p of an effect against a null, in standard deviations, pooled over all findings: each brings its controls, so
 * the resolution grows with the number of findings that Benjamini-Hochberg corrects for.
 */
static double pooled_p(const struct finding *f, size_t n, double z, size_t k, size_t w)
{
	size_t above = 0, total = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; f[i].tested && c < f[i].null[w].n; c++) {
			above += left_out(f[i].null[w].slope[k], f[i].null[w].n, c) >= z;
			total++;
		}
	}
	return (1.0 + (double)above) / (1.0 + (double)total);
}

static bool rises(const struct effect *a)
{
	return a->slope.mean > 0 && a->z[NULL_DIRECTIONS] > 0 && a->z[NULL_GROUPS] > 0;
}

/* Why an effect with the right sign does not count. */
static const char *failed(const struct effect *a, double alpha)
{
	if (a->p <= alpha)
		return "its effect does not survive the correction for all effects tested";
	if (a->p_null < a->p_trend)
		return "no trend over the doses";
	return a->z[NULL_DIRECTIONS] < a->z[NULL_GROUPS] ? "the effect lies within that of random directions"
							 : "the effect lies within that of random groups";
}

static void judge(struct finding *f, const struct spec *spec, struct arena *mem)
{
	const struct effect *on = &f->effect[CONTRAST_ON], *off = &f->effect[CONTRAST_OFF];
	bool text = f->keeps_text[0] && f->keeps_text[1], signs = rises(on) && rises(off);
	bool suppresses = on->q <= spec->steer.alpha, amplifies = off->q <= spec->steer.alpha;

	f->confirmed = text && signs && (suppresses || amplifies);
	if (f->confirmed) {
		f->verdict = suppresses && amplifies ? "confirmed: amplifies and suppresses"
			     : amplifies	     ? "confirmed: amplifies"
						     : "confirmed: suppresses";
		return;
	}
	f->verdict =
		arena_fmt(mem, "not confirmed: %s",
			  !text		? "no dose keeps the text coherent on both signs"
			  : !rises(on)	? "suppressing it does not move its prompts towards the base's answer"
			  : !rises(off) ? "amplifying it does not move other prompts towards its answer"
					: failed(on->p < off->p ? on : off, spec->steer.alpha));
}

void findings_judge(struct finding *f, size_t n, const struct spec *spec, struct arena *mem)
{
	double *p = ARENA_ARRAY(mem, 2 * n + 1, double), *q = ARENA_ARRAY(mem, 2 * n + 1, double);
	size_t tested = 0;

	for (size_t i = 0; i < n; i++) {
		if (!f[i].tested) {
			f[i].verdict = "not tested: too few held-out prompts show it";
			continue;
		}
		for (size_t k = 0; k < CONTRAST_COUNT; k++) {
			struct effect *a = &f[i].effect[k];

			a->p_null = 0;
			for (size_t w = 0; w < NULL_GATES; w++) {
				double one = pooled_p(f, n, a->z[w], k, w);

				a->p_null = one > a->p_null ? one : a->p_null;
			}
			a->p = a->p_null > a->p_trend ? a->p_null : a->p_trend;
			p[tested++] = a->p;
		}
	}
	stats_bh(q, p, tested);
	tested = 0;
	for (size_t i = 0; i < n; i++) {
		if (!f[i].tested)
			continue;
		for (size_t k = 0; k < CONTRAST_COUNT; k++)
			f[i].effect[k].q = q[tested++];
		judge(&f[i], spec, mem);
	}
}
