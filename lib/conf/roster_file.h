/*
 * The roster, as people write it: who takes part, and what no round plan may go below.
 *
 *     federation: NAME          epoch: N           first_round: N (0)     psk: BOOL (false)
 *     sites: [LINE, ...]        hub: LINE          committee: [NAME, ...] threshold: N   min_sum: N
 *     policy:
 *       protection: [pairwise, double]             bits: [MIN, MAX] (8, 64)
 *       clip: [MIN, MAX] (1e-6, 1000)              plain: [TENSOR, ...] (none)
 *       weights: {RULE: CAP, ...} or [RULE, ...]   spread: X (16)
 *       max_skip: N (4096)                         noise: none
 *       vary: BOOL (false)
 *
 * Here are the YAML's types and ranges only; keys, signatures and names are judged in sec/roster.h.
 */
#ifndef FL_CONF_ROSTER_FILE_H
#define FL_CONF_ROSTER_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/name_list.h"
#include "conf/weight_rule.h"

enum { FL_PROTECT_PAIRWISE = 1, FL_PROTECT_DOUBLE = 2 };

struct fl_policy {
    unsigned protection; /* the allowed ones, FL_PROTECT_ */
    int64_t bits_min, bits_max;
    double clip_min, clip_max;
    double cap[FL_WEIGHT_RULES]; /* the largest cap of a rule; 0: the rule is not allowed */
    double spread;               /* largest ratio of two sites' factors that come from the plan */
    int64_t max_skip;            /* a round may be at most this many after the last one, less one */
    bool vary;                   /* plans of one epoch may differ in their terms (fl_plan_terms) */
    char *noise;                 /* the least: "none" */
    struct fl_name_list plain;   /* tensors that may travel unmasked */
};

struct fl_roster_conf {
    char *federation, *hub;
    int64_t epoch, first_round;
    bool psk, committee_given;
    struct fl_name_list sites, committee;
    int64_t threshold, min_sum; /* 0: the default */
    struct fl_policy policy;
};

void fl_policy_default(struct fl_policy *policy); /* noise is a copy; fl_policy_release */
void fl_policy_release(struct fl_policy *policy);

/* PATH "-" is standard input. -1 (FL_USAGE for what is wrong in it) leaves CONF released. */
int fl_roster_conf_read(struct fl_roster_conf *conf, const char *path);
int fl_roster_conf_parse(struct fl_roster_conf *conf, const char *text, size_t len,
                         const char *name);
void fl_roster_conf_release(struct fl_roster_conf *conf);

#endif
