#include "cmd_complete.h"
#include "cmd.h"

#include <string.h>

static const char *dashes(const struct field *row)
{
	return row->name[1] ? "--" : "-";
}

/* Does a value follow that is a file or folder? */
static bool takes_path(const struct field *row)
{
	return row->kind == FIELD_PATH;
}

static void words(FILE *f, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		fprintf(f, "%s%s", i ? " " : "", list[i]);
}

static const char *const help_topics[] = { "spec", "man", "bash", "zsh", "fish", NULL };

static void command_names(FILE *f)
{
	for (size_t i = 0; commands[i]; i++)
		fprintf(f, "%s%s", i ? " " : "", commands[i]->name);
}

static void bash_values(FILE *f)
{
	fputs("\tcase \"$cmd $prev\" in\n", f);
	for (size_t i = 0; commands[i]; i++) {
		for (const struct field *row = commands[i]->opts; row && row->name; row++) {
			if (row->kind == FIELD_BOOL)
				continue;
			fprintf(f, "\t\"%s %s%s\") ", commands[i]->name, dashes(row), row->name);
			if (row->kind == FIELD_WORD) {
				fputs("COMPREPLY=($(compgen -W \"", f);
				words(f, row->words);
				fputs("\" -- \"$cur\")); ", f);
			} else if (takes_path(row)) {
				fputs("COMPREPLY=($(compgen -f -- \"$cur\")); ", f);
			}
			fputs("return ;;\n", f);
		}
	}
	fputs("\tesac\n", f);
}

static void bash(FILE *f)
{
	fputs("# bash completion of dfc-audit, made by: dfc-audit help bash\n"
	      "_dfc_audit()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]}\n"
	      "\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"",
	      f);
	command_names(f);
	fputs("\" -- \"$cur\"))\n\t\treturn\n\tfi\n", f);
	bash_values(f);
	fputs("\tcase $cur in\n\t-*)\n\t\tcase $cmd in\n", f);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "\t\t%s) COMPREPLY=($(compgen -W \"--help", commands[i]->name);
		for (const struct field *row = commands[i]->opts; row && row->name; row++)
			fprintf(f, " %s%s", dashes(row), row->name);
		fputs("\" -- \"$cur\")) ;;\n", f);
	}
	fputs("\t\tesac\n\t\treturn ;;\n\tesac\n\tcase \"$cmd $COMP_CWORD\" in\n", f);
	for (size_t i = 0; commands[i]; i++) {
		if (!commands[i]->first)
			continue;
		fprintf(f, "\t\"%s 2\") COMPREPLY=($(compgen -W \"", commands[i]->name);
		words(f, commands[i]->first);
		fputs("\" -- \"$cur\")) ;;\n", f);
	}
	fputs("\t\"help 2\") COMPREPLY=($(compgen -W \"", f);
	command_names(f);
	fputc(' ', f);
	words(f, help_topics);
	fputs("\" -- \"$cur\")) ;;\n\t*) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n\tesac\n}\n"
	      "complete -o filenames -F _dfc_audit dfc-audit\n",
	      f);
}

/* Text inside single quotes of zsh, where _arguments also reads colons and brackets. */
static void zsh_text(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", f);
		else
			fprintf(f, "%s%c", strchr("[]:\\", *s) ? "\\" : "", *s);
	}
}

static void fish_text(FILE *f, const char *s)
{
	for (; *s; s++)
		fprintf(f, "%s%c", strchr("'\\", *s) ? "\\" : "", *s);
}

static void zsh_option(FILE *f, const struct field *row)
{
	fprintf(f, " \\\n\t\t\t'%s%s%s[", dashes(row), row->name,
		row->kind == FIELD_BOOL ? ""
		: row->name[1]		? "="
					: "+");
	zsh_text(f, row->help);
	fputc(']', f);
	if (row->kind == FIELD_WORD) {
		fprintf(f, ":%s:(", row->name);
		words(f, row->words);
		fputc(')', f);
	} else if (row->kind != FIELD_BOOL) {
		fprintf(f, ":%s:%s", row->name, takes_path(row) ? "_files" : "");
	}
	fputc('\'', f);
}

static void zsh(FILE *f)
{
	fputs("#compdef dfc-audit\n# made by: dfc-audit help zsh\n\n_dfc_audit()\n{\n\tlocal -a names\n\tnames=(\n",
	      f);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "\t\t'%s:", commands[i]->name);
		zsh_text(f, commands[i]->summary);
		fputs("'\n", f);
	}
	fputs("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command names\n\t\treturn\n\tfi\n"
	      "\tlocal cmd=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $cmd in\n",
	      f);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "\t%s)\n\t\t_arguments '--help[what it takes and does]'", commands[i]->name);
		for (const struct field *row = commands[i]->opts; row && row->name; row++)
			zsh_option(f, row);
		if (commands[i]->first || commands[i] == &cmd_help) {
			fputs(" \\\n\t\t\t'1:what:(", f);
			if (commands[i] == &cmd_help) {
				command_names(f);
				fputc(' ', f);
			}
			words(f, commands[i]->first ? commands[i]->first : help_topics);
			fputs(")'", f);
		}
		fputs(" \\\n\t\t\t'*:file:_files' ;;\n", f);
	}
	fputs("\tesac\n}\n\n_dfc_audit \"$@\"\n", f);
}

static void fish_option(FILE *f, const char *cmd, const struct field *row)
{
	fprintf(f, "complete -c dfc-audit -n '__fish_seen_subcommand_from %s' -%c %s", cmd,
		row->name[1] ? 'l' : 's', row->name);
	if (row->kind == FIELD_WORD) {
		fputs(" -x -a '", f);
		words(f, row->words);
		fputc('\'', f);
	} else if (row->kind != FIELD_BOOL) {
		fputs(takes_path(row) ? " -r -F" : " -x", f);
	}
	fputs(" -d '", f);
	fish_text(f, row->help);
	fputs("'\n", f);
}

static void fish(FILE *f)
{
	fputs("# fish completion of dfc-audit, made by: dfc-audit help fish\n", f);
	for (size_t i = 0; commands[i]; i++) {
		const struct cmd *c = commands[i];

		fprintf(f, "complete -c dfc-audit -n __fish_use_subcommand -f -a %s -d '", c->name);
		fish_text(f, c->summary);
		fputs("'\n", f);
		fprintf(f,
			"complete -c dfc-audit -n '__fish_seen_subcommand_from %s' -l help -d 'what it takes and does'\n",
			c->name);
		for (const struct field *row = c->opts; row && row->name; row++)
			fish_option(f, c->name, row);
		if (c->first || c == &cmd_help) {
			fprintf(f, "complete -c dfc-audit -n '__fish_seen_subcommand_from %s' -a '", c->name);
			words(f, c->first ? c->first : help_topics);
			fputs("'\n", f);
		}
	}
}

bool complete_print(FILE *f, const char *shell)
{
	static const struct {
		const char *shell;
		void (*print)(FILE *f);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shells[i].shell, shell) == 0) {
			shells[i].print(f);
			return true;
		}
	}
	return false;
}
