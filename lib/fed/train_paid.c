/*
 * The run is known by a hash of its key, which its last checkpoint keeps: the same training again
 * finds its line, and costs nothing.
 */
#include "fed/train_paid.h"

#include <string.h>

#include "base/error.h"
#include "flt/object.h"
#include "nn/hide.h"

enum { HEX = 2 * FL_HASH_BYTES + 1 };

void
fl_train_paid_input(const unsigned char base[FL_HASH_BYTES],
                    const unsigned char params[FL_HASH_BYTES], unsigned char input[FL_HASH_BYTES])
{
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.spent");
    fl_hash_add(&h, base, FL_HASH_BYTES);
    fl_hash_add(&h, params, FL_HASH_BYTES);
    fl_hash_final(&h, input);
}

/* What T costs, as text with a zero at its end. */
static int
event_of(const struct fl_training *t, struct fl_buf *text)
{
    const struct fl_dp_settings s = fl_hide_settings(&t->recipe);
    struct fl_event event;

    return fl_dp_event(&s, t->model->layout.trained, (uint64_t)t->recipe.steps, &event) ||
                   fl_event_print(&event, text) || fl_buf_add_byte(text, '\0')
               ? -1
               : 0;
}

static int
begin(struct fl_payment *p, const struct fl_purse *purse, const struct fl_training *t,
      struct fl_buf *event)
{
    *p = (struct fl_payment){0};
    if (!purse->ledger)
        return fl_error(FL_USAGE,
                        "--ledger FILE is missing: what is told of documents is counted for the "
                        "whole life of their text; fl-account --new-ledger FILE makes one");
    if (event_of(t, event))
        return -1;
    fl_payment_limit(p, purse);
    p->line.kind = "train";
    p->line.unit = fl_hide_unit(&t->recipe);
    p->line.event = (const char *)event->data;
    return 0;
}

/* What its people should know of a training that may pay. */
static int
advise(const struct fl_payment *p, const struct fl_training *t, struct fl_buf *advice)
{
    const size_t documents = t->documents->count;

    if (documents < 10000 && fl_buf_printf(advice,
                                           "when this ends tells of only %zu documents: send at a "
                                           "fixed time\n",
                                           documents))
        return -1;
    return p->others ? fl_buf_printf(advice,
                                     "%s: %llu other releases hide another unit than a %s, whose "
                                     "epsilon is without them\n",
                                     p->ledger, (unsigned long long)p->others, p->line.unit)
                     : 0;
}

int
fl_train_may_pay(const struct fl_purse *purse, const struct fl_training *t, bool dry,
                 struct fl_buf *advice)
{
    unsigned char run[FL_HASH_BYTES];
    struct fl_payment p = {0};
    struct fl_buf event = {0};
    char tag[HEX];

    if (fl_purse_check(purse))
        return -1;
    if (!t->documents && purse->budget > 0)
        return fl_error(FL_USAGE, "--budget: nothing is hidden in this training, which no budget "
                                  "allows; give --dp-*, or leave out --budget");
    if (!t->documents)
        return purse->ledger
                   ? fl_buf_printf(advice, "%s: is of no use here, as nothing is hidden\n",
                                   purse->ledger)
                   : 0;
    if (dry && !purse->ledger)
        return advise(&p, t, advice);
    int done = begin(&p, purse, t, &event) ? -1 : fl_train_was_done(t, run);
    if (done > 0) {
        fl_hex(tag, run, sizeof run);
        p.line.tag = tag;
    }
    int failed = done < 0 || fl_payment_check(&p) || advise(&p, t, advice);
    fl_buf_release(&event);
    return failed ? -1 : 0;
}

static int
write_trained(void *arg, struct fl_writer *w)
{
    return fl_trained_write(arg, w);
}

/* H(base, numbers), as a ledger has it. */
static int
find_input(struct fl_trained *t, const char *name, char hex[HEX])
{
    unsigned char digest[FL_HASH_BYTES];
    struct fl_object *o = fl_object_open_made(write_trained, t, name, FL_KIND_UPDATE);
    int failed = !o || fl_object_params(o, t->training->pool, digest);

    fl_object_free(o);
    if (failed)
        return -1;
    fl_train_paid_input(t->training->base, digest, digest);
    fl_hex(hex, digest, sizeof digest);
    return 0;
}

/* ENTRY is then the hash of T's line, and T's. */
static int
pay(const struct fl_purse *purse, struct fl_trained *t, const char *name,
    unsigned char entry[FL_HASH_BYTES])
{
    struct fl_payment p;
    struct fl_buf event = {0};
    char tag[HEX], input[HEX];
    int failed = begin(&p, purse, t->training, &event) || find_input(t, name, input);

    if (!failed) {
        fl_hex(tag, t->result->run, FL_HASH_BYTES);
        p.line.tag = tag;
        p.line.input = input;
        failed = fl_payment_make(&p);
        memcpy(entry, p.line.hash, FL_HASH_BYTES);
        t->entry = entry;
    }
    fl_buf_release(&event);
    return failed ? -1 : 0;
}

int
fl_train_paid_write(const struct fl_purse *purse, struct fl_trained *t, struct fl_writer *w,
                    const char *name)
{
    unsigned char entry[FL_HASH_BYTES];
    int failed = (t->training->documents && pay(purse, t, name, entry)) || fl_trained_write(t, w);

    t->entry = NULL;
    return failed ? -1 : 0;
}

int
fl_train_paid_report(const struct fl_purse *purse, const struct fl_training *t, struct fl_report *r)
{
    const char *unit = fl_hide_unit(&t->recipe);
    struct fl_spent s;
    struct fl_buf event = {0};
    double spent, then;

    if (fl_hide_report(t, purse->delta, r))
        return -1;
    if (!t->documents || !purse->ledger) {
        fl_report_none(fl_report_key(r, "ledger_epsilon"));
        fl_report_none(fl_report_key(r, "ledger_then"));
        return 0;
    }
    if (fl_spent_open(&s, purse->ledger, false))
        return -1;
    int failed = event_of(t, &event) ||
                 fl_spent_epsilon(&s, unit, NULL, purse->delta, FL_ACCOUNT_RDP, &spent, NULL) ||
                 fl_spent_epsilon(&s, unit, (const char *)event.data, purse->delta, FL_ACCOUNT_RDP,
                                  &then, NULL);
    if (!failed) {
        fl_report_f64(fl_report_key(r, "ledger_epsilon"), spent, 6);
        fl_report_f64(fl_report_key(r, "ledger_then"), then, 6);
    }
    fl_buf_release(&event);
    fl_spent_release(&s);
    return failed ? -1 : 0;
}
