/*
 * The roster: from YAML to its canonical form, and from that to values. What these mean together is
 * checked in roster_check.c.
 */
#include "sec/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/glob.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "os/file.h"
#include "sec/roster_he.h"

enum { CANONICAL_KEYS = 31 }; /* and those of a recipe and of noise */

static const char *const protections[] = {"pairwise", "helpers", "none", NULL};
static const char *const protects[] = {"mask", "plain", "frozen", "he", NULL};

void
fl_roster_release(struct fl_roster *r)
{
    for (size_t i = 0; i < r->rule_count; i++)
        free(r->rules[i].match);
    free(r->rules);
    free(r->parties);
    free(r->replay);
    free(r->he);
    fl_buf_release(&r->canonical);
    *r = (struct fl_roster){0};
}

const char *
fl_protection_name(enum fl_protection protection)
{
    return protections[protection];
}

const char *
fl_protect_name(enum fl_protect protect)
{
    return protects[protect];
}

int64_t
fl_roster_find(const struct fl_roster *r, const char *name)
{
    for (size_t i = 0; i < r->party_count; i++)
        if (!strcmp(r->parties[i].name, name))
            return (int64_t)i;
    return strcmp(r->hub.name, name) ? -1 : (int64_t)FL_SIGNER_HUB;
}

int64_t
fl_roster_find_key(const struct fl_roster *r, const unsigned char sign[32])
{
    for (size_t i = 0; i < r->party_count; i++)
        if (!memcmp(r->parties[i].sign, sign, 32))
            return (int64_t)i;
    return memcmp(r->hub.sign, sign, 32) ? -1 : (int64_t)FL_SIGNER_HUB;
}

int
fl_roster_no_party(const struct fl_roster *r, const char *name)
{
    struct fl_nearest nearest;
    char hint[100];

    fl_nearest_start(&nearest, name, strlen(name));
    for (size_t i = 0; i < r->party_count; i++)
        fl_nearest_try(&nearest, r->parties[i].name, strlen(r->parties[i].name));
    return fl_error(FL_USAGE, "\"%.80s\" is none of the roster's %s%s", name,
                    r->party_count > r->n ? "sites and helpers" : "sites",
                    fl_nearest_hint(&nearest, "", hint, sizeof hint));
}

const struct fl_line *
fl_roster_line(const struct fl_roster *r, uint32_t party)
{
    if (party == FL_SIGNER_HUB)
        return &r->hub;
    return party < r->party_count ? &r->parties[party] : NULL;
}

int
fl_roster_helper(const struct fl_roster *r, uint32_t party)
{
    for (size_t h = 0; h < r->m; h++)
        if (r->helpers[h] == party)
            return (int)h;
    return -1;
}

bool
fl_roster_replays(const struct fl_roster *r, uint32_t party)
{
    for (size_t i = 0; i < r->replay_count; i++)
        if (r->replay[i] == party)
            return true;
    return false;
}

const struct fl_tensor_rule *
fl_roster_rule(const struct fl_roster *r, const char *name)
{
    for (size_t i = 0; i < r->rule_count; i++)
        if (fl_glob(r->rules[i].match, name))
            return &r->rules[i];
    return NULL;
}

/* ---- from what people write to the canonical form ---- */

/* A public line, whatever spaces are around it; with NAMES a member's name stays as it is. */
static int
clean_line(char text[FL_LINE_MAX], const char *written, bool names)
{
    struct fl_line line;

    if (names && !fl_name_check(written)) {
        snprintf(text, FL_LINE_MAX, "%s", written);
        return 0;
    }
    if (fl_line_read(&line, written)) /* fl_roster_decode looks at its signature */
        return -1;
    memcpy(text, line.text, FL_LINE_MAX);
    return 0;
}

static int
set_lines(struct fl_meta *meta, const char *key, const struct fl_name_list *lines, bool names)
{
    char(*texts)[FL_LINE_MAX] = fl_alloc(lines->count, sizeof *texts);
    const char **list = fl_alloc(lines->count, sizeof *list);
    int failed = !texts || !list;

    for (size_t i = 0; i < lines->count && !failed; i++) {
        failed = clean_line(texts[i], lines->items[i], names);
        list[i] = texts[i];
        if (failed)
            fl_error_about(key);
    }
    if (!failed)
        failed = fl_meta_set_text_list(meta, key, list, lines->count);
    free(texts);
    free(list);
    return failed ? -1 : 0;
}

