#include "report/chart.h"
#include "report/figure.h"

/* Does steering by a finding's direction move the answers, and more than directions taken at random do? */

static const double height = 146, gutter = 16;

static const struct json *find_finding(const struct json *results, struct view id)
{
	const struct json *all = json_find(results, "findings");

	if (!all || all->kind != JSON_ARRAY)
		return NULL;
	for (const struct json *f = all->first; f; f = f->next)
		if (view_eq(figure_text(f, "id"), id))
			return f;
	return NULL;
}

/* The members that one panel shows. */
struct side {
	const char *title, *mean, *lo, *hi, *null_lo, *null_hi;
	enum ink ink, tint;
};

struct columns {
	double *dose, *mean, *lo, *hi;
	bool *hollow;
	size_t n;
	double *null_dose, *null_lo, *null_hi;
	size_t n_null;
};

static void read_doses(struct columns *c, struct arena *mem, const struct json *doses,
		       const struct side *side)
{
	double **each[] = { &c->dose, &c->mean, &c->lo, &c->hi, &c->null_dose, &c->null_lo, &c->null_hi };

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		*each[i] = ARENA_ARRAY(mem, doses->n + 1, double);
	c->hollow = ARENA_ARRAY(mem, doses->n + 1, bool);
	for (const struct json *d = doses->first; d; d = d->next) {
		const struct json *counts = json_find(d, "counts");

		if (figure_real(&c->null_dose[c->n_null], d, "dose") &&
		    figure_real(&c->null_lo[c->n_null], d, side->null_lo) &&
		    figure_real(&c->null_hi[c->n_null], d, side->null_hi))
			c->n_null++;
		if (!figure_real(&c->dose[c->n], d, "dose") || !figure_real(&c->mean[c->n], d, side->mean))
			continue;
		if (!figure_real(&c->lo[c->n], d, side->lo) || !figure_real(&c->hi[c->n], d, side->hi))
			c->lo[c->n] = c->hi[c->n] = c->mean[c->n];
		c->hollow[c->n++] = counts && counts->kind == JSON_FALSE;
	}
}

static void draw_side(struct scene *s, const struct json *doses, const struct side *side, double x,
		      double width)
{
	struct columns c = { 0 };
	struct series series[2];

	read_doses(&c, s->mem, doses, side);
	series[0] = (struct series){ .label = "random directions",
				     .tint = INK_CONTROL_TINT,
				     .x = c.null_dose,
				     .lo = c.null_lo,
				     .hi = c.null_hi,
				     .n = c.n_null };
	series[1] = (struct series){ .label = "the finding, with its interval",
				     .ink = side->ink,
				     .tint = side->tint,
				     .x = c.dose,
				     .y = c.mean,
				     .lo = c.lo,
				     .hi = c.hi,
				     .n = c.n,
				     .look = LOOK_LINE_AND_DOTS,
				     .hollow = c.hollow };
	chart_draw(s,
		   &(struct chart){ .title = side->title,
				    .x_label = "dose (1: what a prompt of the behaviour adds)",
				    .y_label = "contrast score, nats",
				    .series = series,
				    .n_series = 2,
				    .zero_line = true },
		   x, 0, width, height);
}

int figure_dose(struct scene *s, const struct json *results, struct view id, struct err *e)
{
	static const struct side sides[] = {
		{ "Prompts that show the behaviour", "on", "on_lo", "on_hi", "null_on_lo", "null_on_hi",
		  INK_CANDIDATE, INK_CANDIDATE_TINT },
		{ "Prompts that do not", "off", "off_lo", "off_hi", "null_off_lo", "null_off_hi", INK_BASE,
		  INK_BASE_TINT },
	};
	const struct json *doses = json_find(find_finding(results, id), "doses");
	double width = (s->width - gutter) / 2;

	if (!doses || doses->kind != JSON_ARRAY)
		return err_set(e, ERR_SPEC, "no finding %.*s with doses in the results", (int)id.n, id.p);
	s->title = "Dose and response: contrast score against the strength of steering";
	s->height = height;
	draw_side(s, doses, &sides[0], 0, width);
	draw_side(s, doses, &sides[1], width + gutter, width);
	return 0;
}
