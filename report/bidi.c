#include "report/bidi.h"

/* Letters and where their presentation forms begin: isolated, final and, of those that join to the left as well,
 * initial, medial (Unicode: Arabic Presentation Forms A and B). */
static const struct joining {
	uint16_t letter, forms;
	bool both;
} table[] = {
	{ 0x0622, 0xFE81, false }, { 0x0623, 0xFE83, false }, { 0x0624, 0xFE85, false },
	{ 0x0625, 0xFE87, false }, { 0x0626, 0xFE89, true },  { 0x0627, 0xFE8D, false },
	{ 0x0628, 0xFE8F, true },  { 0x0629, 0xFE93, false }, { 0x062A, 0xFE95, true },
	{ 0x062B, 0xFE99, true },  { 0x062C, 0xFE9D, true },  { 0x062D, 0xFEA1, true },
	{ 0x062E, 0xFEA5, true },  { 0x062F, 0xFEA9, false }, { 0x0630, 0xFEAB, false },
	{ 0x0631, 0xFEAD, false }, { 0x0632, 0xFEAF, false }, { 0x0633, 0xFEB1, true },
	{ 0x0634, 0xFEB5, true },  { 0x0635, 0xFEB9, true },  { 0x0636, 0xFEBD, true },
	{ 0x0637, 0xFEC1, true },  { 0x0638, 0xFEC5, true },  { 0x0639, 0xFEC9, true },
	{ 0x063A, 0xFECD, true },  { 0x0641, 0xFED1, true },  { 0x0642, 0xFED5, true },
	{ 0x0643, 0xFED9, true },  { 0x0644, 0xFEDD, true },  { 0x0645, 0xFEE1, true },
	{ 0x0646, 0xFEE5, true },  { 0x0647, 0xFEE9, true },  { 0x0648, 0xFEED, false },
	{ 0x0649, 0xFEEF, false }, { 0x064A, 0xFEF1, true },  { 0x0679, 0xFB66, true },
	{ 0x067E, 0xFB56, true },  { 0x0686, 0xFB7A, true },  { 0x0688, 0xFB88, false },
	{ 0x0691, 0xFB8C, false }, { 0x0698, 0xFB8A, false }, { 0x06A9, 0xFB8E, true },
	{ 0x06AF, 0xFB92, true },  { 0x06BA, 0xFB9E, false }, { 0x06C1, 0xFBA6, true },
	{ 0x06CC, 0xFBFC, true },  { 0x06D2, 0xFBAE, false },
};

enum { FINAL = 1, INITIAL = 2, MEDIAL = 3, LAM = 0x0644, TATWEEL = 0x0640 };

static const struct joining *find(uint32_t cp)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].letter == cp)
			return &table[i];
	return NULL;
}

/* Signs above and below letters do not keep them apart. */
static bool is_mark(uint32_t cp)
{
	return (cp >= 0x064B && cp <= 0x065F) || cp == 0x0670;
}

static bool joins_left(uint32_t cp)
{
	const struct joining *j = find(cp);

	return cp == TATWEEL || (j && j->both);
}

static bool joins_right(uint32_t cp)
{
	return cp == TATWEEL || find(cp);
}

/* The ligature of lam with this alef, isolated; 0: none. */
static uint32_t lam_alef(uint32_t alef)
{
	switch (alef) {
	case 0x0622: return 0xFEF5;
	case 0x0623: return 0xFEF7;
	case 0x0625: return 0xFEF9;
	case 0x0627: return 0xFEFB;
	default: return 0;
	}
}

size_t bidi_shape(uint32_t *cp, size_t n, const struct fonts *f)
{
	uint32_t before = 0; /* the last letter that is no mark, as it was */
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t letter = cp[i], after = 0, form = letter;
		const struct joining *j = find(letter);
		size_t next = i + 1;
		bool left;

		if (is_mark(letter)) {
			cp[out++] = letter;
			continue;
		}
		while (next < n && is_mark(cp[next]))
			next++;
		after = next < n ? cp[next] : 0;
		left = j && j->both && joins_right(after);
		if (letter == LAM && next == i + 1 && lam_alef(after) && fonts_has(f, lam_alef(after))) {
			form = lam_alef(after) + (joins_left(before) ? FINAL : 0);
			before = after;
			cp[out++] = form;
			i = next;
			continue;
		}
		if (j)
			form = j->forms + (joins_left(before) ? left ? MEDIAL : FINAL : left ? INITIAL : 0);
		cp[out++] = fonts_has(f, form) ? form : letter;
		before = letter;
	}
	return out;
}

static bool is_right(uint32_t cp)
{
	return (cp >= 0x0590 && cp < 0x0660) || (cp > 0x066C && cp < 0x06F0) ||
	       (cp > 0x06F9 && cp < 0x0900) || (cp >= 0xFB1D && cp < 0xFE00) || (cp >= 0xFE70 && cp < 0xFEFF);
}

