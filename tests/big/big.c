/*
 * A model and an update of many MiB, made as fast as a disk takes them: tensors of MIB MiB of f32,
 * all of one pattern.
 *
 *     big MODEL UPDATE TENSORS MIB
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "crypt/secret.h"
#include "flt/object.h"
#include "flt/writer.h"

enum { ROW = 1 << 18 }; /* values in a MiB */

static void
need(int good)
{
    if (good)
        return;
    fprintf(stderr, "big: %s\n", fl_error_text());
    exit(1);
}

static void
write_object(const char *path, const char *kind, const struct fl_meta *meta, int tensors,
             uint64_t mib, float size, unsigned char digest[32])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, path, 0);
    float *row = malloc(ROW * sizeof *row);
    const uint64_t count = mib * ROW;

    for (int i = 0; i < ROW; i++)
        row[i] = size * (float)(i % 2001 - 1000) / 1000;
    need(w != NULL);
    fl_writer_want_digest(w);
    need(!fl_writer_head(w, kind, meta));
    for (int t = 0; t < tensors; t++) {
        struct fl_tensor tensor;
        char name[20];
        snprintf(name, sizeof name, "layer.%d", t);
        fl_tensor_init(&tensor, name, FL_F32, 1, &count);
        need(!fl_writer_tensor(w, &tensor));
        for (uint64_t m = 0; m < mib; m++)
            need(!fl_writer_data(w, row, ROW * sizeof *row));
    }
    need(!fl_writer_done(w));
    fl_writer_digest(w, digest);
    fl_writer_free(w);
    free(row);
    close(fd);
}

int
main(int argc, char **argv)
{
    struct fl_meta model = {0}, update = {0};
    unsigned char digest[32];

    need(argc == 5 && !fl_crypt_init());
    const int tensors = atoi(argv[3]);
    const uint64_t mib = (uint64_t)atoi(argv[4]);
    need(!fl_meta_set_i64(&model, "round", 0));
    write_object(argv[1], FL_KIND_MODEL, &model, tensors, mib, 1, digest);
    struct fl_object *o = fl_object_open(argv[1], FL_KIND_MODEL);
    unsigned char params[32];
    need(o && !fl_object_params(o, NULL, params));
    fl_object_free(o);
    need(!fl_meta_set_bytes(&update, "base", digest, 32) &&
         !fl_meta_set_bytes(&update, "base.params", params, 32) &&
         !fl_meta_set_i64(&update, "base.round", 0) && !fl_meta_set_i64(&update, "examples", 10));
    write_object(argv[2], FL_KIND_UPDATE, &update, tensors, mib, 0.1F, digest);
    fl_meta_release(&model);
    fl_meta_release(&update);
    return 0;
}
