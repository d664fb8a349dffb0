/*
 * Accepting a roster: its chains are derived, the old ones go, and the X25519 secret that made them
 * is replaced, in the order of invariant 5 of state.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "os/file.h"
#include "os/output.h"
#include "sec/state.h"
#include "sec/state_file.h"

static int
check_member(const struct fl_key *key, const struct fl_roster *r, int64_t *party)
{
    struct fl_line own;

    *party = fl_roster_find_key(r, key->public);
    if (*party < 0)
        return fl_error(FL_REFUSED,
                        "the roster does not hold the key of \"%s\"; ask for it to be put in",
                        key->name);
    const struct fl_line *line = fl_roster_line(r, (uint32_t)*party);
    fl_key_line(key, &own);
    if (strcmp(line->name, key->name) ||
        (*party != (int64_t)FL_SIGNER_HUB && strcmp(line->text, own.text)))
        return fl_error(FL_REFUSED,
                        "the roster's line of \"%s\" is not the one that its key has now; "
                        "fl-keygen --public prints that one",
                        line->name);
    return 0;
}

/* The line of this helper is what it has the keys of. */
static int
check_he(const struct fl_key *key, const struct fl_roster *r, int64_t party)
{
    const int h = party == (int64_t)FL_SIGNER_HUB ? -1 : fl_roster_helper(r, (uint32_t)party);

    if (!r->encrypts || h < 0 || (key->has_he && !memcmp(key->he_root, r->he[h], 32)))
        return 0;
    return fl_error(
        FL_REFUSED,
        "the roster's line for encryption of \"%s\" is not the one that its key has now; "
        "fl-keygen --he %s prints that one",
        key->name, r->federation);
}

/* What is accepted is looked at, whatever the environment says was seen. */
static int
check_lines(const struct fl_roster *r)
{
    struct fl_line line;

    for (size_t i = 0; r->seen && i < r->party_count; i++)
        if (fl_line_parse(&line, r->parties[i].text))
            return -1;
    return 0;
}

static int
check_psk(const struct fl_roster *r, int64_t party, const unsigned char *psk)
{
    if (party == (int64_t)FL_SIGNER_HUB || r->psk == (psk != NULL))
        return 0;
    return fl_error(FL_USAGE, r->psk
                                  ? "the roster wants a pre-shared secret; give it with --psk FILE"
                                  : "the roster has no pre-shared secret; leave out --psk");
}

static int
check_epoch(const struct fl_key *key, const struct fl_roster *r)
{
    if (!key->has_roster || r->epoch > key->roster_epoch)
        return 0;
    return fl_error(FL_REFUSED,
                    "the roster is of epoch %lld, and the key of \"%s\" has accepted epoch %lld; a "
                    "new roster needs a later epoch",
                    (long long)r->epoch, key->name, (long long)key->roster_epoch);
}

