/* Lines and keys of the round: from a helper's chain to people, and to the hub. */
#include "sec/he_offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "base/number.h"
#include "crypt/secret.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "os/file.h"
#include "sec/roster_he.h"
#include "sec/state.h"

#define KEY_PATH "he.path"

/* A fresh chain in KEY, and its root. */
static int
begin(struct fl_key *key, const char *federation, struct fl_pool *pool)
{
    const struct fl_he_owner owner = {federation, key->epoch, key->public};

    if (!key->he_leaves && !(key->he_leaves = fl_alloc(FL_HE_ROUNDS, 32)))
        return -1;
    fl_key_fresh(key->he_seed, key, NULL, (uint64_t)key->epoch, "he");
    if (fl_he_leaves(key->he_leaves, &owner, key->he_seed, pool))
        return -1;
    fl_he_root(key->he_root, key->he_leaves);
    snprintf(key->he_federation, sizeof key->he_federation, "%s", federation);
    key->has_he = true;
    return 0;
}

int
fl_he_offer(struct fl_he_line *line, const char *key_path, const char *federation)
{
    if (fl_name_check(federation))
        return fl_error_about("--he");
    struct fl_pool *pool = fl_pool_new(0);
    struct fl_key *key = !pool || fl_file_lock(key_path) ? NULL : fl_key_read(key_path);
    int failed = !key;

    if (key && (!key->has_he || strcmp(key->he_federation, federation)))
        failed = begin(key, federation, pool) || fl_key_write(key, key_path);
    if (!failed)
        fl_he_line_make(line, key, federation, key->he_root);
    fl_key_free(key);
    fl_pool_free(pool);
    return failed ? -1 : 0;
}

/* ---- out of a helper ---- */

struct making {
    struct fl_key *key;
    struct fl_state *state;
    struct fl_roster roster;
    uint64_t first, last;
};

/* "5" or "5..12" */
static int
read_rounds(const char *text, uint64_t *first, uint64_t *last)
{
    const char *dots = strstr(text, "..");
    char from[24];
    const size_t n = dots ? (size_t)(dots - text) : strlen(text);
    int bad = n >= sizeof from;

    if (!bad) {
        memcpy(from, text, n);
        from[n] = '\0';
        bad = fl_parse_u64(from, 0, INT64_MAX / 2, first) ||
              fl_parse_u64(dots ? dots + 2 : from, 0, INT64_MAX / 2, last) || *last < *first;
    }
    return bad ? fl_error(FL_USAGE, "--he-key: \"%.40s\" are no rounds like 5 or 5..12", text) : 0;
}

static void
name_of(uint64_t round, struct fl_tensor *t)
{
    const uint64_t words = FL_RING_WORDS;
    char name[40];

    snprintf(name, sizeof name, "he.%llu", (unsigned long long)round);
    fl_tensor_init(t, name, FL_U64, 1, &words);
}

static int
write_key(const struct making *keys, uint64_t round, struct fl_he_shown *shown, struct fl_writer *w)
{
    const struct fl_section *now = &keys->state->section[0];
    const struct fl_he_owner owner = {keys->roster.federation, keys->roster.epoch,
                                      keys->key->public};
    unsigned char rk[32];
    struct fl_tensor t;

    if (fl_state_he_key(keys->state, round, rk))
        return -1;
    const uint64_t k = round - now->he.first;
    int failed = fl_he_public(shown->key, &owner, rk, k);
    fl_wipe(rk, sizeof rk);
    if (failed)
        return -1;
    fl_he_path(shown->path, now->he.leaves, k);
    name_of(round, &t);
    failed = fl_meta_set_bytes(&t.attrs, KEY_PATH, shown->path, FL_HE_PATH) ||
             fl_writer_tensor(w, &t) || fl_writer_data(w, shown->key, FL_HE_KEY);
    fl_meta_release(&t.attrs);
    return failed ? -1 : 0;
}

static int
set_head(const struct making *keys, struct fl_meta *meta)
{
    return fl_meta_set_bytes(meta, "roster", keys->roster.digest, 32) ||
           fl_meta_set_text(meta, "helper", keys->key->name) ||
           fl_meta_set_i64(meta, "party", keys->state->section[0].party);
}

