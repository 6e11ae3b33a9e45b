/* JSON: what is read can be written, and what was written reads as the same. */

#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str once = STR_INIT, twice = STR_INIT;
	struct json_out j1 = JSON_TO_STR(&once), j2 = JSON_TO_STR(&twice);
	struct arena mem = ARENA_INIT;
	struct err e = ERR_INIT;
	const struct json *v;

	if (json_read(&v, &mem, (struct view){ (const char *)p, n }, "input", &e) < 0) {
		if (e.code == ERR_NONE || e.line == 0)
			abort();
	} else {
		json_put(&j1, NULL, v);
		if (json_read(&v, &mem, str_view(&once), "written", &e) < 0)
			abort();
		json_put(&j2, NULL, v);
		if (!view_eq(str_view(&once), str_view(&twice)))
			abort();
		json_pos(v->first ? v->first : v);
	}
	str_release(&once);
	str_release(&twice);
	arena_release(&mem);
	return 0;
}
