/* Opening, and what passes through the chains; accepting a roster is in state_accept.c. */
#include "sec/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "sec/state_file.h"

char *
fl_state_dir(const char *key_path, const char *dir)
{
    return dir ? fl_strdup(dir) : fl_folder_of_key(key_path);
}

void
fl_section_release(struct fl_section *section)
{
    fl_secret_free(section->up);
    fl_secret_free(section->down);
    for (size_t i = 0; i < section->open_count; i++)
        fl_secret_free(section->open[i].keys);
    free(section->he.leaves);
    fl_wipe(section, sizeof *section);
}

void
fl_state_free(struct fl_state *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->section_count; i++)
        fl_section_release(&s->section[i]);
    fl_near_release(&s->near);
    free(s->upload);
    free(s->answer);
    free(s->masked);
    free(s->plans);
    free(s->members);
    fl_folder_close(&s->folder);
    fl_secret_free(s);
}

struct fl_state *
fl_state_new(const char *dir, bool create)
{
    struct fl_state *s = fl_secret_alloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->folder = (struct fl_folder)FL_FOLDER_INIT;
    if (fl_folder_open(&s->folder, dir, create)) {
        fl_state_free(s);
        return NULL;
    }
    return s;
}

void
fl_state_drop_section(struct fl_state *s, size_t i)
{
    fl_section_release(&s->section[i]);
    if (i == 0 && s->section_count == 2)
        s->section[0] = s->section[1];
    fl_wipe(&s->section[--s->section_count], sizeof *s->section);
}

/* Put the section of ROSTER first; -1 without an error when there is none. */
static int
put_in_force(struct fl_state *s, const unsigned char roster[32])
{
    for (size_t i = 0; i < s->section_count; i++) {
        if (memcmp(s->section[i].roster, roster, 32))
            continue;
        if (i) {
            struct fl_section old = s->section[0];
            s->section[0] = s->section[1];
            s->section[1] = old;
            fl_wipe(&old, sizeof old);
        }
        return 0;
    }
    return -1;
}

int
fl_state_lost(const struct fl_key *key, const char *dir, const char *what)
{
    return fl_error(
        FL_REFUSED,
        "%s: %s; name that of \"%s\" with --state DIR, or if it is lost, make a new key "
        "for the next epoch: without it a round might be masked twice",
        dir, what, key->name);
}

int
fl_state_check_owner(const struct fl_state *s, const struct fl_key *key, const char *dir)
{
    if (memcmp(s->key, key->public, sizeof s->key))
        return fl_state_lost(key, dir, "is the state of another key");
    if (s->uploads.ctr < key->uploads)
        return fl_state_lost(key, dir, "is an old copy of the state, which has forgotten uploads");
    if (s->answers.ctr < key->answers)
        return fl_state_lost(key, dir, "is an old copy of the state, which has forgotten answers");
    return 0;
}

struct fl_state *
fl_state_open(const char *dir, const struct fl_key *key)
{
    if (!key->has_roster) {
        fl_error(FL_REFUSED,
                 "the key of \"%s\" has accepted no roster; run fl-keygen --accept ROSTER first",
                 key->name);
        return NULL;
    }
    if (!fl_folder_exists(dir)) {
        fl_state_lost(key, dir, "the state folder is missing");
        return NULL;
    }
    struct fl_state *s = fl_state_new(dir, false);
    if (!s)
        return NULL;
    int found = fl_state_file_read(s);
    if (found == 0)
        fl_state_lost(key, dir, "the state is missing");
    if (found == 1 && !fl_state_check_owner(s, key, dir)) {
        if (put_in_force(s, key->roster)) {
            fl_state_lost(key, dir, "does not hold the roster that the key accepted");
        } else if (s->section_count == 1) {
            return s;
        } else { /* a crash came before the last step of accepting */
            fl_state_drop_section(s, 1);
            if (!fl_state_save(s))
                return s;
        }
    }
    fl_state_free(s);
    return NULL;
}

