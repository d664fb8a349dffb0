/* Seconds are of the kernels themselves, on a piece in cache. */
#include "fed/classes.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "fed/encode.h"
#include "os/clock.h"

#define TRIAL 0.05 /* seconds */

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
time_lanes(const struct fl_plan *plan, enum fl_class c, uint64_t up_bytes,
           struct fl_class_time *time)
{
    const struct fl_roster *r = &plan->roster;
    size_t i = 0;

    while (i < plan->count && fl_class_of(&plan->tensors[i]) != c)
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
        const double chunks = (double)up_bytes / (8.0 * FL_CHUNK_WORDS);
        for (size_t k = 0; k < l.mask_count; k++)
            l.masks[k].sign = 1;
        l.sum = l.words + FL_CHUNK_WORDS;
        time->make = chunks * try_it(make_lanes, &l);
        time->add = chunks * try_it(add_lanes, &l);
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
time_ciphers(const struct fl_plan *plan, struct fl_class_time *time)
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
        time->make = (double)plan->ciphertexts * try_it(make_cipher, &c);
        time->add = (double)plan->ciphertexts * try_it(add_cipher, &c);
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
fl_classes_time(const struct fl_plan *plan, const struct fl_class_cost *costs,
                struct fl_class_time *times)
{
    for (int c = 0; c < FL_CLASSES; c++)
        times[c] = (struct fl_class_time){0};
    for (int c = FL_CLASS_PLAIN; c <= FL_CLASS_MASK; c++)
        if (time_lanes(plan, (enum fl_class)c, costs[c].up_bytes, &times[c]))
            return -1;
    return plan->ciphertexts ? time_ciphers(plan, &times[FL_CLASS_HE]) : 0;
}

/* ---- the report ---- */

/* A member of each cost, under a name. */
struct column {
    const char *key;
    size_t at;
};
static const struct column columns[] = {
    {"class_values", offsetof(struct fl_class_cost, values)},
    {"class_up_bytes", offsetof(struct fl_class_cost, up_bytes)},
    {"class_down_bytes", offsetof(struct fl_class_cost, down_bytes)},
    {"class_answer_bytes", offsetof(struct fl_class_cost, answer_bytes)},
    {"class_reading_bytes", offsetof(struct fl_class_cost, reading_bytes)},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static void
put_number(struct fl_report *r, const struct fl_class_cost *cost, size_t at)
{
    fl_report_u64(r, *(const uint64_t *)(const void *)((const char *)cost + at));
}

static void
put_seconds(struct fl_report *r, const char *key, const struct fl_class_cost *costs,
            const struct fl_class_time *times, size_t at)
{
    fl_report_list(fl_report_key(r, key));
    for (int c = 0; c < FL_CLASSES; c++)
        if (costs[c].values)
            fl_report_f64(r, *(const double *)(const void *)((const char *)&times[c] + at), 3);
    fl_report_list_end(r);
}

static void
put_texts(struct fl_report *r, const struct fl_class_cost *costs, const char *const *texts)
{
    for (int c = 0; c < FL_CLASSES; c++)
        if (costs[c].values)
            fl_report_text(r, texts[c]);
    fl_report_list_end(r);
}

int
fl_classes_report(struct fl_report *r, const struct fl_plan *plan)
{
    struct fl_class_cost costs[FL_CLASSES];
    struct fl_class_time times[FL_CLASSES];

    fl_classes_count(plan, costs);
    if (fl_classes_time(plan, costs, times))
        return -1;
    fl_report_list(fl_report_key(r, "classes"));
    put_texts(r, costs, fl_class_names);
    for (size_t k = 0; k < COLUMNS; k++) {
        fl_report_list(fl_report_key(r, columns[k].key));
        for (int c = 0; c < FL_CLASSES; c++)
            if (costs[c].values)
                put_number(r, &costs[c], columns[k].at);
        fl_report_list_end(r);
    }
    put_seconds(r, "class_make_seconds", costs, times, offsetof(struct fl_class_time, make));
    put_seconds(r, "class_add_seconds", costs, times, offsetof(struct fl_class_time, add));
    fl_report_list(fl_report_key(r, "class_seen"));
    put_texts(r, costs, fl_class_seen);
    return 0;
}

const char *const fl_tensors_columns[] = {"tensor",     "class",        "values",        "up_bytes",
                                          "down_bytes", "answer_bytes", "reading_bytes", NULL};

void
fl_tensors_report(struct fl_report *r, const struct fl_plan *plan)
{
    struct fl_class_cost cost;
    size_t at = 0;

    for (size_t i = 0; i < plan->model.count; i++) {
        fl_report_text(r, plan->model.items[i].tensor.name);
        fl_report_text(r, fl_class_names[fl_class_tensor(plan, i, &at, &cost)]);
        for (size_t k = 0; k < COLUMNS; k++)
            put_number(r, &cost, columns[k].at);
    }
}
