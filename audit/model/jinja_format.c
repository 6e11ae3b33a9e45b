/* text % values, text.format(...) and dates. */
#include "model/jinja_machine.h"
#include "model/jinja_str.h"

#include <stdio.h>
#include <string.h>

/* What stands between % or : and the letter of a format. */
struct spec {
	const struct text *fill;
	char align; /* '<', '>', '^', '=', or 0: as the kind of value has it */
	char sign;  /* '+', ' ', or 0 */
	bool alternate, comma;
	int64_t width, precision; /* precision -1: not given */
	char type;		  /* 0: not given */
	bool given;		  /* there is something behind the colon */
};

static void put_padded(struct pen *out, const struct spec *s, const struct text *sign,
		       const struct text *body, char align)
{
	size_t n = sign->chars + body->chars;
	size_t room = s->width > 0 && (uint64_t)s->width > n ? (size_t)s->width - n : 0;
	size_t left = align == '>' ? room : align == '^' ? room / 2 : 0;

	pen_fill(out, s->fill, left);
	pen_text(out, sign);
	if (align == '=')
		pen_fill(out, s->fill, room);
	pen_text(out, body);
	if (align != '=')
		pen_fill(out, s->fill, room - left);
}

/* Thousands of the whole part, parted by commas. */
static const struct text *with_commas(struct machine *m, const char *digits)
{
	struct pen *p = pen_new(&m->heap);
	size_t whole = strspn(digits, "0123456789");

	for (size_t i = 0; i < whole; i++) {
		if (i > 0 && (whole - i) % 3 == 0)
			pen_char(p, ',');
		pen_bytes(p, digits + i, 1);
	}
	pen_puts(p, digits + whole);
	return pen_text_of(p);
}

static int put_number(struct machine *m, struct pen *out, const struct spec *s, struct value v)
{
	char body[400] = "";
	bool minus = v.kind == VAL_FLOAT ? __builtin_signbit(v.real) != 0 : val_integer(v) < 0;
	uint64_t n = minus ? 0 - (uint64_t)val_integer(v) : (uint64_t)val_integer(v);
	double real = v.kind == VAL_FLOAT ? (minus ? -v.real : v.real) : (double)n;
	int digits = s->precision < 0 ? 6 : (int)s->precision;

	if (s->precision > 60)
		return FAIL(m, "a precision of %lld is not supported", (long long)s->precision);
	switch (s->type) {
	case 'd': snprintf(body, sizeof(body), "%llu", (unsigned long long)n); break;
	case 'x':
		snprintf(body, sizeof(body), "%s%llx", s->alternate ? "0x" : "", (unsigned long long)n);
		break;
	case 'X':
		snprintf(body, sizeof(body), "%s%llX", s->alternate ? "0X" : "", (unsigned long long)n);
		break;
	case 'f':
	case 'F': snprintf(body, sizeof(body), "%.*f", digits, real); break;
	case '%': snprintf(body, sizeof(body), "%.*f%%", digits, real * 100); break;
	case 'e': snprintf(body, sizeof(body), "%.*e", digits, real); break;
	case 'g': snprintf(body, sizeof(body), "%.*g", digits, real); break;
	default: return FAIL(m, "the format '%c' of a %s is not supported", s->type, val_type(v));
	}
	put_padded(out, s,
		   text_of(&m->heap, minus	      ? "-"
				     : s->sign == '+' ? "+"
				     : s->sign == ' ' ? " "
						      : ""),
		   s->comma ? with_commas(m, body) : text_of(&m->heap, body), s->align != 0 ? s->align : '>');
	return 0;
}

static int put_string(struct machine *m, struct pen *out, const struct spec *s, struct value v, bool repr)
{
	struct pen *p = pen_new(&m->heap);
	const struct text *t;

	if ((repr ? val_repr(m, p, v) : val_print(m, p, v)) < 0)
		return -1;
	t = pen_text_of(p);
	if (s->precision >= 0 && (uint64_t)s->precision < t->chars)
		t = text_part(&m->heap, t, 0, text_byte(t, (size_t)s->precision));
	put_padded(out, s, text_of(&m->heap, ""), t, s->align != 0 ? s->align : '<');
	return 0;
}

