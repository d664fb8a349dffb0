/*
 * What encrypted tensors cost the programs, on two threads: adding an upload's ciphertexts as the
 * hub and the helpers do, beside cat; an upload's ciphertexts written; and a helper's answer over 16
 * uploads beside reading them. 16 million coordinates of 32 bits, in $TMPDIR. What the arithmetic
 * costs is in bench_he.c.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench.h"
#include "crypt/secret.h"
#include "fed/cipher.h"
#include "sec/header.h"

enum { COUNT = 16 << 20, THREADS = 2, HELPERS = 3, SITES = 16 };

struct bench {
    char path[PATH_MAX];
    struct fl_tensor_rule rule;
    struct fl_plan plan;
    struct fl_store *store;
    struct fl_cipher_sum *sum, *none;
    struct fl_pool *pool;
    int null;
};

/* Seconds of writing all halves SECOND of an upload of zeros, digested, to FD. */
static double
encrypt(struct bench *b, bool second, int fd)
{
    static const unsigned char seed[FL_RING_SEED] = {1};
    struct fl_encryption e = {.plan = &b->plan, .seed = seed, .pool = b->pool};
    struct fl_writer *w = fl_writer_new(fd, "bench", 0);
    struct fl_tensor t;
    double began = fl_seconds();

    bench_need(!w || fl_plan_cipher_tensor(&b->plan, FL_CIPHER_C1, &t));
    fl_writer_want_digest(w);
    bench_need(fl_writer_head(w, FL_KIND_CIPHER, NULL) || fl_writer_tensor(w, &t) ||
               fl_cipher_encrypt(&e, second, w) || fl_writer_done(w));
    fl_writer_free(w);
    fl_meta_release(&t.attrs);
    return fl_seconds() - began;
}

/* Seconds of adding the file to SUM, which may keep nothing: it is checked and digested. */
static double
add(struct bench *b, struct fl_cipher_sum *sum)
{
    double began = fl_seconds();
    struct fl_reader *in = fl_reader_open(b->path);
    const struct fl_head *head;
    const struct fl_tensor *t;
    uint64_t bytes = 0;

    bench_need(!in);
    fl_reader_want_digest(in);
    bench_need(fl_reader_object(in, &head) != 1 || fl_reader_tensor(in, &t) != 1 ||
               fl_cipher_sum_add(sum, in, &bytes) || fl_reader_tensor(in, &t) != 0);
    fl_reader_free(in);
    return fl_seconds() - began;
}

static double
cat(const struct bench *b)
{
    char command[2 * PATH_MAX];
    double began = fl_seconds();

    snprintf(command, sizeof command, "cat '%s' | cat > /dev/null", b->path);
    bench_need(system(command) ? fl_error(FL_FAILED, "%s: failed", command) : 0);
    return fl_seconds() - began;
}

static double
share(struct bench *b)
{
    static const unsigned char seed[FL_RING_SEED] = {2};
    struct fl_sharing s = {.plan = &b->plan,
                           .c1 = b->sum,
                           .secret = seed,
                           .smudge = seed,
                           .pool = b->pool};
    struct fl_writer *w = fl_writer_new(b->null, "bench", 0);
    struct fl_tensor t;
    double began = fl_seconds();

    bench_need(!w || fl_plan_cipher_tensor(&b->plan, FL_CIPHER_C1, &t));
    fl_writer_want_digest(w);
    bench_need(fl_writer_head(w, FL_KIND_ANSWER, NULL) || fl_writer_tensor(w, &t) ||
               fl_cipher_share(&s, w) || fl_writer_done(w));
    fl_writer_free(w);
    fl_meta_release(&t.attrs);
    return fl_seconds() - began;
}

/* A plan as fl_plan_read leaves it, of what the parts measured here look at; keys are zero. */
static void
make_plan(struct bench *b)
{
    static char all[] = "*";
    const uint64_t count = COUNT;
    struct fl_roster *r = &b->plan.roster;
    struct fl_tensor t;

    b->rule = (struct fl_tensor_rule){.match = all,
                                      .protect = FL_PROTECT_HE,
                                      .bits = 32,
                                      .clip = 0.02,
                                      .scale = 0x1p32};
    r->rules = &b->rule;
    r->rule_count = 1;
    r->protection = FL_PROTECTION_HELPERS;
    strcpy(r->federation, "bench");
    r->m = HELPERS;
    r->n = SITES;
    r->parties = fl_alloc(SITES + HELPERS, sizeof *r->parties);
    b->plan.keys = fl_alloc(HELPERS, sizeof *b->plan.keys);
    fl_tensor_init(&t, "w", FL_F32, 1, &count);
    bench_need(!r->parties || !b->plan.keys || fl_schema_start(&b->plan.model, "the bench") ||
               fl_schema_add(&b->plan.model, &t, true) || fl_plan_layout(&b->plan));
}

static void
start(struct bench *b)
{
    const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";

    snprintf(b->path, sizeof b->path, "%s/fl-bench-XXXXXX", dir);
    int fd = mkstemp(b->path);
    make_plan(b);
    b->null = open("/dev/null", O_WRONLY);
    b->pool = fl_pool_new(THREADS);
    b->store = fl_store_new(UINT64_C(1) << 32);
    bench_need(fd < 0 || b->null < 0 || !b->pool || !b->store);
    b->sum = fl_cipher_sum_new(&b->plan, b->store);
    b->none = fl_cipher_sum_new(&b->plan, NULL);
    bench_need(!b->sum || !b->none);
    encrypt(b, true, fd);
    close(fd);
}

int
main(void)
{
    enum { ENCRYPT, ADD, CHECK, CAT, SHARE, ALL };
    static struct bench b;
    double seconds[ALL][BENCH_TIMES], m[ALL];

    bench_need(fl_crypt_init());
    start(&b);
    add(&b, b.sum);
    for (int i = 0; i < BENCH_TIMES; i++) {
        seconds[ADD][i] = add(&b, b.sum);
        seconds[CHECK][i] = add(&b, b.none);
        seconds[CAT][i] = cat(&b);
        seconds[ENCRYPT][i] = encrypt(&b, true, b.null) + encrypt(&b, false, b.null);
        seconds[SHARE][i] = share(&b);
    }
    unlink(b.path);
    for (int i = 0; i < ALL; i++)
        m[i] = bench_median(seconds[i], BENCH_TIMES);
    const double bytes = (double)b.plan.ciphertexts * FL_RING_WORDS * sizeof(uint64_t);
    int good = 1;
    bench_tell("cipher: adding half an upload", bytes / m[ADD] / 1e9, "GB/s");
    good &= bench_at_least("cipher: cat FILE | cat, times adding", m[CAT] / m[ADD], "ratio", 0.7);
    bench_tell("cipher: both halves of an upload written, 10^6 coordinates a second",
               COUNT / m[ENCRYPT] / 1e6, "10^6/s");
    bench_tell("cipher: shares written, times checking one upload's half", m[SHARE] / m[CHECK],
               "ratio");
    good &= bench_at_most("cipher: an answer over 16 uploads, times reading them",
                          (SITES * m[ADD] + m[SHARE]) / (SITES * m[CHECK]), "ratio", 2);
    return !good;
}
