#include "flow/reader.h"

#include "base/out.h"
#include "base/unicode.h"
#include "flow/source.h"

#include <string.h>

static int stop_add(struct reader *r, struct arena *mem, const struct json *v, struct err *e)
{
	int32_t *stop;

	if (v == NULL || v->kind == JSON_NULL)
		return 0;
	if (v->kind == JSON_ARRAY) {
		for (const struct json *it = v->first; it != NULL; it = it->next) {
			if (it->kind == JSON_ARRAY || stop_add(r, mem, it, e) < 0)
				return -1;
		}
		return 0;
	}
	if (v->kind != JSON_INTEGER || v->integer < 0 || v->integer > INT32_MAX)
		return err_at(e, ERR_INPUT, json_pos(v), "eos_token_id: %s is not a token id",
			      json_kind_name(v->kind));
	for (size_t i = 0; i < r->n_stop; i++) {
		if (r->stop[i] == v->integer)
			return 0;
	}
	stop = ARENA_ARRAY(mem, r->n_stop + 1, int32_t);
	if (r->n_stop > 0)
		memcpy(stop, r->stop, r->n_stop * sizeof(*stop));
	stop[r->n_stop++] = (int32_t)v->integer;
	r->stop = stop;
	return 0;
}

/* The end-of-answer ids of config.json and generation_config.json together. */
static int stop_read(struct reader *r, struct arena *mem, const char *dir, struct err *e)
{
	static const char *const file[] = { "config.json", "generation_config.json" };

	for (size_t i = 0; i < 2; i++) {
		const char *path = arena_fmt(mem, "%s/%s", dir, file[i]);
		const struct json *root;

		if (i > 0 && !path_is_file(path))
			continue;
		if (json_read_file(&root, mem, path, 16 << 20, e) < 0 ||
		    stop_add(r, mem, json_find(root, "eos_token_id"), e) < 0)
			return -1;
	}
	return 0;
}

static bool chat_needed(const struct spec *s)
{
	for (size_t i = 0; i < s->corpus.n_sources; i++) {
		const struct spec_source *src = &s->corpus.source[i];

		if (src->kind == SOURCE_CHATS || (src->kind == SOURCE_ROLLOUTS && src->chat))
			return true;
	}
	return false;
}

int reader_open(struct reader *out, struct arena *mem, const struct spec *s, const struct spec_model *m,
		struct err *e)
{
	struct reader r = { .date = s->corpus.date, .context = s->corpus.context };

	if (tokenizer_open(&r.tokenizer, m->dir, e) < 0)
		return err_wrap(e, "%s: ", m->name);
	if ((chat_needed(s) && chat_open(&r.chat, m->dir, e) < 0) || stop_read(&r, mem, m->dir, e) < 0) {
		reader_close(&r);
		return err_wrap(e, "%s: ", m->name);
	}
	*out = r;
	return 0;
}

void reader_close(struct reader *r)
{
	tokenizer_close(r->tokenizer);
	chat_close(r->chat);
	*r = (struct reader){ .tokenizer = NULL };
}

static void reading_make(struct reading *r, struct arena *mem, size_t n)
{
	*r = (struct reading){
		.id = ARENA_ARRAY(mem, n + 1, int32_t),
		.start = ARENA_ARRAY(mem, n + 1, uint32_t),
		.end = ARENA_ARRAY(mem, n + 1, uint32_t),
		.kind = ARENA_ARRAY(mem, n + 1, uint8_t),
		.special = ARENA_ARRAY(mem, n + 1, int32_t),
	};
}

/* A second BOS behind the first, which is left out. */
static bool reading_doubles(struct reading *r, int32_t id, int32_t bos)
{
	bool doubled = bos >= 0 && id == bos && r->n == 1 && r->id[0] == bos;

	r->doubled_bos = r->doubled_bos || doubled;
	return doubled;
}

/* What flow/checks.h counts, of a token that stands for `text`: special ones written there, and the one that stands for
 * what the vocabulary does not have, which may be special as well. */