static int
set_hub(struct fl_meta *meta, const char *written)
{
    char text[FL_LINE_MAX];

    return clean_line(text, written, false) ? fl_error_about("hub")
                                            : fl_meta_set_text(meta, "hub", text);
}

static int
set_rules(struct fl_meta *meta, const struct fl_roster_conf *conf)
{
    size_t n = conf->tensor_count;
    const char **match = fl_alloc(n, sizeof *match), **protect = fl_alloc(n, sizeof *protect);
    int64_t *bits = fl_alloc(n, sizeof *bits);
    double *clip = fl_alloc(n, sizeof *clip);
    int failed = !match || !protect || !bits || !clip;

    for (size_t i = 0; i < n && !failed; i++) {
        match[i] = conf->tensors[i].match;
        protect[i] = conf->tensors[i].protect;
        bits[i] = conf->tensors[i].bits;
        clip[i] = conf->tensors[i].clip;
    }
    if (!failed)
        failed = fl_meta_set_text_list(meta, "tensors.match", match, n) ||
                 fl_meta_set_text_list(meta, "tensors.protect", protect, n) ||
                 fl_meta_set_i64_list(meta, "tensors.bits", bits, n) ||
                 fl_meta_set_f64_list(meta, "tensors.clip", clip, n);
    free(match);
    free(protect);
    free(bits);
    free(clip);
    return failed ? -1 : 0;
}

/* Floor and cap that were not given: 1 under uniform; else they are asked for. */
static int
set_weights(struct fl_meta *meta, const struct fl_roster_conf *conf)
{
    bool uniform = !strcmp(conf->weight_rule, fl_weight_rule_name(FL_WEIGHT_UNIFORM));
    double floor = conf->floor != 0 ? conf->floor : 1, cap = conf->cap != 0 ? conf->cap : 1;

    if (!uniform && (conf->floor == 0 || conf->cap == 0))
        return fl_error(FL_USAGE,
                        "weights: rule %s needs floor and cap, between which weights count: for "
                        "example floor: 0.5, cap: 2",
                        conf->weight_rule);
    return fl_meta_set_text(meta, "weights.rule", conf->weight_rule) ||
           fl_meta_set_f64(meta, "weights.floor", floor) ||
           fl_meta_set_f64(meta, "weights.cap", cap) ||
           fl_meta_set_f64(meta, "weights.alpha", conf->alpha) ||
           fl_meta_set_f64(meta, "weights.tokens", conf->tokens) ||
           fl_meta_set_f64(meta, "weights.mbit", conf->mbit) ||
           fl_meta_set_f64(meta, "weights.unit", conf->unit) ||
           fl_meta_set_i64(meta, "weights.hide", conf->hide);
}

/* The digest HEX, which the program and options of TELLS print. */
static int
set_digest(struct fl_meta *meta, const char *name, const char *hex, const char *tells)
{
    unsigned char digest[32];

    if (fl_unhex(digest, sizeof digest, hex))
        return fl_error(FL_USAGE, "%s: \"%.80s\" is no digest; give the 64 digits that %s prints",
                        name, hex, tells);
    return fl_meta_set_bytes(meta, name, digest, sizeof digest);
}

/* The contract is left out where the roster asks for none: such rosters keep their bytes. */
static int
set_digests(struct fl_meta *meta, const struct fl_roster_conf *conf)
{
    return set_digest(meta, "model", conf->model, "fl-info --digest MODEL") ||
           (conf->contract &&
            set_digest(meta, "contract", conf->contract, "fl-harmonize --digest -c SITE"));
}

/* Neither is written where it is 0: such rosters keep their bytes. */
static int
set_pace(struct fl_meta *meta, const struct fl_roster_conf *conf)
{
    return (conf->delay && fl_meta_set_i64(meta, "delay", conf->delay)) ||
           (conf->stale && fl_meta_set_i64(meta, "stale", conf->stale));
}

