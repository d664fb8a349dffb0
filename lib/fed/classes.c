/* Counts follow from the plan; seconds are of the kernels themselves, on a piece in cache. */
#include "fed/classes.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fed/encode.h"
#include "os/clock.h"

#define TRIAL 0.05 /* seconds */

static enum fl_class
class_of(const struct fl_plan_tensor *t)
{
    return t->role == FL_MASKED   ? FL_CLASS_MASK
           : t->role == FL_CIPHER ? FL_CLASS_HE
                                  : FL_CLASS_PLAIN;
}

/* The model's values that training changes and that do not travel. */
static uint64_t
count_frozen(const struct fl_plan *plan)
{
    uint64_t all = 0, elements, bytes;

    for (size_t i = 0; i < plan->model.count; i++)
        if (!fl_plan_travels(plan, plan->model.items[i].tensor.name) &&
            !fl_tensor_size(&plan->model.items[i].tensor, &elements, &bytes))
            all += elements;
    return all;
}

void
fl_classes_count(const struct fl_plan *plan, struct fl_class_cost *costs)
{
    const uint64_t ciphers = plan->ciphertexts * FL_RING_WORDS * sizeof(uint64_t);

    for (int c = 0; c < FL_CLASSES; c++)
        costs[c] = (struct fl_class_cost){0};
    for (size_t i = 0; i < plan->count; i++) {
        const struct fl_plan_tensor *t = &plan->tensors[i];
        struct fl_class_cost *c = &costs[class_of(t)];
        c->values += t->elements;
        c->up_bytes += plan->roster.protection == FL_PROTECTION_NONE ? t->elements * sizeof(float)
                                                                     : t->words * sizeof(uint64_t);
        c->down_bytes += t->elements * sizeof(float);
        if (t->role == FL_MASKED && plan->roster.m)
            c->answer_bytes += t->words * sizeof(uint64_t);
    }
    costs[FL_CLASS_HE].up_bytes = 2 * ciphers;
    costs[FL_CLASS_HE].answer_bytes = costs[FL_CLASS_HE].reading_bytes = ciphers;
    costs[FL_CLASS_FROZEN].values = count_frozen(plan);
}

/* ---- seconds ---- */

/* Seconds of one call of STEP, tried until TRIAL is over. */
static double
try_it(void (*step)(void *arg), void *arg)
{
    const double start = fl_seconds();
    double spent;
    unsigned times = 0;

    do {
        step(arg);
        times++;
        spent = fl_seconds() - start;
    } while (spent < TRIAL);
    return spent / times;
}

struct lanes { /* a chunk of words */
    struct fl_lane_encoder encoder;
    float *values;
    uint64_t *words, *sum;
    struct fl_mask *masks;
    size_t mask_count; /* 0: plain */
    struct fl_encoded counts;
};

static void
make_lanes(void *arg)
{
    struct lanes *l = arg;
    const struct fl_masking m = {.masks = l->masks, .count = l->mask_count};

    fl_lane_encode(&l->encoder, l->values, FL_CHUNK_WORDS * l->encoder.lanes.count, l->words,
                   &l->counts);
    if (l->mask_count)
        fl_masks_add(&m, &l->encoder.lanes, l->words, FL_CHUNK_WORDS, 0);
}

static void
add_lanes(void *arg)
{
    const struct lanes *l = arg;

    fl_lanes_add(&l->encoder.lanes, l->sum, l->words, FL_CHUNK_WORDS);
}

/* Of a class of lanes: by the widths of its first tensor. */
static int
time_lanes(const struct fl_plan *plan, enum fl_class c, struct fl_class_cost *cost)
{
    const struct fl_roster *r = &plan->roster;
    size_t i = 0;

    while (i < plan->count && class_of(&plan->tensors[i]) != c)
        i++;
    if (i == plan->count || !plan->tensors[i].rule->bits)
        return 0;
    struct lanes l = {.mask_count = c == FL_CLASS_PLAIN ? 0 : r->m ? r->m : r->n - 1};
    fl_lane_encoder_init(&l.encoder, plan->tensors[i].rule, UINT64_C(1) << FL_WEIGHT_BITS);
    l.values = fl_alloc((size_t)FL_CHUNK_WORDS * l.encoder.lanes.count, sizeof *l.values);
    l.words = fl_alloc_aligned(2 * (size_t)FL_CHUNK_WORDS, sizeof *l.words);
    l.masks = fl_alloc(l.mask_count, sizeof *l.masks);
    int failed = !l.values || !l.words || !l.masks;
    if (!failed) {
        const double chunks = (double)cost->up_bytes / (8.0 * FL_CHUNK_WORDS);
        for (size_t k = 0; k < l.mask_count; k++)
            l.masks[k].sign = 1;
        l.sum = l.words + FL_CHUNK_WORDS;
        cost->make_seconds = chunks * try_it(make_lanes, &l);
        cost->add_seconds = chunks * try_it(add_lanes, &l);
    }
    free(l.values);
    free(l.words);
    free(l.masks);
    return failed ? -1 : 0;
}

