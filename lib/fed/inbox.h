/*
 * A file that lies in a party's inbox at the hub: is it what that party was asked for? Whoever has
 * the party's key may have put anything there, also what another party signed.
 */
#ifndef FL_FED_INBOX_H
#define FL_FED_INBOX_H

#include "base/must.h"
#include "os/progress.h"
#include "sec/plan.h"

struct fl_inbox {
    const struct fl_plan *plan;
    const char *plan_file; /* in the round's folder, where requests and "go" are */
    const char *as;        /* "PARTY/KIND", KIND one of up, ready.N, answer, opened */
    struct fl_pool *pool;
    struct fl_progress *progress;
};

/*
 * FILE is a whole message of that kind, made and signed by that party in the plan's round, for the
 * request that is there. 0; -1 with an error that says what is wrong, FL_REFUSED for safety's sake.
 * Costs what adding it costs.
 */
FL_MUST int fl_inbox_check(const struct fl_inbox *i, const char *file);

/*
 * The same of keys for a round that has no plan yet: AS is "PARTY/keys.ROUND", ROSTER the file of
 * the roster that people agreed on.
 */
FL_MUST int fl_inbox_check_keys(const char *roster, const char *as, const char *file);

#endif
