/* Of a plan what tensors of protection he need: which ciphertexts there are, and by which key. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "flt/writer.h"
#include "sec/plan.h"
#include "sec/roster_he.h"

#define KEY_PATH "he.path"

/* The part of this width, which is made when there is none. */
static size_t
part_of(struct fl_plan *plan, unsigned bits)
{
    size_t p = 0;

    while (p < plan->he.count && plan->he.parts[p].lanes.bits != bits)
        p++;
    if (p == plan->he.count)
        plan->he.parts[plan->he.count++] = (struct fl_rlwe_part){.lanes = {.bits = bits}};
    return p;
}

int
fl_plan_he_layout(struct fl_plan *plan)
{
    uint64_t bytes;

    free(plan->he.parts);
    plan->he = (struct fl_rlwe_size){.sites = plan->roster.n, .helpers = plan->roster.m};
    plan->ciphertexts = 0;
    plan->he.parts = fl_alloc(plan->roster.rule_count, sizeof *plan->he.parts);
    if (!plan->he.parts)
        return -1;
    for (size_t i = 0; i < plan->count; i++) {
        struct fl_plan_tensor *t = &plan->tensors[i];
        if (t->role != FL_CIPHER)
            continue;
        if (fl_tensor_size(t->tensor, &t->elements, &bytes))
            return -1;
        if (!t->elements)
            continue;
        t->part = part_of(plan, t->rule->bits);
        struct fl_rlwe_part *part = &plan->he.parts[t->part];
        t->coordinate = part->coordinates;
        if (t->elements > (UINT64_MAX >> 16) - part->coordinates)
            return fl_error(FL_FAILED, "the tensors of this plan are too large");
        part->coordinates += t->elements;
    }
    if (plan->he.count && fl_rlwe_fit(&plan->he))
        return -1;
    for (size_t p = 0; p < plan->he.count; p++)
        plan->ciphertexts += plan->he.parts[p].ciphertexts;
    return 0;
}

/* Lanes of all parts, so that whoever has the object alone can tell what it holds. */
static int
set_attrs(const struct fl_plan *plan, struct fl_meta *attrs)
{
    const size_t n = plan->he.count;
    int64_t *bits = fl_alloc(n, sizeof *bits), *slots = fl_alloc(n, sizeof *slots);
    int64_t *count = fl_alloc(n, sizeof *count);
    int failed = !bits || !slots || !count;

    for (size_t p = 0; p < n && !failed; p++) {
        bits[p] = plan->he.parts[p].lanes.bits;
        slots[p] = plan->he.parts[p].lanes.slots;
        count[p] = (int64_t)plan->he.parts[p].coordinates;
    }
    if (!failed)
        failed = fl_meta_set_i64(attrs, "he.n", FL_RING_N) ||
                 fl_meta_set_i64(attrs, "he.primes", FL_RING_PRIMES) ||
                 fl_meta_set_i64_list(attrs, "he.slots", slots, n) ||
                 fl_meta_set_i64_list(attrs, "lane.bits", bits, n) ||
                 fl_meta_set_i64_list(attrs, "lane.count", count, n);
    free(bits);
    free(slots);
    free(count);
    return failed ? -1 : 0;
}

int
fl_plan_cipher_tensor(const struct fl_plan *plan, const char *name, struct fl_tensor *t)
{
    const uint64_t dims[2] = {plan->ciphertexts, FL_RING_WORDS};

    fl_tensor_init(t, name, FL_U64, 2, dims);
    t->role = FL_CIPHER;
    if (!set_attrs(plan, &t->attrs))
        return 0;
    fl_meta_release(&t->attrs);
    return -1;
}

uint64_t
fl_plan_he_round(const struct fl_plan *plan)
{
    return plan->round - (uint64_t)plan->roster.first_round;
}

/* ---- what a ciphertext holds ---- */

struct fl_plan_text
fl_plan_text(const struct fl_plan *plan, uint64_t index)
{
    size_t p = 0;

    while (p + 1 < plan->he.count && index >= plan->he.parts[p].ciphertexts)
        index -= plan->he.parts[p++].ciphertexts;
    const struct fl_rlwe_part *part = &plan->he.parts[p];
    const uint64_t all = fl_rlwe_capacity(&part->lanes), at = index * all;
    return (struct fl_plan_text){p, at, fl_min_u64(all, part->coordinates - at)};
}

uint64_t
fl_plan_text_of(const struct fl_plan *plan, size_t part, uint64_t at)
{
    uint64_t index = at / fl_rlwe_capacity(&plan->he.parts[part].lanes);

    for (size_t p = 0; p < part; p++)
        index += plan->he.parts[p].ciphertexts;
    return index;
}

