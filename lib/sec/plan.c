#include "sec/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "flt/writer.h"

#define ROSTER_TENSOR "roster"

static const char *const plan_keys[] = {"after",
                                        "base",
                                        "base.round",
                                        "deadline",
                                        "encoding.bits",
                                        "encoding.clip",
                                        "encoding.rounding",
                                        "encoding.scale",
                                        "noise",
                                        "protection",
                                        "round",
                                        "tensors.names",
                                        "tensors.plain",
                                        "tensors.shapes",
                                        "weight.alpha",
                                        "weight.bandwidth",
                                        "weight.cap",
                                        "weight.rule",
                                        NULL};

void
fl_plan_release(struct fl_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->tensors[i].name);
    free(plan->tensors);
    free(plan->order);
    free(plan->bandwidth);
    fl_roster_release(&plan->roster);
    *plan = (struct fl_plan){0};
}

/* ---- layout ---- */

int
fl_plan_layout(struct fl_plan *plan)
{
    uint64_t lanes = 64 / plan->bits, at = 0;
    size_t place = 0;

    free(plan->order);
    plan->order = fl_alloc(plan->count + 1, sizeof *plan->order);
    if (!plan->order)
        return -1;
    for (int pass = 0; pass < 2; pass++) {
        enum fl_role role = pass ? FL_PLAIN : FL_MASKED;
        for (size_t i = 0; i < plan->count; i++) {
            struct fl_plan_tensor *t = &plan->tensors[i];
            if (t->role != role)
                continue;
            t->elements = 1;
            for (unsigned d = 0; d < t->rank; d++)
                if (fl_mul_u64(t->elements, t->dims[d], &t->elements))
                    return -1;
            t->words = t->elements / lanes + (t->elements % lanes != 0);
            t->word_at = at;
            plan->order[place++] = i;
            if (t->words > (UINT64_MAX >> 8) - at)
                return fl_error(FL_FAILED, "the tensors of this plan are too large");
            at += t->words;
        }
        if (!pass) {
            plan->order[place++] = SIZE_MAX;
            plan->masked_words = ++at;
        }
    }
    plan->words = at;
    return 0;
}

const struct fl_plan_tensor *
fl_plan_at(const struct fl_plan *plan, size_t i)
{
    return plan->order[i] == SIZE_MAX ? NULL : &plan->tensors[plan->order[i]];
}

int
fl_plan_upload_tensor(const struct fl_plan *plan, size_t i, struct fl_tensor *t)
{
    const struct fl_plan_tensor *of = fl_plan_at(plan, i);
    const uint64_t words = of ? of->words : 1;

    fl_tensor_init(t, of ? of->name : FL_WEIGHT_TENSOR, FL_U64, 1, &words);
    t->role = of ? of->role : FL_MASKED;
    if (!fl_meta_set_i64(&t->attrs, "lane.bits", of ? (int64_t)plan->bits : 64) &&
        !fl_meta_set_i64(&t->attrs, "lane.count", of ? (int64_t)of->elements : 1))
        return 0;
    fl_meta_release(&t->attrs);
    return -1;
}

/* An update of the plan's model: plain f32 tensors in the model's order. */
static int
update_schema(const struct fl_plan *plan, struct fl_schema *s)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct fl_plan_tensor *of = &plan->tensors[i];
        struct fl_tensor t;
        fl_tensor_init(&t, of->name, FL_F32, of->rank, of->dims);
        if (fl_schema_add(s, &t, true))
            return -1;
    }
    return 0;
}

int
fl_plan_match(const struct fl_plan *plan, const struct fl_object *update)
{
    struct fl_schema want;
    int failed = fl_schema_start(&want, "the plan's model") || update_schema(plan, &want) ||
                 fl_schema_match(&want, update, FL_SCHEMA_IN_ORDER);

    fl_schema_release(&want);
    return failed ? -1 : 0;
}

