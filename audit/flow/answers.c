#include "flow/answers.h"

#include "base/unicode.h"
#include "flow/harvest.h"

struct session_opts answerer_session(const struct spec *s)
{
	return (struct session_opts){ .max_seqs = ROLLOUT_WAVE,
				      .max_context = s->corpus.context,
				      .max_rows = 512 };
}

int answerer_open(struct answerer *out, struct arena *mem, const struct spec *s, enum side side,
		  struct par *par, struct err *e)
{
	const struct spec_model *m = side_model(s, side);
	struct session_opts o = answerer_session(s);

	*out = (struct answerer){ .spec = s };
	if (model_open(&out->model, m->dir, e) < 0 ||
	    session_new(&out->session, out->model, par, &o, e) < 0 ||
	    reader_open(&out->reader, mem, s, m, e) < 0) {
		answerer_close(out);
		return -1;
	}
	return 0;
}

void answerer_close(struct answerer *a)
{
	reader_close(&a->reader);
	session_free(a->session);
	model_close(a->model);
	*a = (struct answerer){ .model = NULL };
}

/* n prompts of one source, which says how they are answered. */
static int stretch_run(struct continuation *c, struct arena *mem, const struct answerer *a,
		       const struct prompt *prompt, size_t n, size_t source, size_t number, struct err *e)
{
	const struct spec_source *src = &a->spec->corpus.source[source];
	struct generate_opts o = { .max_tokens = src->max_tokens,
				   .stop = a->reader.stop,
				   .n_stop = a->reader.n_stop,
				   .temperature = src->temperature,
				   .top_p = src->top_p,
				   .number = number,
				   .seed = a->spec->seed };

	return generate(c, mem, a->session, prompt, n, (struct taps){ NULL, 0 }, NULL, &o, e);
}

int answerer_run(struct said *out, struct arena *mem, const struct answerer *a, const struct rollout *r,
		 size_t n, size_t number, struct err *e)
{
	struct prompt *prompt = ARENA_ARRAY(mem, n, struct prompt);
	struct continuation *answer = ARENA_ARRAY(mem, n, struct continuation);

	for (size_t i = 0; i < n; i++) {
		const struct item *it = &r[i].prompt;
		struct reading in;

		if (reader_prompt(&in, mem, &a->reader, it->text, r[i].chat, e) < 0)
			return -1;
		if (in.n + 2 > a->spec->corpus.context)
			return err_set(
				e, ERR_INPUT,
				"%s: the prompt has %zu tokens and the context is %zu; raise corpus.context",
				source_place(mem, a->spec, it->file, it->line), in.n,
				a->spec->corpus.context);
		prompt[i] = (struct prompt){ in.id, in.n };
	}
	for (size_t i = 0, m; i < n; i += m) {
		for (m = 1; i + m < n && r[i + m].prompt.source == r[i].prompt.source; m++)
			;
		if (stretch_run(answer + i, mem, a, prompt + i, m, r[i].prompt.source, number + i, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (struct said){ prompt[i], answer[i] };
	return 0;
}

int answerer_text(struct str *out, const struct answerer *a, const struct rollout *asked,
		  const struct said *said, struct err *e)
{
	struct str text = STR_INIT;
	int rc;

	if (asked->chat)
		tokenizer_decode(&text, a->reader.tokenizer, said->answer.id, said->answer.n, true);
	else
		tokenizer_decode_after(&text, a->reader.tokenizer, said->prompt.id, said->prompt.n,
				       said->answer.id, said->answer.n);
	rc = utf8_nfc(out, str_view(&text), e);
	str_release(&text);
	return rc;
}
