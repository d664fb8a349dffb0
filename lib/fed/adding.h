/*
 * The inputs of a sum, one after the other: plain updates and their sums, or the messages of a
 * masked round; or either only looked at, one by one (fed/inspect.h). Which of them is settled when
 * it begins.
 */
#ifndef FL_FED_ADDING_H
#define FL_FED_ADDING_H

#include "base/must.h"
#include "fed/aggregate.h"
#include "fed/inspect.h"
#include "fed/masked.h"

struct fl_adding_settings {
    const char *const *paths; /* none: standard input */
    size_t count;
    bool check;                         /* look at each, and add nothing */
    bool explain;                       /* weights will be told: not of a masked round */
    const char *as;                     /* or at the one, which is due of "PARTY/KIND" */
    struct fl_masked_settings masked;   /* with a plan; memory, pool and progress are PLAIN's */
    struct fl_aggregate_settings plain; /* without one */
    int level;                          /* of compression */
    const char *program;
    /* Told of an input that is not there, where it is known who must be in. */
    void (*absent)(void *arg, const char *path);
    void *arg;
};

struct fl_adding { /* a zeroed struct is empty */
    struct fl_adding_settings set;
    struct fl_masked *masked;   /* one of a masked round */
    struct fl_aggregate *plain; /* and of a sum of plain updates, */
    struct fl_plain round; /* what the latter goes by in a plain round, whose plan MASKED has */
    struct fl_inspect *inspect; /* or a report of either */
};

/* What a sum of a plain round goes by, which ROUND has and keeps. */
void fl_adding_by_round(struct fl_aggregate_settings *settings, struct fl_plain *round);

/* Everything that can be refused before the inputs are read. 0 or -1. */
FL_MUST int fl_adding_start(struct fl_adding *a, const struct fl_adding_settings *set);
void fl_adding_release(struct fl_adding *a);

/* Read all inputs, and see whether what they make is whole. 0, or -1 as the one that adds. */
FL_MUST int fl_adding_read(struct fl_adding *a);

/* Write what came of it to OUT and commit it: a sum, a mean, or the report, by JSON. 0 or -1. */
FL_MUST int fl_adding_write(struct fl_adding *a, struct fl_output *out, bool json);

#endif
