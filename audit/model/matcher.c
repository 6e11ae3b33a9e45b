#include "model/matcher.h"

#include "base/mem.h"
#include "model/pcre.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

enum { STEPS = 1000000, DEPTH = 10000 };

struct matcher {
	pcre2_general_context *memory;
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

int matcher_open(struct matcher **out, const char *regex, struct err *e)
{
	struct matcher *m = mem_alloc(1, sizeof(*m));
	char why[120];
	PCRE2_SIZE where;
	int code;

	m->memory = pcre_memory();
	{
		pcre2_compile_context *context = pcre2_compile_context_create(m->memory);

		m->code = pcre2_compile((PCRE2_SPTR)regex, strlen(regex), PCRE2_UTF | PCRE2_UCP, &code,
					&where, context);
		pcre2_compile_context_free(context);
	}
	if (m->code == NULL) {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		matcher_close(m);
		return err_set(e, ERR_SPEC, "\"%s\" is no regular expression: %s, at byte %zu", regex, why,
			       (size_t)where);
	}
	m->match = pcre2_match_data_create_from_pattern(m->code, m->memory);
	m->limits = pcre2_match_context_create(m->memory);
	pcre2_set_match_limit(m->limits, STEPS);
	pcre2_set_depth_limit(m->limits, DEPTH);
	*out = m;
	return 0;
}

void matcher_close(struct matcher *m)
{
	if (m == NULL)
		return;
	pcre2_match_context_free(m->limits);
	pcre2_match_data_free(m->match);
	pcre2_code_free(m->code);
	pcre2_general_context_free(m->memory);
	mem_free(m);
}

bool matcher_hits(const struct matcher *m, struct view text)
{
	return pcre2_match(m->code, (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, 0, 0, m->match,
			   m->limits) >= 0;
}

bool matcher_find(size_t *first, size_t *end, const struct matcher *m, struct view text, size_t from)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->match);

	if (from >= text.n ||
	    pcre2_match(m->code, (PCRE2_SPTR)text.p, text.n, from, PCRE2_NOTEMPTY, m->match, m->limits) < 0)
		return false;
	*first = at[0];
	*end = at[1];
	return at[0] < at[1];
}
