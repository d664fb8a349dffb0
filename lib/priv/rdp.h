/*
 * Accounting by Renyi divergence (RDP): a bound on each order of divergence adds up over releases,
 * and the least epsilon over the orders is the answer.
 *
 * Sources: Mironov 2017; Mironov, Talwar, Zhang 2019 (sampled Gaussian); Wang, Balle,
 * Kasiviswanathan 2019 (without replacement, Theorem 27); Canonne, Kamath, Steinke 2020
 * (conversion; discrete Gaussian); Bun, Steinke 2016 (pure).
 */
#ifndef FL_PRIV_RDP_H
#define FL_PRIV_RDP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"
#include "priv/event.h"

enum { FL_RDP_ORDERS = 160 };

/* Bounds at each order, added up. Zeroed by fl_rdp_start. */
struct fl_rdp {
    size_t count;
    double order[FL_RDP_ORDERS]; /* ascending, above 1 */
    double rdp[FL_RDP_ORDERS];   /* sum so far; infinite where no bound is known */
    double delta;                /* that events carry themselves (epsdelta) */
    double pure;                 /* fl_events_pure of all of them */
    bool integers;               /* the orders are those for pdgauss */
};

struct fl_rdp_answer {
    double eps;   /* infinite: no bound */
    double order; /* that gave it; infinite: the pure sum */
};

/*
 * Divergence of order ALPHA (above 1) of the sampled Gaussian mechanism: one step, noise S times
 * the sensitivity, each unit drawn with probability Q. Relative error below 1e-12. At whole orders
 * a sum of ALPHA terms, none of them negative; else an integral.
 */
double fl_rdp_pgauss(double q, double s, double alpha);

/* The same by the integral at any order: the slower of two ways to one number. */
double fl_rdp_pgauss_integral(double q, double s, double alpha);

/*
 * Begin with the orders 1.1 to 10.9 by 0.1, 11 to 63, 128, 256, 512, 1024; with INTEGERS 2 to 128
 * and 256, at which discrete sampled noise costs exactly what continuous noise does.
 */
void fl_rdp_start(struct fl_rdp *rdp, bool integers);

/*
 * Add all EVENTS, each COUNT times. -1 (FL_USAGE) if there is one that has no bound here: plap, or
 * pdgauss at orders that are no integers, or relations that differ.
 */
FL_MUST int fl_rdp_add(struct fl_rdp *rdp, const struct fl_events *events);

/* Start with the orders that EVENTS need, and add them. */
FL_MUST int fl_rdp_compute(struct fl_rdp *rdp, const struct fl_events *events);

/* The least epsilon at DELTA (0 to 1): over the orders, and at most the pure sum. */
struct fl_rdp_answer fl_rdp_epsilon(const struct fl_rdp *rdp, double delta);

#endif