int
fl_state_save(const struct fl_state *s)
{
    return fl_state_file_write(s);
}

int
fl_state_check_plan(const struct fl_state *s, const struct fl_key *key, const struct fl_plan *plan)
{
    const struct fl_section *now = &s->section[0];
    const struct fl_roster *r = &plan->roster;

    if (memcmp(r->digest, now->roster, 32))
        return fl_error(FL_REFUSED,
                        "the plan is for a roster of \"%s\", epoch %lld, that this key has not "
                        "accepted; its own is of \"%s\", epoch %lld: ask the hub for a plan of "
                        "that one, or accept the plan's with fl-keygen --accept",
                        r->federation, (long long)r->epoch, now->federation, (long long)now->epoch);
    if (fl_roster_find_key(r, key->public) != (int64_t)now->party)
        return fl_error(FL_REFUSED, "the state's place in the roster is another than the key's");
    return 0;
}

void
fl_state_hide(const struct fl_state *s, const char *label, const unsigned char in[32],
              unsigned char out[32])
{
    fl_hash_once(out, s->hidden, label, in, 32);
}

int
fl_state_check_last(const struct fl_count *own, const struct fl_counted *last, const char *what)
{
    if (last->ctr > own->ctr)
        return fl_error(
            FL_REFUSED,
            "the hub has counted %s %llu of this key, and its state knows of %llu: it is "
            "an old copy, or another copy is in use; make a new key for the next epoch",
            what, (unsigned long long)last->ctr, (unsigned long long)own->ctr);
    if (last->ctr == own->ctr && last->ctr && memcmp(last->digest, own->prev, 32))
        return fl_error(FL_REFUSED,
                        "the hub has counted another %s %llu of this key than its state knows: a "
                        "copy of the key is in use; make a new key for the next epoch",
                        what, (unsigned long long)last->ctr);
    return 0;
}

/* ---- rounds that were made ---- */

const struct fl_made *
fl_state_made(const struct fl_made *made, size_t count, const unsigned char roster[32],
              uint64_t round)
{
    for (size_t i = 0; i < count; i++)
        if (made[i].round == round && !memcmp(made[i].roster, roster, 32))
            return &made[i];
    return NULL;
}

int
fl_state_admit(uint64_t next, uint64_t round, int64_t max_skip)
{
    if (round < next)
        return fl_error(FL_REFUSED,
                        "round %llu is over for this key, which is at round %llu; a round is done "
                        "once",
                        (unsigned long long)round, (unsigned long long)next);
    if (round - next >= (uint64_t)max_skip)
        return fl_error(FL_REFUSED,
                        "round %llu is too far: this key is at round %llu and may skip fewer than "
                        "%lld; accept a roster of a new epoch",
                        (unsigned long long)round, (unsigned long long)next, (long long)max_skip);
    return 0;
}

static struct fl_masked_over *
find_masked(const struct fl_state *s, const unsigned char params[32])
{
    unsigned char hidden[32];

    fl_state_hide(s, "fl1.masked", params, hidden);
    for (size_t i = 0; i < s->masked_count; i++)
        if (fl_equal_secret(s->masked[i].params, hidden, 32))
            return &s->masked[i];
    return NULL;
}

int
fl_state_check_masked(const struct fl_state *s, const unsigned char params[32], int64_t max_open)
{
    const struct fl_masked_over *over = find_masked(s, params);

    if (!over)
        return 0;
    if (over->epoch != s->section[0].epoch)
        return fl_error(FL_REFUSED,
                        "updates of this model were masked in epoch %lld; the sums of two rosters "
                        "over one model could be subtracted: begin the epoch with another model",
                        (long long)over->epoch);
    if (over->times >= (uint64_t)max_open)
        return fl_error(
            FL_REFUSED,
            "updates of this model were masked in %llu rounds already, and the roster's "
            "max_open is %lld; agree on a roster of the next epoch, with another model",
            (unsigned long long)over->times, (long long)max_open);
    return 0;
}

