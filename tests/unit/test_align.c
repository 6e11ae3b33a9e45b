#include "base/json.h"
#include "base/rng.h"
#include "store/align.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Tokens written as text: parted by '|', those that are no content begin with '~'. */
struct toy {
	struct view piece[64];
	uint32_t end[64];
	bool content[64];
	size_t n;
};

static struct view toy_piece(const void *ud, size_t i)
{
	const struct toy *t = ud;

	return t->piece[i];
}

static void toy_read(struct toy *t, const char *text)
{
	uint32_t end = 0;

	*t = (struct toy){ .n = 0 };
	while (*text != '\0') {
		size_t n = 0;

		t->content[t->n] = *text != '~';
		text += *text == '~';
		while (text[n] != '\0' && text[n] != '|')
			n++;
		t->piece[t->n] = (struct view){ text, n };
		end += (uint32_t)n;
		t->end[t->n++] = end;
		text += n + (text[n] == '|');
	}
}

static struct align_side toy_side(const struct toy *t)
{
	return (struct align_side){ .end = t->end, .content = t->content, .n = t->n };
}

static void pairs_text(struct str *s, const struct pair *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(s, "%s%u-%u", i > 0 ? " " : "", p[i].a, p[i].b);
	str_adds(s, "");
}

static const struct {
	const char *name, *a, *b, *want;
	size_t gap;
} pair_case[] = {
	{ "same tokens", "one| two| three", "one| two| three", "0-0 1-1 2-2", 0 },
	{ "split word", "un|believ|able", "unbeliev|able", "1-0 2-1", 1 },
	{ "no common end before the last", "ab|cd|e", "a|bc|de", "2-2", 2 },
	{ "blank is no content", "a|~ |b", "a|~ |b", "0-0 2-2", 0 },
	{ "an end shared with a blank token only", "a |b", "a|~ |b", "1-2", 1 },
	{ "empty tokens: the last with the same end", "a|||b", "a||b", "2-1 3-2", 2 },
	{ "last content token where a blank one follows", "a|~|b", "a|b", "0-0 2-1", 0 },
	{ "nothing", "", "a", "", 1 },
	{ "no content", "~a|~b", "a|b", "", 2 },
};

static void pairs_by_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pair_case) / sizeof(pair_case[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct str got = STR_INIT;
		struct align_figures f;
		struct toy a, b;
		struct pair *p;
		size_t n;

		toy_read(&a, pair_case[i].a);
		toy_read(&b, pair_case[i].b);
		n = align_pairs(&p, &mem, &(struct align_side){ a.end, a.content, a.n },
				&(struct align_side){ b.end, b.content, b.n });
		str_adds(&got, "");
		pairs_text(&got, p, n);
		if (!view_eq(str_view(&got), view_of(pair_case[i].want)))
			fail_msg("%s: got %s, want %s", pair_case[i].name, got.p, pair_case[i].want);
		align_measure(&f, &(struct align_side){ a.end, a.content, a.n },
			      &(struct align_side){ b.end, b.content, b.n }, p, n);
		if (f.pairs != n || f.longest_gap != pair_case[i].gap)
			fail_msg("%s: longest gap %zu, want %zu", pair_case[i].name, f.longest_gap,
				 pair_case[i].gap);
		str_release(&got);
		arena_release(&mem);
	}
}

#define E_ACUTE "\xc3\xa9"

static const struct {
	const char *name, *a, *b;
	size_t window;
	const char *want;
	bool complete;
	size_t stop_a, stop_b;
} greedy_case[] = {
	{ "same tokens", "one| two", "one| two", 16, "0-0 1-1", true, 2, 2 },
	{ "split word", "un|believ|able", "unbeliev|able", 16, "1-0 2-1", true, 3, 2 },
	{ "blanks on either side of a cut", "a |b", "a| b", 16, "0-0 1-1", true, 2, 2 },
	{ "a run of blanks is one blank", "a|~  |~ |b c", "a| b|  c", 16, "0-0 3-2", true, 4, 3 },
	{ "blanks between content tokens count", "a|~ |b", "ab", 16, "", false, 0, 0 },
	{ "blank tokens at the end are passed", "a|~ ", "a", 16, "0-0", true, 2, 1 },
	{ "composed and decomposed; ties grow B", "e|\xcc\x81|x", E_ACUTE "|x", 16, "2-1", true, 3, 2 },
	{ "compatibility forms", "\xef\xac\x81|x", "f|i|x", 16, "0-1 1-2", true, 2, 3 },
	{ "half characters never match", "\xc3|\xa9|x", "\xc3|\xa9|x", 16, "2-2", true, 3, 3 },
	{ "U+FFFD in the text does", "\xef\xbf\xbd|x", "\xef\xbf\xbd|x", 16, "0-0 1-1", true, 2, 2 },
	{ "the window is full", "a|b|c|d", "abcd", 3, "", false, 0, 0 },
	{ "the window is just wide enough", "a|b|c|d", "abcd", 4, "3-0", true, 4, 1 },
	{ "no limit", "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q", "abcdefghijklmnopq", 0, "16-0", true, 17, 1 },
	{ "stops behind what matched", "x|~ |y", "x|~ |z", 16, "0-0", false, 2, 2 },
	{ "one side ends early", "x", "x|y", 16, "0-0", false, 1, 1 },
	{ "nothing", "", "", 16, "", true, 0, 0 },
};

