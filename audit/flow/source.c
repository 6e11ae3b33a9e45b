#include "flow/source.h"

#include "base/rng.h"
#include "base/str.h"
#include "base/unicode.h"
#include "flow/files.h"

#include <string.h>

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

static void message_put(struct json_out *j, struct view role, struct view content)
{
	json_open(j, NULL, '{');
	json_put_str(j, "role", role);
	json_put_str(j, "content", content);
	json_close(j, '}');
}

/* The text of either form of message: role and content, or from and value. */
static int message_read(struct view *role, struct view *content, const struct json *m, struct err *e)
{
	static const char *const known[][2] = {
		{ "human", "user" },	      { "user", "user" },	{ "gpt", "assistant" },
		{ "chatgpt", "assistant" },   { "model", "assistant" }, { "bot", "assistant" },
		{ "assistant", "assistant" }, { "system", "system" },	{ "tool", "tool" }
	};

	if (json_find(m, "role") != NULL || json_find(m, "from") == NULL)
		return json_str(role, m, "role", e) < 0 ? -1 : json_str(content, m, "content", e);
	if (json_str(role, m, "from", e) < 0 || json_str(content, m, "value", e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (view_is(*role, known[i][0])) {
			*role = view_of(known[i][1]);
			return 0;
		}
	}
	return err_at(e, ERR_INPUT, json_pos(json_find(m, "from")),
		      "from: %.*s is no speaker known here; human, user, gpt, assistant, system or tool is",
		      (int)(role->n < 40 ? role->n : 40), role->p);
}

/* The same messages with every content in NFC; anything but text is refused. */
static int messages_nfc(const struct json **out, struct arena *mem, const struct json *messages,
			struct err *e)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	int rc = -1;

	if (messages->n == 0)
		return err_at(e, ERR_INPUT, json_pos(messages), "a chat without a message");
	j.compact = true;
	json_open(&j, NULL, '[');
	for (const struct json *m = messages->first; m != NULL; m = m->next) {
		struct view role, content;

		if (message_read(&role, &content, m, e) < 0 || text_nfc(&content, mem, content, e) < 0)
			goto out;
		message_put(&j, role, content);
	}
	json_close(&j, ']');
	rc = json_read(out, mem, (struct view){ arena_strdup(mem, s.p, s.n), s.n }, "messages", e);
out:
	str_release(&s);
	return rc;
}

/* The messages of a chat: the member asked for, or what LMSYS and ShareGPT call it. */
static int chat_find(const struct json **out, const struct json *root, const char *field, struct err *e)
{
	static const char *const other[] = { "conversations", "conversation" };

	for (size_t i = 0; i < 2 && json_find(root, field) == NULL && strcmp(field, "messages") == 0; i++) {
		if (json_find(root, other[i]) != NULL)
			field = other[i];
	}
	return json_member(out, root, field, JSON_ARRAY, e);
}

static int item_json(struct item *it, struct arena *mem, const struct spec_source *src, struct view text,
		     struct err *e)
{
	struct arena tree = ARENA_INIT;
	const struct json *root, *messages;
	struct view member;
	int rc = json_read(&root, &tree, text, src->path, e);

	if (rc == 0 && src->kind == SOURCE_CHATS) {
		rc = chat_find(&messages, root, src->field, e);
		if (rc == 0)
			rc = messages_nfc(&it->messages, mem, messages, e);
	} else if (rc == 0) {
		rc = json_str(&member, root, src->field, e);
		if (rc == 0)
			rc = text_nfc(&it->text, mem, member, e);
	}
	arena_release(&tree);
	return rc;
}

/* U+FFFD for what is not UTF-8, if the spec says so. */
static size_t text_mend(struct str *out, struct view in)
{
	size_t replaced = 0;

	for (size_t at = 0; at < in.n;) {
		size_t valid = utf8_valid(in.p + at, in.n - at);

		str_add(out, in.p + at, valid);
		at += valid;
		if (at < in.n) {
			str_adds(out, "\xef\xbf\xbd");
			at += utf8_broken(in.p + at, in.n - at);
			replaced++;
		}
	}
	return replaced;
}

/* Of its text, or of all that is said in it. */
static size_t item_bytes(const struct item *it)
{
	size_t n = it->text.n;

	for (const struct json *m = it->messages != NULL ? it->messages->first : NULL; m != NULL; m = m->next)
		n += json_find(m, "content")->str.n;
	return n;
}

static int item_read(struct item *it, struct arena *mem, const struct spec_source *src, struct view text,
		     struct err *e)
{
	struct str mended = STR_INIT;
	size_t valid = utf8_valid(text.p, text.n);
	int rc;

