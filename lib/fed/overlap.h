/*
 * Where a hub stands whose rounds overlap (sec/pace.h, delay: 1), read off the files of its rounds:
 * "first" and "closed" have a line of the chain each, ROUND FROM MEAN TO, of the two models that
 * the first mean makes, and of the one that each later mean makes.
 */
#ifndef FL_FED_OVERLAP_H
#define FL_FED_OVERLAP_H

#include <stdbool.h>

#include "base/must.h"
#include "fed/standing.h"

struct fl_overlap {
    bool waits;         /* there is a round whose mean comes next in the chain: */
    uint64_t round;     /* its number, */
    const char *file;   /* "first" or "closed", where its step is written, */
    char model[65];     /* and the model that its mean steps */
    bool opens;         /* there is a model that no round is over: */
    char base[65];      /* which, */
    int64_t after;      /* and the round whose mean made it; -1: it is the roster's */
    char newest[2][65]; /* the newest models, or the roster's twice */
    size_t rounds;      /* of the epoch, those that were given up left out */
};

/* Fill O. 0, or -1 for what cannot be read. Costs a small file a round, and two plans. */
FL_MUST int fl_overlap_look(struct fl_standing *s, struct fl_overlap *o);

#endif
