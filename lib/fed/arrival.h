/*
 * An upload or an answer as it arrives: whose it is, whether it is whole, signed, of this round,
 * and what a hub can see of copies and forks.
 *
 *     while (fl_reader_expect(in, FL_KIND_MASKED, &head) == 1)
 *         fl_arrival_begin(&a, plan, head, file) ... read its tensors ... fl_arrival_end(&a, in)
 *
 * Errors: FL_FAILED for damage and what was not made by fl-mask; FL_REFUSED for a bad signature,
 * another roster, plan or model, or a fork.
 */
#ifndef FL_FED_ARRIVAL_H
#define FL_FED_ARRIVAL_H

#include "base/must.h"
#include "flt/reader.h"
#include "sec/header.h"

struct fl_arrival { /* a zeroed struct is empty */
    const struct fl_plan *plan;
    bool answer;
    struct fl_head head; /* a copy; the message's tags point into it */
    struct fl_upload_head upload;
    struct fl_answer_head reply; /* when ANSWER */
    unsigned char payload[32], digest[32], sign[64];
    bool gap; /* messages of its sender between the last counted one and this were lost */
};

void fl_arrival_release(struct fl_arrival *a);

/*
 * The next object of IN, which must be of kind WANT, as fl_reader_expect has it; where that is an
 * upload, an object of ciphertexts may stand before it and is passed over: *HAD, and its DIGEST if
 * the reader wants digests. HAD and DIGEST may be NULL.
 */
FL_MUST int fl_arrival_expect(struct fl_reader *in, const char *want, const struct fl_head **head,
                              bool *had, unsigned char digest[32]);

/* Who sends it. */
const struct fl_sender *fl_arrival_sender(const struct fl_arrival *a);

/* The head of the object at hand, of kind masked or answer, against the plan. 0 or -1. */
FL_MUST int fl_arrival_begin(struct fl_arrival *a, const struct fl_plan *plan,
                             const struct fl_head *head, const char *file);

/* A message among those of its sender. */
struct fl_sent {
    struct fl_counted is;
    unsigned char prev[32]; /* digest of the one before it */
    bool pays;              /* an upload under noise, which has a line of its own in a ledger */
};

struct fl_sent fl_arrival_sent(const struct fl_arrival *a);

/*
 * How a later message does not follow on LAST of the same sender; NULL: it does. The counts go on,
 * each names the one before it, and its ledger is no shorter, with a line for one that pays.
 */
const char *fl_sent_breaks(const struct fl_sent *sent, const struct fl_counted *last);

/*
 * After the tensors were read, with fl_reader_want_digest: the signature of its sender, and
 * whatever else signed it; and whether it follows on what the plan says was counted last of it. 0
 * or -1.
 */
FL_MUST int fl_arrival_end(struct fl_arrival *a, struct fl_reader *in);

#endif
