#include "base/out.h"
#include "report/surface.h"

#include <string.h>

/*
 * in-toto Statements (https://in-toto.io/Statement/v1).  What was made are the documents, by their SHA-256; what was tested
 * is the candidate.
 */

#define STATEMENT "https://in-toto.io/Statement/v1"
#define SLSA "https://slsa.dev/provenance/v1"
#define TEST_RESULT "https://in-toto.io/attestation/test-result/v0.1"
#define MODEL_SIGNING "https://model_signing/signature/v1.0"
#define BUILD_TYPE "urn:dfc-audit:audit:v1"
#define BUILDER "urn:dfc-audit:program"

static void put_sha256(struct json_out *j, const struct json *holder)
{
	json_open(j, "digest", '{');
	json_put(j, "sha256", json_find(holder, "sha256"));
	json_close(j, '}');
}

/* The documents that are there, by name and digest. */
static int put_subjects(struct json_out *j, const struct surface *s, struct err *e)
{
	static const char *const names[] = { "report.md", "report.pdf", "results.json" };

	json_open(j, "subject", '[');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *path = arena_fmt(s->mem, "%s/%s", s->dir, names[i]);
		struct digest d;

		if (digest_file(&d, NULL, path, e) < 0)
			return -1;
		json_open(j, NULL, '{');
		json_puts(j, "name", names[i]);
		json_open(j, "digest", '{');
		json_put_digest(j, "sha256", d);
		json_close(j, '}');
		json_close(j, '}');
	}
	json_close(j, ']');
	return 0;
}

static void put_spec(struct json_out *j, const struct surface *s, const char *key)
{
	const struct json *spec = json_find(s->provenance, "spec"), *commit = json_find(spec, "commit");

	json_open(j, key, '{');
	json_put(j, "name", json_find(spec, "path"));
	json_open(j, "digest", '{');
	json_put(j, "sha256", json_find(spec, "sha256"));
	if (!json_is_null(commit))
		json_put(j, "gitCommit", commit);
	json_close(j, '}');
	json_close(j, '}');
}

