/*
 * A helper's turn in a round: the request is checked, what it lets out is in its ledger, the
 * streams of its sites are summed, the answer is kept, the state remembers the set as the answer of
 * this round and wipes its keys, and only then may a byte of it leave.
 *
 *   checked --> ledger --> answer kept --> state: set, keys wiped --> key counts --> sent
 *      \-- refused   \-- a crash: the same finds its line          \-- a crash: the same again
 *
 * An answer is an object of kind "answer" with the masked tensors of an upload: the sum over the
 * set of the streams that this helper shares with its sites; with noise of helpers, minus noise of
 * its own in every lane that holds a value, so that no sum is ever open without it.
 */
#ifndef FL_FED_ANSWER_H
#define FL_FED_ANSWER_H

#include "base/must.h"
#include "fed/lane_words.h"
#include "fed/round_paid.h"
#include "os/output.h"
#include "sec/request.h"
#include "sec/state.h"

struct fl_answering { /* zeroed and filled by the caller: */
    struct fl_key *key;
    const char *key_path;
    struct fl_state *state; /* open, the key's */
    const struct fl_plan *plan;
    const struct fl_request *request; /* read for the plan */
    const char *const *uploads; /* (upload_count) files that begin with the uploads' ciphertexts, */
    size_t upload_count;        /* where tensors are encrypted: looked at when the answer is made */
    uint64_t memory;            /* for their sums, beyond it $TMPDIR */
    const struct fl_purse *purse; /* the ledger of what this helper lets out; or NULL */
    struct fl_pool *pool;
    int level;                    /* of compression */
    struct fl_progress *progress; /* in bytes of words; or NULL */

    /* filled by fl_answer_check and fl_answer_make; fl_answer_release: */
    uint32_t party;
    size_t helper;              /* its number */
    const struct fl_made *done; /* this round was answered before, for this set */
    int64_t *bad;               /* (bad_count) sites whose tag is not this helper's own */
    size_t bad_count;
    unsigned char *keys; /* (sites of the request, 32) of the masks, and that of noise; secret */
    int kept;            /* descriptor of the kept answer; -1 before */
    char *kept_name;
};

void fl_answer_release(struct fl_answering *a);

/*
 * Everything that can be refused: roster, base, forks, min_sum, the rule of sets, another answer;
 * and which tags are wrong, which is no refusal. Records nothing. 0 or -1.
 */
FL_MUST int fl_answer_check(struct fl_answering *a);

/* Write the object of kind "ready", signed, to FD: yes, or the sites with bad tags. 0 or -1. */
FL_MUST int fl_answer_ready(const struct fl_answering *a, int fd, const char *name);

/*
 * Make the answer, keep it, pass the round; or find the one that was made, for which no uploads are
 * needed. -1: FL_FAILED when a tag was bad, FL_NOT_YET when ciphertexts are missing, FL_REFUSED for
 * those that no upload of the request signed for. It is open afterwards.
 */
FL_MUST int fl_answer_make(struct fl_answering *a);

/* Copy the kept answer to OUT; and remove those that are no longer of use. */
FL_MUST int fl_answer_send(struct fl_answering *a, struct fl_output *out);
FL_MUST int fl_answer_clean(struct fl_answering *a);

#endif
