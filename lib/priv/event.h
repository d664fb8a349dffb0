/*
 * What was released, and how it was hidden: the one grammar of mechanisms, for steps that are
 * planned, for lines of a ledger and for tests.
 *
 *     EVENT[+EVENT...]      EVENT = MECHANISM:KEY=VALUE,...[*COUNT]
 *
 *     gauss:nm=             Gaussian noise of NM times the sensitivity
 *     pgauss:q=,nm=         the same, each unit drawn with probability q (Poisson)
 *     wor:n=,m=,nm=         m of n units drawn without replacement; nm of the replacing sensitivity
 *     dgauss:sigma=,sens=   discrete Gaussian of scale sigma on one integer that moves by sens
 *     dgauss:sigma2=,sens2= the same on vectors: squares of scale and of the L2 norm that moves
 *     pdgauss:q=,sigma=,sens=   the first, each unit drawn with probability q
 *     lap:b=                Laplace noise of scale b on a number that moves by 1
 *     plap:q=,b=            the same, each unit drawn with probability q
 *     epsdelta:eps=,delta=  anything with that guarantee
 *
 * COUNT, 0 to 10^12, is 1 where it is left out. Keys may come in any order. Neighbours differ in
 * one unit, whose contribution becomes zero (add or remove); with wor, in one that is replaced, so
 * wor stands beside no other mechanism.
 */
#ifndef FL_PRIV_EVENT_H
#define FL_PRIV_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum fl_mechanism {
    FL_MECH_GAUSS,
    FL_MECH_PGAUSS,
    FL_MECH_WOR,
    FL_MECH_DGAUSS,
    FL_MECH_PDGAUSS,
    FL_MECH_LAP,
    FL_MECH_PLAP,
    FL_MECH_EPSDELTA
};

struct fl_event {
    enum fl_mechanism mechanism;
    double q;          /* chance of a unit: pgauss, pdgauss, plap; else 1 */
    double noise;      /* nm, sigma, b or, of vectors, sigma2 */
    double sens;       /* dgauss, pdgauss: sens or, of vectors, sens2 */
    bool squares;      /* dgauss of vectors */
    uint64_t n, m;     /* wor */
    double eps, delta; /* epsdelta */
    uint64_t count;    /* how often */
};

struct fl_events { /* zeroed it is empty */
    struct fl_event *items;
    size_t count, cap;
};

/*
 * Add the events of TEXT to EVENTS. -1 (FL_USAGE) with a sentence that quotes what is wrong and
 * says what would be right; events before it may have been added.
 */
FL_MUST int fl_events_parse(struct fl_events *events, const char *text);
FL_MUST int fl_events_add(struct fl_events *events, const struct fl_event *event);
void fl_events_release(struct fl_events *events);

/* One event in the grammar, with numbers that read back to the same bits. */
FL_MUST int fl_event_print(const struct fl_event *event, struct fl_buf *out);

/* Do both lose the same in one step, whatever their counts? */
bool fl_event_same(const struct fl_event *a, const struct fl_event *b);

/* Is there one of this mechanism that happens? */
bool fl_events_have(const struct fl_events *events, enum fl_mechanism mechanism);

/* -1 (FL_USAGE) if events of unlike relations stand together: wor beside others. */
FL_MUST int fl_events_check(const struct fl_events *events);

/* "add-remove" or "replace-one", and how units come in: "all", "poisson", "without-replacement" or
 * "mixed". */
const char *fl_events_relation(const struct fl_events *events);
const char *fl_events_sampling(const struct fl_events *events);

/* How noise of an event compares with what it hides: nm, sigma / sens, b; 0 for epsdelta. */
double fl_event_ratio(const struct fl_event *event);

/*
 * What bounds of the loss add up to: the sum of eps of lap, plap and epsdelta if there are no
 * others, else infinity; it holds but with probability of the sum of epsdelta's deltas. Of plap:
 * ln(1 + q (exp(1/b) - 1)).
 */
double fl_events_pure(const struct fl_events *events);

#endif
