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
#include "os/pool.h"

struct fl_generation {
    const struct fl_bundle *bundle; /* borrowed, as all here */
    struct fl_pool *pool;
    struct fl_sampling how;
    uint64_t seed;
    size_t tokens;                                        /* at most so many */
    int (*text)(void *arg, const void *data, size_t len); /* -1 ends it */
    void *arg;
};

/*
 * Go on after PROMPT (N ids, at least one), up to a token that ends a text or G->tokens. Text is
 * whole UTF-8 sequences; bytes that are none are handed out as U+FFFD. When the context is full,
 * the last half of it is read again and the rest forgotten; so is a prompt longer than the context.
 * The same bytes for the same seed and any number of threads.
 */
FL_MUST int fl_generate(const struct fl_generation *g, const uint32_t *prompt, size_t n);

#endif
