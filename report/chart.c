#include "report/chart.h"

#include "store/metrics.h"

static const struct style title_style = { FACE_BOLD, 8, INK_TEXT };
static const struct style label_style = { FACE_REGULAR, 7, INK_MUTED };
static const struct style legend_style = { FACE_REGULAR, 7, INK_TEXT };

/* The rectangle of the plot, and its axes. */
struct plot {
	struct scene *s;
	double x, y, w, h;
	struct axis across, up;
	bool percent;
};

static double at_x(const struct plot *p, double v)
{
	return p->x + (v - p->across.lo) / (p->across.hi - p->across.lo) * p->w;
}

static double at_y(const struct plot *p, double v)
{
	return p->y + p->h - (v - p->up.lo) / (p->up.hi - p->up.lo) * p->h;
}

void chart_dot(struct scene *s, double x, double y, double radius, enum ink fill, enum ink stroke)
{
	/* the circle's points by twelfths: sqrt(3) / 2 and 1 / 2 */
	static const struct point unit[] = { { 1, 0 },	{ 0.866, 0.5 },	  { 0.5, 0.866 },
					     { 0, 1 },	{ -0.5, 0.866 },  { -0.866, 0.5 },
					     { -1, 0 }, { -0.866, -0.5 }, { -0.5, -0.866 },
					     { 0, -1 }, { 0.5, -0.866 },  { 0.866, -0.5 },
					     { 1, 0 } };
	struct point at[13];

	for (size_t i = 0; i < 13; i++)
		at[i] = (struct point){ x + radius * unit[i].x, y + radius * unit[i].y };
	scene_outline(s, at, 13, fill, stroke, 0.8, DASH_SOLID);
}

static void tick_text(struct str *out, const struct axis *a, size_t i, bool percent)
{
	double v = (double)(a->first + (long)i) * a->step;
	struct metric m = { .format = METRIC_FIXED, .digits = a->digits };

	if (percent) {
		v *= 100;
		m.digits = a->digits > 2 ? a->digits - 2 : 0;
	}
	metric_print_real(out, &m, v);
	if (percent)
		str_adds(out, " %");
}

/* Widest of the ticks' words. */
static double tick_width(const struct scene *s, const struct axis *a, bool percent)
{
	struct str t = STR_INIT;
	double widest = 0;

	for (size_t i = 0; i < a->n; i++) {
		double w;

		str_clear(&t);
		tick_text(&t, a, i, percent);
		w = scene_measure(s, label_style, str_view(&t));
		widest = w > widest ? w : widest;
	}
	str_release(&t);
	return widest;
}

static void draw_grid(const struct plot *p)
{
	struct str t = STR_INIT;

	for (size_t i = 0; i < p->up.n; i++) {
		double v = (double)(p->up.first + (long)i) * p->up.step;

		str_clear(&t);
		tick_text(&t, &p->up, i, p->percent);
		scene_line(p->s, p->x, at_y(p, v), p->w, 0, INK_GRID, 0.5);
		scene_text(p->s, p->x - 4, at_y(p, v) + 2.5, label_style, 1, str_view(&t));
	}
	str_release(&t);
}

/* Ticks below, leaving out every other one as long as their words would touch. */
static void draw_across(const struct plot *p)
{
	double room = p->w / (double)(p->across.n > 1 ? p->across.n - 1 : 1);
	size_t skip = 1;
	struct str t = STR_INIT;

	while (room * (double)skip < tick_width(p->s, &p->across, false) + 6 && skip < p->across.n)
		skip++;
	for (size_t i = 0; i < p->across.n; i += skip) {
		double v = (double)(p->across.first + (long)i) * p->across.step;

		str_clear(&t);
		tick_text(&t, &p->across, i, false);
		scene_line(p->s, at_x(p, v), p->y + p->h, 0, 2.5, INK_RULE, 0.5);
		scene_text(p->s, at_x(p, v), p->y + p->h + 10, label_style, 0.5, str_view(&t));
	}
	str_release(&t);
}

