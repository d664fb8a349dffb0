/* bench_copy [FILE]: copy a stream to standard output, checked; bench_stream times it. */
#include <stdio.h>

#include "base/error.h"
#include "crypt/secret.h"
#include "flt/reader.h"
#include "flt/writer.h"

static int
copy_tensors(struct fl_reader *in, struct fl_writer *out)
{
    const struct fl_tensor *t;
    const unsigned char *data;
    size_t len;
    int got;

    while ((got = fl_reader_tensor(in, &t)) == 1) {
        if (fl_writer_tensor(out, t))
            return -1;
        while ((got = fl_reader_block(in, &data, &len)) == 1)
            if (fl_writer_data(out, data, len))
                return -1;
        if (got)
            return -1;
    }
    return got ? -1 : fl_writer_done(out);
}

static int
copy(struct fl_reader *in, struct fl_writer *out)
{
    const struct fl_head *head;
    const struct fl_sign *sign;
    int got;

    while ((got = fl_reader_object(in, &head)) == 1) {
        if (fl_writer_head(out, head->kind, &head->meta) || copy_tensors(in, out))
            return -1;
        while ((got = fl_reader_sign(in, &sign)) == 1)
            if (fl_writer_sign(out, sign))
                return -1;
        if (got)
            return -1;
    }
    return got;
}

int
main(int argc, char **argv)
{
    struct fl_reader *in = fl_crypt_init() ? NULL : fl_reader_open(argc > 1 ? argv[1] : NULL);
    struct fl_writer *out = in ? fl_writer_new(1, "standard output", 0) : NULL;
    int result = out ? copy(in, out) : -1;

    fl_reader_free(in);
    fl_writer_free(out);
    if (result)
        fprintf(stderr, "bench_copy: %s\n", fl_error_text());
    return result ? 1 : 0;
}
