/*
 * What masked rounds cost beside what they cannot do without, on two threads: masking beside its
 * key streams, an upload in rounds of 16 and of 200 sites, an answer beside its key streams, and
 * with noise beside without, adding beside cat, opening beside adding, a turn beside that of
 * Flower's SecAgg+ (secagg_plus.py). The update has 16 million coordinates of 32 bits, in $TMPDIR.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/least.h"
#include "base/mem.h"
#include "bench.h"
#include "crypt/chacha.h"
#include "crypt/secret.h"
#include "fed/lane_noise.h"
#include "fed/lane_sum.h"
#include "fed/upload.h"
#include "flt/writer.h"
#include "os/file.h"

enum { COUNT = 16 << 20, PART = 1 << 20, THREADS = 2, HELPERS = 2, SITES = 16, MANY = 200 };

struct bench {
    char update[PATH_MAX], upload[PATH_MAX], answer[PATH_MAX];
    struct fl_tensor_rule rule;
    struct fl_plan plan;
    struct fl_bound_part noise;
    struct fl_key *key;
    struct fl_mask *masks; /* (SITES) */
    struct fl_object *object;
    struct fl_pool *pool;
    struct fl_lane_sum *sum;
    const float *values; /* (COUNT) of the update */
    uint64_t *scratch[THREADS], *words[THREADS];
    size_t streams; /* of fill_streams */
    bool noisy;     /* answers */
    int null;
};

/* ---- what is measured ---- */

/* Seconds of all cores. */
static double
core_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/*
 * Pages of the update that an upload before let go come back before a clock starts: whoever is
 * measured first would else pay less than who comes after.
 */
static void
bring_back(const struct bench *b)
{
    for (size_t i = 0; i < COUNT; i += 512)
        (void)*(const volatile float *)&b->values[i];
}

static double
upload(struct bench *b, size_t sites, int fd)
{
    unsigned char tags[32 * HELPERS] = {0};
    const struct fl_upload_head head = {.from = {.ctr = 1}, .tags = tags};
    struct fl_upload u = {.plan = &b->plan,
                          .head = &head,
                          .key = b->key,
                          .masks = b->masks,
                          .mask_count = HELPERS,
                          .update = b->object,
                          .q = UINT64_C(1) << FL_WEIGHT_BITS,
                          .pool = b->pool};
    bring_back(b);
    double began = fl_seconds();

    b->plan.roster.n = sites;
    bench_need(fl_upload_write(&u, fd, "bench"));
    return fl_seconds() - began;
}

static void
fill_streams(void *arg, size_t chunk, int worker)
{
    struct bench *b = arg;

    for (size_t i = 0; i < b->streams; i++)
        fl_stream_fill(b->scratch[worker], FL_CHUNK_WORDS * sizeof **b->scratch, b->masks[i].key,
                       chunk);
}

/* CORES: of all cores together, else of the clock. */
static double
streams(struct bench *b, size_t count, bool cores)
{
    const double began = cores ? core_seconds() : fl_seconds();

    b->streams = count;
    fl_pool_run(b->pool, b->plan.masked_words / FL_CHUNK_WORDS, fill_streams, b);
    return (cores ? core_seconds() : fl_seconds()) - began;
}

/* A chunk as fed/upload.c fills it. */
static void
fill_chunk(struct bench *b, size_t index, int worker, size_t masks)
{
    const struct fl_lane_chunk chunk = {.from = index * FL_CHUNK_WORDS,
                                        .to = (index + 1) * FL_CHUNK_WORDS,
                                        .out = b->words[worker]};
    const size_t values = 2 * FL_CHUNK_WORDS, next = values * (index + 1);
    const struct fl_masking m = {.masks = b->masks,
                                 .count = masks,
                                 .soon = b->values + next,
                                 .soon_bytes = next < COUNT ? values * sizeof *b->values : 0};
    struct fl_encoded counts = {0};
    struct fl_lane_encoder e;

    fl_lane_encoder_init(&e, &b->rule, UINT64_C(1) << FL_WEIGHT_BITS);
    fl_lane_encode(&e, b->values + values * index, values, chunk.out, &counts);
    fl_lane_words_mask(&b->plan, &chunk, m);
}

