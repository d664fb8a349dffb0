/*
 * What a release of a text costs, in the ledger of that text (sec/spent.h) before anything of it
 * leaves, or refused: a line that is in it already is paid for, and so is the same release again.
 *
 *   checked, nothing written --> paid: the line is durable --> state remembers it --> first byte
 */
#ifndef FL_FED_PAYMENT_H
#define FL_FED_PAYMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "crypt/hash.h"
#include "sec/roster_noise.h"
#include "sec/spent.h"

struct fl_limit {      /* what a release may cost together with all that its unit has spent */
    const char *whose; /* "--budget"; NULL: there is none */
    double epsilon, delta;
    enum fl_accountant accountant;
};

struct fl_purse { /* what a program was told */
    const char *ledger;
    double budget, delta;   /* epsilon of a unit, 0: no limit of its own; at this delta */
    struct fl_limit agreed; /* the roster's */
};

#define FL_PURSE_INIT                                                                              \
    {                                                                                              \
        .delta = 1e-6                                                                              \
    }

/* Rows of the table of options of each program that lets something out. */
#define FL_PURSE_OPTIONS(p)                                                                        \
    FL_OPT_OUTPUT(0, "ledger", "FILE", "of the text: what leaves is paid for in it first",         \
                  &(p).ledger),                                                                    \
        FL_OPT_F64(0, "budget", "EPSILON", 1e-6, 1e6,                                              \
                   "refuse what would make the ledger's epsilon more", &(p).budget),               \
        FL_OPT_F64(0, "delta", "X", 1e-30, 0.1, "of epsilon (default 1e-6)", &(p).delta)

struct fl_claim { /* what an update says of how it hides; its line must bear it out */
    const char *unit;
    double clip, noise, rate;
    int64_t steps;
};

struct fl_payment {
    const char *ledger;
    /* Its words; HASH is set when it is paid. KIND NULL: no line is to be added, and only the
     * ledger and MARK are looked at. */
    struct fl_spent_line line;
    struct fl_limit limits[2];
    size_t limit_count;
    struct fl_spent_signer by;
    struct fl_spent_mark mark;  /* what a state knows of the ledger; zeros: nothing. Moves on */
    const unsigned char *entry; /* hash of the line of fl-train that must be in it; or NULL */
    struct fl_claim claim;      /* its UNIT and EVENT, or better */
    unsigned char entry_input[FL_HASH_BYTES]; /* and INPUT */

    bool paid;       /* it is in the ledger, or there is none to add */
    uint64_t others; /* releases of other units, whose price for this one is unknown */
};

/*
 * -1 (FL_USAGE) for a budget without a ledger, and for a ledger that is standard input: it is read
 * again, and replaced.
 */
FL_MUST int fl_purse_check(const struct fl_purse *purse);

/* The purse's ledger and its limits. */
void fl_payment_limit(struct fl_payment *p, const struct fl_purse *purse);

/* The budget of a roster with noise, as a limit. */
struct fl_limit fl_payment_agreed(const struct fl_noise_policy *policy);

/*
 * Would it be refused? Reads the ledger and writes nothing. line.input NULL: it is not known yet; a
 * line of that KIND and TAG is then taken for the release's, TAG NULL being none. FL_REFUSED: the
 * ledger is not what MARK says, has another release of that TAG, lacks the line ENTRY, or would be
 * above a limit.
 */
FL_MUST int fl_payment_check(struct fl_payment *p);

/*
 * The same, and then the line is in the ledger, durably, and MARK is of it: under the ledger's
 * lock, so that of two programs at once the second sees the first's line.
 */
FL_MUST int fl_payment_make(struct fl_payment *p);

#endif
