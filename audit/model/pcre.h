#ifndef MODEL_PCRE_H
#define MODEL_PCRE_H

/* PCRE2's general context (pcre2_general_context *) that takes its memory from base/mem; the caller frees it. */
void *pcre_memory(void);

#endif
