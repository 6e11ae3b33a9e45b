#include "flow/steering.h"

#include "flow/trials.h"
#include "study/acting.h"

/* One way of the group, on the prompts it was made from. */
struct rehearsal {
	struct aimed aimed;
	double lesser; /* of both effects less their standard errors, in sd of each null that gates */
	double sd[CONTRAST_COUNT]; /* nats a unit dose: of random directions of norm 1; 0 where unknown */
};

static void rehearsal_measure(struct rehearsal *out, struct finding *it, const struct tried *tried)
{
	double lesser = 1e300;

	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		out->aimed.slope[k] = tried->slope[k];
		out->sd[k] = it->null[NULL_DIRECTIONS].sd[k] / it->group->aim->norm;
		it->effect[k].z[NULL_DIRECTIONS] = tried->z[k];
		for (size_t w = 0; w < NULL_GATES; w++) {
			double z = null_z(&it->null[w], (enum contrast)k, tried->slope[k] - tried->error[k]);

			lesser = z < lesser ? z : lesser;
		}
	}
	if (!it->keeps_text[0] || !it->keeps_text[1])
		return;
	out->lesser = lesser;
	out->aimed.p = findings_joint_p(it, 1, it, NULL_DIRECTIONS);
}

static int way_rehearse(struct rehearsal *out, const struct finding *f, enum way way,
			const struct steering_job *s, size_t number, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct group g = *f->group;
	struct finding it = *f;
	struct arena mem = ARENA_INIT;
	struct tried tried;
	struct counted c;
	int rc;

	*out = (struct rehearsal){ .aimed = { .way = way, .p = 1, .known = true }, .lesser = -1e300 };
	g.aim = &f->group->way[way];
	it.group = &g;
	it.tested = true;
	if (g.aim->norm == 0)
		return 0;
	if (doses_try(&it, s, e) < 0)
		return -1;
	c = doses_count(&it, spec, &mem);
	/* Random directions and groups of its own: those of the test have the finding's number. */
	number += spec->steer.findings;
	rc = direction_try(&tried, &it, s, number, &c, e);
	if (rc == 0)
		rc = null_run(&it, s, NULL_GROUPS, number, &c, few_controls(spec), false, e);
	if (rc == 0)
		rehearsal_measure(out, &it, &tried);
	arena_release(&mem);
	return rc;
}

enum way ways_best(const double lesser[WAY_COUNT])
{
	enum way best = WAY_JOINT;

	for (size_t w = 0; w < WAY_COUNT; w++)
		best = lesser[w] > lesser[best] ? (enum way)w : best;
	return best;
}

/* What each latent of the pool does by itself to each prompt. */
static int pool_try(struct acting_pool *p, const struct finding *f, const struct steering_job *s,
		    struct arena *mem, struct err *e)
{
	static const double dose[] = { -1, 0, 1 };
	size_t at[] = { 0, 1, 2 };
	const struct counted sides = { .at = at, .first = { 0, 1 }, .of = { 2, 2 } };
	struct trial *trial = ARENA_ARRAY(mem, p->n + 1, struct trial);

	for (size_t i = 0; i < p->n; i++) {
		float *v = ARENA_ARRAY(mem, dfc_width(&s->dfc->shape, s->candidate), float);

		group_direction(v, s->dfc, s->candidate, &p->member[i], 1);
		trial[i] = trial_make(mem, f, v, 3);
	}
	if (trials_run(f, s, trial, p->n, dose, 3, &sides, e) < 0)
		return -1;
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		size_t n = f->n_contested[k];

		p->n_prompts[k] = n;
		p->effect[k] = ARENA_ARRAY(mem, p->n + 1, double *);
		for (size_t i = 0; i < p->n; i++) {
			const double *low = trial[i].score[k] + sides.first[k] * n;

			p->effect[k][i] = ARENA_ARRAY(mem, n + 1, double);
			for (size_t q = 0; q < n; q++)
				p->effect[k][i][q] = low[n + q] - low[q];
		}
	}
	return 0;
}

/* g->way[WAY_ACTING], and how it does on prompts that it was not chosen by. sd: of a slope of random directions of norm 1. */
static int acting_find(struct group *g, double *crossed, const struct finding *f,
		       const double sd[CONTRAST_COUNT], const struct steering_job *s, struct err *e)
{
	struct arena mem = ARENA_INIT;
	size_t most = s->job->spec->steer.group;
	struct member *m = ARENA_ARRAY(&mem, most + 1, struct member);
	struct acting_pool pool = {
		.b = s->candidate, .member = g->pool, .n = g->n_pool, .sd = { sd[0], sd[1] }
	};
	int rc = pool_try(&pool, f, s, &mem, e);

	if (rc == 0) {
		*crossed = acting_crossed(&pool, s->dfc, most);
		g->way[WAY_ACTING] = group_aim(g, m, acting_choose(m, &pool, s->dfc, most));
	}
	arena_release(&mem);
	return rc;
}

int finding_aim(struct aimed *out, struct group *group, const struct finding *f, const struct steering_job *s,
		size_t number, struct err *e)
{
	struct rehearsal way[WAY_COUNT] = { { .lesser = 0 } };
	double lesser[WAY_COUNT], crossed = 0;

	for (size_t w = 0; w < WAY_COUNT; w++) {
		if (w == WAY_ACTING && way[WAY_JOINT].sd[0] > 0 && way[WAY_JOINT].sd[1] > 0 &&
		    acting_find(group, &crossed, f, way[WAY_JOINT].sd, s, e) < 0)
			return -1;
		if (way_rehearse(&way[w], f, (enum way)w, s, number, e) < 0)
			return -1;
		/* Chosen by these prompts, it has to have the right sign on prompts it was not chosen by. */
		lesser[w] = w == WAY_ACTING && crossed <= 0 ? -1e300 : way[w].lesser;
	}
	*out = way[ways_best(lesser)].aimed;
	return 0;
}
