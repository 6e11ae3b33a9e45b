#include "model/bpe.h"
#include "model/normal.h"
#include "model/tokenizer_read.h"

#include <string.h>

void passage_begin(struct passage *p, struct view original)
{
	p->text = original;
	p->at = NULL;
	p->n = p->n_next = 0;
	passage_cut(p, 0, original.n, -1);
	passage_take_cuts(p);
}

void passage_release(struct passage *p)
{
	mem_free(p->piece);
	mem_free(p->next);
	for (unsigned i = 0; i < 2; i++) {
		str_release(&p->bytes[i]);
		mem_free(p->origin[i]);
	}
	*p = (struct passage){ .at = NULL };
}

struct view passage_view(const struct passage *p, const struct piece *piece)
{
	return (struct view){ p->text.p + piece->start, piece->end - piece->start };
}

struct origin passage_origin(const struct passage *p, size_t byte)
{
	size_t start, end;

	if (p->at)
		return p->at[byte];
	start = character_before(p->text, byte + 1);
	end = character_after(p->text, byte);
	return (struct origin){ (uint32_t)byte, (uint32_t)byte + 1, (uint32_t)start, (uint32_t)end };
}

/* ---- cutting ---- */

void passage_cut(struct passage *p, size_t start, size_t end, int32_t id)
{
	if (start == end && id < 0)
		return;
	p->next = mem_grow(p->next, &p->cap_next, p->n_next + 1, sizeof(*p->next));
	p->next[p->n_next++] = (struct piece){ (uint32_t)start, (uint32_t)end, id };
}

void passage_take_cuts(struct passage *p)
{
	struct piece *piece = p->piece;
	size_t cap = p->cap;

	p->piece = p->next;
	p->n = p->n_next;
	p->cap = p->cap_next;
	p->next = piece;
	p->cap_next = cap;
	p->n_next = 0;
}

/* ---- rewriting ---- */

void passage_rewrite(struct passage *p)
{
	p->side ^= 1;
	str_clear(&p->bytes[p->side]);
	str_adds(&p->bytes[p->side], "");
	p->n_next = 0;
}

static struct origin *add_bytes(struct passage *p, const char *bytes, size_t n)
{
	struct str *s = &p->bytes[p->side];
	size_t from = s->n;

	str_add(s, bytes, n);
	p->origin[p->side] =
		mem_grow(p->origin[p->side], &p->cap_origin[p->side], s->n, sizeof(struct origin));
	return p->origin[p->side] + from;
}

void passage_keep(struct passage *p, size_t start, size_t end)
{
	struct origin *to;

	if (start == end)
		return;
	to = add_bytes(p, p->text.p + start, end - start);
	if (p->at) {
		memcpy(to, p->at + start, (end - start) * sizeof(*to));
		return;
	}
	for (size_t i = start, next; i < end; i = next) {
		next = character_after(p->text, i);
		for (size_t k = i; k < next && k < end; k++)
			*to++ = (struct origin){ (uint32_t)k, (uint32_t)k + 1, (uint32_t)i, (uint32_t)next };
	}
}

void passage_put(struct passage *p, struct view bytes, struct origin at)
{
	struct origin *to;

	if (bytes.n == 0)
		return;
	to = add_bytes(p, bytes.p, bytes.n);
	for (size_t i = 0; i < bytes.n; i++)
		to[i] = at;
}

size_t passage_written(const struct passage *p)
{
	return p->bytes[p->side].n;
}

void passage_end_piece(struct passage *p, size_t start, int32_t id)
{
	passage_cut(p, start, passage_written(p), id);
}

void passage_take_rewritten(struct passage *p)
{
	p->text = str_view(&p->bytes[p->side]);
	p->at = p->origin[p->side];
	passage_take_cuts(p);
}

int passage_check(const struct passage *p, struct err *e)
{
	if (p->text.n <= UINT32_MAX)
		return 0;
	return err_set(e, ERR_INPUT, "a text grows to %zu bytes before it is tokenized; %u are the most",
		       p->text.n, UINT32_MAX);
}

void passage_prepend(struct passage *p, struct view bytes, size_t start)
{
	struct origin at = passage_origin(p, start);

	if (p->continues && at.start == 0)
		return;
	at.end = at.start;
	passage_put(p, bytes, at);
}

void passage_put_bytes(struct passage *p, size_t start, size_t end)
{
	char utf8[4];

	for (size_t i = start; i < end; i++) {
		size_t n = utf8_encode(utf8, bpe_byte_char((uint8_t)p->text.p[i]));

		passage_put(p, (struct view){ utf8, n }, passage_origin(p, i));
	}
}
