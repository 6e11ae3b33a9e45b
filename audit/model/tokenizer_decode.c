#include "base/unicode.h"
#include "model/tokenizer_parts.h"
#include "model/tokenizer_read.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* ---- reading ---- */

static int read_replace(struct decode_step *s, struct arena *mem, const struct json *v, struct err *e)
{
	struct view content;

	s->kind = DECODE_REPLACE;
	if (json_str(&content, v, "content", e) < 0)
		return -1;
	s->text = (struct view){ arena_strdup(mem, content.p, content.n), content.n };
	return normal_pattern(&s->literal, &s->pattern, mem, v, e);
}

static int read_metaspace(struct decode_step *s, struct arena *mem, const struct json *v, struct err *e)
{
	const struct json *scheme = json_find(v, "prepend_scheme"),
			  *prefix = json_find(v, "add_prefix_space");

	s->kind = DECODE_METASPACE;
	if (json_is_null(scheme))
		s->prefix = json_is_null(prefix) || prefix->kind == JSON_TRUE;
	else
		s->prefix = !(scheme->kind == JSON_STRING && view_is(scheme->str, "never"));
	return read_character(&s->text, mem, v, "replacement", e);
}

struct reading {
	struct decode *decode;
	struct arena *mem;
};

static int read_step(void *ud, const struct json *v, struct view type, struct err *e)
{
	const struct reading *r = ud;
	struct decode_step *s = &r->decode->step[r->decode->n++];
	struct arena *mem = r->mem;

	if (view_is(type, "ByteLevel")) {
		s->kind = DECODE_BYTES;
		return 0;
	}
	if (view_is(type, "ByteFallback")) {
		s->kind = DECODE_FALLBACK;
		return 0;
	}
	if (view_is(type, "Fuse")) {
		s->kind = DECODE_FUSE;
		return 0;
	}
	if (view_is(type, "Strip")) {
		s->kind = DECODE_STRIP;
		if (json_size(&s->start, v, "start", e) < 0 || json_size(&s->stop, v, "stop", e) < 0)
			return -1;
		return read_character(&s->text, mem, v, "content", e);
	}
	if (view_is(type, "Replace"))
		return read_replace(s, mem, v, e);
	if (view_is(type, "Metaspace"))
		return read_metaspace(s, mem, v, e);
	return err_at(e, ERR_INPUT, json_pos(v), "decoder %.*s is not supported", read_shown(type), type.p);
}

int decode_read(struct decode *out, struct arena *mem, const struct json *v, struct err *e)
{
	struct reading r = { out, mem };

	*out = (struct decode){ .step = ARENA_ARRAY(mem, STEPS_MOST, struct decode_step) };
	out->joined = !json_is_null(v);
	return read_steps(v, "decoders", read_step, &r, e);
}

void decode_release(struct decode *d)
{
	for (size_t i = 0; i < d->n; i++)
		pattern_close(d->step[i].pattern);
	d->n = 0;
}

/* ---- single tokens ---- */

/* The bytes its characters stand for; false, and nothing added, where one stands for none. */
static bool add_bytes(struct str *out, struct view token)
{
	size_t before = out->n;
	uint32_t cp;

	for (size_t i = 0, n; i < token.n; i += n) {
		int byte = -1;

		n = utf8_decode(&cp, token.p + i, token.n - i);
		BUG_ON(n == 0);
		byte = bpe_char_byte(cp);
		if (byte < 0) {
			out->n = before;
			out->p[before] = '\0';
			return false;
		}
		str_addc(out, (char)byte);
	}
	return true;
}

/* "<0xNN>": the byte, or -1. */
static int fallback_byte(struct view token)
{
	if (token.n != 6 || !view_starts(token, "<0x") || token.p[5] != '>')
		return -1;
	if (read_hex(token.p[3]) < 0 || read_hex(token.p[4]) < 0)
		return -1;
	return read_hex(token.p[3]) * 16 + read_hex(token.p[4]);
}