static void greedy_by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(greedy_case) / sizeof(greedy_case[0]); i++) {
		struct arena mem = ARENA_INIT;
		struct str got = STR_INIT;
		struct greedy g;
		struct toy a, b;

		toy_read(&a, greedy_case[i].a);
		toy_read(&b, greedy_case[i].b);
		align_greedy(&g, &mem, &(struct greedy_side){ toy_side(&a), toy_piece, &a },
			     &(struct greedy_side){ toy_side(&b), toy_piece, &b }, greedy_case[i].window);
		str_adds(&got, "");
		pairs_text(&got, g.pair, g.n);
		if (!view_eq(str_view(&got), view_of(greedy_case[i].want)))
			fail_msg("%s: got %s, want %s", greedy_case[i].name, got.p, greedy_case[i].want);
		if (g.complete != greedy_case[i].complete || g.stop_a != greedy_case[i].stop_a ||
		    g.stop_b != greedy_case[i].stop_b)
			fail_msg("%s: complete %d, stops at %zu %zu", greedy_case[i].name, g.complete,
				 g.stop_a, g.stop_b);
		str_release(&got);
		arena_release(&mem);
	}
}

/* One side of a stored case. */
struct stored {
	struct view *piece;
	uint32_t *end;
	bool *content;
	size_t n;
};

static struct view stored_piece(const void *ud, size_t i)
{
	const struct stored *s = ud;

	return s->piece[i];
}

static struct view from_hex(struct arena *mem, struct view hex)
{
	char *p = arena_alloc(mem, hex.n / 2 + 1, 1);
	const char *digit = "0123456789abcdef";

	for (size_t i = 0; i < hex.n; i++) {
		char v = 0;

		while (digit[(size_t)v] != hex.p[i])
			v++;
		p[i / 2] = (char)(p[i / 2] * 16 + v);
	}
	return (struct view){ p, hex.n / 2 };
}

static void stored_read(struct stored *s, struct arena *mem, const struct json *v)
{
	const struct json *piece = json_find(v, "piece"), *end = json_find(v, "end");
	const char *content = json_find(v, "content")->str.p;

	s->n = piece->n;
	s->piece = ARENA_ARRAY(mem, s->n, struct view);
	s->end = ARENA_ARRAY(mem, s->n, uint32_t);
	s->content = ARENA_ARRAY(mem, s->n, bool);
	piece = piece->first;
	end = end->first;
	for (size_t i = 0; i < s->n; i++, piece = piece->next, end = end->next) {
		s->piece[i] = from_hex(mem, piece->str);
		s->end[i] = (uint32_t)end->integer;
		s->content[i] = content[i] == '1';
	}
}

static void check_pairs(const char *kind, const char *what, const struct json *want, const struct pair *p,
			size_t n)
{
	if (want->n != n)
		fail_msg("%s: %zu %s pairs, want %zu", kind, n, what, want->n);
	want = want->first;
	for (size_t i = 0; i < n; i++, want = want->next)
		if (json_at(want, 0)->integer != p[i].a || json_at(want, 1)->integer != p[i].b)
			fail_msg("%s: %s pair %zu is %u-%u", kind, what, i, p[i].a, p[i].b);
}

