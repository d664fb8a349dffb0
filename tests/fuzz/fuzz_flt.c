/*
 * Any bytes as a stream: no crash, no memory beyond what is there, and what is accepted raw is
 * written again to the same bytes. Check values are repaired first, or no mutation would get past
 * them; an input of odd length is left as it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"
#include "crypt/secret.h"
#include "flt/listing.h"
#include "flt/object.h"
#include "flt/reader.h"
#include "flt/values.h"
#include "flt/writer.h"
#include "os/file.h"
#include "os/watch.h"
#include "repair.h"

/* Two spools for all inputs: making files is slower than reading small streams. */
static int from, to;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    from = fl_spool_open();
    to = fl_spool_open();
    fl_watch_hurry();
    return from < 0 || to < 0 ? -1 : fl_crypt_init();
}

/* Copy all of IN to a spool, looking at values on the way. 0 when all of it was whole. */
static int
copy(struct fl_reader *in, struct fl_writer *out, bool *packed)
{
    const struct fl_head *head;
    const struct fl_tensor *t;
    const struct fl_sign *sign;
    const unsigned char *data;
    size_t len;
    int got;

    while ((got = fl_reader_object(in, &head)) == 1) {
        fl_writer_head(out, head->kind, &head->meta);
        while ((got = fl_reader_tensor(in, &t)) == 1) {
            *packed |= fl_reader_packed(in);
            fl_writer_tensor(out, t);
            while ((got = fl_reader_block(in, &data, &len)) == 1) {
                struct fl_stats stats = {0};
                fl_stats_add(&stats, t->dtype, data, len / fl_dtype_size(t->dtype));
                fl_writer_data(out, data, len);
            }
            if (got < 0)
                break;
        }
        if (got == 0 && fl_writer_done(out))
            abort();
        while (got == 0 && (got = fl_reader_sign(in, &sign)) == 1) {
            fl_writer_sign(out, sign);
            got = 0;
        }
        if (got < 0)
            break;
    }
    return got;
}

/* What fl-info would print of it. */
static void
list(int fd)
{
    const struct fl_head *head;
    struct fl_listing l;
    struct fl_reader *in;

    if (lseek(fd, 0, SEEK_SET) || !(in = fl_reader_new(fd, "fuzz")))
        abort();
    fl_listing_start(&l, true);
    l.file = "fuzz";
    while (fl_reader_object(in, &head) == 1)
        if (fl_listing_object(&l, in, head) || fl_listing_signs(&l, in, NULL, NULL))
            abort();
    fl_report_release(&l.report);
    fl_reader_free(in);
}

/* The digest that a map of the file gives is that of one pass. */
static void
compare_digests(int fd)
{
    unsigned char one[32], other[32];
    const struct fl_head *head;
    const struct fl_tensor *t;
    struct fl_reader *in;
    char path[40];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct fl_object *o = fl_object_open(path, NULL);
    if (!o)
        return; /* more than one object */
    if (lseek(fd, 0, SEEK_SET) || !(in = fl_reader_new(fd, "fuzz")))
        abort();
    fl_reader_want_digest(in);
    if (fl_reader_object(in, &head) != 1)
        abort();
    while (fl_reader_tensor(in, &t) == 1)
        ;
    fl_reader_digest(in, one);
    fl_reader_free(in);
    if (fl_object_digest(o, NULL, other) || memcmp(one, other, sizeof one))
        abort();
    fl_object_free(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *p = malloc(size + 1), *again = malloc(size + 1);
    bool packed = false;

    if (!p || !again || ftruncate(from, 0) || ftruncate(to, 0) || lseek(from, 0, SEEK_SET) ||
        lseek(to, 0, SEEK_SET))
        abort();
    memcpy(p, data, size);
    if (size % 2 == 0)
        repair(p, size);
    if (fl_write_full(from, "spool", p, size) || lseek(from, 0, SEEK_SET))
        abort();
    struct fl_reader *in = fl_reader_new(from, "fuzz");
    struct fl_writer *out = fl_writer_new(to, "again", 0);
    if (!in || !out)
        abort();
    int result = copy(in, out, &packed);
    fl_reader_free(in);
    fl_writer_free(out);
    if (result < 0 && (!*fl_error_text() || fl_error_status() != FL_FAILED))
        abort();
    if (!result && !packed &&
        (fl_pread_full(to, "again", again, size + 1, 0) != (ssize_t)size || memcmp(p, again, size)))
        abort();
    if (!result) {
        list(from);
        compare_digests(from);
    }
    free(p);
    free(again);
    return 0;
}
