/*
 * A step that hides documents against a plain one of as many tokens, in turns in one run, and the
 * memory of each: bench_dp [PRESET [VOCAB [B [T]]]]
 */
#include <string.h>
#include <unistd.h>

#include "crypt/secret.h"
#include "flt/writer.h"
#include "math/random.h"
#include "nn/adamw.h"
#include "nn/dp.h"
#include "nn/preset.h"

#include "bench.h"

enum { TURNS = 3, BATCHES = 2 };

struct bench {
    struct fl_model *m;
    struct fl_pool *pool;
    struct fl_adamw adamw;
    struct fl_data *data;
    struct fl_documents documents;
    struct fl_dp dp;
    struct fl_engine *plain, *hiding;
    size_t B, T;
    uint32_t *x, *y;
    float *grads, *loss;
};

/* BATCHES B documents, each of whole windows of T. */
static int
write_shard(const struct bench *b, int fd, uint32_t vocab)
{
    const unsigned char tokenizer[FL_HASH_BYTES] = {0};
    uint64_t dim = BATCHES * b->B * (b->T + 1);
    struct fl_writer *w = fl_writer_new(fd, "shard", 0);
    struct fl_random r = {.seed = 1};
    struct fl_meta meta = {0};
    struct fl_tensor t;

    fl_tensor_init(&t, "tokens/000000", FL_U16, 1, &dim);
    int failed = !w || fl_meta_set_bytes(&meta, "tokenizer", tokenizer, sizeof tokenizer) ||
                 fl_meta_set_i64(&meta, "vocab", vocab) || fl_meta_set_i64(&meta, "eot", 0) ||
                 fl_writer_head(w, FL_KIND_TOKENS, &meta) || fl_writer_tensor(w, &t);
    for (uint64_t i = 0; !failed && i < dim; i++) {
        uint64_t id = i % (b->T + 1) == b->T ? 0 : 1 + fl_random_below(&r, vocab - 1);
        failed = fl_writer_data(w, (unsigned char[2]){(unsigned char)id, (unsigned char)(id >> 8)},
                                2);
    }
    failed = failed || fl_writer_done(w);
    fl_writer_free(w);
    fl_meta_release(&meta);
    return failed;
}

static int
open_documents(struct bench *b, uint32_t vocab)
{
    const unsigned char tokenizer[FL_HASH_BYTES] = {0};
    char path[] = "/tmp/bench_dp.XXXXXX";
    int fd = mkstemp(path);

    b->data = fl_data_new(tokenizer, vocab, NULL);
    int failed = fd < 0 || !b->data || write_shard(b, fd, vocab) || fl_data_add(b->data, path) ||
                 fl_documents_find(&b->documents, b->data);
    close(fd);
    unlink(path);
    return failed ? -1 : 0;
}

static int
start(struct bench *b, const char *preset, uint32_t vocab)
{
    struct fl_config c = {.vocab = vocab};

    if (fl_config_preset(&c, preset) || !(b->pool = fl_pool_new(0)) || !(b->m = fl_model_new(&c)) ||
        open_documents(b, vocab))
        return -1;
    fl_model_init(b->m, 1);
    b->adamw = (struct fl_adamw)FL_ADAMW_INIT;
    b->plain = fl_engine_new(b->m, b->pool, b->B, b->T, FL_ENGINE_TRAIN);
    b->hiding = fl_engine_new(b->m, b->pool, b->B, b->T,
                              (enum fl_engine_mode)(FL_ENGINE_TRAIN | FL_ENGINE_NORMS));
    b->grads = fl_layout_array(&b->m->layout);
    b->x = malloc(b->B * b->T * sizeof *b->x);
    b->y = malloc(b->B * b->T * sizeof *b->y);
    b->loss = malloc(b->B * b->T * sizeof *b->loss);
    b->dp = (struct fl_dp){.settings = {.clip = 1, .noise = 1, .rate = 1},
                           .documents = &b->documents,
                           .model = b->m,
                           .pool = b->pool,
                           .B = b->B,
                           .T = b->T};
    return b->plain && b->hiding && b->grads && b->x && b->y && b->loss &&
                   !fl_adamw_start(&b->adamw, &b->m->layout) && !fl_dp_start(&b->dp)
               ? 0
               : -1;
}

