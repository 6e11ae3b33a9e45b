#ifndef BASE_COMM_H
#define BASE_COMM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Ranks: processes of this program, on machines that see the same files, that carry out one command.  Rank 0 leads:
 * it does all there is to do, and for work that is cut into units it tells the others to take part; rank r of n then
 * takes the units i with i % n == r.  Who does a unit changes no bit of it, and files are how results are handed on.
 *
 * comm_single.c is a world of one rank; comm_mpi.c (make MPI=1) is MPI's.
 */

struct comm;

/* Before the command line is read: mpirun may have put words into it. */
int comm_open(struct comm **out, int *argc, char ***argv, struct err *e);
size_t comm_rank(const struct comm *c);
size_t comm_size(const struct comm *c);
/* Rank 0: the others' comm_told() gives `work`. All ranks then meet in comm_agree(). */
void comm_tell(struct comm *c, size_t work);
/* The other ranks: waits; false when there is nothing more to do. */
bool comm_told(struct comm *c, size_t *work);
/* Waits for all ranks: 0 where all bring 0, else -1 and the error of the lowest rank that failed. */
int comm_agree(struct comm *c, int status, struct err *e);
/* Rank 0 lets the others go; another rank waits for that, and what it is still told to do fails with `e`. */
void comm_close(struct comm *c, const struct err *e);

#endif
