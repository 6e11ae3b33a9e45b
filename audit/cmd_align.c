#include "cmd.h"
#include "cmd_lines.h"
#include "base/unicode.h"
#include "model/tokenizer.h"
#include "store/align.h"

struct align_opts {
	bool greedy;
	size_t window;
};

static const struct field align_fields[] = {
	{ .name = "greedy",
	  .kind = FIELD_BOOL,
	  .offset = offsetof(struct align_opts, greedy),
	  .fallback = "false",
	  .help = "pair by Algorithm 1 of arXiv 2602.11729 instead of by offsets" },
	{ .name = "window",
	  .kind = FIELD_SIZE,
	  .offset = offsetof(struct align_opts, window),
	  .lo = 0,
	  .hi = 1e6,
	  .fallback = "16",
	  .help = "with --greedy: tokens a window may grow to; 0: no limit" },
	{ .name = NULL },
};

/* One text as one tokenizer reads it. */
struct reading {
	const struct tokenizer *tokenizer;
	struct encoding enc;
	bool *content;
};

/* White space pairs with nothing; part of a character does. */
static bool is_blank(struct view v)
{
	for (size_t i = 0, n; i < v.n; i += n) {
		uint32_t cp;

		n = utf8_decode(&cp, v.p + i, v.n - i);
		if (n == 0 || !unicode_is_space(cp))
			return false;
	}
	return true;
}

static int read_side(struct reading *r, struct arena *mem, struct view text, struct err *e)
{
	if (tokenizer_encode(&r->enc, mem, r->tokenizer, text, false, e) < 0)
		return -1;
	r->content = ARENA_ARRAY(mem, r->enc.n + 1, bool);
	for (size_t i = 0; i < r->enc.n; i++) {
		struct view v = { text.p + r->enc.start[i], r->enc.end[i] - r->enc.start[i] };

		r->content[i] = !tokenizer_is_special(r->tokenizer, r->enc.id[i]) && !is_blank(v);
	}
	return 0;
}

static struct view piece(const void *ud, size_t i)
{
	const struct reading *r = ud;

	if (tokenizer_is_special(r->tokenizer, r->enc.id[i]))
		return VIEW("");
	return tokenizer_piece(r->tokenizer, r->enc.id[i]);
}

static struct align_side side_of(const struct reading *r)
{
	return (struct align_side){ .end = r->enc.end, .content = r->content, .n = r->enc.n };
}

static void print_pairs(const struct pair *pair, size_t n)
{
	struct str text = STR_INIT;
	struct json_out j = { .str = &text, .compact = true };

	json_open(&j, NULL, '{');
	json_open(&j, "pairs", '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&j, NULL, '[');
		json_put_size(&j, NULL, pair[i].a);
		json_put_size(&j, NULL, pair[i].b);
		json_close(&j, ']');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	str_addc(&text, '\n');
	print_json(&text);
}

static int align_line(const struct json *line, struct arena *mem, struct reading side[2],
		      const struct align_opts *o, struct err *e)
{
	struct align_side a, b;
	struct greedy g;
	struct view text;

	if (json_str(&text, line, "text", e) < 0)
		return -1;
	if (text.n > UINT32_MAX)
		return err_set(e, ERR_INPUT, "a text of %zu bytes; at most %u are taken", text.n, UINT32_MAX);
	for (size_t k = 0; k < 2; k++)
		if (read_side(&side[k], mem, text, e) < 0)
			return -1;
	a = side_of(&side[0]);
	b = side_of(&side[1]);
	if (o->greedy)
		align_greedy(&g, mem, &(struct greedy_side){ a, piece, &side[0] },
			     &(struct greedy_side){ b, piece, &side[1] }, o->window);
	else
		g.n = align_pairs(&g.pair, mem, &a, &b);
	print_pairs(g.pair, g.n);
	return 0;
}

static int align_lines(struct tokenizer *const tokenizer[2], const struct align_opts *o, struct err *e)
{
	struct reading side[2] = { { .tokenizer = tokenizer[0] }, { .tokenizer = tokenizer[1] } };
	struct lines lines = LINES_INIT;
	int rc;

	do {
		struct arena mem = ARENA_INIT;
		const struct json *line;

		rc = lines_next_json(&line, &lines, &mem, e);
		if (rc > 0 && align_line(line, &mem, side, o, e) < 0) {
			lines_blame(&lines, e);
			rc = -1;
		}
		arena_release(&mem);
	} while (rc > 0);
	lines_release(&lines);
	return rc;
}

static int run_align(const struct call *c, struct err *e)
{
	struct tokenizer *tokenizer[2] = { NULL, NULL };
	int rc = -1;

	if (tokenizer_open(&tokenizer[0], c->operand[0], e) == 0 &&
	    tokenizer_open(&tokenizer[1], c->operand[1], e) == 0)
		rc = align_lines(tokenizer, c->opts, e);
	tokenizer_close(tokenizer[0]);
	tokenizer_close(tokenizer[1]);
	return rc;
}

const struct cmd cmd_align = {
	.name = "align",
	.operands = "PATH_A PATH_B",
	.summary = "pair the tokens of two tokenizers",
	.about =
		"Reads JSON Lines {\"text\"} on standard input and prints for each a line {\"pairs\": [[ia, ib], ...]}: the "
		"tokens, counted from 0 and without special tokens added, that end at the same byte. PATH_A and PATH_B are "
		"model folders or tokenizer.json files.",
	.min = 2,
	.max = 2,
	.opts = align_fields,
	.opts_bytes = sizeof(struct align_opts),
	.run = run_align,
};
