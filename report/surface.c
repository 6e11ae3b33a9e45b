#include "report/surface.h"

#include "base/out.h"

#include <string.h>

enum { DATA_BYTES = 512 << 20 };

/* A test that has no dose on both sides of zero says neither yes nor no. */
static bool has_dose(const struct json *finding)
{
	const struct json *doses = json_find(finding, "doses");
	bool below = false, above = false;

	for (const struct json *d = doses ? doses->first : NULL; d; d = d->next) {
		const struct json *dose = json_find(d, "dose");

		below = below || (dose && dose->real < 0 && json_is_true(d, "counts"));
		above = above || (dose && dose->real > 0 && json_is_true(d, "counts"));
	}
	return below && above;
}

enum outcome finding_outcome(const struct json *finding)
{
	if (json_is_true(finding, "is_confirmed"))
		return OUTCOME_CONFIRMED;
	return json_is_true(finding, "tested") && has_dose(finding) ? OUTCOME_NOT : OUTCOME_UNDECIDED;
}

const char *finding_place(const struct surface *s, const struct json *finding)
{
	const char *at = json_text(s->mem, finding, "at", NULL);

	return at ? arena_fmt(s->mem, " at blocks %s", at) : "";
}

const char *finding_fingerprint(const struct surface *s, const struct json *finding)
{
	const struct json *audit = json_find(s->results, "audit");
	char *hex = arena_alloc(s->mem, 65, 1);
	const char *of = arena_fmt(s->mem, "%s\n%s\n%s%s", json_text(s->mem, audit, "name", ""),
				   json_text(s->mem, finding, "kind", ""),
				   json_text(s->mem, finding, "title", ""), finding_place(s, finding));

	digest_hex(hex, digest_of(of, strlen(of)));
	return hex;
}

const char *finding_message(const struct surface *s, const struct json *finding)
{
	return arena_fmt(s->mem, "%s%s, %s: %s; %s", json_text(s->mem, finding, "id", "finding"),
			 finding_place(s, finding), json_text(s->mem, finding, "kind", "of no kind"),
			 json_text(s->mem, finding, "title", "without a label"),
			 json_text(s->mem, finding, "verdict", "no verdict"));
}

static size_t add_all(struct json *to, const struct json *list)
{
	size_t n = 0;

	for (const struct json *f = list ? list->first : NULL; f; f = f->next, n++)
		if (to)
			to[n] = *f;
	return n;
}

/* NULL to: counts only. */
static size_t findings_gather(struct json *to, const struct json *results)
{
	const struct json *layers = json_find(results, "layers");
	size_t n = add_all(to, json_find(results, "findings"));

	for (const struct json *l = layers ? layers->first : NULL; l; l = l->next)
		if (json_is_true(l, "is_further"))
			n += add_all(to ? to + n : NULL, json_find(l, "findings"));
	return n;
}

static const struct json *findings_of(struct arena *mem, const struct json *results)
{
	size_t n = findings_gather(NULL, results);
	struct json *list = ARENA_NEW(mem, struct json), *item = ARENA_ARRAY(mem, n + 1, struct json);

	findings_gather(item, results);
	for (size_t i = 0; i < n; i++)
		item[i].next = i + 1 < n ? &item[i + 1] : NULL;
	*list = (struct json){ .kind = JSON_ARRAY, .first = n > 0 ? item : NULL, .n = n };
	return list;
}

typedef void (*put_fn)(struct json_out *j, const struct surface *s);

static int write_json(const struct surface *s, const char *name, put_fn put, struct err *e)
{
	struct json_out j = { .compact = false };
	struct out *o;

	if (out_open(&o, arena_fmt(s->mem, "%s/%s", s->dir, name), e) < 0)
		return -1;
	j.out = o;
	put(&j, s);
	return out_commit(o, NULL, e);
}

static int write_junit(const struct surface *s, struct err *e)
{
	struct str text = STR_INIT;
	int rc;

	junit_put(&text, s);
	rc = out_write(arena_fmt(s->mem, "%s/audit.junit.xml", s->dir), text.p, text.n, e);
	str_release(&text);
	return rc;
}

int surfaces_write(const char *dir, struct err *e)
{
	struct arena mem = ARENA_INIT;
	struct surface s = { .mem = &mem, .dir = dir };
	int rc = -1;

	if (json_read_file(&s.results, &mem, arena_fmt(&mem, "%s/results.json", dir), DATA_BYTES, e) < 0 ||
	    json_read_file(&s.provenance, &mem, arena_fmt(&mem, "%s/provenance.json", dir), DATA_BYTES, e) <
		    0)
		goto out;
	s.findings = findings_of(&mem, s.results);
	if (attestations_write(&s, e) < 0 || write_json(&s, "audit.sarif", sarif_put, e) < 0 ||
	    write_json(&s, "models.cdx.json", bom_put, e) < 0)
		goto out;
	rc = write_junit(&s, e);
out:
	arena_release(&mem);
	return rc;
}
