/*
 * The settings of a round, as the hub writes them for fl-plan; all may be absent.
 *
 *     protection: pairwise | double     bits: 8..32 or 64       clip: X     scale: a power of two
 *     rounding: stochastic | nearest    weights: RULE           cap: X      alpha: X
 *     bandwidth: {SITE: MBIT, ...}      plain: [TENSOR, ...]    noise: none
 */
#ifndef FL_CONF_ROUND_H
#define FL_CONF_ROUND_H

#include <stdint.h>

#include "conf/name_list.h"

struct fl_round_conf {                             /* a zeroed struct has no settings */
    char *protection, *rounding, *weights, *noise; /* NULL: not given */
    int64_t bits;                                  /* 0: not given, as for the numbers below */
    double clip, scale, cap;
    double alpha;
    bool alpha_given;
    struct fl_name_list plain;
    struct fl_name_list bandwidth_sites;
    double *bandwidth; /* one for each of bandwidth_sites */
};

/* -1 (FL_USAGE for what is wrong in it) leaves CONF released. */
int fl_round_conf_read(struct fl_round_conf *conf, const char *path);
int fl_round_conf_parse(struct fl_round_conf *conf, const char *text, size_t len, const char *name);
void fl_round_conf_release(struct fl_round_conf *conf);

#endif
