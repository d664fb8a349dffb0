/*
 * What turns of fl-round(1) need of rounds with encrypted tensors: at the hub the files of the
 * helpers' keys, which come in batches of rounds (sec/he_offer.h), and, for helpers, how many bytes
 * of each upload are the ciphertexts that they answer for.
 *
 *     ROUND/keys/HELPER.flt    its keys of ROUND and some after it
 *     ROUND/go                 the number of the request; then a line of SITE:BYTES,...
 */
#ifndef FL_FED_ROUND_HE_H
#define FL_FED_ROUND_HE_H

#include "base/must.h"
#include "fed/standing.h"

/*
 * The newest file that has helper H's key of ROUND: NAME, "K/keys/HELPER.flt", from the folder of
 * rounds on. 1, 0 when there is none, or -1.
 */
FL_MUST int fl_round_he_file(struct fl_standing *s, uint64_t round, size_t h, char *name,
                             size_t room);

/* Of each upload that request NUMBER is of, as a text into R, "SITE:BYTES". 0 or -1. */
FL_MUST int fl_round_he_lengths(struct fl_standing *s, uint64_t round, int64_t number,
                                struct fl_report *r);

/* ---- at a helper ---- */

struct fl_round_he_part {
    char site[FL_SITE_MAX + 1];
    int64_t bytes;
};

struct fl_round_he_go { /* a zeroed struct is empty */
    int64_t number;     /* of the request; -1: the file says none */
    size_t count, cap;
    struct fl_round_he_part *parts;
};

/*
 * Read the file PATH, a stranger's: what is no plain name and size is as if it were not
 * there. 0 or -1; GO is to be released after both.
 */
FL_MUST int fl_round_he_read(struct fl_round_he_go *go, const char *path);
void fl_round_he_release(struct fl_round_he_go *go);

#endif