static void
fill_masked(void *arg, size_t index, int worker)
{
    fill_chunk(arg, index, worker, HELPERS);
}

/*
 * Seconds of all cores, of values that are in memory, since key streams read no file either. What a
 * file costs is in the row of an upload that is written.
 */
static double
mask(struct bench *b)
{
    bring_back(b);
    const double began = core_seconds();

    fl_pool_run(b->pool, COUNT / 2 / FL_CHUNK_WORDS, fill_masked, b);
    return core_seconds() - began;
}

/* As fed/answer.c fills it. */
static void
fill_answer(void *arg, const struct fl_lane_chunk *chunk)
{
    struct bench *b = arg;

    memset(chunk->out, 0, (size_t)(chunk->to - chunk->from) * sizeof *chunk->out);
    fl_lane_words_mask(&b->plan, chunk, (struct fl_masking){.masks = b->masks, .count = SITES});
    if (b->noisy) {
        const struct fl_lane_noise noise = {&b->plan, b->masks[0].key};
        unsigned char buffer[FL_NOISE_BUFFER];
        fl_lane_words_noise(&noise, chunk, buffer);
        fl_wipe(buffer, sizeof buffer);
    }
}

/* FILE: into that file, anew; else nowhere. */
static double
answer(struct bench *b, const char *file, bool noisy)
{
    const struct fl_lane_words words = {.plan = &b->plan,
                                        .places = 2,
                                        .pool = b->pool,
                                        .arg = b,
                                        .fill = fill_answer};
    double began = fl_seconds();
    int fd = file ? open(file, O_WRONLY | O_TRUNC) : b->null;
    struct fl_writer *w = fl_writer_new(fd, "bench", 0);

    b->noisy = noisy;
    bench_need(fd < 0 || !w);
    fl_writer_want_digest(w);
    bench_need(fl_writer_head(w, FL_KIND_ANSWER, NULL) || fl_lane_words_write(&words, w) ||
               fl_writer_done(w));
    fl_writer_free(w);
    if (file)
        close(fd);
    return fl_seconds() - began;
}

/* A file of as many bytes as an answer, of bytes that lie in memory, anew. */
static double
write_file(const struct bench *b)
{
    const size_t most = FL_CHUNK_WORDS * sizeof **b->words;
    double began = fl_seconds();
    int fd = open(b->answer, O_WRONLY | O_TRUNC);

    bench_need(fd < 0);
    for (uint64_t at = 0; at < b->plan.words * 8; at += most)
        bench_need(fl_write_full(fd, b->answer, b->words[0],
                                 (size_t)fl_min_u64(most, b->plan.words * 8 - at)));
    close(fd);
    return fl_seconds() - began;
}

/* Add the upload; or subtract it, as opening does with an answer, which has the same words. */
static double
add(struct bench *b, int sign)
{
    double began = fl_seconds();
    struct fl_reader *in = fl_reader_open(b->upload);
    const struct fl_head *head;

    bench_need(!in);
    fl_reader_want_digest(in);
    bench_need(fl_reader_object(in, &head) != 1 || fl_lane_sum_add(b->sum, in, sign, sign < 0));
    fl_reader_free(in);
    return fl_seconds() - began;
}

static double
cat(const struct bench *b)
{
    char command[2 * PATH_MAX];
    double began = fl_seconds();

    snprintf(command, sizeof command, "cat '%s' | cat > /dev/null", b->upload);
    bench_need(system(command) ? fl_error(FL_FAILED, "%s: failed", command) : 0);
    return fl_seconds() - began;
}

/* Seconds of a core for encoding PART coordinates and so many masks. */
static double
turn(struct bench *b, size_t masks)
{
    const double began = core_seconds();

    for (size_t i = 0; i < PART / 2 / FL_CHUNK_WORDS; i++)
        fill_chunk(b, i, 0, masks);
    return core_seconds() - began;
}