const unsigned char *
fl_state_masked_input(const struct fl_state *s, const unsigned char params[32])
{
    const struct fl_masked_over *over = find_masked(s, params);

    return over ? over->input : NULL;
}

static int
count_masked(struct fl_state *s, const unsigned char params[32], const unsigned char input[32])
{
    struct fl_masked_over *over = find_masked(s, params);

    if (!over) {
        struct fl_masked_over *grown = fl_grow(s->masked, s->masked_count, &s->masked_cap,
                                               sizeof *grown);
        if (!grown)
            return -1;
        s->masked = grown;
        over = &grown[s->masked_count++];
        *over = (struct fl_masked_over){.epoch = s->section[0].epoch};
        fl_state_hide(s, "fl1.masked", params, over->params);
        memcpy(over->input, input, 32);
    }
    over->times++;
    return 0;
}

static int
add_made(struct fl_made **list, size_t *count, size_t *cap, const struct fl_made *made)
{
    struct fl_made *grown = fl_grow(*list, *count, cap, sizeof *grown);

    if (!grown)
        return -1;
    *list = grown;
    grown[(*count)++] = *made;
    return 0;
}

int
fl_state_drop_made(struct fl_state *s, bool answers, size_t keep)
{
    struct fl_made *list = answers ? s->answer : s->upload;
    size_t *count = answers ? &s->answer_count : &s->upload_count;

    if (*count <= keep)
        return 0;
    memmove(list, list + (*count - keep), keep * sizeof *list);
    *count = keep;
    return fl_state_save(s);
}

/* ---- a site's chains ---- */

static struct fl_pair
up_pair(const struct fl_section *now, uint32_t peer, uint32_t party)
{
    struct fl_pair pair = {now->party, party, now->roster, now->helpers};

    if (!now->helpers && peer < now->party) {
        pair.a = peer;
        pair.b = now->party;
    }
    return pair;
}

void
fl_state_step_up(struct fl_state *s, uint64_t round)
{
    struct fl_section *now = &s->section[0];
    const struct fl_pair any = {0, 0, now->roster, now->helpers}; /* a step names no pair */

    for (; now->up_next < round; now->up_next++)
        for (uint32_t j = 0; j < now->up_count; j++)
            if (now->helpers || j != now->party)
                fl_pair_step(now->up + (size_t)j * FL_PAIR_KEY, &any, now->up_next);
}

void
fl_state_up_key(const struct fl_state *s, uint32_t peer, uint32_t party,
                const unsigned char sid[32], unsigned char k[FL_PAIR_KEY])
{
    const struct fl_section *now = &s->section[0];
    const struct fl_pair pair = up_pair(now, peer, party);
    unsigned char rk[FL_PAIR_KEY];

    fl_pair_round_key(rk, &pair, now->up + (size_t)peer * FL_PAIR_KEY, now->up_next);
    fl_pair_key(k, &pair, rk, sid);
    fl_wipe(rk, sizeof rk);
}

int
fl_state_count_in_key(const struct fl_state *s, struct fl_key *key, const char *key_path)
{
    if (key->uploads == s->uploads.ctr && key->answers == s->answers.ctr)
        return 0;
    key->uploads = s->uploads.ctr;
    key->answers = s->answers.ctr;
    return fl_key_write(key, key_path);
}

int
fl_state_commit_upload(struct fl_state *s, const struct fl_made *made,
                       const unsigned char params[32], struct fl_key *key, const char *key_path)
{
    if (count_masked(s, params, made->input) ||
        add_made(&s->upload, &s->upload_count, &s->upload_cap, made))
        return -1;
    fl_state_step_up(s, made->round + 1);
    s->uploads.ctr++;
    memcpy(s->uploads.prev, made->root, 32);
    return fl_state_save(s) || fl_state_count_in_key(s, key, key_path) ? -1 : 0;
}

/* ---- a helper's chains ---- */

