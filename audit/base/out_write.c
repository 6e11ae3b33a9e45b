#include "base/out.h"

int out_write(const char *path, const void *p, size_t n, struct err *e)
{
	struct out *o;

	if (out_open(&o, path, e) < 0)
		return -1;
	out_put(o, p, n);
	return out_commit(o, NULL, e);
}