static int
check_history(const struct fl_key *key, const struct fl_state *s, const struct fl_roster *r)
{
    if (!key->has_roster && (s->uploads.ctr || s->answers.ctr || s->plan_count))
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

/* The root of the chain of A and B, of whom one is the own party. */
static int
root(unsigned char ck[FL_PAIR_KEY], const struct fl_acceptance *acc, uint32_t own, uint32_t a,
     uint32_t b, bool helpers)
{
    const struct fl_roster *r = acc->roster;
    const struct fl_pair pair = {a, b, r->digest, helpers};
    const uint32_t peer = a == own ? b : a;

    if (fl_pair_root(ck, &pair, acc->key->dh, r->parties[peer].dh, r->parties[a].dh,
                     r->parties[b].dh, acc->psk))
        return fl_error_about(r->parties[peer].name);
    return 0;
}

/* A site's chains: pairwise with every other site, or to each helper. */
static int
derive_up(struct fl_section *to, const struct fl_acceptance *acc)
{
    const uint32_t own = to->party;

    for (uint32_t j = 0; j < to->up_count; j++) {
        unsigned char *ck = to->up + (size_t)j * FL_PAIR_KEY;
        uint32_t peer = to->helpers ? acc->roster->helpers[j] : j;
        uint32_t a = to->helpers || own < peer ? own : peer;
        if (peer != own && root(ck, acc, own, a, a == own ? peer : own, to->helpers))
            return -1;
    }
    return 0;
}

/* A helper's chains, from each site; with itself from a fresh root, which its site's row shares. */
static int
derive_down(struct fl_section *to, const struct fl_acceptance *acc)
{
    const uint32_t own = to->party;

    to->noisy = acc->roster->noise.kind == FL_NOISE_SITE;
    if (to->noisy)
        fl_key_fresh(to->noise, acc->key, NULL, (uint64_t)to->epoch, "noise");
    for (uint32_t i = 0; i < to->n; i++) {
        unsigned char *ck = to->down + (size_t)i * FL_PAIR_KEY;
        if (i != own && root(ck, acc, own, i, own, true))
            return -1;
        if (i != own)
            continue;
        fl_key_fresh(ck, acc->key, NULL, (uint64_t)to->epoch, "self");
        memcpy(to->up + (size_t)fl_roster_helper(acc->roster, own) * FL_PAIR_KEY, ck, FL_PAIR_KEY);
    }
    return 0;
}

/* The chain of encryption, and the leaves that its line committed to. */
static int
begin_he(struct fl_section *to, const struct fl_acceptance *acc)
{
    const size_t size = (size_t)FL_HE_ROUNDS * 32;
    unsigned char root[32];

    if (!acc->roster->encrypts)
        return 0;
    fl_he_root(root, acc->key->he_leaves);
    if (memcmp(root, acc->key->he_root, 32))
        return fl_error(FL_FAILED,
                        "the key's leaves are not those of its line for encryption; make "
                        "another line with fl-keygen --he");
    if (!(to->he.leaves = fl_alloc(size, 1)))
        return -1;
    to->he.first = (uint64_t)acc->roster->first_round;
    memcpy(to->he.hs, acc->key->he_seed, 32);
    memcpy(to->he.leaves, acc->key->he_leaves, size);
    return 0;
}

/*
 * The new section after the one in force. Without a roster in force, a section is left of an
 * attempt that ended before the key named it; nothing was done under it, and it goes.
 */
static int
add_section(struct fl_state *s, const struct fl_acceptance *acc, int64_t party,
            const struct fl_helper_now *now)
{
    const struct fl_roster *r = acc->roster;

    while (!acc->key->has_roster && s->section_count)
        fl_state_drop_section(s, s->section_count - 1);
    struct fl_section *to = &s->section[s->section_count++];
    memcpy(to->roster, r->digest, 32);
    snprintf(to->federation, sizeof to->federation, "%s", r->federation);
    to->epoch = r->epoch;
    to->party = (uint32_t)party;
    to->mbit = acc->mbit;
    to->now = *now;
    to->helpers = r->protection != FL_PROTECTION_PAIRWISE;
    to->n = (uint32_t)r->n;
    to->m = (uint32_t)r->m;
    to->up_next = to->down_next = (uint64_t)r->first_round;
    bool site = to->party < to->n, helper = fl_roster_helper(r, to->party) >= 0;
    if (fl_section_alloc(to, site, helper) || derive_up(to, acc))
        return -1;
    return helper && (derive_down(to, acc) || begin_he(to, acc)) ? -1 : 0;
}

/* Read the roster's model, so that it can be held against others. */
static int
see_model(struct fl_state *s, const struct fl_acceptance *acc)
{
    unsigned char digest[32];

    if (fl_object_digest(acc->model, NULL, digest))
        return -1;
    if (memcmp(digest, acc->roster->model, 32))
        return fl_error(FL_REFUSED, "%s: is not the roster's model", fl_object_name(acc->model));
    return fl_near_add(&s->near, acc->roster->model, acc->model) ? 0 : -1;
}

/* A model that was answered over and never seen, since no sum over it was followed: as near as any.
 */
static int
check_seen(const struct fl_state *s, const struct fl_key *key)
{
    const struct fl_near_base *before = fl_near_find(&s->near, s->section[0].now.object);

    if (!before || before->sketched)
        return 0;
    return fl_error(
        FL_USAGE,
        "\"%s\" has answered over the model of epoch %lld and never seen it, so it would "
        "count as near to every other; accept the roster of that epoch once more with -m "
        "MODEL, its model, and then this one",
        key->name, (long long)key->roster_epoch);
}

/*
 * A helper begins at the roster's model. One that has answered over models before must be able to
 * tell whether this one is near them, so it reads it.
 */
static int
begin_helping(struct fl_state *s, const struct fl_acceptance *acc, int64_t party,
              struct fl_helper_now *now)
{
    const struct fl_roster *r = acc->roster;
    bool served = s->near.base_count > 0, same = false;

    *now = (struct fl_helper_now){0};

    if (party == (int64_t)FL_SIGNER_HUB || fl_roster_helper(r, (uint32_t)party) < 0)
        return 0;
    if (acc->key->has_roster) {
        *now = s->section[0].now;
        same = !memcmp(now->object, r->model, 32);
    }
    now->has_velocity = now->coming = false; /* an epoch's first step begins without one */
    if (same)
        return 0;
    if (acc->key->has_roster && check_seen(s, acc->key))
        return -1;
    if (served && !acc->model)
        return fl_error(FL_USAGE,
                        "\"%s\" has answered in an earlier epoch, over other models; give the "
                        "roster's model with -m MODEL, to compare it with them",
                        acc->key->name);
    if (acc->model && see_model(s, acc))
        return -1;
    *now = (struct fl_helper_now){0};
    memcpy(now->object, r->model, 32);
    return 0;
}

/* "roster-RD" in the state folder, free() it. */
static char *
roster_path(const struct fl_folder *folder, const unsigned char digest[32])
{
    char name[80] = "roster-";

    fl_hex(name + strlen(name), digest, 32);
    return fl_folder_file(folder, name);
}

static int
keep_roster(const struct fl_state *s, const struct fl_roster *r)
{
    char *path = roster_path(&s->folder, r->digest);
    int failed = !path ||
                 fl_output_write_file(path, r->canonical.data, r->canonical.len, FL_OUTPUT_SECRET);

    free(path);
    return failed ? -1 : 0;
}

static struct fl_state *
open_for_accept(const char *dir, const struct fl_key *key)
{
    if (key->has_roster)
        return fl_state_open(dir, key);
    struct fl_state *s = fl_state_new(dir, true);
    if (!s)
        return NULL;
    int found = fl_state_file_read(s);
    if (found == 0) {
        memcpy(s->key, key->public, sizeof s->key);
        fl_key_fresh(s->hidden, key, NULL, 0, "hidden");
    }
    if (found < 0 || fl_state_check_owner(s, key, dir)) {
        fl_state_free(s);
        return NULL;
    }
    return s;
}

/* The state has both sections: now the key, then the state without the old one. */
static int
put_in_force(struct fl_state *s, struct fl_acceptance *acc, int64_t party)
{
    if (party != (int64_t)FL_SIGNER_HUB)
        fl_key_renew(acc->key, acc->roster->epoch + 1);
    acc->key->has_roster = true;
    acc->key->roster_epoch = acc->roster->epoch;
    memcpy(acc->key->roster, acc->roster->digest, 32);
    if (fl_key_write(acc->key, acc->key_path))
        return -1;
    if (s->section_count < 2)
        return 0;
    fl_state_drop_section(s, 0);
    return fl_state_save(s);
}

/* What the key alone tells is checked before a folder is made. */
int
fl_state_accept(struct fl_acceptance *acc)
{
    const struct fl_roster *r = acc->roster;
    struct fl_helper_now now;
    int64_t party = -1;

    acc->already = acc->key->has_roster && !memcmp(acc->key->roster, r->digest, 32);
    if (!acc->already &&
        (check_lines(r) || check_epoch(acc->key, r) || check_member(acc->key, r, &party) ||
         check_he(acc->key, r, party) || check_psk(r, party, acc->psk)))
        return -1;
    struct fl_state *s = open_for_accept(acc->dir, acc->key);
    if (!s)
        return -1;
    if (acc->already) {
        int seen = acc->model && s->section[0].down ? see_model(s, acc) || fl_state_save(s) : 0;
        fl_state_free(s);
        return seen ? -1 : 0;
    }
    int failed = check_history(acc->key, s, r) || begin_helping(s, acc, party, &now) ||
                 keep_roster(s, r) || add_section(s, acc, party, &now) || fl_state_save(s) ||
                 put_in_force(s, acc, party);
    fl_state_free(s);
    return failed ? -1 : 0;
}

int
fl_state_roster(const char *dir, const struct fl_key *key, struct fl_roster *r)
{
    struct fl_folder folder = {.path = (char *)(uintptr_t)dir, .lock = -1};
    struct fl_buf bytes = {0};

    *r = (struct fl_roster){0};
    if (!key->has_roster)
        return 1;
    if (!fl_folder_exists(dir))
        return fl_state_lost(key, dir, "the state folder is missing");
    char *path = roster_path(&folder, key->roster);
    if (path && access(path, F_OK) && errno == ENOENT) {
        free(path);
        return fl_state_lost(key, dir, "does not hold the roster that the key accepted");
    }
    int failed = !path || fl_read_file(path, FL_ROSTER_MAX, &bytes) ||
                 fl_roster_decode(r, bytes.data, bytes.len);
    fl_buf_release(&bytes);
    free(path);
    return failed ? -1 : 0;
}
