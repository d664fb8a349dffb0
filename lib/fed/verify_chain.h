/*
 * The models that rounds beside each other lead to, as far as they were recomputed: which of them a
 * round's step begins at, and whether a plan is over a model to which no round before it leads.
 *
 * With delay 0 the step begins at the plan's model. With delay 1 (sec/pace.h) it begins at the one
 * that came after that, and the epoch's first mean makes two models.
 */
#ifndef FL_FED_VERIFY_CHAIN_H
#define FL_FED_VERIFY_CHAIN_H

#include <stdbool.h>

#include "base/must.h"
#include "fed/verify_parts.h"

struct fl_verify_chain;

/* What a chain is asked about a round: what its plan says. */
struct fl_verify_link {
    const char *plan; /* the file */
    unsigned char base[32];
    bool delay, first; /* by its roster; BASE is the roster's model */
    bool has_after;    /* it says which set's mean made BASE: */
    unsigned char after[32];
};

/* A model that is at hand, and the velocity beside it: names of files or spools; NULL: none. */
struct fl_verify_known {
    const char *model, *velocity;
};

/* Begin with the model and velocity of SET, if there are any. NULL with an error. */
struct fl_verify_chain *fl_verify_chain_new(const struct fl_verify_settings *set);
void fl_verify_chain_free(struct fl_verify_chain *c);

/*
 * KNOWN is what the step of LINK's round begins at, until another model is added. False: that is
 * not at hand.
 */
bool fl_verify_chain_find(const struct fl_verify_chain *c, const struct fl_verify_link *link,
                          struct fl_verify_known *known);

/*
 * The round of V and LINK was verified: take what its step led to, V's spools; or note that there
 * was no step. 0 or -1.
 */
FL_MUST int fl_verify_chain_add(struct fl_verify_chain *c, const struct fl_verify_link *link,
                                struct fl_verify *v);

/*
 * Was LINK's plan signed after the mean that made its model? That it says another is a finding of
 * V; where the model was given, or is not at hand, it is not known. 0 or -1.
 */
FL_MUST int fl_verify_chain_check(const struct fl_verify_chain *c,
                                  const struct fl_verify_link *link, struct fl_verify *v);

/*
 * The step of LINK's round begins at no model that is at hand: a finding of V, which says whose
 * fault that is. Rounds that can be recomputed are to be added before. 0 or -1.
 */
FL_MUST int fl_verify_chain_blame(const struct fl_verify_chain *c,
                                  const struct fl_verify_link *link, struct fl_verify *v);

#endif