static int
write_keys(const struct making *keys, int fd, const char *name)
{
    const struct fl_section *now = &keys->state->section[0];
    struct fl_he_shown *shown = fl_alloc_aligned(1, sizeof *shown);
    struct fl_writer *w = fl_writer_new(fd, name, 0);
    struct fl_meta meta = {0};
    struct fl_sign sign;
    unsigned char digest[32];
    int failed = !shown || !w || set_head(keys, &meta);

    if (!failed && !now->he.leaves)
        failed = fl_error(FL_REFUSED, "\"%s\" helps with no encrypted tensor of its roster",
                          keys->key->name);
    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_HEKEY, &meta);
    }
    for (uint64_t r = keys->first; r <= keys->last && !failed; r++)
        failed = write_key(keys, r, shown, w);
    if (!failed && !fl_writer_done(w)) {
        fl_writer_digest(w, digest);
        fl_roster_sign(&keys->roster, now->party, keys->key, FL_KIND_HEKEY, digest, &sign);
        failed = fl_writer_sign(w, &sign);
    } else {
        failed = -1;
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    free(shown);
    return failed ? -1 : 0;
}

int
fl_he_keys_make(const char *key_path, const char *state, const char *rounds, struct fl_output *out)
{
    struct making keys = {.key = fl_key_read(key_path)};
    char *dir = keys.key ? fl_state_dir(key_path, state) : NULL;
    int failed = !dir || read_rounds(rounds, &keys.first, &keys.last) ||
                 !(keys.state = fl_state_open(dir, keys.key)) ||
                 fl_state_roster(dir, keys.key, &keys.roster) ||
                 write_keys(&keys, out->fd, out->name);

    fl_roster_release(&keys.roster);
    fl_state_free(keys.state);
    fl_key_free(keys.key);
    free(dir);
    return failed ? -1 : 0;
}

/* ---- into a plan ---- */

static int
check_signed(const struct fl_roster *r, uint32_t party, struct fl_object *o)
{
    struct fl_verifier v = {.roster = r, .kind = FL_KIND_HEKEY};
    bool own = false;

    if (fl_object_digest(o, NULL, v.digest))
        return -1;
    for (size_t i = 0; i < fl_object_sign_count(o); i++) {
        if (fl_verifier_check(&v, fl_object_sign(o, i)))
            return -1;
        own |= fl_object_sign(o, i)->signer == party;
    }
    return own ? 0 : fl_error(FL_REFUSED, "is not signed by \"%s\"", r->parties[party].name);
}

/* Which helper's file it is: its number, or -1. */
static int
whose(const struct fl_roster *r, struct fl_object *o)
{
    const struct fl_meta *meta = &fl_object_head(o)->meta;
    const unsigned char *roster;
    int64_t party;

    if (fl_meta_get_bytes(meta, "roster", 32, &roster) ||
        fl_meta_get_i64(meta, "party", 0, (int64_t)r->party_count - 1, &party))
        return -1;
    const int h = fl_roster_helper(r, (uint32_t)party);
    if (memcmp(roster, r->digest, 32) || h < 0)
        return fl_error(FL_REFUSED, "holds keys for another roster, or of who is no helper");
    return check_signed(r, (uint32_t)party, o) ? -1 : h;
}

static int
take_key(struct fl_plan *plan, struct fl_object *o, bool *there)
{
    const int h = whose(&plan->roster, o);
    const unsigned char *path, *key;
    struct fl_tensor want;

    if (h < 0)
        return -1;
    name_of(plan->round, &want);
    const int64_t i = fl_object_find(o, want.name);
    if (i < 0)
        return fl_error(FL_REFUSED, "has no key of round %llu; ask for fl-keygen --he-key %llu",
                        (unsigned long long)plan->round, (unsigned long long)plan->round);
    const struct fl_tensor *t = fl_object_tensor(o, (size_t)i);
    if (!fl_tensor_same_shape(t, &want) ||
        fl_meta_get_bytes(&t->attrs, KEY_PATH, FL_HE_PATH, &path))
        return fl_error(FL_FAILED, "its \"%s\" has another form", want.name);
    if (there[h])
        return fl_error(FL_USAGE, "the key of \"%s\" is there twice",
                        plan->roster.parties[plan->roster.helpers[h]].name);
    if (!(key = fl_object_data(o, (size_t)i)))
        return -1;
    memcpy(plan->keys[h].key, key, FL_HE_KEY);
    memcpy(plan->keys[h].path, path, FL_HE_PATH);
    there[h] = true;
    return 0;
}

int
fl_he_keys_read(struct fl_plan *plan, const char *const *paths, size_t count)
{
    bool there[FL_HELPERS_MAX] = {false};

    if (!plan->ciphertexts)
        return count ? fl_error(FL_USAGE, "--he-keys: no tensor is encrypted; leave it out") : 0;
    free(plan->keys);
    plan->keys = fl_alloc_aligned(plan->roster.m, sizeof *plan->keys);
    if (!plan->keys)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct fl_object *o = fl_object_open(paths[i], FL_KIND_HEKEY);
        int failed = !o;
        if (o && take_key(plan, o, there))
            failed = fl_error_about(fl_object_name(o));
        fl_object_free(o);
        if (failed)
            return -1;
    }
    for (size_t h = 0; h < plan->roster.m; h++)
        if (!there[h])
            return fl_error(FL_NOT_YET,
                            "the key of helper \"%s\" for round %llu is missing; it prints it with "
                            "fl-keygen --he-key %llu, and --he-keys names the file",
                            plan->roster.parties[plan->roster.helpers[h]].name,
                            (unsigned long long)plan->round, (unsigned long long)plan->round);
    return fl_plan_he_check(plan);
}

