#include "base/comm.h"
#include "base/mem.h"

#include <limits.h>
#include <mpi.h>

/* The one door to MPI. Its own error handler ends all processes, so that return values say nothing. */

struct comm {
	int rank, size;
	bool over; /* rank 0 has let this one go */
};

#define NOTHING ULONG_MAX

int comm_open(struct comm **out, int *argc, char ***argv, struct err *e)
{
	struct comm *c = mem_alloc(1, sizeof(*c));

	*out = NULL;
	if (MPI_Init(argc, argv) != MPI_SUCCESS) {
		mem_free(c);
		return err_set(e, ERR_IO, "MPI does not start");
	}
	MPI_Comm_rank(MPI_COMM_WORLD, &c->rank);
	MPI_Comm_size(MPI_COMM_WORLD, &c->size);
	*out = c;
	return 0;
}

size_t comm_rank(const struct comm *c)
{
	return c ? (size_t)c->rank : 0;
}

size_t comm_size(const struct comm *c)
{
	return c ? (size_t)c->size : 1;
}

static unsigned long pass_on(unsigned long word)
{
	MPI_Bcast(&word, 1, MPI_UNSIGNED_LONG, 0, MPI_COMM_WORLD);
	return word;
}

void comm_tell(struct comm *c, size_t work)
{
	if (c)
		pass_on(work);
}

bool comm_told(struct comm *c, size_t *work)
{
	if (!c || c->over)
		return false;
	*work = pass_on(NOTHING);
	c->over = *work == NOTHING;
	return !c->over;
}

int comm_agree(struct comm *c, int status, struct err *e)
{
	int failed, first;

	if (!c)
		return status;
	failed = status < 0 ? c->rank : c->size;
	MPI_Allreduce(&failed, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
	if (first == c->size)
		return 0;
	MPI_Bcast(e, sizeof(*e), MPI_BYTE, first, MPI_COMM_WORLD);
	return first > 0 && c->rank == 0 ? err_wrap(e, "rank %d: ", first) : -1;
}

void comm_close(struct comm *c, const struct err *e)
{
	struct err why = *e;
	size_t work;

	if (!c)
		return;
	if (c->rank == 0)
		pass_on(NOTHING);
	else
		while (comm_told(c, &work))
			comm_agree(c, -1, &why);
	MPI_Finalize();
	mem_free(c);
}
