/* Token shards and small models for tests of nn/. */
#ifndef FL_TEST_SHARD_H
#define FL_TEST_SHARD_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flt/writer.h"
#include "nn/data.h"
#include "nn/model.h"

enum { SHARD_VOCAB = 23, SHARD_EOT = 22 };

static const unsigned char shard_tokenizer[FL_HASH_BYTES] = "a tokenizer of 23 ids";

/* Text with something to learn: mostly each id leads to the next but two. */
static inline uint32_t
shard_id(unsigned seed, size_t i)
{
    uint32_t x = (uint32_t)i * 2654435761u + seed * 40503u;

    x = (x ^ x >> 15) * 2246822519u;
    return (x ^ x >> 13) % 7 == 0 ? (x >> 16) % SHARD_VOCAB : (uint32_t)(i * 2 % SHARD_VOCAB);
}

/* A file of COUNT such ids, u16, 100 a tensor; 0 or -1. */
static inline int
shard_write(const char *path, unsigned seed, size_t count)
{
    FILE *f = fopen(path, "wb");
    struct fl_writer *w = f ? fl_writer_new(fileno(f), path, 0) : NULL;
    struct fl_meta meta = {0};
    int result = !w || fl_meta_set_bytes(&meta, "tokenizer", shard_tokenizer, FL_HASH_BYTES) ||
                 fl_meta_set_i64(&meta, "vocab", SHARD_VOCAB) ||
                 fl_meta_set_i64(&meta, "eot", SHARD_EOT) ||
                 fl_writer_head(w, FL_KIND_TOKENS, &meta);

    for (size_t at = 0, n = 0; !result && at < count; at += 100, n++) {
        struct fl_tensor t;
        char name[32];
        uint64_t dim = count - at < 100 ? count - at : 100;
        snprintf(name, sizeof name, "tokens/%06zu", n);
        fl_tensor_init(&t, name, FL_U16, 1, &dim);
        result = fl_writer_tensor(w, &t);
        for (size_t i = at; !result && i < at + dim; i++)
            result = fl_writer_data(w, (unsigned char[2]){(unsigned char)shard_id(seed, i)}, 2);
    }
    result = result || fl_writer_done(w);
    fl_writer_free(w);
    fl_meta_release(&meta);
    if (f)
        fclose(f);
    return result ? -1 : 0;
}

/* The same, opened; NULL when something failed. */
static inline struct fl_data *
shard_data(unsigned seed, size_t count)
{
    char path[] = "/tmp/test_shard.XXXXXX";
    int fd = mkstemp(path);
    struct fl_data *d = fl_data_new(shard_tokenizer, SHARD_VOCAB, NULL);

    if (fd < 0 || !d || shard_write(path, seed, count) || fl_data_add(d, path)) {
        fl_data_free(d);
        d = NULL;
    }
    close(fd);
    unlink(path);
    return d;
}

/* A model of VOCAB ids and a context of 8, seeded. */
static inline struct fl_model *
shard_model(uint64_t seed, uint32_t vocab)
{
    const struct fl_config c = {.vocab = vocab,
                                .ctx = 8,
                                .layers = 2,
                                .channels = 16,
                                .heads = 4,
                                .kv_heads = 2,
                                .head_dim = 4,
                                .ffn = 24,
                                .norm_eps = 1e-5,
                                .rope_base = 10000,
                                .tied = true};
    struct fl_model *m = fl_model_new(&c);

    if (m)
        fl_model_init(m, seed);
    return m;
}

#endif