static int
canonical_meta(const struct fl_roster_conf *conf, struct fl_meta *meta)
{
    bool helpers = !strcmp(conf->protection, protections[FL_PROTECTION_HELPERS]);
    const int64_t all = (int64_t)conf->sites.count, min_sum = conf->min_sum ? conf->min_sum : all;

    if (!conf->min_sum && helpers)
        return fl_error(FL_USAGE, "lacks \"min_sum\": the fewest sites in a sum that is opened");
    return fl_meta_set_text(meta, "federation", conf->federation) ||
           fl_meta_set_i64(meta, "epoch", conf->epoch) ||
           fl_meta_set_i64(meta, "first_round", conf->first_round) ||
           fl_meta_set_i64(meta, "psk", conf->psk) || set_digests(meta, conf) ||
           fl_meta_set_text(meta, "apply.rule", conf->apply_rule) ||
           fl_meta_set_f64(meta, "apply.lr", conf->lr) ||
           fl_meta_set_f64(meta, "apply.momentum", conf->momentum) ||
           set_lines(meta, "sites", &conf->sites, false) || set_hub(meta, conf->hub) ||
           fl_meta_set_text(meta, "protection", conf->protection) ||
           set_lines(meta, "helpers", &conf->helpers, true) ||
           fl_meta_set_text_list(meta, "replay", (const char *const *)conf->replay.items,
                                 conf->replay.count) ||
           fl_meta_set_i64(meta, "min_sum", min_sum) || set_weights(meta, conf) ||
           set_rules(meta, conf) || fl_meta_set_f64(meta, "steps", conf->steps) ||
           fl_meta_set_f64(meta, "move", conf->move) ||
           fl_noise_policy_to_meta(&conf->noise, meta) ||
           fl_meta_set_i64(meta, "max_open", conf->max_open) ||
           fl_meta_set_i64(meta, "max_skip", conf->max_skip) ||
           fl_meta_set_i64(meta, "max_age", conf->max_age) || set_pace(meta, conf) ||
           fl_recipe_to_meta(&conf->recipe, meta) || fl_roster_he_put(meta, &conf->he);
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
    return result ? fl_error_about(fl_input_name(path)) : 0;
}

/* ---- from the canonical form to values ---- */

/* An item that must be a list of TYPE with COUNT values (SIZE_MAX: any number). */
static const struct fl_meta_item *
list(const struct fl_meta *meta, const char *key, enum fl_meta_type type, size_t count)
{
    const struct fl_meta_item *item = fl_meta_find(meta, key);

    if (item && item->type == type && (count == SIZE_MAX || item->count == count))
        return item;
    fl_error(FL_USAGE, "its \"%s\" is missing or has another form", key);
    return NULL;
}

/* Lines serve one epoch: their X25519 keys are used up when a roster is accepted. */
static int
add_party(struct fl_roster *r, const char *text)
{
    struct fl_line *line = &r->parties[r->party_count];

    if (r->seen ? fl_line_read(line, text) : fl_line_parse(line, text))
        return -1;
    if (line->epoch != r->epoch)
        return fl_error(FL_USAGE,
                        "the line of \"%s\" is for epoch %lld, the roster is of epoch %lld; ask "
                        "for the line that fl-keygen --renew --epoch %lld prints",
                        line->name, (long long)line->epoch, (long long)r->epoch,
                        (long long)r->epoch);
    r->party_count++;
    return 0;
}

static int
get_helpers(struct fl_roster *r, const struct fl_meta_item *helpers)
{
    for (; r->m < helpers->count; r->m++) {
        const char *text = helpers->value.text_list[r->m];
        int64_t party = (int64_t)r->party_count;
        if (strchr(text, ' ')) {
            if (add_party(r, text))
                return -1;
        } else {
            party = fl_roster_find(r, text);
            if (party < 0 || party >= (int64_t)r->n) {
                fl_roster_no_party(r, text);
                fl_error_about("helpers");
                return fl_error_cure("a helper that is no site stands here with its public line");
            }
            if (fl_roster_helper(r, (uint32_t)party) >= 0)
                return fl_error(FL_USAGE, "helpers: \"%s\" is named twice", text);
        }
        r->helpers[r->m] = (uint32_t)party;
    }
    return 0;
}

static int
get_parties(struct fl_roster *r, const struct fl_meta *meta)
{
    const struct fl_meta_item *sites = list(meta, "sites", FL_META_TEXT_LIST, SIZE_MAX);
    const struct fl_meta_item *helpers = list(meta, "helpers", FL_META_TEXT_LIST, SIZE_MAX);

    const char *hub;

    if (!sites || !helpers || fl_meta_get_text(meta, "hub", &hub))
        return -1;
    if (sites->count > FL_SITES_MAX)
        return fl_error(FL_USAGE, "has %zu sites; at most %d", sites->count, FL_SITES_MAX);
    if (helpers->count > FL_HELPERS_MAX)
        return fl_error(FL_USAGE, "has %zu helpers; at most %d, since each adds its own streams",
                        helpers->count, FL_HELPERS_MAX);
    r->parties = fl_alloc(sites->count + helpers->count, sizeof *r->parties);
    if (!r->parties)
        return -1;
    for (size_t i = 0; i < sites->count; i++)
        if (add_party(r, sites->value.text_list[i]))
            return -1;
    r->n = r->party_count;
    if (fl_line_parse(&r->hub, hub))
        return fl_error_about("hub");
    if (r->hub.epoch > r->epoch)
        return fl_error(FL_USAGE, "the hub's line is for epoch %lld, the roster is of epoch %lld",
                        (long long)r->hub.epoch, (long long)r->epoch);
    return get_helpers(r, helpers);
}

