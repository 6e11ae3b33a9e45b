#include "flow/entry.h"

#include "base/unicode.h"

#include <string.h>

static int entry_chat(struct made *m, const struct batch *b, const struct entry *t, struct turn **turn,
		      size_t *n_turns)
{
	const struct json *messages = t->item->messages;
	uint32_t *start;
	size_t i = 0;

	if (messages == NULL && source_chat(&messages, &m->mem, t->item->text, t->answer, &m->err) < 0)
		return -1;
	m->text = chat_contents(&start, &m->mem, messages);
	*turn = ARENA_ARRAY(&m->mem, messages->n, struct turn);
	for (const struct json *it = messages->first; it != NULL; it = it->next, i++) {
		const struct json *role = json_find(it, "role"), *content = json_find(it, "content");

		if (view_is(role->str, "assistant"))
			(*turn)[(*n_turns)++] =
				(struct turn){ start[i], start[i] + (uint32_t)content->str.n };
	}
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		if (reader_chat(&m->reading[s], &m->mem, &b->reader[s], messages, m->text, &m->err) < 0)
			return -1;
	}
	return 0;
}

static int entry_text(struct made *m, const struct batch *b, const struct entry *t)
{
	m->text = t->item->text;
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		if (reader_text(&m->reading[s], &m->mem, &b->reader[s], m->text, &m->err) < 0)
			return -1;
	}
	return 0;
}

/* Bytes of white space that both texts begin with. */
static size_t common_space(struct view a, struct view b)
{
	size_t n = 0, len;
	uint32_t cp;

	while (n < a.n && n < b.n && (len = utf8_decode(&cp, a.p + n, a.n - n)) > 0 && unicode_is_space(cp) &&
	       n + len <= b.n && memcmp(a.p + n, b.p + n, len) == 0)
		n += len;
	return n;
}

/*
 * White space that both answers begin with decides nothing: where it is tokens of its own, the same ones in both answers, the
 * turn boundary is the last of them.  Its bytes and, of each side, its tokens; 0 where the prompt's last token is the boundary.
 */
static int lead_find(size_t *bytes, size_t tokens[SIDE_COUNT], struct made *m, const struct batch *b,
		     const struct entry *t)
{
	size_t lead = common_space(t->answer, t->other);

	*bytes = lead;
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		size_t other;

		if (reader_ahead(&tokens[s], &m->mem, &b->reader[s], t->answer, lead, &m->err) < 0 ||
		    reader_ahead(&other, &m->mem, &b->reader[s], t->other, lead, &m->err) < 0)
			return -1;
		if (tokens[s] == SIZE_MAX || tokens[s] != other)
			*bytes = 0;
	}
	if (*bytes == 0)
		tokens[SIDE_BASE] = tokens[SIDE_CANDIDATE] = 0;
	return 0;
}

static int entry_continued(struct made *m, const struct batch *b, const struct entry *t, struct turn **turn,
			   size_t *n_turns)
{
	size_t lead, tokens[SIDE_COUNT];
	struct str text = STR_INIT;

	str_addv(&text, t->item->text);
	str_addv(&text, t->answer);
	m->text = (struct view){ arena_strdup(&m->mem, text.p, text.n), text.n };
	str_release(&text);
	if (lead_find(&lead, tokens, m, b, t) < 0)
		return -1;
	*turn = ARENA_NEW(&m->mem, struct turn);
	**turn = (struct turn){ (uint32_t)(t->item->text.n + lead), (uint32_t)m->text.n };
	*n_turns = 1;
	for (size_t s = 0; s < SIDE_COUNT; s++) {
		if (reader_continued(&m->reading[s], &m->mem, &b->reader[s], m->text, t->item->text.n,
				     &m->err) < 0)
			return -1;
		m->reading[s].n_prompt += tokens[s];
	}
	return 0;
}

void entry_read(void *ud, size_t unit, void *scratch)
{
	const struct batch *b = ud;
	const struct entry *t = &b->entry[unit];
	struct made *m = &b->made[unit];
	struct turn *turn = NULL;
	size_t n_turns = 0;

	(void)scratch;
	m->rc = t->chat			 ? entry_chat(m, b, t, &turn, &n_turns)
		: t->kind == DOC_ROLLOUT ? entry_continued(m, b, t, &turn, &n_turns)
					 : entry_text(m, b, t);
	if (m->rc < 0)
		return;
	m->n_pairs =
		reader_pairs(&m->pair, &m->mem, b->spec, b->reader, m->reading, turn, n_turns, &m->figures);
	m->doc = (struct doc){
		.line = t->item->line,
		.offset = t->item->offset,
		.file = t->item->file,
		.prompt = t->prompt,
		.kind = t->kind,
		.author = t->author,
		.truncated = m->reading[0].truncated || m->reading[1].truncated,
		.longest_gap = (uint32_t)m->figures.longest_gap,
	};
}

size_t entry_rollout(struct entry *out, const struct rollout *r, size_t number)
{
	bool same = view_eq(r->answer[SIDE_BASE].text, r->answer[SIDE_CANDIDATE].text);
	struct entry entry = {
		.item = &r->prompt, .prompt = (uint32_t)number, .kind = DOC_ROLLOUT, .chat = r->chat
	};

	entry.answer = r->answer[SIDE_BASE].text;
	entry.other = r->answer[SIDE_CANDIDATE].text;
	entry.author = same ? AUTHOR_BASE | AUTHOR_CANDIDATE : AUTHOR_BASE;
	out[0] = entry;
	entry.answer = r->answer[SIDE_CANDIDATE].text;
	entry.other = r->answer[SIDE_BASE].text;
	entry.author = AUTHOR_CANDIDATE;
	if (!same)
		out[1] = entry;
	return same ? 1 : 2;
}
