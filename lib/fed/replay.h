/*
 * A round done again by somebody who did not do it: from the round's public files to the mean and
 * the next model, the same bytes. For parties that the roster names under replay, who sign what
 * came of it, and for helpers, who follow the chain of models themselves and answer over no other.
 *
 * The files are in a folder: "request.flt" or "request.N.flt", "up/SITE.flt" for each site of the
 * set, "answer/HELPER.flt" for each helper; in pairwise rounds the uploads alone.
 * "opened/PARTY.flt" and "mean.flt" are there once somebody has signed for them.
 */
#ifndef FL_FED_REPLAY_H
#define FL_FED_REPLAY_H

#include "base/must.h"
#include "fed/step.h"
#include "sec/header.h"
#include "sec/state.h"

struct fl_replay {
    const struct fl_plan *plan;
    const char *folder;
    const char *model; /* the plan's */
    /*
     * The optimizer's state beside it, replaced; NULL for sgd. One that has taken this step before
     * is believed only where this helper's state tells that it wrote it.
     */
    const char *velocity;
    const char *output; /* the next model, a file */
    struct fl_pool *pool;
    uint64_t memory; /* for sums */
    int level;
    const char *program;

    /* out: */
    struct fl_opened_head opened; /* but the party */
};

/*
 * Recompute the sum of the set SET (NULL: of the only request there), open it, apply it by the
 * roster. FL_NOT_YET when a file is not there yet; FL_REFUSED when one is not what was signed.
 */
FL_MUST int fl_replay_round(struct fl_replay *r, const unsigned char *set);

/* Write the object of kind "opened", signed by PARTY, whose key KEY is, to FD. 0 or -1. */
FL_MUST int fl_replay_sign(const struct fl_replay *r, uint32_t party, const struct fl_key *key,
                           int fd, const char *name);

/*
 * A helper moves on from the round of PLAN, which it answered, to the model that comes of it: from
 * the sum that it opens itself, or, when all that the roster names under replay have signed for one
 * result, from "mean.flt", if it leads there. Its state is saved; open rounds are wiped.
 */
FL_MUST int fl_replay_advance(struct fl_replay *r, struct fl_state *state,
                              const struct fl_key *key);

#endif