static int
get_replay(struct fl_roster *r, const struct fl_meta *meta)
{
    const struct fl_meta_item *names = list(meta, "replay", FL_META_TEXT_LIST, SIZE_MAX);

    if (!names)
        return -1;
    r->replay = fl_alloc(names->count, sizeof *r->replay);
    if (!r->replay)
        return -1;
    for (; r->replay_count < names->count; r->replay_count++) {
        int64_t party = fl_roster_find(r, names->value.text_list[r->replay_count]);
        if (party < 0 || party == (int64_t)FL_SIGNER_HUB) {
            fl_roster_no_party(r, names->value.text_list[r->replay_count]);
            return fl_error_about("replay");
        }
        for (size_t i = 0; i < r->replay_count; i++)
            if (r->replay[i] == party)
                return fl_error(FL_USAGE, "replay: \"%s\" is named twice", r->parties[party].name);
        r->replay[r->replay_count] = (uint32_t)party;
    }
    return 0;
}

static int
get_weights(struct fl_weight_policy *w, const struct fl_meta *meta)
{
    const char *rule;
    int64_t hide;

    if (fl_meta_get_text(meta, "weights.rule", &rule) ||
        fl_meta_get_f64(meta, "weights.floor", &w->floor) ||
        fl_meta_get_f64(meta, "weights.cap", &w->cap) ||
        fl_meta_get_f64(meta, "weights.alpha", &w->alpha) ||
        fl_meta_get_f64(meta, "weights.tokens", &w->tokens) ||
        fl_meta_get_f64(meta, "weights.mbit", &w->mbit) ||
        fl_meta_get_f64(meta, "weights.unit", &w->unit) ||
        fl_meta_get_i64(meta, "weights.hide", 0, 1, &hide))
        return -1;
    int found = fl_weight_rule_find(rule);
    if (found < 0)
        return fl_error(FL_USAGE, "weights: rule \"%.40s\" is not known to this version", rule);
    w->rule = (enum fl_weight_rule)found;
    w->hide = hide;
    return 0;
}

static int
get_rule(struct fl_tensor_rule *rule, const char *match, const char *protect, int64_t bits,
         double clip)
{
    int found = 0;

    while (protects[found] && strcmp(protects[found], protect))
        found++;
    if (!protects[found])
        return fl_error(FL_USAGE, "tensors: protect \"%.40s\" is not known to this version",
                        protect);
    *rule = (struct fl_tensor_rule){.match = fl_strdup(match),
                                    .protect = (enum fl_protect)found,
                                    .bits = bits > 0 && bits <= 64 ? (unsigned)bits : 0,
                                    .clip = clip};
    return rule->match ? 0 : -1;
}

static int
get_rules(struct fl_roster *r, const struct fl_meta *meta)
{
    const struct fl_meta_item *match = list(meta, "tensors.match", FL_META_TEXT_LIST, SIZE_MAX);
    const struct fl_meta_item *protect, *bits, *clip;
    size_t count = match ? match->count : 0;

    if (!match || !(protect = list(meta, "tensors.protect", FL_META_TEXT_LIST, count)) ||
        !(bits = list(meta, "tensors.bits", FL_META_I64_LIST, count)) ||
        !(clip = list(meta, "tensors.clip", FL_META_F64_LIST, count)))
        return -1;
    r->rules = fl_alloc(count, sizeof *r->rules);
    if (!r->rules)
        return -1;
    for (; r->rule_count < count; r->rule_count++) {
        size_t i = r->rule_count;
        if (get_rule(&r->rules[i], match->value.text_list[i], protect->value.text_list[i],
                     bits->value.i64_list[i], clip->value.f64_list[i]))
            return -1;
    }
    return 0;
}

