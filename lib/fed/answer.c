/* Checks in the order of the table in fl-protocol(7); then the sum of streams. */
#include "fed/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "fed/cipher.h"
#include "fed/kept.h"
#include "fed/lane_noise.h"
#include "flt/writer.h"
#include "os/file.h"
#include "sec/set.h"

void
fl_answer_release(struct fl_answering *a)
{
    if (a->kept > 0)
        fl_close_input(a->kept);
    free(a->kept_name);
    free(a->bad);
    fl_secret_free(a->keys);
    a->kept = -1;
    a->kept_name = NULL;
    a->bad = NULL;
    a->keys = NULL;
}

/* ---- what can be refused ---- */

static int
check_party(struct fl_answering *a)
{
    const struct fl_section *now = &a->state->section[0];

    if (fl_state_check_plan(a->state, a->key, a->plan))
        return -1;
    a->party = now->party;
    int helper = now->party == FL_SIGNER_HUB ? -1 : fl_roster_helper(&a->plan->roster, now->party);
    if (helper < 0 || !now->down)
        return fl_error(FL_REFUSED, "\"%s\" is no helper in the plan's roster", a->key->name);
    a->helper = (size_t)helper;
    return fl_state_check_last(&a->state->answers, &a->plan->last[a->plan->roster.n + a->helper],
                               "answer");
}

/* The plan's model is the one that this helper has itself come to. */
static int
check_base(const struct fl_answering *a)
{
    const struct fl_helper_now *now = &a->state->section[0].now;

    if (memcmp(a->plan->base, now->object, 32))
        return fl_error(FL_REFUSED, "the plan is over another model than the one that this helper "
                                    "has come to; follow the rounds with fl-unmask --advance");
    if (now->known && memcmp(a->plan->params, now->params, 32))
        return fl_error(FL_REFUSED, "the plan says of its model other numbers than it has; the hub "
                                    "planned wrongly or lies");
    /* known or not: an epoch's first step begins without one */
    if (now->has_velocity != a->plan->has_velocity ||
        (now->has_velocity && memcmp(a->plan->velocity, now->velocity, 32)))
        return fl_error(FL_REFUSED, "the plan names another velocity than this helper has come to");
    return 0;
}

/* A helper that is a site: the hub shows the upload that it made, or none. */
static int
check_own_upload(const struct fl_answering *a)
{
    const struct fl_plan *plan = a->plan;
    const struct fl_shown *own = fl_request_find(a->request, a->party);
    const struct fl_made *made = fl_state_made(a->state->upload, a->state->upload_count,
                                               plan->roster.digest, plan->round);

    if (own && (!made || memcmp(made->root, own->digest, 32)))
        return fl_error(
            FL_REFUSED,
            "the request shows an upload of \"%s\" that its state does not know; a copy "
            "of the key is in use: make a new key for the next epoch",
            a->key->name);
    return 0;
}

static uint32_t *
sites_of(const struct fl_request *r)
{
    uint32_t *sites = fl_alloc(r->count, sizeof *sites);

    for (size_t i = 0; sites && i < r->count; i++)
        sites[i] = r->uploads[i].upload.from.party;
    return sites;
}

static int
check_set(struct fl_answering *a)
{
    const struct fl_roster *r = &a->plan->roster;

    if (a->request->count < (size_t)r->min_sum)
        return fl_error(FL_REFUSED, "the request is for %zu sites; the roster's min_sum is %lld",
                        a->request->count, (long long)r->min_sum);
    uint32_t *sites = sites_of(a->request);
    struct fl_near_base *base = sites ? fl_near_add(&a->state->near, a->plan->base, NULL) : NULL;
    int failed = !base || fl_near_check(&a->state->near, base, a->plan, sites, a->request->count);
    free(sites);
    return failed ? -1 : 0;
}

