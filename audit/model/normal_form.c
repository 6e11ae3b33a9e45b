#include "base/sort.h"
#include "base/unicode.h"
#include "model/normal.h"
#include "model/tokenizer_read.h"
#include "model/unicode_class.h"

/*
 * Normalization forms with an account of where every character comes from.
 *
 * A piece is worked through in stretches that no rule reaches across: a
 * character that neither combines nor composes with what stands before it, and
 * all that follow up to the next such.  A stretch that comes out as it was
 * stands for itself byte by byte; a changed one is a cluster, and each of its
 * bytes stands for all of it.
 *
 * The reference tracks changes by a number a character: 0 takes the place of
 * one, +1 is new, -k takes the place of k + 1.  That is followed here, to give
 * the same offsets, marks that were reordered or composed away included.
 *
 * The reference stands at Unicode 9.0: what later versions gave a mapping or a
 * combining class is inert.
 */

struct form_char {
	uint32_t cp;
	int change;
	unsigned class;
};

struct form {
	struct form_char *in; /* decomposed and in canonical order */
	size_t n, cap;
	struct form_char *out;
	size_t n_out, cap_out;
	struct str text;
	bool compose, compat;
};

static unsigned class_of(uint32_t cp)
{
	return cp < 0x300 || unicode_is_young(cp) ? 0 : unicode_combining(cp);
}

static size_t decompose(uint32_t out[UNICODE_DECOMPOSED], uint32_t cp, bool compat)
{
	if (cp >= 0x80 && !unicode_is_young(cp))
		return unicode_decompose(out, cp, compat);
	out[0] = cp;
	return 1;
}

static bool compose(uint32_t *out, uint32_t a, uint32_t b)
{
	return b >= 0x300 && unicode_compose(out, a, b) && !unicode_is_young(*out);
}

/* Nothing before the character has to do with it. */
static bool begins(uint32_t cp, bool compat)
{
	uint32_t part[UNICODE_DECOMPOSED];

	if (cp < 0x300 || (cp >= 0xac00 && cp <= 0xd7a3))
		return true;
	decompose(part, cp, compat);
	return class_of(part[0]) == 0 && !unicode_is_second(part[0]);
}

/* The character alone is its own form. */
static bool stands(uint32_t cp, const struct form *f)
{
	uint32_t part[UNICODE_DECOMPOSED];

	if (cp < 0x80)
		return true;
	if (f->compose && !f->compat && (cp < 0x300 || (cp >= 0xac00 && cp <= 0xd7a3)))
		return true;
	return decompose(part, cp, f->compat) == 1 && part[0] == cp;
}

static void add_decomposed(struct form *f, uint32_t cp)
{
	uint32_t part[UNICODE_DECOMPOSED];
	size_t n = decompose(part, cp, f->compat);

	f->in = mem_grow(f->in, &f->cap, f->n + n, sizeof(*f->in));
	for (size_t i = 0; i < n; i++)
		f->in[f->n++] = (struct form_char){ part[i], i > 0, class_of(part[i]) };
}

static int order_of(const void *a, const void *b, void *ud)
{
	unsigned x = ((const struct form_char *)a)->class, y = ((const struct form_char *)b)->class;

	(void)ud;
	return x < y ? -1 : x > y;
}

/* Canonical order: each run of marks sorted by class, stably. */
static void order(struct form *f)
{
	f->out = mem_grow(f->out, &f->cap_out, f->n + 1, sizeof(*f->out));
	for (size_t i = 0, end; i < f->n; i = end) {
		for (end = i; end < f->n && f->in[end].class > 0;)
			end++;
		if (end - i > 1)
			sort_stable(f->in + i, end - i, sizeof(*f->in), order_of, NULL);
		end += end == i;
	}
}

/* As the reference composes: into the last starter, past marks of lower class. */
static void recompose(struct form *f)
{
	size_t starter = SIZE_MAX;
	unsigned last = 0; /* the class of the mark before, kept and not composed; 0: none */

	f->n_out = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct form_char c = f->in[i];
		uint32_t cp;

		if (starter != SIZE_MAX && (last == 0 || last < c.class) &&
		    compose(&cp, f->out[starter].cp, c.cp)) {
			f->out[starter].cp = cp;
			f->out[starter].change += c.change - 1;
			continue;
		}
		if (c.class == 0) {
			starter = f->n_out;
			last = 0;
		} else if (starter != SIZE_MAX) {
			last = c.class;
		}
		f->out[f->n_out++] = c;
	}
}

