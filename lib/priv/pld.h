/*
 * Accounting by privacy loss distributions (PLD): the loss of all releases together is the sum of
 * their losses, whose distribution is had by Fourier transform. Nearly exact, and from above.
 *
 * Sources: Koskela, Jaelkoe, Honkela 2020 (Fourier accountant); Doroshenko et al. 2022 (grid).
 */
#ifndef FL_PRIV_PLD_H
#define FL_PRIV_PLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "priv/event.h"

struct fl_pld_answer {
    double grid;     /* the grid of losses; 0: none was needed */
    double floor;    /* no delta at or below this has an epsilon: infinite losses, round-off */
    bool continuous; /* an estimate for discrete noise, no proof: see fl_loss_is_continuous */
};

/*
 * Has every event that happens a loss distribution? wor and dgauss of vectors have none: a shift
 * by (1,1,1,1) costs more than one by (2,0,0,0), so that no single distribution bounds them.
 */
bool fl_pld_has(const struct fl_events *events);

/*
 * EPS[i] = the least epsilon at DELTAS[i], over both directions; infinite where there is none. -1
 * (FL_USAGE) unless fl_pld_has, or when there is no memory. The grid is 1e-4, or a quarter of the
 * smallest step's deviation of loss; it is coarser where more than 256 MiB would be needed.
 */
FL_MUST int fl_pld_epsilon(const struct fl_events *events, const double *deltas, size_t n,
                           double *eps, struct fl_pld_answer *answer);

#endif
