#ifndef REPORT_SURFACE_H
#define REPORT_SURFACE_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * What a run says to programs, in forms that others defined.  All unsigned (docs/ci.md says how to sign), each a function
 * of results.json, provenance.json and the documents, without a clock:
 *
 *	attestations/provenance.json      in-toto Statement v1, SLSA provenance v1: how the documents were made
 *	attestations/test-result.json     in-toto Statement v1, test-result v0.1: what was tested, and how it came out
 *	attestations/model-base.json      in-toto Statement v1, OpenSSF model-signing v1.0: a model by its files' digests
 *	attestations/model-candidate.json
 *	audit.sarif                       SARIF 2.1.0: findings at the spec's lines
 *	audit.junit.xml                   JUnit: a failure is a finding, an error what could not be decided
 *	models.cdx.json                   CycloneDX 1.6: both models as components
 */

struct surface {
	struct arena *mem;
	const char *dir;
	const struct json *results, *provenance;
	const struct json *findings; /* an array: the results' own, and those of further blocks */
};

/* All of them, into a run directory that has its documents. */
int surfaces_write(const char *dir, struct err *e);

/* How a finding came out. */
enum outcome { OUTCOME_CONFIRMED, OUTCOME_NOT, OUTCOME_UNDECIDED };
enum outcome finding_outcome(const struct json *finding);
/* The same name for the same finding of another run: 64 hex digits, in mem. */
const char *finding_fingerprint(const struct surface *s, const struct json *finding);
/* " at blocks 2-3" of a finding of further blocks; else nothing. */
const char *finding_place(const struct surface *s, const struct json *finding);
/* One line: what it is about, what came of it. */
const char *finding_message(const struct surface *s, const struct json *finding);

int attestations_write(const struct surface *s, struct err *e);
void sarif_put(struct json_out *j, const struct surface *s);
void junit_put(struct str *out, const struct surface *s);
void bom_put(struct json_out *j, const struct surface *s);

#endif
