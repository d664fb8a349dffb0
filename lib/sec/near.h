/*
 * Which sets of sites were summed over which models: what a helper, and the hub for itself,
 * remembers for its life to keep the rule of sets (sec/set.h) over all models that are near each
 * other.
 *
 * A model is remembered by its digests and a sketch of its numbers (sec/sketch.h); near is what
 * lies within the roster's MOVE. Members are numbered by their signing keys, in the order in which
 * they were first seen, so that sets of one epoch can be held against those of another.
 */
#ifndef FL_SEC_NEAR_H
#define FL_SEC_NEAR_H

#include "base/must.h"
#include "sec/sketch.h"

enum { FL_NEAR_SETS_MAX = 64 }; /* over bases that are near one base */

struct fl_near_set {
    unsigned char *bits; /* by member; those beyond BYTES were out */
    size_t bytes;
    bool asked; /* the hub asked for it in the round of this plan, which has not led on: */
    unsigned char plan[32];
};

struct fl_near_base {
    unsigned char object[32];
    int64_t epoch; /* in which sums over it were made last */
    bool sketched; /* else nothing is known of its numbers, and it may be near any other */
    struct fl_sketch sketch;
    size_t set_count, set_cap;
    struct fl_near_set *sets;
};

struct fl_near { /* a zeroed struct is empty; lies in secret memory, for the key */
    bool keyed;
    unsigned char key[FL_SKETCH_KEY]; /* of the sketches, for life */
    size_t member_count, member_cap;
    unsigned char (*members)[32]; /* Ed25519 keys */
    size_t base_count, base_cap;
    struct fl_near_base *bases;
};

void fl_near_release(struct fl_near *near);

/* The base of this object's digest, or NULL. */
struct fl_near_base *fl_near_find(const struct fl_near *near, const unsigned char object[32]);

/*
 * Remember a base: MODEL, if not NULL, is read for its sketch. The one that is there already gets a
 * sketch that it lacks. NULL with an error. Pointers to bases are good until the next call.
 */
struct fl_near_base *fl_near_add(struct fl_near *near, const unsigned char object[32],
                                 struct fl_object *model);

/* How far two bases are from each other: 0 for the same, and when one of them has no sketch. */
double fl_near_distance(const struct fl_near_base *a, const struct fl_near_base *b);

/*
 * May the COUNT sites of SITES (ascending indices of the plan's roster) be summed over BASE, after
 * all sets over near bases (with weights.hide all of the epoch)? 0, or -1: FL_REFUSED, naming a
 * site of the class that would be too small.
 */
FL_MUST int fl_near_check(struct fl_near *near, const struct fl_near_base *base,
                          const struct fl_plan *plan, const uint32_t *sites, size_t count);

/*
 * Of the sites that are HERE the largest set that may be summed: into FIT (room for COUNT), its
 * size into *FITTING; 0 when there is none. 0 or -1 with an error. Sets that were asked for in
 * other rounds count too: a helper may have answered one, and then answers no other.
 */
FL_MUST int fl_near_fit(struct fl_near *near, const struct fl_near_base *base,
                        const struct fl_plan *plan, const uint32_t *here, size_t count,
                        uint32_t *fit, size_t *fitting);

/*
 * What the sets of before ask of the next one over BASE: MUST (n) of the roster's sites tells those
 * without whom alone it would be refused, since they are in a set over a near base, or in one that
 * was asked for. *DISTANCE: to the nearest base that has sets; 0 for BASE itself, infinite without
 * one. 0 or -1.
 */
FL_MUST int fl_near_view(struct fl_near *near, const struct fl_near_base *base,
                         const struct fl_plan *plan, bool *must, double *distance);

/* Remember that they were; the same set again changes nothing. 0, or -1 with an error. */
FL_MUST int fl_near_record(struct fl_near *near, struct fl_near_base *base,
                           const struct fl_plan *plan, const uint32_t *sites, size_t count);

/*
 * The hub: the same of sites that answers are asked for by this plan; and that the round of the
 * PLAN of this digest has led on with a set that is recorded: all helpers answered that one, and so
 * no other that was asked for in it.
 */
FL_MUST int fl_near_ask(struct fl_near *near, struct fl_near_base *base, const struct fl_plan *plan,
                        const uint32_t *sites, size_t count);
void fl_near_forget_asked(struct fl_near *near, const unsigned char plan[32]);

#endif
