#include "report/chart.h"
#include "report/figure.h"
#include "report/strip.h"

/* Latents side by side, in rank order, and in the texts where they fire. */

static const struct column {
	const char *key, *title, *what;
	enum ink ink, tint;
} columns[] = {
	{ "base_only", "Base only", "what the base has and the candidate lacks", INK_BASE, INK_BASE_TINT },
	{ "shared", "Shared", "what both have", INK_SHARED, INK_SHARED_TINT },
	{ "candidate_only", "Candidate only", "what is new in the candidate", INK_CANDIDATE,
	  INK_CANDIDATE_TINT },
};
enum { N_COLUMNS = sizeof(columns) / sizeof(columns[0]), CARDS = 4 };

static const double card_gap = 6, column_gap = 11, pad = 5;
static const struct style label_style = { FACE_BOLD, 7.6, INK_TEXT };
static const struct style small_style = { FACE_REGULAR, 6.8, INK_MUTED };

static const struct json *cards_of(const struct json *results, const struct column *c)
{
	const struct json *cards = json_find(json_find(json_find(results, "latents"), "columns"), c->key);

	return cards && cards->kind == JSON_ARRAY ? cards : NULL;
}

/* The tokens of a context, with strengths relative to `most`; the peak is the one after the text `before`, whether the latent
 * fires there or nearly did. Tokens that are part of no pair have no activation. */
static struct strip_token *read_tokens(size_t *n, struct arena *mem, const struct json *context, double most)
{
	const struct json *tokens = json_find(context, "tokens");
	struct view before = figure_text(context, "before");
	struct strip_token *t;
	size_t peak = 0, bytes = 0;

	*n = 0;
	if (!tokens || tokens->kind != JSON_ARRAY)
		return NULL;
	t = ARENA_ARRAY(mem, tokens->n + 1, struct strip_token);
	for (const struct json *one = tokens->first; one; one = one->next, ++*n) {
		double a = 0;
		bool read = figure_real(&a, one, "activation");

		t[*n] = (struct strip_token){ .text = figure_text(one, "text"),
					      .muted = !read,
					      .strength = most > 0 ? a / most : 0 };
		peak = bytes <= before.n ? *n : peak;
		bytes += t[*n].text.n;
	}
	t[peak].peak = true;
	return t;
}

/* "a", "b", "c": the first tokens of a list. */
static struct view join_tokens(struct arena *mem, const struct json *list, size_t most)
{
	struct str s = STR_INIT;
	struct view v;
	size_t n = 0;

	for (const struct json *t = list && list->kind == JSON_ARRAY ? list->first : NULL; t && n < most;
	     t = t->next, n++) {
		struct view token = figure_text(t, "token");

		str_adds(&s, n ? "  " : "");
		while (token.n && token.p[0] == ' ') {
			token.p++;
			token.n--;
		}
		str_addv(&s, token);
	}
	v = (struct view){ arena_strdup(mem, s.n ? s.p : "", s.n), s.n };
	str_release(&s);
	return v;
}

/* The words of a card, from y down; returns where they end. */
static double draw_words(struct scene *s, const struct json *card, double x, double y, double width)
{
	struct view label = figure_text(card, "label"),
		    tokens = join_tokens(s->mem, json_find(card, "promoted"), 5);
	size_t lines;

	scene_text(s, x, y + 7, small_style, 0,
		   view_of(arena_fmt(
			   s->mem, "latent %s",
			   figure_number(s->mem, card, "latent", "latents.exclusive[].latent", true))));
	scene_text(s, x + width, y + 7, small_style, 1, figure_text(card, "status"));
	y += 10;
	if (!label.n)
		label = VIEW("(no label)");
	lines = scene_wrap(s, x, y + 8, width, 9.4, 2, label_style, label);
	y += 9.4 * (double)lines + 2;
	scene_text(s, x, y + 7, (struct style){ FACE_REGULAR, 7, INK_TEXT }, 0,
		   view_of(arena_fmt(
			   s->mem, "relevance %s",
			   figure_number(s->mem, card, "relevance", "latents.columns.*[].relevance", true))));
	scene_text(s, x + width, y + 7, small_style, 1,
		   view_of(arena_fmt(
			   s->mem, "fires on %s",
			   figure_number(s->mem, card, "frequency", "latents.columns.*[].frequency", true))));
	y += 11;
	if (tokens.n) {
		scene_wrap(s, x, y + 7, width, 9, 1, small_style,
			   view_of(arena_fmt(s->mem, "promotes  %.*s", (int)tokens.n, tokens.p)));
		y += 10;
	}
	return y;
}