static void copy_in(struct form *f)
{
	f->n_out = f->n;
	for (size_t i = 0; i < f->n; i++)
		f->out[i] = f->in[i];
}

/* Writes what became of [start, end); `first` is where the piece begins. */
static void put_stretch(struct passage *p, struct form *f, size_t first, size_t start, size_t end)
{
	struct origin whole = passage_origin(p, start), at, ref;
	size_t byte = start, n;
	char utf8[4];
	bool same;

	str_clear(&f->text);
	for (size_t i = 0; i < f->n_out; i++)
		str_add(&f->text, utf8, utf8_encode(utf8, f->out[i].cp));
	same = view_eq(str_view(&f->text), (struct view){ p->text.p + start, end - start });
	whole.end = passage_origin(p, end - 1).end;
	for (size_t i = 0, to = start; i < f->n_out; i++) {
		if (f->out[i].change <= 0) {
			ref = passage_origin(p, byte);
		} else if (byte > first) {
			ref = passage_origin(p, byte - 1);
		} else {
			ref = passage_origin(p, first);
			ref.ref_end = ref.ref_start;
		}
		for (int k = f->out[i].change; k <= 0 && byte < end; k++)
			byte = character_after(p->text, byte);
		n = utf8_encode(utf8, f->out[i].cp);
		for (size_t k = 0; k < n; k++) {
			at = same ? passage_origin(p, to++) : whole;
			at.ref_start = ref.ref_start;
			at.ref_end = ref.ref_end;
			passage_put(p, (struct view){ utf8 + k, 1 }, at);
		}
	}
}

static void form_stretch(struct passage *p, struct form *f, size_t first, size_t start, size_t end)
{
	f->n = 0;
	for (size_t i = start; i < end;) {
		uint32_t cp;
		size_t n = utf8_decode(&cp, p->text.p + i, end - i);

		BUG_ON(n == 0);
		add_decomposed(f, cp);
		i += n;
	}
	order(f);
	if (f->compose)
		recompose(f);
	else
		copy_in(f);
	put_stretch(p, f, first, start, end);
}

static void form_piece(struct passage *p, struct form *f, const struct piece *piece)
{
	size_t start = piece->start, kept = start, next;
	uint32_t cp, after;

	while (start < piece->end) {
		size_t end = start + utf8_decode(&cp, p->text.p + start, piece->end - start);
		bool alone = stands(cp, f);

		BUG_ON(end == start);
		while (end < piece->end) {
			next = end + utf8_decode(&after, p->text.p + end, piece->end - end);
			if (begins(after, f->compat))
				break;
			alone = false;
			end = next;
		}
		if (!alone) {
			passage_keep(p, kept, start);
			form_stretch(p, f, piece->start, start, end);
			kept = end;
		}
		start = end;
	}
	passage_keep(p, kept, piece->end);
}

/* Every character of the piece stands alone and for itself, as in most text there is. */
static bool stands_whole(const struct passage *p, const struct form *f, const struct piece *piece)
{
	uint32_t cp;

	for (size_t i = piece->start, n; i < piece->end; i += n) {
		if ((uint8_t)p->text.p[i] < 0x80) {
			n = 1;
			continue;
		}
		n = utf8_decode(&cp, p->text.p + i, piece->end - i);
		BUG_ON(n == 0);
		if (!stands(cp, f) || (i > piece->start && !begins(cp, f->compat)))
			return false;
	}
	return true;
}

void normal_form(struct passage *p, bool compose_too, bool compat)
{
	struct form f = { .compose = compose_too, .compat = compat };
	bool whole = true;

	for (size_t i = 0; i < p->n && whole; i++)
		whole = p->piece[i].id >= 0 || stands_whole(p, &f, &p->piece[i]);
	if (whole)
		return;
	passage_rewrite(p);
	for (size_t i = 0; i < p->n; i++) {
		size_t start = passage_written(p);

		if (p->piece[i].id >= 0)
			passage_keep(p, p->piece[i].start, p->piece[i].end);
		else
			form_piece(p, &f, &p->piece[i]);
		passage_end_piece(p, start, p->piece[i].id);
	}
	passage_take_rewritten(p);
	mem_free(f.in);
	mem_free(f.out);
	str_release(&f.text);
}