static void reading_watch(struct reading *r, const struct tokenizer *t, int32_t id, struct view text)
{
	if (text.n == 0)
		return;
	if (id == tokenizer_unknown(t) && !view_eq(text, tokenizer_piece(t, id)))
		r->unknown++;
	else if (tokenizer_is_special(t, id))
		r->special[r->n_special++] = id;
}

static void reading_add(struct reading *r, int32_t id, uint32_t start, uint32_t end, enum token_kind kind)
{
	r->id[r->n] = id;
	r->start[r->n] = start;
	r->end[r->n] = end;
	r->kind[r->n] = (uint8_t)kind;
	r->n++;
}

static void reading_cut(struct reading *r, size_t context)
{
	r->truncated = r->n > context;
	if (r->truncated)
		r->n = context;
}

static void *kept(struct arena *mem, const void *p, size_t n, size_t size)
{
	return n > 0 ? memcpy(arena_alloc(mem, n, size), p, n * size) : arena_alloc(mem, 1, size);
}

/* What is cut to the context, out of the memory it was made in: of a long document little is left. */
static void reading_keep(struct reading *r, const struct reader *by, struct arena *mem)
{
	reading_cut(r, by->context);
	r->id = kept(mem, r->id, r->n, sizeof(*r->id));
	r->start = kept(mem, r->start, r->n, sizeof(*r->start));
	r->end = kept(mem, r->end, r->n, sizeof(*r->end));
	r->kind = kept(mem, r->kind, r->n, sizeof(*r->kind));
	r->special = kept(mem, r->special, r->n_special, sizeof(*r->special));
}

static enum token_kind bytes_kind(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		size_t len = utf8_decode(&cp, p + i, n - i);

		if (len == 0 || !unicode_is_space(cp))
			return TOKEN_CONTENT; /* part of a character counts as content */
		i += len;
	}
	return n > 0 ? TOKEN_SPACE : TOKEN_TEMPLATE;
}

/* The tokens of a stretch of the text that begins at byte `first`. */
static void reading_add_all(struct reading *out, const struct reader *r, const struct encoding *enc,
			    struct view text, uint32_t first)
{
	int32_t bos = tokenizer_bos(r->tokenizer);
	uint32_t end = first;

	for (size_t i = 0; i < enc->n; i++) {
		uint32_t start = first + enc->start[i], stop = first + enc->end[i];
		struct view piece = { text.p + start, stop - start };
		enum token_kind kind = bytes_kind(piece.p, piece.n);

		if (reading_doubles(out, enc->id[i], bos))
			continue;
		reading_watch(out, r->tokenizer, enc->id[i], piece);
		if (tokenizer_is_special(r->tokenizer, enc->id[i]))
			kind = TOKEN_TEMPLATE;
		end = stop > end ? stop : end;
		reading_add(out, enc->id[i], kind == TOKEN_TEMPLATE ? end : start, end, kind);
	}
}

int reader_text(struct reading *out, struct arena *mem, const struct reader *r, struct view text,
		struct err *e)
{
	struct arena scratch = ARENA_INIT;
	struct encoding enc;
	int rc = tokenizer_encode(&enc, &scratch, r->tokenizer, text, true, e);

	if (rc == 0) {
		reading_make(out, &scratch, enc.n);
		reading_add_all(out, r, &enc, text, 0);
		reading_keep(out, r, mem);
	}
	arena_release(&scratch);
	return rc;
}

int reader_continued(struct reading *out, struct arena *mem, const struct reader *r, struct view text,
		     size_t prompt_bytes, struct err *e)
{
	struct view prompt = { text.p, prompt_bytes },
		    answer = { text.p + prompt_bytes, text.n - prompt_bytes };
	struct encoding asked, said;

	if (tokenizer_encode(&asked, mem, r->tokenizer, prompt, true, e) < 0 ||
	    tokenizer_encode_after(&said, mem, r->tokenizer, answer, e) < 0)
		return -1;
	reading_make(out, mem, asked.n + said.n);
	reading_add_all(out, r, &asked, text, 0);
	out->n_prompt = out->n;
	reading_add_all(out, r, &said, text, (uint32_t)prompt_bytes);
	reading_cut(out, r->context);
	return 0;
}