/* This round was answered before: it must have been for this set. */
static int
check_again(const struct fl_answering *a)
{
    if (memcmp(a->done->sid, a->plan->sid, 32) || memcmp(a->done->input, a->request->set, 32))
        return fl_error(FL_REFUSED,
                        "round %llu was answered for another set of sites; a second answer would "
                        "show the difference of two sums",
                        (unsigned long long)a->plan->round);
    return 0;
}

/* The mask's key of each upload, and whose tag is not the one that this helper computes. */
static int
derive(struct fl_answering *a)
{
    const struct fl_plan *plan = a->plan;
    const unsigned char *round = fl_state_open_keys(a->state, plan->round);
    unsigned char k[FL_PAIR_KEY], tag[FL_PAIR_TAG];

    a->keys = fl_secret_alloc(a->request->count + 1, 32);
    a->bad = fl_alloc(a->request->count, sizeof *a->bad);
    if (!a->keys || !a->bad)
        return -1;
    if (!round)
        return fl_error(FL_REFUSED, "round %llu is over for this helper: its keys were wiped",
                        (unsigned long long)plan->round);
    for (size_t i = 0; i < a->request->count; i++) {
        const struct fl_upload_head *up = &a->request->uploads[i].upload;
        const uint32_t site = up->from.party;
        const struct fl_pair pair = {site, a->party, plan->roster.digest, true};
        fl_state_down_key(a->state, round, site, plan->sid, k);
        fl_pair_mask(a->keys + 32 * i, &pair, k, plan->sid, up->nonce);
        fl_pair_tag(tag, &pair, k, plan->sid, up->nonce);
        if (!fl_equal_secret(tag, up->tags + FL_PAIR_TAG * a->helper, FL_PAIR_TAG))
            a->bad[a->bad_count++] = site;
    }
    fl_wipe(k, sizeof k);
    return plan->noise.sigma ? fl_state_noise_key(a->state, plan->round, plan->sid, a->request->set,
                                                  a->keys + 32 * a->request->count)
                             : 0;
}

static struct fl_round_payment
payment_of(const struct fl_answering *a)
{
    return (struct fl_round_payment){.purse = a->purse,
                                     .state = a->state,
                                     .key = a->key,
                                     .plan = a->plan,
                                     .party = a->party,
                                     .answer = true,
                                     .input = a->request->set,
                                     .pool = a->pool};
}

int
fl_answer_check(struct fl_answering *a)
{
    const struct fl_roster *r = &a->plan->roster;
    const struct fl_section *now = &a->state->section[0];

    a->kept = -1;
    if (check_party(a))
        return -1;
    struct fl_round_payment payment = payment_of(a);
    if (fl_round_may_pay(&payment))
        return -1;
    a->done = fl_state_made(a->state->answer, a->state->answer_count, r->digest, a->plan->round);
    if (a->done)
        return check_again(a);
    if (a->upload_count && !a->plan->ciphertexts)
        return fl_error(FL_USAGE, "uploads are given where tensors are encrypted, and none is in "
                                  "this plan; leave them out");
    if (check_base(a) || check_own_upload(a) || check_set(a))
        return -1;
    if (a->plan->round >= now->down_next &&
        (fl_state_admit(now->down_next, a->plan->round, r->max_skip) ||
         fl_state_step_down(a->state, a->plan->round, r->max_open)))
        return -1;
    return derive(a);
}

/* ---- ready ---- */

int
fl_answer_ready(const struct fl_answering *a, int fd, const char *name)
{
    struct fl_ready_head head = {.party = a->party, .bad = a->bad, .bad_count = a->bad_count};
    struct fl_meta meta = {0};
    struct fl_sign sign;
    unsigned char digest[32];
    struct fl_writer *w = fl_writer_new(fd, name, 0);

    memcpy(head.set, a->request->set, 32);
    int failed = !w || fl_ready_head_encode(&head, a->plan, &meta);
    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_READY, &meta) || fl_writer_done(w);
    }
    if (!failed) {
        fl_writer_digest(w, digest);
        fl_roster_sign(&a->plan->roster, a->party, a->key, FL_KIND_READY, digest, &sign);
        failed = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    return failed ? -1 : 0;
}

