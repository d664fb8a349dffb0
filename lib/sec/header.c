/* The keys of each message, once for writing and once for reading. */
#include "sec/header.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

size_t
fl_upload_tags(const struct fl_plan *plan)
{
    return plan->roster.protection == FL_PROTECTION_HELPERS ? plan->roster.m : plan->roster.n - 1;
}

/* ---- what all of them say ---- */

static int
set_session(struct fl_meta *meta, const struct fl_plan *plan)
{
    return fl_meta_set_bytes(meta, "roster", plan->roster.digest, 32) ||
           fl_meta_set_bytes(meta, "sid", plan->sid, 32) ||
           fl_meta_set_i64(meta, "round", (int64_t)plan->round);
}

static int
same_bytes(const struct fl_meta *meta, const char *key, const unsigned char want[32],
           const char *what)
{
    const unsigned char *got;

    if (fl_meta_get_bytes(meta, key, 32, &got))
        return -1;
    if (memcmp(got, want, 32))
        return fl_error(FL_REFUSED, "was made for another %s than this plan's", what);
    return 0;
}

static int
same_number(const struct fl_meta *meta, const char *key, uint64_t want)
{
    int64_t got;

    if (fl_meta_get_i64(meta, key, 0, INT64_MAX, &got))
        return -1;
    if ((uint64_t)got != want)
        return fl_error(FL_REFUSED, "says %s %lld where its plan has %llu", key, (long long)got,
                        (unsigned long long)want);
    return 0;
}

static int
check_session(const struct fl_meta *meta, const struct fl_plan *plan)
{
    return same_bytes(meta, "roster", plan->roster.digest, "roster or epoch") ||
           same_bytes(meta, "sid", plan->sid, "plan") || same_number(meta, "round", plan->round);
}

static int
known(const struct fl_meta *meta, const char *const *keys)
{
    for (size_t i = 0; i < meta->count; i++) {
        const char *const *k = keys;
        while (*k && strcmp(*k, meta->items[i].key))
            k++;
        if (!*k)
            return fl_error(FL_REFUSED, "its \"%s\" is not known to this version",
                            meta->items[i].key);
    }
    return 0;
}

static int
get_digest(const struct fl_meta *meta, const char *key, unsigned char digest[32])
{
    const unsigned char *bytes;

    if (fl_meta_get_bytes(meta, key, 32, &bytes))
        return -1;
    memcpy(digest, bytes, 32);
    return 0;
}

static int
set_sender(struct fl_meta *meta, const struct fl_sender *from)
{
    return fl_meta_set_i64(meta, "ctr", (int64_t)from->ctr) ||
           fl_meta_set_bytes(meta, "prev", from->prev, 32) ||
           fl_meta_set_text(meta, "next", from->next);
}

static int
get_sender(struct fl_sender *from, const struct fl_meta *meta)
{
    const char *next;
    int64_t ctr;

    if (fl_meta_get_i64(meta, "ctr", 1, INT64_MAX, &ctr) || get_digest(meta, "prev", from->prev) ||
        fl_meta_get_text(meta, "next", &next))
        return -1;
    if (strlen(next) >= sizeof from->next)
        return fl_error(FL_FAILED, "its \"next\" is too long for a public line");
    from->ctr = (uint64_t)ctr;
    snprintf(from->next, sizeof from->next, "%s", next);
    return 0;
}

/* Number and name under KEY of a party below LIMIT; they must be one. */
static int
get_party(const struct fl_meta *meta, const struct fl_plan *plan, const char *number,
          const char *name_key, size_t limit, uint32_t *party)
{
    const char *name;
    int64_t index;

    if (fl_meta_get_i64(meta, number, 0, (int64_t)limit - 1, &index) ||
        fl_meta_get_text(meta, name_key, &name))
        return -1;
    if (strcmp(name, plan->roster.parties[index].name))
        return fl_error(FL_REFUSED, "says that party %lld is \"%.80s\"; in the roster it is \"%s\"",
                        (long long)index, name, plan->roster.parties[index].name);
    *party = (uint32_t)index;
    return 0;
}

/* The same, of a helper. */
static int
get_helper(const struct fl_meta *meta, const struct fl_plan *plan, uint32_t *party)
{
    if (get_party(meta, plan, "party", "helper", plan->roster.party_count, party))
        return -1;
    return fl_roster_helper(&plan->roster, *party) >= 0
               ? 0
               : fl_error(FL_REFUSED, "\"%s\" is no helper in the roster",
                          plan->roster.parties[*party].name);
}

