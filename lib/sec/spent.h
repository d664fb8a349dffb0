/*
 * The ledger of what was released of a text, and how it was hidden: fl-ledger(5). It belongs to
 * the data and not to a key, is only ever added to, and a line is durable before what it pays for
 * leaves.
 *
 *     fl-ledger-v1 ID
 *     N KIND TAG INPUT UNIT EVENT TIME SIGNER SIGNATURE HASH
 *
 *     HASH      = H(-; "fl1.ledger"; ID, HASH of the line before or ID, LE64 length, the line up
 *                 to the space before HASH)
 *     SIGNER    = "-", or the signer's Ed25519 key, the roster's digest and the party, with "."
 *                 between them
 *     SIGNATURE = "-", or sig("ledger", roster, party, H(-; "fl1.ledgerline"; ID, HASH before, LE64
 *                 length, the line up to the space before SIGNATURE))
 *
 * Reading checks every byte. Who wrote a line can be forged by whoever can write the file; that
 * lines are missing or others were put in their place shows in what a key's state remembers.
 */
#ifndef FL_SEC_SPENT_H
#define FL_SEC_SPENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"
#include "os/output.h"
#include "priv/budget.h"
#include "priv/event.h"
#include "sec/identity.h"

enum { FL_SPENT_MAX = 64 << 20, FL_SPENT_WORD = 1024 }; /* bytes of a ledger; of a word of it */

struct fl_spent_line {
    const char *kind, *tag, *input, *unit, *event; /* event "-": nothing to pay for */
    unsigned char hash[32];
};

/* What a state remembers of a ledger: it must be a beginning of it. count 0: none yet. */
struct fl_spent_mark {
    unsigned char id[32], head[32]; /* HASH of line COUNT */
    uint64_t count;
};

struct fl_spent { /* a zeroed struct is empty */
    char *name;
    unsigned char id[32], head[32]; /* HASH of the last line, or ID */
    struct fl_buf text;             /* the file as it is */
    char *words;                    /* the same, cut into words */
    struct fl_spent_line *lines;
    size_t count, cap;
    struct fl_output out; /* the next version, while it is locked */
};

/* Write a new ledger with a fresh ID. -1 when a file of this name exists. */
FL_MUST int fl_spent_create(const char *path);

/*
 * Read PATH and check all of it. LOCK: first wait until no other program writes it (a minute at
 * most), and keep others from it until fl_spent_commit or fl_spent_release. -1 (FL_REFUSED) with
 * the number of the first line that is not what was written, or when there is no such file.
 */
FL_MUST int fl_spent_open(struct fl_spent *s, const char *path, bool lock);
void fl_spent_release(struct fl_spent *s);

/* -1 (FL_REFUSED) unless MARK is of a beginning of S. */
FL_MUST int fl_spent_check_mark(const struct fl_spent *s, const struct fl_spent_mark *mark);
void fl_spent_get_mark(const struct fl_spent *s, struct fl_spent_mark *mark);

/* Who signs a line: KEY NULL for nobody. */
struct fl_spent_signer {
    const struct fl_key *key;
    const unsigned char *roster; /* its digest */
    uint32_t party;
};

/*
 * Is there a line of this KIND and TAG? 0 and *FOUND, LINE's hash being set; -1 (FL_REFUSED) if it
 * has another INPUT (where that is not NULL), UNIT or EVENT: what was released under this name was
 * something else.
 */
FL_MUST int fl_spent_find(const struct fl_spent *s, struct fl_spent_line *line, bool *found);

/*
 * Epsilon at DELTA of all lines that cost UNIT, and of MORE (an event as text, or NULL), by the
 * accountant BY. Infinite where there is no bound. RELEASES, how many there are, may be NULL.
 */
FL_MUST int fl_spent_epsilon(const struct fl_spent *s, const char *unit, const char *more,
                             double delta, enum fl_accountant by, double *eps, uint64_t *releases);

/*
 * Does this line cost a UNIT something? One of a site also costs each record and passage of it, the
 * price of replacing the site's update; what is hidden of a record says nothing of its site.
 */
bool fl_spent_costs(const struct fl_spent_line *line, const char *unit);

/* The events of all lines that cost UNIT, at their price for it, equal ones folded into one. */
FL_MUST int fl_spent_events(const struct fl_spent *s, const char *unit, struct fl_events *events);

/*
 * Add a line (its words without spaces; .hash is set) to a ledger that was opened with LOCK, and
 * put the new version in place, durably. S is then as read again, and no longer locked.
 */
FL_MUST int fl_spent_add(struct fl_spent *s, struct fl_spent_line *line,
                         const struct fl_spent_signer *by);

#endif
