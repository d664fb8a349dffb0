/*
 * The messages of one masked round, gathered from files in any order: uploads, sums of uploads that
 * were gathered before, answers. Each is checked as it is read; what belongs together is checked at
 * the end. With sums, their lanes are added, and answers subtracted, on the way.
 */
#ifndef FL_FED_GATHER_H
#define FL_FED_GATHER_H

#include "base/must.h"
#include "fed/arrival.h"
#include "fed/cipher.h"
#include "fed/lane_sum.h"
#include "fed/members.h"
#include "sec/request.h"

struct fl_gather {
    const struct fl_plan *plan;
    struct fl_lane_sum *sums;   /* borrowed; an inspector: only check */
    struct fl_request *request; /* borrowed; to which uploads are added; NULL: none is made */
    const bool *wanted; /* (n) borrowed: uploads of other sites are passed over; NULL: none */
    struct fl_members members; /* sites, and the helpers that answered */
    bool answered[FL_HELPERS_MAX];
    unsigned char sets[FL_HELPERS_MAX][32]; /* that their answers are for */
    unsigned char **tags;                   /* (n) pairwise: of a site that is in, else NULL */
    struct fl_arrival arrival;              /* the message that was read last */
    struct fl_cipher_sum *look;             /* by which ciphertexts are checked; NULL: none yet */
    bool has_cipher;                        /* the object before was one of ciphertexts: */
    uint32_t cipher_site;
    unsigned char cipher[32]; /* its digest */
};

FL_MUST int fl_gather_start(struct fl_gather *g, const struct fl_plan *plan,
                            struct fl_lane_sum *sums, struct fl_request *request);
void fl_gather_release(struct fl_gather *g);

/*
 * Read all objects of IN. -1 with an error that names the file: FL_REFUSED or FL_FAILED as
 * fed/arrival.h has it. What was added before stays, but sums are of no use after a failure.
 */
FL_MUST int fl_gather_add(struct fl_gather *g, struct fl_reader *in);

/* The object at hand, whose head was read. 0, or -1 as above. */
FL_MUST int fl_gather_object(struct fl_gather *g, struct fl_reader *in, const struct fl_head *head);
/* All objects of IN were given so: 0, or -1 (FL_REFUSED) when ciphertexts lack the upload after
 * them. Needless after fl_gather_add. */
FL_MUST int fl_gather_end_file(struct fl_gather *g, struct fl_reader *in);

/* Pairwise: do the tags of two sites say that they share a key in this round? */
bool fl_gather_agree(const struct fl_gather *g, uint32_t a, uint32_t b);

/* -1 (FL_FAILED), naming them, when two sites that are in do not. */
FL_MUST int fl_gather_check_tags(const struct fl_gather *g);

/* Sites whose upload is not in: how many; their names, with ", " between, into NAMES. -1: error. */
int64_t fl_gather_missing(const struct fl_gather *g, struct fl_buf *names);

/* 0 when at least min_sum sites are in, pairwise all; else -1 (FL_NOT_YET), naming who is missing.
 */
FL_MUST int fl_gather_enough(const struct fl_gather *g);

/*
 * Can the sums be opened? Pairwise: all sites are in. Helpers: all helpers have answered for this
 * very set of sites, at least min_sum. 0, or -1: FL_NOT_YET, naming who is missing, or FL_REFUSED.
 */
FL_MUST int fl_gather_whole(struct fl_gather *g);

/* Write the sums, undivided and still masked, as an object of kind sum that fl_gather_add reads. */
FL_MUST int fl_gather_write_sum(const struct fl_gather *g, struct fl_writer *out);

#endif