/* ---- ciphertexts: added here, since a sum that the hub made could be one site's ---- */

/* The ciphertexts that the upload at hand in IN begins with, into SUM; whose, into *PLACE. */
static int
add_cipher(const struct fl_answering *a, struct fl_reader *in, struct fl_cipher_sum *sum,
           const struct fl_schema *want, size_t *place)
{
    const char *file = fl_reader_name(in);
    const struct fl_head *head;
    const struct fl_tensor *t;
    unsigned char digest[32];
    uint64_t bytes = 0;
    uint32_t site;
    size_t i = 0;
    int got;

    fl_reader_want_digest(in);
    if (fl_reader_expect(in, FL_KIND_CIPHER, &head) != 1)
        return -1;
    if (fl_cipher_head_decode(&site, a->plan, &head->meta))
        return fl_error_about(file);
    while ((got = fl_reader_tensor(in, &t)) == 1)
        if (fl_schema_match_next(want, i++, file, t) || fl_cipher_sum_add(sum, in, &bytes))
            return -1;
    if (got || fl_schema_match_end(want, i, file))
        return -1;
    fl_reader_digest(in, digest);
    for (*place = 0; *place < a->request->count; ++*place) {
        const struct fl_upload_head *up = &a->request->uploads[*place].upload;
        if (up->from.party == site && !memcmp(up->cipher, digest, 32))
            return 0;
    }
    return fl_error(FL_REFUSED,
                    "%s: is of \"%s\", and no upload that the request shows signed for these "
                    "ciphertexts",
                    file, a->plan->roster.parties[site].name);
}

static int
add_file(const struct fl_answering *a, const char *path, struct fl_cipher_sum *sum,
         const struct fl_schema *want, bool *there)
{
    struct fl_reader *in = fl_reader_open(path);
    size_t place = 0;
    int failed = !in || add_cipher(a, in, sum, want, &place);

    if (!failed && there[place])
        failed =
            fl_error(FL_REFUSED, "%s: holds the ciphertexts of \"%s\", which are there already",
                     path,
                     a->plan->roster.parties[a->request->uploads[place].upload.from.party].name);
    if (!failed)
        there[place] = true;
    fl_reader_free(in);
    return failed ? -1 : 0;
}

/* Of every upload of the request, each once. */
static int
check_there(const struct fl_answering *a, const bool *there)
{
    for (size_t i = 0; i < a->request->count; i++)
        if (!there[i])
            return fl_error(
                FL_NOT_YET,
                "the ciphertexts of \"%s\" are missing; name the uploads that the request shows",
                a->plan->roster.parties[a->request->uploads[i].upload.from.party].name);
    return 0;
}

static int
add_ciphers(const struct fl_answering *a, struct fl_cipher_sum *sum)
{
    struct fl_schema want = {0};
    struct fl_tensor form = {.attrs = {0}};
    bool *there = fl_alloc(a->request->count, sizeof *there);
    int failed = !there || fl_plan_cipher_tensor(a->plan, FL_CIPHER_C1, &form) ||
                 fl_schema_start(&want, "the ciphertexts of this plan") ||
                 fl_schema_add(&want, &form, false);

    for (size_t i = 0; i < a->upload_count && !failed; i++)
        failed = add_file(a, a->uploads[i], sum, &want, there);
    if (!failed)
        failed = check_there(a, there);
    fl_meta_release(&form.attrs);
    fl_schema_release(&want);
    free(there);
    return failed ? -1 : 0;
}

