#include "sec/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"

enum { CANONICAL_KEYS = 18 };

void
fl_roster_release(struct fl_roster *r)
{
    free(r->sites);
    free(r->committee);
    fl_policy_release(&r->policy);
    fl_buf_release(&r->canonical);
    *r = (struct fl_roster){0};
}

int64_t
fl_roster_find(const struct fl_roster *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (!strcmp(r->sites[i].name, name))
            return (int64_t)i;
    return strcmp(r->hub.name, name) ? -1 : (int64_t)FL_SIGNER_HUB;
}

int64_t
fl_roster_find_key(const struct fl_roster *r, const unsigned char sign[32])
{
    for (size_t i = 0; i < r->n; i++)
        if (!memcmp(r->sites[i].sign, sign, 32))
            return (int64_t)i;
    return memcmp(r->hub.sign, sign, 32) ? -1 : (int64_t)FL_SIGNER_HUB;
}

int
fl_roster_no_site(const struct fl_roster *r, const char *name)
{
    struct fl_nearest nearest;
    char hint[100];

    fl_nearest_start(&nearest, name, strlen(name));
    for (size_t i = 0; i < r->n; i++)
        fl_nearest_try(&nearest, r->sites[i].name, strlen(r->sites[i].name));
    return fl_error(FL_USAGE, "\"%.80s\" is none of the roster's sites%s", name,
                    fl_nearest_hint(&nearest, "", hint, sizeof hint));
}

const struct fl_line *
fl_roster_line(const struct fl_roster *r, uint32_t signer)
{
    if (signer == FL_SIGNER_HUB)
        return &r->hub;
    return signer < r->n ? &r->sites[signer] : NULL;
}

static int
compare_keys(const void *a, const void *b)
{
    return memcmp(*(const unsigned char *const *)a, *(const unsigned char *const *)b, 32);
}

void
fl_roster_members(const struct fl_roster *r, unsigned char digest[32])
{
    const unsigned char *sorted[FL_SITES_MAX];
    struct fl_hash h;

    for (size_t i = 0; i < r->n; i++)
        sorted[i] = r->sites[i].sign;
    qsort(sorted, r->n, sizeof *sorted, compare_keys);
    fl_hash_init(&h, NULL, "fl1.members");
    for (size_t i = 0; i < r->n; i++)
        fl_hash_add(&h, sorted[i], 32);
    fl_hash_final(&h, digest);
}

/* ---- from what people write to the canonical form ---- */

static int
default_committee(const struct fl_roster_conf *conf, struct fl_name_list *names)
{
    if (conf->committee_given)
        return fl_name_list_copy(names, conf->committee.items, conf->committee.count);
    if (conf->sites.count > FL_COMMITTEE_MAX)
        return 0;
    for (size_t i = 0; i < conf->sites.count; i++) {
        struct fl_line line;
        if (fl_line_parse(&line, conf->sites.items[i]))
            return -1;
        char *name = line.name;
        char **items = fl_resize(names->items, i + 1, sizeof *items);
        if (!items)
            return -1;
        names->items = items;
        if (!(items[i] = fl_strdup(name)))
            return -1;
        names->count = i + 1;
    }
    return 0;
}

static int
set_policy(struct fl_meta *meta, const struct fl_policy *p)
{
    const int64_t bits[2] = {p->bits_min, p->bits_max};
    const double clip[2] = {p->clip_min, p->clip_max};
    const char *protection[2], *rules[FL_WEIGHT_RULES];
    double caps[FL_WEIGHT_RULES];
    size_t n = 0, k = 0;

    if (p->protection & FL_PROTECT_PAIRWISE)
        protection[n++] = "pairwise";
    if (p->protection & FL_PROTECT_DOUBLE)
        protection[n++] = "double";
    for (int i = 0; i < FL_WEIGHT_RULES; i++)
        if (p->cap[i] > 0) {
            rules[k] = fl_weight_rule_name(i);
            caps[k++] = p->cap[i];
        }
    return fl_meta_set_i64_list(meta, "policy.bits", bits, 2) ||
           fl_meta_set_f64_list(meta, "policy.caps", caps, k) ||
           fl_meta_set_f64_list(meta, "policy.clip", clip, 2) ||
           fl_meta_set_i64(meta, "policy.max_skip", p->max_skip) ||
           fl_meta_set_text(meta, "policy.noise", p->noise) ||
           fl_meta_set_text_list(meta, "policy.plain", (const char *const *)p->plain.items,
                                 p->plain.count) ||
           fl_meta_set_text_list(meta, "policy.protection", protection, n) ||
           fl_meta_set_f64(meta, "policy.spread", p->spread) ||
           (p->vary && fl_meta_set_i64(meta, "policy.vary", 1)) ||
           fl_meta_set_text_list(meta, "policy.weights", rules, k);
}

