/*
 * A step: the documents drawn, longest first, go through the engine twice, for their norms and,
 * those that have one, for their clipped sum; then noise. Bits of the step's key: noise of chunk j
 * of the parameters is chunk j, the draws are chunk 2^43, 16 bytes a document whoever is drawn.
 */
#include "nn/dp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/least.h"
#include "base/mem.h"
#include "crypt/secret.h"
#include "nn/layers.h"
#include "priv/noise.h"

enum { CHUNK = 65536, PIECE = 2048 }; /* numbers of a task of noise; drawn at once */

#define DRAWS ((uint64_t)1 << 43)
#define GRID  0x1p24 /* steps of the grid in C */

/* How far one document moves the sum on the grid: its clipped length, and a rounding of each. */
static double
reach(size_t size)
{
    return GRID + sqrt((double)size);
}

int
fl_dp_sigma(const struct fl_dp_settings *s, size_t size, uint32_t *sigma)
{
    double want = ceil(s->noise * reach(size));

    if (!(want >= 2 && want <= FL_NOISE_SIGMA_MAX))
        return fl_error(FL_USAGE,
                        "noise of %g times the clip cannot be drawn for %zu parameters; %.1g to "
                        "%.4g would be right",
                        s->noise, size, 2 / reach(size), FL_NOISE_SIGMA_MAX / reach(size));
    *sigma = (uint32_t)want;
    return 0;
}

int
fl_dp_event(const struct fl_dp_settings *s, size_t size, uint64_t steps, struct fl_event *event)
{
    uint32_t sigma;

    if (fl_dp_sigma(s, size, &sigma))
        return -1;
    *event = (struct fl_event){.mechanism = FL_MECH_PDGAUSS,
                               .q = s->rate,
                               .noise = sigma,
                               .sens = ceil(reach(size)), /* whole, as the event wants it */
                               .count = steps};
    return 0;
}

int
fl_dp_start(struct fl_dp *dp)
{
    size_t n, threads = (size_t)fl_pool_threads(dp->pool);

    if (fl_dp_sigma(&dp->settings, dp->model->layout.trained, &dp->sigma) ||
        fl_mul_size(dp->B, dp->T, &n))
        return -1;
    dp->drawn = fl_alloc(dp->documents->count + 1, sizeof *dp->drawn);
    dp->x = fl_alloc(n, sizeof *dp->x);
    dp->y = fl_alloc(n, sizeof *dp->y);
    dp->loss = fl_alloc(n, sizeof *dp->loss);
    dp->scales = fl_alloc(dp->B, sizeof *dp->scales);
    dp->norm2 = fl_alloc(dp->B, sizeof *dp->norm2);
    dp->counted = fl_alloc(dp->B, sizeof *dp->counted);
    dp->buffers = fl_secret_alloc(threads, FL_NOISE_BUFFER);
    return dp->drawn && dp->x && dp->y && dp->loss && dp->scales && dp->norm2 && dp->counted &&
                   dp->buffers
               ? 0
               : -1;
}

void
fl_dp_release(struct fl_dp *dp)
{
    free(dp->drawn);
    free(dp->x);
    free(dp->y);
    free(dp->loss);
    free(dp->scales);
    free(dp->norm2);
    free(dp->counted);
    fl_secret_free(dp->buffers);
    fl_wipe(dp, sizeof *dp);
}

uint64_t
fl_dp_bytes(const struct fl_dp *dp, int threads)
{
    return (dp->documents->count + 1) * (sizeof(struct fl_dp_drawn) + sizeof(uint64_t)) +
           dp->B * (dp->T * 3 * sizeof(float) + 3 * sizeof(double)) +
           (uint64_t)threads * FL_NOISE_BUFFER;
}

static void
key_of_step(const struct fl_dp *dp, uint64_t step, unsigned char key[FL_STREAM_KEY])
{
    struct fl_hash h;

    fl_hash_init(&h, dp->key, "fl1.dp");
    fl_hash_add64(&h, step);
    fl_hash_add(&h, dp->about, sizeof dp->about);
    fl_hash_final(&h, key);
}

static int
longest_first(const void *a, const void *b)
{
    const struct fl_dp_drawn *x = a, *y = b;

    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return (x->document > y->document) - (x->document < y->document);
}

/* Each document by its own bits alone: it comes when they are below floor(rate 2^64). */
size_t
fl_dp_draw(const struct fl_dp *dp, uint64_t step)
{
    unsigned char key[FL_STREAM_KEY];
    double rate = dp->settings.rate;
    uint64_t below = rate < 1 ? (uint64_t)ldexp(rate, 64) : 0;
    struct fl_noise bits;
    size_t count = 0;

    key_of_step(dp, step, key);
    fl_noise_start(&bits, key, DRAWS, dp->buffers);
    for (size_t i = 0; i < dp->documents->count; i++) {
        uint64_t coin = fl_noise_u64(&bits), which = fl_noise_u64(&bits);
        if (rate < 1 && coin >= below)
            continue;
        size_t size = fl_documents_window_size(dp->documents, i, dp->T);
        dp->drawn[count++] = (struct fl_dp_drawn){i, size, which};
    }
    qsort(dp->drawn, count, sizeof *dp->drawn, longest_first);
    fl_wipe(key, sizeof key);
    return count;
}

