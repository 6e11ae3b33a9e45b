#include "report/surface.h"

#include <string.h>

/*
 * SARIF 2.1.0 (OASIS).  A finding is a result at the line of the spec that names the model which has it.  Its
 * fingerprint is made of the audit's name, the kind and the label, and of no number, so that a code-scanning page sees
 * the same finding again when a run moves a figure.
 */

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

static const struct {
	const char *kind, *id, *text;
} rules[] = {
	{ "candidate-only", "candidate-only",
	  "The candidate represents something that the base does not, and steering by it changes what is answered." },
	{ "base-only", "base-only",
	  "The base represents something that the candidate does not, and steering by it changes what is answered." },
	{ "shared", "shared-different-use", "Both models have the concept, and they use it differently." },
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static size_t rule_of(const char *kind)
{
	for (size_t i = 0; i + 1 < RULES; i++)
		if (strcmp(rules[i].kind, kind) == 0)
			return i;
	return RULES - 1;
}

static void put_text(struct json_out *j, const char *key, const char *text)
{
	json_open(j, key, '{');
	json_puts(j, "text", text);
	json_close(j, '}');
}

static void put_tool(struct json_out *j, const struct surface *s)
{
	const struct json *program = json_find(s->provenance, "program");

	json_open(j, "tool", '{');
	json_open(j, "driver", '{');
	json_puts(j, "name", "dfc-audit");
	json_put(j, "version", json_find(program, "version"));
	json_open(j, "rules", '[');
	for (size_t i = 0; i < RULES; i++) {
		json_open(j, NULL, '{');
		json_puts(j, "id", rules[i].id);
		put_text(j, "shortDescription", rules[i].text);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
	json_close(j, '}');
}

static uint64_t line_of(const struct surface *s, const char *kind)
{
	const struct json *lines = json_find(json_find(s->provenance, "spec"), "lines");
	const struct json *v = json_find(lines, strcmp(kind, "base-only") == 0 ? "base" : "candidate");

	return v && v->kind == JSON_INTEGER && v->integer > 0 ? (uint64_t)v->integer : 1;
}

/* A name of the repository as a reference: what RFC 3986 does not let stand is written in percent. */
static const char *uri_of(struct arena *mem, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	struct str s = STR_INIT;
	const char *out;

	for (; *path; path++) {
		if (strchr(plain, *path))
			str_addc(&s, *path);
		else
			str_addf(&s, "%%%02X", (unsigned)(unsigned char)*path);
	}
	out = arena_strdup(mem, s.n ? s.p : "", s.n);
	str_release(&s);
	return out;
}

static void put_location(struct json_out *j, const struct surface *s, const char *kind)
{
	const char *path = json_text(s->mem, json_find(s->provenance, "spec"), "path", "spec.yaml");

	json_open(j, "locations", '[');
	json_open(j, NULL, '{');
	json_open(j, "physicalLocation", '{');
	json_open(j, "artifactLocation", '{');
	json_puts(j, "uri", uri_of(s->mem, path));
	json_puts(j, "uriBaseId", "%SRCROOT%");
	json_close(j, '}');
	json_open(j, "region", '{');
	json_put_size(j, "startLine", line_of(s, kind));
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, ']');
}

static void put_result(struct json_out *j, const struct surface *s, const struct json *finding)
{
	const char *kind = json_text(s->mem, finding, "kind", "");
	enum outcome o = finding_outcome(finding);

	json_open(j, NULL, '{');
	json_puts(j, "ruleId", rules[rule_of(kind)].id);
	json_put_size(j, "ruleIndex", rule_of(kind));
	/* only what failed has a level (3.27.9, 3.27.10) */
	json_puts(j, "kind", o == OUTCOME_CONFIRMED ? "fail" : o == OUTCOME_NOT ? "review" : "open");
	json_puts(j, "level", o == OUTCOME_CONFIRMED ? "error" : "none");
	put_text(j, "message", finding_message(s, finding));
	put_location(j, s, kind);
	json_open(j, "partialFingerprints", '{');
	json_puts(j, "dfcAuditFinding/v1", finding_fingerprint(s, finding));
	json_close(j, '}');
	json_close(j, '}');
}

void sarif_put(struct json_out *j, const struct surface *s)
{
	const struct json *findings = s->findings;
	const struct json *spec = json_find(s->provenance, "spec");

	json_open(j, NULL, '{');
	json_puts(j, "$schema", SCHEMA);
	json_puts(j, "version", "2.1.0");
	json_open(j, "runs", '[');
	json_open(j, NULL, '{');
	put_tool(j, s);
	json_open(j, "automationDetails", '{');
	json_puts(j, "id",
		  arena_fmt(s->mem, "dfc-audit/%s/",
			    json_text(s->mem, json_find(s->results, "audit"), "name", "audit")));
	json_close(j, '}');
	json_puts(j, "columnKind", "unicodeCodePoints");
	json_open(j, "results", '[');
	for (const struct json *f = findings->first; f; f = f->next)
		put_result(j, s, f);
	json_close(j, ']');
	json_open(j, "properties", '{');
	json_put(j, "specCommit", json_find(spec, "commit"));
	json_put(j, "specSha256", json_find(spec, "sha256"));
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, ']');
	json_close(j, '}');
}
