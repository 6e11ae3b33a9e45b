#include "cmd.h"
#include "cmd_lines.h"
#include "base/out.h"
#include "base/str.h"
#include "model/chat.h"
#include "model/tokenizer.h"

#include <stdio.h>

enum { READ_BYTES = 1 << 16, TEXT_BYTES = 1 << 28 };

struct tokenize_opts {
	bool jsonl, chat, special;
};

static const struct field tokenize_fields[] = {
	{ .name = "jsonl",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct tokenize_opts, jsonl),
	  .fallback = "false",
	  .help = "read JSON Lines of {\"text\"} and answer each with a line of {\"ids\", \"ids_special\", "
		  "\"byte_spans\", \"exact_spans\", \"decoded\"}" },
	{ .name = "chat",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct tokenize_opts, chat),
	  .fallback = "false",
	  .help = "read JSON Lines of {\"messages\", \"add_generation_prompt\", \"extra\"} and answer each with a line "
		  "of {\"text\"}, by the chat template of the folder, or {\"error\"}" },
	{ .name = "special",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct tokenize_opts, special),
	  .fallback = "false",
	  .help = "put the special tokens around the text that the tokenizer asks for" },
	{ .name = NULL },
};

/* ---- JSON Lines ---- */

static void put_ids(struct str *out, const int32_t *id, size_t n, const char *between)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%d", i > 0 ? "," : between, (int)id[i]);
}

static void put_spans(struct str *out, const char *name, const uint32_t *start, const uint32_t *end, size_t n)
{
	str_addf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s[%u,%u]", i > 0 ? "," : "", start[i], end[i]);
	str_addc(out, ']');
}

/* The ids with the special tokens, which are those of the empty text, around them. */
static int put_special(struct str *out, struct arena *mem, const struct tokenizer *t,
		       const struct encoding *plain, struct err *e)
{
	struct encoding around;
	size_t before, after;

	tokenizer_surround(&before, &after, t);
	if (tokenizer_encode(&around, mem, t, VIEW(""), true, e) < 0)
		return -1;
	BUG_ON(around.n != before + after);
	str_adds(out, "],\"ids_special\":[");
	put_ids(out, around.id, before, "");
	put_ids(out, plain->id, plain->n, before > 0 ? "," : "");
	put_ids(out, around.id + before, after, before + plain->n > 0 ? "," : "");
	str_addc(out, ']');
	return 0;
}

static int answer(struct str *out, struct arena *mem, const struct tokenizer *t, struct view text,
		  struct err *e)
{
	struct json_out j = { .str = out, .compact = true };
	struct str decoded = STR_INIT;
	struct encoding plain;

	if (tokenizer_encode(&plain, mem, t, text, false, e) < 0)
		return -1;
	str_adds(out, "{\"ids\":[");
	put_ids(out, plain.id, plain.n, "");
	if (put_special(out, mem, t, &plain, e) < 0)
		return -1;
	put_spans(out, "byte_spans", plain.oracle_start, plain.oracle_end, plain.n);
	put_spans(out, "exact_spans", plain.start, plain.end, plain.n);
	str_adds(out, ",\"decoded\":");
	tokenizer_decode(&decoded, t, plain.id, plain.n, false);
	json_put_str(&j, NULL, decoded.n ? str_view(&decoded) : VIEW(""));
	str_release(&decoded);
	str_adds(out, "}\n");
	return 0;
}

static int tokenize_lines(const struct tokenizer *t, struct err *e)
{
	struct lines lines = LINES_INIT;
	struct arena mem = ARENA_INIT;
	struct str out = STR_INIT;
	const struct json *line;
	struct view text;
	int got;

	while ((got = lines_next_json(&line, &lines, &mem, e)) == 1) {
		if (json_str(&text, line, "text", e) < 0 || answer(&out, &mem, t, text, e) < 0) {
			if (e->line == 0)
				err_wrap(e, "standard input: line %zu: ", lines.number);
			e->line = e->line > 0 ? (unsigned)lines.number : 0;
			got = -1;
			break;
		}
		print_json(&out);
		arena_release(&mem);
	}
	arena_release(&mem);
	str_release(&out);
	lines_release(&lines);
	return got;
}

/* ---- chats ---- */

/* What the line asks for; `now` in "extra" is the date of strftime_now, the rest are variables. */
static int read_chat(const struct json **messages, struct chat_opts *o, struct arena *mem,
		     const struct json *line, struct err *e)
{
	const struct json *extra = json_find(line, "extra"), *now = json_find(extra, "now");

	*o = (struct chat_opts){ .add_generation_prompt = false };
	if (json_member(messages, line, "messages", JSON_ARRAY, e) < 0)
		return -1;
	if (!json_is_null(json_find(line, "add_generation_prompt")) &&
	    json_bool(&o->add_generation_prompt, line, "add_generation_prompt", e) < 0)
		return -1;
	if (json_is_null(extra))
		return 0;
	if (json_member(&o->extra, line, "extra", JSON_OBJECT, e) < 0)
		return -1;
	if (now && now->kind == JSON_STRING)
		o->now = arena_strdup(mem, now->str.p, now->str.n);
	return 0;
}

