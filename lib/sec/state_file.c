/* Each kind of line has a reader and a writer, side by side; sketches travel as hexadecimal bytes.
 */
#include "sec/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "crypt/secret.h"
#include "sec/state_near.h"
#include "sec/vault.h"

#define STATE_MAGIC "fl-state-v3"
#define STATE_NAME  "state"

int
fl_section_alloc(struct fl_section *at, bool site, bool helper)
{
    at->up_count = !site ? 0 : at->helpers ? at->m : at->n;
    if (at->up_count && !(at->up = fl_secret_alloc(at->up_count, FL_PAIR_KEY)))
        return -1;
    return helper && !(at->down = fl_secret_alloc(at->n, FL_PAIR_KEY)) ? -1 : 0;
}

static struct fl_section *
last_section(struct fl_state *s)
{
    return s->section_count ? &s->section[s->section_count - 1] : NULL;
}

/* ---- reading ---- */

/* roster RD EPOCH PARTY|hub FEDERATION */
static int
read_roster(struct fl_vault *v, struct fl_state *s)
{
    struct fl_section *to = &s->section[s->section_count];
    char party[16];
    uint64_t epoch, number;

    if (s->section_count == 2)
        return fl_vault_bad_line(v);
    if (fl_vault_get(v, "bnww", to->roster, (uint64_t)FL_EPOCH_MAX, &epoch, party, sizeof party,
                     to->federation, sizeof to->federation))
        return -1;
    to->epoch = (int64_t)epoch;
    to->party = FL_SIGNER_HUB;
    if (strcmp(party, "hub")) {
        if (fl_parse_u64(party, 0, FL_SITES_MAX + FL_HELPERS_MAX, &number))
            return fl_vault_bad_line(v);
        to->party = (uint32_t)number;
    }
    s->section_count++;
    return fl_name_check(to->federation) ? fl_vault_bad_line(v) : 0;
}

/* shape pairwise|helpers N M UPNEXT DOWNNEXT; memory for rows comes with the first of them */
static int
read_shape(struct fl_vault *v, struct fl_section *to)
{
    char protection[16];
    uint64_t n, m;

    if (fl_vault_get(v, "wnnnn", protection, sizeof protection, (uint64_t)FL_SITES_MAX, &n,
                     (uint64_t)FL_HELPERS_MAX, &m, (uint64_t)INT64_MAX, &to->up_next,
                     (uint64_t)INT64_MAX, &to->down_next))
        return -1;
    to->helpers = !strcmp(protection, "helpers");
    to->n = (uint32_t)n;
    to->m = (uint32_t)m;
    return n < FL_SITES_MIN || (!to->helpers && strcmp(protection, "pairwise"))
               ? fl_vault_bad_line(v)
               : 0;
}

/* mbit X */
static int
read_mbit(struct fl_vault *v, struct fl_section *to)
{
    char text[40];

    if (fl_vault_get(v, "w", text, sizeof text))
        return -1;
    return fl_parse_f64(text, 1e-6, 1e9, &to->mbit) ? fl_vault_bad_line(v) : 0;
}

/* WORD J HEX into row J of ROWS; a row is there once, and no row is zero */
static int
read_row(struct fl_vault *v, unsigned char *rows, uint32_t count)
{
    unsigned char row[FL_PAIR_KEY];
    uint64_t j;

    if (!rows || !count)
        return fl_vault_bad_line(v);
    if (fl_vault_get(v, "nb", (uint64_t)count - 1, &j, row))
        return -1;
    unsigned char *to = rows + j * FL_PAIR_KEY;
    int failed = fl_is_zero(row, sizeof row) || !fl_is_zero(to, FL_PAIR_KEY);
    memcpy(to, row, sizeof row);
    fl_wipe(row, sizeof row);
    return failed ? fl_vault_bad_line(v) : 0;
}

static int
read_up(struct fl_vault *v, struct fl_section *to)
{
    if (to->n && !to->up && fl_section_alloc(to, true, false))
        return -1;
    return read_row(v, to->up, to->up_count);
}

static int
read_down(struct fl_vault *v, struct fl_section *to)
{
    if (to->n && !to->down && !(to->down = fl_secret_alloc(to->n, FL_PAIR_KEY)))
        return -1;
    return read_row(v, to->down, to->n);
}