/* The shares of all sums as the answer's last tensor. */
static int
write_shares(const struct fl_answering *a, const struct fl_cipher_sum *sum, struct fl_writer *w)
{
    unsigned char *seeds = fl_secret_alloc(3, 32);
    struct fl_tensor t = {.attrs = {0}};
    struct fl_sharing s = {.plan = a->plan,
                           .c1 = sum,
                           .secret = seeds + 32,
                           .smudge = seeds + 64,
                           .pool = a->pool,
                           .progress = a->progress,
                           .done = a->plan->masked_words * sizeof(uint64_t)};
    int failed = !seeds || fl_state_he_key(a->state, a->plan->round, seeds);

    if (!failed) {
        fl_he_secret(seeds + 32, seeds);
        fl_he_smudge(seeds + 64, seeds, a->plan->sid, a->request->set);
        failed = fl_plan_cipher_tensor(a->plan, FL_CIPHER_TENSOR, &t) || fl_writer_tensor(w, &t) ||
                 fl_cipher_share(&s, w);
    }
    fl_meta_release(&t.attrs);
    fl_secret_free(seeds);
    return failed ? -1 : 0;
}

/* ---- the answer ---- */

struct streams {
    const struct fl_plan *plan;
    const struct fl_mask *masks;
    size_t count;
    const unsigned char *noise; /* its key */
};

static void
add_noise(const struct streams *s, const struct fl_lane_chunk *chunk)
{
    const struct fl_lane_noise noise = {s->plan, s->noise};
    unsigned char buffer[FL_NOISE_BUFFER];

    fl_lane_words_noise(&noise, chunk, buffer);
    fl_wipe(buffer, sizeof buffer);
}

static void
fill(void *arg, const struct fl_lane_chunk *chunk)
{
    const struct streams *s = arg;

    memset(chunk->out, 0, (size_t)(chunk->to - chunk->from) * sizeof *chunk->out);
    fl_lane_words_mask(s->plan, chunk, (struct fl_masking){.masks = s->masks, .count = s->count});
    if (s->plan->noise.sigma)
        add_noise(s, chunk);
}

/* The masked places of an upload, the weight's among them. */
static size_t
masked_places(const struct fl_plan *plan)
{
    size_t places = 1;

    for (size_t i = 0; i < plan->count; i++)
        places += plan->tensors[i].role == FL_MASKED;
    return places;
}

static int
set_head(const struct fl_answering *a, struct fl_meta *meta)
{
    struct fl_answer_head head = {.from = {.party = a->party, .ctr = a->state->answers.ctr + 1}};
    struct fl_line next;

    memcpy(head.from.prev, a->state->answers.prev, 32);
    memcpy(head.set, a->request->set, 32);
    fl_key_line(a->key, &next);
    snprintf(head.from.next, sizeof head.from.next, "%s", next.text);
    return fl_answer_head_encode(&head, a->plan, meta);
}

static int
write_answer(const struct fl_answering *a, const struct fl_mask *masks,
             const struct fl_cipher_sum *sum, struct fl_output *out, unsigned char root[32])
{
    struct streams streams = {a->plan, masks, a->request->count, a->keys + 32 * a->request->count};
    const struct fl_lane_words words = {.plan = a->plan,
                                        .places = masked_places(a->plan),
                                        .pool = a->pool,
                                        .progress = a->progress,
                                        .arg = &streams,
                                        .fill = fill};
    struct fl_meta meta = {0};
    struct fl_sign sign;
    struct fl_writer *w = fl_writer_new(out->fd, out->name, a->level);
    int failed = !w || set_head(a, &meta);

    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_ANSWER, &meta) || fl_lane_words_write(&words, w) ||
                 (sum && write_shares(a, sum, w)) || fl_writer_done(w);
    }
    if (!failed) {
        fl_writer_digest(w, root);
        fl_roster_sign(&a->plan->roster, a->party, a->key, FL_KIND_ANSWER, root, &sign);
        failed = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    return failed ? -1 : 0;
}

