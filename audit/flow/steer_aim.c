#include "flow/steering.h"

#include "flow/trials.h"

/* What a way of the group does on f's prompts. */
static int way_rehearse(struct aimed *out, double *lesser, const struct finding *f, enum way way,
			const struct steering_job *s, size_t number, struct err *e)
{
	const struct spec *spec = s->job->spec;
	struct group g = *f->group;
	struct finding it = *f;
	struct arena mem = ARENA_INIT;
	struct tried tried;
	struct counted c;
	int rc;

	*out = (struct aimed){ .way = way, .p = 1, .known = true };
	*lesser = -1e300;
	g.aim = &f->group->way[way];
	it.group = &g;
	it.tested = true;
	if (g.aim->norm == 0)
		return 0;
	if (doses_try(&it, s, e) < 0)
		return -1;
	c = doses_count(&it, spec, &mem);
	/* Random directions of its own: those of the test have the finding's number. */
	rc = direction_try(&tried, &it, s, spec->steer.findings + number, &c, e);
	if (rc == 0 && it.keeps_text[0] && it.keeps_text[1]) {
		for (size_t k = 0; k < CONTRAST_COUNT; k++) {
			out->slope[k] = tried.slope[k];
			it.effect[k].z[NULL_DIRECTIONS] = tried.z[k];
		}
		*lesser = tried.z[0] < tried.z[1] ? tried.z[0] : tried.z[1];
		out->p = findings_joint_p(&it, 1, &it, NULL_DIRECTIONS);
	}
	arena_release(&mem);
	return rc;
}

enum way ways_best(const double lesser[WAY_COUNT], bool joint_passes)
{
	enum way best = WAY_JOINT;

	for (size_t w = 0; w < WAY_COUNT; w++)
		best = lesser[w] > lesser[best] ? (enum way)w : best;
	return joint_passes && lesser[best] < lesser[WAY_JOINT] + 1 ? WAY_JOINT : best;
}

int finding_aim(struct aimed *out, const struct finding *f, const struct steering_job *s, size_t number,
		struct err *e)
{
	struct aimed way[WAY_COUNT];
	double lesser[WAY_COUNT];

	for (size_t w = 0; w < WAY_COUNT; w++) {
		if (way_rehearse(&way[w], &lesser[w], f, (enum way)w, s, number, e) < 0)
			return -1;
	}
	*out = way[ways_best(lesser, way[WAY_JOINT].p <= s->job->spec->steer.screen)];
	return 0;
}
