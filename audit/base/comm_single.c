#include "base/comm.h"

/* One rank: nobody to tell, nobody to wait for. */

int comm_open(struct comm **out, int *argc, char ***argv, struct err *e)
{
	(void)argc;
	(void)argv;
	(void)e;
	*out = NULL;
	return 0;
}

size_t comm_rank(const struct comm *c)
{
	(void)c;
	return 0;
}

size_t comm_size(const struct comm *c)
{
	(void)c;
	return 1;
}

void comm_tell(struct comm *c, size_t work)
{
	(void)c;
	(void)work;
}

bool comm_told(struct comm *c, size_t *work)
{
	(void)c;
	*work = 0;
	return false;
}

int comm_agree(struct comm *c, int status, struct err *e)
{
	(void)c;
	(void)e;
	return status;
}

void comm_close(struct comm *c, const struct err *e)
{
	(void)c;
	(void)e;
}