/* The whole answer in the state folder, flushed. */
static int
keep(const struct fl_answering *a, const char *path, const struct fl_cipher_sum *sum,
     unsigned char root[32])
{
    struct fl_mask *masks = fl_secret_alloc(a->request->count, sizeof *masks);
    struct fl_output out;

    if (!masks)
        return -1;
    for (size_t i = 0; i < a->request->count; i++) {
        memcpy(masks[i].key, a->keys + 32 * i, 32);
        masks[i].sign = 1;
    }
    int failed = fl_output_open(&out, path, FL_OUTPUT_SECRET);
    if (!failed && write_answer(a, masks, sum, &out, root)) {
        fl_output_abort(&out);
        failed = -1;
    }
    fl_secret_free(masks);
    return failed ? -1 : fl_output_commit(&out);
}

/* The same, with the sums of the ciphertexts where there are any. */
static int
keep_with_ciphers(const struct fl_answering *a, const char *path, unsigned char root[32])
{
    if (!a->plan->ciphertexts)
        return keep(a, path, NULL, root);
    struct fl_store *store = fl_store_new(a->memory);
    struct fl_cipher_sum *sum = store ? fl_cipher_sum_new(a->plan, store) : NULL;
    int failed = !sum || add_ciphers(a, sum) || keep(a, path, sum, root);

    fl_cipher_sum_free(sum);
    fl_store_free(store);
    return failed ? -1 : 0;
}

static int
refuse_tags(const struct fl_answering *a)
{
    return fl_error(
        FL_FAILED,
        "the tag%s of %zu site%s, \"%s\" among them, %s not this helper's own; fl-unmask "
        "--ready tells the hub, which asks again without",
        a->bad_count == 1 ? "" : "s", a->bad_count, a->bad_count == 1 ? "" : "s",
        a->plan->roster.parties[a->bad[0]].name, a->bad_count == 1 ? "is" : "are");
}

static int
make_new(struct fl_answering *a, struct fl_made *made)
{
    char *path = fl_kept_path(a->state, true, made);
    uint32_t *sites = sites_of(a->request);
    int failed = !path || !sites || keep_with_ciphers(a, path, made->root);

    if (!failed) {
        struct fl_near_base *base = fl_near_add(&a->state->near, a->plan->base, NULL);
        failed = !base ||
                 fl_near_record(&a->state->near, base, a->plan, sites, a->request->count) ||
                 fl_state_commit_answer(a->state, made, a->key, a->key_path);
    }
    free(path);
    free(sites);
    return failed ? -1 : 0;
}

int
fl_answer_make(struct fl_answering *a)
{
    struct fl_made made = {.epoch = a->plan->roster.epoch, .round = a->plan->round};

    if (a->bad_count)
        return refuse_tags(a);
    memcpy(made.roster, a->plan->roster.digest, 32);
    memcpy(made.sid, a->plan->sid, 32);
    memcpy(made.input, a->request->set, 32);
    struct fl_round_payment payment = payment_of(a);
    const bool ledger = a->purse && a->purse->ledger;
    if (fl_round_pay(&payment) ||
        (!a->done ? make_new(a, &made) : ledger && fl_state_save(a->state)))
        return -1;
    if (a->done)
        made = *a->done;
    a->kept_name = fl_kept_path(a->state, true, &made);
    if (!a->kept_name || fl_state_count_in_key(a->state, a->key, a->key_path))
        return -1;
    a->kept = fl_kept_open(a->kept_name, FL_KIND_ANSWER, &made);
    return a->kept < 0 ? fl_error_cure("it cannot be made again: the round is dead; the hub plans "
                                       "another over the same model")
                       : 0;
}

int
fl_answer_send(struct fl_answering *a, struct fl_output *out)
{
    return fl_output_copy(out, a->kept, a->kept_name);
}

int
fl_answer_clean(struct fl_answering *a)
{
    return fl_kept_prune(a->state, true, (size_t)a->plan->roster.max_open);
}
