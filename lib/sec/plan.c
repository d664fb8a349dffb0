/* The plan to the stream and back, and where its tensors lie in an upload. */
#include "sec/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/choice.h"
#include "base/error.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "flt/writer.h"
#include "sec/pace.h"

#define ROSTER_TENSOR "roster"
#define LAST_TENSOR   "last"

void
fl_plan_release(struct fl_plan *plan)
{
    free(plan->tensors);
    free(plan->order);
    free(plan->last);
    free(plan->he.parts);
    free(plan->keys);
    free(plan->noise.parts);
    free(plan->lineage);
    fl_schema_release(&plan->model);
    fl_roster_release(&plan->roster);
    *plan = (struct fl_plan){0};
}

static size_t
parties(const struct fl_plan *plan)
{
    return plan->roster.n + plan->roster.m;
}

/* ---- layout ---- */

/* The tensors that travel: trained, with a rule, not frozen. */
static int
pick_tensors(struct fl_plan *plan)
{
    plan->count = 0;
    free(plan->tensors);
    plan->tensors = fl_alloc(plan->model.count, sizeof *plan->tensors);
    if (!plan->tensors)
        return -1;
    for (size_t i = 0; i < plan->model.count; i++) {
        const struct fl_schema_tensor *item = &plan->model.items[i];
        const char *name = item->tensor.name;
        const struct fl_tensor_rule *rule = fl_roster_rule(&plan->roster, name);
        struct fl_plan_tensor *t = &plan->tensors[plan->count];
        if (!strcmp(name, FL_WEIGHT_TENSOR) || !strcmp(name, FL_CIPHER_TENSOR))
            return fl_error(FL_REFUSED, "the model has a tensor \"%s\"; that name is the %s", name,
                            strcmp(name, FL_WEIGHT_TENSOR) ? "ciphertexts'" : "weight's");
        if (!item->trained || (rule && rule->protect == FL_PROTECT_FROZEN))
            continue;
        if (!rule)
            return fl_error(
                FL_USAGE,
                "tensor \"%s\" of the model has no rule in the roster; end its tensors: "
                "with one for \"*\"",
                name);
        *t = (struct fl_plan_tensor){.tensor = &item->tensor, .rule = rule};
        t->role = rule->protect == FL_PROTECT_MASK ? FL_MASKED
                  : rule->protect == FL_PROTECT_HE ? FL_CIPHER
                                                   : FL_PLAIN;
        fl_lanes_init(&t->lanes, rule->bits ? rule->bits : 64);
        plan->count++;
    }
    return 0;
}

/* Every rule that hides something is of use: a mistyped pattern would leave tensors plain. */
static int
check_rules(const struct fl_plan *plan)
{
    for (size_t k = 0; k < plan->roster.rule_count; k++) {
        const struct fl_tensor_rule *rule = &plan->roster.rules[k];
        size_t i = 0;
        while (i < plan->count && plan->tensors[i].rule != rule)
            i++;
        if (i == plan->count && rule->protect != FL_PROTECT_PLAIN &&
            rule->protect != FL_PROTECT_FROZEN)
            return fl_error(FL_USAGE,
                            "the roster's rule for \"%s\" is the first to match none of the "
                            "model's trained tensors; fl-info MODEL lists their names",
                            rule->match);
    }
    return 0;
}

