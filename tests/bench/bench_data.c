/*
 * How fast identifiers are found and MinHash is made on one core, beside grep -c @ over the same
 * file, six patterns of hyperscan (or vectorscan) where that library is installed, XXH3 of the text,
 * and the slow twin. Hyperscan tells where matches end and checks nothing; ours are ten types with
 * checksums, context and numbering. Prose with an identifier of each type in every 4 KiB. Medians of
 * turns, of processor time.
 */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "../naive/near.h"
#include "../unit/hostile.h"
#include "bench.h"
#include "data/canary.h"
#include "data/identifier.h"
#include "data/shingle.h"
#include "flt/check.h"

enum { BYTES = 8 << 20, STEP = 4096, DOCUMENT = 16384, TURNS = 7 };

struct bench {
    struct fl_buf text;
    char path[64];
    struct fl_id_rules *rules;
    struct fl_id_scan scan;
    struct fl_shingles shingles;
    struct fl_minhash minhash;
    uint32_t lanes[FL_MINHASH_LANES];
    size_t found;
    volatile uint64_t check;
};

static void
make_text(struct bench *b)
{
    struct fl_buf prose = {0};
    struct fl_canary c;
    int fd;

    hostile_prose(BYTES, &prose);
    for (size_t at = 0, i = 0; at < prose.len; at += STEP, i++) {
        size_t end = at + STEP < prose.len ? at + STEP : prose.len;
        fl_canary_make(1, (unsigned)(i % FL_ID_TYPES), i, &c);
        bench_need(fl_buf_add(&b->text, prose.data + at, end - at) ||
                   fl_buf_add_text(&b->text, "\n") || fl_buf_add(&b->text, c.text, c.len) ||
                   fl_buf_add_text(&b->text, "\n"));
    }
    fl_buf_release(&prose);
    strcpy(b->path, "/tmp/fl-bench-XXXXXX");
    fd = mkstemp(b->path);
    bench_need(fd < 0 || write(fd, b->text.data, b->text.len) != (ssize_t)b->text.len);
    close(fd);
}

static void
identifiers(struct bench *b)
{
    b->found = 0;
    for (size_t at = 0; at < b->text.len; at += DOCUMENT) {
        size_t len = b->text.len - at < DOCUMENT ? b->text.len - at : DOCUMENT;
        bench_need(fl_id_find(b->rules, &b->scan, b->text.data + at, len));
        b->found += b->scan.count;
    }
}

static void
grep(struct bench *b)
{
    char command[128];

    snprintf(command, sizeof command, "grep -c @ %s >/dev/null", b->path);
    bench_need(system(command));
}

typedef void minhash_fn(const struct fl_minhash *m, const uint64_t *hash, size_t count,
                        uint32_t *lanes);

static void
shingles(struct bench *b, minhash_fn *make)
{
    for (size_t at = 0; at < b->text.len; at += DOCUMENT) {
        size_t len = b->text.len - at < DOCUMENT ? b->text.len - at : DOCUMENT;
        bench_need(fl_shingles_make(&b->shingles, b->text.data + at, len, 5, 1));
        if (make && b->shingles.count)
            make(&b->minhash, b->shingles.hash, b->shingles.count, b->lanes);
    }
}

static void
only_shingles(struct bench *b)
{
    shingles(b, NULL);
}

static void
minhash(struct bench *b)
{
    shingles(b, fl_minhash);
}

static void
twin(struct bench *b)
{
    shingles(b, naive_minhash);
}

static void
xxh3(struct bench *b)
{
    b->check = fl_check64(b->text.data, b->text.len);
}

/* What of hs.h is used, so that no header is needed where the library is not. */
struct hs {
    void *library, *database, *scratch;
    int (*compile)(const char *const *, const unsigned *, const unsigned *, unsigned, unsigned,
                   const void *, void **, void **);
    int (*alloc)(const void *, void **);
    int (*scan)(const void *, const char *, unsigned, unsigned, void *,
                int (*)(unsigned, unsigned long long, unsigned long long, unsigned, void *),
                void *);
};

static struct hs hs;

