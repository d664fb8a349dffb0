/*
 * What a roster says of noise, and of the budget that it is paid from, as people write it:
 *
 *     noise: none                                                     (where it is left out)
 *     noise: {site: {clip: C, multiplier: Z}}                                 a site is hidden
 *     noise: {local: {clip: C, multiplier: Z, rate: Q, steps: N}}             a document of a site
 *     budget: {epsilon: E, delta: X, accountant: rdp|pld (rdp)}
 *
 * Decimal numbers stay text, since all parties compute with the very number that was written and
 * not with a double near it. What they may be is judged in sec/roster_noise.h.
 */
#ifndef FL_CONF_NOISE_TERMS_H
#define FL_CONF_NOISE_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

#define FL_ACCOUNTANT_CHOICES "rdp|pld" /* in the order of enum fl_accountant */

struct fl_yaml;

struct fl_noise_terms { /* a zeroed struct is empty */
    char *kind;         /* "none", "site" or "local" */
    char *clip, *multiplier, *rate;
    int64_t steps;
    bool budgeted;
    char *epsilon, *delta, *accountant;
};

/* NOISE, BUDGET: nodes of FILE, NULL where they are not given. -1 leaves TERMS to be released. */
FL_MUST int fl_noise_terms_read(struct fl_noise_terms *terms, const char *file,
                                const struct fl_yaml *noise, const struct fl_yaml *budget);
void fl_noise_terms_release(struct fl_noise_terms *terms);

#endif
