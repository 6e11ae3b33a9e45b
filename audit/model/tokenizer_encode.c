#include "base/unicode.h"
#include "model/tokenizer_parts.h"
#include "model/tokenizer_read.h"

#include <string.h>

#define LONGEST_TEXT ((size_t)1 << 30)

/* A token on its way out: bytes of the passage, then of the original. */
struct found {
	int32_t id;
	bool added, special; /* an added token of the text; one that a post-processor put there */
	uint32_t start, end; /* in the passage */
	struct origin at;
};

struct encode {
	const struct tokenizer *t;
	struct view text;
	struct passage passage;
	struct bpe_work bpe;
	struct found *found;
	size_t n, cap;
};

/* ---- from pieces to tokens ---- */

static struct found *add_found(struct encode *c, int32_t id)
{
	c->found = mem_grow(c->found, &c->cap, c->n + 1, sizeof(*c->found));
	c->found[c->n] = (struct found){ .id = id };
	return &c->found[c->n++];
}

/* Where [start, end) of the passage comes from: exactly, and as the reference has it. */
static struct origin origin_of(const struct passage *p, size_t start, size_t end)
{
	struct origin first, last;

	if (start == end) {
		first = p->text.n == 0 ? (struct origin){ 0, 0, 0, 0 }
				       : passage_origin(p, start < p->text.n ? start : start - 1);
		if (start == p->text.n)
			return (struct origin){ first.end, first.end, first.ref_end, first.ref_end };
		return (struct origin){ first.start, first.start, first.ref_start, first.ref_start };
	}
	first = passage_origin(p, start);
	last = passage_origin(p, end - 1);
	return (struct origin){ first.start, last.end, first.ref_start, last.ref_end };
}

static void add_word(struct encode *c, const struct piece *piece)
{
	const struct passage *p = &c->passage;
	uint32_t counted = piece->start;

	bpe_encode(&c->bpe, c->t->bpe, passage_view(p, piece));
	for (size_t i = 0; i < c->bpe.n; i++) {
		const struct bpe_symbol *s = &c->bpe.symbol[i];
		struct found *f = add_found(c, s->id);
		struct origin ref;

		f->start = piece->start + s->start;
		f->end = piece->start + s->end;
		f->at = origin_of(p, f->start, f->end);
		/* the reference adds lengths up; with nothing dropped that is the same place */
		if (counted != f->start || counted + s->length != f->end) {
			ref = origin_of(p, counted, counted + s->length);
			f->at.ref_start = ref.ref_start;
			f->at.ref_end = ref.ref_end;
		}
		counted += s->length;
	}
}

static void add_added(struct encode *c, const struct piece *piece)
{
	struct found *f = add_found(c, piece->id);

	f->added = true;
	f->start = piece->start;
	f->end = piece->end;
	f->at = origin_of(&c->passage, piece->start, piece->end);
}

/* ---- post-processing ---- */

static size_t step_forward(struct view text, size_t at, size_t most)
{
	for (; most > 0 && at < text.n; most--)
		at = character_after(text, at);
	return at;
}

/* `chars` characters back from `at`; false where there are not so many. */
static bool step_back(struct view text, size_t *at, size_t chars)
{
	size_t to = *at;

	for (; chars > 0 && to > 0; chars--)
		to = character_before(text, to);
	if (chars == 0)
		*at = to;
	return chars == 0;
}

/* Blanks at the begin and the end of a token as the reference spells it: U+0120 is one. */
static void count_blanks(struct view token, size_t *leading, size_t *trailing)
{
	size_t run = 0, n;
	bool only = true;
	uint32_t cp;

	*leading = 0;
	for (size_t i = 0; i < token.n; i += n) {
		n = utf8_decode(&cp, token.p + i, token.n - i);
		BUG_ON(n == 0);
		run = cp == 0x120 || unicode_is_space(cp) ? run + 1 : 0;
		only = only && run > 0;
		*leading += only;
	}
	*trailing = run;
}

static void trim(struct encode *c, const struct post_step *step)
{
	for (size_t i = 0; i < c->n; i++) {
		struct found *f = &c->found[i];
		struct view token = tokenizer_spelling(c->t, f->id);
		size_t leading, trailing, start = f->at.ref_start, end = f->at.ref_end, at;

		if (f->added)
			token = (struct view){ c->passage.text.p + f->start, f->end - f->start };
		count_blanks(token, &leading, &trailing);
		if (leading == 1 && step->prefix && (i == 0 || start == 0))
			leading = 0;
		start = step_forward(c->text, start, leading);
		start = start < end ? start : end;
		at = end;
		if (step_back(c->text, &at, trailing))
			end = at > start ? at : start;
		f->at.ref_start = (uint32_t)start;
		f->at.ref_end = (uint32_t)end;
	}
}