/* open R I HEX: the keys of one round come one after another */
static int
read_open(struct fl_vault *v, struct fl_section *to)
{
    const size_t most = sizeof to->open / sizeof *to->open;
    unsigned char row[FL_PAIR_KEY];
    uint64_t round, i;

    if (!to->n || fl_vault_get(v, "nnb", (uint64_t)INT64_MAX, &round, (uint64_t)to->n - 1, &i, row))
        return to->n ? -1 : fl_vault_bad_line(v);
    struct fl_open_round *at = to->open_count ? &to->open[to->open_count - 1] : NULL;
    if (!at || at->round != round) {
        if (to->open_count == most || (at && at->round > round))
            return fl_vault_bad_line(v);
        at = &to->open[to->open_count];
        *at = (struct fl_open_round){.round = round, .keys = fl_secret_alloc(to->n, FL_PAIR_KEY)};
        if (!at->keys)
            return -1;
        to->open_count++;
    }
    memcpy(at->keys + i * FL_PAIR_KEY, row, sizeof row);
    fl_wipe(row, sizeof row);
    return 0;
}

/* noise HEX: the chain */
static int
read_noise(struct fl_vault *v, struct fl_section *to)
{
    if (to->noisy)
        return fl_vault_bad_line(v);
    to->noisy = true;
    return fl_vault_get(v, "b", to->noise);
}

/* open_noise R HEX: of the open round before it */
static int
read_open_noise(struct fl_vault *v, struct fl_section *to)
{
    struct fl_open_round *at = to->open_count ? &to->open[to->open_count - 1] : NULL;
    uint64_t round;

    if (!at || !to->noisy || !fl_is_zero(at->noise, sizeof at->noise))
        return fl_vault_bad_line(v);
    if (fl_vault_get(v, "nb", (uint64_t)INT64_MAX, &round, at->noise))
        return -1;
    return round == at->round ? 0 : fl_vault_bad_line(v);
}

static int
read_made(struct fl_vault *v, struct fl_made **list, size_t *count, size_t *cap)
{
    struct fl_made *grown = fl_grow(*list, *count, cap, sizeof *grown);
    uint64_t epoch;

    if (!grown)
        return -1;
    *list = grown;
    struct fl_made *to = &grown[*count];
    if (fl_vault_get(v, "bnnbbb", to->roster, (uint64_t)FL_EPOCH_MAX, &epoch, (uint64_t)INT64_MAX,
                     &to->round, to->sid, to->input, to->root))
        return -1;
    to->epoch = (int64_t)epoch;
    ++*count;
    return 0;
}

static int
read_masked(struct fl_vault *v, struct fl_state *s)
{
    struct fl_masked_over *grown = fl_grow(s->masked, s->masked_count, &s->masked_cap,
                                           sizeof *grown);
    uint64_t epoch;

    if (!grown)
        return -1;
    s->masked = grown;
    struct fl_masked_over *to = &grown[s->masked_count];
    if (fl_vault_get(v, "bnnb", to->params, (uint64_t)FL_EPOCH_MAX, &epoch, (uint64_t)INT64_MAX,
                     &to->times, to->input))
        return -1;
    to->epoch = (int64_t)epoch;
    s->masked_count++;
    return 0;
}

/* HEX, or "-" for none */
static int
optional(struct fl_vault *v, const char *text, unsigned char digest[32], bool *has)
{
    *has = strcmp(text, "-") != 0;
    return *has && (strlen(text) != 64 || fl_unhex(digest, 32, text)) ? fl_vault_bad_line(v) : 0;
}

static int
read_now(struct fl_vault *v, struct fl_helper_now *now)
{
    char params[65], velocity[65], coming[65];

    return fl_vault_get(v, "bwww", now->object, params, sizeof params, velocity, sizeof velocity,
                        coming, sizeof coming) ||
                   optional(v, params, now->params, &now->known) ||
                   optional(v, velocity, now->velocity, &now->has_velocity) ||
                   optional(v, coming, now->next_velocity, &now->coming)
               ? -1
               : 0;
}

