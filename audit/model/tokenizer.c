#include "model/tokenizer_parts.h"

#include "base/map.h"
#include "base/out.h"

#define LARGEST_FILE ((size_t)512 << 20)

struct view tokenizer_spelling(const struct tokenizer *t, int32_t id)
{
	const struct added_token *a = added_find(&t->added, id);

	return a ? a->content : bpe_token(t->bpe, id);
}

/* ---- opening ---- */

static int check_version(const struct json *root, struct err *e)
{
	const struct json *version = json_find(root, "version");

	if (root->kind != JSON_OBJECT)
		return err_at(e, ERR_INPUT, json_pos(root), "a tokenizer.json has to be an object");
	if (json_is_null(version) || (version->kind == JSON_STRING && view_is(version->str, "1.0")))
		return 0;
	return err_at(e, ERR_INPUT, json_pos(version), "\"version\" has to be \"1.0\"");
}

static int open_model(struct tokenizer *t, const struct json *root, struct err *e)
{
	const struct json *model, *type;

	if (json_member(&model, root, "model", JSON_OBJECT, e) < 0)
		return -1;
	type = json_find(model, "type");
	/* files older than the key have vocabulary and merges only where they are BPE */
	if (json_is_null(type) ? !json_find(model, "merges") : type->kind != JSON_STRING)
		return err_at(e, ERR_INPUT, json_pos(model), "\"model\" has no \"type\"; BPE is supported");
	if (!json_is_null(type) && !view_is(type->str, "BPE"))
		return err_at(e, ERR_INPUT, json_pos(type),
			      "a tokenizer of type %.*s is not supported; BPE is",
			      (int)(type->str.n < 60 ? type->str.n : 60), type->str.p);
	return bpe_open(&t->bpe, model, e);
}

/* What each token stands for in running text, side by side. */
static void make_pieces(struct tokenizer *t)
{
	t->piece = arena_alloc(&t->mem, t->vocab + 1, sizeof(*t->piece));
	str_adds(&t->pieces, "");
	for (size_t i = 0; i < t->vocab; i++) {
		const struct added_token *a = added_find(&t->added, (int32_t)i);
		struct view token = bpe_token(t->bpe, (int32_t)i);

		t->piece[i] = (uint32_t)t->pieces.n;
		if (a)
			str_addv(&t->pieces, a->content);
		else if (token.p)
			decode_piece(&t->pieces, &t->decode, token);
	}
	t->piece[t->vocab] = (uint32_t)t->pieces.n;
}

static int read_parts(struct tokenizer *t, const struct json *root, struct err *e)
{
	if (check_version(root, e) < 0 || open_model(t, root, e) < 0 ||
	    normal_read(&t->normal, &t->mem, json_find(root, "normalizer"), e) < 0 ||
	    pretoken_read(&t->pretoken, &t->mem, json_find(root, "pre_tokenizer"), e) < 0 ||
	    decode_read(&t->decode, &t->mem, json_find(root, "decoder"), e) < 0)
		return -1;
	t->raw = t->pretoken.bytes && bpe_spells_bytes(t->bpe);
	if (bpe_ready(t->bpe, t->raw, e) < 0 ||
	    added_read(&t->added, &t->mem, json_find(root, "added_tokens"), t->bpe, &t->normal, e) < 0)
		return -1;
	t->vocab = t->added.n_ids;
	if (t->vocab == 0)
		return err_at(e, ERR_INPUT, json_pos(root), "the tokenizer has no token at all");
	if (post_read(&t->post, &t->mem, json_find(root, "post_processor"), t->vocab, e) < 0)
		return -1;
	make_pieces(t);
	return 0;
}

/* Errors without a place get the name of the file. */
static int named(const char *file, struct err *e)
{
	return e->line > 0 || e->code == ERR_IO ? -1 : err_wrap(e, "%s: ", file);
}

