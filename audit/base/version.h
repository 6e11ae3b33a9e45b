#ifndef BASE_VERSION_H
#define BASE_VERSION_H

/* What the Makefile baked in: nothing about the machine or the moment of the build. */

const char *program_version(void); /* "0.1.0" */
const char *program_commit(
	void); /* 40 hex digits, "+" after them where files differed; "unknown" outside git */

#endif
