/*
 * The sites of a sum, and the rule about which sets may be opened one after another.
 *
 * Training is repeatable: two sums over nearly the same model hold nearly the same updates, so
 * their difference shows what the sites have sent that are in one and not in the other. Sites that
 * were in and out of the same sums form a class. Nothing can be learnt of less than a class, and
 * each class that is in any of the sets must have at least min_sum sites. (A rule for pairs of sets
 * is not enough: {11 sites}, {5 of them}, {5 others} leave one.) The same set again is always fine;
 * with n < 2 min_sum no other is.
 */
#ifndef FL_SEC_SET_H
#define FL_SEC_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "sec/roster.h"

/*
 * SD = H(-; "fl1.set"; sid LE32(count), and for each site, ascending: LE32 index, digest of its
 * upload). SITES: (count) ascending; DIGESTS: (count, 32).
 */
void fl_set_digest(unsigned char set[32], const unsigned char sid[32], const uint32_t *sites,
                   const unsigned char *digests, size_t count);

/*
 * Sets as bits over one list of KEYS, set after set: bit I of set S is bit I % 8 of byte
 * S * fl_set_bytes(KEYS) + I / 8.
 */
size_t fl_set_bytes(size_t keys);
bool fl_set_has(const unsigned char *sets, size_t keys, size_t set, size_t key);
void fl_set_put(unsigned char *sets, size_t keys, size_t set, size_t key);

/*
 * Do COUNT sets keep the rule? 1: yes. 0: no, and *KEY is one of a class that is too small, *SIZE
 * the number of keys in it (NULL pointers are fine). -1 with an error when there is no memory.
 * O(keys log keys sets).
 */
FL_MUST int fl_set_check(const unsigned char *sets, size_t count, size_t keys, size_t min_sum,
                         size_t *key, size_t *size);

/*
 * The largest set that may follow COUNT others: of the keys that are HERE (bits) as many as the
 * rule lets take part, of equals those that come first, into FIT (bits). Returns how many, 0 when
 * there is none of min_sum, or -1 with an error. O(keys log keys sets).
 */
int64_t fl_set_fit(const unsigned char *sets, size_t count, size_t keys, size_t min_sum,
                   const unsigned char *here, unsigned char *fit);

#endif
