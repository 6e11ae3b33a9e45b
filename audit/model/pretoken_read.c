#include "model/pretoken.h"
#include "model/tokenizer_read.h"

/* What GPT-2 splits by; ByteLevel has it built in. */
static const char gpt2_pattern[] =
	"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

static const char *const behavior_name[] = {
	[SPLIT_REMOVED] = "Removed",
	[SPLIT_ISOLATED] = "Isolated",
	[SPLIT_WITH_PREVIOUS] = "MergedWithPrevious",
	[SPLIT_WITH_NEXT] = "MergedWithNext",
	[SPLIT_CONTIGUOUS] = "Contiguous",
};

static int read_behavior(enum pretoken_behavior *out, const struct json *v, struct err *e)
{
	struct view name;

	if (json_str(&name, v, "behavior", e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(behavior_name) / sizeof(behavior_name[0]); i++) {
		if (view_is(name, behavior_name[i])) {
			*out = (enum pretoken_behavior)i;
			return 0;
		}
	}
	return err_at(e, ERR_INPUT, json_pos(json_find(v, "behavior")),
		      "behavior '%.*s' is not Removed, Isolated, "
		      "MergedWithPrevious, MergedWithNext or Contiguous",
		      read_shown(name), name.p);
}

static int read_split(struct pretoken_step *s, struct arena *mem, const struct json *v, struct err *e)
{
	if (read_behavior(&s->behavior, v, e) < 0 || read_flag(&s->invert, v, "invert", false, e) < 0)
		return -1;
	return normal_pattern(&s->literal, &s->pattern, mem, v, e);
}

static int read_bytes(struct pretoken_step *s, const struct json *v, struct err *e)
{
	bool use_regex;

	s->kind = PRETOKEN_BYTES;
	s->behavior = SPLIT_ISOLATED;
	if (read_flag(&s->prefix, v, "add_prefix_space", true, e) < 0 ||
	    read_flag(&use_regex, v, "use_regex", true, e) < 0)
		return -1;
	return use_regex ? pattern_open(&s->pattern, view_of(gpt2_pattern), e) : 0;
}

static int read_metaspace(struct pretoken_step *s, struct arena *mem, const struct json *v, struct err *e)
{
	const struct json *scheme = json_find(v, "prepend_scheme");
	bool split, prefix;

	s->kind = PRETOKEN_METASPACE;
	s->behavior = SPLIT_WITH_NEXT;
	if (read_character(&s->mark, mem, v, "replacement", e) < 0 ||
	    read_flag(&split, v, "split", true, e) < 0 ||
	    read_flag(&prefix, v, "add_prefix_space", true, e) < 0)
		return -1;
	s->literal = split ? s->mark : (struct view){ NULL, 0 };
	if (json_is_null(scheme))
		s->prepend = prefix ? PREPEND_ALWAYS : PREPEND_NEVER;
	else if (scheme->kind == JSON_STRING && view_is(scheme->str, "always"))
		s->prepend = PREPEND_ALWAYS;
	else if (scheme->kind == JSON_STRING && view_is(scheme->str, "first"))
		s->prepend = PREPEND_FIRST;
	else if (scheme->kind == JSON_STRING && view_is(scheme->str, "never"))
		s->prepend = PREPEND_NEVER;
	else
		return err_at(e, ERR_INPUT, json_pos(scheme),
			      "\"prepend_scheme\" has to be first, always or never");
	if (!prefix && s->prepend != PREPEND_NEVER)
		return err_at(e, ERR_INPUT, json_pos(v),
			      "\"add_prefix_space\" and \"prepend_scheme\" do not agree");
	return 0;
}

/* Runs of word characters, as UTS 18 has them, and runs of everything else but blanks are words; blanks go. */
#define WORD "\\w\xe2\x80\x8c\xe2\x80\x8d"

static int read_whitespace(struct pretoken_step *s, struct err *e)
{
	s->behavior = SPLIT_REMOVED;
	s->invert = true;
	return pattern_open(&s->pattern, VIEW("[" WORD "]+|[^\\s" WORD "]+"), e);
}

static int read_digits(struct pretoken_step *s, struct arena *mem, const struct json *v, struct err *e)
{
	bool single;

	if (read_flag(&single, v, "individual_digits", false, e) < 0)
		return -1;
	s->behavior = single ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
	s->by_chars = true;
	BUG_ON(!unicode_class(&s->chars, mem, VIEW("N")));
	return 0;
}

static int read_chars(struct pretoken_step *s, struct arena *mem, const char *name,
		      enum pretoken_behavior behavior)
{
	s->behavior = behavior;
	s->by_chars = true;
	BUG_ON(!unicode_class(&s->chars, mem, view_of(name)));
	return 0;
}

static int read_punctuation(struct pretoken_step *s, struct arena *mem, const struct json *v, struct err *e)
{
	read_chars(s, mem, "punctuator", SPLIT_ISOLATED);
	return json_is_null(json_find(v, "behavior")) ? 0 : read_behavior(&s->behavior, v, e);
}

struct reading {
	struct pretoken *pretoken;
	struct arena *mem;
};

static int read_step(void *ud, const struct json *v, struct view type, struct err *e)
{
	const struct reading *r = ud;
	struct pretoken_step *s = &r->pretoken->step[r->pretoken->n++];
	struct arena *mem = r->mem;

	*s = (struct pretoken_step){ .kind = PRETOKEN_SPLIT };
	if (view_is(type, "Split"))
		return read_split(s, mem, v, e);
	if (view_is(type, "ByteLevel"))
		return read_bytes(s, v, e);
	if (view_is(type, "Metaspace"))
		return read_metaspace(s, mem, v, e);
	if (view_is(type, "Digits"))
		return read_digits(s, mem, v, e);
	if (view_is(type, "Whitespace"))
		return read_whitespace(s, e);
	if (view_is(type, "Punctuation"))
		return read_punctuation(s, mem, v, e);
	if (view_is(type, "WhitespaceSplit"))
		return read_chars(s, mem, "space", SPLIT_REMOVED);
	return err_at(e, ERR_INPUT, json_pos(v), "pre_tokenizer %.*s is not supported", read_shown(type),
		      type.p);
}

int pretoken_read(struct pretoken *out, struct arena *mem, const struct json *v, struct err *e)
{
	struct reading r = { out, mem };

	*out = (struct pretoken){ .step = ARENA_ARRAY(mem, STEPS_MOST, struct pretoken_step) };
	if (read_steps(v, "pretokenizers", read_step, &r, e) < 0)
		return -1;
	out->bytes = out->n > 0 && out->step[out->n - 1].kind == PRETOKEN_BYTES;
	return 0;
}

void pretoken_release(struct pretoken *t)
{
	for (size_t i = 0; i < t->n; i++)
		pattern_close(t->step[i].pattern);
	t->n = 0;
}
