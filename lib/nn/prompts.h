/*
 * Prompts in a file of JSON Lines, and what a model writes after each: a batch, and questions whose
 * answer is known. A line is an object with the fields
 *
 *     prompt                                    text; required, may be empty
 *     answer                                    text; required where answers are compared
 *     id                                        a string or a whole number, given back
 *     stop                                      a string, or a list of them
 *     tokens, seed, temperature, top_k, top_p, min_p, repetition_penalty
 *
 * and where one is absent or null, what is usual holds. What is written after a prompt depends on
 * its own line only, not on its place among others.
 */
#ifndef FL_NN_PROMPTS_H
#define FL_NN_PROMPTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"
#include "nn/generate.h"
#include "data/json_rows.h"

struct fl_prompt {
    const json_t *id;             /* or NULL */
    struct fl_ids ids;            /* at least one */
    struct fl_generation how;     /* text and arg are the caller's */
    struct fl_json_text answer;   /* when answers were asked for */
    struct fl_stop_strings stops; /* its own, when its line has any */
};

struct fl_prompts { /* a zeroed struct has none */
    struct fl_json_rows rows;
    struct fl_prompt *items;
    size_t count;
};

/*
 * All of PATH (NULL or "-": standard input), checked: sampled and stopped as USUAL unless a line
 * says otherwise; with ANSWERS the fields of sampling are not looked at, as answers are greedy.
 * Release it also after -1. The whole file is in memory, so that a wrong last line is found before
 * the first prompt is answered.
 */
FL_MUST int fl_prompts_read(struct fl_prompts *p, const char *path, const struct fl_tokenizer *t,
                            const struct fl_generation *usual, bool answers);
void fl_prompts_release(struct fl_prompts *p);

/* Let the model go on after prompt I; the text goes to TEXT, emptied first. */
FL_MUST int fl_prompts_generate(const struct fl_prompts *p, size_t i, struct fl_generator *g,
                                struct fl_buf *text, struct fl_generated *done);

/*
 * Add to OUT one line of JSON on what fl_prompts_generate gave:
 *     {"id": ..., "text": "...", "finish_reason": "length" | "eos_token" | "stop_sequence",
 *      "stop": the stop string or null, "prompt_tokens": N, "dropped_tokens": N, "new_tokens": N}
 */
FL_MUST int fl_prompts_write(struct fl_buf *out, const struct fl_prompt *prompt,
                             const struct fl_buf *text, const struct fl_generated *done);

/* Is TEXT the answer of PROMPT, white space (of ASCII) around either not counted? */
bool fl_prompts_match(const struct fl_prompt *prompt, const struct fl_buf *text);

#endif
