#ifndef CMD_COMPLETE_H
#define CMD_COMPLETE_H

#include <stdbool.h>
#include <stdio.h>

/* Completions for a shell (bash, zsh, fish), from the table of commands; false for another. */
bool complete_print(FILE *f, const char *shell);

#endif
