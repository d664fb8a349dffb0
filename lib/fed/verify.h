/*
 * A round recomputed by anybody, from the files that everybody can have (fed/published.h): whether
 * plan, uploads, requests and answers are what their parties signed and belong together, and
 * whether sum, mean and next model are what comes of them. What does not is named file by file,
 * with the digests that were expected and found. No secret is needed for it; with the key of a
 * party that the roster names under replay, what came of it is signed.
 *
 * Rounds in folders beside each other are verified in their order: what came of one is what the
 * next must be over (fed/verify_chain.h), and the sets that each helper answered are held against
 * the rule of sets.
 *
 * What it cannot see: which sites the hub kept out of the set (it names uploads that came and are
 * not in it); of one round alone, the sets of others and whether the plan's base is what came of
 * the round before.
 */
#ifndef FL_FED_VERIFY_H
#define FL_FED_VERIFY_H

#include "base/must.h"
#include "os/output.h"
#include "os/pool.h"
#include "os/progress.h"

struct fl_verify_settings {  /* all borrowed */
    const char *folder;      /* of a round, or of folders of rounds */
    const char *roster;      /* that people agreed on; NULL: the plan's own is believed */
    const char *key, *state; /* of a party under replay, and what it remembers; NULL: none */
    /*
     * The plan's model, the optimizer's state beside it (NULL when the step begins without one) and
     * the model that was published after the round; each may be NULL, and is not looked at then.
     */
    const char *model, *velocity, *next;
    uint64_t memory; /* for sums */
    struct fl_pool *pool;
    struct fl_progress *progress; /* of bytes of uploads and answers; begun here */
    const char *program;
    bool json;
};

/*
 * Verify, and write to standard output one line, or what was found as a table. With a key, OUT gets
 * the object of kind "opened" and is committed, but only when nothing was found. 0, or -1:
 * FL_REFUSED for a signature, roster, plan, model or set that may not be, two that are signed where
 * there may be one, and messages of nobody; else FL_FAILED for damage and for what does not follow;
 * else FL_NOT_YET when files are missing.
 */
FL_MUST int fl_verify(const struct fl_verify_settings *set, struct fl_output *out);

#endif
