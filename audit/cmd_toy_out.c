#include "cmd_toy.h"

#include "base/json.h"
#include "num/stats.h"

#include <string.h>

const struct toy_figure toy_figures[TOY_FIGURES] = {
	{ "recall_exclusive", "exclusive recalled" },
	{ "recall_exclusive_by_any", "by any latent" },
	{ "recall_shared", "shared recalled" },
	{ "recall_shared_in_one", "in one model" },
	{ "flagged", "exclusive latents alive" },
	{ "flagged_true", "of these true" },
	{ "flagged_shared", "a shared concept" },
	{ "flagged_nothing", "no concept" },
	{ "aside_recall_exclusive", "offset aside: exclusive" },
	{ "aside_recall_shared", "shared" },
	{ "aside_flagged_true", "true" },
	{ "aside_flagged_shared", "a shared concept" },
	{ "aside_flagged_nothing", "no concept" },
	{ "fve", "FVE" },
};

enum { MOST_BYTES = 1 << 24 };

/* ---- the file ---- */

static void put_head(struct json_out *j, const struct bench_opts *o)
{
	json_open(j, "world", '{');
	json_put_size(j, "concepts", o->concepts);
	json_put_size(j, "exclusive", toy_exclusive(o));
	json_put_size(j, "d", o->d);
	json_put_real(j, "active", o->active);
	json_put_size(j, "rows", o->rows);
	json_close(j, '}');
	json_open(j, "training", '{');
	json_put_real(j, "exclusive", o->exclusive);
	json_put_real(j, "pairs", o->pairs);
	json_put_size(j, "batch", o->batch);
	json_put_size(j, "k", toy_k(o));
	json_put_size(j, "k_start", TOY_K_TIMES * toy_k(o));
	json_put_real(j, "lr", o->lr);
	json_close(j, '}');
}

static void put_result(struct json_out *j, const struct toy_cell *c, size_t seed)
{
	json_open(j, NULL, '{');
	json_puts(j, "mode", toy_mode_name(c->mode));
	json_put_size(j, "latents", c->width);
	json_put_size(j, "seed", seed + 1);
	for (size_t i = 0; i < TOY_FIGURES; i++)
		json_put_real(j, toy_figures[i].key, c->of[seed].value[i]);
	json_put_real(j, "seconds", c->of[seed].seconds);
	json_close(j, '}');
}

/* The trainings of the file that this call has as well; NULL: none of them. */
static struct toy_result *asked(const struct toy_run *r, const struct json *v)
{
	const struct json *mode = json_find(v, "mode"), *width = json_find(v, "latents"),
			  *seed = json_find(v, "seed");

	for (size_t i = 0; i < r->n && mode && width && seed; i++)
		if (view_is(mode->str, toy_mode_name(r->cell[i].mode)) &&
		    width->integer == (int64_t)r->cell[i].width && seed->integer >= 1 &&
		    (size_t)seed->integer <= r->o->seeds)
			return &r->cell[i].of[seed->integer - 1];
	return NULL;
}

static void put_runs(struct json_out *j, const struct toy_run *r)
{
	const struct json *v = r->others ? r->others->first : NULL;

	json_open(j, "trainings", '[');
	for (; v; v = v->next)
		if (!asked(r, v))
			json_put(j, NULL, v);
	for (size_t s = 0; s < r->o->seeds; s++)
		for (size_t i = 0; i < r->n; i++)
			if (r->cell[i].of[s].done)
				put_result(j, &r->cell[i], s);
	json_close(j, ']');
}

/* Both heads as text. */
static bool same_head(const struct json *doc, const struct bench_opts *o)
{
	struct str a = STR_INIT, b = STR_INIT;
	struct json_out ja = JSON_TO_STR(&a), jb = JSON_TO_STR(&b);
	bool same;

	json_open(&ja, NULL, '{');
	put_head(&ja, o);
	json_close(&ja, '}');
	json_open(&jb, NULL, '{');
	for (size_t i = 0; i < 2; i++) {
		const char *key = i ? "training" : "world";
		const struct json *v = json_find(doc, key);

		if (v)
			json_put(&jb, key, v);
	}
	json_close(&jb, '}');
	same = str_view(&a).n == str_view(&b).n && memcmp(a.p, b.p, str_view(&a).n) == 0;
	str_release(&a);
	str_release(&b);
	return same;
}

