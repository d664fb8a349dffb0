/*
 * The plan of a round: which model, which sites, how updates are encoded, weighted and protected.
 * An object of kind "plan", signed by the hub, that carries the canonical roster; its metadata is
 * in fl-protocol(7). A plan in memory was checked against its roster's policy: nothing that a site
 * does or a sum opens goes below what the policy allows.
 *
 * Tensors travel as little-endian 64-bit words of floor(64 / bits) lanes: first the masked ones in
 * the order of the model, then the summed weight, one word with one lane of 64 bits, then the plain
 * ones. WORD_AT counts words in that order; masks cover the words below MASKED_WORDS.
 */
#ifndef FL_SEC_PLAN_H
#define FL_SEC_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/round.h"
#include "flt/object.h"
#include "flt/schema.h"
#include "sec/roster.h"

#define FL_WEIGHT_TENSOR "sum.weight" /* the weight lane's name in an upload */

enum {
    FL_CHUNK_WORDS = 8192, /* 64 KiB: what one stream of a mask covers */
    FL_WEIGHT_BITS = 40    /* a weight of 1 is 2^40 in its lane */
};

struct fl_plan_tensor {
    char *name;
    unsigned rank;
    uint64_t dims[FL_FLT_RANK_MAX];
    enum fl_role role; /* FL_MASKED or FL_PLAIN */
    uint64_t elements, words, word_at;
};

struct fl_plan { /* a zeroed struct is empty */
    struct fl_roster roster;
    uint64_t round;
    unsigned char base[32]; /* digest of the model that is trained */
    int64_t base_round;
    bool has_after;
    unsigned char after[32]; /* digest of the opened sum that led to it */
    unsigned protection;     /* FL_PROTECT_ */
    unsigned bits;           /* of a lane */
    double clip, scale;      /* values to +-clip, times scale, a power of two */
    bool stochastic;
    enum fl_weight_rule rule;
    double cap, alpha; /* weights count as at most cap; alpha is dynamic's */
    double *bandwidth; /* (n) Mbit/s; NULL: 1 for everybody */
    char deadline[24]; /* RFC 3339 in UTC; "" without one */
    size_t count;
    struct fl_plan_tensor *tensors; /* in the order of the model */
    size_t *order;                  /* (count + 1) tensor at each place; see fl_plan_at */
    uint64_t words, masked_words;   /* the weight's word is at masked_words - 1 */
    unsigned char digest[32], sid[32];
};

void fl_plan_release(struct fl_plan *plan);

/*
 * Read a plan and check all of it: its form, the roster in it, the hub's signature, the policy.
 * Whose roster it is, the caller compares: plan->roster.digest. FL_REFUSED for a bad signature or
 * one that is missing, and for what the policy does not allow. -1 leaves PLAN released.
 */
int fl_plan_read(struct fl_plan *plan, const char *path, struct fl_pool *pool);

/* -1 (FL_REFUSED) unless the plan, which FILE holds, is of the roster in the file ROSTER. */
int fl_plan_check_roster(const struct fl_plan *plan, const char *file, const char *roster);

/*
 * Fill PLAN but its roster, which is there, from CONF and defaults for a round from MODEL. AFTER,
 * if not NULL, is the opened sum that led to MODEL: -1 (FL_REFUSED) when MODEL does not follow from
 * it.
 */
struct fl_plan_params {
    uint64_t round;
    const struct fl_round_conf *conf;
    struct fl_object *model, *after;
    const char *deadline; /* in UTC and to come, else FL_USAGE; or NULL */
    struct fl_pool *pool;
};
int fl_plan_draft(struct fl_plan *plan, const struct fl_plan_params *params);

/* -1 (FL_REFUSED) unless the policy allows the plan and the largest sum fits its lanes. */
int fl_plan_check(const struct fl_plan *plan);

/* Words and places of the tensors, from their shapes, roles and BITS. */
int fl_plan_layout(struct fl_plan *plan);

/* Write the object and its signature by the hub's KEY to the spool FD; sets digest and sid. */
int fl_plan_write(struct fl_plan *plan, const struct fl_key *key, int fd, int level);

/* 0 when TEXT is a time in UTC like "2026-11-24T18:00:00Z", else -1 (no error recorded). */
int fl_plan_deadline(const char *text);

/*
 * H(-; "fl1.terms"; ...) of what a plan says of weights and encoding: bits, clip, rounding, rule,
 * alpha, bandwidths, plain tensors. Rounds from nearly the same model hold nearly the same
 * updates, so a hub that could change these from round to round would get equations for single
 * ones; they stay what they were in an epoch's first round unless the policy says vary. (Not the
 * cap, and the scale that follows from it: a cap below the policy's may cut no site's weight.)
 */
void fl_plan_terms(const struct fl_plan *plan, unsigned char terms[32]);

/*
 * H(-; "fl1.use"; ...) of all that makes the sum of a round what it is but the updates: the sites,
 * their weights, the encoding. Training is repeatable, so two rounds from one base hold the same
 * updates; sums of them that differ in any of this are equations to solve for single ones.
 */
void fl_plan_use(const struct fl_plan *plan, unsigned char use[32]);

/* The largest power of two as scale whose sum fits the lanes; 0 when there is none. */
double fl_plan_largest_scale(const struct fl_plan *plan);

/* The largest magnitude of an encoded value: ceil(clip * scale). Below 2^63 in a checked plan. */
uint64_t fl_plan_largest(const struct fl_plan *plan);

/* Tensor I of an upload, in the order of words: its description for the stream. I up to count. */
int fl_plan_upload_tensor(const struct fl_plan *plan, size_t i, struct fl_tensor *t);

/* Add the tensors of an upload to S, in the order of words. 0 or -1. */
int fl_plan_upload_schema(const struct fl_plan *plan, struct fl_schema *s);

/*
 * The tensor of the plan that stands at place I of an upload, NULL for the weight's; I up to count.
 */
const struct fl_plan_tensor *fl_plan_at(const struct fl_plan *plan, size_t i);

/*
 * -1 unless the f32 tensors of an update, in order, are those of the plan. The error names the
 * file.
 */
int fl_plan_match(const struct fl_plan *plan, const struct fl_object *update);

#endif
