/*
 * A state keeps nothing but how far the ledger is: what is signed twice is the same, and no mask
 * could be used twice.
 */
#include "fed/plain.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/encode.h"
#include "fed/sum.h"
#include "fed/update.h"
#include "flt/size.h"
#include "os/clock.h"
#include "sec/set.h"

enum { HEAD_BYTES = 64 << 10 }; /* room for metadata and signature of an upload */

/* The models that an update may begin at, oldest first: those of the plan's lineage and its own. */
static int
read_lineage(struct fl_lineage *l, const struct fl_plan *plan)
{
    *l = (struct fl_lineage){.stale = (size_t)plan->roster.stale};
    l->models = fl_alloc(plan->lineage_count + 1, sizeof *l->models);
    if (!l->models)
        return -1;
    if (plan->lineage_count)
        memcpy(l->models, plan->lineage, 32 * plan->lineage_count);
    memcpy(l->models[plan->lineage_count], plan->base, 32);
    l->count = plan->lineage_count + 1;
    return 0;
}

/* ---- a site ---- */

int
fl_plain_admit(struct fl_turn *t)
{
    if (fl_state_check_plan(t->state, t->key, t->plan))
        return -1;
    t->index = t->state->section[0].party;
    return t->index < t->plan->roster.n
               ? fl_turn_may_begin(t)
               : fl_error(FL_REFUSED, "\"%s\" is no site of the plan's roster", t->key->name);
}

static int
check_site(const struct fl_turn *t, const char *file, const struct fl_meta *meta)
{
    const char *site;

    if (fl_update_site(file, meta, &site))
        return -1;
    if (site && !strcmp(site, t->key->name))
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: is of site \"%s\", and the key is of \"%s\"; make the update with --site "
                    "%s, since a plain round counts it as its site's",
                    file, site ? site : "", t->key->name, t->key->name);
}

/* BASE, of what FILE holds, is the plan's model, or one of its lineage. */
static int
check_age(const struct fl_plan *plan, const char *file, const unsigned char base[32])
{
    struct fl_lineage lineage;

    if (read_lineage(&lineage, plan))
        return -1;
    int age = fl_lineage_age(&lineage, file, base);
    fl_lineage_release(&lineage);
    return age < 0 ? -1 : 0;
}

int
fl_plain_check_model(const struct fl_turn *t, struct fl_object *model)
{
    unsigned char digest[32];

    if (!t->plan->lineage_count)
        return fl_plan_check_base(t->plan, model, t->pool);
    return fl_object_digest(model, t->pool, digest) ||
                   check_age(t->plan, fl_object_name(model), digest)
               ? -1
               : 0;
}

int
fl_plain_check(struct fl_turn *t)
{
    const struct fl_meta *meta = &fl_object_head(t->update)->meta;
    const char *file = fl_object_name(t->update);
    const unsigned char *base;

    if (fl_plain_admit(t) || fl_update_base(file, meta, &base))
        return -1;
    const int wrong = t->plan->lineage_count
                          ? check_age(t->plan, file, base)
                          : fl_update_check_base(file, meta, "the plan's model", t->plan->base);
    return wrong || fl_turn_check_contract(&t->plan->roster, file, meta) ||
                   check_site(t, file, meta) || fl_plan_match(t->plan, t->update) ||
                   fl_turn_hide_input(t) || fl_turn_may_pay(t)
               ? -1
               : 0;
}

int
fl_plain_write(const struct fl_turn *t, struct fl_output *out)
{
    unsigned char digest[32];
    struct fl_sign sign;

    if (fl_turn_pay(t) || fl_turn_save_mark(t))
        return -1;
    struct fl_writer *w = fl_writer_new(out->fd, out->name, t->level);
    int failed = !w;

    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_UPDATE, &fl_object_head(t->update)->meta);
    }
    for (size_t i = 0; !failed && i < fl_object_count(t->update); i++)
        failed = fl_object_copy(t->update, i, w);
    if (!failed)
        failed = fl_writer_done(w);
    if (!failed) {
        fl_writer_digest(w, digest);
        fl_roster_sign(&t->plan->roster, t->index, t->key, FL_KIND_UPDATE, digest, &sign);
        failed = fl_writer_sign(w, &sign);
    }
    fl_writer_free(w);
    return failed ? -1 : 0;
}

int
fl_plain_bytes(const struct fl_plan *plan, uint64_t *bytes)
{
    struct fl_schema want = {0};
    int failed = fl_plan_update_schema(plan, &want);

    *bytes = HEAD_BYTES;
    for (size_t i = 0; i < want.count && !failed; i++)
        failed = fl_size_tensor(&want.items[i].tensor, bytes);
    fl_schema_release(&want);
    return failed ? -1 : 0;
}

