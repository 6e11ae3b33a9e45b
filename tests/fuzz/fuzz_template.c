#include "report/markdown.h"
#include "report/template.h"

#include <stdlib.h>
#include <string.h>

/*
 * Any bytes as a template: the first line is data (JSON), the rest is filled from it.  What is wrong has a place in
 * the text; what is filled is filled the same twice, and is Markdown that can be read.
 */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int fill(struct str *out, struct view text, const struct json *data, bool strict, struct err *e)
{
	return template_fill_text(out, text, "tests/vectors/report/main.md", data,
				  &(struct template_opts){ .strict = strict }, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *end = n ? memchr(p, '\n', n) : NULL;
	struct view first = { (const char *)p, end ? (size_t)(end - (const char *)p) : n };
	struct view text = { (const char *)p + first.n + (end ? 1 : 0), n - first.n - (end ? 1 : 0) };
	struct arena mem = ARENA_INIT;
	const struct json *data;
	struct err e = ERR_INIT;
	struct node *root;

	if (json_read(&data, &mem, first, "data", &e) < 0 &&
	    json_read(&data, &mem, VIEW("{}"), "data", &e) < 0)
		abort();
	for (int strict = 0; strict < 2; strict++) {
		struct str once = STR_INIT, twice = STR_INIT;

		e = (struct err)ERR_INIT;
		if (fill(&once, text, data, strict, &e) < 0) {
			if (e.code != ERR_SPEC || !e.line || !e.col)
				abort();
		} else {
			if (fill(&twice, text, data, strict, &e) < 0 ||
			    !view_eq(str_view(&once), str_view(&twice)))
				abort();
			if (markdown_read(&root, &mem, str_view(&once), "t.md", &e) < 0 &&
			    e.code != ERR_INPUT)
				abort();
		}
		str_release(&once);
		str_release(&twice);
	}
	arena_release(&mem);
	return 0;
}
