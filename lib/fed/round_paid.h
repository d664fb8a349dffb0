/*
 * What a party lets out in a round, in the ledger of its text (fed/payment.h): a site's upload, or
 * a helper's answer. The state of its key remembers how far the ledger was, so that an older copy
 * of it, or none, is noticed from then on.
 */
#ifndef FL_FED_ROUND_PAID_H
#define FL_FED_ROUND_PAID_H

#include <stdbool.h>

#include "base/must.h"
#include "fed/payment.h"
#include "flt/object.h"
#include "sec/state.h"

struct fl_round_payment {
    const struct fl_purse *purse; /* NULL, or without a ledger: none was given */
    struct fl_state *state;
    const struct fl_key *key;
    const struct fl_plan *plan;
    uint32_t party;
    bool answer;                /* of a helper, for its own record; else an upload of a site */
    const unsigned char *input; /* (32) what is let out, as the state has it; NULL: not known yet */
    struct fl_object *update;   /* of the site; NULL: zeros, or not known yet */
    struct fl_pool *pool;

    bool bare; /* out: there is a ledger, and nothing hides what is let out */
};

/*
 * Everything that is refused, and nothing is written. FL_REFUSED: the ledger is not the one that
 * the state knows, or lacks the line of an update of fl-train --dp-*, or it would be above a limit;
 * the update is not as well hidden as the roster asks for. FL_USAGE: the roster asks for a ledger
 * and none is given.
 */
FL_MUST int fl_round_may_pay(struct fl_round_payment *r);

/*
 * The same; then the line is durable, and state->ledger is of it, in memory only: the caller saves
 * it before anything leaves.
 */
FL_MUST int fl_round_pay(struct fl_round_payment *r);

#endif
