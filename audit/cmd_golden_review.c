#include "cmd_golden.h"

#include "base/map.h"
#include "base/out.h"
#include "flow/run.h"

#include <string.h>
#include <unistd.h>

/*
 * Reviewing a golden.  A unit is a finding, or any other member of results.json; each that differs is shown and accepted
 * or rejected.  What is accepted goes into the golden; what is rejected stays as it was, and stays beside as .new.
 */

enum { SHOWN = 12, TEXT_BYTES = 64 << 20 };

struct unit {
	const char *name; /* "training", "findings[F1]" */
	bool accepted;
};

struct review {
	const struct call *call;
	const struct golden_at *golden;
	const struct json *old, *new;
	struct differences differences;
	struct unit *unit; /* in the order of the differences */
	size_t n, accepted;
};

/* "findings[F1].slope_on" is of unit "findings[F1]", "training[0].threshold" of "training". */
static const char *unit_of(struct arena *mem, const char *path)
{
	bool finding = strncmp(path, "findings[", 9) == 0;
	size_t n = strcspn(path, finding ? "]" : ".[");

	return arena_strdup(mem, path, finding && path[n] ? n + 1 : n);
}

static struct unit *unit_find(const struct review *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->unit[i].name, name) == 0)
			return &r->unit[i];
	return NULL;
}

static void list_units(struct review *r)
{
	r->unit = ARENA_ARRAY(r->call->mem, r->differences.n + 1, struct unit);
	for (size_t i = 0; i < r->differences.n; i++) {
		const char *name = unit_of(r->call->mem, r->differences.item[i].path);

		if (!unit_find(r, name))
			r->unit[r->n++].name = name;
	}
}

static void show_unit(const struct review *r, const struct unit *u)
{
	size_t n = 0;

	printf("\n%s: %s\n", r->golden->dir, u->name);
	for (size_t i = 0; i < r->differences.n; i++) {
		const struct difference *d = &r->differences.item[i];
		struct str s = STR_INIT;

		if (strcmp(unit_of(r->call->mem, d->path), u->name) != 0)
			continue;
		if (n++ < SHOWN) {
			difference_print(&s, d);
			printf("  %s%s\n", s.p, d->within ? "   (within its tolerance)" : "");
			str_release(&s);
		}
	}
	if (n > SHOWN)
		printf("  and %zu more\n", n - SHOWN);
}

/* 'y', 'n' or 'q'; the end of the input is 'q'. */
static int ask(void)
{
	char line[64];

	for (;;) {
		printf("accept the new one? [y]es, [n]o, [q]uit: ");
		(void)fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 'q';
		if (strchr("ynq", line[0]) && (line[1] == '\n' || line[1] == '\0'))
			return line[0];
	}
}

static bool takes_new(const struct review *r, const char *name)
{
	const struct unit *u = unit_find(r, name);

	return !u || u->accepted;
}

static const char *finding_unit(struct arena *mem, const struct json *finding, size_t i)
{
	struct str s = STR_INIT;
	const char *name;

	element_name(&s, finding, i);
	name = arena_fmt(mem, "findings[%s]", s.p);
	str_release(&s);
	return name;
}

/* Differences go by place, so a finding is named by what the old file has there, as in results_compare(). */
static void put_findings(struct json_out *j, const struct review *r, const struct json *old,
			 const struct json *new)
{
	const struct json *a = old ? old->first : NULL, *b = new ? new->first : NULL;

	json_open(j, "findings", '[');
	for (size_t i = 0; a || b; i++) {
		const struct json *chosen = takes_new(r, finding_unit(r->call->mem, a ? a : b, i)) ? b : a;

		if (chosen)
			json_put(j, NULL, chosen);
		a = a ? a->next : NULL;
		b = b ? b->next : NULL;
	}
	json_close(j, ']');
}