static int64_t read_digits(const struct text *t, size_t *at)
{
	int64_t v = 0;

	for (; *at < t->n && t->p[*at] >= '0' && t->p[*at] <= '9'; (*at)++)
		v = v < 1000000000 ? v * 10 + (t->p[*at] - '0') : v;
	return v;
}

/* ---- the % operator ---- */

struct percent {
	struct machine *m;
	const struct text *format;
	size_t at;
	struct value values; /* a tuple, a dict, or the one value */
	size_t next;
	bool mapped; /* a value was taken by its name */
};

static int next_value(struct percent *p, struct value *out)
{
	bool tuple = p->values.kind == VAL_TUPLE;

	if (p->next >= (tuple ? p->values.seq->n : 1))
		return FAIL(p->m, "not enough arguments for format string");
	*out = tuple ? p->values.seq->item[p->next] : p->values;
	p->next++;
	return 0;
}

/* "(name)" behind a %. */
static int named_value(struct percent *p, struct value *out)
{
	size_t close = text_find(p->format, VIEW(")"), p->at);
	const struct value *found;
	struct view name;

	if (close == SIZE_MAX)
		return FAIL(p->m, "incomplete format key");
	name = (struct view){ p->format->p + p->at + 1, close - p->at - 1 };
	if (p->values.kind != VAL_DICT)
		return FAIL(p->m, "format requires a mapping");
	found = dict_find(p->values.dict, name);
	if (found == NULL)
		return FAIL(p->m, "there is no '%.*s' to format", SHORT_VIEW(name));
	*out = *found;
	p->at = close + 1;
	p->mapped = true;
	return 0;
}

static void percent_flags(struct percent *p, struct spec *s)
{
	const struct text *t = p->format;

	for (; p->at < t->n && strchr("-+ #0", t->p[p->at]) != NULL && t->p[p->at] != '\0'; p->at++) {
		char c = t->p[p->at];

		if (c == '-')
			s->align = '<';
		else if (c == '+' || (c == ' ' && s->sign == 0))
			s->sign = c;
		else if (c == '#')
			s->alternate = true;
		else if (c == '0' && s->align == 0)
			s->align = '=';
	}
}

static int percent_one(struct percent *p, struct pen *out)
{
	struct spec s = { .fill = text_of(&p->m->heap, " "), .precision = -1 };
	const struct text *t = p->format;
	struct value v = { .kind = VAL_ABSENT };

	if (p->at < t->n && t->p[p->at] == '(' && named_value(p, &v) < 0)
		return -1;
	percent_flags(p, &s);
	s.width = read_digits(t, &p->at);
	if (p->at < t->n && t->p[p->at] == '.') {
		p->at++;
		s.precision = read_digits(t, &p->at);
	}
	if (p->at >= t->n)
		return FAIL(p->m, "incomplete format");
	s.type = t->p[p->at++];
	if (s.type == '%') {
		pen_char(out, '%');
		return 0;
	}
	if (v.kind == VAL_ABSENT && next_value(p, &v) < 0)
		return -1;
	if (s.type == 's' || s.type == 'r') {
		s.align = s.align == '<' ? '<' : '>';
		return put_string(p->m, out, &s, v, s.type == 'r');
	}
	if (v.kind == VAL_UNDEFINED)
		return machine_undefined(p->m, v);
	if (!val_is_number(v))
		return FAIL(p->m, "%%%c format: a number is required, not a %s", s.type, val_type(v));
	if (s.type == 'i' || s.type == 'u')
		s.type = 'd';
	if ((s.type == 'd' || s.type == 'x' || s.type == 'X') && v.kind == VAL_FLOAT) {
		if (s.type != 'd' || !(v.real > -9223372036854775808.0 && v.real < 9223372036854775808.0))
			return FAIL(p->m, "%%%c format: an integer is required, not a float", s.type);
		v = val_int((int64_t)v.real);
	}
	if (s.align == '=')
		s.fill = text_of(&p->m->heap, "0");
	return put_number(p->m, out, &s, v);
}

