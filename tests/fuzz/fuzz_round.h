/*
 * A small real round for fuzzers of its messages. It is the same in every process, since generator,
 * clock and number of the process are fixed here: a seed or a finding of one run is one of any
 * other. Mutated messages are signed again by the parties' keys, or none would be looked into.
 */
#ifndef FL_FUZZ_ROUND_H
#define FL_FUZZ_ROUND_H

#include <sodium.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/clock.h"
#include "os/watch.h"
#include "repair.h"
#include "../unit/round.h"

#define FUZZ_TENSORS                                                                               \
    "tensors: [{match: large, protect: frozen}, {match: \"norm*\", protect: plain, bits: 16, "     \
    "clip: 0.04}, {match: \"*\", protect: mask, bits: 32, clip: 0.5}]\n"
#define FUZZ_HELPERS FED_HELPERS "min_sum: 3\n" FUZZ_TENSORS

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- nothing that differs from process to process; all of os/clock.h, which is not linked ---- */

pid_t
getpid(void)
{
    return 4711;
}

double
fl_seconds(void)
{
    return 0;
}

uint64_t
fl_monotonic_ns(void)
{
    return 1;
}

uint64_t
fl_realtime_ns(void)
{
    return 2;
}

const char *
fl_utc_now(char text[FL_UTC_TEXT])
{
    return strcpy(text, "2026-11-24T18:00:00Z");
}

static inline void
fuzz_random(void *const out, const size_t n)
{
    static uint64_t state = 1;
    unsigned char *p = out;

    for (size_t i = 0; i < n; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        p[i] = (unsigned char)(state >> 56);
    }
}

static inline const char *
fuzz_random_name(void)
{
    return "fixed";
}

static uint32_t
fuzz_random_word(void)
{
    uint32_t x;

    fuzz_random(&x, sizeof x);
    return x;
}

static inline void
must(int holds)
{
    if (!holds) {
        fflush(stdout);
        fprintf(stderr, "last error: %s\n", fl_error_text());
        abort();
    }
}

/* Before any key is made. */
static inline void
fuzz_start(void)
{
    static randombytes_implementation fixed = {.implementation_name = fuzz_random_name,
                                               .random = fuzz_random_word,
                                               .buf = fuzz_random};

    must(!randombytes_set_implementation(&fixed) && !fl_crypt_init());
    fl_watch_hurry();
}

/* Everybody has accepted; a first round; all uploads of it, in which "large" does not travel. */
static inline void
fuzz_round(struct round *r, struct federation *f, size_t n, const char *more)
{
    fed_start(f, n, more);
    fed_accept_all(f);
    must(!round_plan(r, f, &(struct fed_planning){.round = 1}));
    for (size_t i = 0; i < n; i++) {
        struct fl_meta meta = {0};
        struct fed_object o =
            {fed_name(i, ".flt"), FL_KIND_UPDATE, &meta, fed_usual, (int)i, "large", {0}};
        must(!fl_meta_set_bytes(&meta, "base", f->model, 32) &&
             !fl_meta_set_bytes(&meta, "base.params", fed_params(f, f->model), 32));
        fed_write(f, &o);
        fl_meta_release(&meta);
        must(!round_turn(r, i));
    }
}

/* The round's folder goes when what is needed of it is open. */
static inline void
fuzz_drop(const struct federation *f)
{
    fed_system(f, "rm -rf %s", f->dir);
    must(!test_failed);
}

/* With FL_FUZZ_SEEDS this process only writes seeds: this file of the round's folder as NAME. */
static inline void
fuzz_seed(const struct round *r, const char *file, const char *name)
{
    const char *to = getenv("FL_FUZZ_SEEDS");

    if (to)
        fed_system(r->f, "cp %s/%s %s/%s", r->folder, file, to, name);
}

static inline void
fuzz_seeded(const struct federation *f)
{
    fuzz_drop(f);
    if (getenv("FL_FUZZ_SEEDS"))
        exit(0);
}

/* ---- spools and paths of them ---- */

static inline void
fuzz_put(int fd, const uint8_t *data, size_t size)
{
    must(!ftruncate(fd, 0) && lseek(fd, 0, SEEK_SET) == 0 &&
         !fl_write_full(fd, "spool", data, size) && lseek(fd, 0, SEEK_SET) == 0);
}

static inline struct fl_reader *
fuzz_reader(int fd)
{
    must(lseek(fd, 0, SEEK_SET) == 0);
    struct fl_reader *in = fl_reader_new(fd, "fuzz");
    must(in != NULL);
    return in;
}

