#include "fed/turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "fed/update.h"
#include "fed/weights.h"
#include "os/file.h"

#define KEPT_PREFIX "upload-"

enum { KEEP = 2, NAME_SIZE = 64 };

void
fl_turn_release(struct fl_turn *t)
{
    if (t->kept > 0)
        fl_close_input(t->kept);
    free(t->kept_name);
    t->kept = -1;
    t->kept_name = NULL;
}

/* Name of the kept upload of a round in the state folder. */
static void
kept_name(char name[NAME_SIZE], const struct fl_round *round)
{
    snprintf(name, NAME_SIZE, KEPT_PREFIX "%lld-%llu.flt", (long long)round->epoch,
             (unsigned long long)round->round);
}

static char *
kept_path(const struct fl_state *s, const struct fl_round *round)
{
    char name[NAME_SIZE];

    kept_name(name, round);
    return fl_folder_file(&s->folder, name);
}

/* The weight by the plan's rule, the site being the one of the roster whatever the update says. */
static int
find_weight(struct fl_turn *t)
{
    const struct fl_plan *plan = t->plan;
    const char *site = plan->roster.sites[t->index].name;
    struct fl_bandwidth bandwidth = {.mbit = plan->bandwidth ? plan->bandwidth[t->index] : 1};
    struct fl_weighting how = {.rule = plan->rule,
                               .alpha = plan->alpha,
                               .bandwidths = &bandwidth,
                               .count = 1};
    struct fl_meta meta;

    if (fl_meta_copy(&meta, &fl_object_head(t->update)->meta))
        return -1;
    bandwidth.site = fl_strdup(site);
    int result = !bandwidth.site || fl_meta_set_text(&meta, "site", site) ||
                 fl_weight_of(&how, &meta, &t->weight);
    fl_meta_release(&meta);
    free(bandwidth.site);
    return result ? fl_error_about(fl_object_name(t->update)) : 0;
}

/* This round was masked before: it must have been this update, under this plan. */
static int
check_again(const struct fl_turn *t)
{
    if (memcmp(t->done->sid, t->plan->sid, 32))
        return fl_error(FL_REFUSED,
                        "round %llu was masked for another plan of it; two plans of one round are "
                        "the hub's mistake or its lie",
                        (unsigned long long)t->plan->round);
    if (memcmp(t->done->input, t->input, 32))
        return fl_error(FL_REFUSED,
                        "%s: round %llu was masked with another update, and the same mask on both "
                        "would show their difference; wait for the next round",
                        fl_object_name(t->update), (unsigned long long)t->plan->round);
    return 0;
}

/* People agreed on the policy's cap; a lower one is the hub's way to change who counts what. */
static int
check_cap(const struct fl_turn *t)
{
    const struct fl_policy *policy = &t->plan->roster.policy;
    double most = policy->cap[t->plan->rule];

    if (!policy->vary && t->plan->cap < most && t->weight > t->plan->cap)
        return fl_error(FL_REFUSED,
                        "the plan's cap of %.10g cuts this site's weight of %.10g; only the "
                        "roster's own of %.10g may: plan with \"cap: %.10g\"",
                        t->plan->cap, t->weight, most, most);
    return 0;
}

static int
check_new(struct fl_turn *t)
{
    const struct fl_roster *r = &t->plan->roster;
    const struct fl_section *now = &t->state->section[0];

    if (memcmp(r->digest, now->roster, 32))
        return fl_error(
            FL_REFUSED,
            "the plan is for a roster of \"%s\", epoch %lld, and this key has accepted "
            "another, of \"%s\", epoch %lld; ask the hub for a plan of that one, or accept "
            "the plan's with fl-keygen --accept if it is of a later epoch",
            r->federation, (long long)r->epoch, now->federation, (long long)now->epoch);
    if (now->index != t->index || now->n != r->n)
        return fl_error(FL_REFUSED, "the state's place in the roster is another than the key's");
    return fl_state_admit(t->state, t->plan->round, r->policy.max_skip) ||
           fl_state_check_base(t->state, t->plan->base, t->precedent.use) ||
           (!r->policy.vary && fl_state_check_terms(t->state, t->precedent.terms)) ||
           find_weight(t) || check_cap(t);
}

