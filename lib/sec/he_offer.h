/*
 * What a helper shows for tensors of protection he: once an epoch its line, which people put into
 * the roster (sec/he_line.h), and for each round its key, which the hub puts into the plan.
 */
#ifndef FL_SEC_HE_OFFER_H
#define FL_SEC_HE_OFFER_H

#include "base/must.h"
#include "os/output.h"
#include "sec/plan.h"

enum { FL_HE_BATCH = 16 }; /* rounds of which a helper's turn shows the keys at a time */

/*
 * The line of the key in the file KEY_PATH, for FEDERATION and the epoch that the key is for. The
 * first time a chain is begun and kept in the file, two seconds of all cores; then it is the same
 * line. 0, or -1: FL_USAGE when FEDERATION is no name.
 */
FL_MUST int fl_he_offer(struct fl_he_line *line, const char *key_path, const char *federation);

/*
 * Write an object of kind "hekey" to OUT: the keys of the rounds ROUNDS, "5" or "5..12", of the
 * helper whose key file is KEY_PATH and whose state is in STATE (NULL: beside it); tensors
 * "he.ROUND" with their paths, signed. -1: FL_REFUSED when no tensor of its roster is encrypted, it
 * is no helper, or a round is over; FL_USAGE.
 */
FL_MUST int fl_he_keys_make(const char *key_path, const char *state, const char *rounds,
                            struct fl_output *out);

/*
 * Into plan->keys the key of the plan's round out of each of the COUNT files, one for each helper,
 * checked against the roster. The plan has its layout. 0; -1 naming the file, FL_NOT_YET when a
 * helper's is missing.
 */
FL_MUST int fl_he_keys_read(struct fl_plan *plan, const char *const *paths, size_t count);

/*
 * A batch, by turns of fl-round(1): the keys from round FIRST on. Its last round, which the epoch
 * may end; and the most bytes that it takes as a file.
 */
uint64_t fl_he_batch_last(const struct fl_roster *r, uint64_t first);
uint64_t fl_he_batch_bytes(void);

/*
 * The file PATH is what the helper PARTY of the roster R shows from round FIRST on: signed by it,
 * and nothing but keys that the roster commits it to, of FIRST and what follows it. 0; -1 naming
 * the file: FL_REFUSED for keys of others.
 */
FL_MUST int fl_he_batch_check(const struct fl_roster *r, uint32_t party, uint64_t first,
                              const char *path);

/*
 * Has the file PATH, which was checked so for R or for the roster of another epoch, the key of
 * ROUND under R? 1, 0 (none, or no file) or -1.
 */
FL_MUST int fl_he_batch_has(const struct fl_roster *r, const char *path, uint64_t round);

#endif
