/*
 * Text that a model goes on to write, handed out as it comes.
 */
#ifndef FL_NN_GENERATE_H
#define FL_NN_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "nn/bundle.h"
#include "nn/sample.h"
#include "nn/stop_strings.h"
#include "os/pool.h"

/*
 * What texts are written with, one after another: keys and values of at most one context, taken
 * when a text needs them. BUNDLE and POOL are borrowed; NULL with an error.
 */
struct fl_generator;
struct fl_generator *fl_generator_new(const struct fl_bundle *bundle, struct fl_pool *pool);
void fl_generator_free(struct fl_generator *g);

/*
 * Add the ids of a prompt to IDS: begin ids and those of its text. A prompt of no ids is the begin
 * of a text, which follows the end of another. -1: no UTF-8, or (FL_USAGE) nothing to begin after.
 */
FL_MUST int fl_prompt_encode(const struct fl_tokenizer *t, const char *prompt, size_t len,
                             struct fl_ids *ids);

enum { FL_TOKENS_MAX = 1000000000 }; /* that a user may ask for */

struct fl_generation {
    struct fl_sampling how; /* the prompt is seen, all of it, for the repetition penalty */
    uint64_t seed;
    size_t tokens;                                        /* at most so many */
    struct fl_stop_strings stops;                         /* borrowed */
    int (*text)(void *arg, const void *data, size_t len); /* -1 ends it */
    void *arg;
};

enum fl_generated_end {
    FL_GENERATED_LENGTH, /* as many tokens as there may be */
    FL_GENERATED_EOS,    /* a token that ends a text, which is not counted */
    FL_GENERATED_STOP    /* a stop string */
};

/* As text-generation-inference calls it: "length", "eos_token", "stop_sequence". */
const char *fl_generated_reason(enum fl_generated_end end);

struct fl_generated {
    enum fl_generated_end end;
    size_t stop;    /* FL_GENERATED_STOP: number of the string */
    size_t tokens;  /* new ones */
    size_t dropped; /* of the prompt, which did not fit the context: these were not read */
};

/*
 * Go on after PROMPT (N ids, at least one), up to a token that ends a text, a stop string in what
 * is new (also a special token of such a name) or G->tokens, and tell *DONE (may be NULL). Text is
 * whole UTF-8 sequences; bytes that are none are handed out as U+FFFD; what may be the begin of a
 * stop string is held back until that is decided. When the context is full, the last half of it is
 * read again and the rest forgotten; so is a prompt longer than the context. The same bytes for
 * the same G and prompt, whatever was written before and for any number of threads.
 */
FL_MUST int fl_generate(struct fl_generator *generator, const struct fl_generation *g,
                        const uint32_t *prompt, size_t n, struct fl_generated *done);

/* Of a prompt of N tokens in a context of CTX: how many are not read. */
size_t fl_prompt_dropped(size_t n, size_t ctx);

#endif
