#include "flow/steering.h"

#include "num/fmath.h"

/*
 * From effects to verdicts.  A finding has to move ON and OFF prompts, so what is tested is the lesser of the two effects, in
 * standard deviations of a null, against the lesser of the two of every direction of that null: a random direction may do well
 * on one kind of prompt by chance, on both it seldom does.  It has to pass every null that gates and both trends, so its p is the
 * worst of theirs; all findings then go through Benjamini-Hochberg together.  Either effect has to lie outside the nulls by itself
 * besides, at the level: one so large that the two together are rare says nothing of the other.  Each effect has a p and a q of its own besides,
 * which say whether a confirmed finding suppresses, amplifies, or both.
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

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double lesser(double a, double b)
{
	return a < b ? a : b;
}

double findings_joint_p(const struct finding *f, size_t n, const struct finding *of, enum null_kind w)
{
	double z = lesser(of->effect[CONTRAST_ON].z[w], of->effect[CONTRAST_OFF].z[w]);
	size_t above = 0, total = 0;

	for (size_t i = 0; i < n; i++) {
		const struct null *null = &f[i].null[w];

		for (size_t c = 0; f[i].tested && c < null->n; c++) {
			above += lesser(left_out(null->slope[CONTRAST_ON], null->n, c),
					left_out(null->slope[CONTRAST_OFF], null->n, c)) >= z;
			total++;
		}
	}
	return (1.0 + (double)above) / (1.0 + (double)total);
}

static bool is_outside(const struct finding *f, double alpha)
{
	return f->effect[CONTRAST_ON].p_null <= alpha && f->effect[CONTRAST_OFF].p_null <= alpha;
}

static bool rises(const struct effect *a)
{
	return a->slope.mean > 0 && a->z[NULL_DIRECTIONS] > 0 && a->z[NULL_GROUPS] > 0;
}

/* Why a finding with the right signs does not count. */
static const char *failed(const struct finding *f, double alpha)
{
	const struct effect *on = &f->effect[CONTRAST_ON], *off = &f->effect[CONTRAST_OFF];

	if (f->p <= alpha && is_outside(f, alpha))
		return "its effects do not survive the correction for all findings tested";
	if (on->p_trend > alpha || off->p_trend > alpha)
		return "no trend over the doses";
	return lesser(on->z[NULL_DIRECTIONS], off->z[NULL_DIRECTIONS]) <
			       lesser(on->z[NULL_GROUPS], off->z[NULL_GROUPS])
		       ? "the effects lie within those of random directions"
		       : "the effects lie within those of random groups";
}

static void judge(struct finding *f, const struct spec *spec, struct arena *mem)
{
	const struct effect *on = &f->effect[CONTRAST_ON], *off = &f->effect[CONTRAST_OFF];
	bool text = f->keeps_text[0] && f->keeps_text[1];
	bool suppresses = on->q <= spec->steer.alpha, amplifies = off->q <= spec->steer.alpha;

	f->confirmed = text && rises(on) && rises(off) && is_outside(f, spec->steer.alpha) &&
		       f->q <= spec->steer.alpha;
	if (f->confirmed) {
		f->verdict = suppresses == amplifies ? "confirmed: amplifies and suppresses"
			     : amplifies	     ? "confirmed: amplifies"
						     : "confirmed: suppresses";
		return;
	}
	f->verdict = arena_fmt(
		mem, "not confirmed: %s",
		!text ? "no dose keeps the text coherent on both signs"
		: !rises(on)
			? arena_fmt(mem, "suppressing it does not move its prompts towards the %s's answer",
				    f->side == SIDE_CANDIDATE ? "base" : "candidate")
		: !rises(off) ? "amplifying it does not move other prompts towards its answer"
			      : failed(f, spec->steer.alpha));
}

static void p_make(const struct finding *f, size_t n, struct finding *it)
{
	it->p = 0;
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		struct effect *a = &it->effect[k];

		a->p_null = 0;
		for (size_t w = 0; w < NULL_GATES; w++)
			a->p_null = larger(a->p_null, pooled_p(f, n, a->z[w], k, w));
		a->p = larger(a->p_null, a->p_trend);
		it->p = larger(it->p, a->p_trend);
	}
	for (size_t w = 0; w < NULL_GATES; w++)
		it->p = larger(it->p, findings_joint_p(f, n, it, (enum null_kind)w));
}

void findings_judge(struct finding *f, size_t n, const struct spec *spec, struct arena *mem)
{
	double *p = ARENA_ARRAY(mem, 2 * n + 1, double), *q = ARENA_ARRAY(mem, 2 * n + 1, double);
	size_t tested = 0;

	for (size_t i = 0; i < n; i++) {
		if (!f[i].tested) {
			f[i].p = 1;
			f[i].verdict = f[i].aimed.known
					       ? "not tested: it moves the prompts it was made from no "
						 "more than random directions do"
					       : "not tested: too few held-out prompts show it";
			continue;
		}
		p_make(f, n, &f[i]);
		p[tested++] = f[i].p;
	}
	stats_bh(q, p, tested);
	for (size_t i = 0, at = 0; i < n; i++)
		f[i].q = f[i].tested ? q[at++] : 1;
	tested = 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; f[i].tested && k < CONTRAST_COUNT; k++)
			p[tested++] = f[i].effect[k].p;
	}
	stats_bh(q, p, tested);
	tested = 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; f[i].tested && k < CONTRAST_COUNT; k++)
			f[i].effect[k].q = q[tested++];
		if (f[i].tested)
			judge(&f[i], spec, mem);
	}
}