/* One card from y down; returns its height. */
static double draw_card(struct scene *s, const struct json *card, const struct column *c, double x, double y,
			double width)
{
	const double text = 6.8;
	const struct json *contexts = json_find(card, "contexts"), *context = json_at(contexts, 0);
	struct strip_token *token;
	double at, most = 0;
	size_t n, from, to, index = s->n;

	scene_box(s, x, y, width, 1, INK_PAPER, INK_RULE);
	scene_box(s, x, y, 2.5, 1, c->ink, INK_NONE);
	at = draw_words(s, card, x + pad + 2, y + pad, width - 2 * pad - 2);
	figure_real(&most, context, "activation");
	token = read_tokens(&n, s->mem, context, most);
	if (n) {
		strip_window(&from, &to, s, width - 2 * pad - 2, 3, text, token, n);
		at += 2 + strip_draw(s, x + pad + 2, at + 2, width - 2 * pad - 2, 3, text, token + from,
				     to - from);
	}
	at += pad;
	s->mark[index].h = s->mark[index + 1].h = at - y;
	return at - y;
}

int figure_columns(struct scene *s, const struct json *results, struct view id, struct err *e)
{
	double width = (s->width - (N_COLUMNS - 1) * column_gap) / N_COLUMNS;

	(void)id;
	s->title = "Latents of the base only, of both models, and of the candidate only";
	for (size_t i = 0; i < N_COLUMNS; i++) {
		const struct column *c = &columns[i];
		const struct json *cards = cards_of(results, c);
		double x = (width + column_gap) * (double)i, y = 27;
		size_t n = 0;

		if (!cards)
			return err_set(e, ERR_SPEC, "no cards of the column %s in the results", c->key);
		scene_box(s, x, 0, width, 22, c->tint, INK_NONE);
		scene_text(s, x + pad, 9.5, (struct style){ FACE_BOLD, 8.5, INK_TEXT }, 0, view_of(c->title));
		scene_text(s, x + pad, 18.5, (struct style){ FACE_REGULAR, 6.6, INK_TEXT }, 0,
			   view_of(c->what));
		for (const struct json *card = cards->first; card && n < CARDS; card = card->next, n++)
			y += draw_card(s, card, c, x, y, width) + card_gap;
		if (!n)
			scene_text(s, x + pad, y + 10, small_style, 0, VIEW("no latent of interest"));
		y += n ? 0 : 16;
		s->height = y > s->height ? y : s->height;
	}
	return 0;
}

static const struct json *find_card(const struct column **c, const struct json *results, struct view id)
{
	int64_t want;

	if (!view_i64(&want, id))
		return NULL;
	for (size_t i = 0; i < N_COLUMNS; i++) {
		const struct json *cards = cards_of(results, &columns[i]);

		for (const struct json *card = cards ? cards->first : NULL; card; card = card->next) {
			const struct json *has = json_find(card, "latent");

			*c = &columns[i];
			if (has && has->kind == JSON_INTEGER && has->integer == want)
				return card;
		}
	}
	return NULL;
}

static double draw_scale(struct scene *s, double y)
{
	const double step = 9;
	double x = s->width - step * (HEAT_LEVELS - 1);
	double end = scene_text(s, s->width, y + 7, small_style, 1, VIEW("largest"));

	x -= end + 4;
	for (size_t i = 1; i < HEAT_LEVELS; i++)
		scene_box(s, x + step * (double)(i - 1), y + 1, step, 7, (enum ink)(INK_HEAT + i), INK_NONE);
	scene_text(s, x - 4, y + 7, small_style, 1, VIEW("activation: none"));
	return y + 13;
}

/* How contexts of a kind are shown: their title, the number before each and its row in the table of metrics. */
struct row_form {
	const char *title, *key, *path;
	enum ink ink;
	size_t most;
};

/* The document a context is of: its file and line, and after @ the byte at which it begins there. */
static struct view figure_place(struct arena *mem, const struct json *context)
{
	struct view document = figure_text(context, "document");
	const struct json *byte = json_find(context, "byte");

	if (byte == NULL || byte->kind != JSON_INTEGER)
		return document;
	return view_of(arena_fmt(mem, "%.*s@%lld", (int)document.n, document.p, (long long)byte->integer));
}

