#include "flow/source.h"

#include "base/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Any bytes as the file of a source; the first says of which kind and form.  Refused with file and line, or read to items
 * that are NFC, stand in order, and written as JSON Lines come back the same.
 */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct world {
	struct arena mem;
	struct spec spec;
	struct spec_source source;
	const char *file;
	char path[40];
};

/* A file that is gone with the process's folder of temporary ones; written anew each time. */
static void put(struct world *w, const void *p, size_t n)
{
	FILE *f;

	snprintf(w->path, sizeof(w->path), "/tmp/fuzz-source-%ld", (long)getpid());
	f = fopen(w->path, "wb");
	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		abort();
	w->file = w->path;
	w->source.path = w->path;
	w->source.file = &w->file;
	w->source.n_files = 1;
	w->spec.corpus.source = &w->source;
	w->spec.corpus.n_sources = 1;
}

static int read_all(struct item **item, size_t *n, struct world *w, struct err *e)
{
	int rc = source_read(item, n, &w->mem, &w->spec, 0, e);

	if (rc < 0 && (e->code != ERR_INPUT || e->msg[0] == '\0' ||
		       (strstr(e->msg, w->path) == NULL && strcmp(e->file, w->path) != 0)))
		abort();
	return rc;
}

static void check_text(struct view v)
{
	struct str again = STR_INIT;
	struct err e = ERR_INIT;

	if (utf8_valid(v.p, v.n) != v.n || utf8_nfc(&again, v, &e) < 0 || !view_eq(v, str_view(&again)))
		abort();
	str_release(&again);
}

/* As JSON Lines of the same kind. */
static void write_again(struct str *out, const struct item *item, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct json_out j = JSON_TO_STR(out);

		j.compact = true;
		json_open(&j, NULL, '{');
		if (item[i].messages != NULL)
			json_put(&j, "messages", item[i].messages);
		else
			json_put_str(&j, "text", item[i].text);
		json_close(&j, '}');
		str_addc(out, '\n');
	}
}

static void check_items(const struct item *item, size_t n, const struct world *w)
{
	for (size_t i = 0; i < n; i++) {
		if (item[i].line == 0 || (i > 0 && item[i].line <= item[i - 1].line) ||
		    (i > 0 && item[i].offset <= item[i - 1].offset))
			abort();
		if ((item[i].messages != NULL) != (w->source.kind == SOURCE_CHATS))
			abort();
		for (const struct json *m = item[i].messages != NULL ? item[i].messages->first : NULL;
		     m != NULL; m = m->next)
			check_text(json_find(m, "content")->str);
		check_text(item[i].messages != NULL ? VIEW("") : item[i].text);
	}
}

static bool alike(const struct item *a, const struct item *b)
{
	struct str x = STR_INIT, y = STR_INIT;
	bool same;

	write_again(&x, a, 1);
	write_again(&y, b, 1);
	same = view_eq(str_view(&x), str_view(&y));
	str_release(&x);
	str_release(&y);
	return same;
}

static void come_back(const struct item *item, size_t n, const struct world *first)
{
	struct world w = { .source = { .kind = first->source.kind, .form = FORM_JSONL } };
	struct str text = STR_INIT;
	struct err e = ERR_INIT;
	struct item *again;
	size_t n_again;

	w.source.field = first->source.kind == SOURCE_CHATS ? "messages" : "text";
	write_again(&text, item, n);
	put(&w, text.p, text.n);
	if (read_all(&again, &n_again, &w, &e) < 0 || n_again != n)
		abort();
	for (size_t i = 0; i < n; i++)
		if (!alike(&item[i], &again[i]))
			abort();
	str_release(&text);
	arena_release(&w.mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const enum source_form form[] = { FORM_JSONL, FORM_LINES, FORM_FILE, FORM_SEPARATED };
	struct world w = { .source = { .separator = "---" } };
	struct err e = ERR_INIT;
	struct item *item;
	size_t found, n_items;
	uint8_t how = n > 0 ? p[0] : 0;

	if (n == 0)
		return 0;
	w.source.form = form[how % 4];
	w.source.kind = w.source.form == FORM_JSONL && how & 4 ? SOURCE_CHATS : SOURCE_DOCUMENTS;
	w.source.field = w.source.kind == SOURCE_CHATS ? "messages" : "text";
	w.source.replace = how & 8;
	w.source.limit = how & 16 ? 2 : 0;
	put(&w, p + 1, n - 1);
	if (read_all(&item, &n_items, &w, &e) == 0) {
		if (source_count(&found, &w.source, &e) < 0 || n_items == 0 ||
		    n_items != (w.source.limit > 0 && found > 2 ? 2 : found))
			abort();
		check_items(item, n_items, &w);
		come_back(item, n_items, &w);
	}
	arena_release(&w.mem);
	unlink(w.path);
	return 0;
}
