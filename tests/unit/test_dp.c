/*
 * The steps of DP-SGD: the clipped sum against gradients made one by one, how far a document moves
 * it, who is drawn, what is not finite, and the noise.
 */
#include "nn/dp.h"

#include <math.h>

#include "crypt/secret.h"
#include "documents.h"
#include "floats.h"
#include "math/random.h"
#include "math/vector.h"
#include "test.h"

enum { MOST = 4000, BATCH = 3, CONTEXT = 8 };

/* Some documents, a model, and the step with next to no noise: four steps of the grid. */
struct bench {
    uint16_t ids[MOST];
    size_t count;
    struct fl_data *data;
    struct fl_documents documents;
    struct fl_model *m;
    struct fl_pool *pool;
    struct fl_engine *e;
    struct fl_dp dp;
    float *grads;
    struct fl_dp_step did;
};

/* N documents of 1 to 14 ids. */
static void
write_documents(struct bench *b, size_t n, uint64_t seed)
{
    struct fl_random r = {.seed = seed};

    b->count = 0;
    for (size_t i = 0; i < n; i++) {
        for (uint64_t k = fl_random_below(&r, 14); k; k--)
            b->ids[b->count++] = (uint16_t)fl_random_below(&r, 20);
        b->ids[b->count++] = SHARD_EOT;
    }
}

static uint32_t ffn = 12;

static struct fl_model *
make_model(bool tied)
{
    const struct fl_config c = {.vocab = SHARD_VOCAB,
                                .ctx = CONTEXT,
                                .layers = 1,
                                .channels = 8,
                                .heads = 2,
                                .kv_heads = 1,
                                .head_dim = 4,
                                .ffn = ffn,
                                .norm_eps = 1e-5,
                                .rope_base = 10000,
                                .tied = tied};
    struct fl_model *m = fl_model_new(&c);

    fl_random_normal(9, 0, 0, floats(m), m->layout.size, 0.4);
    return m;
}

static void
begin(struct bench *b, const struct fl_dp_settings *s, bool tied, int threads)
{
    b->data = documents_data(&(struct documents_shard){"record", b->ids, b->count});
    CHECK(b->data && !fl_documents_find(&b->documents, b->data));
    b->m = make_model(tied);
    b->pool = fl_pool_new(threads);
    b->e = fl_engine_new(b->m, b->pool, BATCH, CONTEXT,
                         (enum fl_engine_mode)(FL_ENGINE_NORMS | FL_ENGINE_TRAIN));
    b->dp = (struct fl_dp){.settings = *s,
                           .documents = &b->documents,
                           .model = b->m,
                           .pool = b->pool,
                           .B = BATCH,
                           .T = CONTEXT,
                           .key = "a key of the run"};
    b->grads = fl_layout_array(&b->m->layout);
    CHECK(b->e && !fl_dp_start(&b->dp));
}

static void
end(struct bench *b)
{
    fl_dp_release(&b->dp);
    fl_engine_free(b->e);
    fl_pool_free(b->pool);
    fl_model_free(b->m);
    fl_documents_release(&b->documents);
    fl_data_free(b->data);
    free(b->grads);
}

static void
step(struct bench *b, uint64_t number)
{
    memset(b->grads, 0, b->m->layout.trained * sizeof *b->grads);
    CHECK(!fl_dp_gradient(&b->dp, b->e, number, b->grads, &b->did));
}

/* The sum that the last step divided: on what settings and public counts say. */
static double
divisor(const struct bench *b)
{
    return b->dp.settings.rate * (double)b->documents.count;
}

/* The clipped gradients of all that was drawn, one after the other, added in doubles. */
static double *
one_by_one(struct bench *b, uint64_t number, size_t *clipped)
{
    size_t n = b->m->layout.trained, count = fl_dp_draw(&b->dp, number);
    double *sum = calloc(n, sizeof *sum);
    float *g = fl_layout_array(&b->m->layout), loss[CONTEXT];
    uint32_t x[CONTEXT], y[CONTEXT];
    struct fl_window w = {x, y, NULL};

    for (size_t i = 0; i < count; i++) {
        const struct fl_dp_drawn *d = &b->dp.drawn[i];
        struct fl_batch one = {1, d->size, x, y, NULL};
        uint64_t counted;
        if (!d->size)
            continue;
        CHECK(!fl_documents_window(&b->documents, d->document, d->draw, CONTEXT, d->size, &w,
                                   &counted));
        memset(g, 0, n * sizeof *g);
        CHECK(!fl_engine_grad(b->e, b->m->stored, &one, 1 / (float)counted, g, loss));
        double norm = sqrt(fl_vec_sum_squares(g, n)), most = b->dp.settings.clip * (1 - 0x1p-10);
        *clipped += norm > most;
        for (size_t j = 0; j < n; j++)
            sum[j] += g[j] * (norm > most ? most / norm : 1);
    }
    free(g);
    return sum;
}

