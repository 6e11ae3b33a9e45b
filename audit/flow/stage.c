#include "flow/stage.h"

#include "base/log.h"

enum { TREE_LIMIT = 1 << 30 };

const struct artifact *job_input(const struct job *job, const struct stage *stage, size_t index)
{
	const struct artifact *found = NULL;

	for (size_t i = 0; i < job->step->n_in; i++) {
		if (job->step->in[i]->stage == stage && job->step->in[i]->index == index)
			found = &job->in[i];
	}
	BUG_ON(found == NULL);
	return found;
}

int job_tree(const struct json **out, const struct job *job, const struct artifact *a, const char *name,
	     struct err *e)
{
	if (artifact_check(a, name, e) < 0)
		return -1;
	return json_read_file(out, job->mem, artifact_path(job->mem, a, name), TREE_LIMIT, e);
}

int job_may_go_on(const struct job *job, struct err *e)
{
	if (job->deadline == 0 || log_clock() < job->deadline)
		return 0;
	return err_set(
		e, ERR_SIZE,
		"limits.time, %g hours, is up; what was done is kept, and the same command goes on from it",
		job->spec->limits.time);
}

bool job_takes(const struct job *job, size_t unit)
{
	return job->n_ranks < 2 || unit % job->n_ranks == job->rank;
}