static void put_member(struct json_out *j, const struct review *r, const struct json *old,
		       const struct json *new)
{
	const struct json *any = new ? new : old;
	const char *key = arena_strdup(r->call->mem, any->key.p, any->key.n);
	const struct json *chosen = takes_new(r, key) ? new : old;

	if (strcmp(key, "findings") == 0)
		put_findings(j, r, old, new);
	else if (chosen)
		json_put(j, key, chosen);
}

static int write_merged(const struct review *r, struct err *e)
{
	struct json_out j = { .compact = false };

	if (out_open(&j.out, golden_path(r->call, r->golden, "results.json"), e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	for (const struct json *v = r->new->first; v; v = v->next) {
		const char *key = arena_strdup(r->call->mem, v->key.p, v->key.n);

		put_member(&j, r, json_find(r->old, key), v);
	}
	for (const struct json *v = r->old->first; v; v = v->next) {
		const char *key = arena_strdup(r->call->mem, v->key.p, v->key.n);

		if (!json_find(r->new, key))
			put_member(&j, r, v, NULL);
	}
	json_close(&j, '}');
	return out_commit(j.out, NULL, e);
}

/* The report is of all parts together: it is taken when none was rejected. */
static int take_report(const struct review *r, struct err *e)
{
	const char *beside = golden_path(r->call, r->golden, "report.md.new");
	struct view text;

	if (path_is_file(beside) &&
	    (file_read(&text, r->call->mem, beside, TEXT_BYTES, e) < 0 ||
	     out_write(golden_path(r->call, r->golden, "report.md"), text.p, text.n, e) < 0))
		return -1;
	return golden_clean(r->call, r->golden, e);
}

static bool ask_all(struct review *r)
{
	for (size_t i = 0; i < r->n; i++) {
		int answer;

		show_unit(r, &r->unit[i]);
		answer = ask();
		if (answer == 'q')
			return false;
		r->unit[i].accepted = answer == 'y';
		r->accepted += r->unit[i].accepted;
	}
	return true;
}

/* MANIFEST lists what is beside too, where something was rejected: so it is set aside while sealing. */
static int reseal(const struct review *r, struct err *e)
{
	const char *path = golden_path(r->call, r->golden, "MANIFEST");
	struct view text;
	struct out *o;

	if (run_seal(r->golden->dir, e) < 0 || file_read(&text, r->call->mem, path, TEXT_BYTES, e) < 0 ||
	    out_open(&o, path, e) < 0)
		return -1;
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		struct view line = { text.p, end ? (size_t)(end - text.p) + 1 : text.n };

		if (!view_ends(line, ".new\n"))
			out_put(o, line.p, line.n);
		text = (struct view){ text.p + line.n, text.n - line.n };
	}
	return out_commit(o, NULL, e);
}

int golden_review(const struct call *c, const struct golden_at *g, struct err *e)
{
	struct review r = { .call = c, .golden = g };
	int rc = 0;

	if (!golden_has(c, g, "results.json.new")) {
		printf("%s: nothing to review; golden check puts what differs beside\n", g->dir);
		return 0;
	}
	if (!isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE, "golden review asks on a terminal, and standard input is none");
	if (results_read(&r.old, c->mem, golden_path(c, g, "results.json"), e) < 0 ||
	    results_read(&r.new, c->mem, golden_path(c, g, "results.json.new"), e) < 0)
		return -1;
	results_compare(&r.differences, c->mem, r.old, r.new);
	list_units(&r);
	if (ask_all(&r)) {
		rc = write_merged(&r, e);
		if (rc == 0 && r.accepted == r.n)
			rc = take_report(&r, e);
		if (rc == 0)
			rc = reseal(&r, e);
		if (rc == 0)
			printf("\n%s: %zu of %zu accepted%s\n", g->dir, r.accepted, r.n,
			       r.accepted < r.n ? "; what was rejected stays beside as results.json.new"
						: "");
	} else {
		printf("\n%s: left as it was\n", g->dir);
	}
	differences_release(&r.differences);
	return rc;
}
