#include "flow/steering.h"

#include "flow/trials.h"
#include "num/fmath.h"
#include "num/ops.h"

/* The shared latents of the group as the base decodes them: (d_a), zero where there are none. */
static struct aim base_aim(struct arena *mem, const struct group *g, const struct dfc *d)
{
	struct aim out = { .member = ARENA_ARRAY(mem, g->aim->n + 1, struct member),
			   .direction = ARENA_ARRAY(mem, d->shape.d_a, float),
			   .share = g->aim->share };

	for (size_t i = 0; i < g->aim->n; i++) {
		const float *row = dfc_decoder_a(d, g->aim->member[i].latent);

		if (row == NULL)
			continue;
		op_axpy(out.direction, (float)g->aim->member[i].weight / d->scale_a, row, d->shape.d_a);
		out.member[out.n++] = g->aim->member[i];
	}
	out.norm = fm_sqrt_d(op_norm2_d(out.direction, d->shape.d_a));
	return out;
}

int finding_test_base(struct finding *f, const struct finding *in_base, const struct steering_job *s,
		      size_t number, struct err *e)
{
	const struct spec *spec = s->job->spec;
	size_t n = spec->steer.controls < FEW_CONTROLS ? spec->steer.controls : FEW_CONTROLS;
	struct arena mem = ARENA_INIT;
	struct aim aim = base_aim(&mem, f->group, s->dfc);
	struct group g = { .aim = &aim };
	struct finding it = *in_base;
	struct counted c = doses_count(f, spec, &mem);
	struct trial own;
	int rc = -1;

	it.group = &g;
	it.point = ARENA_ARRAY(&mem, spec->steer.n_doses, struct point);
	own = trial_make(&mem, &it, aim.direction, spec->steer.n_doses);
	if (aim.norm == 0) {
		rc = 0;
		goto out;
	}
	if (trials_run(&it, s, &own, 1, spec->steer.dose, spec->steer.n_doses, e) < 0 ||
	    null_run(&it, s, NULL_DIRECTIONS, number, &c, n, e) < 0)
		goto out;
	f->in_base = (struct in_base){ .applies = true, .norm = aim.norm };
	for (size_t k = 0; k < CONTRAST_COUNT; k++) {
		f->in_base.slope[k] = trial_slope(&own, &it, (enum contrast)k, &c, c.at);
		f->in_base.z[k] = null_z(&it.null[NULL_DIRECTIONS], (enum contrast)k, f->in_base.slope[k]);
	}
	rc = 0;
out:
	arena_release(&mem);
	return rc;
}