/* Seconds of a step over all documents; below 0: it failed. */
static double
plain_step(struct bench *b)
{
    const struct fl_batch batch = {b->B, b->T, b->x, b->y, NULL};
    double began = fl_seconds();

    for (size_t i = 0; i < BATCHES; i++) {
        for (size_t k = 0; k < b->B; k++) {
            const struct fl_window w = {b->x + k * b->T, b->y + k * b->T, NULL};
            uint64_t counted = 0;
            if (fl_documents_window(&b->documents, i * b->B + k, 0, b->T, b->T, &w, &counted))
                return -1;
        }
        if (fl_engine_grad(b->plain, b->m->stored, &batch, 1e-3F, b->grads, b->loss))
            return -1;
    }
    double norm = fl_array_norm(b->pool, b->grads, b->m->layout.trained);
    fl_adamw_step(&b->adamw, b->m, b->pool, b->grads, fl_clip(norm, 1), 1e-6);
    return fl_seconds() - began;
}

static double
hiding_step(struct bench *b, uint64_t step)
{
    struct fl_dp_step did;
    double began = fl_seconds();

    if (fl_dp_gradient(&b->dp, b->hiding, step, b->grads, &did))
        return -1;
    fl_adamw_step(&b->adamw, b->m, b->pool, b->grads, 1, 1e-6);
    return fl_seconds() - began;
}

/* Seconds of the norms of one batch, which plain_step has read. */
static double
norms_seconds(struct bench *b)
{
    const struct fl_batch batch = {b->B, b->T, b->x, b->y, NULL};
    double began = fl_seconds();

    if (fl_engine_norms(b->hiding, b->m->stored, &batch, b->dp.scales, b->dp.norm2, b->loss))
        return -1;
    return fl_seconds() - began;
}

/* What a training takes: weights, gradients, moments, and the engine's and the step's room. */
static double
memory(const struct bench *b, bool hides)
{
    int mode = FL_ENGINE_TRAIN | (hides ? FL_ENGINE_NORMS : 0), threads = fl_pool_threads(b->pool);
    uint64_t bytes = 0;

    if (fl_engine_bytes(b->m, threads, b->B, b->T, (enum fl_engine_mode)mode, &bytes))
        return -1;
    bytes += 4 * b->m->layout.size * sizeof(float);
    return (double)(bytes + (hides ? fl_dp_bytes(&b->dp, threads) : 0));
}

int
main(int argc, char **argv)
{
    const char *preset = argc > 1 ? argv[1] : "micro";
    uint32_t vocab = argc > 2 ? (uint32_t)atoi(argv[2]) : 4096;
    struct bench b = {.B = argc > 3 ? (size_t)atoi(argv[3]) : 8,
                      .T = argc > 4 ? (size_t)atoi(argv[4]) : 256};
    double ratio[TURNS], plain[TURNS], norms[TURNS];

    bench_need(fl_crypt_init());
    bench_need(start(&b, preset, vocab));
    for (int i = -1; i < TURNS; i++) { /* the first is not counted: memory is touched */
        double p = plain_step(&b), n = norms_seconds(&b), h = hiding_step(&b, (uint64_t)(i + 1));
        bench_need(p > 0 && n > 0 && h > 0 ? 0 : -1);
        norms[i < 0 ? 0 : i] = BATCHES * n / p;
        plain[i < 0 ? 0 : i] = p;
        ratio[i < 0 ? 0 : i] = h / p;
    }
    bench_tell("dp: a plain step", bench_median(plain, TURNS), "s");
    bench_tell("dp: norms alone, times a plain step", bench_median(norms, TURNS), "ratio");
    int kept = bench_at_most("dp: a step that hides documents, times a plain one",
                             bench_median(ratio, TURNS), "ratio", 2.2);
    kept &= bench_at_most("dp: its memory, times a plain one's",
                          memory(&b, true) / memory(&b, false), "ratio", 1.3);
    return !kept;
}