/* Contexts of one kind, a line each, from y down; returns where they end. */
static double draw_contexts(struct scene *s, const struct json *list, const struct row_form *form,
			    double most, double y)
{
	const double text = 7.2, leading = 11.8, from_x = 80, document = 106;
	double width = s->width - from_x - document;
	size_t shown = 0;

	for (const struct json *one = json_at(list, 0); one && shown < form->most; one = one->next, shown++) {
		size_t n, from, to;
		struct strip_token *token = read_tokens(&n, s->mem, one, most);

		if (!shown)
			scene_text(s, 6, y + 8.2, small_style, 0, view_of(form->title));
		scene_text(s, from_x - 6, y + 8.2, small_style, 1,
			   view_of(figure_number(s->mem, one, form->key, form->path, false)));
		strip_window(&from, &to, s, width, 1, text, token, n);
		strip_draw(s, from_x, y, width, 1, text, token + from, to - from);
		scene_wrap(s, s->width - document + 8, y + 8.2, document - 8, leading, 1, small_style,
			   figure_place(s->mem, one));
		y += leading;
	}
	if (shown)
		scene_line(s, 0.8, y - leading * (double)shown + 1, 0, leading * (double)shown - 2, form->ink,
			   1.6);
	return y + (shown ? 2.5 : 0);
}

int figure_contexts(struct scene *s, const struct json *results, struct view id, struct err *e)
{
	const struct column *c = columns;
	const struct json *card = find_card(&c, results, id), *contexts = json_find(card, "contexts");
	const struct row_form forms[] = {
		{ "strongest", "activation", "latents.columns.*[].contexts[].activation", c->ink, 3 },
		{ "drawn", "activation", "latents.columns.*[].samples[].activation", INK_MUTED, 3 },
		{ "near miss", "share_of_threshold", "latents.columns.*[].near[].share_of_threshold",
		  INK_RULE, 2 },
	};
	double most = 0, y;

	if (!contexts || contexts->kind != JSON_ARRAY)
		return err_set(e, ERR_SPEC, "no card of latent %.*s in the results", (int)id.n, id.p);
	s->title =
		"Contexts of a latent: where it fires most, at quantiles of its activation, and near misses";
	figure_real(&most, card, "max_activation");
	for (const struct json *one = contexts->first; one; one = one->next) {
		double a = 0;

		figure_real(&a, one, "activation");
		most = a > most ? a : most;
	}
	y = draw_scale(s, 0);
	y = draw_contexts(s, contexts, &forms[0], most, y);
	y = draw_contexts(s, json_find(card, "samples"), &forms[1], most, y);
	y = draw_contexts(s, json_find(card, "near"), &forms[2], most, y);
	s->height = y;
	return 0;
}

/* Relevance of the exclusive latents of one side in rank order. */
static struct series read_side(struct arena *mem, const struct json *all, const char *partition)
{
	double *x = ARENA_ARRAY(mem, all->n + 1, double), *y = ARENA_ARRAY(mem, all->n + 1, double);
	struct series s = { .label = partition, .x = x, .y = y, .look = LOOK_DOTS };
	size_t rank = 1;

	for (const struct json *row = all->first; row; row = row->next, rank++) {
		if (!view_eq(figure_text(row, "partition"), view_of(partition)) ||
		    !figure_real(&y[s.n], row, "relevance"))
			continue;
		x[s.n++] = (double)rank;
	}
	return s;
}

int figure_relevance(struct scene *s, const struct json *results, struct view id, struct err *e)
{
	const struct json *all = json_find(json_find(results, "latents"), "exclusive");
	struct series side[2];
	bool *hollow;

	(void)id;
	if (!all || all->kind != JSON_ARRAY)
		return err_set(e, ERR_SPEC, "no list of exclusive latents in the results");
	side[0] = read_side(s->mem, all, "base-only");
	side[0].ink = INK_BASE;
	side[1] = read_side(s->mem, all, "candidate-only");
	side[1].ink = INK_CANDIDATE;
	/* told apart without colour: the one is hollow */
	side[0].hollow = hollow = ARENA_ARRAY(s->mem, all->n + 1, bool);
	for (size_t i = 0; i < side[0].n; i++)
		hollow[i] = true;
	s->title = "Relevance of every exclusive latent, in rank order";
	s->height = 150;
	chart_draw(s,
		   &(struct chart){ .title = "Relevance of every exclusive latent",
				    .x_label = "rank",
				    .y_label = "mean prediction gap where it fires, nats",
				    .series = side,
				    .n_series = 2,
				    .zero_line = true,
				    .from_zero = true,
				    .whole = true },
		   0, 0, s->width, s->height);
	return 0;
}
