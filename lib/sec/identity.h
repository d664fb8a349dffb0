/*
 * Who somebody is: a key file that never leaves its owner, and the public line made from it.
 *
 * The line is one text line that may be mailed and stands in a roster as it is:
 *     fl1 NAME EPOCH ED25519 X25519 SIGNATURE
 * with 64, 64 and 128 lower-case hexadecimal digits. SIGNATURE is the line's own Ed25519 key's:
 * kind "line", no roster, signer 0, root H(-; "fl1.line"; all of the line before the space in front
 * of it). An X25519 key serves one epoch. Accepting a roster uses it up and makes the next epoch's.
 */
#ifndef FL_SEC_IDENTITY_H
#define FL_SEC_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "base/name.h"
#include "crypt/keys.h"
#include "sec/vault.h"

enum {
    FL_LINE_MAX = 512, /* of a public line, its zero included */
    FL_EPOCH_MAX = 1000000000,
    FL_HE_ROUNDS = 1024 /* of an epoch: keys of encryption that a helper commits to */
};

struct fl_line {
    char name[FL_SITE_MAX + 1];
    int64_t epoch;
    unsigned char sign[FL_SIGN_PUBLIC];
    unsigned char dh[FL_DH_PUBLIC];
    char text[FL_LINE_MAX]; /* the line itself, without a line feed */
};

struct fl_key { /* in secret memory: fl_key_new, fl_key_read, fl_key_free */
    char name[FL_SITE_MAX + 1];
    int64_t epoch; /* that DH is for */
    unsigned char seed[FL_SIGN_SEED];
    unsigned char secret[FL_SIGN_SECRET], public[FL_SIGN_PUBLIC]; /* from the seed */
    unsigned char dh[FL_DH_SECRET];
    unsigned char hedge[32];
    uint64_t uploads, answers; /* made with it: a state that knows of fewer is an old copy */
    bool has_roster;           /* a roster was accepted: */
    unsigned char roster[32];
    int64_t roster_epoch;
    bool has_he; /* a line for encryption was made (sec/he_offer.h), for EPOCH: */
    char he_federation[FL_SITE_MAX + 1];
    unsigned char he_seed[32], he_root[32];
    unsigned char *he_leaves; /* (FL_HE_ROUNDS, 32) owned; of all its keys (sec/he_line.h) */
};

/* A key with fresh secrets; NULL with an error. */
struct fl_key *fl_key_new(const char *name, int64_t epoch);
void fl_key_free(struct fl_key *key); /* wipes; NULL is fine */

/* NULL with an error; FL_REFUSED for a file that others can read. */
struct fl_key *fl_key_read(const char *path);
FL_MUST int fl_key_write(const struct fl_key *key,
                         const char *path); /* replaces the file in one step */
FL_MUST int fl_key_create(const struct fl_key *key, const char *path); /* fails when there is one */

/* A fresh DH for EPOCH in place of the old one; a line for encryption is of the past then. */
void fl_key_renew(struct fl_key *key, int64_t epoch);

/*
 * 32 bytes that stay secret even if the system's generator repeats itself (a cloned machine):
 *     H(getrandom32; "fl1.fresh"; hedge roster sid input ctr realtime_ns monotonic_ns pid WHAT)
 * BIND holds roster, sid and input digest, 96 bytes, or is NULL for zeros. WHAT names the use.
 */
void fl_key_fresh(unsigned char out[32], const struct fl_key *key, const unsigned char *bind,
                  uint64_t ctr, const char *what);

/*
 * H(-; "fl1.psk"; the file's bytes) of a pre-shared secret: 32 to 4096 bytes in a file that others
 * cannot read (FL_REFUSED otherwise).
 */
FL_MUST int fl_psk_read(const char *path, unsigned char psk[32]);

/* The public line of what the key holds now; the same key gives the same line. */
void fl_key_line(const struct fl_key *key, struct fl_line *line);

/*
 * Take a line apart and check it to the last bit: its form, its signature, an X25519 key that is
 * canonical and not of small order. -1 with FL_REFUSED when a key or the signature is bad, with
 * FL_USAGE when it is no such line. The error does not name the file. Spaces around it are ignored.
 */
FL_MUST int fl_line_parse(struct fl_line *line, const char *text);

/* The same, without a look at signature and key: for a line that is parsed later, or was before. */
FL_MUST int fl_line_read(struct fl_line *line, const char *text);

#endif