int
fl_plan_upload_schema(const struct fl_plan *plan, struct fl_schema *s)
{
    for (size_t place = 0; place <= plan->count; place++) {
        struct fl_tensor t;
        if (fl_plan_upload_tensor(plan, place, &t))
            return -1;
        int failed = fl_schema_add(s, &t, false);
        fl_meta_release(&t.attrs);
        if (failed)
            return -1;
    }
    return 0;
}

/* ---- to the stream ---- */

static int
set_tensors(struct fl_meta *meta, const struct fl_plan *plan)
{
    const char **names = fl_alloc(plan->count, sizeof *names);
    const char **plain = fl_alloc(plan->count, sizeof *plain);
    int64_t *shapes = fl_alloc(plan->count, (FL_FLT_RANK_MAX + 1) * sizeof *shapes);
    size_t plains = 0, at = 0;
    int bad = !names || !plain || !shapes;

    for (size_t i = 0; i < plan->count && !bad; i++) {
        const struct fl_plan_tensor *t = &plan->tensors[i];
        names[i] = t->name;
        if (t->role == FL_PLAIN)
            plain[plains++] = t->name;
        shapes[at++] = t->rank;
        for (unsigned d = 0; d < t->rank; d++)
            shapes[at++] = (int64_t)t->dims[d];
    }
    if (!bad)
        bad = fl_meta_set_text_list(meta, "tensors.names", names, plan->count) ||
              fl_meta_set_text_list(meta, "tensors.plain", plain, plains) ||
              fl_meta_set_i64_list(meta, "tensors.shapes", shapes, at);
    free(names);
    free(plain);
    free(shapes);
    return bad;
}

static int
set_meta(struct fl_meta *meta, const struct fl_plan *plan)
{
    return (plan->has_after && fl_meta_set_bytes(meta, "after", plan->after, 32)) ||
           fl_meta_set_bytes(meta, "base", plan->base, 32) ||
           fl_meta_set_i64(meta, "base.round", plan->base_round) ||
           (*plan->deadline && fl_meta_set_text(meta, "deadline", plan->deadline)) ||
           fl_meta_set_i64(meta, "encoding.bits", plan->bits) ||
           fl_meta_set_f64(meta, "encoding.clip", plan->clip) ||
           fl_meta_set_text(meta, "encoding.rounding",
                            plan->stochastic ? "stochastic" : "nearest") ||
           fl_meta_set_f64(meta, "encoding.scale", plan->scale) ||
           fl_meta_set_text(meta, "noise", "none") ||
           fl_meta_set_text(meta, "protection",
                            plan->protection == FL_PROTECT_DOUBLE ? "double" : "pairwise") ||
           fl_meta_set_i64(meta, "round", (int64_t)plan->round) || set_tensors(meta, plan) ||
           fl_meta_set_f64(meta, "weight.alpha", plan->alpha) ||
           (plan->bandwidth &&
            fl_meta_set_f64_list(meta, "weight.bandwidth", plan->bandwidth, plan->roster.n)) ||
           fl_meta_set_f64(meta, "weight.cap", plan->cap) ||
           fl_meta_set_text(meta, "weight.rule", fl_weight_rule_name(plan->rule));
}

static void
set_session(struct fl_plan *plan)
{
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.sid");
    fl_hash_add(&h, plan->roster.digest, 32);
    fl_hash_add(&h, plan->digest, 32);
    fl_hash_final(&h, plan->sid);
}

