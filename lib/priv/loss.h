/*
 * The distribution of the privacy loss ln(P/Q) of one step, on a grid: a bound from above on every
 * epsilon(delta) of the step and of what it is composed with.
 *
 * Source: Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022 (connect the dots).
 */
#ifndef FL_PRIV_LOSS_H
#define FL_PRIV_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "priv/event.h"

struct fl_loss {
    double h;        /* of the grid */
    int64_t first;   /* mass[k] lies at the loss (first + k) h */
    size_t count;    /* at least 1 */
    double *mass;    /* (count,) under P */
    double infinite; /* mass under P at the infinite loss: what is beyond the grid too */
};

enum { FL_LOSS_CELLS = 1 << 21 }; /* at most: 16 MiB */

/* Has the loss of this mechanism a form here? dgauss of vectors and wor have none. */
bool fl_loss_has(const struct fl_event *event);

/*
 * Is the loss that of continuous noise, a close estimate and no proof? So it is for pdgauss, and
 * for dgauss whose scale is above 2^17, since all whole numbers of it would be listed.
 */
bool fl_loss_is_continuous(const struct fl_event *event);

/* Is the loss the same whether the unit is added or removed? */
bool fl_loss_is_symmetric(const struct fl_event *event);

/* About the standard deviation of the loss; 0: nothing is lost but with probability delta. */
double fl_loss_spread(const struct fl_event *event);

/* The width of all losses that are not beyond reach (probability 10^-32). */
double fl_loss_width(const struct fl_event *event);

/*
 * One step of EVENT (its count left out of account), for which fl_loss_has, on the grid of H, at
 * least its width / (FL_LOSS_CELLS - 4). P is the output with the unit, Q without; REVERSED: the
 * other way round. -1 when there is no memory; fl_loss_release it. O(width / H).
 */
FL_MUST int fl_loss_init(struct fl_loss *loss, const struct fl_event *event, bool reversed,
                         double h);
void fl_loss_release(struct fl_loss *loss);

#endif
