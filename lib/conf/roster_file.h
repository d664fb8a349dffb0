/*
 * The roster, as people write it: who takes part, and everything that changes a sum.
 *
 *     federation: NAME       epoch: N      first_round: N (0)      psk: BOOL (false)
 *     contract: DIGEST (any text)     delay: 0|1 (0)        stale: N (0)
 *     model: DIGEST          apply: {rule: sgd|momentum|nesterov (sgd), lr: X (1), momentum: X (0)}
 *     sites: [LINE, ...]     hub: LINE
 *     protection: pairwise|helpers|none (pairwise)
 *     helpers: [SITE|LINE, ...]     replay: [NAME, ...]
 *     min_sum: N (pairwise: all sites)
 *     weights: {rule: uniform|examples|loss|dynamic (uniform), floor: X, cap: X, alpha: X (0.5),
 *               tokens: X (1e6), mbit: X (100), unit: X (1000), hide: BOOL (false)}
 *     tensors: [{match: GLOB, protect: mask|plain|frozen|he, bits: N, clip: X}, ...]
 *     steps: X (64)          move: X (1/64)
 *     noise, budget: conf/noise_terms.h (none)
 *     max_open: N (4)        max_skip: N (1024)        max_age: N (1000)
 *     recipe: {steps: N, length: N, ...} (conf/recipe.h; none)
 *     he: [LINE, ...]
 *
 * Here are the YAML's types and ranges only. Keys, names and what the numbers mean together are
 * judged in sec/roster.h.
 */
#ifndef FL_CONF_ROSTER_FILE_H
#define FL_CONF_ROSTER_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "conf/apply_rule.h"
#include "conf/name_list.h"
#include "conf/noise_terms.h"
#include "conf/recipe.h"
#include "conf/weight_rule.h"

#define FL_PROTECTION_CHOICES "pairwise|helpers|none"
#define FL_PROTECT_CHOICES    "mask|plain|frozen|he" /* in the order of enum fl_protect */

enum { FL_STALE_MOST = 63 }; /* models that may come after an update's base, at most */

struct fl_tensor_rule_conf {
    char *match, *protect;
    int64_t bits; /* 0: not given */
    double clip;
};

struct fl_roster_conf { /* a zeroed struct is empty */
    char *federation, *hub, *model;
    char *contract; /* NULL: not given */
    int64_t epoch, first_round;
    bool psk;
    char *apply_rule;
    double lr, momentum;
    struct fl_name_list sites, helpers, replay, he;
    char *protection;
    int64_t min_sum; /* 0: not given */
    char *weight_rule;
    double floor, cap; /* 0: not given */
    double alpha, tokens, mbit, unit;
    bool hide;
    struct fl_tensor_rule_conf *tensors;
    size_t tensor_count;
    double steps, move;
    struct fl_noise_terms noise;
    int64_t max_open, max_skip, max_age;
    int64_t delay, stale;
    struct fl_recipe recipe; /* how sites train; nothing is set where none is given */
};

/* PATH "-" is standard input. -1 (FL_USAGE for what is wrong in it) leaves CONF released. */
FL_MUST int fl_roster_conf_read(struct fl_roster_conf *conf, const char *path);
FL_MUST int fl_roster_conf_parse(struct fl_roster_conf *conf, const char *text, size_t len,
                                 const char *name);
void fl_roster_conf_release(struct fl_roster_conf *conf);

#endif