static bool is_digit(uint32_t cp)
{
	return (cp >= '0' && cp <= '9') || (cp >= 0x0660 && cp <= 0x066C) || (cp >= 0x06F0 && cp <= 0x06F9);
}

/* What belongs to no direction: blanks and signs. */
static bool is_neutral(uint32_t cp)
{
	return cp < 0xC0 && !(cp >= 'a' && cp <= 'z') && !(cp >= 'A' && cp <= 'Z') && !is_digit(cp) &&
	       cp != 0xAA && cp != 0xB5 && cp != 0xBA;
}

uint32_t bidi_mirror(uint32_t cp)
{
	static const char pairs[] = "()[]{}<>";

	for (size_t i = 0; pairs[i]; i++)
		if (cp == (uint32_t)pairs[i])
			return (uint32_t)pairs[i ^ 1];
	if (cp == 0xAB || cp == 0xBB)
		return cp ^ 0xAB ^ 0xBB;
	return cp;
}

static void turn(size_t *order, size_t from, size_t to)
{
	while (from + 1 < to) {
		size_t swap = order[from];

		order[from++] = order[--to];
		order[to] = swap;
	}
}

/* The end of the run of right-to-left text at `from`: its last letter or digit before one of the other direction. */
static size_t run_end(const uint32_t *cp, size_t n, size_t from)
{
	size_t end = from + 1;

	for (size_t i = from + 1;
	     i < n && (is_right(cp[i]) || is_digit(cp[i]) || is_neutral(cp[i]) || is_mark(cp[i])); i++)
		if (!is_neutral(cp[i]))
			end = i + 1;
	return end;
}

/* Numbers within a run that was turned round are read from the left, as everywhere. */
static void turn_numbers(size_t *order, const uint32_t *cp, size_t from, size_t to)
{
	for (size_t k = from; k < to; k++) {
		size_t stop = k;

		while (stop < to) {
			uint32_t c = cp[order[stop]];
			bool within = stop > k && stop + 1 < to && is_digit(cp[order[stop + 1]]) &&
				      (c == '.' || c == ',');

			if (!is_digit(c) && !within)
				break;
			stop++;
		}
		turn(order, k, stop);
		k = stop > k ? stop - 1 : k;
	}
}

bool bidi_order(size_t *order, bool *turned, const uint32_t *cp, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		order[i] = i;
		turned[i] = false;
	}
	for (size_t i = 0; i < n; i++) {
		size_t end;

		if (!is_right(cp[i]))
			continue;
		end = run_end(cp, n, i);
		turn(order, i, end);
		turn_numbers(order, cp, i, end);
		for (size_t k = i; k < end; k++)
			turned[k] = true;
		any = true;
		i = end - 1;
	}
	return any;
}

/* The code points of a text in the arena; NULL where none is of a script that runs from the right. */
static uint32_t *decode(size_t *n, struct arena *mem, struct view text)
{
	uint32_t *cp = NULL;
	bool any = false;

	for (int pass = 0; pass < 2; pass++) {
		*n = 0;
		for (size_t i = 0, bytes; i < text.n; i += bytes) {
			uint32_t c = 0;

			bytes = utf8_decode(&c, text.p + i, text.n - i);
			BUG_ON(!bytes);
			any |= is_right(c);
			if (cp)
				cp[*n] = c;
			++*n;
		}
		if (!any)
			return NULL;
		if (!cp)
			cp = ARENA_ARRAY(mem, *n, uint32_t);
	}
	return cp;
}

static struct view encode(struct arena *mem, const uint32_t *cp, size_t n)
{
	char *text = ARENA_ARRAY(mem, 4 * n + 1, char);
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		at += utf8_encode(text + at, cp[i]);
	return (struct view){ text, at };
}

struct view bidi_shape_text(struct arena *mem, const struct fonts *f, struct view text)
{
	size_t n;
	uint32_t *cp = decode(&n, mem, text);

	return cp ? encode(mem, cp, bidi_shape(cp, n, f)) : text;
}

struct view bidi_order_text(struct arena *mem, struct view line)
{
	size_t n, *order;
	uint32_t *cp = decode(&n, mem, line), *placed;
	bool *turned;

	if (!cp)
		return line;
	order = ARENA_ARRAY(mem, n, size_t);
	turned = ARENA_ARRAY(mem, n, bool);
	placed = ARENA_ARRAY(mem, n, uint32_t);
	bidi_order(order, turned, cp, n);
	for (size_t i = 0; i < n; i++)
		placed[i] = turned[i] ? bidi_mirror(cp[order[i]]) : cp[order[i]];
	return encode(mem, placed, n);
}
