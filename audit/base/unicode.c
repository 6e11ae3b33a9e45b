#include "base/unicode.h"

#include "base/mem.h"

#include <utf8proc.h>

static void add_code_points(struct str *out, const utf8proc_int32_t *cp, size_t n)
{
	char utf8[4];

	for (size_t i = 0; i < n; i++)
		str_add(out, utf8, utf8_encode(utf8, (uint32_t)cp[i]));
}

static int normalise(struct str *out, struct view text, utf8proc_option_t options, struct err *e)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text.p;
	utf8proc_int32_t *cp = NULL;
	utf8proc_ssize_t want, n;
	size_t cap = 0, valid = utf8_valid(text.p, text.n);

	if (valid < text.n)
		return err_set(e, ERR_INPUT, "byte %zu (0x%02x) is not valid UTF-8", valid,
			       (unsigned)(uint8_t)text.p[valid]);
	if (text.n == 0)
		return 0;
	want = utf8proc_decompose(p, (utf8proc_ssize_t)text.n, NULL, 0, options);
	if (want < 0)
		return err_set(e, ERR_INPUT, "cannot normalise %zu bytes of text: %s", text.n,
			       utf8proc_errmsg(want));
	/* one more than asked for: utf8proc_normalize_utf32 may not be given a NULL */
	cp = mem_grow(NULL, &cap, (size_t)want + 1, sizeof(*cp));
	n = utf8proc_decompose(p, (utf8proc_ssize_t)text.n, cp, want, options);
	BUG_ON(n != want);
	n = utf8proc_normalize_utf32(cp, n, options);
	BUG_ON(n < 0);
	add_code_points(out, cp, (size_t)n);
	mem_free(cp);
	return 0;
}

int utf8_nfc(struct str *out, struct view text, struct err *e)
{
	return normalise(out, text, UTF8PROC_STABLE | UTF8PROC_COMPOSE, e);
}

int utf8_nfkc(struct str *out, struct view text, struct err *e)
{
	return normalise(out, text, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT, e);
}

bool unicode_is_space(uint32_t cp)
{
	return (cp >= 0x09 && cp <= 0x0d) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
	       (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
	       cp == 0x205f || cp == 0x3000;
}

bool unicode_is_printable(uint32_t cp)
{
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO: return cp == ' ';
	default: return true;
	}
}

bool unicode_is_letter(uint32_t cp)
{
	utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);

	return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool unicode_is_decimal(uint32_t cp)
{
	return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_ND;
}

bool unicode_is_number(uint32_t cp)
{
	utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)cp);

	return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool unicode_is_upper(uint32_t cp)
{
	return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_LU;
}

bool unicode_is_lower(uint32_t cp)
{
	return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_LL;
}

bool unicode_is_title(uint32_t cp)
{
	return utf8proc_category((utf8proc_int32_t)cp) == UTF8PROC_CATEGORY_LT;
}

uint32_t unicode_upper(uint32_t cp)
{
	return (uint32_t)utf8proc_toupper((utf8proc_int32_t)cp);
}

uint32_t unicode_lower(uint32_t cp)
{
	return (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
}

uint32_t unicode_title(uint32_t cp)
{
	return (uint32_t)utf8proc_totitle((utf8proc_int32_t)cp);
}

size_t utf8_broken(const char *p, size_t n)
{
	uint8_t lead = (uint8_t)p[0], low = 0x80, high = 0xbf;
	size_t want = lead >= 0xf0 && lead <= 0xf4 ? 4 : lead >= 0xe0 ? 3 : 2, i = 1;

	if (lead < 0xc2 || lead > 0xf4)
		return 1;
	/* the second byte's range rules out overlong forms, surrogates and what lies above U+10FFFF */
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	while (i < want && i < n && (uint8_t)p[i] >= low && (uint8_t)p[i] <= high) {
		low = 0x80;
		high = 0xbf;
		i++;
	}
	return i;
}

unsigned unicode_combining(uint32_t cp)
{
	return (unsigned)utf8proc_get_property((utf8proc_int32_t)cp)->combining_class;
}

size_t unicode_decompose(uint32_t out[UNICODE_DECOMPOSED], uint32_t cp, bool compat)
{
	utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compat ? UTF8PROC_COMPAT : 0);
	utf8proc_int32_t dst[UNICODE_DECOMPOSED];
	int last_boundclass = 0;
	utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)cp, dst, UNICODE_DECOMPOSED, options,
						     &last_boundclass);

	BUG_ON(n < 1 || n > UNICODE_DECOMPOSED);
	for (utf8proc_ssize_t i = 0; i < n; i++)
		out[i] = (uint32_t)dst[i];
	return (size_t)n;
}

bool unicode_compose(uint32_t *out, uint32_t a, uint32_t b)
{
	utf8proc_int32_t pair[3] = { (utf8proc_int32_t)a, (utf8proc_int32_t)b, 0 };

	if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_STABLE | UTF8PROC_COMPOSE) != 1)
		return false;
	*out = (uint32_t)pair[0];
	return true;
}
