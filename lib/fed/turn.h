/*
 * A site's turn in a round: everything is checked, the upload is made and kept, the state passes
 * the round, and only then may a byte of it leave.
 *
 *   checked --> upload kept, flushed --> state passed, flushed --> sent
 *      \-- refused      \-- a crash: as if nothing had been     \-- a crash: the same is sent again
 */
#ifndef FL_FED_TURN_H
#define FL_FED_TURN_H

#include "fed/upload.h"
#include "os/output.h"
#include "sec/state.h"

struct fl_turn { /* zeroed and filled by the caller: */
    const struct fl_key *key;
    struct fl_state *state; /* open, the key's */
    const struct fl_plan *plan;
    struct fl_object *update;
    struct fl_pool *pool;
    int level;                    /* of compression, of a new upload */
    struct fl_progress *progress; /* or NULL */

    /* filled by fl_turn_check and fl_turn_make: */
    uint32_t index;
    unsigned char input[32];
    struct fl_precedent precedent;
    const struct fl_round *done; /* this upload was made before */
    double weight;               /* by the plan's rule; it counts as at most the cap */
    uint64_t clipped;            /* values beyond the clip, in a new upload */
    int kept;                    /* descriptor of the kept upload; -1 before */
    char *kept_name;
};

/*
 * Everything that can be refused, before any output exists. FL_REFUSED: a roster that the key has
 * not accepted, another base model, a round that is over or too far, another update for a round
 * that was masked. Reads the update once.
 */
int fl_turn_check(struct fl_turn *t);

/*
 * Make the upload, keep it, pass the round; or find the one that was made. It is open afterwards.
 */
int fl_turn_make(struct fl_turn *t);

/* Copy the kept upload to OUT. */
int fl_turn_send(struct fl_turn *t, struct fl_output *out);

/*
 * Remove kept uploads but this and the one before, and what runs that were killed left of uploads
 * that no state records. Safe, since the hub planned a later round: with
 * pairwise protection it does so when the sum of the earlier one is open or given up.
 */
int fl_turn_clean(struct fl_turn *t);

void fl_turn_release(struct fl_turn *t); /* what was filled */

#endif