int reader_ahead(size_t *out, struct arena *mem, const struct reader *r, struct view answer, size_t bytes,
		 struct err *e)
{
	struct encoding said;
	size_t n = 0;

	if (tokenizer_encode_after(&said, mem, r->tokenizer, answer, e) < 0)
		return -1;
	while (n < said.n && said.end[n] <= bytes)
		n++;
	*out = bytes == 0 ? 0 : n > 0 && said.end[n - 1] == bytes ? n : SIZE_MAX;
	return 0;
}

/* A rendered token is content when all its bytes come from one stretch of one message. */
static bool origin_span(uint32_t *start, uint32_t *end, const uint32_t *origin, uint32_t from, uint32_t to)
{
	if (from >= to || origin[from] == 0)
		return false;
	for (uint32_t i = from + 1; i < to; i++) {
		if (origin[i] != origin[i - 1] + 1)
			return false;
	}
	*start = origin[from] - 1;
	*end = origin[to - 1];
	return true;
}

static int rendered(struct reading *out, struct arena *mem, const struct reader *r, const struct chat_text *c,
		    struct view text, struct err *e)
{
	int32_t bos = tokenizer_bos(r->tokenizer);
	struct encoding enc;
	uint32_t last = 0;

	if (tokenizer_encode(&enc, mem, r->tokenizer, c->text, false, e) < 0)
		return -1;
	reading_make(out, mem, enc.n);
	for (size_t i = 0; i < enc.n; i++) {
		uint32_t start = last, end = last;
		bool of_text = origin_span(&start, &end, c->origin, enc.start[i], enc.end[i]);
		enum token_kind kind = TOKEN_TEMPLATE;

		if (reading_doubles(out, enc.id[i], bos))
			continue;
		if (of_text)
			reading_watch(out, r->tokenizer, enc.id[i],
				      (struct view){ c->text.p + enc.start[i], enc.end[i] - enc.start[i] });
		if (!tokenizer_is_special(r->tokenizer, enc.id[i]) && of_text && start >= last &&
		    end <= text.n)
			kind = bytes_kind(text.p + start, end - start);
		else
			start = end = last;
		reading_add(out, enc.id[i], start, end, kind);
		last = end;
	}
	return 0;
}

static int rendered_chat(struct reading *out, struct arena *mem, const struct reader *r,
			 const struct json *messages, struct view text, bool generation_prompt, struct err *e)
{
	struct chat_opts o = { .add_generation_prompt = generation_prompt, .now = r->date };
	struct chat_text c;

	if (chat_render(&c, mem, r->chat, messages, &o, e) < 0)
		return -1;
	return rendered(out, mem, r, &c, text, e);
}

int reader_chat(struct reading *out, struct arena *mem, const struct reader *r, const struct json *messages,
		struct view text, struct err *e)
{
	struct arena scratch = ARENA_INIT;
	int rc = rendered_chat(out, &scratch, r, messages, text, false, e);

	if (rc == 0)
		reading_keep(out, r, mem);
	arena_release(&scratch);
	return rc;
}

int reader_prompt(struct reading *out, struct arena *mem, const struct reader *r, struct view prompt,
		  bool chat, struct err *e)
{
	const struct json *messages;
	uint32_t *start;

	if (!chat)
		return reader_text(out, mem, r, prompt, e);
	if (source_chat(&messages, mem, prompt, (struct view){ .p = NULL }, e) < 0)
		return -1;
	return rendered_chat(out, mem, r, messages, chat_contents(&start, mem, messages), true, e);
}

struct view chat_contents(uint32_t **start, struct arena *mem, const struct json *messages)
{
	struct str s = STR_INIT;
	struct view out;
	size_t i = 0;

	*start = ARENA_ARRAY(mem, messages->n, uint32_t);
	for (const struct json *m = messages->first; m != NULL; m = m->next) {
		const struct json *content = json_find(m, "content");

		str_addc(&s, '\n');
		(*start)[i++] = (uint32_t)s.n;
		if (content != NULL && content->kind == JSON_STRING)
			str_addv(&s, content->str);
	}
	out = (struct view){ arena_strdup(mem, s.p, s.n), s.n };
	str_release(&s);
	return out;
}