static inline const char *
fuzz_path(int fd, char path[40])
{
    must(lseek(fd, 0, SEEK_SET) == 0);
    snprintf(path, 40, "/proc/self/fd/%d", fd);
    return path;
}

/* ---- signing again ---- */

struct fuzz_message { /* one object in memory */
    struct fl_head head;
    size_t count, sign_count;
    struct fl_tensor tensors[64];
    struct fl_buf data[64];
    struct fl_sign signs[8];
};

static inline void
fuzz_release(struct fuzz_message *m)
{
    fl_meta_release(&m->head.meta);
    for (size_t i = 0; i < m->count; i++) {
        fl_meta_release(&m->tensors[i].attrs);
        fl_buf_release(&m->data[i]);
    }
    free(m);
}

static inline int
fuzz_take_tensors(struct fuzz_message *m, struct fl_reader *in)
{
    const struct fl_tensor *t;
    const unsigned char *data;
    size_t len;
    int got;

    while ((got = fl_reader_tensor(in, &t)) == 1) {
        if (m->count == 64)
            return -1;
        struct fl_tensor *to = &m->tensors[m->count];
        *to = *t;
        to->attrs = (struct fl_meta){0};
        must(!fl_meta_copy(&to->attrs, &t->attrs));
        struct fl_buf *buf = &m->data[m->count++];
        while ((got = fl_reader_block(in, &data, &len)) == 1)
            must(!fl_buf_add(buf, data, len));
        if (got)
            return -1;
    }
    return got;
}

/* The first object of FD, or NULL when it is damaged. */
static inline struct fuzz_message *
fuzz_take(int fd)
{
    struct fuzz_message *m = calloc(1, sizeof *m);
    struct fl_reader *in = fuzz_reader(fd);
    const struct fl_head *head;
    const struct fl_sign *sign;
    int got = fl_reader_object(in, &head);

    if (got == 1) {
        memcpy(m->head.kind, head->kind, sizeof m->head.kind);
        must(!fl_meta_copy(&m->head.meta, &head->meta));
        got = fuzz_take_tensors(m, in) ? -1 : 1;
        while (got == 1 && m->sign_count < 8 && (got = fl_reader_sign(in, &sign)) == 1)
            m->signs[m->sign_count++] = *sign;
    }
    fl_reader_free(in);
    if (got >= 0)
        return m;
    fuzz_release(m);
    return NULL;
}

/* The key of a place in the roster, or NULL. */
static inline const struct fl_key *
fuzz_key(const struct federation *f, const struct fl_roster *r, uint32_t signer)
{
    const struct fl_line *line = fl_roster_line(r, signer);

    for (size_t i = 0; line && i < FED_KEYS; i++)
        if (f->key[i] && !memcmp(f->key[i]->public, line->sign, 32))
            return f->key[i];
    return NULL;
}

/* Write M to FD, signed in the places where it was by the keys that R has there. */
static inline void
fuzz_write(const struct fuzz_message *m, const struct federation *f, const struct fl_roster *r,
           int fd)
{
    unsigned char digest[32];

    must(!ftruncate(fd, 0) && lseek(fd, 0, SEEK_SET) == 0);
    struct fl_writer *w = fl_writer_new(fd, "again", 0);
    fl_writer_want_digest(w);
    int failed = fl_writer_head(w, m->head.kind, &m->head.meta);
    for (size_t i = 0; i < m->count && !failed; i++)
        failed = fl_writer_tensor(w, &m->tensors[i]) ||
                 fl_writer_data(w, m->data[i].data, m->data[i].len);
    must(!failed && !fl_writer_done(w));
    fl_writer_digest(w, digest);
    for (size_t i = 0; i < m->sign_count; i++) {
        struct fl_sign sign = m->signs[i];
        const struct fl_key *key = fuzz_key(f, r, sign.signer);
        if (key)
            fl_roster_sign(r, sign.signer, key, m->head.kind, digest, &sign);
        must(!fl_writer_sign(w, &sign));
    }
    fl_writer_free(w);
    must(lseek(fd, 0, SEEK_SET) == 0);
}

/* DATA, its check values repaired if its size is even, to FD. */
static inline void
fuzz_input(const uint8_t *data, size_t size, int fd)
{
    unsigned char *p = malloc(size + 1);

    memcpy(p, data, size);
    if (size % 2 == 0)
        repair(p, size);
    fuzz_put(fd, p, size);
    free(p);
}

#endif