/* Drop open round K; what stood last is wiped where it stood. */
static void
drop_open(struct fl_section *now, size_t k)
{
    fl_secret_free(now->open[k].keys);
    memmove(now->open + k, now->open + k + 1, (--now->open_count - k) * sizeof *now->open);
    fl_wipe(&now->open[now->open_count], sizeof *now->open);
}

static int
open_round(struct fl_section *now, uint64_t round)
{
    const struct fl_pair any = {0, 0, now->roster, true};
    unsigned char *keys = fl_secret_alloc(now->n, FL_PAIR_KEY);

    if (!keys)
        return -1;
    for (uint32_t i = 0; i < now->n; i++)
        fl_pair_round_key(keys + (size_t)i * FL_PAIR_KEY, &any, now->down + (size_t)i * FL_PAIR_KEY,
                          round);
    struct fl_open_round *to = &now->open[now->open_count++];
    *to = (struct fl_open_round){.round = round, .keys = keys};
    if (now->noisy)
        fl_pair_noise_round(to->noise, now->noise, round);
    if (now->he.leaves)
        fl_he_round_key(to->he, now->he.hs, round - now->he.first);
    return 0;
}

int
fl_state_step_down(struct fl_state *s, uint64_t round, int64_t max_open)
{
    struct fl_section *now = &s->section[0];
    const struct fl_pair any = {0, 0, now->roster, true};

    for (; now->down_next <= round; now->down_next++) {
        if (now->open_count == (size_t)max_open)
            drop_open(now, 0);
        if (open_round(now, now->down_next))
            return -1;
        for (uint32_t i = 0; i < now->n; i++)
            fl_pair_step(now->down + (size_t)i * FL_PAIR_KEY, &any, now->down_next);
        if (now->noisy)
            fl_pair_step(now->noise, &any, now->down_next);
        if (now->he.leaves)
            fl_he_step(now->he.hs, now->down_next - now->he.first);
    }
    return 0;
}

int
fl_state_he_key(const struct fl_state *s, uint64_t round, unsigned char rk[32])
{
    const struct fl_section *now = &s->section[0];
    unsigned char hs[32];

    if (!now->he.leaves || round < now->he.first || round - now->he.first >= FL_HE_ROUNDS)
        return fl_error(FL_REFUSED, "this helper has no key of encryption for round %llu",
                        (unsigned long long)round);
    for (size_t i = 0; i < now->open_count; i++)
        if (now->open[i].round == round) {
            memcpy(rk, now->open[i].he, 32);
            return 0;
        }
    if (round < now->down_next)
        return fl_error(FL_REFUSED, "round %llu is over for this helper: its keys were wiped",
                        (unsigned long long)round);
    memcpy(hs, now->he.hs, 32);
    for (uint64_t at = now->down_next; at < round; at++)
        fl_he_step(hs, at - now->he.first);
    fl_he_round_key(rk, hs, round - now->he.first);
    fl_wipe(hs, sizeof hs);
    return 0;
}

const unsigned char *
fl_state_open_keys(const struct fl_state *s, uint64_t round)
{
    const struct fl_section *now = &s->section[0];

    for (size_t i = 0; i < now->open_count; i++)
        if (now->open[i].round == round)
            return now->open[i].keys;
    return NULL;
}

int
fl_state_noise_key(const struct fl_state *s, uint64_t round, const unsigned char sid[32],
                   const unsigned char set[32], unsigned char key[FL_PAIR_KEY])
{
    const struct fl_section *now = &s->section[0];

    for (size_t i = 0; now->noisy && i < now->open_count; i++)
        if (now->open[i].round == round) {
            fl_pair_noise_key(key, now->open[i].noise, sid, set);
            return 0;
        }
    return fl_error(FL_REFUSED, "the state has no key for the noise of round %llu",
                    (unsigned long long)round);
}

void
fl_state_down_key(const struct fl_state *s, const unsigned char *keys, uint32_t site,
                  const unsigned char sid[32], unsigned char k[FL_PAIR_KEY])
{
    const struct fl_section *now = &s->section[0];
    const struct fl_pair pair = {site, now->party, now->roster, true};

    fl_pair_key(k, &pair, keys + (size_t)site * FL_PAIR_KEY, sid);
}