int
fl_plan_write(struct fl_plan *plan, const struct fl_key *key, int fd, int level)
{
    const uint64_t bytes = plan->roster.canonical.len;
    struct fl_meta meta = {0};
    struct fl_tensor roster;
    struct fl_sign sign;
    struct fl_writer *w = fl_writer_new(fd, "temporary file", level);
    int bad = !w || set_meta(&meta, plan);

    fl_tensor_init(&roster, ROSTER_TENSOR, FL_U8, 1, &bytes);
    if (!bad) {
        fl_writer_want_digest(w);
        bad = fl_writer_head(w, FL_KIND_PLAN, &meta) || fl_writer_tensor(w, &roster) ||
              fl_writer_data(w, plan->roster.canonical.data, plan->roster.canonical.len) ||
              fl_writer_done(w);
    }
    if (!bad) {
        fl_writer_digest(w, plan->digest);
        set_session(plan);
        fl_roster_sign(&plan->roster, FL_SIGNER_HUB, key, FL_KIND_PLAN, plan->digest, &sign);
        bad = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    return bad ? -1 : 0;
}

static void
add_f64(struct fl_hash *h, double v)
{
    unsigned char p[8];

    fl_put_f64(p, v);
    fl_hash_add(h, p, sizeof p);
}

void
fl_plan_terms(const struct fl_plan *plan, unsigned char terms[32])
{
    const char *rule = fl_weight_rule_name(plan->rule);
    struct fl_hash h;

    fl_hash_init(&h, NULL, "fl1.terms");
    fl_hash_add64(&h, plan->bits);
    add_f64(&h, plan->clip);
    fl_hash_add64(&h, plan->stochastic);
    fl_hash_add_sized(&h, rule, strlen(rule));
    add_f64(&h, plan->alpha);
    for (size_t i = 0; plan->bandwidth && i < plan->roster.n; i++)
        add_f64(&h, plan->bandwidth[i]);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->tensors[i].role == FL_PLAIN)
            fl_hash_add_sized(&h, plan->tensors[i].name, strlen(plan->tensors[i].name));
    fl_hash_final(&h, terms);
}

void
fl_plan_use(const struct fl_plan *plan, unsigned char use[32])
{
    unsigned char members[32], terms[32];
    struct fl_hash h;

    fl_roster_members(&plan->roster, members);
    fl_plan_terms(plan, terms);
    fl_hash_init(&h, NULL, "fl1.use");
    fl_hash_add(&h, members, sizeof members);
    fl_hash_add(&h, terms, sizeof terms);
    add_f64(&h, plan->scale);
    add_f64(&h, plan->cap);
    fl_hash_final(&h, use);
}

/* ---- from the stream ---- */

static int
known_keys(const struct fl_meta *meta)
{
    for (size_t i = 0; i < meta->count; i++) {
        const char *const *k = plan_keys;
        while (*k && strcmp(*k, meta->items[i].key))
            k++;
        if (!*k)
            return fl_error(FL_REFUSED,
                            "its \"%s\" is not known to this version, which could not keep to it",
                            meta->items[i].key);
    }
    return 0;
}