/* plan RD R DIGEST OBJECT SET|- */
static int
read_plan(struct fl_vault *v, struct fl_state *s)
{
    struct fl_signed_plan *plans = fl_grow(s->plans, s->plan_count, &s->plan_cap, sizeof *plans);
    char set[65];

    if (!plans)
        return -1;
    s->plans = plans;
    struct fl_signed_plan *to = &plans[s->plan_count++];
    *to = (struct fl_signed_plan){0};
    return fl_vault_get(v, "bnbbw", to->roster, (uint64_t)INT64_MAX, &to->round, to->digest,
                        to->object, set, sizeof set) ||
                   optional(v, set, to->set, &to->asked)
               ? -1
               : 0;
}

/* counted KEY UPLOADS DIGEST ANSWERS DIGEST */
static int
read_member_count(struct fl_vault *v, struct fl_state *s)
{
    struct fl_member *grown = fl_grow(s->members, s->member_count, &s->member_cap, sizeof *grown);

    if (!grown)
        return -1;
    s->members = grown;
    struct fl_member *to = &grown[s->member_count++];
    *to = (struct fl_member){0};
    return fl_vault_get(v, "bnbnb", to->key, (uint64_t)INT64_MAX, &to->upload.ctr,
                        to->upload.digest, (uint64_t)INT64_MAX, &to->answer.ctr, to->answer.digest);
}

/* spent KEY LINES, of a member that was counted */
static int
read_spent(struct fl_vault *v, struct fl_state *s)
{
    unsigned char key[32];
    uint64_t lines;

    if (fl_vault_get(v, "bn", key, (uint64_t)INT64_MAX, &lines))
        return -1;
    for (size_t i = 0; i < s->member_count; i++)
        if (!memcmp(s->members[i].key, key, 32)) {
            s->members[i].upload.spent = lines;
            return 0;
        }
    return fl_vault_bad_line(v);
}

/* Lines that belong to the section that was read last. */
static int
read_of_section(struct fl_vault *v, struct fl_section *to)
{
    if (!to)
        return fl_vault_bad_line(v);
    if (fl_vault_is(v, "shape"))
        return read_shape(v, to);
    if (fl_vault_is(v, "mbit"))
        return read_mbit(v, to);
    if (fl_vault_is(v, "up"))
        return read_up(v, to);
    if (fl_vault_is(v, "down"))
        return read_down(v, to);
    if (fl_vault_is(v, "noise"))
        return read_noise(v, to);
    if (fl_vault_is(v, "open_noise"))
        return read_open_noise(v, to);
    if (fl_vault_is(v, "now"))
        return read_now(v, &to->now);
    if (fl_vault_is(v, "he") || fl_vault_is(v, "leaves"))
        return fl_state_he_read(v, to);
    if (fl_vault_is(v, "heopen"))
        return fl_state_he_read_open(v, to);
    return fl_vault_is(v, "open") ? read_open(v, to) : fl_vault_bad_line(v);
}

static int
read_line(struct fl_vault *v, struct fl_state *s)
{
    if (fl_vault_is(v, "key"))
        return fl_vault_get(v, "b", s->key);
    if (fl_vault_is(v, "hidden"))
        return fl_vault_get(v, "b", s->hidden);
    if (fl_vault_is(v, "uploads"))
        return fl_vault_get(v, "nb", (uint64_t)INT64_MAX, &s->uploads.ctr, s->uploads.prev);
    if (fl_vault_is(v, "answers"))
        return fl_vault_get(v, "nb", (uint64_t)INT64_MAX, &s->answers.ctr, s->answers.prev);
    if (fl_vault_is(v, "ledger"))
        return fl_vault_get(v, "bnb", s->ledger.id, (uint64_t)INT64_MAX, &s->ledger.count,
                            s->ledger.head);
    if (fl_vault_is(v, "roster"))
        return read_roster(v, s);
    if (fl_vault_is(v, "upload"))
        return read_made(v, &s->upload, &s->upload_count, &s->upload_cap);
    if (fl_vault_is(v, "answer"))
        return read_made(v, &s->answer, &s->answer_count, &s->answer_cap);
    if (fl_vault_is(v, "masked"))
        return read_masked(v, s);
    if (fl_vault_is(v, "sketch")) {
        s->near.keyed = true;
        return fl_vault_get(v, "b", s->near.key);
    }
    if (fl_state_near_is(v))
        return fl_state_near_read(v, &s->near);
    if (fl_vault_is(v, "plan"))
        return read_plan(v, s);
    if (fl_vault_is(v, "counted"))
        return read_member_count(v, s);
    if (fl_vault_is(v, "spent"))
        return read_spent(v, s);
    return read_of_section(v, last_section(s));
}