static int
get_numbers(struct fl_roster *r, const struct fl_meta *meta)
{
    const char *rule;
    int protection;

    if (fl_meta_get_word(meta, "protection", protections, &protection) ||
        fl_meta_get_text(meta, "apply.rule", &rule) || fl_meta_get_f64(meta, "apply.lr", &r->lr) ||
        fl_meta_get_f64(meta, "apply.momentum", &r->momentum) ||
        fl_meta_get_i64(meta, "min_sum", 0, INT64_MAX, &r->min_sum) ||
        fl_meta_get_f64(meta, "steps", &r->steps) || fl_meta_get_f64(meta, "move", &r->move) ||
        fl_meta_get_i64(meta, "max_open", 1, 16, &r->max_open) ||
        fl_meta_get_i64(meta, "max_skip", 1, 4096, &r->max_skip) ||
        fl_meta_get_i64(meta, "max_age", 1, 1000000, &r->max_age))
        return -1;
    r->protection = (enum fl_protection)protection;
    int apply = fl_apply_rule_find(rule);
    if (apply < 0)
        return fl_error(FL_USAGE, "apply: rule \"%.40s\" is not known to this version", rule);
    r->apply = (enum fl_apply_rule)apply;
    return 0;
}

/* KEY, from 1 on, or 0 where there is none; *COUNT counts those that are there. */
static int
get_pace(const struct fl_meta *meta, const char *key, int64_t most, int64_t *value, size_t *count)
{
    *value = 0;
    if (!fl_meta_find(meta, key))
        return 0;
    ++*count;
    return fl_meta_get_i64(meta, key, 1, most, value);
}

static int
get_all(struct fl_roster *r, const struct fl_meta *meta)
{
    const char *federation;
    const unsigned char *model, *contract = NULL;
    bool contracted = fl_meta_find(meta, "contract") != NULL, he = fl_meta_find(meta, "he") != NULL;
    int64_t psk;
    size_t settings, noise;

    if (fl_recipe_from_meta(&r->recipe, meta, &settings) ||
        fl_noise_policy_from_meta(&r->noise, meta, &noise))
        return -1;
    settings += CANONICAL_KEYS + noise + (size_t)contracted + (size_t)he;
    if (get_pace(meta, "delay", 1, &r->delay, &settings) ||
        get_pace(meta, "stale", FL_STALE_MOST, &r->stale, &settings))
        return -1;
    if (meta->count != settings)
        return fl_error(FL_USAGE,
                        "has %zu values where this version knows %zu; use the one that wrote it",
                        meta->count, settings);
    if (fl_meta_get_text(meta, "federation", &federation) || fl_name_check(federation))
        return fl_error_about("federation");
    snprintf(r->federation, sizeof r->federation, "%s", federation);
    if (fl_meta_get_i64(meta, "epoch", 0, FL_EPOCH_MAX, &r->epoch) ||
        fl_meta_get_i64(meta, "first_round", 0, INT64_MAX / 2, &r->first_round) ||
        fl_meta_get_i64(meta, "psk", 0, 1, &psk) ||
        fl_meta_get_bytes(meta, "model", sizeof r->model, &model) ||
        (contracted && fl_meta_get_bytes(meta, "contract", sizeof r->contract, &contract)) ||
        get_parties(r, meta) || get_replay(r, meta) || get_numbers(r, meta) ||
        get_weights(&r->weights, meta) || get_rules(r, meta) || fl_roster_he_get(r, meta))
        return -1;
    r->psk = psk;
    r->contracted = contracted;
    if (contracted)
        memcpy(r->contract, contract, sizeof r->contract);
    memcpy(r->model, model, sizeof r->model);
    return fl_roster_check(r);
}

/* A turn of fl-round reads one roster many times, and looks at the signatures of its lines once. */
static bool
was_seen(const unsigned char digest[32])
{
    const char *seen = getenv("FL_ROSTER_SEEN");
    char hex[65];

    fl_hex(hex, digest, 32);
    return seen && !strcmp(seen, hex);
}

int
fl_roster_decode(struct fl_roster *r, const void *data, size_t len)
{
    struct fl_meta meta = {0};
    unsigned char digest[32];
    struct fl_hash h;
    size_t at = 0;
    int result = -1;

    *r = (struct fl_roster){0};
    if (len > FL_ROSTER_MAX)
        return fl_error(FL_USAGE, "is a roster of %zu bytes; at most %d", len, FL_ROSTER_MAX);
    fl_hash_init(&h, NULL, "fl1.roster");
    fl_hash_add_sized(&h, data, len);
    fl_hash_final(&h, digest);
    r->seen = was_seen(digest);
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
    memcpy(r->digest, digest, sizeof digest);
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
