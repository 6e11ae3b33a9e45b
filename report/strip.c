#include "report/strip.h"

static double line_height(double size)
{
	return size * 1.62;
}

static struct style style_of(double size)
{
	return (struct style){ FACE_REGULAR, size, INK_TEXT };
}

static double width_of(const struct scene *s, double size, const struct strip_token *t, double most)
{
	double w = scene_measure(s, style_of(size), t->text);

	return w < most ? w : most;
}

static void draw_token(struct scene *s, double x, double y, double width, double size,
		       const struct strip_token *t)
{
	struct style style = style_of(size);
	double height = line_height(size), pad = size * 0.13;

	if (t->strength > 0)
		scene_box(s, x, y + pad, width, height - 2 * pad, ink_heat(t->strength), INK_NONE);
	if (t->peak)
		scene_line(s, x, y + height - pad, width, 0, INK_TEXT, 0.8);
	/* a token wider than the strip is shortened */
	style.ink = t->muted ? INK_MUTED : INK_TEXT;
	scene_wrap(s, x, y + height / 2 + size * 0.355, width + 0.01, height, 1, style, t->text);
}

double strip_draw(struct scene *s, double x, double y, double width, size_t lines, double size,
		  const struct strip_token *token, size_t n)
{
	double at = 0;
	size_t line = 0;

	for (size_t i = 0; i < n; i++) {
		double w = width_of(s, size, &token[i], width);

		if (at > 0 && at + w > width) {
			at = 0;
			line++;
		}
		if (line == lines)
			break;
		draw_token(s, x + at, y + (double)line * line_height(size), w, size, &token[i]);
		at += w;
	}
	return line_height(size) * (double)(line == lines ? lines : n ? line + 1 : 0);
}

/* Lines that tokens [from, to) take. */
static size_t lines_of(const struct scene *s, double width, double size, const struct strip_token *token,
		       size_t from, size_t to)
{
	double at = 0;
	size_t line = 1;

	for (size_t i = from; i < to; i++) {
		double w = width_of(s, size, &token[i], width);

		if (at > 0 && at + w > width) {
			at = 0;
			line++;
		}
		at += w;
	}
	return line;
}

void strip_window(size_t *from, size_t *to, const struct scene *s, double width, size_t lines, double size,
		  const struct strip_token *token, size_t n)
{
	size_t peak = 0;
	bool before = true, after = true;

	while (peak < n && !token[peak].peak)
		peak++;
	if (peak == n)
		peak = 0;
	*from = peak;
	*to = n ? peak + 1 : 0;
	while (before || after) {
		before = before && *from > 0 && lines_of(s, width, size, token, *from - 1, *to) <= lines;
		*from -= before;
		after = after && *to < n && lines_of(s, width, size, token, *from, *to + 1) <= lines;
		*to += after;
	}
}