static int answer_chat(struct arena *mem, const struct chat_template *t, const struct json *line,
		       struct err *e)
{
	struct str out = STR_INIT;
	struct json_out j = { .str = &out, .compact = true };
	struct err raised = ERR_INIT;
	const struct json *messages;
	struct chat_text text;
	struct chat_opts o;

	if (read_chat(&messages, &o, mem, line, e) < 0)
		return -1;
	json_open(&j, NULL, '{');
	if (chat_render(&text, mem, t, messages, &o, &raised) == 0)
		json_put_str(&j, "text", text.text.n ? text.text : VIEW(""));
	else
		json_puts(&j, "error", raised.msg);
	json_close(&j, '}');
	str_addc(&out, '\n');
	print_json(&out);
	return 0;
}

static int tokenize_chats(const char *dir, struct err *e)
{
	struct lines lines = LINES_INIT;
	struct arena mem = ARENA_INIT;
	struct chat_template *t;
	const struct json *line;
	int got;

	if (!path_is_dir(dir))
		return err_set(e, ERR_INPUT, "%s: chats need a model folder, for its chat template", dir);
	if (chat_open(&t, dir, e) < 0)
		return -1;
	while ((got = lines_next_json(&line, &lines, &mem, e)) == 1) {
		if (answer_chat(&mem, t, line, e) < 0) {
			got = -1;
			break;
		}
		arena_release(&mem);
	}
	if (got < 0 && e->line > 0)
		e->line = (unsigned)lines.number;
	arena_release(&mem);
	lines_release(&lines);
	chat_close(t);
	return got;
}

/* ---- plain text ---- */

static int read_text(struct str *text, struct err *e)
{
	char part[READ_BYTES];
	size_t n;

	str_adds(text, "");
	while ((n = fread(part, 1, sizeof(part), stdin)) > 0) {
		if (text->n + n > TEXT_BYTES)
			return err_set(e, ERR_INPUT,
				       "standard input: more than %d bytes of text; cut it into lines "
				       "and use --jsonl",
				       TEXT_BYTES);
		str_add(text, part, n);
	}
	return ferror(stdin) ? err_sys(e, "read", "standard input") : 0;
}

/* The piece as JSON would write it, so that a line stays a line. */
static void print_token(struct str *line, const struct tokenizer *t, const struct encoding *c, size_t i)
{
	struct json_out j = { .str = line, .compact = true };

	str_addf(line, "%d\t%u\t%u\t", (int)c->id[i], c->start[i], c->end[i]);
	json_put_str(&j, NULL, tokenizer_piece(t, c->id[i]));
	str_addc(line, '\n');
	print_json(line);
}

static int tokenize_text(const struct tokenizer *t, bool special, struct err *e)
{
	struct str text = STR_INIT, line = STR_INIT;
	struct arena mem = ARENA_INIT;
	struct encoding c;
	int status = read_text(&text, e);

	if (status == 0)
		status = tokenizer_encode(&c, &mem, t, str_view(&text), special, e);
	for (size_t i = 0; status == 0 && i < c.n; i++)
		print_token(&line, t, &c, i);
	str_release(&text);
	str_release(&line);
	arena_release(&mem);
	return status;
}

static int run_tokenize(const struct call *c, struct err *e)
{
	const struct tokenize_opts *o = c->opts;
	const char *path = c->operand[0];
	struct tokenizer *t;
	int status;

	if (o->chat)
		return o->jsonl ? err_set(e, ERR_USAGE,
					  "--jsonl and --chat read different lines; use one of them")
				: tokenize_chats(path, e);
	/* ids_special are those of the post-processor, whatever a tokenizer_config.json adds to them */
	if (o->jsonl && path_is_dir(path))
		path = arena_fmt(c->mem, "%s/tokenizer.json", path);
	if (tokenizer_open(&t, path, e) < 0)
		return -1;
	status = o->jsonl ? tokenize_lines(t, e) : tokenize_text(t, o->special, e);
	tokenizer_close(t);
	return status;
}

const struct cmd cmd_tokenize = {
	.name = "tokenize",
	.operands = "PATH",
	.summary = "text on standard input to token ids and byte spans",
	.about =
		"PATH is a model folder or a tokenizer.json. Text on standard input becomes a line for each token: "
		"its id, where it begins and ends in bytes of the text, and what it stands for, as JSON, parted by "
		"tabs.\n"
		"With --jsonl every line of standard input is answered by a line. exact_spans follow one another "
		"without gaps; byte_spans are those Hugging Face tokenizers reports. ids_special has the tokens that the "
		"post-processor of tokenizer.json puts around a text; --special also those a "
		"tokenizer_config.json asks for.",
	.min = 1,
	.max = 1,
	.opts = tokenize_fields,
	.opts_bytes = sizeof(struct tokenize_opts),
	.run = run_tokenize,
};