static void surround(struct encode *c, const struct post_step *s)
{
	size_t n = c->n;
	struct found *f;

	for (size_t i = 0; i < s->n_before + s->n_after; i++)
		add_found(c, 0);
	memmove(c->found + s->n_before, c->found, n * sizeof(*c->found));
	for (size_t i = 0; i < s->n_before; i++)
		c->found[i] = (struct found){ .id = s->before[i], .special = true };
	for (size_t i = 0; i < s->n_after; i++) {
		f = &c->found[s->n_before + n + i];
		*f = (struct found){ .id = s->after[i], .special = true };
		f->at.start = f->at.end = (uint32_t)c->text.n;
	}
}

static void post_process(struct encode *c, bool special)
{
	const struct post *post = &c->t->post;

	for (size_t i = 0; i < post->n; i++) {
		if (post->step[i].kind == POST_TRIM)
			trim(c, &post->step[i]);
		else if (special)
			surround(c, &post->step[i]);
	}
}

/* Added tokens can overlap, and an unknown stretch can come out behind bytes that follow it: in such a text each
 * byte goes to the first token that has it. */
static void part_overlaps(struct encode *c)
{
	uint32_t at = 0;
	size_t k = 1;

	while (k < c->n && c->found[k].start >= c->found[k - 1].end)
		k++;
	if (k >= c->n)
		return;
	for (size_t i = 0; i < c->n; i++) {
		struct origin *o = &c->found[i].at;

		o->start = o->start > at ? o->start : at;
		o->end = o->end > o->start ? o->end : o->start;
		at = o->end;
	}
}

/* ---- the whole ---- */

static void store(struct encoding *out, struct arena *mem, const struct encode *c)
{
	*out = (struct encoding){ .n = c->n };
	out->id = ARENA_ARRAY(mem, c->n, int32_t);
	out->start = ARENA_ARRAY(mem, c->n, uint32_t);
	out->end = ARENA_ARRAY(mem, c->n, uint32_t);
	out->oracle_start = ARENA_ARRAY(mem, c->n, uint32_t);
	out->oracle_end = ARENA_ARRAY(mem, c->n, uint32_t);
	for (size_t i = 0; i < c->n; i++) {
		out->id[i] = c->found[i].id;
		out->start[i] = c->found[i].at.start;
		out->end[i] = c->found[i].at.end;
		out->oracle_start[i] = c->found[i].at.ref_start;
		out->oracle_end[i] = c->found[i].at.ref_end;
	}
}

static int cut(struct encode *c, struct arena *scratch, struct err *e)
{
	const struct tokenizer *t = c->t;
	struct passage *p = &c->passage;
	struct pretoken_work work;
	int status;

	passage_begin(p, c->text);
	added_cut(&t->added, &t->added.plain, p);
	if (normal_apply(&t->normal, p, e) < 0)
		return -1;
	added_cut(&t->added, &t->added.normalized, p);
	pretoken_work_init(&work, scratch, &t->pretoken);
	status = pretoken_apply(&t->pretoken, &work, p, t->raw, e);
	pretoken_work_release(&work);
	return status;
}

static int encode(struct encoding *out, struct arena *mem, struct encode *c, bool special, struct err *e)
{
	struct view text = c->text;
	struct arena scratch = ARENA_INIT;
	size_t valid = utf8_valid(text.p, text.n);
	int status;

	*out = (struct encoding){ .n = 0 };
	if (valid < text.n)
		return err_set(e, ERR_INPUT, "byte %zu (0x%02x) of a text is not valid UTF-8", valid,
			       (unsigned)(uint8_t)text.p[valid]);
	if (text.n > LONGEST_TEXT)
		return err_set(e, ERR_INPUT, "a text of %zu bytes; %zu are the most", text.n, LONGEST_TEXT);
	status = cut(c, &scratch, e);
	for (size_t i = 0; i < c->passage.n && status == 0; i++) {
		const struct piece *piece = &c->passage.piece[i];

		if (piece->id >= 0)
			add_added(c, piece);
		else
			add_word(c, piece);
	}
	if (status == 0) {
		part_overlaps(c);
		post_process(c, special);
		store(out, mem, c);
	}
	passage_release(&c->passage);
	bpe_work_release(&c->bpe);
	mem_free(c->found);
	arena_release(&scratch);
	return status;
}

int tokenizer_encode(struct encoding *out, struct arena *mem, const struct tokenizer *t, struct view text,
		     bool special, struct err *e)
{
	struct encode c = { .t = t, .text = text };

	return encode(out, mem, &c, special, e);
}

int tokenizer_encode_after(struct encoding *out, struct arena *mem, const struct tokenizer *t,
			   struct view text, struct err *e)
{
	struct encode c = { .t = t, .text = text, .passage.continues = true };

	return encode(out, mem, &c, false, e);
}
