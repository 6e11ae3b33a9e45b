#include "report/surface.h"

#include <string.h>

/* CycloneDX 1.6: both models as machine-learning-model components, their files as components within. */

static void put_hash(struct json_out *j, const struct json *holder)
{
	json_open(j, "hashes", '[');
	json_open(j, NULL, '{');
	json_puts(j, "alg", "SHA-256");
	json_put(j, "content", json_find(holder, "sha256"));
	json_close(j, '}');
	json_close(j, ']');
}

static void put_files(struct json_out *j, const struct surface *s, const char *role)
{
	const struct json *inputs = json_find(s->provenance, "inputs");

	json_open(j, "components", '[');
	for (const struct json *in = inputs ? inputs->first : NULL; in; in = in->next) {
		if (strcmp(json_text(s->mem, in, "role", ""), role) != 0)
			continue;
		json_open(j, NULL, '{');
		json_puts(j, "type", "file");
		json_put(j, "name", json_find(in, "name"));
		put_hash(j, in);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_model(struct json_out *j, const struct surface *s, const char *role)
{
	const struct json *subject = json_find(json_find(s->provenance, "subjects"), role);
	const struct json *model = json_find(json_find(s->results, "models"), role);

	json_open(j, NULL, '{');
	json_puts(j, "type", "machine-learning-model");
	json_puts(j, "bom-ref", role);
	json_put(j, "name", json_find(subject, "name"));
	json_puts(j, "description",
		  strcmp(role, "base") ? "the release under audit" : "the trusted reference");
	json_open(j, "modelCard", '{');
	json_open(j, "modelParameters", '{');
	json_put(j, "architectureFamily", json_find(model, "family"));
	json_close(j, '}');
	json_close(j, '}');
	json_open(j, "properties", '[');
	json_open(j, NULL, '{');
	json_puts(j, "name", "dfc-audit:model-signing-v1.0:sha256");
	json_put(j, "value", json_find(subject, "sha256"));
	json_close(j, '}');
	json_close(j, ']');
	put_files(j, s, role);
	json_close(j, '}');
}

void bom_put(struct json_out *j, const struct surface *s)
{
	const struct json *date = json_find(s->provenance, "date");

	json_open(j, NULL, '{');
	json_puts(j, "bomFormat", "CycloneDX");
	json_puts(j, "specVersion", "1.6");
	json_put_size(j, "version", 1);
	json_open(j, "metadata", '{');
	if (!json_is_null(date))
		json_put(j, "timestamp", date);
	json_open(j, "tools", '{');
	json_open(j, "components", '[');
	json_open(j, NULL, '{');
	json_puts(j, "type", "application");
	json_puts(j, "name", "dfc-audit");
	json_put(j, "version", json_find(json_find(s->provenance, "program"), "version"));
	json_close(j, '}');
	json_close(j, ']');
	json_close(j, '}');
	json_close(j, '}');
	json_open(j, "components", '[');
	put_model(j, s, "base");
	put_model(j, s, "candidate");
	json_close(j, ']');
	json_close(j, '}');
}