static void draw_band(const struct plot *p, const struct series *one)
{
	struct point *at = ARENA_ARRAY(p->s->mem, 2 * one->n + 1, struct point);

	for (size_t i = 0; i < one->n; i++) {
		at[i] = (struct point){ at_x(p, one->x[i]), at_y(p, one->lo[i]) };
		at[2 * one->n - 1 - i] = (struct point){ at_x(p, one->x[i]), at_y(p, one->hi[i]) };
	}
	scene_outline(p->s, at, 2 * one->n, one->tint, INK_NONE, 0, DASH_SOLID);
}

static void draw_line(const struct plot *p, const struct series *one)
{
	struct point *at = ARENA_ARRAY(p->s->mem, one->n + 1, struct point);

	for (size_t i = 0; i < one->n; i++)
		at[i] = (struct point){ at_x(p, one->x[i]), at_y(p, one->y[i]) };
	if (one->n > 1 && one->look != LOOK_DOTS)
		scene_outline(p->s, at, one->n, INK_NONE, one->ink, 1.2, one->dash);
	for (size_t i = 0; i < one->n && (one->look != LOOK_LINE || one->n == 1); i++) {
		bool hollow = one->hollow && one->hollow[i];

		chart_dot(p->s, at[i].x, at[i].y, 1.9, hollow ? INK_PAPER : one->ink, one->ink);
	}
}

static void draw_sample(struct scene *s, const struct series *one, double x, double y, double width)
{
	const struct point ends[] = { { x, y }, { x + width, y } };
	bool hollow = one->hollow && one->n && one->hollow[0];

	if (one->y && one->look != LOOK_DOTS)
		scene_outline(s, ends, 2, INK_NONE, one->ink, 1.2, one->dash);
	if (one->y && one->look != LOOK_LINE)
		chart_dot(s, x + width / 2, y, 1.9, hollow && one->look == LOOK_DOTS ? INK_PAPER : one->ink,
			  one->ink);
}

/* Rows as wide as the chart; returns their height, 0 where no series has a name. */
static double draw_legend(struct scene *s, const struct chart *c, double x, double y, double w)
{
	const double sample = 14, space = 10, row = 10;
	double at = x, height = 0;

	for (size_t i = 0; i < c->n_series; i++) {
		const struct series *one = &c->series[i];
		double width;

		if (!one->label)
			continue;
		width = sample + 3 + scene_measure(s, legend_style, view_of(one->label));
		if (height <= 0)
			height = row;
		else if (at + width > x + w) {
			at = x;
			height += row;
		}
		if (one->lo)
			scene_box(s, at, y + height - 6.5, sample, 6, one->tint, INK_NONE);
		draw_sample(s, one, at, y + height - 3.5, sample);
		scene_text(s, at + sample + 3, y + height - 1, legend_style, 0, view_of(one->label));
		at += width + space;
	}
	return height;
}

static void widen(double *lo, double *hi, bool *any, double v)
{
	if (!*any || v < *lo)
		*lo = v;
	if (!*any || v > *hi)
		*hi = v;
	*any = true;
}

