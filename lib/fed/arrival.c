/* Forks: two messages of one count, or one that does not follow on the message before it. */
#include "fed/arrival.h"

#include <string.h>

#include "base/error.h"

void
fl_arrival_release(struct fl_arrival *a)
{
    fl_meta_release(&a->head.meta);
    *a = (struct fl_arrival){0};
}

int
fl_arrival_expect(struct fl_reader *in, const char *want, const struct fl_head **head, bool *had,
                  unsigned char digest[32])
{
    const bool upload = !strcmp(want, FL_KIND_MASKED);
    const struct fl_tensor *t;
    int got = fl_reader_expect(in, upload ? FL_KIND_CIPHER "|" FL_KIND_MASKED : want, head);

    if (had)
        *had = false;
    if (got != 1 || !upload || strcmp((*head)->kind, FL_KIND_CIPHER))
        return got;
    while ((got = fl_reader_tensor(in, &t)) == 1)
        ;
    if (got)
        return got;
    if (had)
        *had = true;
    if (digest)
        fl_reader_digest(in, digest);
    return fl_reader_expect(in, want, head);
}

const struct fl_sender *
fl_arrival_sender(const struct fl_arrival *a)
{
    return a->answer ? &a->reply.from : &a->upload.from;
}

int
fl_arrival_begin(struct fl_arrival *a, const struct fl_plan *plan, const struct fl_head *head,
                 const char *file)
{
    fl_arrival_release(a);
    a->plan = plan;
    a->answer = !strcmp(head->kind, FL_KIND_ANSWER);
    memcpy(a->head.kind, head->kind, sizeof a->head.kind);
    if (!a->answer && strcmp(head->kind, FL_KIND_MASKED))
        return fl_error(FL_FAILED, "%s: is of kind \"%s\"; an upload that fl-mask made is needed",
                        file, head->kind);
    if (fl_meta_copy(&a->head.meta, &head->meta))
        return -1;
    int failed = a->answer ? fl_answer_head_decode(&a->reply, plan, &a->head.meta)
                           : fl_upload_head_decode(&a->upload, plan, &a->head.meta);
    return failed ? fl_error_about(file) : 0;
}

/* Signed by its sender; whatever else signed it must hold too. */
static int
check_signatures(struct fl_arrival *a, struct fl_reader *in)
{
    const struct fl_roster *r = &a->plan->roster;
    const uint32_t party = fl_arrival_sender(a)->party;
    const struct fl_sign *sign;
    bool own = false;
    int got;

    while ((got = fl_reader_sign(in, &sign)) == 1) {
        if (fl_roster_check_sign(r, a->head.kind, a->digest, sign))
            return fl_error_about(fl_reader_name(in));
        if (sign->signer != party)
            continue;
        own = true;
        memcpy(a->sign, sign->signature, sizeof a->sign);
    }
    if (!got && !own)
        return fl_error(FL_REFUSED,
                        "%s: is not signed by \"%s\"; ask for a copy with its signature",
                        fl_reader_name(in), r->parties[party].name);
    return got;
}

static const char unpaid[] = "was paid for in no ledger, and the roster asks for one",
                  shorter[] = "was paid for in a ledger without the lines of the one before it";

struct fl_sent
fl_arrival_sent(const struct fl_arrival *a)
{
    const struct fl_sender *from = fl_arrival_sender(a);
    struct fl_sent sent = {.is = {.ctr = from->ctr}};

    memcpy(sent.is.digest, a->digest, 32);
    memcpy(sent.prev, from->prev, 32);
    if (!a->answer) {
        sent.is.spent = a->upload.ledger_count;
        sent.pays = a->plan->roster.noise.kind != FL_NOISE_NONE;
    }
    return sent;
}

const char *
fl_sent_breaks(const struct fl_sent *sent, const struct fl_counted *last)
{
    const struct fl_counted *is = &sent->is;

    if (is->ctr < last->ctr)
        return "is older than what was counted of its sender last";
    if (is->ctr == last->ctr)
        return memcmp(is->digest, last->digest, 32) ? "has the number of another that was counted"
                                                    : NULL;
    if (is->ctr == last->ctr + 1 && last->ctr && memcmp(sent->prev, last->digest, 32))
        return "does not follow on the one before it";
    if (is->spent >= last->spent + sent->pays)
        return NULL;
    return last->spent ? shorter : unpaid;
}

static int
check_order(struct fl_arrival *a, const char *file)
{
    const struct fl_roster *r = &a->plan->roster;
    const struct fl_sender *from = fl_arrival_sender(a);
    const size_t place = a->answer ? r->n + (size_t)fl_roster_helper(r, from->party) : from->party;
    const struct fl_counted *last = &a->plan->last[place];
    const struct fl_sent sent = fl_arrival_sent(a);
    const char *what = fl_sent_breaks(&sent, last), *name = r->parties[from->party].name;

    a->gap = from->ctr > last->ctr + 1;
    if (!what)
        return 0;
    if (what == unpaid)
        return fl_error(FL_REFUSED, "%s: %s; \"%s\" must make it with fl-mask --ledger", file, what,
                        name);
    return fl_error(
        FL_REFUSED,
        "%s: %s: two copies of the %s of \"%s\" are in use, or an old one was restored; "
        "ask its people",
        file, what, what == shorter ? "ledger" : "key", name);
}

int
fl_arrival_end(struct fl_arrival *a, struct fl_reader *in)
{
    fl_reader_digest(in, a->digest);
    fl_reader_payload_digest(in, a->payload);
    return check_signatures(a, in) || check_order(a, fl_reader_name(in)) ? -1 : 0;
}
