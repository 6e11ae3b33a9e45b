#include "flow/results_layers.h"

int layers_read(struct layer_found **out, const struct job *job, const struct hide *hide, struct err *e)
{
	struct layer_found *l = ARENA_ARRAY(job->mem, 1 + job->n_further, struct layer_found);

	for (size_t i = 0; i <= job->n_further; i++) {
		const struct job *at = i == 0 ? job : &job->further[i - 1];
		const struct json *found;

		if (job_tree(&found, job, at->out, "findings.json", e) < 0)
			return -1;
		l[i] = (struct layer_found){ &job->plan->depth[at->step->depth],
					     hide_tree(job->mem, hide, found) };
	}
	*out = l;
	return 0;
}

static const struct json *first_of(const struct layer_found *l)
{
	return json_find(l->found, "findings")->first;
}

static size_t count(const struct layer_found *l, const char *what)
{
	size_t n = 0;

	for (const struct json *f = first_of(l); f != NULL; f = f->next)
		n += json_is_true(f, what);
	return n;
}

size_t layers_confirmed(const struct layer_found *l, size_t n)
{
	size_t confirmed = 0;

	for (size_t i = 1; i < n; i++)
		confirmed += count(&l[i], "is_confirmed");
	return confirmed;
}

static void put_finding(struct json_out *j, const struct layer_found *l, const struct json *f)
{
	static const char *const told[] = { "id",      "kind",	 "title",    "is_confirmed", "is_lost",
					    "verdict", "tested", "slope_on", "slope_off",    "q" };

	json_open(j, NULL, '{');
	json_puts(j, "at", l->depth->name);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		json_put(j, told[i], json_find(f, told[i]));
	json_open(j, "doses", '[');
	for (const struct json *d = json_find(f, "doses")->first; d != NULL; d = d->next) {
		json_open(j, NULL, '{');
		json_put(j, "dose", json_find(d, "dose"));
		json_put(j, "counts", json_find(d, "counts"));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

void layers_write(struct json_out *j, const struct layer_found *l, size_t n)
{
	json_open(j, "layers", '[');
	for (size_t i = 0; i < n && n > 1; i++) {
		json_open(j, NULL, '{');
		json_puts(j, "at", l[i].depth->name);
		json_put_size(j, "base", l[i].depth->base);
		json_put_size(j, "candidate", l[i].depth->candidate);
		json_put_bool(j, "is_further", i > 0);
		json_put_size(j, "tested", count(&l[i], "tested"));
		json_put_size(j, "confirmed", count(&l[i], "is_confirmed"));
		json_open(j, "findings", '[');
		for (const struct json *f = first_of(&l[i]); f != NULL; f = f->next)
			put_finding(j, &l[i], f);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}