int tokenizer_parse(struct tokenizer **out, struct view text, const char *name, struct err *e)
{
	struct tokenizer *t = mem_alloc(1, sizeof(*t));
	struct arena scratch = ARENA_INIT;
	const struct json *root;
	int status = json_read(&root, &scratch, text, name, e);

	*out = NULL;
	if (status == 0 && read_parts(t, root, e) < 0)
		status = named(name, e);
	arena_release(&scratch);
	if (status < 0) {
		tokenizer_close(t);
		return -1;
	}
	*out = t;
	return 0;
}

static int read_config(struct tokenizer *t, struct arena *scratch, const char *file, struct err *e)
{
	const struct json *config;

	if (!path_is_file(file))
		return 0;
	if (json_read_file(&config, scratch, file, LARGEST_FILE, e) < 0)
		return -1;
	return post_read_config(&t->post, &t->mem, config, t, e) < 0 ? named(file, e) : 0;
}

/* A folder without tokenizer.json may hold older forms of one. */
static int folder_check(const char *dir, struct arena *mem, struct err *e)
{
	static const char *const older[] = { "tokenizer.model", "tekken.json", "vocab.json", "merges.txt" };

	if (path_is_file(arena_fmt(mem, "%s/tokenizer.json", dir)))
		return 0;
	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++)
		if (path_is_file(arena_fmt(mem, "%s/%s", dir, older[i])))
			return err_set(
				e, ERR_INPUT,
				"%s: no tokenizer.json; %s is not read (transformers' AutoTokenizer writes one with save_pretrained)",
				dir, older[i]);
	return err_set(e, ERR_INPUT, "%s: no tokenizer.json", dir);
}

int tokenizer_open(struct tokenizer **out, const char *path, struct err *e)
{
	struct arena scratch = ARENA_INIT;
	bool folder = path_is_dir(path);
	const char *file = folder ? arena_fmt(&scratch, "%s/tokenizer.json", path) : path;
	struct view text;
	int status = folder ? folder_check(path, &scratch, e) : 0;

	*out = NULL;
	if (status == 0)
		status = file_read(&text, &scratch, file, LARGEST_FILE, e);
	if (status == 0)
		status = tokenizer_parse(out, text, file, e);
	if (status == 0 && folder)
		status =
			read_config(*out, &scratch, arena_fmt(&scratch, "%s/tokenizer_config.json", path), e);
	if (status < 0) {
		tokenizer_close(*out);
		*out = NULL;
	}
	arena_release(&scratch);
	return status;
}

void tokenizer_close(struct tokenizer *t)
{
	if (!t)
		return;
	bpe_close(t->bpe);
	normal_release(&t->normal);
	pretoken_release(&t->pretoken);
	decode_release(&t->decode);
	str_release(&t->pieces);
	arena_release(&t->mem);
	mem_free(t);
}

/* ---- asking ---- */

size_t tokenizer_vocab(const struct tokenizer *t)
{
	return t->vocab;
}

int32_t tokenizer_find(const struct tokenizer *t, struct view token)
{
	int32_t id = added_id(&t->added, token);

	return id >= 0 ? id : bpe_find(t->bpe, token);
}

bool tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
	const struct added_token *a = added_find(&t->added, id);

	return a && a->special;
}

bool tokenizer_is_added(const struct tokenizer *t, int32_t id)
{
	return added_find(&t->added, id) != NULL;
}

int32_t tokenizer_unknown(const struct tokenizer *t)
{
	return t->bpe->unk;
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
	return post_bos(&t->post);
}

void tokenizer_surround(size_t *before, size_t *after, const struct tokenizer *t)
{
	*before = *after = 0;
	for (size_t i = 0; i < t->post.n; i++) {
		*before += t->post.step[i].n_before;
		*after += t->post.step[i].n_after;
	}
}

struct view tokenizer_piece(const struct tokenizer *t, int32_t id)
{
	if (id < 0 || (size_t)id >= t->vocab)
		return (struct view){ "", 0 };
	return (struct view){ t->pieces.p + t->piece[id], t->piece[id + 1] - t->piece[id] };
}
