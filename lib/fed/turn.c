/* The order of writes is that of the picture in turn.h; each line of it is one function here. */
#include "fed/turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "fed/fitted.h"
#include "fed/kept.h"
#include "fed/update.h"
#include "os/file.h"

void
fl_turn_release(struct fl_turn *t)
{
    if (t->kept > 0)
        fl_close_input(t->kept);
    free(t->kept_name);
    t->kept = -1;
    t->kept_name = NULL;
}

/* ---- what can be refused ---- */

static struct fl_round_payment
payment_of(const struct fl_turn *t)
{
    return (struct fl_round_payment){.purse = t->purse,
                                     .state = t->state,
                                     .key = t->key,
                                     .plan = t->plan,
                                     .party = t->index,
                                     .input = t->input,
                                     .update = t->zeros ? NULL : t->update,
                                     .pool = t->pool};
}

int
fl_turn_may_begin(const struct fl_turn *t)
{
    struct fl_round_payment payment = payment_of(t);

    payment.input = NULL;
    payment.update = NULL;
    return fl_round_may_pay(&payment);
}

int
fl_turn_may_pay(struct fl_turn *t)
{
    struct fl_round_payment payment = payment_of(t);

    if (fl_round_may_pay(&payment))
        return -1;
    t->bare = payment.bare;
    return 0;
}

int
fl_turn_pay(const struct fl_turn *t)
{
    struct fl_round_payment payment = payment_of(t);

    return fl_round_pay(&payment);
}

int
fl_turn_admit(struct fl_turn *t)
{
    const struct fl_roster *r = &t->plan->roster;
    const struct fl_section *now = &t->state->section[0];

    t->kept = -1;
    t->kept_name = NULL;
    if (fl_state_check_plan(t->state, t->key, t->plan))
        return -1;
    if (now->party >= r->n)
        return fl_error(FL_REFUSED, "\"%s\" is no site of the plan's roster", t->key->name);
    t->index = now->party;
    if (fl_state_check_last(&t->state->uploads, &t->plan->last[t->index], "upload"))
        return -1;
    if (fl_turn_may_begin(t))
        return -1;
    t->done = fl_state_made(t->state->upload, t->state->upload_count, r->digest, t->plan->round);
    if (t->done && memcmp(t->done->sid, t->plan->sid, 32))
        return fl_error(FL_REFUSED,
                        "round %llu was masked for another plan of it; two plans of one round are "
                        "the hub's mistake or its lie",
                        (unsigned long long)t->plan->round);
    if (t->done)
        return 0;
    return fl_state_admit(now->up_next, t->plan->round, r->max_skip) ||
                   fl_state_check_masked(t->state, t->plan->params, r->max_open)
               ? -1
               : 0;
}

int
fl_turn_hide_input(struct fl_turn *t)
{
    unsigned char params[32] = {0};

    if (t->update && fl_object_params(t->update, t->pool, params))
        return -1;
    fl_state_hide(t->state, t->update ? "fl1.input" : "fl1.zero", params, t->input);
    return 0;
}

int
fl_turn_check_contract(const struct fl_roster *r, const char *file, const struct fl_meta *meta)
{
    const unsigned char *contract;

    if (!r->contracted)
        return 0;
    if (!fl_meta_find(meta, "contract"))
        return fl_error(FL_REFUSED,
                        "%s: names no contract, and the roster asks for one; train on shards of "
                        "fl-harmonize -c",
                        file);
    if (fl_meta_get_bytes(meta, "contract", 32, &contract))
        return fl_error_about(file);
    if (!memcmp(contract, r->contract, 32))
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: its text was harmonized by another contract than the roster's; take the "
                    "roster's contract and make the shards again",
                    file);
}

/* The update was trained from the plan's model: its numbers too, when it says which. */
static int
check_update(struct fl_turn *t)
{
    const struct fl_meta *meta = &fl_object_head(t->update)->meta;
    const char *file = fl_object_name(t->update);
    const unsigned char *params;

    if (fl_update_check_base(file, meta, "the plan's model", t->plan->base) ||
        fl_turn_check_contract(&t->plan->roster, file, meta))
        return -1;
    if (!fl_meta_find(meta, "base.params"))
        return fl_error(FL_FAILED,
                        "%s: does not say from which numbers it was trained (base.params), and a "
                        "plan may lie about them; make it with fl-train or fl-diff",
                        file);
    if (fl_meta_get_bytes(meta, "base.params", 32, &params))
        return fl_error_about(file);
    if (memcmp(params, t->plan->params, 32))
        return fl_error(FL_REFUSED,
                        "%s: was trained from other numbers than the plan says its model has; "
                        "the hub planned wrongly or lies",
                        file);
    return fl_plan_match(t->plan, t->update);
}

