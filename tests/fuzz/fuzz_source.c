/*
 * Any bytes as a file: unpacked and made UTF-8, in steps of any size. The first byte says the
 * encoding; the rest is the file. No crash, no leak, no endless memory; an error names the file.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "data/source.h"
#include "os/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

/* The bytes of the file at PATH, read STEP at a time, at most a mebibyte: their number, or -1. */
static long
read_all(const char *path, const char *encoding, size_t step, unsigned char *text)
{
    struct fl_source *s = fl_source_open(path, encoding);
    size_t done = 0;
    ssize_t n = s ? 1 : -1;

    while (n > 0 && done + step <= 1 << 20 && (n = fl_source_read(s, text + done, step)) > 0)
        done += (size_t)n;
    must(n >= 0 || *fl_error_text());
    fl_source_close(s);
    return n < 0 ? -1 : (long)done;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {NULL,      "UTF-16LE", "SHIFT_JIS",  "ISO-2022-JP",
                                            "GB18030", "UTF-7",    "ISO-8859-1", "UTF-32BE"};
    static unsigned char one[1 << 20], two[1 << 20];
    char path[40];
    int fd = fl_spool_open();

    must(fd >= 0);
    if (size && !fl_pwrite_full(fd, "spool", data + 1, size - 1, 0)) {
        const char *encoding = encodings[data[0] % 8];
        snprintf(path, sizeof path, "/dev/fd/%d", fd);
        long a = read_all(path, encoding, 4096, one), b = read_all(path, encoding, 32768, two);
        must((a < 0) == (b < 0) || a > (1 << 20) - 32768 || b > (1 << 20) - 32768);
        must(a < 0 || b < 0 || !memcmp(one, two, (size_t)(a < b ? a : b)));
    }
    close(fd);
    return 0;
}
