/*
 * Objects in unlinked files, for tests of what reads them. Failures are CHECKs.
 */
#ifndef FL_TEST_SPOOL_H
#define FL_TEST_SPOOL_H

#include <unistd.h>

#include "flt/object.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/file.h"
#include "test.h"

struct spool_tensor {
    const char *name;
    enum fl_dtype dtype;
    uint64_t dims[2]; /* the second one 0: of rank 1 */
    const void *data;
};

/* An object of tensors up to one without a name, in a new file at its start. */
static inline int
spool_object(const char *kind, const struct fl_meta *meta, const struct spool_tensor *tensors)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);

    CHECK(fd >= 0 && w && !fl_writer_head(w, kind, meta));
    for (; tensors->name; tensors++) {
        struct fl_tensor t;
        uint64_t elements, bytes;
        fl_tensor_init(&t, tensors->name, tensors->dtype, tensors->dims[1] ? 2 : 1, tensors->dims);
        CHECK(!fl_tensor_size(&t, &elements, &bytes) && !fl_writer_tensor(w, &t) &&
              !fl_writer_data(w, tensors->data, bytes));
    }
    CHECK(!fl_writer_done(w));
    fl_writer_free(w);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* A reader of it that has returned its head, or with HEAD NULL has not. */
static inline struct fl_reader *
spool_reader(int fd, const struct fl_head **head)
{
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    struct fl_reader *in = fl_reader_new(fd, "spool");
    CHECK(in && (!head || fl_reader_object(in, head) == 1));
    return in;
}

static inline struct fl_object *
spool_open(int fd, const char *kind)
{
    char path[40];

    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    return fl_object_open(path, kind);
}

#endif