/* The first windows of COUNT drawn documents that have a target, into a batch; *TOOK documents. */
static int
fill(const struct fl_dp *dp, const struct fl_dp_drawn *drawn, size_t count, struct fl_batch *batch,
     size_t *took)
{
    *batch = (struct fl_batch){0, drawn->size, dp->x, dp->y, NULL};
    for (*took = 0; *took < count && batch->B < dp->B; ++*took) {
        size_t at = batch->B * batch->T, b = batch->B;
        const struct fl_window w = {dp->x + at, dp->y + at, NULL};
        if (!drawn[*took].size)
            continue;
        if (fl_documents_window(dp->documents, drawn[*took].document, drawn[*took].draw, dp->T,
                                batch->T, &w, &dp->counted[b]))
            return -1;
        dp->scales[b] = dp->counted[b] ? 1 / (float)dp->counted[b] : 0;
        batch->B += dp->counted[b] > 0;
    }
    return 0;
}

/*
 * Take the windows out that have no finite gradient: a factor of 0 would not do, since 0 NaN is
 * NaN. The others get the scale that clips them.
 */
static void
clip(const struct fl_dp *dp, struct fl_batch *batch, struct fl_dp_step *did)
{
    size_t T = batch->T, kept = 0;

    for (size_t b = 0; b < batch->B; b++) {
        double norm = sqrt(dp->norm2[b]), most = dp->settings.clip * (1 - 0x1p-10);
        double loss = fl_loss_sum(dp->loss + b * T, T) / (double)dp->counted[b];
        if (!isfinite(norm) || !isfinite(loss))
            continue;
        did->clipped += norm > most;
        did->norm += norm;
        did->loss += loss;
        dp->scales[kept] = (float)((norm > most ? most / norm : 1) / (double)dp->counted[b]);
        memmove(dp->x + kept * T, dp->x + b * T, T * sizeof *dp->x);
        memmove(dp->y + kept * T, dp->y + b * T, T * sizeof *dp->y);
        kept++;
    }
    batch->B = kept;
}

/* The clipped sum over the first COUNT of the drawn. */
static int
add_up(const struct fl_dp *dp, struct fl_engine *e, size_t count, float *grads,
       struct fl_dp_step *did)
{
    const struct fl_stored *weights = dp->model->stored;
    uint64_t counted = 0;

    for (size_t at = 0, took; at < count; at += took) {
        struct fl_batch batch;
        if (!dp->drawn[at].size)
            break; /* and all after it: they are too short to have a target */
        if (fill(dp, dp->drawn + at, count - at, &batch, &took))
            return -1;
        if (batch.B && fl_engine_norms(e, weights, &batch, dp->scales, dp->norm2, dp->loss))
            return -1;
        clip(dp, &batch, did);
        counted += batch.B;
        if (batch.B && fl_engine_grad_scaled(e, weights, &batch, dp->scales, grads, dp->loss))
            return -1;
    }
    did->drawn = count;
    did->left_out = count - counted;
    did->norm /= counted ? (double)counted : 1;
    did->loss /= counted ? (double)counted : 1;
    return 0;
}

struct noising {
    const struct fl_dp *dp;
    const unsigned char *key;
    float *grads;
};

/* To the grid, noise, and back, divided by what the settings say: nothing of it tells the draw. */
static void
noise_task(void *arg, size_t index, int worker)
{
    const struct noising *n = arg;
    const struct fl_dp *dp = n->dp;
    size_t at = index * CHUNK, end = fl_min(dp->model->layout.trained, at + CHUNK);
    double step = dp->settings.clip / GRID;
    double unit = step / (dp->settings.rate * (double)dp->documents->count);
    struct fl_noise bits;
    int64_t x[PIECE];

    fl_noise_start(&bits, n->key, index, dp->buffers + (size_t)worker * FL_NOISE_BUFFER);
    for (size_t count; at < end; at += count) {
        count = fl_min(PIECE, end - at);
        fl_noise_dgauss_fill(&bits, dp->sigma, x, count);
        for (size_t i = 0; i < count; i++) {
            double g = (double)n->grads[at + i] / step;
            int64_t whole = fabs(g) < 0x1p62 ? (int64_t)rint(g) : 0; /* not finite: 0 too */
            n->grads[at + i] = (float)((double)(whole + x[i]) * unit);
        }
    }
    fl_wipe(x, sizeof x);
}

/* What is held has no gradient, and gets no noise. */
static void
clear_held(const struct fl_layout *t, float *grads)
{
    for (size_t i = 0; i < t->count; i++)
        if (!t->params[i].frozen && t->params[i].held)
            memset(grads + t->params[i].place, 0, t->params[i].count * sizeof *grads);
}

int
fl_dp_gradient(const struct fl_dp *dp, struct fl_engine *e, uint64_t step, float *grads,
               struct fl_dp_step *did)
{
    const struct fl_layout *t = &dp->model->layout;
    unsigned char key[FL_STREAM_KEY];
    struct noising n = {dp, key, grads};

    *did = (struct fl_dp_step){0};
    int failed = add_up(dp, e, fl_dp_draw(dp, step), grads, did);
    key_of_step(dp, step, key);
    if (!failed)
        fl_pool_run(dp->pool, (t->trained + CHUNK - 1) / CHUNK, noise_task, &n);
    clear_held(t, grads);
    fl_wipe(key, sizeof key);
    return failed;
}
