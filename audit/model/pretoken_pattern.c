#define PCRE2_CODE_UNIT_WIDTH 8

#include "model/pretoken_pattern.h"

#include "model/pcre.h"
#include "model/pretoken_regex.h"
#include "model/tokenizer_read.h"

#include <pcre2.h>

#include <string.h>

#define PAGE 256
#define N_PAGES ((CP_MAX + 1) / PAGE)
#define MOST_KINDS 256

/*
 * Bounds on work, so that no pattern can hang.  A match is first tried with few steps and a view of a thousand
 * characters; where it asks for more, it gets several times as much and what it had is counted, a step by the view
 * it may have walked.  To step back once over a long run of blanks costs its length squared by that measure, and
 * is what released patterns do at most; hence the square of the text in what is granted.
 *
 * Patterns are interpreted: compiled to machine code whole texts were tokenized a fifth quicker, but steps were
 * counted so coarsely that a hostile pattern ran for a minute.
 */
#define FIRST_STEPS 4000u
#define FIRST_VIEW 1024u
#define WORK_BASE (UINT64_C(1) << 26)

static uint64_t granted(uint64_t n)
{
	return WORK_BASE + n * (n / 32);
}

struct pattern {
	struct arena mem;
	struct view source;
	pcre2_general_context *memory;
	pcre2_code *code;
	uint8_t (*page)[PAGE]; /* kinds of the characters of one page */
	uint16_t page_of[N_PAGES];
};

/* ---- kinds of characters ---- */

/* The code points at which some set begins or ends, in order, 0 first. */
static uint32_t *find_cuts(struct arena *mem, const struct regex *x, size_t *n)
{
	struct cp_set all = CP_SET_INIT;
	struct cp_range *r;
	uint32_t *cut;
	size_t k = 0;

	/* closing a set of ranges one long sorts them; each cut is kept apart from its neighbours by 2 */
	cp_set_add(&all, mem, 0, 0);
	for (size_t i = 0; i < x->n_set; i++) {
		for (size_t j = 0; j < x->set[i].n; j++) {
			r = &x->set[i].range[j];
			cp_set_add(&all, mem, 2 * r->first, 2 * r->first);
			cp_set_add(&all, mem, 2 * (r->last + 1), 2 * (r->last + 1));
		}
	}
	cp_set_close(&all);
	cut = ARENA_ARRAY(mem, all.n, uint32_t);
	for (size_t i = 0; i < all.n; i++)
		if (all.range[i].first / 2 <= CP_MAX)
			cut[k++] = all.range[i].first / 2;
	*n = k;
	return cut;
}

/* Gives each stretch between cuts the number of its kind: those in the same sets share one. */
static int number_kinds(uint16_t *kind, const uint32_t *cut, size_t n, const struct regex *x,
			struct arena *mem, struct err *e)
{
	size_t n_kinds = 1;

	for (size_t s = 0; s < x->n_set; s++) {
		/* those of kind k inside the set become a new kind unless all of k is inside */
		uint16_t *inside = ARENA_ARRAY(mem, n_kinds, uint16_t);
		bool *outside = ARENA_ARRAY(mem, n_kinds, bool);
		size_t before = n_kinds, j = 0;

		for (size_t i = 0; i < n; i++)
			if (!cp_set_has(&x->set[s], cut[i]))
				outside[kind[i]] = true;
		for (size_t i = 0; i < n; i++) {
			while (j < x->set[s].n && x->set[s].range[j].last < cut[i])
				j++;
			if (j == x->set[s].n || x->set[s].range[j].first > cut[i] || !outside[kind[i]])
				continue;
			if (inside[kind[i]] == 0)
				inside[kind[i]] = (uint16_t)n_kinds++;
			kind[i] = inside[kind[i]];
		}
		BUG_ON(n_kinds > 2 * before);
		if (n_kinds > MOST_KINDS)
			return err_set(e, ERR_INPUT, "it tells more than %d kinds of characters apart",
				       MOST_KINDS);
	}
	return 0;
}

/* The pages met so far, each once. */
struct pages {
	uint8_t (*page)[PAGE];
	size_t n, cap;
	uint16_t plain[MOST_KINDS]; /* one more than the number of the page that is all of a kind */
};

static uint16_t page_number(struct pages *s, const uint8_t *now)
{
	size_t i = s->n;

	/* the newest are the likeliest to be met again */
	while (i > 0 && memcmp(s->page[i - 1], now, PAGE) != 0)
		i--;
	if (i == 0) {
		s->page = mem_grow(s->page, &s->cap, s->n + 1, sizeof(*s->page));
		memcpy(s->page[s->n++], now, PAGE);
		i = s->n;
	}
	return (uint16_t)(i - 1);
}

