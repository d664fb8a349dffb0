/*
 * What events cost in epsilon at a delta, by both accountants; and, the other way round, the least
 * noise, or the most steps or rate, that keep within a target.
 */
#ifndef FL_PRIV_BUDGET_H
#define FL_PRIV_BUDGET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/must.h"
#include "priv/event.h"
#include "priv/pld.h"
#include "priv/rdp.h"

enum fl_accountant { FL_ACCOUNT_RDP, FL_ACCOUNT_PLD };

/* As people write it: "rdp". */
const char *fl_accountant_name(enum fl_accountant by);

struct fl_charge {
    bool has_rdp, has_pld;    /* does that accountant know all of the events? */
    struct fl_rdp_answer rdp; /* .eps infinite: no bound */
    bool integers;            /* orders: see fl_rdp_start */
    double pld;               /* infinite: none at this delta */
    struct fl_pld_answer about_pld;
    double eps; /* the smaller of those that are bounds: not a pld that is continuous */
    enum fl_accountant by;
};

/* The cost of EVENTS at DELTA (0 to 1). -1 when they cannot be added (fl_events_check), or no
 * memory. */
FL_MUST int fl_charge(const struct fl_events *events, double delta, struct fl_charge *charge);

/* Epsilon by one accountant; infinite: it has none. -1 as above, or if it knows not all. */
FL_MUST int fl_charge_by(const struct fl_events *events, double delta, enum fl_accountant by,
                         double *eps);

/* The orders that were tried, as text: "1.1-10.9/0.1,11-63,128,256,512,1024". */
const char *fl_charge_orders(const struct fl_charge *charge);

enum fl_solve { FL_SOLVE_NOISE, FL_SOLVE_STEPS, FL_SOLVE_RATE };

/*
 * Change the last of EVENTS, those before it being spent already, so that the whole costs at most
 * TARGET at DELTA by the accountant BY: the least noise (nm, sigma, b; sigma2 of vectors) rounded
 * up to 6 digits, the most steps, or the largest rate q rounded down to 6. What is returned was
 * accounted for as it is printed. -1 (FL_FAILED) if none does, (FL_USAGE) if the last event has no
 * such number.
 */
FL_MUST int fl_budget_solve(struct fl_events *events, double delta, double target,
                            enum fl_accountant by, enum fl_solve what);

#endif