int toy_file_read(struct toy_run *r, struct err *e)
{
	const struct json *doc, *v;
	struct toy_result *to;

	if (!r->o->out || !path_is_file(r->o->out))
		return 0;
	if (json_read_file(&doc, r->call->mem, r->o->out, MOST_BYTES, e) < 0 ||
	    json_member(&r->others, doc, "trainings", JSON_ARRAY, e) < 0)
		return -1;
	if (!same_head(doc, r->o))
		return err_set(
			e, ERR_INPUT,
			"%s: holds trainings of another world or with other options; the same --concepts, "
			"-d, --active, --rows, --exclusive, --pairs, --batch, -k and --lr would be right",
			r->o->out);
	for (v = r->others->first; v; v = v->next) {
		if (!(to = asked(r, v)))
			continue;
		for (size_t i = 0; i < TOY_FIGURES; i++)
			if (json_real(&to->value[i], v, toy_figures[i].key, e) < 0)
				return -1;
		if (json_real(&to->seconds, v, "seconds", e) < 0)
			return -1;
		to->done = true;
	}
	return 0;
}

int toy_file_write(const struct toy_run *r, struct err *e)
{
	struct out *o;
	struct json_out j;

	if (!r->o->out)
		return 0;
	if (out_open(&o, r->o->out, e) < 0)
		return -1;
	j = (struct json_out)JSON_TO_OUT(o);
	json_open(&j, NULL, '{');
	put_head(&j, r->o);
	put_runs(&j, r);
	json_close(&j, '}');
	return out_commit(o, NULL, e);
}

/* ---- tables ---- */

/* Figure i (TOY_FIGURES: the seconds) of the trainings of a cell that are finished; how many. */
static size_t finished(double *to, const struct toy_run *r, const struct toy_cell *c, size_t i)
{
	size_t n = 0;

	for (size_t s = 0; s < r->o->seeds; s++)
		if (c->of[s].done)
			to[n++] = i < TOY_FIGURES ? c->of[s].value[i] : c->of[s].seconds;
	return n;
}

static double standard_error(const double *x, size_t n)
{
	return n > 1 ? stats_sd(x, n) / __builtin_sqrt((double)n) : 0.0;
}

void toy_print(const struct toy_run *r)
{
	const struct bench_opts *o = r->o;
	double *x = ARENA_ARRAY(r->call->mem, o->seeds, double);
	size_t n;

	printf("%zu concepts in %zu dimensions, %zu of each model's own, about %g on a row, %zu distinct rows; %g "
	       "pairs a training, batch %zu, k %zu, learning rate %g; means and standard errors over worlds.\n\n"
	       "| crosscoder | latents | worlds |",
	       o->concepts, o->d, toy_exclusive(o), o->active, o->rows, o->pairs, o->batch, toy_k(o), o->lr);
	for (size_t i = 0; i < TOY_FIGURES; i++)
		printf(" %s |", toy_figures[i].head);
	printf(" seconds |\n|---|--:|--:|");
	for (size_t i = 0; i <= TOY_FIGURES; i++)
		printf("--:|");
	printf("\n");
	for (size_t k = 0; k < r->n; k++) {
		const struct toy_cell *c = &r->cell[k];

		n = finished(x, r, c, 0);
		printf("| %s | %zu | %zu |", toy_mode_name(c->mode), c->width, n);
		for (size_t i = 0; i <= TOY_FIGURES && n > 0; i++) {
			finished(x, r, c, i);
			if (i == TOY_FIGURES)
				printf(" %.0f |", stats_mean(x, n));
			else if (strcmp(toy_figures[i].key, "flagged") == 0)
				printf(" %.1f ± %.1f |", stats_mean(x, n), standard_error(x, n));
			else
				printf(" %.3f ± %.3f |", stats_mean(x, n), standard_error(x, n));
		}
		if (n == 0)
			printf(" not run |");
		for (size_t i = 0; i < TOY_FIGURES && n == 0; i++)
			printf(" |");
		printf("\n");
	}
}

static void put_row(struct json_out *j, const struct toy_run *r, const struct toy_cell *c)
{
	double *x = ARENA_ARRAY(r->call->mem, r->o->seeds, double);
	size_t n = finished(x, r, c, TOY_FIGURES);

	json_open(j, NULL, '{');
	json_puts(j, "mode", toy_mode_name(c->mode));
	json_put_size(j, "latents", c->width);
	json_put_size(j, "worlds", n);
	if (n > 0)
		json_put_real(j, "seconds", stats_mean(x, n));
	for (size_t i = 0; i < TOY_FIGURES && n > 0; i++) {
		finished(x, r, c, i);
		json_open(j, toy_figures[i].key, '{');
		json_put_real(j, "mean", stats_mean(x, n));
		json_put_real(j, "standard_error", standard_error(x, n));
		json_close(j, '}');
	}
	json_close(j, '}');
}

void toy_print_json(const struct toy_run *r)
{
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);

	json_open(&j, NULL, '{');
	put_head(&j, r->o);
	json_open(&j, "crosscoders", '[');
	for (size_t k = 0; k < r->n; k++)
		put_row(&j, r, &r->cell[k]);
	json_close(&j, ']');
	json_close(&j, '}');
	print_json(&text);
}
