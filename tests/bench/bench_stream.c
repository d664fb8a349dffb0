/*
 * What the stream costs: copying it with all checks against cat, its digest on all cores against
 * one, and reading one tensor of a large file. The file is 1 GiB in $TMPDIR.
 */
#define _GNU_SOURCE /* mincore */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypt/secret.h"
#include "flt/object.h"
#include "flt/reader.h"
#include "flt/writer.h"
#include "os/file.h"

#include "bench.h"

enum { TENSORS = 64, TENSOR_BYTES = 16 << 20 };

static void
make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    struct fl_writer *w = fl_writer_new(fd, path, 0);
    unsigned char *data = fl_alloc(1, TENSOR_BYTES);
    uint64_t dims[2] = {1024, TENSOR_BYTES / 4096}, x = 1;
    struct fl_tensor t;
    char name[32];

    bench_need(fd < 0 || !w || !data);
    for (size_t i = 0; i < TENSOR_BYTES; i += 8) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        memcpy(data + i, &x, sizeof x);
    }
    bench_need(fl_writer_head(w, "model", NULL));
    for (int i = 0; i < TENSORS; i++) {
        snprintf(name, sizeof name, "layers.%d.weight", i);
        fl_tensor_init(&t, name, FL_F32, 2, dims);
        data[0] = (unsigned char)i;
        bench_need(fl_writer_tensor(w, &t) || fl_writer_data(w, data, TENSOR_BYTES));
    }
    bench_need(fl_writer_done(w) || fsync(fd));
    fl_writer_free(w);
    free(data);
    close(fd);
}

static double
shell_seconds(const char *command)
{
    double start = fl_seconds();

    if (system(command)) {
        fprintf(stderr, "bench: failed: %s\n", command);
        exit(1);
    }
    return fl_seconds() - start;
}

static int
bench_copying(const char *path, const char *folder)
{
    struct fl_buf ours = {0}, cat = {0};
    double a[BENCH_TIMES], b[BENCH_TIMES], ratios[BENCH_TIMES];

    bench_need(fl_buf_printf(&ours, "'%s/bench_copy' '%s' | cat > /dev/null", folder, path));
    bench_need(fl_buf_printf(&cat, "cat '%s' | cat > /dev/null", path));
    shell_seconds(fl_buf_text(&cat));
    for (int i = 0; i < BENCH_TIMES; i++) {
        a[i] = shell_seconds(fl_buf_text(&ours));
        b[i] = shell_seconds(fl_buf_text(&cat));
        ratios[i] = a[i] / b[i];
    }
    fl_buf_release(&ours);
    fl_buf_release(&cat);
    bench_tell("stream: copy 1 GiB, file to pipe, checked", bench_median(a, BENCH_TIMES), "s");
    bench_tell("stream: cat FILE | cat > /dev/null", bench_median(b, BENCH_TIMES), "s");
    return bench_at_most("stream: copy, times cat", bench_median(ratios, BENCH_TIMES), "ratio",
                         1.3);
}

/* Seconds for the digest of PATH in one pass, as fl-info --digest takes it. */
static double
digest_seconds(const char *path, int threads, unsigned char digest[32])
{
    double start = fl_seconds();
    struct fl_pool *pool = fl_pool_new(threads);
    struct fl_reader *in = fl_reader_open(path);
    const struct fl_head *head;
    const struct fl_tensor *t;
    int got;

    bench_need(!pool || !in);
    fl_reader_want_digest(in);
    fl_reader_use_pool(in, pool);
    bench_need(fl_reader_object(in, &head) != 1);
    while ((got = fl_reader_tensor(in, &t)) == 1)
        ;
    bench_need(got);
    fl_reader_digest(in, digest);
    fl_reader_free(in);
    fl_pool_free(pool);
    return fl_seconds() - start;
}