/*
 * Over one model a site masks one update. All other sites send the same again, so the sums of two
 * rounds would differ by what changed here: between zeros and an update, by all of it. After zeros
 * zeros are sent, since a refusal would say that training failed before.
 */
static int
check_same(struct fl_turn *t)
{
    const unsigned char none[32] = {0};
    const unsigned char *before = fl_state_masked_input(t->state, t->plan->params);
    unsigned char zeros[32];

    fl_state_hide(t->state, "fl1.zero", none, zeros);
    t->zeros = !t->update || (before && fl_equal_secret(before, zeros, 32));
    if (!before || fl_equal_secret(before, t->input, 32) || (t->zeros && t->update))
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: another update of this model was masked in an earlier round, and the sums "
                    "of the two rounds would show what changed; give that one again",
                    t->update ? fl_object_name(t->update) : "--zero");
}

int
fl_turn_check(struct fl_turn *t)
{
    const struct fl_weight_policy *policy = &t->plan->roster.weights;
    const double mbit = t->mbit > 0 ? t->mbit : policy->mbit;

    if (fl_turn_admit(t) || (t->update && check_update(t)) || fl_turn_hide_input(t))
        return -1;
    if (t->done && !fl_equal_secret(t->done->input, t->input, 32))
        return fl_error(
            FL_REFUSED,
            "%s: round %llu was masked with another update; the same mask on both would "
            "show their difference; give the first again, or wait for the next model",
            t->update ? fl_object_name(t->update) : "--zero", (unsigned long long)t->plan->round);
    if (!t->done && check_same(t))
        return -1;
    if (fl_turn_may_pay(t))
        return -1;
    t->raw = t->update && !t->zeros ? fl_weight_raw(policy, &fl_object_head(t->update)->meta, mbit)
                                    : 0;
    t->weight = (double)fl_encode_weight(policy, t->raw) * 0x1p-40 * policy->cap;
    return 0;
}

/* ---- what is made ---- */

/* The party of peer J: a helper, or under pairwise protection a site. */
static uint32_t
party_of(const struct fl_roster *r, uint32_t j)
{
    return r->protection == FL_PROTECTION_HELPERS ? r->helpers[j] : j;
}

/* Masks and tags with every peer, from the chains at the plan's round. */
static void
derive(const struct fl_turn *t, const struct fl_upload_head *head, struct fl_mask *masks,
       unsigned char *tags)
{
    const struct fl_roster *r = &t->plan->roster;
    const bool helpers = r->protection == FL_PROTECTION_HELPERS;
    const uint32_t peers = (uint32_t)(helpers ? r->m : r->n);
    const unsigned char *nonce = helpers ? head->nonce : NULL;
    unsigned char k[FL_PAIR_KEY];
    size_t at = 0;

    for (uint32_t j = 0; j < peers; j++) {
        uint32_t party = party_of(r, j);
        struct fl_pair pair = {t->index, party, r->digest, helpers};
        if (!helpers && j == t->index)
            continue;
        if (!helpers && j < t->index)
            pair = (struct fl_pair){j, t->index, r->digest, false};
        fl_state_up_key(t->state, j, party, t->plan->sid, k);
        fl_pair_mask(masks[at].key, &pair, k, t->plan->sid, nonce);
        masks[at].sign = helpers || t->index < j ? 1 : -1;
        fl_pair_tag(tags + at * FL_PAIR_TAG, &pair, k, t->plan->sid, nonce);
        at++;
    }
    fl_wipe(k, sizeof k);
}

/* Who sends, after what; where there are helpers a fresh nonce, and the seed of ciphertexts. */
static void
fill_head(const struct fl_turn *t, struct fl_upload_head *head, unsigned char seed[32])
{
    unsigned char bind[96];
    struct fl_line next;

    *head = (struct fl_upload_head){.from = {.party = t->index, .ctr = t->state->uploads.ctr + 1}};
    memcpy(head->from.prev, t->state->uploads.prev, 32);
    head->ledger = !fl_is_zero(t->state->ledger.id, sizeof t->state->ledger.id);
    head->ledger_count = t->state->ledger.count;
    memcpy(head->ledger_head, t->state->ledger.head, 32);
    fl_key_line(t->key, &next);
    snprintf(head->from.next, sizeof head->from.next, "%s", next.text);
    if (t->plan->roster.protection != FL_PROTECTION_HELPERS)
        return;
    memcpy(bind, t->plan->roster.digest, 32);
    memcpy(bind + 32, t->plan->sid, 32);
    memcpy(bind + 64, t->input, 32);
    fl_key_fresh(head->nonce, t->key, bind, head->from.ctr, "nonce");
    fl_key_fresh(seed, t->key, bind, head->from.ctr, "heenc");
}