/* The same with the masks that SecAgg+ has in a round of 16; 0 when there is no numpy. */
static double
numpy_turn(void)
{
    char command[200], text[64] = "";

    snprintf(command, sizeof command,
             "p=python3; $p -c 'import numpy' 2>/dev/null || p=/usr/bin/python3; "
             "$p tests/bench/secagg_plus.py %d %d 2>/dev/null",
             PART, SITES - 1);
    FILE *in = popen(command, "r");
    bench_need(!in);
    double seconds = fgets(text, sizeof text, in) ? strtod(text, NULL) : 0;
    pclose(in);
    return seconds;
}

/* ---- what it is measured on ---- */

static void
make_update(struct bench *b)
{
    const uint64_t count = COUNT;
    float *values = fl_alloc(COUNT, sizeof *values);
    int fd = open(b->update, O_WRONLY | O_TRUNC);
    struct fl_writer *w = fl_writer_new(fd, b->update, 0);
    struct fl_tensor t;

    bench_need(fd < 0 || !w || !values);
    for (size_t i = 0; i < COUNT; i++)
        values[i] = (float)(i % 1999) / 100000 - 0.01F;
    fl_tensor_init(&t, "w", FL_F32, 1, &count);
    bench_need(fl_writer_head(w, FL_KIND_UPDATE, NULL) || fl_writer_tensor(w, &t) ||
               fl_writer_data(w, values, COUNT * sizeof *values) || fl_writer_done(w));
    bench_need(fl_schema_start(&b->plan.model, "the bench") ||
               fl_schema_add(&b->plan.model, &t, true));
    fl_writer_free(w);
    close(fd);
    free(values);
}

/* A plan as fl_plan_read leaves it, of what the parts measured here look at. */
static void
make_plan(struct bench *b)
{
    static char all[] = "*";
    struct fl_roster *r = &b->plan.roster;

    b->rule = (struct fl_tensor_rule){.match = all,
                                      .protect = FL_PROTECT_MASK,
                                      .bits = 32,
                                      .clip = 0.02,
                                      .scale = 0x1p32};
    r->rules = &b->rule;
    r->rule_count = 1;
    r->protection = FL_PROTECTION_HELPERS;
    r->m = HELPERS;
    r->n = SITES;
    r->parties = fl_alloc(MANY, sizeof *r->parties);
    bench_need(!r->parties || fl_plan_layout(&b->plan));
    b->noise.sigma = 1 << 20;
    b->plan.tensors[0].noise = &b->noise;
}

static void
start(struct bench *b)
{
    const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";

    snprintf(b->update, sizeof b->update, "%s/fl-bench-XXXXXX", dir);
    snprintf(b->upload, sizeof b->upload, "%s/fl-bench-XXXXXX", dir);
    close(mkstemp(b->update));
    snprintf(b->answer, sizeof b->answer, "%s/fl-bench-XXXXXX", dir);
    close(mkstemp(b->answer));
    int fd = mkstemp(b->upload);
    make_update(b);
    make_plan(b);
    b->null = open("/dev/null", O_WRONLY);
    b->key = fl_key_new("site", 1);
    b->masks = fl_secret_alloc(SITES, sizeof *b->masks);
    b->pool = fl_pool_new(THREADS);
    b->object = fl_object_open(b->update, FL_KIND_UPDATE);
    b->sum = fl_lane_sum_new(&b->plan, UINT64_C(1) << 32, NULL);
    bench_need(fd < 0 || b->null < 0 || !b->key || !b->masks || !b->pool || !b->object || !b->sum);
    bench_need(!(b->values = fl_object_data(b->object, 0)));
    for (int i = 0; i < THREADS; i++) {
        b->scratch[i] = fl_secret_alloc(FL_CHUNK_WORDS, sizeof **b->scratch);
        b->words[i] = fl_alloc_aligned(FL_CHUNK_WORDS, sizeof **b->words);
        bench_need(!b->scratch[i] || !b->words[i]);
    }
    fl_random_bytes(b->masks, SITES * sizeof *b->masks);
    for (int i = 0; i < SITES; i++)
        b->masks[i].sign = 1;
    upload(b, SITES, fd);
    close(fd);
}

