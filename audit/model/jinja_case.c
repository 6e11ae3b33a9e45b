/* Upper and lower case, and what kind of characters a text is made of. */
#include "model/jinja_str.h"

#include "base/unicode.h"

/* Where one code point becomes several: of SpecialCasing.txt, what is in use. */
static bool upper_several(struct pen *pen, uint32_t cp)
{
	static const char *const ligature[] = { "FF", "FI", "FL", "FFI", "FFL", "ST", "ST" };

	if (cp == 0xdf)
		pen_puts(pen, "SS");
	else if (cp >= 0xfb00 && cp <= 0xfb06)
		pen_puts(pen, ligature[cp - 0xfb00]);
	else
		return false;
	return true;
}

static bool is_cased(uint32_t cp)
{
	return unicode_is_upper(cp) || unicode_is_lower(cp) || unicode_is_title(cp);
}

/* A capital sigma at the end of a word is written otherwise in lower case. */
static bool is_final_sigma(const struct text *t, size_t at, size_t len)
{
	uint32_t before = 0, behind = 0;

	if (at > 0)
		char_before(&before, t, at);
	if (at + len < t->n)
		utf8_decode(&behind, t->p + at + len, t->n - at - len);
	return is_cased(before) && !is_cased(behind);
}

void put_cased(struct pen *pen, const struct text *t, size_t at, size_t len, int to)
{
	uint32_t cp = 0;

	utf8_decode(&cp, t->p + at, len);
	if (to == CASE_SWAP)
		to = unicode_is_upper(cp) ? CASE_LOWER : unicode_is_lower(cp) ? CASE_UPPER : -1;
	if (to == CASE_UPPER && upper_several(pen, cp))
		return;
	if (to == CASE_LOWER && cp == 0x3a3)
		pen_char(pen, is_final_sigma(t, at, len) ? 0x3c2 : 0x3c3);
	else if (to == CASE_LOWER && cp == 0x130)
		pen_puts(pen, "i\xcc\x87");
	else if (to == CASE_TITLE && cp == 0xdf)
		pen_puts(pen, "Ss");
	else
		pen_char(pen, to == CASE_UPPER	 ? unicode_upper(cp)
			      : to == CASE_LOWER ? unicode_lower(cp)
			      : to == CASE_TITLE ? unicode_title(cp)
						 : cp);
}

/* What is changed in case is no longer what the message said: origins are lost. */
const struct text *text_case(struct machine *m, const struct text *t, int to)
{
	struct pen *pen = pen_new(&m->heap);
	bool in_word = false;

	for (size_t at = 0, len; at < t->n && !m->heap.full; at += len) {
		uint32_t cp = 0;

		len = utf8_decode(&cp, t->p + at, t->n - at);
		if (to == CASE_CAPITALIZE)
			put_cased(pen, t, at, len, at == 0 ? CASE_TITLE : CASE_LOWER);
		else if (to == CASE_TITLE)
			put_cased(pen, t, at, len, in_word ? CASE_LOWER : CASE_TITLE);
		else
			put_cased(pen, t, at, len, to);
		in_word = is_cased(cp);
	}
	return pen_text_of(pen);
}

/* Superscripts, circled digits and the like: Numeric_Type=Digit of DerivedNumericType.txt. */
static bool is_other_digit(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} range[] = {
		{ 0xb2, 0xb3 },	      { 0xb9, 0xb9 },	    { 0x1369, 0x1371 },	  { 0x19da, 0x19da },
		{ 0x2070, 0x2070 },   { 0x2074, 0x2079 },   { 0x2080, 0x2089 },	  { 0x2460, 0x2468 },
		{ 0x2474, 0x247c },   { 0x2488, 0x2490 },   { 0x24ea, 0x24ea },	  { 0x24f5, 0x24fd },
		{ 0x24ff, 0x24ff },   { 0x2776, 0x277e },   { 0x2780, 0x2788 },	  { 0x278a, 0x2792 },
		{ 0x10a40, 0x10a43 }, { 0x10e60, 0x10e68 }, { 0x11052, 0x1105a }, { 0x1f100, 0x1f10a },
	};

	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		if (cp >= range[i].first && cp <= range[i].last)
			return true;
	return false;
}

static bool char_is(uint32_t cp, int which)
{
	switch (which) {
	case IS_SPACE: return text_is_space(cp);
	case IS_ALPHA: return unicode_is_letter(cp);
	case IS_DECIMAL: return unicode_is_decimal(cp);
	case IS_DIGIT: return unicode_is_decimal(cp) || is_other_digit(cp);
	case IS_ALNUM: return unicode_is_letter(cp) || unicode_is_number(cp);
	case IS_ASCII: return cp < 0x80;
	case IS_UPPER: return !unicode_is_lower(cp) && !unicode_is_title(cp);
	case IS_LOWER: return !unicode_is_upper(cp) && !unicode_is_title(cp);
	default: return unicode_is_printable(cp);
	}
}

/* All characters are of the kind; the empty text only where nothing has to be there. */
bool text_is(const struct text *t, int which)
{
	bool cased = false;

	for (size_t at = 0, len; at < t->n; at += len) {
		uint32_t cp = 0;

		len = utf8_decode(&cp, t->p + at, t->n - at);
		if (!char_is(cp, which))
			return false;
		cased |= is_cased(cp);
	}
	if (which == IS_UPPER || which == IS_LOWER)
		return cased;
	return t->n > 0 || which == IS_ASCII || which == IS_PRINTABLE;
}