static int
bench_digest(const char *path)
{
    unsigned char one[32], all[32];
    double a[BENCH_TIMES], b[BENCH_TIMES], ratios[BENCH_TIMES];
    int cores = fl_cores(), counted = cores < 8 ? cores : 8;

    digest_seconds(path, 0, all);
    for (int i = 0; i < BENCH_TIMES; i++) {
        a[i] = digest_seconds(path, 1, one);
        b[i] = digest_seconds(path, 0, all);
        ratios[i] = a[i] / b[i];
    }
    bench_tell("stream: digest of 1 GiB, one core", bench_median(a, BENCH_TIMES), "s");
    bench_tell("stream: digest of 1 GiB, all cores", bench_median(b, BENCH_TIMES), "s");
    bench_tell("stream: cores", cores, "");
    if (memcmp(one, all, sizeof one)) {
        fprintf(stderr, "bench: the digest depends on the number of threads\n");
        return 0;
    }
    return cores == 1 || bench_at_least("stream: digest, one core by all",
                                        bench_median(ratios, BENCH_TIMES), "ratio", 0.8 * counted);
}

/* MiB that this process has read by calls, and pages of files that it has touched in maps. */
static double
touched(void)
{
    FILE *io = fopen("/proc/self/io", "r"), *statm = fopen("/proc/self/statm", "r");
    unsigned long long bytes = 0, size, all, shared = 0;

    if (!io || !statm || fscanf(io, "rchar: %llu", &bytes) != 1 ||
        fscanf(statm, "%llu %llu %llu", &size, &all, &shared) != 3)
        bench_need(fl_error(FL_FAILED, "/proc/self does not say what was read"));
    fclose(io);
    fclose(statm);
    return ((double)bytes + (double)shared * (double)sysconf(_SC_PAGESIZE)) / (1 << 20);
}

/* MiB of the file that are in the page cache. */
static double
resident(int fd)
{
    size_t len = (size_t)fl_regular_size(fd), page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
    size_t pages = (len + page - 1) / page;
    unsigned char *in = fl_alloc(pages, 1);
    void *map = fl_map(fd, "bench", len);

    bench_need(!in || !map || mincore(map, len, in));
    for (size_t i = 0; i < pages; i++)
        n += in[i] & 1;
    fl_unmap(map, len);
    free(in);
    return (double)n * (double)page / (1 << 20);
}

static int
bench_one_tensor(const char *path)
{
    int fd = open(path, O_RDONLY);
    double size = (double)TENSOR_BYTES / (1 << 20);
    double seconds[BENCH_TIMES], mine[BENCH_TIMES], disk[BENCH_TIMES];
    int cold = 1, good;

    for (int i = 0; i < BENCH_TIMES; i++) {
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        double cached = resident(fd); /* some pages stay: another tensor each time */
        cold &= cached < 64;          /* all of them in a file system that lives in memory */
        double start = fl_seconds(), before = touched();
        struct fl_object *o = fl_object_open(path, "model");
        bench_need(!o || !fl_object_data(o, (size_t)(5 + 7 * i) % TENSORS));
        seconds[i] = fl_seconds() - start;
        mine[i] = (touched() - before) / size;
        disk[i] = (resident(fd) - cached) / size;
        fl_object_free(o);
    }
    close(fd);
    bench_tell("stream: map 1 GiB, read a tensor of 16 MiB", bench_median(seconds, BENCH_TIMES),
               "s");
    good = bench_at_most("stream: bytes that it read, times the tensor",
                         bench_median(mine, BENCH_TIMES), "ratio", 1.1);
    if (cold) /* the disk's own setting decides this one */
        good &= bench_at_most("stream: bytes read ahead for it, times the tensor",
                              bench_median(disk, BENCH_TIMES), "ratio", 2);
    return good;
}

int
main(int argc, char **argv)
{
    const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char path[PATH_MAX], folder[PATH_MAX];
    int good = 1;

    (void)argc;
    snprintf(folder, sizeof folder, "%s", argv[0]);
    *strrchr(folder, '/') = '\0';
    snprintf(path, sizeof path, "%s/fl-bench-XXXXXX", dir);
    bench_need(fl_crypt_init());
    close(mkstemp(path));
    make_file(path);
    good &= bench_copying(path, folder);
    good &= bench_digest(path);
    good &= bench_one_tensor(path);
    unlink(path);
    return !good;
}