static int
get_shapes(struct fl_plan *plan, const struct fl_meta_item *shapes)
{
    size_t at = 0;

    for (size_t i = 0; i < plan->count; i++) {
        struct fl_plan_tensor *t = &plan->tensors[i];
        int64_t rank = at < shapes->count ? shapes->value.i64_list[at++] : -1;
        if (rank < 0 || rank > FL_FLT_RANK_MAX || (size_t)rank > shapes->count - at)
            return -1;
        t->rank = (unsigned)rank;
        for (unsigned d = 0; d < t->rank; d++) {
            if (shapes->value.i64_list[at] < 0)
                return -1;
            t->dims[d] = (uint64_t)shapes->value.i64_list[at++];
        }
    }
    return at == shapes->count ? 0 : -1;
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No name is there twice. */
static int
check_names(const struct fl_plan *plan)
{
    const char **names = fl_alloc(plan->count, sizeof *names);
    int result = names ? 0 : -1;

    for (size_t i = 0; i < plan->count && names; i++)
        names[i] = plan->tensors[i].name;
    if (names)
        qsort(names, plan->count, sizeof *names, compare_texts);
    for (size_t i = 1; i < plan->count && !result; i++)
        if (!strcmp(names[i - 1], names[i]))
            result = fl_error(FL_REFUSED, "tensor \"%s\" is there twice", names[i]);
    free(names);
    return result;
}

static int
get_tensors(struct fl_plan *plan, const struct fl_meta *meta)
{
    const struct fl_meta_item *names = fl_meta_find(meta, "tensors.names");
    const struct fl_meta_item *plain = fl_meta_find(meta, "tensors.plain");
    const struct fl_meta_item *shapes = fl_meta_find(meta, "tensors.shapes");

    if (!names || names->type != FL_META_TEXT_LIST || !names->count || !plain ||
        plain->type != FL_META_TEXT_LIST || !shapes || shapes->type != FL_META_I64_LIST)
        return fl_error(FL_REFUSED, "its list of tensors is missing or has another form");
    if (plain->count > plan->roster.policy.plain.count) /* also: what follows is not quadratic */
        return fl_error(FL_REFUSED, "more tensors would travel plain than the policy allows");
    plan->tensors = fl_alloc(names->count, sizeof *plan->tensors);
    if (!plan->tensors)
        return -1;
    for (; plan->count < names->count; plan->count++) {
        struct fl_plan_tensor *t = &plan->tensors[plan->count];
        const char *name = names->value.text_list[plan->count];
        if (strlen(name) < 1 || strlen(name) > FL_FLT_NAME_MAX)
            return fl_error(FL_REFUSED, "a tensor's name is empty or too long");
        t->role = FL_MASKED;
        for (size_t i = 0; i < plain->count; i++)
            if (!strcmp(plain->value.text_list[i], name))
                t->role = FL_PLAIN;
        if (!(t->name = fl_strdup(name)))
            return -1;
    }
    if (get_shapes(plan, shapes))
        return fl_error(FL_REFUSED, "its shapes do not fit its tensors");
    return check_names(plan);
}

static int
get_bandwidth(struct fl_plan *plan, const struct fl_meta *meta)
{
    const struct fl_meta_item *item = fl_meta_find(meta, "weight.bandwidth");

    if (!item)
        return 0;
    if (item->type != FL_META_F64_LIST || item->count != plan->roster.n)
        return fl_error(FL_REFUSED, "its bandwidths are not one for each site");
    plan->bandwidth = fl_alloc(item->count, sizeof *plan->bandwidth);
    if (!plan->bandwidth)
        return -1;
    memcpy(plan->bandwidth, item->value.f64_list, item->count * sizeof *plan->bandwidth);
    return 0;
}

/* 0 or 1 for the word that the key has; -1 with an error when it is neither. */
static int
get_choice(const struct fl_meta *meta, const char *key, const char *zero, const char *one)
{
    const char *text;

    if (fl_meta_get_text(meta, key, &text))
        return -1;
    if (!strcmp(text, zero))
        return 0;
    if (one && !strcmp(text, one))
        return 1;
    return fl_error(FL_REFUSED, "its %s \"%.40s\" is not known to this version", key, text);
}

static int
get_meta(struct fl_plan *plan, const struct fl_meta *meta)
{
    const unsigned char *base, *after = NULL;
    const char *rule, *deadline = "";
    int64_t round, bits;
    int protection = get_choice(meta, "protection", "pairwise", "double");
    int rounding = protection < 0 ? -1
                                  : get_choice(meta, "encoding.rounding", "nearest", "stochastic");

    if (rounding < 0 || get_choice(meta, "noise", "none", NULL) ||
        fl_meta_get_bytes(meta, "base", 32, &base) ||
        fl_meta_get_i64(meta, "base.round", 0, INT64_MAX, &plan->base_round) ||
        (fl_meta_find(meta, "after") && fl_meta_get_bytes(meta, "after", 32, &after)) ||
        (fl_meta_find(meta, "deadline") && fl_meta_get_text(meta, "deadline", &deadline)) ||
        fl_meta_get_i64(meta, "encoding.bits", 8, 64, &bits) ||
        fl_meta_get_f64(meta, "encoding.clip", &plan->clip) ||
        fl_meta_get_f64(meta, "encoding.scale", &plan->scale) ||
        fl_meta_get_i64(meta, "round", 0, INT64_MAX - 1, &round) ||
        fl_meta_get_f64(meta, "weight.alpha", &plan->alpha) ||
        fl_meta_get_f64(meta, "weight.cap", &plan->cap) ||
        fl_meta_get_text(meta, "weight.rule", &rule))
        return -1;
    int found = fl_weight_rule_find(rule);
    if (found < 0 || strlen(deadline) >= sizeof plan->deadline)
        return fl_error(FL_REFUSED, "its weight rule or its deadline is not known to this version");
    plan->rule = (enum fl_weight_rule)found;
    plan->round = (uint64_t)round;
    plan->bits = (unsigned)bits;
    plan->protection = protection ? FL_PROTECT_DOUBLE : FL_PROTECT_PAIRWISE;
    plan->stochastic = rounding;
    memcpy(plan->base, base, 32);
    plan->has_after = after != NULL;
    if (after)
        memcpy(plan->after, after, 32);
    snprintf(plan->deadline, sizeof plan->deadline, "%s", deadline);
    return get_bandwidth(plan, meta) || get_tensors(plan, meta) ? -1 : 0;
}

/* The hub's signature must be there; whatever else signed it must hold too. */
static int
check_signatures(const struct fl_plan *plan, const struct fl_object *o)
{
    bool hub = false;

    for (size_t i = 0; i < fl_object_sign_count(o); i++) {
        const struct fl_sign *sign = fl_object_sign(o, i);
        if (fl_roster_check_sign(&plan->roster, FL_KIND_PLAN, plan->digest, sign))
            return -1;
        hub |= sign->signer == FL_SIGNER_HUB;
    }
    return hub ? 0
               : fl_error(FL_REFUSED,
                          "is not signed by the hub; ask for a copy with its signature");
}

static int
get_plan(struct fl_plan *plan, const struct fl_object *o, const void *roster, size_t len)
{
    const struct fl_meta *meta = &fl_object_head(o)->meta;

    if (known_keys(meta) || fl_roster_decode(&plan->roster, roster, len) ||
        check_signatures(plan, o) || get_meta(plan, meta) || fl_plan_check(plan) ||
        fl_plan_layout(plan)) {
        if (fl_error_status() == FL_USAGE) /* of the roster: not this program's command line */
            fl_error_as(FL_REFUSED);
        return fl_error_about(fl_object_name(o));
    }
    set_session(plan);
    return 0;
}

static bool
is_roster(const struct fl_tensor *t)
{
    return !strcmp(t->name, ROSTER_TENSOR) && t->dtype == FL_U8 && t->rank == 1 &&
           t->role == FL_PLAIN;
}

int
fl_plan_read(struct fl_plan *plan, const char *path, struct fl_pool *pool)
{
    struct fl_object *o = fl_object_open(path, FL_KIND_PLAN);
    const void *roster;
    int result = -1;

    *plan = (struct fl_plan){0};
    if (!o)
        return -1;
    if (fl_object_count(o) != 1 || !is_roster(fl_object_tensor(o, 0)))
        fl_error(FL_REFUSED, "%s: does not carry its roster, and nothing else", fl_object_name(o));
    else if ((roster = fl_object_data(o, 0)) && !fl_object_digest(o, pool, plan->digest))
        result = get_plan(plan, o, roster, (size_t)fl_object_bytes(o, 0));
    if (result)
        fl_plan_release(plan);
    fl_object_free(o);
    return result;
}

int
fl_plan_check_roster(const struct fl_plan *plan, const char *file, const char *roster)
{
    struct fl_roster r;

    if (fl_roster_read(&r, roster))
        return -1;
    bool same = !memcmp(r.digest, plan->roster.digest, sizeof r.digest);
    fl_roster_release(&r);
    if (same)
        return 0;
    fl_error(FL_REFUSED, "%s: is a plan of another roster than %s", file, roster);
    return fl_error_cure(
        "it is of one of \"%s\", epoch %lld: give that one if its sites agreed on it",
        plan->roster.federation, (long long)plan->roster.epoch);
}
