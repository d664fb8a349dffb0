/* A verification at work: what fed/verify.c and its two other files share, and nobody else. */
#ifndef FL_FED_VERIFY_PARTS_H
#define FL_FED_VERIFY_PARTS_H

#include "base/must.h"
#include "fed/findings.h"
#include "fed/gather.h"
#include "fed/replay.h"
#include "fed/verify.h"

struct fl_verify_request {
    char *file;
    struct fl_request request;
};

struct fl_verify_past;
struct fl_verify_seen;

struct fl_verify {
    const struct fl_verify_settings *set;
    struct fl_plan plan;
    struct fl_key *key; /* that signs, of this party; NULL: none */
    uint32_t party;
    struct fl_findings findings;
    size_t request_count, request_cap;
    struct fl_verify_request *requests;    /* those that hold, in the order of their names */
    const struct fl_verify_request *asked; /* the one that was answered; NULL: none, or pairwise */
    struct fl_lane_sum *sums, *look;       /* what is summed up; what is only looked at */
    struct fl_gather in, beside;           /* messages of the set; all others */
    unsigned char (*uploads)[32];          /* (n) digests of those that hold, zeros for none */
    struct fl_buf outside;                 /* sites whose upload holds and is not in the set */
    char *lost;                            /* the first file without which there are no sums, */
    char *unanswered;                      /* and without which they do not open; or NULL */
    bool from_sum;                         /* sums are what the file "sum.flt" says */
    int sum, mean, next, velocity;         /* spools of what was recomputed; -1: not */
    bool has_model;                        /* the plan's model is at hand, and is that one */
    bool has_sum, has_mean;                /* it is in the folder and right */
    bool stepped;                          /* the next model was recomputed */
    size_t signatures;                     /* of parties under replay, that hold */
    struct fl_opened_head signed_for;      /* what the first of them signed */
    struct fl_verify_past *past;           /* borrowed: rounds that were verified before; or NULL */
    struct fl_verify_seen *seen;           /* the same: of their uploads */
    struct fl_replay replay;
};

enum { FL_SPOOL_NAME = 32 };

/* The name by which what was written to the spool FD is opened from its beginning. */
const char *fl_verify_spool(int fd, char name[FL_SPOOL_NAME]);

/*
 * FILE does not hold by the recorded error. The digest of what is there is found out, unless it is
 * damaged. 0, or -1 as fl_findings_blame.
 */
FL_MUST int fl_verify_blame(struct fl_verify *v, struct fl_finding finding);

/* Note FILE as the first one for want of which something is not compared: *FIRST. 0 or -1. */
FL_MUST int fl_verify_note(char **first, const char *file);

/* Is the model that was given, if one was, what the plan says of it? 0 or -1. */
FL_MUST int fl_verify_model(struct fl_verify *v);

/* Requests, uploads, answers: each by itself and with the others, summed up. 0 or -1. */
FL_MUST int fl_verify_requests(struct fl_verify *v, const char *const *names, size_t count);
FL_MUST int fl_verify_uploads(struct fl_verify *v);
FL_MUST int fl_verify_answers(struct fl_verify *v);

/*
 * After the uploads: is the file "sum.flt", made of them alone, the same? Where an upload is lost,
 * it is taken in place of them, so that the mean can be compared with it. 0 or -1.
 */
FL_MUST int fl_verify_sum(struct fl_verify *v);

/*
 * After the answers: the mean, the next model, who signed for it, or that these could not be
 * compared, and for which file. 0 or -1.
 */
FL_MUST int fl_verify_mean(struct fl_verify *v);
FL_MUST int fl_verify_next(struct fl_verify *v);
FL_MUST int fl_verify_opened(struct fl_verify *v);

/* What helpers answered in rounds that were verified before, and where their models lie. */
struct fl_verify_past *fl_verify_past_new(void);
void fl_verify_past_free(struct fl_verify_past *past);

/*
 * After the answers: does what each helper answered keep the rule of sets, with what it answered in
 * the rounds before? And after all else: note how far the step led. 0 or -1.
 */
FL_MUST int fl_verify_sets(struct fl_verify *v);
FL_MUST int fl_verify_step(struct fl_verify *v);

/* The last upload of each key in rounds that were verified before. */
struct fl_verify_seen *fl_verify_seen_new(void);
void fl_verify_seen_free(struct fl_verify_seen *all);

/* Does A, an upload that holds, follow on the last one of its key? Then it is the last. 0 or -1. */
FL_MUST int fl_verify_follows(struct fl_verify *v, const struct fl_arrival *a, const char *path);

/* Are there rounds in folders below this one, and none in it? 1, 0 or -1. */
FL_MUST int fl_verify_several(const char *folder);

/*
 * All rounds below the folder, in their order, each with the models that came of the one before;
 * WHOLE verifies one. GOOD has those of which nothing was found. 0 or -1.
 */
typedef int fl_verify_whole(struct fl_verify *v, struct fl_findings *good);
FL_MUST int fl_verify_rounds(const struct fl_verify_settings *set, fl_verify_whole *whole,
                             struct fl_findings *findings, struct fl_findings *good);

void fl_verify_release(struct fl_verify *v);

#endif