void
fl_state_close_round(struct fl_state *s, uint64_t round)
{
    struct fl_section *now = &s->section[0];

    for (size_t i = 0; i < now->open_count; i++) {
        if (now->open[i].round != round)
            continue;
        drop_open(now, i);
        return;
    }
}

void
fl_state_close_all(struct fl_state *s)
{
    while (s->section[0].open_count)
        drop_open(&s->section[0], 0);
}

int
fl_state_commit_answer(struct fl_state *s, const struct fl_made *made, struct fl_key *key,
                       const char *key_path)
{
    if (add_made(&s->answer, &s->answer_count, &s->answer_cap, made))
        return -1;
    fl_state_close_round(s, made->round);
    s->answers.ctr++;
    memcpy(s->answers.prev, made->root, 32);
    return fl_state_save(s) || fl_state_count_in_key(s, key, key_path) ? -1 : 0;
}

/* ---- the hub's plans ---- */

struct fl_signed_plan *
fl_state_plan(const struct fl_state *s, uint64_t round)
{
    for (size_t i = 0; i < s->plan_count; i++)
        if (s->plans[i].round == round && !memcmp(s->plans[i].roster, s->section[0].roster, 32))
            return &s->plans[i];
    return NULL;
}

/* The member of this key; HINT is where it probably is. NULL when there is none. */
static struct fl_member *
find_member(const struct fl_state *s, const unsigned char key[32], size_t hint)
{
    if (hint < s->member_count && !memcmp(s->members[hint].key, key, 32))
        return &s->members[hint];
    for (size_t i = 0; i < s->member_count; i++)
        if (!memcmp(s->members[i].key, key, 32))
            return &s->members[i];
    return NULL;
}

void
fl_state_last(const struct fl_state *s, const struct fl_roster *r, struct fl_counted *last)
{
    for (size_t i = 0; i < r->n + r->m; i++) {
        uint32_t party = i < r->n ? (uint32_t)i : r->helpers[i - r->n];
        const struct fl_member *m = find_member(s, r->parties[party].sign, i);
        last[i] = !m ? (struct fl_counted){0} : i < r->n ? m->upload : m->answer;
    }
}

int
fl_state_count(struct fl_state *s, const unsigned char key[32], bool answer,
               const struct fl_counted *counted)
{
    struct fl_member *m = find_member(s, key, 0);

    if (!m) {
        struct fl_member *grown = fl_grow(s->members, s->member_count, &s->member_cap,
                                          sizeof *grown);
        if (!grown)
            return -1;
        s->members = grown;
        m = &grown[s->member_count++];
        *m = (struct fl_member){0};
        memcpy(m->key, key, 32);
    }
    struct fl_counted *to = answer ? &m->answer : &m->upload;
    if (counted->ctr > to->ctr)
        *to = *counted;
    return 0;
}

int
fl_state_commit_plan(struct fl_state *s, const struct fl_plan *plan)
{
    const struct fl_signed_plan *there = fl_state_plan(s, plan->round);

    if (there && !memcmp(there->digest, plan->digest, 32))
        return 0;
    if (there)
        return fl_error(FL_REFUSED,
                        "another plan was signed for round %llu; sites would mask for one or the "
                        "other and no sum would open: take another round",
                        (unsigned long long)plan->round);
    struct fl_signed_plan *plans = fl_grow(s->plans, s->plan_count, &s->plan_cap, sizeof *plans);
    if (!plans)
        return -1;
    s->plans = plans;
    struct fl_signed_plan *to = &plans[s->plan_count++];
    *to = (struct fl_signed_plan){.round = plan->round};
    memcpy(to->roster, s->section[0].roster, 32);
    memcpy(to->digest, plan->digest, 32);
    memcpy(to->object, plan->base, 32);
    return fl_state_save(s);
}
