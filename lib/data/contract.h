/*
 * What a contract and a site file mean together: the settings of a run, and the digest of the
 * contract that shards, updates and rosters name.
 *
 * The digest is H("fl1.contract"; LE64 length, canonical form): metadata (flt/meta.h) of every
 * value, defaults filled in, with the versions of Unicode and of the rules of identifiers. So
 * comments, the order of keys and values that are the defaults do not change it.
 */
#ifndef FL_DATA_CONTRACT_H
#define FL_DATA_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "conf/contract_file.h"
#include "conf/site_file.h"
#include "crypt/hash.h"
#include "data/harmonize.h"
#include "data/identifier.h"
#include "data/reading.h"

enum { FL_CONTRACT_RULES = 1 }; /* of contracts that this version knows */

struct fl_contract {              /* a zeroed struct is empty */
    struct fl_contract_conf conf; /* with what it says nothing about filled in */
    struct fl_id_rules *identifiers;
    unsigned char digest[FL_HASH_BYTES];
    const char **names; /* of the fields */
};

/* -1 with an error (FL_USAGE for what is wrong in it) leaves CONTRACT released. */
FL_MUST int fl_contract_read(struct fl_contract *contract, const char *path);
FL_MUST int fl_contract_parse(struct fl_contract *contract, const char *text, size_t len,
                              const char *name);
void fl_contract_release(struct fl_contract *contract);

struct fl_site { /* a zeroed struct is empty */
    struct fl_site_conf conf;
    struct fl_contract contract;
    struct fl_reading *readings; /* (conf.input_count,) */
    const struct fl_reading **of_file;
    const struct fl_record_form **forms; /* of each file that was given */
};

/*
 * Read the site file at PATH, its contract and its tables. -1 with an error leaves SITE released.
 */
FL_MUST int fl_site_read(struct fl_site *site, const char *path);
void fl_site_release(struct fl_site *site);

/*
 * Put what the files say into SET, and which input each of the COUNT files is (0: standard input
 * alone): one that no pattern matches is FL_USAGE. SET borrows from SITE.
 */
FL_MUST int fl_site_apply(struct fl_site *site, const char *const *paths, size_t count,
                          struct fl_harmonize_settings *set);

struct fl_short_ways { /* which short options were given */
    bool field, format, passage, max, valid, invalid;
};

/* 0, or -1 (FL_USAGE) when one that was given is not what the site's files say. */
FL_MUST int fl_site_agree(const struct fl_site *site, const struct fl_short_ways *given,
                          const struct fl_harmonize_settings *set, const char *field);

#endif
