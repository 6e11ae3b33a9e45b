#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "report/scene.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Charts: numbers to marks.  A chart is drawn into a rectangle of a scene: its title, a legend where it has more than
 * one series, ticks at round numbers, lines with bands around them, dots, bars.  Series are told apart by dashes as
 * well as by colour.
 */

enum look { LOOK_LINE, LOOK_LINE_AND_DOTS, LOOK_DOTS };

struct series {
	const char *label;  /* in the legend; NULL: not there */
	enum ink ink, tint; /* the line; the band */
	enum dash dash;
	enum look look;
	const bool *hollow;    /* (n) points that do not count; NULL: all do */
	const double *x, *y;   /* (n) y NULL: a band without a line */
	const double *lo, *hi; /* (n) the band; NULL: none */
	size_t n;
};

struct bar {
	const char *label; /* below it */
	const char *value; /* above it */
	double height;
	enum ink ink;
};

struct chart {
	const char *title, *x_label, *y_label;
	const struct series *series;
	size_t n_series;
	const struct bar *bar;
	size_t n_bars;
	bool from_zero; /* the y axis holds zero */
	bool zero_line; /* and shows it */
	bool whole;	/* x ticks at whole numbers only */
	bool percent;	/* y is a share */
};

void chart_draw(struct scene *s, const struct chart *c, double x, double y, double w, double h);
void chart_dot(struct scene *s, double x, double y, double radius, enum ink fill, enum ink stroke);

/* An axis of round numbers over [lo, hi]: tick i of n stands at (first + i) * step. */
struct axis {
	double lo, hi, step;
	long first;
	size_t n;
	unsigned digits; /* after the point, to tell the ticks apart */
};
void axis_make(struct axis *out, double lo, double hi, size_t most, bool whole);

#endif
