#include "sec/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "sec/state_file.h"

char *
fl_state_dir(const char *key_path, const char *dir)
{
    return dir ? fl_strdup(dir) : fl_folder_of_key(key_path);
}

void
fl_state_free(struct fl_state *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->section_count; i++)
        fl_secret_free(s->section[i].chains);
    free(s->rounds);
    free(s->bases);
    free(s->plans);
    fl_folder_close(&s->folder);
    fl_secret_free(s);
}

static struct fl_state *
new_state(const char *dir, bool create)
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

static void
drop_section(struct fl_state *s, size_t i)
{
    fl_secret_free(s->section[i].chains);
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

/* The state is not what the key needs; it may be elsewhere, or it is gone for good. */
static int
lost(const struct fl_key *key, const char *dir, const char *what)
{
    return fl_error(
        FL_REFUSED,
        "%s: %s; name that of \"%s\" with --state DIR, or if it is lost, make a new key "
        "for the next epoch: without it a round might be masked twice",
        dir, what, key->name);
}

/* The state must be this key's. */
static int
check_owner(const struct fl_state *s, const struct fl_key *key, const char *dir)
{
    if (memcmp(s->key, key->public, sizeof s->key))
        return lost(key, dir, "is the state of another key");
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
        lost(key, dir, "the state folder is missing");
        return NULL;
    }
    struct fl_state *s = new_state(dir, false);
    if (!s)
        return NULL;
    int found = fl_state_file_read(s);
    if (found == 0)
        lost(key, dir, "the state is missing");
    if (found == 1 && !check_owner(s, key, dir)) {
        if (put_in_force(s, key->roster)) {
            lost(key, dir, "does not hold the roster that the key accepted");
        } else if (s->section_count == 1) {
            return s;
        } else { /* a crash came before the last step of accepting */
            drop_section(s, 1);
            if (!fl_state_file_write(s))
                return s;
        }
    }
    fl_state_free(s);
    return NULL;
}

/* ---- accepting a roster ---- */

static int
check_member(const struct fl_key *key, const struct fl_roster *r, int64_t *index)
{
    struct fl_line own;

    *index = fl_roster_find_key(r, key->public);
    if (*index < 0)
        return fl_error(FL_REFUSED,
                        "the roster does not hold the key of \"%s\"; ask for it to be put in",
                        key->name);
    const struct fl_line *line = fl_roster_line(r, (uint32_t)*index);
    fl_key_line(key, &own);
    if (strcmp(line->name, key->name) ||
        (*index != (int64_t)FL_SIGNER_HUB && strcmp(line->text, own.text)))
        return fl_error(FL_REFUSED,
                        "the roster's line of \"%s\" is not the one that its key has now; "
                        "fl-keygen --public prints that one",
                        line->name);
    return 0;
}

static int
check_psk(const struct fl_roster *r, int64_t index, const unsigned char *psk)
{
    if (index == (int64_t)FL_SIGNER_HUB || r->psk == (psk != NULL))
        return 0;
    return fl_error(FL_USAGE, r->psk
                                  ? "the roster wants a pre-shared secret; give it with --psk FILE"
                                  : "the roster has no pre-shared secret; leave out --psk");
}

static int
check_order(const struct fl_key *key, const struct fl_state *s, const struct fl_roster *r)
{
    if (key->has_roster && r->epoch <= key->roster_epoch)
        return fl_error(FL_REFUSED,
                        "the roster is of epoch %lld, and the key of \"%s\" has accepted epoch "
                        "%lld; a new roster needs a later epoch",
                        (long long)r->epoch, key->name, (long long)key->roster_epoch);
    if (!key->has_roster && (s->ctr || s->plan_count))
        return fl_error(FL_REFUSED,
                        "the state of \"%s\" has been used, and its key file is an old copy that "
                        "does not know it; take the newer key file",
                        key->name);
    for (size_t i = 0; i < s->section_count; i++)
        if (key->has_roster && strcmp(s->section[i].federation, r->federation))
            return fl_error(FL_REFUSED,
                            "the key of \"%s\" belongs to the federation \"%s\", not to \"%s\"; "
                            "make another key for that one",
                            key->name, s->section[i].federation, r->federation);
    return 0;
}