int format_percent(struct machine *m, struct value *out, const struct text *format, struct value v)
{
	struct percent p = { .m = m, .format = format, .values = v };
	struct pen *pen = pen_new(&m->heap);

	while (p.at < format->n) {
		size_t percent = text_find(format, VIEW("%"), p.at);
		size_t plain = percent == SIZE_MAX ? format->n : percent;

		pen_part(pen, format, p.at, plain);
		p.at = plain + 1;
		if (percent != SIZE_MAX && (machine_step(m, 0) < 0 || percent_one(&p, pen) < 0))
			return -1;
	}
	/* of what can be indexed like a mapping, Python lets a format take nothing */
	if (v.kind != VAL_DICT && v.kind != VAL_LIST && v.kind != VAL_RANGE && v.kind != VAL_UNDEFINED &&
	    !p.mapped && p.next < (v.kind == VAL_TUPLE ? v.seq->n : 1))
		return FAIL(m, "not all arguments converted during string formatting");
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}

/* ---- str.format ---- */

struct braces {
	struct machine *m;
	const struct text *format;
	const struct args *args;
	size_t next; /* the next automatic argument */
};

static int field_value(struct braces *b, struct value *out, struct view name)
{
	uint64_t index = b->next;

	if (name.n == 0)
		b->next++;
	if (name.n == 0 || view_u64(&index, name)) {
		if (index >= b->args->n)
			return FAIL(b->m, "there is no argument %llu to format", (unsigned long long)index);
		*out = b->args->pos[index];
		return 0;
	}
	for (size_t i = 0; i < b->args->n_named; i++) {
		if (view_eq(b->args->named[i].name, name)) {
			*out = b->args->named[i].value;
			return 0;
		}
	}
	return FAIL(b->m, "there is no argument '%.*s' to format", SHORT_VIEW(name));
}

/* "name.attr[key]" up to `end`. */
static int field_path(struct braces *b, struct value *out, size_t at, size_t end)
{
	const char *p = b->format->p;
	size_t to = at;

	while (to < end && p[to] != '.' && p[to] != '[')
		to++;
	if (field_value(b, out, (struct view){ p + at, to - at }) < 0)
		return -1;
	for (at = to; at < end; at = to) {
		struct view part;
		uint64_t index;
		bool item = p[at] == '[';

		for (to = at + 1; to < end && (item ? p[to] != ']' : p[to] != '.' && p[to] != '['); to++)
			;
		part = (struct view){ p + at + 1, to - at - 1 };
		to += item && to < end;
		if (item ? value_item(b->m, out, *out,
				      view_u64(&index, part) && index <= INT64_MAX
					      ? val_int((int64_t)index)
					      : val_text(text_make(&b->m->heap, part, 0))) < 0
			 : value_attr(b->m, out, *out, part) < 0)
			return -1;
	}
	return 0;
}

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static int read_spec(struct braces *b, struct spec *s, size_t at, size_t end)
{
	const struct text *t = b->format;
	uint32_t cp;
	size_t len = utf8_decode(&cp, t->p + at, end - at);

	s->given = at < end;
	if (at + len < end && strchr("<>^=", t->p[at + len]) != NULL) {
		s->fill = text_part(&b->m->heap, t, at, at + len);
		s->align = t->p[at + len];
		at += len + 1;
	} else if (at < end && strchr("<>^=", t->p[at]) != NULL) {
		s->align = t->p[at++];
	}
	if (at < end && strchr("+- ", t->p[at]) != NULL)
		s->sign = t->p[at++];
	if (at < end && t->p[at] == '#') {
		s->alternate = true;
		at++;
	}
	if (at < end && t->p[at] == '0' && s->align == 0) {
		s->fill = text_of(&b->m->heap, "0");
		s->align = '=';
		at++;
	}
	s->width = read_digits(t, &at);
	if (at < end && t->p[at] == ',') {
		s->comma = true;
		at++;
	}
	if (at < end && t->p[at] == '.') {
		at++;
		s->precision = read_digits(t, &at);
	}
	if (at < end)
		s->type = t->p[at++];
	return at == end ? 0 : FAIL(b->m, "a format specification that is not supported");
}