static void add_replaced(struct str *out, struct view token, struct view literal, struct view text)
{
	size_t done = 0, found;

	while ((found = normal_find(token, literal, done)) != SIZE_MAX) {
		str_add(out, token.p + done, found - done);
		str_addv(out, text);
		done = found + literal.n;
	}
	str_add(out, token.p + done, token.n - done);
}

void decode_piece(struct str *out, const struct decode *d, struct view token)
{
	str_adds(out, "");
	for (size_t i = 0; i < d->n; i++) {
		const struct decode_step *s = &d->step[i];

		if (s->kind == DECODE_BYTES && add_bytes(out, token))
			return;
		if (s->kind == DECODE_FALLBACK && fallback_byte(token) >= 0) {
			str_addc(out, (char)fallback_byte(token));
			return;
		}
	}
	for (size_t i = 0; i < d->n; i++) {
		const struct decode_step *s = &d->step[i];

		if (s->kind == DECODE_METASPACE) {
			add_replaced(out, token, s->text, VIEW(" "));
			return;
		}
		if (s->kind == DECODE_REPLACE && s->literal.p) {
			add_replaced(out, token, s->literal, s->text);
			return;
		}
	}
	str_addv(out, token);
}

/* ---- sequences ---- */

/* The tokens between two steps: what each holds, one after the other. */
struct strings {
	struct str text;
	size_t *end;
	size_t n, cap;
};

static struct view string_at(const struct strings *s, size_t i)
{
	size_t start = i > 0 ? s->end[i - 1] : 0;

	return (struct view){ s->text.p + start, s->end[i] - start };
}

/* What was added to s->text since the last call is a token. */
static void string_end(struct strings *s)
{
	s->end = mem_grow(s->end, &s->cap, s->n + 1, sizeof(*s->end));
	s->end[s->n++] = s->text.n;
}

static void add_valid(struct str *out, const char *p, size_t n)
{
	while (n > 0) {
		size_t good = utf8_valid(p, n), bad = good < n ? utf8_broken(p + good, n - good) : 0;

		str_add(out, p, good);
		if (bad > 0)
			str_adds(out, REPLACEMENT);
		p += good + bad;
		n -= good + bad;
	}
}

static void step_bytes(struct strings *to, const struct strings *from)
{
	struct str bytes = STR_INIT;

	str_adds(&bytes, "");
	for (size_t i = 0; i < from->n; i++) {
		struct view token = string_at(from, i);

		if (!add_bytes(&bytes, token))
			str_addv(&bytes, token);
	}
	add_valid(&to->text, bytes.p, bytes.n);
	str_release(&bytes);
	string_end(to);
}

/* A run of byte tokens is text where it is valid, and otherwise as many U+FFFD. */
static void end_run(struct strings *to, struct str *run)
{
	if (run->n > 0 && utf8_valid(run->p, run->n) == run->n) {
		str_addv(&to->text, str_view(run));
		string_end(to);
	} else {
		for (size_t i = 0; i < run->n; i++) {
			str_adds(&to->text, REPLACEMENT);
			string_end(to);
		}
	}
	str_clear(run);
}

static void step_fallback(struct strings *to, const struct strings *from)
{
	struct str run = STR_INIT;

	for (size_t i = 0; i < from->n; i++) {
		struct view token = string_at(from, i);
		int byte = fallback_byte(token);

		if (byte >= 0) {
			str_addc(&run, (char)byte);
			continue;
		}
		end_run(to, &run);
		str_addv(&to->text, token);
		string_end(to);
	}
	end_run(to, &run);
	str_release(&run);
}

static void replace_pattern(struct str *out, struct view token, const struct decode_step *s,
			    struct pattern_search *search)
{
	struct err ignored = ERR_INIT;
	size_t done = 0, start, end;

	pattern_search_begin(search, token);
	while (pattern_search_next(search, &start, &end, &ignored) == 1) {
		str_add(out, token.p + done, start - done);
		str_addv(out, s->text);
		done = end;
	}
	str_add(out, token.p + done, token.n - done);
}

