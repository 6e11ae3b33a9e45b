#include "flow/reader.h"

/*
 * Pairs of one document: tokens of content whose last bytes coincide, and one pair more for each
 * answer: the last template token before it, where a model has decided what to answer.
 */

enum { GREEDY_WINDOW = 16 }; /* content tokens, as in the paper's Algorithm 1 */

/* The template token right before the first token of the answer at [turn.first, turn.end), or the last token of plain text
 * before it; or SIZE_MAX. */
static size_t boundary_token(const struct reading *r, struct turn turn)
{
	if (r->n_prompt > 0)
		return r->n_prompt <= r->n ? r->n_prompt - 1 : SIZE_MAX;
	for (size_t i = 0; i < r->n; i++) {
		if (r->kind[i] == TOKEN_TEMPLATE || r->start[i] < turn.first)
			continue;
		if (r->end[i] > turn.end || i == 0 || r->kind[i - 1] != TOKEN_TEMPLATE)
			return SIZE_MAX;
		return i - 1;
	}
	return SIZE_MAX;
}

struct pieces {
	const struct reader *reader;
	const struct reading *reading;
};

static struct view piece(const void *ud, size_t i)
{
	const struct pieces *p = ud;

	return p->reading->kind[i] == TOKEN_TEMPLATE
		       ? VIEW("")
		       : tokenizer_piece(p->reader->tokenizer, p->reading->id[i]);
}

static size_t content_pairs(struct pair **pair, struct arena *mem, const struct spec *s,
			    const struct reader reader[SIDE_COUNT], const struct reading reading[SIDE_COUNT],
			    struct align_figures *figures)
{
	struct pieces pieces[SIDE_COUNT];
	struct align_side side[SIDE_COUNT];
	size_t n;

	for (size_t k = 0; k < SIDE_COUNT; k++) {
		bool *content = ARENA_ARRAY(mem, reading[k].n + 1, bool);

		for (size_t i = 0; i < reading[k].n; i++)
			content[i] = reading[k].kind[i] == TOKEN_CONTENT;
		side[k] = (struct align_side){ .end = reading[k].end, .content = content, .n = reading[k].n };
		pieces[k] = (struct pieces){ &reader[k], &reading[k] };
	}
	if (s->corpus.pairing == PAIRING_GREEDY) {
		struct greedy_side a = { side[0], piece, &pieces[0] }, b = { side[1], piece, &pieces[1] };
		struct greedy g;

		align_greedy(&g, mem, &a, &b, GREEDY_WINDOW);
		*pair = g.pair;
		n = g.n;
	} else {
		n = align_pairs(pair, mem, &side[0], &side[1]);
	}
	align_measure(figures, &side[0], &side[1], *pair, n);
	return n;
}

static uint32_t pair_flags(uint32_t byte, const struct turn *turn, size_t n_turns)
{
	for (size_t i = 0; i < n_turns; i++) {
		if (byte > turn[i].first && byte <= turn[i].end)
			return PAIR_ANSWER;
	}
	return 0;
}

size_t reader_pairs(struct pair_record **out, struct arena *mem, const struct spec *s,
		    const struct reader reader[SIDE_COUNT], const struct reading reading[SIDE_COUNT],
		    const struct turn *turn, size_t n_turns, struct align_figures *figures)
{
	struct pair *pair;
	size_t n_pairs = content_pairs(&pair, mem, s, reader, reading, figures);
	struct pair_record *rec = ARENA_ARRAY(mem, n_pairs + n_turns + 1, struct pair_record);
	size_t n = 0, at = 0;

	for (size_t i = 0; i <= n_turns; i++) {
		uint32_t until = i < n_turns ? turn[i].first : UINT32_MAX;

		for (; at < n_pairs && pair[at].byte <= until; at++)
			rec[n++] = (struct pair_record){ .token = { pair[at].a, pair[at].b },
							 .byte = pair[at].byte,
							 .flags = pair_flags(pair[at].byte, turn, n_turns) };
		if (i < n_turns) {
			size_t a = boundary_token(&reading[0], turn[i]),
			       b = boundary_token(&reading[1], turn[i]);
			bool after = n == 0 || (a > rec[n - 1].token[0] && b > rec[n - 1].token[1]);

			if (a != SIZE_MAX && b != SIZE_MAX && after)
				rec[n++] = (struct pair_record){ .token = { (uint32_t)a, (uint32_t)b },
								 .byte = turn[i].first,
								 .flags = PAIR_TURN };
			else if (n > 0 && rec[n - 1].byte == turn[i].first)
				rec[n - 1].flags |= PAIR_TURN; /* plain text whose last token is content */
		}
	}
	*out = rec;
	return n;
}
