#include "report/flow.h"

/*
 * Tables.  Columns that fit their share of the width get what they ask for, and the others divide the rest; cells
 * wrap.  A row is a band for each of its lines, so that even a row higher than a page can be set; short rows stay whole.
 */

static const double widest_pad = 4.5;

/* Wide tables, of numbers mostly, and long ones are set smaller and closer. */
static const struct look {
	double size, leading, pad_y;
} plain_look = { 8, 10.8, 2.6 }, dense_look = { 7, 9.2, 1.5 };
enum { DENSE_COLUMNS = 8, DENSE_ROWS = 40 };

struct cell {
	struct passage p;
	struct line *line;
	size_t n_lines;
	enum node_align align;
};

struct row {
	struct cell *cell;
	size_t first, end; /* its bands */
	bool head;
};

struct table {
	struct row *row;
	size_t n_rows, n_columns;
	const struct look *look;
	double *width; /* (n_columns) of the text, without padding */
	bool *text;    /* (n_columns) not of numbers, which stand to the right */
	double pad;    /* left and right of it */
};

static void read_cells(struct flow *f, struct table *t, const struct node *table)
{
	size_t i = 0;

	for (const struct node *row = table->first; row; row = row->next)
		t->n_rows++;
	t->n_columns = table->level;
	t->look = t->n_columns < DENSE_COLUMNS && t->n_rows < DENSE_ROWS ? &plain_look : &dense_look;
	t->row = ARENA_ARRAY(f->mem, t->n_rows + 1, struct row);
	for (const struct node *row = table->first; row; row = row->next, i++) {
		size_t k = 0;

		t->row[i].head = row->head;
		t->row[i].cell = ARENA_ARRAY(f->mem, t->n_columns + 1, struct cell);
		for (const struct node *cell = row->first; cell && k < t->n_columns; cell = cell->next, k++) {
			struct style s = { row->head ? FACE_BOLD : FACE_REGULAR, t->look->size, INK_TEXT };

			passage_make(&t->row[i].cell[k].p, f->mem, f->fonts, cell, s);
			t->row[i].cell[k].align = cell->align;
		}
	}
}

/* What each column asks for on one line, and what it cannot well do without. */
static void measure(const struct table *t, double *asks, double *needs)
{
	const double most = 96; /* a longer word may be broken */

	for (size_t k = 0; k < t->n_columns; k++) {
		asks[k] = needs[k] = 12;
		t->text[k] = t->row[0].cell[k].align != NODE_RIGHT;
		for (size_t i = 0; i < t->n_rows; i++) {
			const struct passage *p = &t->row[i].cell[k].p;
			double all = passage_width(p), word = passage_widest_word(p);

			asks[k] = all > asks[k] ? all : asks[k];
			word = word > most ? most : word;
			needs[k] = word > needs[k] ? word : needs[k];
		}
	}
}

/* What is left after the needs: those that ask for no more than an even share of it get that, the others share the
 * rest evenly. */
static void divide_rest(const struct table *t, const double *asks, const double *needs, double rest)
{
	double open = (double)t->n_columns;
	bool changed = true;

	for (size_t k = 0; k < t->n_columns; k++)
		t->width[k] = 0;
	while (changed && open > 0) {
		double share = rest / open;

		changed = false;
		for (size_t k = 0; k < t->n_columns; k++) {
			double more = asks[k] - needs[k];

			if (t->width[k] > 0 || more > share)
				continue;
			t->width[k] = asks[k];
			rest -= more;
			open -= 1;
			changed = true;
		}
	}
	for (size_t k = 0; k < t->n_columns; k++)
		if (t->width[k] <= 0)
			t->width[k] = needs[k] + rest / open;
}

/* All of it fits: every column gets somewhat more than it asks for, and text what is then left, so that a number does
 * not stand far from the words before it. */
static void stretch(const struct table *t, const double *asks, double sum, double room)
{
	const double most = 1.5;
	double texts = 0, by = room / sum, rest;

	for (size_t k = 0; k < t->n_columns; k++)
		texts += t->text[k] ? asks[k] : 0;
	if (texts > 0 && by > most)
		by = most;
	rest = room - by * sum;
	for (size_t k = 0; k < t->n_columns; k++)
		t->width[k] = asks[k] * (by + (t->text[k] ? rest / texts : 0));
}

static void divide(const struct table *t, const double *asks, const double *needs, double room)
{
	double need = 0, sum = 0;

	for (size_t k = 0; k < t->n_columns; k++) {
		need += needs[k];
		sum += asks[k];
	}
	if (need >= room) {
		for (size_t k = 0; k < t->n_columns; k++)
			t->width[k] = needs[k] * room / need;
	} else if (sum > room) {
		divide_rest(t, asks, needs, room - need);
	} else {
		stretch(t, asks, sum, room);
	}
}