/* A line of the YAML, whatever spaces are around it. */
static int
set_line(struct fl_meta *meta, const char *key, const char *text)
{
    struct fl_line line;

    return fl_line_parse(&line, text) || fl_meta_set_text(meta, key, line.text);
}

static int
set_lines(struct fl_meta *meta, const char *key, const struct fl_name_list *lines)
{
    struct fl_line *parsed = fl_alloc(lines->count, sizeof *parsed);
    const char **texts = fl_alloc(lines->count, sizeof *texts);
    int result = parsed && texts ? 0 : -1;

    for (size_t i = 0; i < lines->count && !result; i++) {
        result = fl_line_parse(&parsed[i], lines->items[i]);
        texts[i] = parsed[i].text;
    }
    if (!result)
        result = fl_meta_set_text_list(meta, key, texts, lines->count);
    free(parsed);
    free(texts);
    return result;
}

static int
canonical_meta(const struct fl_roster_conf *conf, struct fl_meta *meta)
{
    struct fl_name_list committee = {0};
    int64_t n = (int64_t)conf->sites.count;
    int64_t min_sum = (2 * n + 2) / 3 > 3 ? (2 * n + 2) / 3 : 3;
    int result = default_committee(conf, &committee);
    int64_t m = (int64_t)committee.count;

    if (!result)
        result = fl_meta_set_text(meta, "federation", conf->federation) ||
                 fl_meta_set_i64(meta, "epoch", conf->epoch) ||
                 fl_meta_set_i64(meta, "first_round", conf->first_round) ||
                 fl_meta_set_i64(meta, "psk", conf->psk) ||
                 set_lines(meta, "sites", &conf->sites) || set_line(meta, "hub", conf->hub) ||
                 fl_meta_set_text_list(meta, "committee", (const char *const *)committee.items,
                                       committee.count) ||
                 fl_meta_set_i64(meta, "threshold",
                                 conf->threshold ? conf->threshold
                                 : m             ? 2 * m / 3 + 1
                                                 : 0) ||
                 fl_meta_set_i64(meta, "min_sum", conf->min_sum ? conf->min_sum : min_sum) ||
                 set_policy(meta, &conf->policy);
    fl_name_list_release(&committee);
    return result ? -1 : 0;
}

int
fl_roster_from_conf(struct fl_roster *r, const struct fl_roster_conf *conf)
{
    struct fl_meta meta = {0};
    struct fl_buf bytes = {0};
    int result = -1;

    *r = (struct fl_roster){0};
    if (!canonical_meta(conf, &meta) && !fl_meta_encode(&meta, &bytes))
        result = fl_roster_decode(r, bytes.data, bytes.len);
    fl_buf_release(&bytes);
    fl_meta_release(&meta);
    return result;
}

int
fl_roster_read(struct fl_roster *r, const char *path)
{
    struct fl_roster_conf conf;

    *r = (struct fl_roster){0};
    if (fl_roster_conf_read(&conf, path))
        return -1;
    int result = fl_roster_from_conf(r, &conf);
    fl_roster_conf_release(&conf);
    return result ? fl_error_about(!strcmp(path, "-") ? "standard input" : path) : 0;
}

/* ---- from the canonical form to checked values ---- */