struct ciphers {
    struct fl_rlwe_key *key;
    struct fl_rlwe_work *work;
    struct fl_rlwe_text text;
    uint64_t *c0, *c1, *sum;
};

/* As fl-mask makes them: all c1 first, then all c0. */
static void
make_cipher(void *arg)
{
    const struct ciphers *c = arg;

    fl_rlwe_encrypt(c->key, c->work, &c->text, NULL, c->c1);
    fl_rlwe_encrypt(c->key, c->work, &c->text, c->c0, NULL);
}

static void
add_cipher(void *arg)
{
    const struct ciphers *c = arg;
    int held = fl_ring_add(c->sum, c->c0, 0, FL_RING_UNITS); /* what was made above is reduced */

    (void)held;
}

static int
time_ciphers(const struct fl_plan *plan, struct fl_class_cost *cost)
{
    static const unsigned char seed[FL_RING_SEED];
    const struct fl_rlwe_part *part = &plan->he.parts[0];
    struct ciphers c = {.text = {.lanes = part->lanes, .seed = seed}};
    struct fl_ring ring;
    int64_t *values;

    if (fl_ring_init(&ring))
        return -1;
    c.text.count = (size_t)fl_plan_text(plan, 0).count;
    c.text.values = values = fl_alloc(c.text.count, sizeof *values);
    c.key = fl_plan_he_key(plan, &ring);
    c.work = fl_rlwe_work_new();
    c.c0 = fl_alloc_aligned(2 * (size_t)FL_RING_WORDS, sizeof *c.c0);
    c.sum = fl_alloc(FL_RING_RESIDUES, sizeof *c.sum);
    int failed = !values || !c.key || !c.work || !c.c0 || !c.sum;
    if (!failed) {
        c.c1 = c.c0 + FL_RING_WORDS;
        cost->make_seconds = (double)plan->ciphertexts * try_it(make_cipher, &c);
        cost->add_seconds = (double)plan->ciphertexts * try_it(add_cipher, &c);
    }
    free(values);
    fl_rlwe_key_free(c.key);
    fl_rlwe_work_free(c.work);
    free(c.c0);
    free(c.sum);
    fl_ring_release(&ring);
    return failed ? -1 : 0;
}

int
fl_classes_time(const struct fl_plan *plan, struct fl_class_cost *costs)
{
    return time_lanes(plan, FL_CLASS_PLAIN, &costs[FL_CLASS_PLAIN]) ||
                   time_lanes(plan, FL_CLASS_MASK, &costs[FL_CLASS_MASK]) ||
                   (plan->ciphertexts && time_ciphers(plan, &costs[FL_CLASS_HE]))
               ? -1
               : 0;
}

/* ---- the report ---- */

static void
put_bytes(struct fl_report *r, const char *key, const struct fl_class_cost *costs, size_t at)
{
    fl_report_list(fl_report_key(r, key));
    for (int c = 0; c < FL_CLASSES; c++)
        if (costs[c].values)
            fl_report_u64(r, *(const uint64_t *)(const void *)((const char *)&costs[c] + at));
    fl_report_list_end(r);
}

static void
put_seconds(struct fl_report *r, const char *key, const struct fl_class_cost *costs, size_t at)
{
    fl_report_list(fl_report_key(r, key));
    for (int c = 0; c < FL_CLASSES; c++)
        if (costs[c].values)
            fl_report_f64(r, *(const double *)(const void *)((const char *)&costs[c] + at), 3);
    fl_report_list_end(r);
}

static void
put_texts(struct fl_report *r, const char *key, const struct fl_class_cost *costs,
          const char *const *texts)
{
    fl_report_list(fl_report_key(r, key));
    for (int c = 0; c < FL_CLASSES; c++)
        if (costs[c].values)
            fl_report_text(r, texts[c]);
    fl_report_list_end(r);
}

int
fl_classes_report(struct fl_report *r, const struct fl_plan *plan)
{
    static const char *const names[] = {"plain", "mask", "he", "frozen"};
    static const char *const seen[] = {
        "each site's values",
        "the sum that is opened",
        "the sum that is opened; with one site that cheats any site's values",
        "nothing",
    };
    struct fl_class_cost costs[FL_CLASSES];

    fl_classes_count(plan, costs);
    if (fl_classes_time(plan, costs))
        return -1;
    put_texts(r, "classes", costs, names);
    put_bytes(r, "class_values", costs, offsetof(struct fl_class_cost, values));
    put_bytes(r, "class_up_bytes", costs, offsetof(struct fl_class_cost, up_bytes));
    put_bytes(r, "class_down_bytes", costs, offsetof(struct fl_class_cost, down_bytes));
    put_bytes(r, "class_answer_bytes", costs, offsetof(struct fl_class_cost, answer_bytes));
    put_bytes(r, "class_reading_bytes", costs, offsetof(struct fl_class_cost, reading_bytes));
    put_seconds(r, "class_make_seconds", costs, offsetof(struct fl_class_cost, make_seconds));
    put_seconds(r, "class_add_seconds", costs, offsetof(struct fl_class_cost, add_seconds));
    put_texts(r, "class_seen", costs, seen);
    return 0;
}