int
fl_turn_check(struct fl_turn *t)
{
    const struct fl_roster *r = &t->plan->roster;
    const struct fl_meta *meta = &fl_object_head(t->update)->meta;
    int64_t index = fl_roster_find_key(r, t->key->public);
    const char *site;

    t->kept = -1;
    t->kept_name = NULL;
    if (index < 0 || index == (int64_t)FL_SIGNER_HUB)
        return fl_error(FL_REFUSED, "\"%s\" is no site of the plan's roster", t->key->name);
    t->index = (uint32_t)index;
    memcpy(t->precedent.base, t->plan->base, sizeof t->precedent.base);
    fl_plan_use(t->plan, t->precedent.use);
    fl_plan_terms(t->plan, t->precedent.terms);
    if (fl_update_site(fl_object_name(t->update), meta, &site) ||
        fl_update_check_base(fl_object_name(t->update), meta, "the plan's model", t->plan->base) ||
        fl_plan_match(t->plan, t->update) || fl_object_digest(t->update, t->pool, t->input))
        return -1;
    t->done = fl_state_round(t->state, r->digest, t->plan->round);
    return (t->done ? check_again(t) : check_new(t)) ? -1 : 0;
}

/* Masks and tags with every other site, from the chains at the plan's round. */
static void
derive(const struct fl_turn *t, struct fl_mask *masks, unsigned char *tags)
{
    const struct fl_roster *r = &t->plan->roster;
    unsigned char k[FL_PAIR_KEY];
    size_t at = 0;

    for (uint32_t j = 0; j < r->n; j++) {
        struct fl_pair pair = {t->index < j ? t->index : j, t->index < j ? j : t->index, r->digest};
        if (j == t->index)
            continue;
        fl_state_pair_key(t->state, j, t->plan->sid, k);
        fl_pair_mask(masks[at].key, &pair, k, t->plan->sid);
        masks[at].sign = t->index < j ? 1 : -1;
        fl_pair_tag(tags + at * FL_PAIR_TAG, &pair, k, t->plan->sid);
        at++;
    }
    fl_wipe(k, sizeof k);
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
    t->clipped = u->clipped;
    return fl_output_commit(&out);
}

static int
make_new(struct fl_turn *t, struct fl_round *round)
{
    const size_t peers = t->plan->roster.n - 1;
    struct fl_mask *masks = fl_secret_alloc(peers, sizeof *masks);
    unsigned char *tags = fl_alloc(peers, FL_PAIR_TAG);
    char *path = kept_path(t->state, round);
    int result = -1;

    if (masks && tags && path) {
        fl_state_step_to(t->state, round->round);
        derive(t, masks, tags);
        struct fl_upload u = {.plan = t->plan,
                              .index = t->index,
                              .key = t->key,
                              .ctr = t->state->ctr + 1,
                              .prev = t->state->prev,
                              .tags = tags,
                              .masks = masks,
                              .update = t->update,
                              .weight = t->weight,
                              .pool = t->pool,
                              .level = t->level,
                              .progress = t->progress};
        result = keep(t, path, &u);
        memcpy(round->root, u.root, 32);
    }
    fl_secret_free(masks);
    free(tags);
    free(path);
    if (result)
        return -1;
    return fl_state_commit_round(t->state, round, &t->precedent);
}

/* The kept upload is what the state says, to the last byte. */
static int
check_kept(const struct fl_turn *t, const struct fl_round *round)
{
    unsigned char root[32];
    struct fl_object *o = fl_object_open(t->kept_name, FL_KIND_MASKED);
    int result = o ? fl_object_digest(o, t->pool, root) : -1;

    if (!result && memcmp(root, round->root, 32))
        result = fl_error(FL_FAILED, "%s: is not the upload that the state records", t->kept_name);
    fl_object_free(o);
    if (!result)
        return 0;
    return fl_error_of_machine() && !fl_input_missing(t->kept_name)
               ? -1
               : fl_error_cure("it cannot be made again: this site must miss the round");
}

int
fl_turn_make(struct fl_turn *t)
{
    struct fl_round round = {.epoch = t->plan->roster.epoch, .round = t->plan->round};

    memcpy(round.roster, t->plan->roster.digest, 32);
    memcpy(round.sid, t->plan->sid, 32);
    memcpy(round.input, t->input, 32);
    if (t->done)
        round = *t->done;
    else if (make_new(t, &round))
        return -1;
    t->kept_name = kept_path(t->state, &round);
    if (!t->kept_name || (t->done && check_kept(t, &round)))
        return -1;
    t->kept = fl_open_input(t->kept_name, true);
    return t->kept < 0 ? -1 : 0;
}

int
fl_turn_send(struct fl_turn *t, struct fl_output *out)
{
    return fl_output_copy(out, t->kept, t->kept_name);
}

int
fl_turn_clean(struct fl_turn *t)
{
    struct fl_state *s = t->state;
    const size_t count = s->round_count < KEEP ? s->round_count : KEEP;
    char names[KEEP][NAME_SIZE];
    const char *keep[KEEP];

    for (size_t i = 0; i < count; i++) {
        kept_name(names[i], &s->rounds[s->round_count - count + i]);
        keep[i] = names[i];
    }
    /* Files first: no file is forgotten. */
    if (fl_folder_prune(&s->folder, KEPT_PREFIX, keep, count))
        return -1;
    return fl_state_drop_rounds(s, KEEP);
}