static int
derive_chains(struct fl_section *to, const struct fl_key *key, const struct fl_roster *r,
              const unsigned char *psk)
{
    to->chains = fl_secret_alloc(r->n, FL_PAIR_KEY);
    if (!to->chains)
        return -1;
    for (uint32_t j = 0; j < r->n; j++) {
        uint32_t i = to->index;
        struct fl_pair pair = {i < j ? i : j, i < j ? j : i, r->digest};
        if (j != i && fl_pair_root(to->chains + (size_t)j * FL_PAIR_KEY, &pair, key->dh,
                                   r->sites[j].dh, r->sites[pair.lo].dh, r->sites[pair.hi].dh, psk))
            return fl_error_about(r->sites[j].name);
    }
    return 0;
}

/*
 * The new section behind the one in force. Without a roster in force, a section is left of an
 * attempt that ended before the key named it; nothing was done under it, and it goes.
 */
static int
add_section(struct fl_state *s, const struct fl_key *key, const struct fl_roster *r, int64_t index,
            const unsigned char *psk)
{
    while (!key->has_roster && s->section_count)
        drop_section(s, s->section_count - 1);
    struct fl_section *to = &s->section[s->section_count++];
    memcpy(to->roster, r->digest, 32);
    snprintf(to->federation, sizeof to->federation, "%s", r->federation);
    to->epoch = r->epoch;
    to->index = (uint32_t)index;
    to->n = (uint32_t)r->n;
    to->next = (uint64_t)r->first_round;
    memcpy(to->reveal, key->reveal, sizeof to->reveal);
    return to->index == FL_SIGNER_HUB ? 0 : derive_chains(to, key, r, psk);
}

static struct fl_state *
open_for_accept(const char *dir, const struct fl_key *key)
{
    if (key->has_roster)
        return fl_state_open(dir, key);
    struct fl_state *s = new_state(dir, true);
    if (!s)
        return NULL;
    int found = fl_state_file_read(s);
    if (found == 0)
        memcpy(s->key, key->public, sizeof s->key);
    if (found < 0 || check_owner(s, key, dir)) {
        fl_state_free(s);
        return NULL;
    }
    return s;
}

int
fl_state_accept(const char *dir, struct fl_key *key, const char *key_path,
                const struct fl_roster *r, const unsigned char *psk, bool *already)
{
    struct fl_state *s = open_for_accept(dir, key);
    int64_t index;

    if (!s)
        return -1;
    *already = key->has_roster && !memcmp(key->roster, r->digest, 32);
    int result = *already ? 0 : check_member(key, r, &index);
    if (!result && !*already) {
        result = check_psk(r, index, psk) || check_order(key, s, r) ||
                 add_section(s, key, r, index, psk) || fl_state_file_write(s);
        if (!result) { /* the state has both: now the key */
            if (index != (int64_t)FL_SIGNER_HUB)
                fl_key_renew(key, r->epoch + 1);
            key->has_roster = true;
            key->roster_epoch = r->epoch;
            memcpy(key->roster, r->digest, 32);
            result = fl_key_write(key, key_path);
        }
        if (!result && s->section_count == 2) {
            drop_section(s, 0);
            result = fl_state_file_write(s);
        }
    }
    fl_state_free(s);
    return result ? -1 : 0;
}

/* ---- rounds ---- */

const struct fl_round *
fl_state_round(const struct fl_state *s, const unsigned char roster[32], uint64_t round)
{
    for (size_t i = 0; i < s->round_count; i++)
        if (s->rounds[i].round == round && !memcmp(s->rounds[i].roster, roster, 32))
            return &s->rounds[i];
    return NULL;
}

int
fl_state_admit(const struct fl_state *s, uint64_t round, int64_t max_skip)
{
    uint64_t next = s->section[0].next;

    if (round < next)
        return fl_error(
            FL_REFUSED,
            "round %llu is over for this key, which is at round %llu; a round is masked once",
            (unsigned long long)round, (unsigned long long)next);
    if (round - next >= (uint64_t)max_skip)
        return fl_error(FL_REFUSED,
                        "round %llu is too far: this key is at round %llu and may skip fewer than "
                        "%lld; accept a roster of a new epoch",
                        (unsigned long long)round, (unsigned long long)next, (long long)max_skip);
    return 0;
}

