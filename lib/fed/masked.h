/*
 * A masked round at the hub, or at anybody who repeats it: uploads are added up, a sum is written
 * as it is, asked for, or opened.
 *
 *     partial    uploads, sums -> a sum, still masked           request   uploads -> sum, request
 *     else       sums, uploads, answers -> the mean
 */
#ifndef FL_FED_MASKED_H
#define FL_FED_MASKED_H

#include "base/must.h"
#include "fed/gather.h"
#include "os/output.h"

struct fl_masked_settings { /* all borrowed */
    const char *plan;
    const char *roster;      /* that the plan must be of; NULL: any */
    const char *request;     /* a request is made into this file: */
    const char *key, *state; /* signed by the hub's key, and recorded in its state (NULL: beside) */
    bool fit;                /* of what is there, the largest set that the rule allows */
    bool partial;
    uint64_t memory; /* for sums; 0: none are kept, for who looks at the plan only */
    struct fl_pool *pool;
    struct fl_progress *progress;
    int level; /* of compression */
};

struct fl_masked;

/* Reads the plan, and for a request the key and its state, which is locked. NULL with an error. */
struct fl_masked *fl_masked_open(const struct fl_masked_settings *settings);
void fl_masked_free(struct fl_masked *m);

const struct fl_plan *fl_masked_plan(const struct fl_masked *m);

/* With FIT, before anything is added: choose the sites of the set out of these files' heads. */
FL_MUST int fl_masked_fit(struct fl_masked *m, const char *const *paths, size_t count);

/* Sites that were chosen against, by name; "" for none. */
const char *fl_masked_left_out(const struct fl_masked *m);

/* Add all objects of IN: fl_gather_add. */
FL_MUST int fl_masked_add(struct fl_masked *m, struct fl_reader *in);

/*
 * After the last one: is it all there, and allowed? -1: FL_NOT_YET, FL_REFUSED, or FL_FAILED when
 * the opened sum cannot be one of uploads.
 */
FL_MUST int fl_masked_check(struct fl_masked *m);

/*
 * Write the sum or mean to OUT, and the request, which the state has recorded before it appears;
 * commit both.
 */
FL_MUST int fl_masked_write(struct fl_masked *m, struct fl_output *out);

#endif