/* ---- batches ---- */

uint64_t
fl_he_batch_last(const struct fl_roster *r, uint64_t first)
{
    const uint64_t rounds = fl_min_u64((uint64_t)r->max_age, FL_HE_ROUNDS);

    return fl_min_u64(first + FL_HE_BATCH - 1, (uint64_t)r->first_round + rounds - 1);
}

/* A key and its path; the head of a record, its name, check values and padding; head and sign. */
uint64_t
fl_he_batch_bytes(void)
{
    return FL_HE_BATCH * (FL_HE_KEY + FL_HE_PATH + 512) + 4096;
}

/* Tensor I is the key of ROUND; SUM (FL_RING_RESIDUES) is of no use afterwards. */
static int
check_key(const struct fl_roster *r, uint32_t party, uint64_t round, struct fl_object *o, size_t i,
          uint64_t *sum)
{
    const struct fl_tensor *t = fl_object_tensor(o, i);
    const size_t h = (size_t)fl_roster_helper(r, party);
    const unsigned char *path, *key;
    struct fl_tensor want;

    name_of(round, &want);
    if (strcmp(t->name, want.name) || !fl_tensor_same_shape(t, &want) || t->role != FL_PLAIN ||
        fl_meta_get_bytes(&t->attrs, KEY_PATH, FL_HE_PATH, &path))
        return fl_error(FL_FAILED, "its \"%s\" stands where \"%s\" should, or has another form",
                        t->name, want.name);
    if (!(key = fl_object_data(o, i)))
        return -1;
    memset(sum, 0, FL_RING_RESIDUES * sizeof *sum);
    return !fl_roster_he_commits(r, h, round - (uint64_t)r->first_round, key, path) ||
                   fl_ring_add(sum, (const uint64_t *)(const void *)key, 0, FL_RING_UNITS)
               ? fl_error(FL_REFUSED,
                          "its \"%s\" is not the key that the roster commits \"%s\" to for that "
                          "round",
                          t->name, r->parties[party].name)
               : 0;
}

static int
check_batch(const struct fl_roster *r, uint32_t party, uint64_t first, struct fl_object *o)
{
    const uint64_t last = fl_he_batch_last(r, first);
    const size_t count = fl_object_count(o);

    if (fl_roster_helper(r, party) < 0 || !r->he || first < (uint64_t)r->first_round ||
        first > last)
        return fl_error(FL_FAILED, "nobody asked \"%s\" for keys of round %llu",
                        fl_roster_line(r, party)->name, (unsigned long long)first);
    const int h = whose(r, o);
    if (h < 0)
        return -1;
    if (h != fl_roster_helper(r, party))
        return fl_error(FL_REFUSED, "is of \"%s\", not of \"%s\"", r->parties[r->helpers[h]].name,
                        r->parties[party].name);
    if (!count || count > last - first + 1)
        return fl_error(FL_FAILED, "holds keys of %zu rounds; those of %llu to %llu are due", count,
                        (unsigned long long)first, (unsigned long long)last);
    uint64_t *sum = fl_alloc(FL_RING_RESIDUES, sizeof *sum);
    int failed = !sum;
    for (size_t i = 0; i < count && !failed; i++)
        failed = check_key(r, party, first + i, o, i, sum);
    free(sum);
    return failed ? -1 : 0;
}

int
fl_he_batch_check(const struct fl_roster *r, uint32_t party, uint64_t first, const char *path)
{
    struct fl_object *o = fl_object_open(path, FL_KIND_HEKEY);
    int failed = !o;

    if (o && check_batch(r, party, first, o))
        failed = fl_error_about(path);
    fl_object_free(o);
    return failed ? -1 : 0;
}

int
fl_he_batch_has(const struct fl_roster *r, const char *path, uint64_t round)
{
    const unsigned char *roster;
    struct fl_tensor want;

    if (fl_input_missing(path))
        return 0;
    struct fl_object *o = fl_object_open(path, FL_KIND_HEKEY);
    if (!o)
        return -1;
    name_of(round, &want);
    int has = fl_meta_get_bytes(&fl_object_head(o)->meta, "roster", 32, &roster);
    if (has)
        fl_error_about(path);
    else
        has = !memcmp(roster, r->digest, 32) && fl_object_find(o, want.name) >= 0;
    fl_object_free(o);
    return has;
}
