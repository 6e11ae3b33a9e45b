#include "flow/spec.h"

/*
 * Any bytes as a spec.  What is wrong is printed, with a place that is in the text; what the table accepts is written
 * in canonical form, read again and must be written the same.
 */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct digest canonical(const struct spec *s)
{
	struct sha256 hash;
	struct json_out j = JSON_TO_HASH(&hash);

	sha256_init(&hash);
	json_open(&j, NULL, '{');
	field_write(&j, spec_fields, s);
	json_close(&j, '}');
	return sha256_end(&hash);
}

static bool read_table(struct spec *s, struct arena *mem, struct view text)
{
	struct problems problems = PROBLEMS_INIT;
	struct err e = ERR_INIT;
	const struct yaml *y;
	bool ok;

	*s = (struct spec){ .path = NULL };
	if (yaml_read(&y, mem, text, "spec.yaml", &e) < 0)
		return false;
	field_read(s, spec_fields, y, mem, &problems);
	ok = problems.n == 0;
	problems_release(&problems);
	return ok;
}

static void check_fixed_point(struct arena *mem, struct view text)
{
	struct str form = STR_INIT;
	struct json_out j = JSON_TO_STR(&form);
	struct spec s, again;

	if (!read_table(&s, mem, text))
		return;
	json_open(&j, NULL, '{');
	field_write(&j, spec_fields, &s);
	json_close(&j, '}');
	BUG_ON(!read_table(&again, mem, str_view(&form)));
	BUG_ON(!digest_eq(canonical(&s), canonical(&again)));
	str_release(&form);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena mem = ARENA_INIT;
	struct problems problems = PROBLEMS_INIT;
	struct view text = { (const char *)p, n };
	char room[4096];
	FILE *sink = fmemopen(room, sizeof(room), "w");
	struct spec s;
	int rc = spec_parse(&s, &mem, text, "tests/spec/fuzz.yaml", &problems);

	BUG_ON((rc == 0) != (problems.n == 0));
	if (sink) {
		problems_print(&problems, text, sink);
		fclose(sink);
	}
	check_fixed_point(&mem, text);
	problems_release(&problems);
	arena_release(&mem);
	return 0;
}
