/*
 * The plan of a round: which model is trained, when, and what the hub last counted of everybody. It
 * chooses nothing that changes a sum: all of that stands in the roster, which the plan carries.
 *
 * An object of kind "plan", signed by the hub; its metadata is in fl-protocol(7). A plan in memory
 * was checked against its roster. What it says of the model (digests, list of tensors) are facts,
 * which everybody compares with the model itself.
 *
 * Tensors travel as little-endian 64-bit words of floor(64 / bits) lanes, bits by the tensor's
 * rule: first the masked ones in the order of the model, then the summed weight, one word with one
 * lane of 64 bits, then the plain ones. WORD_AT counts words in that order; masks cover the words
 * below MASKED_WORDS. Frozen tensors do not travel.
 *
 * Tensors of protection he travel as ciphertexts instead (sec/rlwe.h): those of one lane width, in
 * the order of the model, are the coordinates of one part. All ciphertexts, part after part, are
 * one tensor after the others; the plan shows the helpers' keys of the round.
 */
#ifndef FL_SEC_PLAN_H
#define FL_SEC_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "flt/object.h"
#include "flt/schema.h"
#include "sec/he_key.h"
#include "sec/mask.h"
#include "sec/roster.h"

#define FL_WEIGHT_TENSOR "sum.weight" /* the weight lane's name in an upload */
#define FL_CIPHER_TENSOR "sum.cipher" /* that of the ciphertexts' c0, and of a helper's shares */

enum {
    FL_CHUNK_WORDS = 8192, /* 64 KiB: what one stream of a mask covers */
    FL_WEIGHT_BITS = 40    /* a weight of the roster's cap is 2^40 in its lane */
};

struct fl_plan_tensor {
    const struct fl_tensor *tensor;    /* in the schema */
    const struct fl_tensor_rule *rule; /* in the roster */
    enum fl_role role;                 /* FL_MASKED, FL_PLAIN or FL_CIPHER */
    struct fl_lanes lanes;
    uint64_t elements, words, word_at; /* words: 0 of FL_CIPHER */
    const struct fl_bound_part *noise; /* of helpers, in the plan; NULL: there is none */
    size_t part;                       /* FL_CIPHER: of plan->he.parts, */
    uint64_t coordinate;               /* and the first of its coordinates */
};

/*
 * What the hub counted last of a party: its counter and the digest of that upload or answer; of an
 * upload how long the ledger was in which it was paid for.
 */
struct fl_counted {
    uint64_t ctr; /* 0: nothing yet */
    unsigned char digest[32];
    uint64_t spent; /* lines; 0: no ledger */
};

struct fl_plan { /* a zeroed struct is empty */
    struct fl_roster roster;
    uint64_t round;
    unsigned char base[32], params[32]; /* digests of the model: the object, its numbers alone */
    int64_t base_round;
    bool has_after, has_velocity;
    unsigned char after[32]; /* the set (sec/set.h) whose sum made the base; not in the first */
    unsigned char
        velocity[32];     /* the optimizer's state before this round's step, where it has one */
    size_t lineage_count; /* of a buffered round: models before the base whose updates count, */
    unsigned char (*lineage)[32]; /* oldest first; at most the roster's stale */
    char deadline[24];            /* RFC 3339 in UTC; "" without one */
    char software[64];            /* of the hub: "fl 0.1.0" */
    struct fl_counted *last;      /* (n + m) the sites, then the helpers, in the roster's order */
    struct fl_schema model;       /* all float tensors of the base, in its order */
    size_t count;
    struct fl_plan_tensor *tensors; /* those that travel, in the order of the model */
    size_t places;                  /* of lanes in an upload: tensors, and the weight */
    size_t *order;                  /* (places) tensor at each place; see fl_plan_at */
    uint64_t words, masked_words;   /* the weight's word is at masked_words - 1 */
    struct fl_rlwe_size he;         /* owned parts; no parts: nothing is encrypted */
    uint64_t ciphertexts;           /* of all parts */
    struct fl_he_shown *keys;       /* (m) of the helpers, when there are ciphertexts */
    struct fl_bound noise;          /* of helpers; a part for each rule; sigma 0: there is none */
    unsigned char digest[32], sid[32];
};

void fl_plan_release(struct fl_plan *plan);

/*
 * Read a plan and check all of it: its form, the roster in it, the hub's signature, that the round
 * is one of the epoch, that every trained tensor has a rule. Whose roster it is, the caller
 * compares: plan->roster.digest. FL_REFUSED for a bad signature or one that is missing, and for
 * what the roster does not allow. -1 leaves PLAN released.
 */
FL_MUST int fl_plan_read(struct fl_plan *plan, const char *path, struct fl_pool *pool);

/* -1 (FL_REFUSED) unless the plan, which FILE holds, is of the roster in the file ROSTER. */
FL_MUST int fl_plan_check_roster(const struct fl_plan *plan, const char *file, const char *roster);

/*
 * Fill PLAN but its roster and last, which are there, for a round over MODEL. AFTER is the mean
 * that led to MODEL, NULL for the model that the roster names: -1 (FL_REFUSED) when MODEL does not
 * follow from it. VELOCITY: the optimizer's state beside MODEL, or NULL.
 */
struct fl_plan_params {
    uint64_t round;
    struct fl_object *model, *after, *velocity;
    const char *deadline; /* or NULL */
    struct fl_pool *pool;
};
FL_MUST int fl_plan_draft(struct fl_plan *plan, const struct fl_plan_params *params);