const struct fl_plan_tensor *
fl_plan_text_next(const struct fl_plan *plan, const struct fl_plan_text *text, size_t *i,
                  uint64_t *from, uint64_t *to)
{
    const uint64_t end = text->at + text->count;

    while (*i < plan->count) {
        const struct fl_plan_tensor *t = &plan->tensors[(*i)++];
        if (t->role != FL_CIPHER || t->part != text->part || t->coordinate >= end ||
            t->coordinate + t->elements <= text->at)
            continue;
        *from = text->at > t->coordinate ? text->at - t->coordinate : 0;
        *to = fl_min_u64(t->elements, end - t->coordinate);
        return t;
    }
    return NULL;
}

/* ---- keys ---- */

static const struct fl_line *
helper_line(const struct fl_plan *plan, size_t h)
{
    return &plan->roster.parties[plan->roster.helpers[h]];
}

/* Packed keys of all helpers into B, a sum. -1 when one is no element of the ring. */
static int
add_keys(const struct fl_plan *plan, uint64_t *b)
{
    for (size_t h = 0; h < plan->roster.m; h++)
        if (fl_ring_add(b, plan->keys[h].key, 0, FL_RING_UNITS))
            return fl_error(FL_REFUSED, "its key of helper \"%s\" is none",
                            helper_line(plan, h)->name);
    return 0;
}

static int
check_path(const struct fl_plan *plan, size_t h)
{
    const struct fl_he_shown *shown = &plan->keys[h];

    return fl_roster_he_commits(&plan->roster, h, fl_plan_he_round(plan), shown->key, shown->path)
               ? 0
               : fl_error(FL_REFUSED,
                          "its key of helper \"%s\" is not the one that the roster commits it to "
                          "for this round",
                          helper_line(plan, h)->name);
}

int
fl_plan_he_check(const struct fl_plan *plan)
{
    uint64_t *b = fl_alloc(FL_RING_RESIDUES, sizeof *b);
    int failed = !b || add_keys(plan, b);

    for (size_t h = 0; h < plan->roster.m && !failed; h++)
        failed = check_path(plan, h);
    free(b);
    return failed ? -1 : 0;
}

struct fl_rlwe_key *
fl_plan_he_key(const struct fl_plan *plan, const struct fl_ring *ring)
{
    uint64_t *a = fl_alloc(2 * (size_t)FL_RING_RESIDUES, sizeof *a); /* and b, a sum */
    struct fl_rlwe_key *key = NULL;

    if (a && !add_keys(plan, a + FL_RING_RESIDUES)) {
        fl_he_common(a, plan->roster.federation, plan->roster.epoch, fl_plan_he_round(plan));
        key = fl_rlwe_key_new(ring, a, a + FL_RING_RESIDUES);
    }
    free(a);
    return key;
}

/* ---- in the plan's object ---- */

static void
key_tensor(const struct fl_plan *plan, size_t h, struct fl_tensor *t)
{
    const uint64_t words = FL_RING_WORDS;
    char name[FL_SITE_MAX + 8] = "he.";

    strcat(name, helper_line(plan, h)->name);
    fl_tensor_init(t, name, FL_U64, 1, &words);
}

int
fl_plan_he_write(const struct fl_plan *plan, struct fl_writer *w)
{
    for (size_t h = 0; plan->ciphertexts && h < plan->roster.m; h++) {
        struct fl_tensor t;
        key_tensor(plan, h, &t);
        int failed = fl_meta_set_bytes(&t.attrs, KEY_PATH, plan->keys[h].path, FL_HE_PATH) ||
                     fl_writer_tensor(w, &t) || fl_writer_data(w, plan->keys[h].key, FL_HE_KEY);
        fl_meta_release(&t.attrs);
        if (failed)
            return -1;
    }
    return 0;
}

static int
read_key(struct fl_plan *plan, size_t h, struct fl_object *o, size_t i)
{
    const struct fl_tensor *t = fl_object_tensor(o, i);
    const unsigned char *path, *key;
    struct fl_tensor want;

    key_tensor(plan, h, &want);
    if (strcmp(t->name, want.name) || !fl_tensor_same_shape(t, &want) || t->role != FL_PLAIN ||
        fl_meta_get_bytes(&t->attrs, KEY_PATH, FL_HE_PATH, &path))
        return fl_error(FL_REFUSED, "its \"%s\" is missing or has another form", want.name);
    if (!(key = fl_object_data(o, i)))
        return -1;
    memcpy(plan->keys[h].key, key, FL_HE_KEY);
    memcpy(plan->keys[h].path, path, FL_HE_PATH);
    return 0;
}

int
fl_plan_he_read(struct fl_plan *plan, struct fl_object *o, size_t first)
{
    const size_t keys = plan->ciphertexts ? plan->roster.m : 0;

    if (fl_object_count(o) != first + keys)
        return fl_error(FL_REFUSED, fl_object_count(o) > first + keys
                                        ? "has more tensors than a plan"
                                        : "lacks the helpers' keys of this round");
    if (!keys)
        return 0;
    plan->keys = fl_alloc(keys, sizeof *plan->keys);
    if (!plan->keys)
        return -1;
    for (size_t h = 0; h < keys; h++)
        if (read_key(plan, h, o, first + h))
            return -1;
    return fl_plan_he_check(plan);
}