int
main(void)
{
    enum {
        MASK,
        UPLOAD,
        UPLOAD_MANY,
        STREAMS_CORES,
        STREAMS,
        ANSWER,
        NOISY,
        ANSWER_STREAMS,
        ANSWER_FILE,
        FILE_ALONE,
        ADD,
        OPEN,
        CAT,
        TURN,
        PAIRWISE,
        NUMPY,
        ALL
    };
    static struct bench b;
    double seconds[ALL][BENCH_TIMES], m[ALL];

    bench_need(fl_crypt_init());
    start(&b);
    add(&b, 1);
    for (int i = 0; i < BENCH_TIMES; i++) {
        seconds[MASK][i] = mask(&b);
        seconds[UPLOAD][i] = upload(&b, SITES, b.null);
        seconds[UPLOAD_MANY][i] = upload(&b, MANY, b.null);
        seconds[STREAMS][i] = streams(&b, HELPERS, false);
        seconds[STREAMS_CORES][i] = streams(&b, HELPERS, true);
        seconds[ANSWER][i] = answer(&b, NULL, false);
        seconds[NOISY][i] = answer(&b, NULL, true);
        seconds[ANSWER_STREAMS][i] = streams(&b, SITES, false);
        seconds[ANSWER_FILE][i] = answer(&b, b.answer, false);
        seconds[FILE_ALONE][i] = write_file(&b);
        seconds[ADD][i] = add(&b, 1);
        seconds[OPEN][i] = add(&b, -1);
        seconds[CAT][i] = cat(&b);
        seconds[TURN][i] = turn(&b, HELPERS);
        seconds[PAIRWISE][i] = turn(&b, SITES - 1);
        seconds[NUMPY][i] = numpy_turn();
    }
    unlink(b.update);
    unlink(b.upload);
    unlink(b.answer);
    for (int i = 0; i < ALL; i++)
        m[i] = bench_median(seconds[i], BENCH_TIMES);
    const double bytes = (double)b.plan.words * 8;
    int good = 1;
    bench_tell("mask: an upload with 2 helpers", bytes / m[UPLOAD] / 1e9, "GB/s");
    bench_tell("mask: key streams", bytes * HELPERS / m[STREAMS] / 1e9, "GB/s");
    bench_tell("mask: adding an upload", bytes / m[ADD] / 1e9, "GB/s");
    good &= bench_at_most("mask: masking with 2 helpers, times its key streams, cores",
                          m[MASK] / m[STREAMS_CORES], "ratio", 1.25);
    bench_tell("mask: an upload written and digested, times its key streams",
               m[UPLOAD] / m[STREAMS], "ratio");
    good &= bench_at_most("mask: upload in a round of 200 sites, times one of 16",
                          m[UPLOAD_MANY] / m[UPLOAD], "ratio", 1.1);
    good &= bench_at_most("mask: answer over 16 sites, times its key streams",
                          m[ANSWER] / m[ANSWER_STREAMS], "ratio", 1.25);
    good &= bench_at_most("mask: the same with noise, times without", m[NOISY] / m[ANSWER], "ratio",
                          2.5);
    good &= bench_at_most("mask: an answer into a file, times key streams and writing such a file",
                          m[ANSWER_FILE] / (m[ANSWER_STREAMS] + m[FILE_ALONE]), "ratio", 1.25);
    good &= bench_at_most("mask: adding, times cat FILE | cat", m[ADD] / m[CAT], "ratio", 1);
    good &= bench_at_most("mask: opening, times adding", m[OPEN] / m[ADD], "ratio", 1.1);
    if (m[NUMPY] > 0) {
        bench_tell("mask: one of 16 sites by SecAgg+ in numpy, times ours pairwise, a core",
                   m[NUMPY] / m[PAIRWISE], "ratio");
        good &= bench_at_least("mask: the same, times ours with 2 helpers, a core",
                               m[NUMPY] / m[TURN], "ratio", 10);
    }
    return !good;
}