static void
test_sum(void)
{
    static const struct fl_dp_settings settings[] = {{0.5, 2e-7, 0.5},
                                                     {3, 2e-7, 1},
                                                     {1e4, 2e-7, 0.7}};
    size_t clipped[3] = {0};

    for (size_t k = 0; k < 3; k++)
        for (uint64_t number = 0; number < 4; number++) {
            struct bench b;
            write_documents(&b, 17, number);
            begin(&b, &settings[k], k & 1, 1);
            size_t n = b.m->layout.trained, before = clipped[k];
            double *want = one_by_one(&b, number, &clipped[k]), d = 0, all = 0;
            step(&b, number);
            for (size_t j = 0; j < n; j++) {
                double error = b.grads[j] * divisor(&b) - want[j];
                d += error * error;
                all += want[j] * want[j];
            }
            double grid = settings[k].clip * 0x1p-24 * 4 * sqrt((double)n);
            if (!(sqrt(d) <= 2e-5 * sqrt(all) + 2 * grid))
                printf("# clip %g: off by %g of %g\n", settings[k].clip, sqrt(d), sqrt(all));
            CHECK(sqrt(d) <= 2e-5 * sqrt(all) + 2 * grid);
            CHECK(b.did.clipped == clipped[k] - before);
            free(want);
            end(&b);
        }
    CHECK(clipped[0] > 0 && clipped[1] > 0 && clipped[2] == 0);
}

/* One document more moves the clipped sum by at most C. */
static void
test_one_more(void)
{
    const struct fl_dp_settings s = {0.25, 2e-7, 0.8};
    double longest = 0;

    for (uint64_t k = 0; k < (test_under_valgrind() ? 20 : 1000); k++) {
        struct bench b[2];
        for (size_t i = 0; i < 2; i++) {
            write_documents(&b[i], 4 + i, k);
            begin(&b[i], &s, k & 1, 1);
            step(&b[i], k);
        }
        double moved = 0;
        for (size_t j = 0; j < b[0].m->layout.trained; j++) {
            double d = b[1].grads[j] * divisor(&b[1]) - b[0].grads[j] * divisor(&b[0]);
            moved += d * d;
        }
        longest = fmax(longest, sqrt(moved));
        for (size_t i = 0; i < 2; i++)
            end(&b[i]);
    }
    CHECK(longest > 0.99 * s.clip && longest <= s.clip);
}

/* Each document by its own coin: counts, pairs of neighbours, and how many a step has. */
static void
test_draws(void)
{
    enum { N = 40, STEPS = 20000 };
    const struct fl_dp_settings s = {1, 1, 0.3};
    struct bench b;
    double count[N] = {0}, pair[N] = {0}, square = 0, q = s.rate;

    write_documents(&b, N, 1);
    begin(&b, &s, true, 1);
    for (uint64_t k = 0; k < STEPS; k++) {
        bool is[N] = {0};
        size_t n = fl_dp_draw(&b.dp, k);
        for (size_t i = 0; i < n; i++)
            is[b.dp.drawn[i].document] = true;
        for (size_t i = 0; i < N; i++) {
            count[i] += is[i];
            pair[i] += is[i] && is[(i + 1) % N];
        }
        square += (n - q * N) * (n - q * N);
    }
    for (size_t i = 0; i < N; i++) {
        CHECK(fabs(count[i] - STEPS * q) < 5.5 * sqrt(STEPS * q * (1 - q)));
        CHECK(fabs(pair[i] - STEPS * q * q) < 5.5 * sqrt(STEPS * q * q * (1 - q * q)));
    }
    double variance = square / STEPS / (N * q * (1 - q));
    CHECK(fabs(variance - 1) < 5.5 * sqrt(2.0 / STEPS));
    end(&b);
}

/* A document of a token whose row leaves every range: as if its contribution were zero. */
static void
test_taken_out(void)
{
    const struct fl_dp_settings s = {0.5, 2e-7, 1};
    static const float wild[] = {1e30F, 3e38F};

    for (size_t k = 0; k < 2; k++) {
        struct bench b[2];
        for (size_t i = 0; i < 2; i++) {
            write_documents(&b[i], 9, 5);
            for (size_t j = 0; j < 5; j++) /* five tokens, or five documents that have no target */
                b[i].ids[b[i].count++] = i ? SHARD_EOT : 21;
            b[i].ids[b[i].count++] = SHARD_EOT;
            for (size_t j = 0; j < 5 && !i; j++)
                b[i].ids[b[i].count++] = SHARD_EOT;
            begin(&b[i], &s, false, 1);
            for (size_t j = 0; j < 8; j++)
                ((float *)b[i].m->stored[0].data)[21 * 8 + j] = wild[k];
            step(&b[i], 3);
        }
        CHECK(b[0].documents.count == b[1].documents.count);
        CHECK(b[0].did.left_out == b[1].did.left_out && b[0].did.loss > 0);
        double d = 0, all = 0;
        for (size_t j = 0; j < b[0].m->layout.trained; j++) {
            CHECK(isfinite(b[0].grads[j]));
            d += pow((double)b[0].grads[j] - b[1].grads[j], 2);
            all += pow(b[1].grads[j], 2);
        }
        CHECK(all > 0 && d < 1e-10 * all);
        for (size_t i = 0; i < 2; i++)
            end(&b[i]);
    }
}