int
fl_plan_layout(struct fl_plan *plan)
{
    uint64_t at = 0, bytes;
    size_t place = 0;

    if (pick_tensors(plan) || check_rules(plan))
        return -1;
    free(plan->order);
    plan->order = fl_alloc(plan->count + 1, sizeof *plan->order);
    if (!plan->order)
        return -1;
    for (int pass = 0; pass < 2; pass++) {
        enum fl_role role = pass ? FL_PLAIN : FL_MASKED;
        for (size_t i = 0; i < plan->count; i++) {
            struct fl_plan_tensor *t = &plan->tensors[i];
            const uint64_t lanes = t->lanes.count;
            if (t->role != role)
                continue;
            if (fl_tensor_size(t->tensor, &t->elements, &bytes))
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
    plan->places = place;
    return fl_plan_he_layout(plan) || fl_plan_noise(plan) ? -1 : 0;
}

const struct fl_plan_tensor *
fl_plan_at(const struct fl_plan *plan, size_t i)
{
    return plan->order[i] == SIZE_MAX ? NULL : &plan->tensors[plan->order[i]];
}

size_t
fl_plan_place(const struct fl_plan *plan, uint64_t at)
{
    size_t low = 0, high = plan->places;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        const struct fl_plan_tensor *t = fl_plan_at(plan, middle);
        if ((t ? t->word_at : plan->masked_words - 1) <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t
fl_plan_upload_tensors(const struct fl_plan *plan)
{
    return plan->places + (plan->ciphertexts > 0);
}

int
fl_plan_upload_tensor(const struct fl_plan *plan, size_t i, struct fl_tensor *t)
{
    if (i == plan->places)
        return fl_plan_cipher_tensor(plan, FL_CIPHER_TENSOR, t);
    const struct fl_plan_tensor *of = fl_plan_at(plan, i);
    const uint64_t words = of ? of->words : 1;

    fl_tensor_init(t, of ? of->tensor->name : FL_WEIGHT_TENSOR, FL_U64, 1, &words);
    t->role = of ? of->role : FL_MASKED;
    if (!fl_meta_set_i64(&t->attrs, "lane.bits", of ? (int64_t)of->lanes.bits : 64) &&
        !fl_meta_set_i64(&t->attrs, "lane.count", of ? (int64_t)of->elements : 1))
        return 0;
    fl_meta_release(&t->attrs);
    return -1;
}

int
fl_plan_upload_schema(const struct fl_plan *plan, struct fl_schema *s)
{
    for (size_t place = 0; place < fl_plan_upload_tensors(plan); place++) {
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

bool
fl_plan_travels(const struct fl_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (!strcmp(plan->tensors[i].tensor->name, name))
            return true;
    return false;
}

/* ---- to the stream ---- */

static int
set_schema(struct fl_meta *meta, const struct fl_schema *s)
{
    const char **names = fl_alloc(s->count, sizeof *names);
    int64_t *shapes = fl_alloc(s->count, (FL_FLT_RANK_MAX + 1) * sizeof *shapes);
    int64_t *dtypes = fl_alloc(s->count, sizeof *dtypes);
    int64_t *trained = fl_alloc(s->count, sizeof *trained);
    size_t at = 0;
    int failed = !names || !shapes || !dtypes || !trained;

    for (size_t i = 0; i < s->count && !failed; i++) {
        const struct fl_tensor *t = &s->items[i].tensor;
        names[i] = t->name;
        dtypes[i] = t->dtype;
        trained[i] = s->items[i].trained;
        shapes[at++] = t->rank;
        for (unsigned d = 0; d < t->rank; d++)
            shapes[at++] = (int64_t)t->dims[d];
    }
    if (!failed)
        failed = fl_meta_set_text_list(meta, "tensors.names", names, s->count) ||
                 fl_meta_set_i64_list(meta, "tensors.shapes", shapes, at) ||
                 fl_meta_set_i64_list(meta, "tensors.dtypes", dtypes, s->count) ||
                 fl_meta_set_i64_list(meta, "tensors.trained", trained, s->count);
    free(names);
    free(shapes);
    free(dtypes);
    free(trained);
    return failed;
}

static int
set_last(struct fl_meta *meta, const struct fl_plan *plan)
{
    int64_t *ctr = fl_alloc(parties(plan), sizeof *ctr);
    int64_t *spent = fl_alloc(plan->roster.n, sizeof *spent), any = 0;
    int failed = !ctr || !spent;

    for (size_t i = 0; i < parties(plan) && !failed; i++)
        ctr[i] = (int64_t)plan->last[i].ctr;
    for (size_t i = 0; i < plan->roster.n && !failed; i++)
        any |= spent[i] = (int64_t)plan->last[i].spent;
    if (!failed)
        failed = fl_meta_set_i64_list(meta, "last.ctr", ctr, parties(plan)) ||
                 (any && fl_meta_set_i64_list(meta, "last.spent", spent, plan->roster.n));
    free(ctr);
    free(spent);
    return failed;
}

static int
set_meta(struct fl_meta *meta, const struct fl_plan *plan)
{
    return fl_meta_set_i64(meta, "round", (int64_t)plan->round) ||
           fl_meta_set_bytes(meta, "base", plan->base, 32) ||
           fl_meta_set_bytes(meta, "params", plan->params, 32) ||
           fl_meta_set_i64(meta, "base.round", plan->base_round) ||
           (plan->has_after && fl_meta_set_bytes(meta, "after", plan->after, 32)) ||
           (plan->has_velocity && fl_meta_set_bytes(meta, "velocity", plan->velocity, 32)) ||
           (plan->lineage_count &&
            fl_meta_set_bytes(meta, "lineage", plan->lineage[0], 32 * plan->lineage_count)) ||
           (*plan->deadline && fl_meta_set_text(meta, "deadline", plan->deadline)) ||
           fl_meta_set_text(meta, "software", plan->software) || set_last(meta, plan) ||
           set_schema(meta, &plan->model);
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

static int
write_tensors(const struct fl_plan *plan, struct fl_writer *w)
{
    const uint64_t bytes = plan->roster.canonical.len, last = 32 * parties(plan);
    struct fl_tensor roster, counted;

    fl_tensor_init(&roster, ROSTER_TENSOR, FL_U8, 1, &bytes);
    fl_tensor_init(&counted, LAST_TENSOR, FL_U8, 1, &last);
    if (fl_writer_tensor(w, &roster) ||
        fl_writer_data(w, plan->roster.canonical.data, plan->roster.canonical.len) ||
        fl_writer_tensor(w, &counted))
        return -1;
    for (size_t i = 0; i < parties(plan); i++)
        if (fl_writer_data(w, plan->last[i].digest, 32))
            return -1;
    return fl_plan_he_write(plan, w);
}

int
fl_plan_write(struct fl_plan *plan, const struct fl_key *key, int fd, int level)
{
    struct fl_meta meta = {0};
    struct fl_sign sign;
    struct fl_writer *w = fl_writer_new(fd, "temporary file", level);
    int failed = !w || set_meta(&meta, plan);

    if (!failed) {
        fl_writer_want_digest(w);
        failed = fl_writer_head(w, FL_KIND_PLAN, &meta) || write_tensors(plan, w) ||
                 fl_writer_done(w);
    }
    if (!failed) {
        fl_writer_digest(w, plan->digest);
        set_session(plan);
        fl_roster_sign(&plan->roster, FL_SIGNER_HUB, key, FL_KIND_PLAN, plan->digest, &sign);
        failed = fl_writer_sign(w, &sign);
    }
    fl_meta_release(&meta);
    fl_writer_free(w);
    return failed ? -1 : 0;
}

/* ---- from the stream ---- */

static int
known_keys(const struct fl_meta *meta)
{
    static const char keys[] =
        "after|base|base.round|deadline|last.ctr|last.spent|lineage|params|round|"
        "software|tensors.dtypes|tensors.names|tensors.shapes|"
        "tensors.trained|velocity";

    for (size_t i = 0; i < meta->count; i++)
        if (fl_choice_find(keys, meta->items[i].key) < 0)
            return fl_error(FL_REFUSED,
                            "its \"%s\" is not known to this version, which could not keep to it",
                            meta->items[i].key);
    return 0;
}

static const struct fl_meta_item *
list(const struct fl_meta *meta, const char *key, enum fl_meta_type type, size_t count)
{
    const struct fl_meta_item *item = fl_meta_find(meta, key);

    if (item && item->type == type && (count == SIZE_MAX || item->count == count))
        return item;
    fl_error(FL_REFUSED, "its \"%s\" is missing or has another form", key);
    return NULL;
}

/* Rank and dims of a tensor, from SHAPES at *AT on. */
static int
get_shape(struct fl_tensor *t, const struct fl_meta_item *shapes, size_t *at)
{
    int64_t rank = *at < shapes->count ? shapes->value.i64_list[(*at)++] : -1;

    if (rank < 0 || rank > FL_FLT_RANK_MAX || (size_t)rank > shapes->count - *at)
        return -1;
    t->rank = (unsigned)rank;
    for (unsigned d = 0; d < t->rank; d++) {
        if (shapes->value.i64_list[*at] < 0)
            return -1;
        t->dims[d] = (uint64_t)shapes->value.i64_list[(*at)++];
    }
    return 0;
}

static int
get_tensor(struct fl_schema *s, const char *name, int64_t dtype, int64_t trained,
           const struct fl_meta_item *shapes, size_t *at)
{
    struct fl_tensor t;

    if (!*name || strlen(name) > FL_FLT_NAME_MAX)
        return fl_error(FL_REFUSED, "a tensor's name is empty or too long");
    if (dtype < FL_F64 || dtype > FL_BF16 || (trained != 0 && trained != 1))
        return fl_error(FL_REFUSED, "tensor \"%s\" is of no kind that a model here has", name);
    fl_tensor_init(&t, name, (enum fl_dtype)dtype, 0, NULL);
    if (get_shape(&t, shapes, at))
        return fl_error(FL_REFUSED, "its shapes do not fit its tensors");
    if (trained != fl_schema_trains(&t)) /* a tensor that the plan could leave out is a choice */
        return fl_error(FL_REFUSED, "tensor \"%s\" is %s, which is %s", name,
                        fl_dtype_name(t.dtype),
                        trained ? "not trained" : "trained unless the roster freezes it");
    return fl_schema_add(s, &t, trained);
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
check_names(const struct fl_meta_item *names)
{
    const char **sorted = fl_alloc(names->count, sizeof *sorted);
    int failed = !sorted;

    for (size_t i = 0; i < names->count && !failed; i++)
        sorted[i] = names->value.text_list[i];
    if (sorted)
        qsort(sorted, names->count, sizeof *sorted, compare_texts);
    for (size_t i = 1; i < names->count && !failed; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            failed = fl_error(FL_REFUSED, "tensor \"%s\" is there twice", sorted[i]);
    free(sorted);
    return failed ? -1 : 0;
}

static int
get_schema(struct fl_plan *plan, const struct fl_meta *meta)
{
    const struct fl_meta_item *names = list(meta, "tensors.names", FL_META_TEXT_LIST, SIZE_MAX);
    const struct fl_meta_item *dtypes, *trained, *shapes;
    const size_t n = names ? names->count : 0;
    size_t at = 0;

    if (!names || !(dtypes = list(meta, "tensors.dtypes", FL_META_I64_LIST, n)) ||
        !(trained = list(meta, "tensors.trained", FL_META_I64_LIST, n)) ||
        !(shapes = list(meta, "tensors.shapes", FL_META_I64_LIST, SIZE_MAX)) ||
        check_names(names) || fl_schema_start(&plan->model, "the plan's model"))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (get_tensor(&plan->model, names->value.text_list[i], dtypes->value.i64_list[i],
                       trained->value.i64_list[i], shapes, &at))
            return -1;
    return at == shapes->count ? 0 : fl_error(FL_REFUSED, "its shapes do not fit its tensors");
}

static int
get_last(struct fl_plan *plan, const struct fl_meta *meta, const unsigned char *digests)
{
    const struct fl_meta_item *ctr = list(meta, "last.ctr", FL_META_I64_LIST, parties(plan));
    const bool ledgers = fl_meta_find(meta, "last.spent");
    const struct fl_meta_item *spent = ledgers ? list(meta, "last.spent", FL_META_I64_LIST,
                                                      plan->roster.n)
                                               : NULL;

    plan->last = fl_alloc(parties(plan), sizeof *plan->last);
    if (!ctr || !plan->last || (ledgers && !spent))
        return -1;
    for (size_t i = 0; spent && i < plan->roster.n; i++) {
        if (spent->value.i64_list[i] < 0)
            return fl_error(FL_REFUSED, "its \"last.spent\" has a number below zero");
        plan->last[i].spent = (uint64_t)spent->value.i64_list[i];
    }
    for (size_t i = 0; i < parties(plan); i++) {
        if (ctr->value.i64_list[i] < 0)
            return fl_error(FL_REFUSED, "its \"last.ctr\" has a number below zero");
        plan->last[i].ctr = (uint64_t)ctr->value.i64_list[i];
        memcpy(plan->last[i].digest, digests + 32 * i, 32);
    }
    return 0;
}

/* A digest that may be absent. */
static int
get_digest(const struct fl_meta *meta, const char *key, bool *has, unsigned char digest[32])
{
    const unsigned char *bytes;

    *has = fl_meta_find(meta, key) != NULL;
    if (!*has)
        return 0;
    if (fl_meta_get_bytes(meta, key, 32, &bytes))
        return -1;
    memcpy(digest, bytes, 32);
    return 0;
}

static int
get_meta(struct fl_plan *plan, const struct fl_meta *meta)
{
    const char *software, *deadline = "";
    bool has_base, has_params;
    int64_t round;

    if (fl_meta_get_i64(meta, "round", 0, INT64_MAX - 1, &round) ||
        get_digest(meta, "base", &has_base, plan->base) ||
        get_digest(meta, "params", &has_params, plan->params) ||
        get_digest(meta, "after", &plan->has_after, plan->after) ||
        get_digest(meta, "velocity", &plan->has_velocity, plan->velocity) ||
        fl_meta_get_i64(meta, "base.round", 0, INT64_MAX, &plan->base_round) ||
        fl_meta_get_text(meta, "software", &software) ||
        (fl_meta_find(meta, "deadline") && fl_meta_get_text(meta, "deadline", &deadline)))
        return -1;
    if (!has_base || !has_params)
        return fl_error(FL_REFUSED, "does not say which model it is of");
    plan->round = (uint64_t)round;
    if (*deadline && fl_plan_deadline(deadline))
        return fl_error(FL_REFUSED, "its deadline \"%.40s\" is no time like 2026-11-24T18:00:00Z",
                        deadline);
    snprintf(plan->deadline, sizeof plan->deadline, "%s", deadline);
    snprintf(plan->software, sizeof plan->software, "%s", software);
    return get_schema(plan, meta) || fl_pace_lineage(plan, meta) ? -1 : 0;
}

int
fl_plan_check_round(const struct fl_roster *r, uint64_t round)
{
    const uint64_t first = (uint64_t)r->first_round;

    if (round < first)
        return fl_error(FL_REFUSED, "round %llu is before the first of this epoch, %llu",
                        (unsigned long long)round, (unsigned long long)first);
    if (round - first >= (uint64_t)r->max_age)
        return fl_error(FL_REFUSED,
                        "round %llu is over the %lld that an epoch may have; agree on a roster of "
                        "the next one",
                        (unsigned long long)round, (long long)r->max_age);
    return 0;
}

/* The round is one of the epoch, and begins where the roster lets it. */
static int
check_round(const struct fl_plan *plan)
{
    const struct fl_roster *r = &plan->roster;

    if (fl_plan_check_round(r, plan->round))
        return -1;
    if (!plan->has_after && memcmp(plan->base, r->model, 32))
        return fl_error(FL_REFUSED, "its model is neither the roster's nor made by a round");
    if (plan->has_velocity && r->apply == FL_APPLY_SGD)
        return fl_error(FL_REFUSED, "it names a velocity, and the roster's step has none");
    if (plan->has_velocity && !plan->has_after)
        return fl_error(FL_REFUSED,
                        "it names a velocity, and an epoch's first step begins without one");
    return 0;
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

/* The bytes of u8 tensor I of O, which must have this NAME, and WANT bytes unless that is ~0. */
static const unsigned char *
bytes_of(struct fl_object *o, size_t i, const char *name, uint64_t want)
{
    const struct fl_tensor *t = i < fl_object_count(o) ? fl_object_tensor(o, i) : NULL;

    if (t && !strcmp(t->name, name) && t->dtype == FL_U8 && t->rank == 1 && t->role == FL_PLAIN &&
        (want == UINT64_MAX || t->dims[0] == want))
        return fl_object_data(o, i);
    fl_error(FL_REFUSED, "its \"%s\" is missing or has another form", name);
    return NULL;
}

static int
get_plan(struct fl_plan *plan, struct fl_object *o)
{
    const struct fl_meta *meta = &fl_object_head(o)->meta;
    const unsigned char *roster = bytes_of(o, 0, ROSTER_TENSOR, UINT64_MAX), *last;

    if (!roster || known_keys(meta))
        return -1;
    if (fl_roster_decode(&plan->roster, roster, (size_t)fl_object_bytes(o, 0)) ||
        check_signatures(plan, o))
        return -1;
    last = bytes_of(o, 1, LAST_TENSOR, 32 * parties(plan));
    if (!last || get_last(plan, meta, last) || get_meta(plan, meta) || check_round(plan) ||
        fl_plan_layout(plan) || fl_plan_he_read(plan, o, 2))
        return -1;
    set_session(plan);
    return 0;
}

int
fl_plan_read(struct fl_plan *plan, const char *path, struct fl_pool *pool)
{
    *plan = (struct fl_plan){0};
    struct fl_object *o = fl_object_open(path, FL_KIND_PLAN);
    int failed = !o || fl_object_digest(o, pool, plan->digest);

    if (!failed && get_plan(plan, o)) {
        if (fl_error_status() == FL_USAGE) /* of its roster: not this program's command line */
            fl_error_as(FL_REFUSED);
        failed = fl_error_about(fl_object_name(o));
    }
    fl_object_free(o);
    if (failed)
        fl_plan_release(plan);
    return failed ? -1 : 0;
}