static void find_axes(struct plot *p, const struct chart *c)
{
	double x_lo = 0, x_hi = 1, y_lo = 0, y_hi = 1;
	bool any_x = false, any_y = false;
	size_t most = (size_t)(p->h / 16) + 1;

	for (size_t k = 0; k < c->n_series; k++) {
		const struct series *one = &c->series[k];

		for (size_t i = 0; i < one->n; i++) {
			widen(&x_lo, &x_hi, &any_x, one->x[i]);
			if (one->y)
				widen(&y_lo, &y_hi, &any_y, one->y[i]);
			if (one->lo)
				widen(&y_lo, &y_hi, &any_y, one->lo[i]);
			if (one->hi)
				widen(&y_lo, &y_hi, &any_y, one->hi[i]);
		}
	}
	for (size_t i = 0; i < c->n_bars; i++)
		widen(&y_lo, &y_hi, &any_y, c->bar[i].height);
	if (c->from_zero || c->n_bars)
		widen(&y_lo, &y_hi, &any_y, 0);
	/* from nothing to nothing: the axis shows what could have been */
	if ((c->from_zero || c->n_bars) && y_hi <= 0 && y_lo >= 0)
		y_hi = 1;
	axis_make(&p->up, y_lo, y_hi, most > 6 ? 6 : most, false);
	axis_make(&p->across, x_lo, x_hi, 7, c->whole);
	/* across, data reaches from edge to edge; the ticks lie within */
	if (any_x && x_hi > x_lo) {
		long last = p->across.first + (long)p->across.n - 1;

		if ((double)p->across.first * p->across.step < x_lo - 1e-9 * p->across.step) {
			p->across.first++;
			p->across.n--;
		}
		if ((double)last * p->across.step > x_hi + 1e-9 * p->across.step)
			p->across.n--;
		p->across.lo = x_lo;
		p->across.hi = x_hi;
	}
}

static void draw_bars(const struct plot *p, const struct chart *c)
{
	double slot = p->w / (double)c->n_bars, bar = slot * 0.78;

	for (size_t i = 0; i < c->n_bars; i++) {
		const struct bar *one = &c->bar[i];
		double left = p->x + slot * (double)i + (slot - bar) / 2, top = at_y(p, one->height);

		/* what is not zero can be seen */
		if (one->height > 0 && p->y + p->h - top < 0.8)
			top = p->y + p->h - 0.8;
		scene_box(p->s, left, top, bar, p->y + p->h - top, one->ink, INK_NONE);
		if (one->value && scene_measure(p->s, label_style, view_of(one->value)) < slot + 4)
			scene_text(p->s, left + bar / 2, top - 2.5, legend_style, 0.5, view_of(one->value));
		if (one->label && scene_measure(p->s, label_style, view_of(one->label)) < slot + 2)
			scene_text(p->s, left + bar / 2, p->y + p->h + 10, label_style, 0.5,
				   view_of(one->label));
	}
}

void chart_draw(struct scene *s, const struct chart *c, double x, double y, double w, double h)
{
	const double foot = c->x_label ? 24 : 14;
	struct plot p = { .s = s, .percent = c->percent };
	double top = y, right;

	if (c->title) {
		scene_text(s, x, y + 8, title_style, 0, view_of(c->title));
		top += 13;
	}
	top += draw_legend(s, c, x, top, w);
	if (c->y_label) {
		scene_text(s, x, top + 8, label_style, 0, view_of(c->y_label));
		top += 11;
	}
	p.y = top + (c->n_bars ? 12 : 6);
	p.h = y + h - foot - p.y;
	find_axes(&p, c);
	p.x = x + tick_width(s, &p.up, c->percent) + 5;
	/* the last tick's words end with the chart */
	right = c->n_bars ? 0 : tick_width(s, &p.across, false) / 2 + 0.5;
	p.w = x + w - p.x - (right > 4 ? right : 4);
	draw_grid(&p);
	for (size_t i = 0; i < c->n_series; i++)
		if (c->series[i].lo && c->series[i].n > 1)
			draw_band(&p, &c->series[i]);
	if (c->zero_line && p.up.lo < 0 && p.up.hi > 0)
		scene_line(s, p.x, at_y(&p, 0), p.w, 0, INK_MUTED, 0.5);
	scene_line(s, p.x, p.y + p.h, p.w, 0, INK_MUTED, 0.5);
	if (c->n_bars)
		draw_bars(&p, c);
	else
		draw_across(&p);
	for (size_t i = 0; i < c->n_series; i++)
		if (c->series[i].y)
			draw_line(&p, &c->series[i]);
	if (c->x_label)
		scene_text(s, p.x + p.w / 2, y + h - 3, label_style, 0.5, view_of(c->x_label));
}