/* One line of a row across all its columns. */
static void add_slice(struct flow *f, const struct table *t, const struct row *r, size_t slice,
		      size_t n_slices, double x, double width, double before)
{
	const double size = t->look->size, leading = t->look->leading, pad_y = t->look->pad_y;
	bool top = slice == 0, bottom = slice + 1 == n_slices;
	double height = leading + (top ? pad_y : 0) + (bottom ? pad_y : 0), at = x;
	double y = (top ? pad_y : 0) + leading / 2 + size * 0.355;
	struct band *b = flow_band(f, x + width, before, height);

	if (r->head)
		scene_box(&b->scene, x, 0, width, height + (bottom ? 0 : 0.4), INK_PANEL, INK_NONE);
	for (size_t k = 0; k < t->n_columns; k++) {
		const struct cell *c = &r->cell[k];
		double slack;

		at += t->pad;
		if (slice < c->n_lines) {
			slack = t->width[k] - c->line[slice].width;
			passage_lay(&b->scene, &b->areas, &c->p, c->line[slice],
				    at + slack * (c->align == NODE_RIGHT    ? 1
						  : c->align == NODE_CENTER ? 0.5
									    : 0),
				    y);
		}
		at += t->width[k] + t->pad;
	}
	if (r->head && top)
		scene_line(&b->scene, x, 0, width, 0, INK_MUTED, 0.7);
	if (bottom)
		scene_line(&b->scene, x, height, width, 0, r->head ? INK_MUTED : INK_RULE,
			   r->head ? 0.7 : 0.35);
}

static void add_row(struct flow *f, const struct table *t, struct row *r, double x, double width,
		    double before)
{
	enum { WHOLE = 14 }; /* lines up to which a row is not cut */
	size_t n = 1;

	r->first = f->n;
	for (size_t k = 0; k < t->n_columns; k++) {
		struct cell *c = &r->cell[k];

		c->n_lines = passage_break(&c->line, f->mem, &c->p, t->width[k]);
		n = c->n_lines > n ? c->n_lines : n;
	}
	for (size_t i = 0; i < n; i++)
		add_slice(f, t, r, i, n, x, width, i ? 0 : before);
	r->end = f->n;
	for (size_t i = r->first; i + 1 < r->end; i++)
		f->band[i].keep = n <= WHOLE || i == r->first || i + 2 == r->end;
}

/* A head without words is none. */
static bool is_empty(const struct table *t, const struct row *r)
{
	for (size_t k = 0; k < t->n_columns; k++)
		if (r->cell[k].p.n)
			return false;
	return true;
}

static double height_of(const struct flow *f, const struct row *r)
{
	double height = 0;

	for (size_t i = r->first; i < r->end; i++)
		height += f->band[i].height;
	return height;
}

/* So many rows, so high, may stand on a page apart from the others: several, or one that is high. */
static bool is_company(size_t rows, double height)
{
	const double high = 100, several = 40;

	return height >= high || (rows > 1 && height >= several);
}

/* On one page with what is above it in the table. */
static void join_above(struct flow *f, const struct row *r, size_t first)
{
	if (r->first > first)
		f->band[r->first - 1].keep = true;
}

/* Tables up to this height are not cut at all; of the others the first rows stay together, and the last ones. */
static void keep_rows(struct flow *f, const struct table *t, size_t first)
{
	const double whole = 190;
	double height = 0;

	for (size_t i = first; i < f->n; i++)
		height += f->band[i].height;
	for (size_t i = first; height <= whole && i + 1 < f->n; i++)
		f->band[i].keep = true;
	height = 0;
	for (size_t i = 1; i < t->n_rows && !is_company(i - 1, height); i++) {
		join_above(f, &t->row[i], first);
		height += height_of(f, &t->row[i]);
	}
	height = 0;
	for (size_t i = t->n_rows; --i > 0;) {
		height += height_of(f, &t->row[i]);
		if (is_company(t->n_rows - i, height))
			break;
		join_above(f, &t->row[i], first);
	}
}

void flow_table(struct flow *f, const struct node *table, double x, double width, double before)
{
	struct table t = { 0 };
	double *asks, *needs;
	size_t heads = f->n, n_heads = 0;

	read_cells(f, &t, table);
	if (!t.n_rows || !t.n_columns)
		return;
	t.width = ARENA_ARRAY(f->mem, 3 * t.n_columns, double);
	t.text = ARENA_ARRAY(f->mem, t.n_columns, bool);
	asks = t.width + t.n_columns;
	needs = asks + t.n_columns;
	measure(&t, asks, needs);
	/* at least half of the width is text's */
	t.pad = width / 4 / (double)t.n_columns;
	t.pad = t.pad < widest_pad ? t.pad : widest_pad;
	divide(&t, asks, needs, width - 2 * t.pad * (double)t.n_columns);
	for (size_t i = 0; i < t.n_rows; i++) {
		size_t first = f->n;

		if (t.row[i].head && is_empty(&t, &t.row[i]))
			continue;
		add_row(f, &t, &t.row[i], x, width, f->n == heads ? before : 0);
		if (t.row[i].head) {
			n_heads = f->n - heads;
			f->band[f->n - 1].keep = true;
			continue;
		}
		for (size_t k = first; k < f->n; k++) {
			f->band[k].heads = heads;
			f->band[k].n_heads = n_heads;
		}
	}
	if (f->n > heads)
		keep_rows(f, &t, heads);
}