static int
count_one(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *count)
{
    (void)id, (void)from, (void)to, (void)flags;
    ++*(size_t *)count;
    return 0;
}

static bool
open_hs(void)
{
    static const char *const patterns[6] =
        {"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,120}\\.[A-Za-z]{2,24}",
         "https?://[^\\s<>\"]{3,200}",
         "\\b[A-Z]{2}[0-9]{2}([ -]?[A-Z0-9]{4}){3,7}([ -]?[A-Z0-9]{1,3})?\\b",
         "\\b([0-9]{4}[ -]?){3}[0-9]{4}\\b",
         "\\+?[0-9]{1,3}?[ .-]?\\(?[0-9]{3}\\)?[ .-][0-9]{3}[ .-][0-9]{4}\\b",
         "\\b[0-9]{1,3}(\\.[0-9]{1,3}){3}\\b"};
    static const unsigned flags[6] = {0}, ids[6] = {0, 1, 2, 3, 4, 5};
    void *error = NULL;

    hs.library = dlopen("libhs.so.5", RTLD_NOW);
    if (!hs.library)
        return false;
    *(void **)&hs.compile = dlsym(hs.library, "hs_compile_multi");
    *(void **)&hs.alloc = dlsym(hs.library, "hs_alloc_scratch");
    *(void **)&hs.scan = dlsym(hs.library, "hs_scan");
    return hs.compile && hs.alloc && hs.scan &&
           !hs.compile(patterns, flags, ids, 6, 1, NULL, &hs.database, &error) &&
           !hs.alloc(hs.database, &hs.scratch);
}

static void
six_patterns(struct bench *b)
{
    size_t count = 0;

    for (size_t at = 0; at < b->text.len; at += DOCUMENT) {
        size_t len = b->text.len - at < DOCUMENT ? b->text.len - at : DOCUMENT;
        bench_need(hs.scan(hs.database, (const char *)b->text.data + at, (unsigned)len, 0,
                           hs.scratch, count_one, &count));
    }
    bench_need(!count);
}

int
main(void)
{
    struct bench b = {.rules = fl_id_rules_new()};
    static void (*const works[])(struct bench *) = {identifiers, grep, six_patterns, only_shingles,
                                                    minhash,     twin, xxh3};
    enum { WORKS = sizeof works / sizeof *works };
    double t[WORKS][TURNS];
    bool with_hs = open_hs();
    int kept = 1;

    make_text(&b);
    fl_minhash_init(&b.minhash, 1);
    for (int turn = 0; turn < TURNS; turn++)
        for (size_t w = 0; w < WORKS; w++) {
            double start = bench_processor();
            if (w != 2 || with_hs)
                works[w](&b);
            t[w][turn] = bench_processor() - start;
        }
    double mb = (double)b.text.len * 1e-6, median[WORKS];
    for (size_t w = 0; w < WORKS; w++)
        median[w] = bench_median(t[w], TURNS);
    bench_tell("identifiers of all types, one core", mb / median[0], "MB/s");
    bench_tell("identifiers found in every MiB", (double)b.found / (double)b.text.len * 1048576,
               "-");
    bench_tell("grep -c @ of the same file", mb / median[1], "MB/s");
    if (with_hs) {
        bench_tell("six patterns of hyperscan", mb / median[2], "MB/s");
        kept &= bench_at_least("identifiers beside hyperscan", median[2] / median[0], "times", 1);
    } else {
        printf("six patterns of hyperscan\tabsent (libhs.so.5)\t-\t-\t-\n");
    }
    bench_tell("words and shingles, one core", mb / median[3], "MB/s");
    bench_tell("XXH3 of the same file", mb / median[6], "MB/s");
    kept &= bench_at_least("shingles and 120 lanes of MinHash", mb / median[4], "MB/s", 50);
    kept &= bench_at_least("MinHash beside its twin, shingles apart",
                           (median[5] - median[3]) / (median[4] - median[3]), "times", 4);
    unlink(b.path);
    fl_id_scan_release(&b.scan);
    fl_id_rules_free(b.rules);
    fl_shingles_release(&b.shingles);
    fl_buf_release(&b.text);
    return !kept;
}
