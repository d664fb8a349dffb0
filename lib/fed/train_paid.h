/*
 * What a training that hides documents spends, in the ledger of their text (fed/payment.h): asked
 * before it begins, and paid when the update is made, before a byte of it is written.
 */
#ifndef FL_FED_TRAIN_PAID_H
#define FL_FED_TRAIN_PAID_H

#include "base/must.h"
#include "cli/report.h"
#include "fed/payment.h"
#include "nn/trained.h"

/*
 * H(-; "fl1.spent"; base, params): what a ledger calls the update of these numbers (params) of this
 * base.
 */
void fl_train_paid_input(const unsigned char base[FL_HASH_BYTES],
                         const unsigned char params[FL_HASH_BYTES],
                         unsigned char input[FL_HASH_BYTES]);

/*
 * May T spend what it will? Nothing is written. -1: FL_USAGE without a ledger, which a DRY run does
 * without, and for a budget where nothing is hidden; FL_REFUSED as by fl_payment_check. Where T's
 * checkpoint is of a training that is done, its line may be in the ledger already. What its people
 * should know comes as lines of ADVICE.
 */
FL_MUST int fl_train_may_pay(const struct fl_purse *purse, const struct fl_training *t, bool dry,
                             struct fl_buf *advice);

/*
 * Pay for T, whose result and base are set, where it hides documents: then its line is durable, and
 * T's entry is set. Then write the update (fl_trained_write). NAME: of the update, for messages.
 * What is paid for goes into $TMPDIR before, to know its digest.
 */
FL_MUST int fl_train_paid_write(const struct fl_purse *purse, struct fl_trained *t,
                                struct fl_writer *w, const char *name);

/*
 * Rows of a dry run: fl_hide_report; then epsilon of the ledger as it is, and with T; none where
 * there is no ledger.
 */
FL_MUST int fl_train_paid_report(const struct fl_purse *purse, const struct fl_training *t,
                                 struct fl_report *r);

#endif