/* An item that must be a list of TYPE with COUNT values (0: any number). */
static const struct fl_meta_item *
list(const struct fl_meta *meta, const char *key, enum fl_meta_type type, size_t count)
{
    const struct fl_meta_item *item = fl_meta_find(meta, key);

    if (item && item->type == type && (!count || item->count == count))
        return item;
    fl_error(FL_USAGE, "the roster's \"%s\" is missing or has another form", key);
    return NULL;
}

static int
get_lines(struct fl_roster *r, const struct fl_meta *meta)
{
    const struct fl_meta_item *sites = list(meta, "sites", FL_META_TEXT_LIST, 0);
    const char *hub;

    if (!sites || fl_meta_get_text(meta, "hub", &hub))
        return -1;
    if (sites->count < FL_SITES_MIN)
        return fl_error(FL_USAGE,
                        "has %zu sites; at least %d are needed, since each of two would learn the "
                        "other's update from the sum",
                        sites->count, FL_SITES_MIN);
    if (sites->count > FL_SITES_MAX)
        return fl_error(FL_USAGE,
                        "has %zu sites; more than %d need groups, which are not there yet",
                        sites->count, FL_SITES_MAX);
    r->sites = fl_alloc(sites->count, sizeof *r->sites);
    if (!r->sites)
        return -1;
    for (r->n = 0; r->n < sites->count; r->n++) {
        struct fl_line *line = &r->sites[r->n];
        if (fl_line_parse(line, sites->value.text_list[r->n]))
            return -1;
        if (line->epoch != r->epoch)
            return fl_error(FL_USAGE,
                            "the line of \"%s\" is for epoch %lld, the roster is of epoch %lld; "
                            "ask for the line that fl-keygen --renew --epoch %lld prints",
                            line->name, (long long)line->epoch, (long long)r->epoch,
                            (long long)r->epoch);
    }
    if (fl_line_parse(&r->hub, hub))
        return -1;
    if (r->hub.epoch > r->epoch)
        return fl_error(FL_USAGE, "the hub's line is for epoch %lld, the roster is of epoch %lld",
                        (long long)r->hub.epoch, (long long)r->epoch);
    return 0;
}

/* No name and no key is there twice, the hub's included. */
static int
check_unique(const struct fl_roster *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct fl_line *a = &r->sites[i];
        for (size_t j = i + 1; j <= r->n; j++) {
            const struct fl_line *b = j < r->n ? &r->sites[j] : &r->hub;
            if (!strcmp(a->name, b->name))
                return fl_error(FL_REFUSED, "the name \"%s\" is there twice; names must differ",
                                a->name);
            if (!memcmp(a->sign, b->sign, 32) || !memcmp(a->dh, b->dh, 32) ||
                !memcmp(a->commitment, b->commitment, 32))
                return fl_error(
                    FL_REFUSED,
                    "\"%s\" and \"%s\" have the same key; each makes its own with fl-keygen",
                    a->name, b->name);
        }
    }
    return 0;
}

static int
get_committee(struct fl_roster *r, const struct fl_meta *meta)
{
    const struct fl_meta_item *names = list(meta, "committee", FL_META_TEXT_LIST, 0);

    if (!names)
        return -1;
    if (names->count > FL_COMMITTEE_MAX)
        return fl_error(FL_USAGE, "has a committee of %zu; at most %d", names->count,
                        FL_COMMITTEE_MAX);
    r->committee = fl_alloc(names->count, sizeof *r->committee);
    if (!r->committee)
        return -1;
    for (r->m = 0; r->m < names->count; r->m++) {
        int64_t i = fl_roster_find(r, names->value.text_list[r->m]);
        if (i < 0 || i == (int64_t)FL_SIGNER_HUB) {
            fl_roster_no_site(r, names->value.text_list[r->m]);
            return fl_error_about("committee");
        }
        for (size_t j = 0; j < r->m; j++)
            if (r->committee[j] == i)
                return fl_error(FL_USAGE, "committee: \"%s\" is there twice", r->sites[i].name);
        r->committee[r->m] = (uint32_t)i;
    }
    int64_t m = (int64_t)r->m;
    if (fl_meta_get_i64(meta, "threshold", 0, m, &r->threshold))
        return fl_error(FL_USAGE, "threshold: must be at most the %zu members of the committee",
                        r->m);
    if (m && 2 * r->threshold <= m)
        return fl_error(FL_USAGE,
                        "threshold: must be above half of the committee of %zu, or two different "
                        "sums of one round could be opened",
                        r->m);
    if (fl_meta_get_i64(meta, "min_sum", FL_SITES_MIN, (int64_t)r->n, &r->min_sum))
        return fl_error(FL_USAGE, "min_sum: must be from %d to the number of sites, %zu",
                        FL_SITES_MIN, r->n);
    return 0;
}