/* ---- each of them ---- */

static int
set_ledger(struct fl_meta *meta, const struct fl_upload_head *h)
{
    return fl_meta_set_i64(meta, "ledger.count", (int64_t)h->ledger_count) ||
           fl_meta_set_bytes(meta, "ledger.head", h->ledger_head, 32);
}

static int
get_ledger(struct fl_upload_head *h, const struct fl_meta *meta)
{
    int64_t count;

    h->ledger = fl_meta_find(meta, "ledger.count") || fl_meta_find(meta, "ledger.head");
    if (!h->ledger)
        return 0;
    if (fl_meta_get_i64(meta, "ledger.count", 0, INT64_MAX, &count) ||
        get_digest(meta, "ledger.head", h->ledger_head))
        return -1;
    h->ledger_count = (uint64_t)count;
    return 0;
}

int
fl_upload_head_encode(const struct fl_upload_head *h, const struct fl_plan *plan,
                      struct fl_meta *meta)
{
    const bool helpers = plan->roster.protection == FL_PROTECTION_HELPERS;

    return set_session(meta, plan) || set_sender(meta, &h->from) ||
                   fl_meta_set_bytes(meta, "base", plan->base, 32) ||
                   fl_meta_set_bytes(meta, "params", plan->params, 32) ||
                   fl_meta_set_i64(meta, "base.round", plan->base_round) ||
                   fl_meta_set_text(meta, "site", plan->roster.parties[h->from.party].name) ||
                   fl_meta_set_i64(meta, "site.index", h->from.party) ||
                   (helpers && fl_meta_set_bytes(meta, "nonce", h->nonce, 32)) ||
                   (plan->ciphertexts && fl_meta_set_bytes(meta, "cipher", h->cipher, 32)) ||
                   (h->ledger && set_ledger(meta, h)) ||
                   fl_meta_set_bytes(meta, "tags", h->tags, 32 * fl_upload_tags(plan))
               ? -1
               : 0;
}

int
fl_upload_head_decode(struct fl_upload_head *h, const struct fl_plan *plan,
                      const struct fl_meta *meta)
{
    static const char *const keys[] =
        {"base",       "base.round", "cipher", "ctr",    "ledger.count", "ledger.head", "next",
         "nonce",      "params",     "prev",   "roster", "round",        "sid",         "site",
         "site.index", "tags",       NULL};
    const bool helpers = plan->roster.protection == FL_PROTECTION_HELPERS;

    *h = (struct fl_upload_head){0};
    if (known(meta, keys) || check_session(meta, plan) ||
        same_bytes(meta, "base", plan->base, "model") ||
        same_bytes(meta, "params", plan->params, "model") ||
        same_number(meta, "base.round", (uint64_t)plan->base_round) || get_sender(&h->from, meta) ||
        get_party(meta, plan, "site.index", "site", plan->roster.n, &h->from.party) ||
        (helpers && get_digest(meta, "nonce", h->nonce)) ||
        (plan->ciphertexts && get_digest(meta, "cipher", h->cipher)) || get_ledger(h, meta) ||
        fl_meta_get_bytes(meta, "tags", 32 * fl_upload_tags(plan), &h->tags))
        return -1;
    if (!helpers && fl_meta_find(meta, "nonce"))
        return fl_error(FL_REFUSED, "has a nonce, which an upload of a pairwise round has not");
    if (!plan->ciphertexts && fl_meta_find(meta, "cipher"))
        return fl_error(FL_REFUSED, "has ciphertexts, and no tensor of the plan is encrypted");
    return 0;
}

int
fl_cipher_head_encode(uint32_t site, const struct fl_plan *plan, struct fl_meta *meta)
{
    return set_session(meta, plan) ||
                   fl_meta_set_text(meta, "site", plan->roster.parties[site].name) ||
                   fl_meta_set_i64(meta, "site.index", site)
               ? -1
               : 0;
}

int
fl_cipher_head_decode(uint32_t *site, const struct fl_plan *plan, const struct fl_meta *meta)
{
    static const char *const keys[] = {"roster", "round", "sid", "site", "site.index", NULL};

    return known(meta, keys) || check_session(meta, plan) ||
                   get_party(meta, plan, "site.index", "site", plan->roster.n, site)
               ? -1
               : 0;
}

