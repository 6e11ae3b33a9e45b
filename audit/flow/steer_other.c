#include "flow/steering.h"

#include "flow/trials.h"
#include "num/fmath.h"
#include "num/ops.h"

int finding_test_other(struct finding *f, const struct finding *other, const struct steering_job *s,
		       size_t number, struct err *e)
{
	const struct spec *spec = s->job->spec;
	size_t d = dfc_width(&s->dfc->shape, s->candidate);
	struct arena mem = ARENA_INIT;
	struct aim aim = { .direction = ARENA_ARRAY(&mem, d, float), .share = f->group->aim->share };
	struct group g = { .aim = &aim };
	struct finding it = *other;
	struct counted c = doses_count(f, spec, &mem);
	struct tried tried;
	int rc = 0;

	group_direction(aim.direction, s->dfc, s->candidate, f->group->aim->member, f->group->aim->n);
	aim.norm = fm_sqrt_d(op_norm2_d(aim.direction, d));
	it.group = &g;
	if (aim.norm > 0)
		rc = direction_try(&tried, &it, s, number, &c, e);
	if (aim.norm > 0 && rc == 0)
		f->in_other = (struct in_other){ .applies = true, .norm = aim.norm, .tried = tried };
	arena_release(&mem);
	return rc;
}
