/*
 * A roster whose every line was checked: who takes part, and what no plan may go below.
 *
 * People agree on a YAML file (conf/roster_file.h). Its canonical form is stream metadata
 * (fl_meta_encode) with the defaults filled in, and RD = H(-; "fl1.roster"; LE64 length, canonical
 * bytes) names it. The hub carries the canonical form in every plan, so both ways in lead through
 * fl_roster_decode. A policy key that a later version adds stays out of the canonical form while it
 * has its default; a key that this version does not know is refused, since it could not be kept.
 */
#ifndef FL_SEC_ROSTER_H
#define FL_SEC_ROSTER_H

#include "base/buf.h"
#include "conf/roster_file.h"
#include "flt/format.h"
#include "sec/identity.h"
#include "sec/sign.h"

enum { FL_SITES_MIN = 3, FL_SITES_MAX = 256, FL_COMMITTEE_MAX = 15 };

struct fl_roster { /* a zeroed struct is empty */
    char federation[FL_SITE_MAX + 1];
    int64_t epoch, first_round;
    bool psk; /* a pre-shared secret is in every chain's root */
    size_t n; /* sites; a site's index is its place in the list */
    struct fl_line *sites;
    struct fl_line hub;
    size_t m; /* committee members, by site index; 0: none was chosen */
    uint32_t *committee;
    int64_t threshold, min_sum;
    struct fl_policy policy;
    struct fl_buf canonical;
    unsigned char digest[32]; /* RD */
};

void fl_roster_release(struct fl_roster *r);

/*
 * Read YAML, or the canonical form. On -1 R is released: FL_USAGE for what people should write in
 * another way, FL_REFUSED for a bad signature, and for keys and names that are there twice.
 */
int fl_roster_read(struct fl_roster *r, const char *path);
int fl_roster_from_conf(struct fl_roster *r, const struct fl_roster_conf *conf);
int fl_roster_decode(struct fl_roster *r, const void *data, size_t len);

/*
 * Index of the site of this name or signing key; FL_SIGNER_HUB for the hub's; -1 when there is
 * none.
 */
int64_t fl_roster_find(const struct fl_roster *r, const char *name);
int64_t fl_roster_find_key(const struct fl_roster *r, const unsigned char sign[32]);

/* Record that NAME is no site, and the nearest one (FL_USAGE): always -1. */
int fl_roster_no_site(const struct fl_roster *r, const char *name);

const struct fl_line *fl_roster_line(const struct fl_roster *r, uint32_t signer);

/* H(-; "fl1.members"; signing keys of the sites, sorted): the same for every order and epoch. */
void fl_roster_members(const struct fl_roster *r, unsigned char digest[32]);

/* Sign an object of KIND and DIGEST as SIGNER, whose key KEY is. */
void fl_roster_sign(const struct fl_roster *r, uint32_t signer, const struct fl_key *key,
                    const char *kind, const unsigned char digest[32], struct fl_sign *sign);

/* -1 (FL_REFUSED) unless SIGN is a member's of this roster for that object. Names no file. */
int fl_roster_check_sign(const struct fl_roster *r, const char *kind,
                         const unsigned char digest[32], const struct fl_sign *sign);

/* The signatures of one object, as a reader hands them out one by one. */
struct fl_verifier {
    const struct fl_roster *roster; /* NULL: judge nothing */
    const char *kind;               /* of the object, and its digest */
    unsigned char digest[32];
    size_t count; /* signatures that held; begins at 0 */
};

/* ARG is a struct fl_verifier: fl_roster_check_sign, counted. */
int fl_verifier_check(void *arg, const struct fl_sign *sign);

/* -1 (FL_REFUSED), naming FILE, when there is a roster and the object had no signature. */
int fl_verifier_end(const struct fl_verifier *v, const char *file);

#endif