int
fl_answer_head_encode(const struct fl_answer_head *h, const struct fl_plan *plan,
                      struct fl_meta *meta)
{
    return set_session(meta, plan) || set_sender(meta, &h->from) ||
                   fl_meta_set_bytes(meta, "set", h->set, 32) ||
                   fl_meta_set_i64(meta, "party", h->from.party) ||
                   fl_meta_set_text(meta, "helper", plan->roster.parties[h->from.party].name)
               ? -1
               : 0;
}

int
fl_answer_head_decode(struct fl_answer_head *h, const struct fl_plan *plan,
                      const struct fl_meta *meta)
{
    static const char *const keys[] = {"ctr",    "helper", "next", "party", "prev",
                                       "roster", "round",  "set",  "sid",   NULL};

    *h = (struct fl_answer_head){0};
    return known(meta, keys) || check_session(meta, plan) || get_sender(&h->from, meta) ||
                   get_helper(meta, plan, &h->from.party) || get_digest(meta, "set", h->set)
               ? -1
               : 0;
}

int
fl_ready_head_encode(const struct fl_ready_head *h, const struct fl_plan *plan,
                     struct fl_meta *meta)
{
    return set_session(meta, plan) || fl_meta_set_bytes(meta, "set", h->set, 32) ||
                   fl_meta_set_i64(meta, "party", h->party) ||
                   fl_meta_set_text(meta, "helper", plan->roster.parties[h->party].name) ||
                   fl_meta_set_i64_list(meta, "bad", h->bad, h->bad_count)
               ? -1
               : 0;
}

int
fl_ready_head_decode(struct fl_ready_head *h, const struct fl_plan *plan,
                     const struct fl_meta *meta)
{
    static const char *const keys[] = {"bad",   "helper", "party", "roster",
                                       "round", "set",    "sid",   NULL};
    const struct fl_meta_item *bad = fl_meta_find(meta, "bad");

    *h = (struct fl_ready_head){0};
    if (known(meta, keys) || check_session(meta, plan) || get_helper(meta, plan, &h->party) ||
        get_digest(meta, "set", h->set))
        return -1;
    if (!bad || bad->type != FL_META_I64_LIST || bad->count > plan->roster.n)
        return fl_error(FL_FAILED, "its \"bad\" is missing or no list of sites");
    h->bad = bad->value.i64_list;
    h->bad_count = bad->count;
    for (size_t i = 0; i < h->bad_count; i++)
        if (h->bad[i] < 0 || h->bad[i] >= (int64_t)plan->roster.n ||
            (i && h->bad[i] <= h->bad[i - 1]))
            return fl_error(FL_FAILED, "its \"bad\" is no ascending list of sites");
    return 0;
}

int
fl_opened_head_encode(const struct fl_opened_head *h, const struct fl_plan *plan,
                      struct fl_meta *meta)
{
    return set_session(meta, plan) || fl_meta_set_bytes(meta, "params", plan->params, 32) ||
                   fl_meta_set_bytes(meta, "set", h->set, 32) ||
                   fl_meta_set_bytes(meta, "next.base", h->next_base, 32) ||
                   fl_meta_set_bytes(meta, "next.params", h->next_params, 32) ||
                   (h->has_velocity &&
                    fl_meta_set_bytes(meta, "next.velocity", h->next_velocity, 32)) ||
                   fl_meta_set_i64(meta, "party", h->party) ||
                   fl_meta_set_text(meta, "replay", plan->roster.parties[h->party].name) ||
                   fl_meta_set_f64(meta, "distance", h->distance)
               ? -1
               : 0;
}

int
fl_opened_head_decode(struct fl_opened_head *h, const struct fl_plan *plan,
                      const struct fl_meta *meta)
{
    static const char *const keys[] = {"distance", "next.base", "next.params", "next.velocity",
                                       "params",   "party",     "replay",      "roster",
                                       "round",    "set",       "sid",         NULL};

    *h = (struct fl_opened_head){.has_velocity = fl_meta_find(meta, "next.velocity") != NULL};
    return known(meta, keys) || check_session(meta, plan) ||
                   same_bytes(meta, "params", plan->params, "model") ||
                   get_party(meta, plan, "party", "replay", plan->roster.party_count, &h->party) ||
                   get_digest(meta, "set", h->set) || get_digest(meta, "next.base", h->next_base) ||
                   get_digest(meta, "next.params", h->next_params) ||
                   (h->has_velocity && get_digest(meta, "next.velocity", h->next_velocity)) ||
                   fl_meta_get_f64(meta, "distance", &h->distance)
               ? -1
               : 0;
}