static int
get_rules(struct fl_policy *p, const struct fl_meta *meta)
{
    const struct fl_meta_item *rules = list(meta, "policy.weights", FL_META_TEXT_LIST, 0);
    const struct fl_meta_item *caps = rules ? list(meta, "policy.caps", FL_META_F64_LIST,
                                                   rules->count)
                                            : NULL;
    int last = -1;

    if (!caps || !rules->count)
        return caps ? fl_error(FL_USAGE, "policy: allows no weight rule") : -1;
    for (size_t i = 0; i < rules->count; i++) {
        int rule = fl_weight_rule_find(rules->value.text_list[i]);
        double cap = caps->value.f64_list[i];
        if (rule <= last || !(cap >= 1e-12 && cap <= 1e15))
            return fl_error(FL_USAGE,
                            "policy: its weight rules or their caps are not in the canonical form");
        p->cap[rule] = cap;
        last = rule;
    }
    return 0;
}

static int
get_policy(struct fl_policy *p, const struct fl_meta *meta)
{
    const struct fl_meta_item *bits = list(meta, "policy.bits", FL_META_I64_LIST, 2);
    const struct fl_meta_item *clip = bits ? list(meta, "policy.clip", FL_META_F64_LIST, 2) : NULL;
    const struct fl_meta_item *protection = clip ? list(meta, "policy.protection",
                                                        FL_META_TEXT_LIST, 0)
                                                 : NULL;
    const struct fl_meta_item *plain = protection ? list(meta, "policy.plain", FL_META_TEXT_LIST, 0)
                                                  : NULL;
    const char *noise;

    if (!plain || get_rules(p, meta) || fl_meta_get_text(meta, "policy.noise", &noise) ||
        fl_meta_get_f64(meta, "policy.spread", &p->spread) ||
        fl_meta_get_i64(meta, "policy.max_skip", 1, 65536, &p->max_skip) ||
        fl_name_list_copy(&p->plain, plain->value.text_list, plain->count))
        return -1;
    if (strcmp(noise, "none"))
        return fl_error(FL_USAGE, "policy: noise \"%.40s\" is not known to this version", noise);
    p->noise = fl_strdup(noise);
    for (size_t i = 0; i < protection->count; i++)
        p->protection |= !strcmp(protection->value.text_list[i], "pairwise") ? FL_PROTECT_PAIRWISE
                         : !strcmp(protection->value.text_list[i], "double") ? FL_PROTECT_DOUBLE
                                                                             : 0x100;
    p->bits_min = bits->value.i64_list[0];
    p->bits_max = bits->value.i64_list[1];
    p->clip_min = clip->value.f64_list[0];
    p->clip_max = clip->value.f64_list[1];
    if (!p->protection || p->protection > 3 || p->bits_min < 8 || p->bits_max > 64 ||
        p->bits_min > p->bits_max || !(p->clip_min > 0) || !(p->clip_max <= 1e9) ||
        !(p->clip_min <= p->clip_max) || !(p->spread >= 1))
        return fl_error(FL_USAGE, "policy: a value is out of its range");
    return p->noise ? 0 : -1;
}