/* A chain that is missing would be a key of zeros. */
static int
check_rows(const struct fl_section *at, const unsigned char *rows, uint32_t count, bool own_zero,
           const char *path)
{
    for (uint32_t j = 0; rows && j < count; j++)
        if (!(own_zero && j == at->party) &&
            fl_is_zero(rows + (size_t)j * FL_PAIR_KEY, FL_PAIR_KEY))
            return fl_error(FL_FAILED, "%s: lacks the chain with party %u", path, (unsigned)j);
    return 0;
}

static int
check_whole(const struct fl_state *s, const char *path)
{
    for (size_t i = 0; i < s->section_count; i++) {
        const struct fl_section *at = &s->section[i];
        if (!at->n)
            return fl_error(FL_FAILED, "%s: lacks the shape of a roster", path);
        if (check_rows(at, at->up, at->up_count, !at->helpers, path) ||
            check_rows(at, at->down, at->n, false, path))
            return -1;
        if (at->noisy && fl_is_zero(at->noise, sizeof at->noise))
            return fl_error(FL_FAILED, "%s: lacks the chain of noise", path);
        for (size_t k = 0; k < at->open_count; k++)
            if (check_rows(at, at->open[k].keys, at->n, false, path) ||
                (at->noisy && check_rows(at, at->open[k].noise, 1, false, path)))
                return -1;
        if (fl_state_he_check(at, path))
            return -1;
    }
    if (!s->section_count || fl_is_zero(s->key, sizeof s->key) ||
        fl_is_zero(s->hidden, sizeof s->hidden))
        return fl_error(FL_FAILED, "%s: lacks its key or roster", path);
    return 0;
}

int
fl_state_file_read(struct fl_state *s)
{
    struct fl_vault v;
    int r = 0;

    char *path = fl_folder_file(&s->folder, STATE_NAME);
    if (!path)
        return -1;
    if (access(path, F_OK)) { /* only one that is not there may be made */
        r = errno == ENOENT ? 0 : fl_error_errno(errno, "%s: cannot open", path);
        free(path);
        return r;
    }
    if (fl_vault_read(&v, path, STATE_MAGIC, "it should be the state of a key")) {
        free(path);
        return -1;
    }
    while ((r = fl_vault_next(&v)) == 1)
        if (read_line(&v, s)) {
            r = -1;
            break;
        }
    fl_vault_release(&v);
    if (!r)
        r = check_whole(s, path);
    free(path);
    return r ? -1 : 1;
}

/* ---- writing ---- */

static int
put_rows(struct fl_vault *v, const char *word, const unsigned char *rows, uint32_t count)
{
    for (uint32_t j = 0; rows && j < count; j++) {
        const unsigned char *row = rows + (size_t)j * FL_PAIR_KEY;
        if (!fl_is_zero(row, FL_PAIR_KEY) && fl_vault_put(v, word, "nb", (uint64_t)j, row))
            return -1;
    }
    return 0;
}

static const char *
hex_or_none(char text[65], bool has, const unsigned char digest[32])
{
    if (!has)
        return "-";
    fl_hex(text, digest, 32);
    return text;
}

static int
put_now(struct fl_vault *v, const struct fl_helper_now *now)
{
    char params[65], velocity[65], coming[65];

    if (fl_is_zero(now->object, 32))
        return 0;
    return fl_vault_put(v, "now", "bwww", now->object, hex_or_none(params, now->known, now->params),
                        hex_or_none(velocity, now->has_velocity, now->velocity),
                        hex_or_none(coming, now->coming, now->next_velocity));
}