/* The table from code points to kinds. */
static void build_pages(struct pattern *p, const uint16_t *kind, const uint32_t *cut, size_t n)
{
	struct pages s = { .n = 0 };
	uint8_t now[PAGE];
	size_t at = 0;

	for (uint32_t k = 0; k < N_PAGES; k++) {
		uint32_t first = k * PAGE;
		uint16_t *plain;

		while (at + 1 < n && cut[at + 1] <= first)
			at++;
		plain = at + 1 == n || cut[at + 1] >= first + PAGE ? &s.plain[kind[at]] : NULL;
		if (!plain || *plain == 0) {
			for (uint32_t i = 0; i < PAGE; i++) {
				while (at + 1 < n && cut[at + 1] <= first + i)
					at++;
				now[i] = (uint8_t)kind[at];
			}
			p->page_of[k] = page_number(&s, now);
			if (plain)
				*plain = (uint16_t)(p->page_of[k] + 1);
		} else {
			p->page_of[k] = (uint16_t)(*plain - 1);
		}
	}
	p->page = arena_alloc(&p->mem, s.n, sizeof(*p->page));
	memcpy(p->page, s.page, s.n * sizeof(*p->page));
	mem_free(s.page);
}

static uint8_t kind_of(const struct pattern *p, uint32_t cp)
{
	return p->page[p->page_of[cp / PAGE]][cp % PAGE];
}

/* ---- compiling ---- */

/* The kinds inside a set, as a class of bytes. */
static void put_kinds(struct str *out, const struct cp_set *set, const uint16_t *kind, const uint32_t *cut,
		      size_t n)
{
	bool in[MOST_KINDS + 1] = { false };
	bool any = false;

	for (size_t i = 0; i < n; i++)
		if (cp_set_has(set, cut[i]))
			in[kind[i]] = any = true;
	if (!any) {
		str_adds(out, "(?!)");
		return;
	}
	str_addc(out, '[');
	for (size_t i = 0; i < MOST_KINDS; i++) {
		size_t last = i;

		if (!in[i])
			continue;
		while (in[last + 1])
			last++;
		str_addf(out, last > i ? "\\x%02zx-\\x%02zx" : "\\x%02zx", i, last);
		i = last;
	}
	str_addc(out, ']');
}

/* The whole in PCRE2's syntax; a set that comes often is spelled once. */
static void put_ops(struct str *out, struct arena *scratch, const struct regex *x, const uint16_t *kind,
		    const uint32_t *cut, size_t n)
{
	struct view *class = ARENA_ARRAY(scratch, x->n_set, struct view);
	struct str s = STR_INIT;

	for (size_t i = 0; i < x->n_set; i++) {
		str_clear(&s);
		put_kinds(&s, &x->set[i], kind, cut, n);
		class[i] = (struct view){ arena_strdup(scratch, s.p, s.n), s.n };
	}
	str_release(&s);
	str_adds(out, "");
	for (size_t i = 0; i < x->n; i++) {
		if (x->op[i].text)
			str_adds(out, x->op[i].text);
		else
			str_addv(out, class[x->op[i].set]);
	}
}

static int compile(struct pattern *p, const char *text, size_t n, struct err *e)
{
	pcre2_compile_context *context;
	char why[120];
	PCRE2_SIZE where;
	int code;

	context = pcre2_compile_context_create(p->memory);
	pcre2_set_parens_nest_limit(context, 4 * REGEX_DEEPEST);
	p->code =
		pcre2_compile((PCRE2_SPTR)text, n, PCRE2_NEVER_UTF | PCRE2_NEVER_UCP, &code, &where, context);
	pcre2_compile_context_free(context);
	if (!p->code) {
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		return err_set(e, ERR_INPUT, "%s", why);
	}
	return 0;
}

static int translate(struct pattern *p, struct arena *scratch, struct err *e)
{
	struct regex x;
	struct str text = STR_INIT;
	uint32_t *cut;
	uint16_t *kind;
	size_t n;
	int status = -1;

	if (regex_read(&x, scratch, p->source, e) < 0)
		return -1;
	cut = find_cuts(scratch, &x, &n);
	kind = ARENA_ARRAY(scratch, n, uint16_t);
	if (number_kinds(kind, cut, n, &x, scratch, e) < 0)
		goto out;
	build_pages(p, kind, cut, n);
	put_ops(&text, scratch, &x, kind, cut, n);
	status = compile(p, text.p, text.n, e);
out:
	if (status < 0)
		err_wrap(e, "pattern '%.*s': ", (int)(p->source.n < 80 ? p->source.n : 80), p->source.p);
	str_release(&text);
	return status;
}