int
fl_state_check_base(const struct fl_state *s, const unsigned char base[32],
                    const unsigned char use[32])
{
    for (size_t i = 0; i < s->base_count; i++)
        if (!memcmp(s->bases[i].base, base, 32) && memcmp(s->bases[i].use, use, 32))
            return fl_error(FL_REFUSED, "its base model was used in a round of other sites, "
                                        "weights or encoding; the difference of the two sums would "
                                        "show single updates: continue from another model");
    return 0;
}

int
fl_state_check_terms(const struct fl_state *s, const unsigned char terms[32])
{
    const struct fl_section *now = &s->section[0];

    if (now->has_terms && memcmp(now->terms, terms, sizeof now->terms))
        return fl_error(
            FL_REFUSED,
            "its weights, bandwidths, bits, clip, rounding or plain tensors are not those of this "
            "epoch's earlier rounds; nearly the same updates summed in two ways would show single "
            "ones: plan as before, or agree on a roster with policy: vary");
    return 0;
}

void
fl_state_step_to(struct fl_state *s, uint64_t round)
{
    struct fl_section *now = &s->section[0];

    for (; now->next < round; now->next++)
        for (uint32_t j = 0; j < now->n; j++)
            if (j != now->index)
                fl_pair_step(now->chains + (size_t)j * FL_PAIR_KEY, now->roster, now->next);
}

void
fl_state_pair_key(const struct fl_state *s, uint32_t j, const unsigned char sid[32],
                  unsigned char k[FL_PAIR_KEY])
{
    const struct fl_section *now = &s->section[0];
    struct fl_pair pair = {now->index < j ? now->index : j, now->index < j ? j : now->index,
                           now->roster};

    fl_pair_key(k, &pair, now->chains + (size_t)j * FL_PAIR_KEY, now->next, sid);
}

static int
add_base(struct fl_state *s, const unsigned char base[32], const unsigned char use[32])
{
    for (size_t i = 0; i < s->base_count; i++)
        if (!memcmp(s->bases[i].base, base, 32))
            return 0;
    struct fl_used_base *bases = fl_grow(s->bases, s->base_count, &s->base_cap, sizeof *bases);
    if (!bases)
        return -1;
    s->bases = bases;
    memcpy(bases[s->base_count].base, base, 32);
    memcpy(bases[s->base_count++].use, use, 32);
    return 0;
}

int
fl_state_commit_round(struct fl_state *s, const struct fl_round *round,
                      const struct fl_precedent *plan)
{
    struct fl_section *now = &s->section[0];
    struct fl_round *rounds = fl_grow(s->rounds, s->round_count, &s->round_cap, sizeof *rounds);

    if (!rounds)
        return -1;
    s->rounds = rounds;
    if (add_base(s, plan->base, plan->use))
        return -1;
    if (!now->has_terms)
        memcpy(now->terms, plan->terms, sizeof now->terms);
    now->has_terms = true;
    rounds[s->round_count++] = *round;
    fl_state_step_to(s, round->round + 1);
    s->ctr++;
    memcpy(s->prev, round->root, sizeof s->prev);
    return fl_state_file_write(s);
}

int
fl_state_drop_rounds(struct fl_state *s, size_t keep)
{
    if (s->round_count <= keep)
        return 0;
    memmove(s->rounds, s->rounds + (s->round_count - keep), keep * sizeof *s->rounds);
    s->round_count = keep;
    return fl_state_file_write(s);
}

int
fl_state_commit_plan(struct fl_state *s, uint64_t round, const unsigned char digest[32])
{
    const unsigned char *roster = s->section[0].roster;

    for (size_t i = 0; i < s->plan_count; i++) {
        const struct fl_signed_plan *p = &s->plans[i];
        if (p->round != round || memcmp(p->roster, roster, 32))
            continue;
        if (!memcmp(p->digest, digest, 32))
            return 0;
        return fl_error(FL_REFUSED,
                        "another plan was signed for round %llu; sites would mask for one or the "
                        "other and no sum would open: take another round",
                        (unsigned long long)round);
    }
    struct fl_signed_plan *plans = fl_grow(s->plans, s->plan_count, &s->plan_cap, sizeof *plans);
    if (!plans)
        return -1;
    s->plans = plans;
    plans[s->plan_count] = (struct fl_signed_plan){.round = round};
    memcpy(plans[s->plan_count].roster, roster, 32);
    memcpy(plans[s->plan_count++].digest, digest, 32);
    return fl_state_file_write(s);
}
