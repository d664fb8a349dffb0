/*
 * What the messages of a round say in their metadata: upload, request, ready, answer. One struct
 * for each, to metadata and back; a key that is not known is refused, since it could not be kept.
 *
 * Decoding compares what must be the plan's (roster, session, round, model) and fills in the rest.
 * Errors name no file (fl_error_about adds it): FL_REFUSED for a message of another round, roster
 * or model, FL_FAILED for what is no such message.
 */
#ifndef FL_SEC_HEADER_H
#define FL_SEC_HEADER_H

#include "base/must.h"
#include "sec/pair.h"
#include "sec/plan.h"

#define FL_KIND_REQUEST "request"
#define FL_KIND_READY   "ready"
#define FL_KIND_ANSWER  "answer"
#define FL_KIND_OPENED  "opened"

/* Who sends: the sender's own count of its uploads or answers, and what came before. */
struct fl_sender {
    uint32_t party;
    uint64_t ctr;           /* of this one, from 1 */
    unsigned char prev[32]; /* digest of the one before; zeros for the first */
    char next[FL_LINE_MAX]; /* its public line for the next epoch */
};

struct fl_upload_head {
    struct fl_sender from;     /* a site */
    unsigned char nonce[32];   /* helpers only */
    const unsigned char *tags; /* (fl_upload_tags, 32) borrowed from the metadata or the sender */
    unsigned char cipher[32];  /* digest of the object of its ciphertexts' c1, where it has some */
    bool ledger;               /* it was paid for in a ledger of so many lines, the last of HEAD */
    uint64_t ledger_count;
    unsigned char ledger_head[32];
};

/* Tags of an upload: one for each helper, or pairwise one for each other site, by index. */
size_t fl_upload_tags(const struct fl_plan *plan);

FL_MUST int fl_upload_head_encode(const struct fl_upload_head *h, const struct fl_plan *plan,
                                  struct fl_meta *meta);
FL_MUST int fl_upload_head_decode(struct fl_upload_head *h, const struct fl_plan *plan,
                                  const struct fl_meta *meta);

/* Of the object of kind "cipher" before an upload: whose it is. */
FL_MUST int fl_cipher_head_encode(uint32_t site, const struct fl_plan *plan, struct fl_meta *meta);
FL_MUST int fl_cipher_head_decode(uint32_t *site, const struct fl_plan *plan,
                                  const struct fl_meta *meta);

struct fl_answer_head {
    struct fl_sender from; /* a helper, by party */
    unsigned char set[32]; /* SD of the sites whose streams it holds */
};

FL_MUST int fl_answer_head_encode(const struct fl_answer_head *h, const struct fl_plan *plan,
                                  struct fl_meta *meta);
FL_MUST int fl_answer_head_decode(struct fl_answer_head *h, const struct fl_plan *plan,
                                  const struct fl_meta *meta);

/* Is a helper ready to answer? BAD: sites of the set whose tag is not this helper's own. */
struct fl_ready_head {
    uint32_t party;
    unsigned char set[32];
    const int64_t *bad; /* (bad_count) ascending; borrowed */
    size_t bad_count;
};

FL_MUST int fl_ready_head_encode(const struct fl_ready_head *h, const struct fl_plan *plan,
                                 struct fl_meta *meta);
FL_MUST int fl_ready_head_decode(struct fl_ready_head *h, const struct fl_plan *plan,
                                 const struct fl_meta *meta);

/* What a party that recomputed a round signs for: which set, and the model that comes of it. */
struct fl_opened_head {
    uint32_t party;
    unsigned char set[32], next_base[32], next_params[32], next_velocity[32];
    bool has_velocity;
    double distance; /* L2, of the step: how far the next model is from this one */
};

FL_MUST int fl_opened_head_encode(const struct fl_opened_head *h, const struct fl_plan *plan,
                                  struct fl_meta *meta);
FL_MUST int fl_opened_head_decode(struct fl_opened_head *h, const struct fl_plan *plan,
                                  const struct fl_meta *meta);

#endif
