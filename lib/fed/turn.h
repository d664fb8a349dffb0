/*
 * A site's turn in a round: everything is checked, what it costs is in the ledger of its text, the
 * upload is made and kept, the state passes the round and knows the ledger, the key counts it, and
 * only then may a byte of it leave.
 *
 *   checked --> ledger --> upload kept, flushed --> state passed, flushed --> key counts --> sent
 *      \-- refused   \-- a crash: the same finds its line      \-- a crash: the same is sent again
 *
 * What is refused depends on plan, roster and state alone, never on the update's values or the
 * site's numbers: a hub that plans sees who refuses. The one thing asked of an update is that it is
 * the one that was masked over this model before, since two sums would show what changed.
 */
#ifndef FL_FED_TURN_H
#define FL_FED_TURN_H

#include "base/must.h"
#include "fed/round_paid.h"
#include "fed/upload.h"
#include "fed/weights.h"
#include "os/output.h"
#include "sec/state.h"

struct fl_turn { /* zeroed and filled by the caller: */
    struct fl_key *key;
    const char *key_path;
    struct fl_state *state; /* open, the key's */
    const struct fl_plan *plan;
    struct fl_object *update;     /* NULL: zeros at the least weight */
    double mbit;                  /* the site's own bandwidth, for dynamic weights */
    const struct fl_purse *purse; /* the ledger of its text; or NULL */
    struct fl_pool *pool;
    int level;                    /* of compression, of a new upload */
    struct fl_progress *progress; /* or NULL */

    /* filled by fl_turn_check and fl_turn_make: */
    uint32_t index;
    unsigned char input[32];    /* keyed digest of what is masked */
    const struct fl_made *done; /* this upload was made before */
    bool bare;                  /* there is a ledger, and nothing hides what the update tells */
    bool zeros;                 /* are sent, whatever the update is: they were over this model */
    double raw, weight;         /* by the rule; as it counts, within floor and cap */
    struct fl_encoded counts;   /* of a new upload */
    double norm, factor;        /* of a new one under noise of helpers: its length, what it was */
                                /* shortened by; factor 1: not at all, 0: zeros are sent */
    int kept;                   /* descriptor of the kept upload; -1 before */
    char *kept_name;
};

/*
 * Would this round be refused? Plan, roster, round, base, forks; no update is needed (t->update may
 * be NULL and is not looked at). 0 or -1.
 */
FL_MUST int fl_turn_admit(struct fl_turn *t);

/* May what a turn lets out be paid for, as far as is known before there is an update? 0 or -1. */
FL_MUST int fl_turn_may_begin(const struct fl_turn *t);

/*
 * The rest is for turns whose index is set, plain ones too. What is let out as state and ledger
 * know it, into t->input: the update's numbers, or that there are none; reads it once.
 */
FL_MUST int fl_turn_hide_input(struct fl_turn *t);

/* May it be paid for? Sets t->bare, and writes nothing. */
FL_MUST int fl_turn_may_pay(struct fl_turn *t);

/*
 * Pay: the line is durable, and the state knows it in memory. The second saves it: before that
 * nothing may leave.
 */
FL_MUST int fl_turn_pay(const struct fl_turn *t);
FL_MUST int fl_turn_save_mark(const struct fl_turn *t);

/*
 * What the update of FILE was trained on was harmonized by the roster's contract, if it has one.
 * -1 (FL_REFUSED) otherwise.
 */
FL_MUST int fl_turn_check_contract(const struct fl_roster *r, const char *file,
                                   const struct fl_meta *meta);

/*
 * The same, and the update: its base, its tensors, whether this round was masked before. Reads it
 * once.
 */
FL_MUST int fl_turn_check(struct fl_turn *t);

/* Make the upload, keep it, pass the round; or find the one that was made. It is open afterwards.
 */
FL_MUST int fl_turn_make(struct fl_turn *t);

/* Copy the kept upload to OUT. */
FL_MUST int fl_turn_send(struct fl_turn *t, struct fl_output *out);

/*
 * Remove kept uploads but those of the newest max_open rounds, and what runs that were killed left
 * of uploads that no state records.
 */
FL_MUST int fl_turn_clean(struct fl_turn *t);

void fl_turn_release(struct fl_turn *t); /* what was filled */

#endif
