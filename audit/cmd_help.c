#include "cmd.h"
#include "cmd_complete.h"
#include "base/str.h"
#include "base/version.h"

#include <string.h>

/* The table of commands as text, as a man page, and (cmd_complete.c) as completions. */

static const struct {
	int status;
	const char *meaning;
} exits[] = {
	{ 0, "done" },
	{ 1, "a check ran, and its answer is no (verify, diff, golden, reproduce, parity)" },
	{ 2,
	  "asked wrongly: the command line, a spec, a template, an uncommitted spec without --allow-dirty" },
	{ 3, "bad input: a model, corpus or artifact is missing or malformed" },
	{ 4, "the system refused: a full disk, a missing right, a closed standard output" },
	{ 5, "too large: it does not fit the memory there is, or the spec's limits" },
	{ 70, "a bug in this program" },
	{ 128, "plus the number of the signal that ended it; the same command, given again, goes on" },
};

enum { N_EXITS = sizeof(exits) / sizeof(exits[0]) };

static const char *value_name(struct arena *mem, const struct field *row)
{
	const char *s = "";

	switch (row->kind) {
	case FIELD_BOOL: return "";
	case FIELD_WORD:
		for (size_t i = 0; row->words[i]; i++)
			s = arena_fmt(mem, "%s%s%s", s, i ? "|" : " ", row->words[i]);
		return s;
	case FIELD_PATH: return " PATH";
	case FIELD_TEXT: return " TEXT";
	default: return " N";
	}
}

static const char *option_name(struct arena *mem, const struct field *row)
{
	return arena_fmt(mem, "%s%s%s", row->name[1] ? "--" : "-", row->name, value_name(mem, row));
}

/* What an option takes and does, in one paragraph. */
static const char *option_text(struct arena *mem, const struct field *row)
{
	bool plain = row->kind == FIELD_BOOL || row->kind == FIELD_WORD || row->kind == FIELD_PATH ||
		     row->kind == FIELD_TEXT;
	const char *s = row->help;

	if (!plain)
		s = arena_fmt(mem, "%s (%s)", s, field_kind_text(mem, row));
	if (row->fallback && row->fallback[0] && row->kind != FIELD_BOOL)
		s = arena_fmt(mem, "%s; default %s", s, row->fallback);
	return s;
}

static void print_paragraphs(FILE *f, struct arena *mem, const char *about)
{
	while (*about) {
		size_t n = strcspn(about, "\n");

		help_wrap(f, arena_strdup(mem, about, n), 2);
		about += n + (about[n] == '\n');
		if (*about)
			fputc('\n', f);
	}
}

static void print_command(FILE *f, struct arena *mem, const struct cmd *c)
{
	fprintf(f, "dfc-audit %s%s%s%s\n\n", c->name, c->operands[0] ? " " : "", c->operands,
		c->opts ? " [OPTION...]" : "");
	print_paragraphs(f, mem, c->about);
	for (const struct field *row = c->opts; row && row->name; row++) {
		fprintf(f, "\n  %s\n", option_name(mem, row));
		help_wrap(f, option_text(mem, row), 6);
	}
}

static void print_overview(FILE *f)
{
	fputs("dfc-audit COMMAND [OPERAND...] [OPTION...]\n\n"
	      "  Compares a language model with the one it came from, and writes the audit report.\n\n",
	      f);
	for (size_t i = 0; commands[i]; i++)
		fprintf(f, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n  dfc-audit help COMMAND, or COMMAND --help: what it takes and does\n"
	      "  dfc-audit help spec: every field of a spec, with its default and bounds\n\nExit status:\n",
	      f);
	for (size_t i = 0; i < N_EXITS; i++)
		fprintf(f, "  %-4d %s\n", exits[i].status, exits[i].meaning);
}

/* Text fit for roff: no line is a request, no dash a hyphen. */
static void man_text(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s; s++) {
		if (*s == '-')
			fputs("\\-", f);
		else if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '\n')
			fputs("\n.PP\n", f);
		else
			fputc(*s, f);
	}
	fputc('\n', f);
}

static void man_command(FILE *f, struct arena *mem, const struct cmd *c)
{
	fputs(".SS ", f);
	man_text(f, arena_fmt(mem, "%s %s", c->name, c->operands));
	man_text(f, c->about);
	for (const struct field *row = c->opts; row && row->name; row++) {
		fputs(".TP\n.B ", f);
		man_text(f, option_name(mem, row));
		man_text(f, option_text(mem, row));
	}
}

static void print_man(FILE *f, struct arena *mem)
{
	fprintf(f, ".TH DFC-AUDIT 1 \"\" \"dfc-audit %s\" \"User Commands\"\n", program_version());
	fputs(".SH NAME\ndfc-audit \\- audit report of a language model against the one it came from\n"
	      ".SH SYNOPSIS\n.B dfc-audit\n.I COMMAND\n[OPERAND...] [OPTION...]\n.SH DESCRIPTION\n"
	      "A spec names two models and a corpus. The program reads the corpus with both, trains a dictionary of\n"
	      "features that tells what the two share from what only one has, tests by steering which of them change\n"
	      "behaviour, and writes a report as Markdown and PDF, pinned to the git commit of the spec. The same spec and\n"
	      "inputs give the same bytes, whatever the number of threads or interruptions.\n"
	      ".PP\nThe product of a command goes to standard output, its talk to standard error.\n.SH COMMANDS\n",
	      f);
	for (size_t i = 0; commands[i]; i++)
		man_command(f, mem, commands[i]);
	fputs(".SH EXIT STATUS\n", f);
	for (size_t i = 0; i < N_EXITS; i++) {
		fprintf(f, ".TP\n.B %d\n", exits[i].status);
		man_text(f, exits[i].meaning);
	}
	fputs(".SH ENVIRONMENT\n.TP\n.B DFC_AUDIT_CACHE\nwhere computed artifacts are kept; default: the folder cache.\n"
	      ".SH FILES\n.TP\n.I runs/NAME-KEY/\na run: spec.yaml, plan.json, provenance.json, results.json, report.md,\n"
	      "report.pdf, figures/, and MANIFEST with the digest of each, in the form of sha256sum \\-c; besides,\n"
	      "log.txt and timings.json, which are about this run only.\n.TP\n.I cache/\n"
	      "what was computed, by the digest of all that it depends on; may be deleted at any time.\n",
	      f);
}

static int run_help(const struct call *c, struct err *e)
{
	const char *topic = c->n ? c->operand[0] : "";
	const struct cmd *cmd = cmd_find(topic);
	const char *near;

	if (c->n == 0) {
		print_overview(stdout);
	} else if (cmd) {
		print_command(stdout, c->mem, cmd);
	} else if (strcmp(topic, "spec") == 0) {
		puts("# Every field of a spec. Paths are taken from the spec's folder.\n");
		spec_help(stdout);
	} else if (strcmp(topic, "man") == 0) {
		print_man(stdout, c->mem);
	} else if (!complete_print(stdout, topic)) {
		near = cmd_near(c->mem, topic);
		return err_set(e, ERR_USAGE, "nothing is known of %s; %s%s%s", topic,
			       near ? "is it "
				    : "there is help of "
				      "each command, and help spec, man, bash, zsh, fish",
			       near ? near : "", near ? "?" : "");
	}
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.operands = "[COMMAND | spec | man | bash | zsh | fish]",
	.summary = "what a command takes and does; every field of a spec",
	.about =
		"Prints the list of commands, or one command's help.\n"
		"help spec prints every field of a spec; help man the manual page; help bash, zsh and fish completions for "
		"these shells.",
	.max = 1,
	.run = run_help,
};