/* Of a model that is not finite itself, and of a step that draws nobody, the noise is left. */
static void
test_noise(void)
{
    const struct fl_dp_settings s[2] = {{0.5, 1.5, 1}, {0.5, 1.5, 1e-18}};

    for (size_t k = 0; k < 2; k++) {
        struct bench b;
        float *first;
        write_documents(&b, 5, 5);
        begin(&b, &s[k], true, 1);
        size_t n = b.m->layout.trained;
        if (k == 0)
            for (size_t j = 0; j < b.m->layout.size; j++)
                floats(b.m)[j] = NAN;
        step(&b, 0);
        double want = s[k].noise * s[k].clip / divisor(&b);
        double got = sqrt(fl_vec_sum_squares(b.grads, n) / (double)n);
        CHECK(b.did.drawn == (k ? 0 : 5) && b.did.left_out == b.did.drawn);
        CHECK(fabs(got / want - 1) < 5 / sqrt(2.0 * (double)n));
        first = malloc(n * sizeof *first);
        memcpy(first, b.grads, n * sizeof *first);
        step(&b, 0);
        CHECK(!memcmp(first, b.grads, n * sizeof *first));
        step(&b, 1);
        CHECK(memcmp(first, b.grads, n * sizeof *first));
        b.dp.about[0] ^= 1; /* other settings, same key and step */
        step(&b, 0);
        CHECK(memcmp(first, b.grads, n * sizeof *first));
        free(first);
        end(&b);
    }
}

/* Each 65,536 numbers have a stream of their own, whoever draws from it. */
static void
test_chunks(void)
{
    const struct fl_dp_settings s = {0.5, 1, 1e-18};
    enum { CHUNK = 65536 };
    struct bench b[2];

    ffn = 6000;
    for (size_t i = 0; i < 2; i++) {
        write_documents(&b[i], 5, 5);
        begin(&b[i], &s, true, i ? 2 : 1);
        step(&b[i], 3);
        CHECK(b[i].m->layout.trained > 2 * CHUNK);
    }
    for (size_t at = 0; at < CHUNK; at += 1000)
        CHECK(memcmp(b[0].grads + at, b[0].grads + CHUNK + at, 100 * sizeof(float)));
    CHECK(!memcmp(b[0].grads, b[1].grads, b[0].m->layout.trained * sizeof(float)));
    for (size_t i = 0; i < 2; i++)
        end(&b[i]);
    ffn = 12;
}

static void
test_threads(void)
{
    const struct fl_dp_settings s = {0.5, 1, 0.6};
    struct bench b[2];

    for (size_t i = 0; i < 2; i++) {
        write_documents(&b[i], 30, 2);
        begin(&b[i], &s, true, i ? 3 : 1);
        step(&b[i], 7);
    }
    CHECK(!memcmp(b[0].grads, b[1].grads, b[0].m->layout.trained * sizeof(float)));
    for (size_t i = 0; i < 2; i++)
        end(&b[i]);
}

static void
test_scale(void)
{
    struct fl_event e;
    uint32_t sigma = 0;

    CHECK(!fl_dp_sigma(&(struct fl_dp_settings){1, 1, 1}, 1000000, &sigma) && sigma == 16778216);
    CHECK(!fl_dp_sigma(&(struct fl_dp_settings){1, 0.5, 1}, 2, &sigma) && sigma == 8388609);
    CHECK(fl_dp_sigma(&(struct fl_dp_settings){1, 129, 1}, 2, &sigma) == -1);
    CHECK(fl_dp_sigma(&(struct fl_dp_settings){1, 1e-9, 1}, 2, &sigma) == -1);
    CHECK(!fl_dp_event(&(struct fl_dp_settings){1, 1.1, 0.01}, 100, 50, &e));
    CHECK(e.mechanism == FL_MECH_PDGAUSS && e.q == 0.01 && e.count == 50);
    CHECK(e.sens == 16777226 && fabs(fl_event_ratio(&e) / 1.1 - 1) < 1e-7);
}

int
main(void)
{
    CHECK(!fl_crypt_init());
    RUN(test_sum);
    RUN(test_one_more);
    RUN(test_draws);
    RUN(test_taken_out);
    RUN(test_noise);
    RUN(test_chunks);
    RUN(test_threads);
    RUN(test_scale);
    return test_end();
}