static int put_field(struct braces *b, struct pen *out, struct spec *s, struct value v, char conversion)
{
	bool number = val_is_number(v) && conversion == 0 && (v.kind != VAL_BOOL || s->given);

	if (s->given && conversion == 0 && v.kind != VAL_STRING && !val_is_number(v))
		return FAIL(b->m, "a %s takes no format specification", val_type(v));
	if (conversion != 0 && conversion != 'r' && conversion != 's')
		return FAIL(b->m, "the conversion '!%c' is not supported", conversion);
	if (s->type == 's' || s->type == 0) {
		if (number && s->type == 's')
			return FAIL(b->m, "unknown format code 's' for a %s", val_type(v));
		if (number && v.kind == VAL_FLOAT && (s->precision >= 0 || s->sign == '+' || s->sign == ' '))
			return FAIL(b->m, "a format of a float without a type is not supported");
		if (number && v.kind != VAL_FLOAT) {
			s->type = 'd';
			return put_number(b->m, out, s, v);
		}
		if (number && s->align == 0)
			s->align = '>';
		return put_string(b->m, out, s, v, conversion == 'r');
	}
	if (!number)
		return v.kind == VAL_UNDEFINED
			       ? machine_undefined(b->m, v)
			       : FAIL(b->m, "unknown format code '%c' for a %s", s->type, val_type(v));
	if ((s->type == 'd' || s->type == 'x' || s->type == 'X') && v.kind == VAL_FLOAT)
		return FAIL(b->m, "unknown format code '%c' for a float", s->type);
	return put_number(b->m, out, s, v);
}

/* "{...}" whose inside is [at, end). */
static int braces_one(struct braces *b, struct pen *out, size_t at, size_t end)
{
	struct spec s = { .fill = text_of(&b->m->heap, " "), .precision = -1 };
	const char *p = b->format->p;
	size_t path = at;
	char conversion = 0;
	struct value v;

	while (path < end && p[path] != '!' && p[path] != ':')
		path++;
	if (field_path(b, &v, at, path) < 0)
		return -1;
	if (path < end && p[path] == '!') {
		conversion = path + 1 < end ? p[path + 1] : '?';
		path += 2;
	}
	if (path < end && (p[path] != ':' || read_spec(b, &s, path + 1, end) < 0))
		return p[path] != ':' ? FAIL(b->m, "expected ':' after the conversion") : -1;
	return put_field(b, out, &s, v, conversion);
}

int format_braces(struct machine *m, struct value *out, const struct text *format, const struct args *args)
{
	struct braces b = { .m = m, .format = format, .args = args };
	struct pen *pen = pen_new(&m->heap);
	size_t at = 0, plain = 0;

	while (at < format->n) {
		char c = format->p[at];
		size_t close;

		if (c != '{' && c != '}') {
			at++;
			continue;
		}
		if (machine_step(m, 0) < 0)
			return -1;
		if (at + 1 < format->n && format->p[at + 1] == c) {
			pen_part(pen, format, plain, at + 1);
			at += 2;
			plain = at;
			continue;
		}
		close = text_find(format, VIEW("}"), at);
		if (c == '}' || close == SIZE_MAX)
			return FAIL(m, "single '%c' in a format string", c);
		if (text_find(format, VIEW("{"), at + 1) < close)
			return FAIL(m, "nested fields in a format string are not supported");
		pen_part(pen, format, plain, at);
		if (braces_one(&b, pen, at + 1, close) < 0)
			return -1;
		at = close + 1;
		plain = at;
	}
	pen_part(pen, format, plain, format->n);
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}

/* ---- strftime, of a day at midnight, in English ---- */

struct day {
	int year, month, day, of_year, of_week; /* of_week: 0 is Sunday */
};

