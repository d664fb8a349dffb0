/* Shards of documents that a test writes out, of the ids of shard.h. */
#ifndef FL_TEST_DOCUMENTS_H
#define FL_TEST_DOCUMENTS_H

#include "shard.h"

struct documents_shard {
    const char *unit;    /* or NULL */
    const uint16_t *ids; /* documents end with SHARD_EOT */
    size_t count;
};

/* A file of them; 0 or -1. */
static inline int
documents_write(const char *path, const struct documents_shard *s)
{
    FILE *f = fopen(path, "wb");
    struct fl_writer *w = f ? fl_writer_new(fileno(f), path, 0) : NULL;
    struct fl_meta meta = {0};
    struct fl_tensor t;
    uint64_t dim = s->count;
    int result = !w || fl_meta_set_bytes(&meta, "tokenizer", shard_tokenizer, FL_HASH_BYTES) ||
                 fl_meta_set_i64(&meta, "vocab", SHARD_VOCAB) ||
                 fl_meta_set_i64(&meta, "eot", SHARD_EOT) ||
                 (s->unit && fl_meta_set_text(&meta, "unit", s->unit)) ||
                 fl_writer_head(w, FL_KIND_TOKENS, &meta);

    if (!result) {
        fl_tensor_init(&t, "tokens/000000", FL_U16, 1, &dim);
        result = fl_writer_tensor(w, &t);
    }
    for (size_t i = 0; !result && i < s->count; i++)
        result = fl_writer_data(w, (unsigned char[2]){(unsigned char)s->ids[i]}, 2);
    result = result || fl_writer_done(w);
    fl_writer_free(w);
    fl_meta_release(&meta);
    if (f)
        fclose(f);
    return result ? -1 : 0;
}

/* The same as data; NULL when something failed. */
static inline struct fl_data *
documents_data(const struct documents_shard *s)
{
    char path[] = "/tmp/test_documents.XXXXXX";
    int fd = mkstemp(path);
    struct fl_data *d = fl_data_new(shard_tokenizer, SHARD_VOCAB, NULL);

    if (fd < 0 || !d || documents_write(path, s) || fl_data_add(d, path) || fl_data_sort(d)) {
        fl_data_free(d);
        d = NULL;
    }
    close(fd);
    unlink(path);
    return d;
}

#endif