int pattern_open(struct pattern **out, struct view source, struct err *e)
{
	struct pattern *p = mem_alloc(1, sizeof(*p));
	struct arena scratch = ARENA_INIT;
	int status;

	*out = NULL;
	p->memory = pcre_memory();
	p->source = (struct view){ arena_strdup(&p->mem, source.p, source.n), source.n };
	status = translate(p, &scratch, e);
	arena_release(&scratch);
	if (status < 0) {
		pattern_close(p);
		return -1;
	}
	*out = p;
	return 0;
}

void pattern_close(struct pattern *p)
{
	if (!p)
		return;
	pcre2_code_free(p->code);
	pcre2_general_context_free(p->memory);
	arena_release(&p->mem);
	mem_free(p);
}

/* ---- searching ---- */

void pattern_search_init(struct pattern_search *s, const struct pattern *p)
{
	*s = (struct pattern_search){ .pattern = p };
	s->match = pcre2_match_data_create(1, p->memory);
	s->limits = pcre2_match_context_create(p->memory);
	BUG_ON(!s->match || !s->limits);
}

void pattern_search_release(struct pattern_search *s)
{
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->limits);
	mem_free(s->kind);
	*s = (struct pattern_search){ .pattern = NULL };
}

void pattern_search_begin(struct pattern_search *s, struct view text)
{
	const struct pattern *p = s->pattern;
	const uint8_t *ascii = p->page[p->page_of[0]];
	size_t i = 0, n = 0;

	if (s->cap < text.n || !s->kind)
		s->kind = mem_grow(s->kind, &s->cap, text.n + 1, 1);
	while (i < text.n) {
		uint8_t c = (uint8_t)text.p[i];
		uint32_t cp;

		if (c < 0x80) {
			s->kind[n++] = ascii[c];
			i++;
		} else {
			size_t bytes = utf8_decode(&cp, text.p + i, text.n - i);

			BUG_ON(bytes == 0);
			s->kind[n++] = kind_of(p, cp);
			i += bytes;
		}
	}
	s->text = text;
	s->n = n;
	s->at = s->chars = s->bytes = 0;
	s->last_end = SIZE_MAX;
	s->work = 0;
}

/* The first byte of a character; asked for in growing order. */
static size_t byte_of(struct pattern_search *s, size_t character)
{
	if (s->n == s->text.n)
		return character;
	while (s->chars < character) {
		s->bytes = character_after(s->text, s->bytes);
		s->chars++;
	}
	return s->bytes;
}

static int too_much(const struct pattern_search *s, struct err *e)
{
	struct view v = s->pattern->source;

	return err_set(e, ERR_INPUT, "pattern '%.*s'%s: takes too many steps on a text of %zu bytes",
		       (int)(v.n < 80 ? v.n : 80), v.p, v.n > 80 ? "..." : "", s->text.n);
}

/* One match at or after s->at, with a view of the text that grows as far as it is asked for. */
static int match_once(struct pattern_search *s, struct err *e)
{
	const struct pattern *p = s->pattern;
	uint64_t most = granted(s->n);
	uint64_t steps = FIRST_STEPS;
	size_t view = FIRST_VIEW;

	for (;;) {
		size_t end = s->n - s->at > view ? s->at + view : s->n;
		uint32_t how = end < s->n ? PCRE2_PARTIAL_HARD : 0;
		int got;

		pcre2_set_match_limit(s->limits, (uint32_t)steps);
		got = pcre2_match(p->code, s->kind, end, s->at, how, s->match, s->limits);
		if (got > 0)
			return 1;
		if (got == PCRE2_ERROR_NOMATCH && end == s->n)
			return 0;
		if (got == PCRE2_ERROR_PARTIAL || got == PCRE2_ERROR_NOMATCH) {
			s->work += view;
			view *= 2;
		} else if (got == PCRE2_ERROR_MATCHLIMIT) {
			s->work += steps * (1 + view / FIRST_VIEW);
			steps = steps > UINT32_MAX / 4 ? UINT32_MAX : steps * 4;
		} else {
			return too_much(s, e);
		}
		if (s->work > most)
			return too_much(s, e);
	}
}

int pattern_search_next(struct pattern_search *s, size_t *start, size_t *end, struct err *e)
{
	while (s->at <= s->n) {
		const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(s->match);
		int got = match_once(s, e);
		size_t from, to;

		if (got <= 0)
			return got;
		from = pair[0];
		to = pair[1];
		s->at = to;
		if (from == to && to == s->last_end) {
			s->at = to + 1;
			continue;
		}
		s->last_end = to;
		*start = byte_of(s, from);
		*end = byte_of(s, to);
		return 1;
	}
	return 0;
}