/* The files of both models, the corpus and the template; the spec before them. */
static void put_dependencies(struct json_out *j, const struct surface *s)
{
	const struct json *inputs = json_find(s->provenance, "inputs");

	json_open(j, "resolvedDependencies", '[');
	put_spec(j, s, NULL);
	for (const struct json *in = inputs ? inputs->first : NULL; in; in = in->next) {
		json_open(j, NULL, '{');
		json_puts(j, "name",
			  arena_fmt(s->mem, "%s: %s", json_text(s->mem, in, "role", "input"),
				    json_text(s->mem, in, "name", "")));
		put_sha256(j, in);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_slsa(struct json_out *j, const struct surface *s)
{
	const struct json *program = json_find(s->provenance, "program");
	const char *version = json_text(s->mem, program, "version", "unknown");

	json_open(j, "buildDefinition", '{');
	json_puts(j, "buildType", BUILD_TYPE);
	json_open(j, "externalParameters", '{');
	put_spec(j, s, "spec");
	json_close(j, '}');
	json_open(j, "internalParameters", '{');
	json_put(j, "backend", json_find(s->provenance, "backend"));
	json_put(j, "plan_key", json_find(s->provenance, "plan_key"));
	json_close(j, '}');
	put_dependencies(j, s);
	json_close(j, '}');
	json_open(j, "runDetails", '{');
	json_open(j, "builder", '{');
	json_puts(j, "id", BUILDER);
	json_open(j, "version", '{');
	json_puts(j, "dfc-audit", version);
	if (!json_is_null(json_find(program, "commit")))
		json_put(j, "commit", json_find(program, "commit"));
	json_close(j, '}');
	json_close(j, '}');
	json_open(j, "metadata", '{');
	json_put(j, "invocationId", json_find(s->provenance, "plan_key"));
	json_close(j, '}');
	json_close(j, '}');
}

static void put_tests(struct json_out *j, const struct surface *s, const char *key, enum outcome outcome)
{
	const struct json *findings = s->findings;

	json_open(j, key, '[');
	for (const struct json *f = findings->first; f; f = f->next)
		if (finding_outcome(f) == outcome)
			json_puts(j, NULL, finding_message(s, f));
	json_close(j, ']');
}

/* A confirmed finding fails; candidates and what could not be decided warn; otherwise the release passed. */
static void put_test_result(struct json_out *j, const struct surface *s)
{
	const char *status = json_text(s->mem, json_find(s->results, "verdict"), "status", "untested");

	json_puts(j, "result",
		  strcmp(status, "confirmed") == 0 ? "FAILED"
		  : strcmp(status, "nothing") == 0 ? "PASSED"
						   : "WARNED");
	json_open(j, "configuration", '[');
	put_spec(j, s, NULL);
	json_close(j, ']');
	put_tests(j, s, "passedTests", OUTCOME_NOT);
	put_tests(j, s, "warnedTests", OUTCOME_UNDECIDED);
	put_tests(j, s, "failedTests", OUTCOME_CONFIRMED);
}

/* The files of a model that an audit reads, in the order of their names, as model-signing v1.0 lists resources. */
static void put_model(struct json_out *j, const struct surface *s, const char *role)
{
	const struct json *inputs = json_find(s->provenance, "inputs");

	json_open(j, "serialization", '{');
	json_puts(j, "method", "files");
	json_puts(j, "hash_type", "sha256");
	json_put_bool(j, "allow_symlinks", true);
	json_open(j, "ignore_paths", '[');
	json_close(j, ']');
	json_close(j, '}');
	json_open(j, "resources", '[');
	for (const struct json *in = inputs ? inputs->first : NULL; in; in = in->next) {
		if (strcmp(json_text(s->mem, in, "role", ""), role) != 0)
			continue;
		json_open(j, NULL, '{');
		json_put(j, "name", json_find(in, "name"));
		json_puts(j, "algorithm", "sha256");
		json_put(j, "digest", json_find(in, "sha256"));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_model_subject(struct json_out *j, const struct surface *s, const char *role)
{
	const struct json *subject = json_find(json_find(s->provenance, "subjects"), role);

	json_open(j, "subject", '[');
	json_open(j, NULL, '{');
	json_put(j, "name", json_find(subject, "name"));
	put_sha256(j, subject);
	json_close(j, '}');
	json_close(j, ']');
}

/* One statement. Its subject is the model of that role, or the documents where `role` is NULL. */
static int write_one(const struct surface *s, const char *name, const char *type, const char *role,
		     struct err *e)
{
	struct json_out j = { .compact = false };
	struct out *o;

	if (out_open(&o, arena_fmt(s->mem, "%s/attestations/%s.json", s->dir, name), e) < 0)
		return -1;
	j.out = o;
	json_open(&j, NULL, '{');
	json_puts(&j, "_type", STATEMENT);
	if (role) {
		put_model_subject(&j, s, role);
	} else if (put_subjects(&j, s, e) < 0) {
		out_abort(o);
		return -1;
	}
	json_puts(&j, "predicateType", type);
	json_open(&j, "predicate", '{');
	if (strcmp(type, SLSA) == 0)
		put_slsa(&j, s);
	else if (strcmp(type, TEST_RESULT) == 0)
		put_test_result(&j, s);
	else
		put_model(&j, s, role);
	json_close(&j, '}');
	json_close(&j, '}');
	return out_commit(o, NULL, e);
}

int attestations_write(const struct surface *s, struct err *e)
{
	if (dir_make(arena_fmt(s->mem, "%s/attestations", s->dir), e) < 0 ||
	    write_one(s, "provenance", SLSA, NULL, e) < 0 ||
	    write_one(s, "test-result", TEST_RESULT, "candidate", e) < 0 ||
	    write_one(s, "model-base", MODEL_SIGNING, "base", e) < 0)
		return -1;
	return write_one(s, "model-candidate", MODEL_SIGNING, "candidate", e);
}