/* The whole upload in the state folder, flushed. */
static int
keep(struct fl_turn *t, const char *path, struct fl_upload *u)
{
    struct fl_output out;

    if (fl_output_open(&out, path, FL_OUTPUT_SECRET))
        return -1;
    if (fl_upload_write(u, out.fd, out.name)) {
        fl_output_abort(&out);
        return -1;
    }
    t->counts = u->counts;
    return fl_output_commit(&out);
}

/*
 * With noise of helpers: whole numbers within the bound that the noise is made for. They are the
 * same for the same update in every round, or each round would be another equation about it.
 */
static int
fit(struct fl_turn *t, struct fl_fitted *f)
{
    unsigned char key[FL_STREAM_KEY];

    t->factor = 1;
    if (!t->plan->noise.sigma || t->zeros)
        return 0;
    fl_state_hide(t->state, "fl1.rounding", t->input, key);
    int failed = fl_fitted_make(f, t->plan, t->update, key, t->progress);
    fl_wipe(key, sizeof key);
    t->norm = f->bounded.norm;
    t->factor = f->bounded.attempt == FL_BOUNDED_ZEROS ? 0 : f->bounded.factor;
    return failed ? -1 : 0;
}

static int
make_new(struct fl_turn *t, struct fl_made *made)
{
    const size_t peers = fl_upload_tags(t->plan);
    struct fl_mask *masks = fl_secret_alloc(peers, sizeof *masks);
    unsigned char *tags = fl_alloc(peers, FL_PAIR_TAG), *seed = fl_secret_alloc(1, 32);
    char *path = fl_kept_path(t->state, false, made);
    struct fl_fitted fitted = {0};
    int failed = !masks || !tags || !seed || !path;

    if (!failed) {
        struct fl_upload_head head;
        fl_state_step_up(t->state, made->round);
        fill_head(t, &head, seed);
        derive(t, &head, masks, tags);
        head.tags = tags;
        failed = fit(t, &fitted);
        struct fl_upload u = {.plan = t->plan,
                              .head = &head,
                              .key = t->key,
                              .masks = masks,
                              .mask_count = peers,
                              .update = t->zeros ? NULL : t->update,
                              .bounded = fitted.parts ? &fitted.bounded : NULL,
                              .q = fl_encode_weight(&t->plan->roster.weights, t->raw),
                              .seed = seed,
                              .pool = t->pool,
                              .level = t->level,
                              .progress = t->progress};
        failed = failed || keep(t, path, &u);
        memcpy(made->root, u.root, 32);
    }
    fl_fitted_release(&fitted);
    fl_secret_free(masks);
    fl_secret_free(seed);
    free(tags);
    free(path);
    if (failed)
        return -1;
    return fl_state_commit_upload(t->state, made, t->plan->params, t->key, t->key_path);
}

int
fl_turn_save_mark(const struct fl_turn *t)
{
    return t->purse && t->purse->ledger ? fl_state_save(t->state) : 0;
}

int
fl_turn_make(struct fl_turn *t)
{
    struct fl_made made = {.epoch = t->plan->roster.epoch, .round = t->plan->round};

    memcpy(made.roster, t->plan->roster.digest, 32);
    memcpy(made.sid, t->plan->sid, 32);
    memcpy(made.input, t->input, 32);
    if (fl_turn_pay(t) || (t->done ? fl_turn_save_mark(t) : make_new(t, &made)))
        return -1;
    if (t->done)
        made = *t->done;
    t->kept_name = fl_kept_path(t->state, false, &made);
    if (!t->kept_name || fl_state_count_in_key(t->state, t->key, t->key_path))
        return -1;
    t->kept = fl_kept_open(t->kept_name, FL_KIND_MASKED, &made);
    return t->kept < 0 ? fl_error_cure("it cannot be made again: this site must miss the round")
                       : 0;
}

int
fl_turn_send(struct fl_turn *t, struct fl_output *out)
{
    return fl_output_copy(out, t->kept, t->kept_name);
}

int
fl_turn_clean(struct fl_turn *t)
{
    return fl_kept_prune(t->state, false, (size_t)t->plan->roster.max_open);
}