	if (valid < text.n && !src->replace)
		return err_set(e, ERR_INPUT,
			       "byte %zu is not valid UTF-8 (0x%02x); `invalid: replace` puts U+FFFD there",
			       valid + 1, (unsigned char)text.p[valid]);
	if (valid < text.n) {
		it->replaced = (uint32_t)text_mend(&mended, text);
		text = str_view(&mended);
	}
	rc = src->form == FORM_JSONL ? item_json(it, mem, src, text, e) : text_nfc(&it->text, mem, text, e);
	str_release(&mended);
	if (rc == 0 && item_bytes(it) > DOCUMENT_MOST)
		rc = err_set(e, ERR_INPUT, "a document of %zu bytes; %d MiB is the most that is read of one",
			     item_bytes(it), DOCUMENT_MOST >> 20);
	return rc;
}

uint8_t *source_draw(size_t n, const struct spec *s, size_t source)
{
	size_t limit = s->corpus.source[source].limit;
	uint32_t *perm;
	uint8_t *keep;

	if (limit == 0 || n <= limit)
		return NULL;
	perm = mem_alloc(n, sizeof(*perm));
	keep = mem_alloc(n, sizeof(*keep));
	rng_permutation(rng_stream(s->seed, "corpus.select", source), perm, n);
	for (size_t i = 0; i < limit; i++)
		keep[perm[i]] = 1;
	mem_free(perm);
	return keep;
}

int source_count(size_t *n, const struct spec_source *src, struct err *e)
{
	struct raws r = RAWS_OF(src);
	struct raw raw;
	int rc;

	*n = 0;
	while ((rc = raws_next(&raw, &r, e)) > 0) {
		if (++*n == UINT32_MAX) {
			rc = err_set(e, ERR_SIZE,
				     "%s: %zu documents and more; at most that many are drawn from",
				     src->path, *n);
			break;
		}
	}
	raws_close(&r);
	return rc;
}

int source_item(struct item *out, struct arena *mem, const struct spec *s, size_t source,
		const struct raw *raw, struct err *e)
{
	const struct spec_source *src = &s->corpus.source[source];

	*out = (struct item){ .source = source,
			      .file = (uint32_t)(files_first(s, source) + raw->file),
			      .line = raw->line,
			      .offset = raw->offset };
	if (item_read(out, mem, src, raw->text, e) < 0)
		return raws_err(e, src, raw->file, raw->line);
	return 0;
}

/* Those of the files that are kept (all, where keep is NULL), in an array of their own. */
static int items_read(struct item **out, size_t *n, struct arena *mem, const struct spec *s, size_t source,
		      const uint8_t *keep, struct err *e)
{
	struct raws r = RAWS_OF(&s->corpus.source[source]);
	size_t cap = 0;
	struct raw raw;
	int rc;

	*out = NULL;
	*n = 0;
	for (size_t i = 0; (rc = raws_next(&raw, &r, e)) > 0; i++) {
		if (keep != NULL && !keep[i])
			continue;
		*out = mem_grow(*out, &cap, *n + 1, sizeof(**out));
		rc = source_item(&(*out)[*n], mem, s, source, &raw, e);
		if (rc < 0)
			break;
		++*n;
	}
	raws_close(&r);
	return rc;
}

int source_read(struct item **out, size_t *n, struct arena *mem, const struct spec *s, size_t i,
		struct err *e)
{
	const struct spec_source *src = &s->corpus.source[i];
	struct item *item = NULL;
	uint8_t *keep = NULL;
	size_t found;
	int rc = 0;

	*n = 0;
	if (src->limit > 0) {
		if (source_count(&found, src, e) < 0)
			return -1;
		keep = source_draw(found, s, i);
	}
	rc = items_read(&item, n, mem, s, i, keep, e);
	if (rc == 0 && *n == 0)
		rc = err_set(e, ERR_INPUT, "%s: there is no document in it", src->path);
	if (rc == 0 && item != NULL) {
		*out = ARENA_ARRAY(mem, *n, struct item);
		memcpy(*out, item, *n * sizeof(*item));
	}
	mem_free(item);
	mem_free(keep);
	return rc;
}

int source_chat(const struct json **out, struct arena *mem, struct view prompt, struct view answer,
		struct err *e)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);
	struct view text;

	j.compact = true;
	json_open(&j, NULL, '[');
	message_put(&j, VIEW("user"), prompt);
	if (answer.p != NULL)
		message_put(&j, VIEW("assistant"), answer);
	json_close(&j, ']');
	text = (struct view){ arena_strdup(mem, s.p, s.n), s.n };
	str_release(&s);
	return json_read(out, mem, text, "messages", e);
}

const char *source_name(const struct spec_source *s)
{
	return s->path[0] == '/' ? path_name(s->path) : s->path;
}

const char *source_place(struct arena *mem, const struct spec *s, size_t file, uint64_t line)
{
	size_t source = files_source(s, file);

	if (source >= s->corpus.n_sources) /* activations from elsewhere are numbered only */
		return arena_fmt(mem, "document %llu", (unsigned long long)line);
	return arena_fmt(mem, "%s:%llu",
			 files_name(mem, &s->corpus.source[source], file - files_first(s, source)),
			 (unsigned long long)line);
}