static void step_replace(struct strings *to, const struct strings *from, const struct decode_step *s)
{
	struct pattern_search search = { .pattern = NULL };

	if (s->pattern)
		pattern_search_init(&search, s->pattern);
	for (size_t i = 0; i < from->n; i++) {
		if (s->pattern)
			replace_pattern(&to->text, string_at(from, i), s, &search);
		else
			add_replaced(&to->text, string_at(from, i), s->literal, s->text);
		string_end(to);
	}
	if (s->pattern)
		pattern_search_release(&search);
}

static void step_strip(struct strings *to, const struct strings *from, const struct decode_step *s)
{
	for (size_t i = 0; i < from->n; i++) {
		struct view v = string_at(from, i), c = s->text;

		for (size_t k = 0; k < s->start && v.n >= c.n && memcmp(v.p, c.p, c.n) == 0; k++)
			v = (struct view){ v.p + c.n, v.n - c.n };
		for (size_t k = 0; k < s->stop && v.n >= c.n && memcmp(v.p + v.n - c.n, c.p, c.n) == 0; k++)
			v.n -= c.n;
		str_addv(&to->text, v);
		string_end(to);
	}
}

static void step_metaspace(struct strings *to, const struct strings *from, const struct decode_step *s)
{
	for (size_t i = 0; i < from->n; i++) {
		bool first = i == 0 && s->prefix;

		add_replaced(&to->text, string_at(from, i), s->text, first ? VIEW("") : VIEW(" "));
		string_end(to);
	}
}

static void run_step(struct strings *to, const struct strings *from, const struct decode_step *s)
{
	switch (s->kind) {
	case DECODE_BYTES: step_bytes(to, from); break;
	case DECODE_FALLBACK: step_fallback(to, from); break;
	case DECODE_REPLACE: step_replace(to, from, s); break;
	case DECODE_STRIP: step_strip(to, from, s); break;
	case DECODE_METASPACE: step_metaspace(to, from, s); break;
	case DECODE_FUSE:
		str_addv(&to->text, str_view(&from->text));
		string_end(to);
		break;
	}
}

void tokenizer_decode(struct str *out, const struct tokenizer *t, const int32_t *id, size_t n,
		      bool skip_special)
{
	struct strings now = { .n = 0 }, next = { .n = 0 }, swap;

	str_adds(&now.text, "");
	str_adds(&next.text, "");
	for (size_t i = 0; i < n; i++) {
		struct view token = tokenizer_spelling(t, id[i]);

		if (skip_special && tokenizer_is_special(t, id[i]))
			continue;
		str_addv(&now.text, token.p ? token : VIEW(REPLACEMENT));
		string_end(&now);
	}
	for (size_t i = 0; i < t->decode.n; i++) {
		next.n = 0;
		str_clear(&next.text);
		run_step(&next, &now, &t->decode.step[i]);
		swap = now;
		now = next;
		next = swap;
	}
	for (size_t i = 0; i < now.n; i++) {
		if (i > 0 && !t->decode.joined)
			str_addc(out, ' ');
		str_addv(out, string_at(&now, i));
	}
	str_release(&now.text);
	str_release(&next.text);
	mem_free(now.end);
	mem_free(next.end);
}

void tokenizer_decode_after(struct str *out, const struct tokenizer *t, const int32_t *before,
			    size_t n_before, const int32_t *id, size_t n)
{
	int32_t *joined = mem_alloc(n_before + n + 1, sizeof(*joined));
	struct str first = STR_INIT, all = STR_INIT;

	for (size_t i = 0; i < n_before + n; i++)
		joined[i] = i < n_before ? before[i] : id[i - n_before];
	tokenizer_decode(&first, t, joined, n_before, true);
	tokenizer_decode(&all, t, joined, n_before + n, true);
	if (all.n >= first.n && view_eq((struct view){ all.p, first.n }, str_view(&first)))
		str_add(out, all.p + first.n, all.n - first.n);
	else /* a character begins in the one and ends in the other */
		tokenizer_decode(out, t, id, n, true);
	str_release(&first);
	str_release(&all);
	mem_free(joined);
}
