/*
 * Any bytes as a plan, as they are and signed again by the hub: refused with an error, or its
 * places are those of an upload and it is written again to the same digests.
 */
#include "fuzz_round.h"

static struct federation fed;
static int from, again;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char noise[] = FED_HELPERS
        "min_sum: 4\nnoise: {site: {clip: 0.5, multiplier: 1}}\n"
        "budget: {epsilon: 8, delta: 1e-6}\n";
    struct round r, second, third;

    (void)argc;
    (void)argv;
    fuzz_start();
    fed_start(&fed, 5, FUZZ_HELPERS);
    fed_accept_all(&fed);
    must(!round_plan(&r, &fed, &(struct fed_planning){.round = 1}));
    fuzz_seed(&r, "plan.flt", "first");
    must(!round_plan(&second, &fed,
                     &(struct fed_planning){.round = 2, .deadline = "2036-11-24T18:00:00Z"}));
    fuzz_seed(&second, "plan.flt", "second");
    fed.epoch = 2;
    must(!fed_roster(&fed, noise));
    must(!round_plan(&third, &fed, &(struct fed_planning){.round = 3}));
    fuzz_seed(&third, "plan.flt", "third");
    fl_plan_release(&r.plan);
    fl_plan_release(&second.plan);
    fl_plan_release(&third.plan);
    fuzz_seeded(&fed);
    from = fl_spool_open();
    again = fl_spool_open();
    return from < 0 || again < 0;
}

static void
check_places(const struct fl_plan *p)
{
    uint64_t at = 0;

    must(p->roster.n >= FL_SITES_MIN && p->roster.n <= FL_SITES_MAX && p->count > 0);
    for (size_t i = 0; i <= p->count; i++) {
        const struct fl_plan_tensor *t = fl_plan_at(p, i);
        struct fl_tensor tensor;
        must(!fl_plan_upload_tensor(p, i, &tensor));
        fl_meta_release(&tensor.attrs);
        must(t || at == p->masked_words - 1);
        must(!t || !p->noise.sigma == !t->noise);
        must(!t || !t->noise || (t->noise->scale == t->rule->scale && t->noise->sigma > 0));
        must(!t || (t->word_at == at && t->rule && t->tensor &&
                    t->words == (t->elements + t->lanes.count - 1) / t->lanes.count));
        if (!t || t->words)
            must(fl_plan_place(p, at) == i);
        at += t ? t->words : 1;
    }
    must(at == p->words && p->masked_words <= p->words);
}

static void
read_plan(int fd)
{
    struct fl_plan plan, back;
    unsigned char digest[32];
    char path[40];

    fl_error_clear();
    if (fl_plan_read(&plan, fuzz_path(fd, path), NULL)) {
        must(*fl_error_text() && fl_error_status() != FL_USAGE);
        return;
    }
    check_places(&plan);
    memcpy(digest, plan.digest, 32);
    int spool = fl_spool_open();
    must(!fl_plan_write(&plan, fed.key[FED_HUB], spool, 0) && !memcmp(digest, plan.digest, 32));
    if (fuzz_key(&fed, &plan.roster, FL_SIGNER_HUB) == fed.key[FED_HUB]) {
        must(!fl_plan_read(&back, fuzz_path(spool, path), NULL));
        must(!memcmp(back.sid, plan.sid, 32));
        fl_plan_release(&back);
    }
    close(spool);
    fl_plan_release(&plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_roster r;

    fuzz_input(data, size, from);
    read_plan(from);
    struct fuzz_message *m = fuzz_take(from);
    if (!m)
        return 0;
    if (m->count && !fl_roster_decode(&r, m->data[0].data, m->data[0].len)) {
        fuzz_write(m, &fed, &r, again);
        fl_roster_release(&r);
        read_plan(again);
    }
    fuzz_release(m);
    return 0;
}
