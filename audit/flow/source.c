#include "flow/source.h"

#include "base/map.h"
#include "base/rng.h"
#include "base/unicode.h"

#include <string.h>

enum { SOURCE_LIMIT = 1 << 30 }; /* bytes of one source file */

static int line_err(struct err *e, const char *file, uint64_t line)
{
	snprintf(e->file, sizeof(e->file), "%s", file);
	e->line = (unsigned)line;
	if (e->col == 0)
		e->col = 1;
	return -1;
}

static int text_nfc(struct view *out, struct arena *mem, struct view in, struct err *e)
{
	struct str s = STR_INIT;
	size_t valid = utf8_valid(in.p, in.n);

	if (valid < in.n)
		return err_set(e, ERR_INPUT, "byte %zu is not valid UTF-8 (0x%02x)", valid + 1,
			       (unsigned char)in.p[valid]);
	if (utf8_nfc(&s, in, e) < 0)
		return -1;
	out->p = arena_strdup(mem, s.n > 0 ? s.p : "", s.n);
	out->n = s.n;
	str_release(&s);
	return 0;
}

/* The same messages with every content in NFC; anything but text is refused. */
static int messages_nfc(const struct json **out, struct arena *mem, const struct json *messages,
			struct err *e)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	int rc = -1;

	if (messages->kind != JSON_ARRAY || messages->n == 0)
		return err_set(e, ERR_INPUT, "a chat is %s, not an array of messages",
			       json_kind_name(messages->kind));
	j.compact = true;
	json_open(&j, NULL, '[');
	for (const struct json *m = messages->first; m != NULL; m = m->next) {
		struct view role, content;

		if (json_str(&role, m, "role", e) < 0 || json_str(&content, m, "content", e) < 0 ||
		    text_nfc(&content, mem, content, e) < 0)
			goto out;
		json_open(&j, NULL, '{');
		json_put_str(&j, "role", role);
		json_put_str(&j, "content", content);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	rc = json_read(out, mem, (struct view){ arena_strdup(mem, s.p, s.n), s.n }, "messages", e);
out:
	str_release(&s);
	return rc;
}

static int item_json(struct item *it, struct arena *mem, const struct spec_source *src, struct view line,
		     struct err *e)
{
	const struct json *root, *messages;
	const char *field = src->field;
	struct view text;

	if (json_read(&root, mem, line, src->path, e) < 0)
		return -1;
	if (src->kind == SOURCE_CHATS) {
		if (json_member(&messages, root, field, JSON_ARRAY, e) < 0)
			return -1;
		return messages_nfc(&it->messages, mem, messages, e);
	}
	if (json_str(&text, root, field, e) < 0)
		return -1;
	return text_nfc(&it->text, mem, text, e);
}

static int item_read(struct item *it, struct arena *mem, const struct spec_source *src, struct view line,
		     bool json, struct err *e)
{
	if (json)
		return item_json(it, mem, src, line, e);
	if (src->kind == SOURCE_CHATS)
		return err_set(e, ERR_INPUT, "chats are read from JSON Lines; the name should end in .jsonl");
	return text_nfc(&it->text, mem, line, e);
}

/* Keeps `limit` of n items, drawn by the seed, in the order of the file. */
static size_t items_draw(struct item *item, size_t n, size_t limit, uint64_t seed, size_t source)
{
	uint32_t *perm;
	uint8_t *keep;
	size_t kept = 0;

	if (limit == 0 || n <= limit)
		return n;
	perm = mem_alloc(n, sizeof(*perm));
	keep = mem_alloc(n, sizeof(*keep));
	rng_permutation(rng_stream(seed, "corpus.select", source), perm, n);
	for (size_t i = 0; i < limit; i++)
		keep[perm[i]] = 1;
	for (size_t i = 0; i < n; i++) {
		if (keep[i])
			item[kept++] = item[i];
	}
	mem_free(perm);
	mem_free(keep);
	return kept;
}

int source_read(struct item **out, size_t *n, struct arena *mem, const struct spec *s, size_t i,
		struct err *e)
{
	const struct spec_source *src = &s->corpus.source[i];
	bool json = view_ends(view_of(src->path), ".jsonl") || view_ends(view_of(src->path), ".json");
	struct view text;
	struct item *item;
	size_t lines = 1, found = 0;
	uint64_t line = 0;

	if (file_read(&text, mem, src->file, SOURCE_LIMIT, e) < 0)
		return -1;
	for (size_t k = 0; k < text.n; k++)
		lines += text.p[k] == '\n';
	item = ARENA_ARRAY(mem, lines, struct item);
	for (size_t at = 0; at < text.n;) {
		const char *end = memchr(text.p + at, '\n', text.n - at);
		size_t len = end != NULL ? (size_t)(end - text.p) - at : text.n - at;
		struct view v = { text.p + at, len };
		struct item *it = &item[found];

		line++;
		if (v.n > 0 && v.p[v.n - 1] == '\r')
			v.n--;
		if (v.n > 0) {
			*it = (struct item){ .source = i, .line = line, .offset = at };
			if (item_read(it, mem, src, v, json, e) < 0)
				return line_err(e, src->path, line);
			found++;
		}
		at += len + 1;
	}
	if (found == 0)
		return err_set(e, ERR_INPUT, "%s: there is no document in it", src->path);
	*out = item;
	*n = items_draw(item, found, src->limit, s->seed, i);
	return 0;
}

static void message_put(struct json_out *j, const char *role, struct view content)
{
	json_open(j, NULL, '{');
	json_puts(j, "role", role);
	json_put_str(j, "content", content);
	json_close(j, '}');
}

int source_chat(const struct json **out, struct arena *mem, struct view prompt, struct view answer,
		struct err *e)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	struct view text;

	j.compact = true;
	json_open(&j, NULL, '[');
	message_put(&j, "user", prompt);
	if (answer.p != NULL)
		message_put(&j, "assistant", answer);
	json_close(&j, ']');
	text = (struct view){ arena_strdup(mem, s.p, s.n), s.n };
	str_release(&s);
	return json_read(out, mem, text, "messages", e);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

const char *source_name(const struct spec_source *s)
{
	return s->path[0] == '/' ? base_name(s->path) : s->path;
}

const char *source_place(struct arena *mem, const struct spec *s, size_t source, uint64_t line)
{
	if (source >= s->corpus.n_sources) /* activations from elsewhere are numbered only */
		return arena_fmt(mem, "document %llu", (unsigned long long)line);
	return arena_fmt(mem, "%s:%llu", base_name(s->corpus.source[source].path), (unsigned long long)line);
}