static void check_stored(struct arena *mem, const struct json *c)
{
	const char *kind = json_find(c, "kind")->str.p;
	const struct json *stop = json_find(c, "greedy_stop");
	bool complete = json_find(c, "greedy_complete")->kind == JSON_TRUE;
	bool nocap = json_find(c, "greedy_nocap_complete")->kind == JSON_TRUE;
	struct stored a, b;
	struct align_side side_a, side_b;
	struct align_figures f;
	struct greedy g, free_g;
	struct pair *p;
	size_t n;

	stored_read(&a, mem, json_find(c, "a"));
	stored_read(&b, mem, json_find(c, "b"));
	side_a = (struct align_side){ a.end, a.content, a.n };
	side_b = (struct align_side){ b.end, b.content, b.n };
	n = align_pairs(&p, mem, &side_a, &side_b);
	check_pairs(kind, "offset", json_find(c, "pairs"), p, n);
	align_greedy(&g, mem, &(struct greedy_side){ side_a, stored_piece, &a },
		     &(struct greedy_side){ side_b, stored_piece, &b }, 16);
	check_pairs(kind, "greedy", json_find(c, "greedy"), g.pair, g.n);
	align_greedy(&free_g, mem, &(struct greedy_side){ side_a, stored_piece, &a },
		     &(struct greedy_side){ side_b, stored_piece, &b }, 0);
	if (g.complete != complete || free_g.complete != nocap ||
	    g.stop_a != (size_t)json_at(stop, 0)->integer || g.stop_b != (size_t)json_at(stop, 1)->integer)
		fail_msg("%s: complete %d %d, stops at %zu %zu", kind, g.complete, free_g.complete, g.stop_a,
			 g.stop_b);
	align_measure(&f, &side_a, &side_b, p, n);
	if (f.content_a != (size_t)json_find(c, "content_a")->integer ||
	    f.content_b != (size_t)json_find(c, "content_b")->integer || f.pairs != n)
		fail_msg("%s: %zu and %zu content tokens", kind, f.content_a, f.content_b);
}

static void real_tokenizers(void **state)
{
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *all, *c;

	(void)state;
	if (json_read_file(&all, &mem, "tests/vectors/align/gptoss-qwen3.json", 1 << 20, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(all->n, 5);
	for (c = all->first; c != NULL; c = c->next)
		check_stored(&mem, c);
	arena_release(&mem);
}

static void random_side(uint32_t *end, bool *content, size_t n, struct rng r)
{
	uint32_t at = 0;

	for (size_t i = 0; i < n; i++) {
		at += (uint32_t)rng_below(r, 2 * i, 3);
		end[i] = at;
		content[i] = rng_below(r, 2 * i + 1, 4) > 0;
	}
}

/* Swapping the sides swaps the pairs; a pair is the last content token of its end; no end is left out. */
static void pairs_are_symmetric_and_complete(void **state)
{
	enum { N = 40 };

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct arena mem = ARENA_INIT;
		uint32_t end[2][N];
		bool content[2][N];
		struct align_side a = { end[0], content[0], N }, b = { end[1], content[1], N - 7 };
		struct pair *p, *q;
		size_t n, next = 0;

		random_side(end[0], content[0], N, rng_stream(seed, "a", 0));
		random_side(end[1], content[1], N, rng_stream(seed, "b", 0));
		n = align_pairs(&p, &mem, &a, &b);
		if (align_pairs(&q, &mem, &b, &a) != n)
			fail_msg("seed %zu: not symmetric", (size_t)seed);
		for (size_t i = 0; i < n; i++)
			if (p[i].a != q[i].b || p[i].b != q[i].a)
				fail_msg("seed %zu: pair %zu is not symmetric", (size_t)seed, i);
		for (uint32_t byte = 0; byte <= 2 * N; byte++) {
			size_t last_a = N, last_b = N;

			for (size_t i = 0; i < N; i++)
				last_a = content[0][i] && end[0][i] == byte ? i : last_a;
			for (size_t i = 0; i < N - 7; i++)
				last_b = content[1][i] && end[1][i] == byte ? i : last_b;
			if (last_a == N || last_b == N)
				continue;
			if (next >= n || p[next].a != last_a || p[next].b != last_b || p[next].byte != byte)
				fail_msg("seed %zu: no pair at byte %u", (size_t)seed, byte);
			next++;
		}
		assert_int_equal(next, n);
		arena_release(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_by_end),
		cmocka_unit_test(greedy_by_hand),
		cmocka_unit_test(real_tokenizers),
		cmocka_unit_test(pairs_are_symmetric_and_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
