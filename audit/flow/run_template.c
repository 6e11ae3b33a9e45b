#include "base/json.h"
#include "base/out.h"
#include "flow/inputs.h"
#include "flow/run.h"

enum { TREE_BYTES = 64 << 20 };

static bool is_template(const struct json *input)
{
	const struct json *role = json_find(input, "role");

	return role != NULL && role->kind == JSON_STRING && view_is(role->str, "template");
}

static int put_inputs(struct json_out *j, const struct json *was, const struct named_file *template, size_t n,
		      struct err *e)
{
	json_open(j, "inputs", '[');
	for (const struct json *v = was->first; v != NULL; v = v->next) {
		if (!is_template(v))
			json_put(j, NULL, v);
	}
	for (size_t i = 0; i < n; i++) {
		struct input in = { .role = "template", .name = template[i].name };

		if (digest_file(&in.digest, &in.bytes, template[i].path, e) < 0)
			return -1;
		input_write(j, &in);
	}
	json_close(j, ']');
	return 0;
}

int run_retemplate(const char *dir, const struct named_file *template, size_t n, struct err *e)
{
	struct arena mem = ARENA_INIT;
	const char *path = arena_fmt(&mem, "%s/provenance.json", dir);
	struct json_out j = { .compact = false };
	const struct json *was;
	int rc = json_read_file(&was, &mem, path, TREE_BYTES, e);

	/* a directory with a MANIFEST is a finished run */
	if (rc == 0)
		rc = path_remove(arena_fmt(&mem, "%s/MANIFEST", dir), e);
	if (rc == 0)
		rc = out_open(&j.out, path, e);
	if (rc == 0) {
		json_open(&j, NULL, '{');
		for (const struct json *v = was->first; v != NULL && rc == 0; v = v->next) {
			if (view_is(v->key, "inputs"))
				rc = put_inputs(&j, v, template, n, e);
			else
				json_put(&j, arena_strdup(&mem, v->key.p, v->key.n), v);
		}
		json_close(&j, '}');
		if (rc < 0)
			out_abort(j.out);
		else
			rc = out_commit(j.out, NULL, e);
	}
	arena_release(&mem);
	return rc;
}
