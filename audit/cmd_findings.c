#include "cmd_findings.h"
#include "base/str.h"

#include <string.h>

enum { RESULTS_BYTES = 1 << 28, LABEL_SHOWN = 44, LATENTS = 1 << 24 };

/* The cards of all columns and the rows of exclusive latents without a card, in order of rank. */
struct list {
	const struct json **card;
	size_t n, cap;
	bool *seen; /* by latent */
	size_t seen_cap;
};

static double rank_of(const struct json *card)
{
	const struct json *rank = json_find(card, "rank");

	return rank && rank->kind == JSON_INTEGER ? rank->real : 1e300; /* without a rank: last */
}

/* Was this latent met before? From now on it was. */
static bool is_listed(struct list *l, const struct json *card)
{
	const struct json *latent = json_find(card, "latent");
	size_t id, before = l->seen_cap;
	bool was;

	if (!latent || latent->kind != JSON_INTEGER || latent->integer < 0 || latent->integer >= LATENTS)
		return false;
	id = (size_t)latent->integer;
	l->seen = mem_grow(l->seen, &l->seen_cap, id + 1, sizeof(*l->seen));
	for (; before < l->seen_cap; before++)
		l->seen[before] = false;
	was = l->seen[id];
	l->seen[id] = true;
	return was;
}

/* Keeps the order of ranks; what has the same rank keeps the order of the file. */
static void list_add(struct list *l, const struct json *array)
{
	const struct json *card = array && array->kind == JSON_ARRAY ? array->first : NULL;

	for (; card; card = card->next) {
		size_t i = l->n;

		if (is_listed(l, card))
			continue;
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
		l->card = mem_grow(l->card, &l->cap, l->n + 1, sizeof(*l->card));
		for (; i > 0 && rank_of(l->card[i - 1]) > rank_of(card); i--)
			l->card[i] = l->card[i - 1];
		l->card[i] = card;
		l->n++;
	}
}

static void add_text(struct str *s, const struct json *context, const char *key)
{
	const struct json *v = json_find(context, key);

	if (v && v->kind == JSON_STRING)
		str_addv(s, v->str);
}

static void put_contexts(struct json_out *j, const struct json *contexts)
{
	json_open(j, "top_contexts", '[');
	for (const struct json *c = contexts && contexts->kind == JSON_ARRAY ? contexts->first : NULL; c;
	     c = c->next) {
		struct str text = STR_INIT;

		add_text(&text, c, "before");
		add_text(&text, c, "at");
		add_text(&text, c, "after");
		json_put_str(j, NULL, str_view(&text));
		str_release(&text);
	}
	json_close(j, ']');
}

static void put_member(struct json_out *j, const struct json *card, const char *key)
{
	const struct json *v = json_find(card, key);

	if (v)
		json_put(j, key, v);
	else
		json_put_null(j, key);
}

static void write_list(const struct list *l)
{
	static const char *const keys[] = { "rank",    "latent", "partition", "status",
					    "verdict", "label",	 "relevance", "stability" };
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);

	json_open(&j, NULL, '[');
	for (size_t i = 0; i < l->n; i++) {
		json_open(&j, NULL, '{');
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			put_member(&j, l->card[i], keys[k]);
		put_contexts(&j, json_find(l->card[i], "contexts"));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	print_json(&text);
}

/* A member as a cell of a table: texts cut, numbers short, absent ones a dash. */
static const char *cell(struct arena *mem, const struct json *card, const char *key)
{
	const struct json *v = json_find(card, key);
	size_t n;

	if (json_is_null(v))
		return "-";
	if (v->kind == JSON_INTEGER)
		return arena_fmt(mem, "%lld", (long long)v->integer);
	if (v->kind == JSON_REAL)
		return arena_fmt(mem, "%.3f", v->real);
	if (v->kind != JSON_STRING)
		return json_kind_name(v->kind);
	n = v->str.n > LABEL_SHOWN ? utf8_valid(v->str.p, LABEL_SHOWN) : v->str.n;
	return arena_fmt(mem, "%.*s%s", (int)n, v->str.p, n < v->str.n ? "..." : "");
}

static void print_list(const struct list *l, struct arena *mem)
{
	static const struct {
		const char *key;
		int width;
	} columns[] = { { "rank", 5 },	   { "latent", 7 },	{ "partition", -15 },
			{ "status", -10 }, { "relevance", 10 }, { "stability", 10 } };
	enum { N_COLUMNS = sizeof(columns) / sizeof(columns[0]) };

	for (size_t k = 0; k < N_COLUMNS; k++)
		printf("%*s ", columns[k].width, columns[k].key);
	puts(" verdict; label");
	for (size_t i = 0; i < l->n; i++) {
		for (size_t k = 0; k < N_COLUMNS; k++)
			printf("%*s ", columns[k].width, cell(mem, l->card[i], columns[k].key));
		printf(" %s; %s\n", cell(mem, l->card[i], "verdict"), cell(mem, l->card[i], "label"));
	}
}

static void print_verdict(const struct json *results, struct arena *mem)
{
	const struct json *v = json_find(results, "verdict");

	printf("verdict: %s; %s of %s findings tested are confirmed", cell(mem, v, "status"),
	       cell(mem, v, "confirmed"), cell(mem, v, "tested"));
	if (json_at(json_find(results, "layers"), 0) != NULL)
		printf(", %s at other blocks", cell(mem, v, "elsewhere"));
	printf("\n\n");
}

int show_findings(const struct call *c, const char *run, bool json, struct err *e)
{
	const char *path = arena_fmt(c->mem, "%s/results.json", run);
	const struct json *results, *latents, *columns;
	struct list l = { .card = NULL };

	if (call_run(c, run, "results.json", e) < 0 ||
	    json_read_file(&results, c->mem, path, RESULTS_BYTES, e) < 0 ||
	    json_member(&latents, results, "latents", JSON_OBJECT, e) < 0 ||
	    json_member(&columns, latents, "columns", JSON_OBJECT, e) < 0)
		return -1;
	list_add(&l, json_find(columns, "candidate_only"));
	list_add(&l, json_find(columns, "shared"));
	list_add(&l, json_find(columns, "base_only"));
	list_add(&l, json_find(latents, "exclusive"));
	if (json) {
		write_list(&l);
	} else {
		print_verdict(results, c->mem);
		print_list(&l, c->mem);
	}
	mem_free(l.seen);
	mem_free(l.card);
	return 0;
}