/* ---- a sum ---- */

int
fl_plain_start(struct fl_plain *p, const struct fl_plan *plan)
{
    const struct fl_roster *r = &plan->roster;
    struct fl_schema want = {0};
    char now[FL_UTC_TEXT];
    const bool over = *plan->deadline && strcmp(fl_utc_now(now), plan->deadline) > 0;

    *p = (struct fl_plain){.plan = plan,
                           .weighting = {.rule = r->weights.rule, .alpha = r->weights.alpha}};
    p->expected.least = r->stale && over ? 1 : (uint64_t)r->min_sum;
    p->digests = fl_alloc(r->n, sizeof *p->digests);
    p->in = fl_alloc(r->n, sizeof *p->in);
    int failed = !p->digests || !p->in || fl_plan_update_schema(plan, &want) ||
                 read_lineage(&p->lineage, plan);
    if (!failed)
        fl_sum_schema_shapes(&want, p->shapes);
    fl_schema_release(&want);
    if (failed)
        fl_plain_release(p);
    return failed ? -1 : 0;
}

void
fl_plain_release(struct fl_plain *p)
{
    fl_lineage_release(&p->lineage);
    fl_expected_release(&p->expected);
    free(p->digests);
    free(p->in);
    *p = (struct fl_plain){0};
}

int
fl_plain_check_contract(const struct fl_plain *p, const char *file, const struct fl_meta *update)
{
    return fl_turn_check_contract(&p->plan->roster, file, update);
}

double
fl_plain_weight(const struct fl_plain *p, const struct fl_meta *update)
{
    const struct fl_weight_policy *policy = &p->plan->roster.weights;
    const double raw = fl_weight_raw(policy, update, policy->mbit);

    return (double)fl_encode_weight(policy, raw) * 0x1p-40;
}

int
fl_plain_no_sum(const char *file)
{
    return fl_error(FL_REFUSED,
                    "%s: is a sum, which hides whose updates are in it; a plain round is summed "
                    "from its uploads",
                    file);
}

/* All signatures hold, and one of them is PARTY's. */
static int
check_signatures(const struct fl_plain *p, struct fl_reader *in, uint32_t party,
                 const unsigned char digest[32])
{
    const struct fl_sign *sign;
    bool own = false;
    int got;

    while ((got = fl_reader_sign(in, &sign)) == 1) {
        if (fl_roster_check_sign(&p->plan->roster, FL_KIND_UPDATE, digest, sign))
            return fl_error_about(fl_reader_name(in));
        own |= sign->signer == party;
    }
    if (!got && !own)
        return fl_error(FL_REFUSED, "%s: is not signed by \"%s\"; ask for what its fl-mask wrote",
                        fl_reader_name(in), p->plan->roster.parties[party].name);
    return got;
}

int
fl_plain_admit_upload(struct fl_plain *p, struct fl_reader *in, const char *site,
                      const struct fl_sum *sum)
{
    const struct fl_roster *r = &p->plan->roster;
    unsigned char shapes[32];
    const int64_t party = site ? fl_roster_find(r, site) : -1;

    if (party < 0 || party >= (int64_t)r->n)
        return fl_error(FL_REFUSED, "%s: is of site \"%s\", which is none of the roster's",
                        fl_reader_name(in), site ? site : "");
    fl_sum_shapes(sum, shapes);
    if (memcmp(shapes, p->shapes, 32) != 0)
        return fl_error(FL_REFUSED, "%s: its tensors are not those of the plan's model",
                        fl_reader_name(in));
    fl_reader_digest(in, p->digests[party]);
    p->in[party] = true;
    return check_signatures(p, in, (uint32_t)party, p->digests[party]);
}

int
fl_plain_to_meta(const struct fl_plain *p, struct fl_meta *meta)
{
    const size_t n = p->plan->roster.n;
    uint32_t *sites = fl_alloc(n, sizeof *sites);
    unsigned char *digests = fl_alloc(n, 32), set[32];
    size_t count = 0;
    int failed = !sites || !digests;

    for (uint32_t i = 0; !failed && i < n; i++)
        if (p->in[i]) {
            memcpy(digests + 32 * count, p->digests[i], 32);
            sites[count++] = i;
        }
    if (!failed) {
        fl_set_digest(set, p->plan->sid, sites, digests, count);
        failed = fl_meta_set_i64(meta, "sum.round", (int64_t)p->plan->round) ||
                 fl_meta_set_i64(meta, "base.round", p->plan->base_round) ||
                 fl_meta_set_bytes(meta, "sum.set", set, 32);
    }
    free(sites);
    free(digests);
    return failed ? -1 : 0;
}
