#include "flow/stage.h"

const struct artifact *job_input(const struct job *job, const struct stage *stage, size_t index)
{
	for (size_t i = 0; i < job->step->n_in; i++) {
		if (job->step->in[i]->stage == stage && job->step->in[i]->index == index)
			return &job->in[i];
	}
	BUG_ON("a stage asked for an artifact the plan did not give it");
	return NULL;
}
