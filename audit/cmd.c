#include "cmd.h"
#include "base/out.h"
#include "base/str.h"
#include "base/version.h"

#include <string.h>

const struct cmd *const commands[] = {
	&cmd_run,	&cmd_plan,     &cmd_render,  &cmd_parity, &cmd_show, &cmd_export,
	&cmd_align,	&cmd_tokenize, &cmd_bench,   &cmd_verify, &cmd_diff, &cmd_golden,
	&cmd_reproduce, &cmd_help,     &cmd_version, NULL,
};

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

const char *cmd_near(struct arena *mem, const char *wrong)
{
	const char **names;
	size_t n = 0;

	while (commands[n])
		n++;
	names = ARENA_ARRAY(mem, n + 1, const char *);
	for (size_t i = 0; i < n; i++)
		names[i] = commands[i]->name;
	return word_near(names, view_of(wrong));
}

int cmd_usage(const struct cmd *c, struct err *e)
{
	return err_set(e, ERR_USAGE, "it is called so: dfc-audit %s%s%s%s", c->name,
		       c->operands[0] ? " " : "", c->operands, c->opts ? " [OPTION...]" : "");
}

unsigned call_threads(const struct call *c, size_t asked)
{
	return (unsigned)(asked ? asked : c->host->processors);
}

static int read_spec(struct spec *out, const struct call *c, const char *path,
		     int (*read)(struct spec *out, struct arena *mem, const char *path, struct problems *p),
		     struct err *e)
{
	struct problems p = PROBLEMS_INIT;
	int rc = read(out, c->mem, path, &p);

	if (rc < 0) {
		problems_print(&p, out->text, stderr);
		*e = (struct err){ .code = problems_code(&p) };
	}
	problems_release(&p);
	return rc;
}

int call_spec(struct spec *out, const struct call *c, const char *path, struct err *e)
{
	return read_spec(out, c, path, spec_read, e);
}

int call_spec_ahead(struct spec *out, const struct call *c, const char *path, struct err *e)
{
	return read_spec(out, c, path, spec_read_ahead, e);
}

int call_run(const struct call *c, const char *dir, const char *file, struct err *e)
{
	if (!path_is_dir(dir))
		return err_set(e, ERR_INPUT, "there is no run directory %s", dir);
	if (!path_is_file(arena_fmt(c->mem, "%s/%s", dir, file)))
		return err_set(e, ERR_INPUT, "%s has no %s; a run that has ended is needed", dir, file);
	return 0;
}

void print_json(struct str *s)
{
	if (s->n > 0)
		(void)fwrite(s->p, 1, s->n, stdout);
	str_release(s);
}

static int run_version(const struct call *c, struct err *e)
{
	(void)c;
	(void)e;
	printf("dfc-audit %s\ncommit %s\n", program_version(), program_commit());
	return 0;
}

const struct cmd cmd_version = {
	.name = "version",
	.operands = "",
	.summary = "what this program is",
	.about = "Prints the version, and the commit it was built from (a + behind it: files differed).",
	.run = run_version,
};
