#include "report/chart.h"
#include "report/figure.h"

/* How a training went, and how far apart the predictions are: figures of whole runs. */

static const double panel_height = 112, gutter = 14;

/* What a line of a panel shows of the points of a curve. */
struct trace {
	const char *label, *key;
	enum ink ink;
	enum dash dash;
};

/* Points of the curve that have the number; those that do not are left out. */
static struct series read_trace(struct arena *mem, const struct json *curve, const struct trace *t)
{
	double *x = ARENA_ARRAY(mem, curve->n + 1, double), *y = ARENA_ARRAY(mem, curve->n + 1, double);
	struct series s = { .label = t->label, .ink = t->ink, .dash = t->dash, .x = x, .y = y };

	for (const struct json *p = curve->first; p; p = p->next)
		if (figure_real(&x[s.n], p, "step") && figure_real(&y[s.n], p, t->key))
			s.n++;
	return s;
}

static void draw_panel(struct scene *s, const struct json *curve, const char *title, const struct trace *t,
		       size_t n, bool percent, size_t slot)
{
	double width = (s->width - gutter) / 2;
	struct series *series = ARENA_ARRAY(s->mem, n, struct series);
	struct chart c = { .title = title,
			   .x_label = "step",
			   .series = series,
			   .n_series = n,
			   .percent = percent,
			   .whole = true };

	for (size_t i = 0; i < n; i++)
		series[i] = read_trace(s->mem, curve, &t[i]);
	c.from_zero = slot > 1;
	chart_draw(s, &c, slot % 2 ? width + gutter : 0, slot / 2 ? panel_height + gutter : 0, width,
		   panel_height);
}

static const struct json *find_training(const struct json *results, struct view seed)
{
	const struct json *all = json_find(results, "training");
	int64_t want;

	if (!all || all->kind != JSON_ARRAY || !view_i64(&want, seed))
		return NULL;
	for (const struct json *t = all->first; t; t = t->next) {
		const struct json *has = json_find(t, "seed");

		if (has && has->kind == JSON_INTEGER && has->integer == want)
			return t;
	}
	return NULL;
}

int figure_training(struct scene *s, const struct json *results, struct view id, struct err *e)
{
	static const struct trace loss[] = { { NULL, "loss", INK_TEXT, DASH_SOLID } };
	static const struct trace fve[] = { { "base", "fve_base", INK_BASE, DASH_SOLID },
					    { "candidate", "fve_candidate", INK_CANDIDATE, DASH_DASHED } };
	static const struct trace l0[] = { { "base-only", "l0_base_only", INK_BASE, DASH_SOLID },
					   { "shared", "l0_shared", INK_SHARED, DASH_DOTTED },
					   { "candidate-only", "l0_candidate_only", INK_CANDIDATE,
					     DASH_DASHED } };
	static const struct trace dead[] = { { "base-only", "dead_base_only", INK_BASE, DASH_SOLID },
					     { "shared", "dead_shared", INK_SHARED, DASH_DOTTED },
					     { "candidate-only", "dead_candidate_only", INK_CANDIDATE,
					       DASH_DASHED } };
	const struct json *training = find_training(results, id), *curve = json_find(training, "curve");

	if (!curve || curve->kind != JSON_ARRAY)
		return err_set(e, ERR_SPEC, "no training of seed %.*s in the results", (int)id.n, id.p);
	s->title = "Training: loss, variance explained, active and dead latents against steps";
	s->height = 2 * panel_height + gutter;
	draw_panel(s, curve, "Loss", loss, 1, false, 0);
	draw_panel(s, curve, "Variance explained", fve, 2, false, 1);
	draw_panel(s, curve, "Active latents per pair", l0, 3, false, 2);
	draw_panel(s, curve, "Dead latents", dead, 3, true, 3);
	return 0;
}

int figure_gap(struct scene *s, const struct json *results, struct view id, struct err *e)
{
	const struct json *bins = json_find(json_find(results, "harvest"), "gap_histogram");
	struct bar *bar;
	size_t i = 0;

	(void)id;
	if (!bins || bins->kind != JSON_ARRAY)
		return err_set(e, ERR_SPEC, "no histogram of prediction gaps in the results");
	bar = ARENA_ARRAY(s->mem, bins->n + 1, struct bar);
	for (const struct json *b = bins->first; b; b = b->next, i++) {
		figure_real(&bar[i].height, b, "rows");
		bar[i].ink = INK_SHARED;
		bar[i].label = figure_number(s->mem, b, "lo", "harvest.gap_histogram[].lo", false);
		bar[i].value = figure_number(s->mem, b, "rows", "harvest.gap_histogram[].rows", false);
	}
	s->title = "How many pairs have which prediction gap";
	s->height = 150;
	chart_draw(s,
		   &(struct chart){ .title = "Pairs by the size of their prediction gap",
				    .x_label = "size of the gap, each bar from here to the next, nats",
				    .bar = bar,
				    .n_bars = bins->n },
		   0, 0, s->width, s->height);
	return 0;
}
