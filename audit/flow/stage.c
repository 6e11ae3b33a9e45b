#include "flow/stage.h"

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