static int
get_all(struct fl_roster *r, const struct fl_meta *meta)
{
    const char *federation;
    int64_t psk, one;

    r->policy.vary = fl_meta_find(meta, "policy.vary") != NULL;
    if (meta->count != CANONICAL_KEYS + (size_t)r->policy.vary)
        return fl_error(
            FL_USAGE,
            "the roster has %zu values where this version knows %d; use the version that wrote it",
            meta->count, CANONICAL_KEYS);
    if (r->policy.vary && fl_meta_get_i64(meta, "policy.vary", 1, 1, &one))
        return -1;
    if (fl_meta_get_text(meta, "federation", &federation) || fl_name_check(federation))
        return fl_error_about("federation");
    snprintf(r->federation, sizeof r->federation, "%s", federation);
    if (fl_meta_get_i64(meta, "epoch", 0, FL_EPOCH_MAX, &r->epoch) ||
        fl_meta_get_i64(meta, "first_round", 0, INT64_MAX / 2, &r->first_round) ||
        fl_meta_get_i64(meta, "psk", 0, 1, &psk) || get_lines(r, meta) || check_unique(r) ||
        get_committee(r, meta) || get_policy(&r->policy, meta))
        return -1;
    r->psk = psk;
    return 0;
}

int
fl_roster_decode(struct fl_roster *r, const void *data, size_t len)
{
    struct fl_meta meta = {0};
    struct fl_hash h;
    size_t at = 0;
    int result = -1;

    *r = (struct fl_roster){0};
    if (!fl_meta_decode(&meta, data, len, &at) && !fl_meta_encode(&meta, &r->canonical)) {
        if (at != len || r->canonical.len != len || memcmp(r->canonical.data, data, len))
            fl_error(FL_USAGE, "the roster is not in its canonical form");
        else
            result = get_all(r, &meta);
    }
    fl_meta_release(&meta);
    if (result) {
        fl_roster_release(r);
        return -1;
    }
    fl_hash_init(&h, NULL, "fl1.roster");
    fl_hash_add_sized(&h, data, len);
    fl_hash_final(&h, r->digest);
    return 0;
}

/* ---- signatures of members ---- */

void
fl_roster_sign(const struct fl_roster *r, uint32_t signer, const struct fl_key *key,
               const char *kind, const unsigned char digest[32], struct fl_sign *sign)
{
    *sign = (struct fl_sign){.signer = signer};
    snprintf(sign->name, sizeof sign->name, "%s", key->name);
    memcpy(sign->roster, r->digest, 32);
    memcpy(sign->key, key->public, 32);
    fl_sig_make(sign->signature, kind, r->digest, signer, digest, key->secret);
}

int
fl_roster_check_sign(const struct fl_roster *r, const char *kind, const unsigned char digest[32],
                     const struct fl_sign *sign)
{
    const struct fl_line *line = fl_roster_line(r, sign->signer);

    if (memcmp(sign->roster, r->digest, 32))
        return fl_error(FL_REFUSED,
                        "the signature of \"%s\" was made under another roster or epoch than "
                        "\"%s\", epoch %lld",
                        sign->name, r->federation, (long long)r->epoch);
    if (!line || strcmp(line->name, sign->name) || memcmp(line->sign, sign->key, 32))
        return fl_error(FL_REFUSED, "\"%s\" signed with a key that is not its own in the roster",
                        sign->name);
    if (fl_sig_check(sign->signature, kind, r->digest, sign->signer, digest, line->sign))
        return fl_error(
            FL_REFUSED,
            "the signature of \"%s\" does not hold: what it signed was changed; fetch it again",
            sign->name);
    return 0;
}

int
fl_verifier_check(void *arg, const struct fl_sign *sign)
{
    struct fl_verifier *v = arg;

    if (v->roster && fl_roster_check_sign(v->roster, v->kind, v->digest, sign))
        return -1;
    v->count++;
    return 0;
}

int
fl_verifier_end(const struct fl_verifier *v, const char *file)
{
    if (v->roster && !v->count)
        return fl_error(FL_REFUSED, "%s: is not signed; ask for a copy with its signature", file);
    return 0;
}
