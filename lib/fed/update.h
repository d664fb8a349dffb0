/*
 * What programs that take updates check alike: the base model that an update names, the site that
 * it comes from, and which metadata outlives a sum.
 */
#ifndef FL_FED_UPDATE_H
#define FL_FED_UPDATE_H

#include "base/must.h"
#include "crypt/hash.h"
#include "flt/format.h"

enum { FL_UPDATE_HEX = 13 }; /* room for the start of a digest, as messages show it */

/* The first 12 hexadecimal digits of a digest into TEXT; returns TEXT. */
const char *fl_update_short(const unsigned char digest[FL_HASH_BYTES], char text[FL_UPDATE_HEX]);

/* Digest of the model that an update of FILE belongs to; -1 with an error when it names none. */
FL_MUST int fl_update_base(const char *file, const struct fl_meta *update,
                           const unsigned char **base);

/* That model must be the one of this digest, which the message calls MODEL; else FL_REFUSED. */
FL_MUST int fl_update_check_base(const char *file, const struct fl_meta *update, const char *model,
                                 const unsigned char digest[FL_HASH_BYTES]);

/*
 * Its text was harmonized by the contract of FIRST, another update: by the one that it names, or by
 * none when it names none; else FL_REFUSED, or -1 where FILE's is no digest.
 */
FL_MUST int fl_update_check_contract(const char *file, const struct fl_meta *update,
                                     const struct fl_meta *first);

/* Name of the site, or NULL when there is none; -1 when it is no name (base/name.h). */
FL_MUST int fl_update_site(const char *file, const struct fl_meta *update, const char **site);

/* The same for a name that FILE holds in another place: 0, or -1 with an error. */
FL_MUST int fl_update_check_site(const char *file, const char *site);

/* Keep of KEPT only what OTHER says too, with the same value. Any order leaves the same. */
void fl_update_keep_common(struct fl_meta *kept, const struct fl_meta *other);

/*
 * What belongs to one update or one sum and does not pass into another: site, counts, losses, and
 * all that begins with "sum.". The base is not of these.
 */
bool fl_update_own_key(const char *key);

#endif
