#include "flow/gate.h"

#include "flow/spec.h"

#include <string.h>

/* The canonical form of a spec is YAML too, so the table that reads a spec reads it back. */
int gate_of(struct gate_opts *out, struct arena *mem, const struct json *results, struct err *e)
{
	const struct json *gate = json_find(json_find(results, "spec"), "gate");
	struct problems p = PROBLEMS_INIT;
	struct str text = STR_INIT;
	struct json_out j = JSON_TO_STR(&text);
	const struct yaml *y;
	int rc;

	if (gate)
		json_put(&j, NULL, gate);
	rc = yaml_read(&y, mem, (struct view){ arena_strdup(mem, text.n ? text.p : "", text.n), text.n },
		       "results.json", e);
	if (rc == 0) {
		field_read(out, field_find(spec_fields, "gate")->inner, y, mem, &p);
		if (p.n > 0)
			rc = err_set(e, ERR_INPUT, "the gate in results.json is none: %s", p.item[0].msg);
	}
	problems_release(&p);
	str_release(&text);
	return rc;
}
