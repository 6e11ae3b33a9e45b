#include "tests/support/faces.h"

#include "report/font.h"

#include <stdio.h>

int faces_open(void **state)
{
	struct err e = ERR_INIT;
	struct fonts *f;

	if (fonts_open(&f, "templates/fonts", &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return -1;
	}
	*state = f;
	return 0;
}

int faces_close(void **state)
{
	fonts_close(*state);
	return 0;
}