/*
 * What plans over the roster's MODEL will look like, of no round and signed by nobody: roster,
 * tensors, noise. -1 (FL_REFUSED) when it is another model; PLAN is released then.
 */
FL_MUST int fl_plan_preview(struct fl_plan *plan, const struct fl_roster *r,
                            struct fl_object *model);

/* -1 (FL_REFUSED) unless ROUND is one of the roster's epoch, from its first for max_age rounds. */
FL_MUST int fl_plan_check_round(const struct fl_roster *r, uint64_t round);

/*
 * The tensors that travel and their places, from the schema and the roster; with noise of helpers
 * how wide it is and how fine the steps are, which the roster's rules have then. 0 or -1.
 */
FL_MUST int fl_plan_layout(struct fl_plan *plan);

/* The last of these: fl_plan_layout calls it. -1 (FL_USAGE) with numbers that would do. */
FL_MUST int fl_plan_noise(struct fl_plan *plan);

/*
 * With noise of helpers: what an upload of this plan costs its site, as an event (priv/event.h),
 * "dgauss:sigma2=S,sens2=B", for one helper's noise: any one of them may be the honest one.
 */
FL_MUST int fl_plan_event(const struct fl_plan *plan, struct fl_buf *out);

/* Write the object and its signature by the hub's KEY to the spool FD; sets digest and sid. */
FL_MUST int fl_plan_write(struct fl_plan *plan, const struct fl_key *key, int fd, int level);

/* 0 when TEXT is a time in UTC like "2026-11-24T18:00:00Z", else -1 (no error recorded). */
FL_MUST int fl_plan_deadline(const char *text);

/*
 * MODEL, which FILE holds, is the plan's base: object, numbers, list of tensors. -1 (FL_REFUSED)
 * otherwise. Reads all of it, once.
 */
FL_MUST int fl_plan_check_base(const struct fl_plan *plan, struct fl_object *model,
                               struct fl_pool *pool);

/*
 * Tensor I of an upload, in the order of words: its description for the stream. I below
 * fl_plan_upload_tensors: the places, and the ciphertexts' tensor if there are any.
 */
size_t fl_plan_upload_tensors(const struct fl_plan *plan);
FL_MUST int fl_plan_upload_tensor(const struct fl_plan *plan, size_t i, struct fl_tensor *t);

/* Add the tensors of an upload to S, in the order of words. 0 or -1. */
FL_MUST int fl_plan_upload_schema(const struct fl_plan *plan, struct fl_schema *s);

/*
 * The tensor of the plan at place I of an upload, NULL for the weight's; I below places. And the
 * last place that begins at or before word AT.
 */
const struct fl_plan_tensor *fl_plan_at(const struct fl_plan *plan, size_t i);
size_t fl_plan_place(const struct fl_plan *plan, uint64_t at);

/* ---- encrypted tensors (plan_he.c) ---- */

/* Put the FL_CIPHER tensors into parts; see fl_plan_layout, which calls it. 0 or -1. */
FL_MUST int fl_plan_he_layout(struct fl_plan *plan);

/* A tensor of all ciphertexts, one element of the ring each, of this NAME. */
FL_MUST int fl_plan_cipher_tensor(const struct fl_plan *plan, const char *name,
                                  struct fl_tensor *t);

/* The number of the round in its epoch. */
uint64_t fl_plan_he_round(const struct fl_plan *plan);

/* What one ciphertext holds: COUNT coordinates of a part from AT on. */
struct fl_plan_text {
    size_t part;
    uint64_t at, count;
};

/* Of ciphertext INDEX of the upload; and which one coordinate AT of a part is in. O(parts). */
struct fl_plan_text fl_plan_text(const struct fl_plan *plan, uint64_t index);
uint64_t fl_plan_text_of(const struct fl_plan *plan, size_t part, uint64_t at);

/*
 * The next tensor of the plan from number *I on that has coordinates in TEXT, and of it elements
 * FROM to TO - 1; *I becomes the number after it. NULL when there is none. O(tensors).
 */
const struct fl_plan_tensor *fl_plan_text_next(const struct fl_plan *plan,
                                               const struct fl_plan_text *text, size_t *i,
                                               uint64_t *from, uint64_t *to);

/*
 * -1 (FL_REFUSED) unless plan->keys are reduced, and under the roots of the roster's lines. Then
 * the joint key of all helpers; RING is borrowed. NULL without memory.
 */
FL_MUST int fl_plan_he_check(const struct fl_plan *plan);
struct fl_rlwe_key *fl_plan_he_key(const struct fl_plan *plan, const struct fl_ring *ring);

/* Tensors of the keys to W, and from O, of which they are number FIRST on, checked. 0 or -1. */
FL_MUST int fl_plan_he_write(const struct fl_plan *plan, struct fl_writer *w);
FL_MUST int fl_plan_he_read(struct fl_plan *plan, struct fl_object *o, size_t first);

/* Does the model's tensor of this name travel, neither frozen nor of another kind? O(tensors). */
bool fl_plan_travels(const struct fl_plan *plan, const char *name);

/* The tensors of an update: those that travel, as f32, in the order of the model. 0 or -1. */
FL_MUST int fl_plan_update_schema(const struct fl_plan *plan, struct fl_schema *s);

/*
 * -1 unless UPDATE is made of the tensors that travel, as f32 and in order. The error names the
 * file.
 */
FL_MUST int fl_plan_match(const struct fl_plan *plan, const struct fl_object *update);

#endif