static bool read_day(struct day *d, const char *now)
{
	static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	static const int shift[] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 }; /* Sakamoto's table */
	bool leap;
	int y;

	for (size_t i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? now[i] != '-' : now[i] < '0' || now[i] > '9')
			return false;
	d->year = (now[0] - '0') * 1000 + (now[1] - '0') * 100 + (now[2] - '0') * 10 + (now[3] - '0');
	d->month = (now[5] - '0') * 10 + (now[6] - '0');
	d->day = (now[8] - '0') * 10 + (now[9] - '0');
	leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
	if (now[10] != '\0' || d->year < 1 || d->month < 1 || d->month > 12 || d->day < 1 ||
	    d->day > length[d->month - 1] + (leap && d->month == 2))
		return false;
	d->of_year = d->day + (leap && d->month > 2);
	for (int i = 0; i < d->month - 1; i++)
		d->of_year += length[i];
	y = d->year - (d->month < 3);
	d->of_week = (y + y / 4 - y / 100 + y / 400 + shift[d->month - 1] + d->day) % 7;
	return true;
}

static int put_date(struct machine *m, struct pen *out, const struct day *d, char c, bool bare)
{
	static const char *const month[] = { "January",	  "February", "March",	  "April",
					     "May",	  "June",     "July",	  "August",
					     "September", "October",  "November", "December" };
	static const char *const week[] = { "Sunday",	"Monday", "Tuesday", "Wednesday",
					    "Thursday", "Friday", "Saturday" };
	static const char zero_numbers[] = "HMSfIp";

	if (c == 'Y')
		pen_fmt(out, "%d", d->year);
	else if (c == 'm' || c == 'd' || c == 'y')
		pen_fmt(out, bare ? "%d" : "%02d", c == 'm' ? d->month : c == 'd' ? d->day : d->year % 100);
	else if (c == 'e')
		pen_fmt(out, bare ? "%d" : "%2d", d->day);
	else if (c == 'j')
		pen_fmt(out, bare ? "%d" : "%03d", d->of_year);
	else if (c == 'B')
		pen_puts(out, month[d->month - 1]);
	else if (c == 'b' || c == 'h')
		pen_bytes(out, month[d->month - 1], 3);
	else if (c == 'A')
		pen_puts(out, week[d->of_week]);
	else if (c == 'a')
		pen_bytes(out, week[d->of_week], 3);
	else if (c == 'w' || c == 'u')
		pen_fmt(out, "%d", c == 'u' && d->of_week == 0 ? 7 : d->of_week);
	else if (c == 'F')
		pen_fmt(out, "%d-%02d-%02d", d->year, d->month, d->day);
	else if (c == 'D' || c == 'x')
		pen_fmt(out, "%02d/%02d/%02d", d->month, d->day, d->year % 100);
	else if (c == 'T' || c == 'X')
		pen_puts(out, "00:00:00");
	else if (c == 'R')
		pen_puts(out, "00:00");
	else if (c == '%')
		pen_char(out, '%');
	else if (c != '\0' && strchr(zero_numbers, c) != NULL)
		pen_puts(out, c == 'f' ? "000000" : c == 'I' ? "12" : c == 'p' ? "AM" : bare ? "0" : "00");
	else
		return FAIL(m, "the date format %%%c is not supported", c != '\0' ? c : '?');
	return 0;
}

int format_date(struct machine *m, struct value *out, const struct text *format)
{
	struct pen *pen = pen_new(&m->heap);
	struct day d;

	if (m->now == NULL)
		return FAIL(m, "strftime_now() needs a date, and none was given");
	if (!read_day(&d, m->now))
		return FAIL(m, "strftime_now() needs a date as YYYY-MM-DD, not '%.20s'", m->now);
	for (size_t at = 0; at < format->n; at++) {
		bool bare = false;

		if (format->p[at] != '%') {
			pen_part(pen, format, at, at + 1);
			continue;
		}
		bare = at + 1 < format->n && format->p[at + 1] == '-';
		at += 1 + bare;
		if (put_date(m, pen, &d, at < format->n ? format->p[at] : '\0', bare) < 0)
			return -1;
	}
	*out = val_text(pen_text_of(pen));
	return machine_step(m, out->text->n);
}
