#include "report/surface.h"

#include <string.h>

/*
 * JUnit XML as CI systems read it: a test case a finding.  A failure is a confirmed finding, an error is what could not
 * be decided, and a case that passed was tested and not confirmed.  Where nothing was tested one case says why.
 */

/* What XML 1.0 does not allow becomes U+FFFD. */
static void put_escaped(struct str *out, const char *text)
{
	size_t n = strlen(text), used;
	uint32_t cp;

	for (size_t i = 0; i < n; i += used) {
		used = utf8_decode(&cp, text + i, n - i);
		if (used == 0 || (cp < 32 && cp != '\n' && cp != '\t') || cp == 0xFFFE || cp == 0xFFFF) {
			str_adds(out, "\xEF\xBF\xBD");
			used = used ? used : 1;
		} else if (cp == '&' || cp == '<' || cp == '>' || cp == '"' || cp == '\n' || cp == '\t') {
			str_addf(out, "&#%u;", (unsigned)cp);
		} else {
			str_add(out, text + i, used);
		}
	}
}

static void put_attribute(struct str *out, const char *name, const char *value)
{
	str_addf(out, " %s=\"", name);
	put_escaped(out, value);
	str_addc(out, '"');
}

static void put_case(struct str *out, const char *suite, const char *name, enum outcome o,
		     const char *message)
{
	static const char *const tag[] = { [OUTCOME_CONFIRMED] = "failure", [OUTCOME_UNDECIDED] = "error" };

	str_adds(out, "    <testcase");
	put_attribute(out, "classname", suite);
	put_attribute(out, "name", name);
	if (o == OUTCOME_NOT) {
		str_adds(out, "/>\n");
		return;
	}
	str_addf(out, ">\n      <%s", tag[o]);
	put_attribute(out, "type", o == OUTCOME_CONFIRMED ? "finding" : "undecided");
	put_attribute(out, "message", message);
	str_adds(out, "/>\n    </testcase>\n");
}

static void count(size_t n[3], const struct json *findings)
{
	n[OUTCOME_CONFIRMED] = n[OUTCOME_NOT] = n[OUTCOME_UNDECIDED] = 0;
	for (const struct json *f = findings->first; f; f = f->next)
		n[finding_outcome(f)]++;
}

void junit_put(struct str *out, const struct surface *s)
{
	const struct json *findings = s->findings;
	const char *suite = json_text(s->mem, json_find(s->results, "audit"), "name", "audit");
	const char *status = json_text(s->mem, json_find(s->results, "verdict"), "status", "untested");
	bool untested = strcmp(status, "untested") == 0, alone;
	size_t n[3];

	count(n, findings);
	alone = n[0] + n[1] + n[2] == 0;
	n[untested ? OUTCOME_UNDECIDED : OUTCOME_NOT] += alone;
	str_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"dfc-audit\"");
	for (int level = 0; level < 2; level++) {
		if (level == 1) {
			str_adds(out, "  <testsuite");
			put_attribute(out, "name", suite);
		}
		str_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n", n[0] + n[1] + n[2],
			 n[OUTCOME_CONFIRMED], n[OUTCOME_UNDECIDED]);
	}
	if (alone)
		put_case(out, suite, "findings", untested ? OUTCOME_UNDECIDED : OUTCOME_NOT,
			 "nothing was tested by steering, so no finding could be decided");
	for (const struct json *f = findings->first; f; f = f->next)
		put_case(out, suite,
			 arena_fmt(s->mem, "%s: %s%s", json_text(s->mem, f, "kind", "finding"),
				   json_text(s->mem, f, "title", "without a label"), finding_place(s, f)),
			 finding_outcome(f), finding_message(s, f));
	str_adds(out, "  </testsuite>\n</testsuites>\n");
}