static int
put_open(struct fl_vault *v, const struct fl_section *at, const struct fl_open_round *open)
{
    for (uint32_t i = 0; i < at->n; i++)
        if (fl_vault_put(v, "open", "nnb", open->round, (uint64_t)i,
                         open->keys + (size_t)i * FL_PAIR_KEY))
            return -1;
    return at->noisy ? fl_vault_put(v, "open_noise", "nb", open->round, open->noise) : 0;
}

static int
put_section(struct fl_vault *v, const struct fl_section *at)
{
    char party[16] = "hub", mbit[40];

    snprintf(mbit, sizeof mbit, "%.17g", at->mbit);
    if (at->party != FL_SIGNER_HUB)
        snprintf(party, sizeof party, "%u", (unsigned)at->party);
    if (fl_vault_put(v, "roster", "bnww", at->roster, (uint64_t)at->epoch, party, at->federation) ||
        fl_vault_put(v, "shape", "wnnnn", at->helpers ? "helpers" : "pairwise", (uint64_t)at->n,
                     (uint64_t)at->m, at->up_next, at->down_next) ||
        (at->mbit > 0 && fl_vault_put(v, "mbit", "w", mbit)) ||
        put_rows(v, "up", at->up, at->up_count) || put_rows(v, "down", at->down, at->n) ||
        (at->noisy && fl_vault_put(v, "noise", "b", at->noise)))
        return -1;
    for (size_t k = 0; k < at->open_count; k++)
        if (put_open(v, at, &at->open[k]))
            return -1;
    return fl_state_he_put(v, at) || put_now(v, &at->now);
}

static int
put_made(struct fl_vault *v, const char *word, const struct fl_made *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fl_vault_put(v, word, "bnnbbb", list[i].roster, (uint64_t)list[i].epoch, list[i].round,
                         list[i].sid, list[i].input, list[i].root))
            return -1;
    return 0;
}

static int
put_hub(struct fl_vault *v, const struct fl_state *s)
{
    char set[65];

    for (size_t i = 0; i < s->plan_count; i++) {
        const struct fl_signed_plan *p = &s->plans[i];
        if (fl_vault_put(v, "plan", "bnbbw", p->roster, p->round, p->digest, p->object,
                         hex_or_none(set, p->asked, p->set)))
            return -1;
    }
    for (size_t i = 0; i < s->member_count; i++) {
        const struct fl_member *m = &s->members[i];
        if (fl_vault_put(v, "counted", "bnbnb", m->key, m->upload.ctr, m->upload.digest,
                         m->answer.ctr, m->answer.digest) ||
            (m->upload.spent && fl_vault_put(v, "spent", "bn", m->key, m->upload.spent)))
            return -1;
    }
    return 0;
}

static int
put_state(struct fl_vault *v, const struct fl_state *s)
{
    if (fl_vault_begin(v, STATE_MAGIC) || fl_vault_put(v, "key", "b", s->key) ||
        fl_vault_put(v, "hidden", "b", s->hidden) ||
        fl_vault_put(v, "uploads", "nb", s->uploads.ctr, s->uploads.prev) ||
        fl_vault_put(v, "answers", "nb", s->answers.ctr, s->answers.prev) ||
        (!fl_is_zero(s->ledger.id, sizeof s->ledger.id) &&
         fl_vault_put(v, "ledger", "bnb", s->ledger.id, s->ledger.count, s->ledger.head)))
        return -1;
    for (size_t i = 0; i < s->section_count; i++)
        if (put_section(v, &s->section[i]))
            return -1;
    if (put_made(v, "upload", s->upload, s->upload_count) ||
        put_made(v, "answer", s->answer, s->answer_count))
        return -1;
    for (size_t i = 0; i < s->masked_count; i++)
        if (fl_vault_put(v, "masked", "bnnb", s->masked[i].params, (uint64_t)s->masked[i].epoch,
                         s->masked[i].times, s->masked[i].input))
            return -1;
    return fl_state_near_put(v, &s->near) || put_hub(v, s) ? -1 : 0;
}

int
fl_state_file_write(const struct fl_state *s)
{
    struct fl_vault v = {0};
    char *path = fl_folder_file(&s->folder, STATE_NAME);
    int failed = !path || put_state(&v, s) || fl_vault_write(&v, path, false);

    fl_vault_release(&v);
    free(path);
    return failed ? -1 : 0;
}
