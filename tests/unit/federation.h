/*
 * A small federation in a temporary folder, for tests of sec/ and fed/: keys, a model, a roster
 * that names it, plans. Failures are CHECKs.
 *
 * Parties: sites a, b, c, ..., the hub "hub", and "aux", a helper that is no site. In the lines
 * that a test gives of a roster, @NAME stands for the public line of that key.
 */
#ifndef FL_TEST_FEDERATION_H
#define FL_TEST_FEDERATION_H

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "crypt/hash.h"
#include "crypt/secret.h"
#include "flt/object.h"
#include "flt/writer.h"
#include "os/file.h"
#include "os/output.h"
#include "sec/plan.h"
#include "sec/state.h"
#include "test.h"

enum { FED_SITES = 12, FED_AUX = FED_SITES, FED_HUB, FED_KEYS };

#define FED_MASK    "tensors: [{match: \"*\", protect: mask, bits: 32, clip: 0.5}]\n"
#define FED_HELPERS "protection: helpers\nhelpers: [b, \"@aux\"]\n"

struct federation {
    char dir[64];
    size_t n;
    int64_t epoch;
    struct fl_key *key[FED_KEYS]; /* sites, aux, hub */
    unsigned char model[32];      /* digest of "model.flt" */
    struct fl_roster roster;
    void (*keys)(const struct federation *f, struct fl_plan *plan); /* of encryption; or NULL */
};

/* "DIR/NAME" in a buffer that the next call but seven overwrites. */
static inline const char *
fed_path(const struct federation *f, const char *name)
{
    static char paths[8][200];
    static int at;

    at = (at + 1) % 8;
    snprintf(paths[at], sizeof paths[at], "%.63s/%.130s", f->dir, name);
    return paths[at];
}

/* Name of party I, with a suffix, in a buffer as above. */
static inline const char *
fed_name(size_t i, const char *suffix)
{
    static char names[8][64];
    static int at;

    at = (at + 1) % 8;
    if (i < FED_SITES)
        snprintf(names[at], sizeof names[at], "%c%s", (int)('a' + i), suffix);
    else
        snprintf(names[at], sizeof names[at], "%s%s", i == FED_AUX ? "aux" : "hub", suffix);
    return names[at];
}

static inline const char *
fed_file(const struct federation *f, size_t i, const char *suffix)
{
    return fed_path(f, fed_name(i, suffix));
}

static inline void
fed_system(const struct federation *f, const char *format, ...)
{
    char command[4400], tail[4300];
    va_list ap;

    va_start(ap, format);
    vsnprintf(tail, sizeof tail, format, ap);
    va_end(ap);
    snprintf(command, sizeof command, "cd %s && { %s; }", f->dir, tail);
    CHECK(!system(command));
}

/* ---- the model and its updates ---- */

enum { FED_TENSORS = 5 };

static const struct fed_tensor {
    const char *name;
    enum fl_dtype dtype; /* of the model's; updates are f32 */
    unsigned rank;
    uint64_t dims[2];
} fed_tensors[FED_TENSORS] = {{"embed", FL_F32, 2, {50, 7}},
                              {"large", FL_F32, 1, {20001, 0}},
                              {"none", FL_F32, 2, {3, 0}},
                              {"norm.weight", FL_BF16, 1, {9, 0}},
                              {"tokenizer.json", FL_U8, 1, {2, 0}}};

static inline uint64_t
fed_elements(int t)
{
    return fed_tensors[t].dims[0] * (fed_tensors[t].rank == 2 ? fed_tensors[t].dims[1] : 1);
}

/* What value element I has, over all float tensors in a row. */
typedef float fed_value(uint64_t i, int arg);

static inline float
fed_usual(uint64_t i, int arg)
{
    return (float)((double)((i * 2654435761u + (unsigned)arg * 40503u) % 2001) / 1000 - 1) * 0.45F;
}

static inline float
fed_extreme(uint64_t i, int arg)
{
    return i % 3 == 0 ? 1e30F : i % 3 == 1 ? -1e30F : (float)arg;
}

struct fed_object {
    const char *file, *kind;
    const struct fl_meta *meta;
    fed_value *value;
    int arg;
    const char *without;      /* a tensor that is left out; NULL: none */
    unsigned char digest[32]; /* out */
};

/* Write a model (all tensors in their dtypes) or an update or velocity (floats as f32). */
static inline void
fed_write(const struct federation *f, struct fed_object *o)
{
    const bool model = !strcmp(o->kind, FL_KIND_MODEL);
    int fd = open(fed_path(f, o->file), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, o->file, 0);
    float *values = malloc(20001 * sizeof *values);
    uint16_t halves[9];
    uint64_t at = 0;
    int bad;

    fl_writer_want_digest(w);
    bad = fl_writer_head(w, o->kind, o->meta);
    for (int t = 0; t < FED_TENSORS - !model && !bad; t++) {
        const struct fed_tensor *of = &fed_tensors[t];
        struct fl_tensor tensor;
        fl_tensor_init(&tensor, of->name, model ? of->dtype : FL_F32, of->rank, of->dims);
        for (uint64_t i = 0; i < fed_elements(t); i++)
            values[i] = o->value(at++, o->arg);
        for (int i = 0; i < 9; i++) /* a bf16 is the upper half of an f32 */
            memcpy(&halves[i], (const char *)&values[i] + 2, 2);
        const void *data = tensor.dtype == FL_F32    ? (const void *)values
                           : tensor.dtype == FL_BF16 ? (const void *)halves
                                                     : (const void *)"{}";
        if (!o->without || strcmp(o->without, of->name))
            bad |= fl_writer_tensor(w, &tensor) ||
                   fl_writer_data(w, data, fed_elements(t) * fl_dtype_size(tensor.dtype));
    }
    bad |= fl_writer_done(w);
    CHECK(!bad);
    if (!bad)
        fl_writer_digest(w, o->digest);
    fl_writer_free(w);
    free(values);
    close(fd);
}

/* A model of this round in FILE; its digest into DIGEST. PARENT, if not NULL, is named. */
static inline void
fed_model(const struct federation *f, const char *file, int64_t round, const unsigned char *parent,
          int arg, unsigned char digest[32])
{
    struct fl_meta meta = {0};
    struct fed_object o = {file, FL_KIND_MODEL, &meta, fed_usual, arg, NULL, {0}};

    CHECK(!fl_meta_set_i64(&meta, "round", round) &&
          !(parent && fl_meta_set_bytes(&meta, "parent", parent, 32)));
    fed_write(f, &o);
    memcpy(digest, o.digest, 32);
    fl_meta_release(&meta);
}

/* Parameters' digest of the model BASE, which is a file of F; BASE itself where none is it. */
static inline const unsigned char *
fed_params(const struct federation *f, const unsigned char base[32])
{
    static unsigned char params[32];
    unsigned char digest[32];
    bool found = false;
    DIR *dir = opendir(f->dir);
    const struct dirent *entry;

    while (dir && !found && (entry = readdir(dir))) {
        const char *end = strrchr(entry->d_name, '.');
        if (!end || strcmp(end, ".flt"))
            continue;
        struct fl_object *o = fl_object_open(fed_path(f, entry->d_name), FL_KIND_MODEL);
        found = o && !fl_object_digest(o, NULL, digest) && !memcmp(digest, base, 32) &&
                !fl_object_params(o, NULL, params);
        fl_object_free(o);
    }
    if (dir)
        closedir(dir);
    return found ? params : base;
}

/* The update "NAME.flt" of site I over the model BASE. */
static inline void
fed_update(const struct federation *f, size_t i, const unsigned char base[32], int64_t examples,
           fed_value *value)
{
    struct fl_meta meta = {0};
    struct fed_object o = {fed_name(i, ".flt"), FL_KIND_UPDATE, &meta, value, (int)i, NULL, {0}};

    CHECK(!fl_meta_set_bytes(&meta, "base", base, 32) &&
          !fl_meta_set_bytes(&meta, "base.params", fed_params(f, base), 32) &&
          !fl_meta_set_i64(&meta, "base.round", 4) &&
          !fl_meta_set_i64(&meta, "examples", examples) &&
          !fl_meta_set_f64(&meta, "loss.first", 2 + (double)i) &&
          !fl_meta_set_i64(&meta, "tokens", 1000000));
    fed_write(f, &o);
    fl_meta_release(&meta);
}

/* ---- the roster ---- */

static inline size_t
fed_find(const struct federation *f, const char *name, size_t len)
{
    for (size_t i = 0; i < FED_KEYS; i++)
        if (f->key[i] && strlen(f->key[i]->name) == len && !memcmp(f->key[i]->name, name, len))
            return i;
    return FED_KEYS;
}

/* TEXT with the public lines for @NAME, behind OUT. */
static inline void
fed_expand(const struct federation *f, const char *text, struct fl_buf *out)
{
    while (*text) {
        size_t plain = strcspn(text, "@"), len = 0;
        fl_buf_add(out, text, plain);
        text += plain;
        if (!*text)
            break;
        for (text++; isalnum((unsigned char)text[len]); len++)
            ;
        size_t i = fed_find(f, text, len);
        struct fl_line line = {0};
        CHECK(i < FED_KEYS);
        if (i < FED_KEYS)
            fl_key_line(f->key[i], &line);
        fl_buf_add(out, line.text, strlen(line.text));
        text += len;
    }
}

/*
 * The YAML of a roster: federation, epoch, model, sites and hub unless MORE has them, MORE, and one
 * rule for all tensors unless MORE has some.
 */
static inline void
fed_yaml(const struct federation *f, const char *more, struct fl_buf *out)
{
    char model[65], base[200];

    fl_buf_clear(out);
    fl_hex(model, f->model, 32);
    if (!strstr(more, "federation:"))
        fl_buf_printf(out, "federation: test\n");
    if (!strstr(more, "epoch:"))
        fl_buf_printf(out, "epoch: %lld\n", (long long)f->epoch);
    if (!strstr(more, "model:"))
        fl_buf_printf(out, "model: %s\n", model);
    if (!strstr(more, "sites:")) {
        fl_buf_printf(out, "sites:\n");
        for (size_t i = 0; i < f->n; i++) {
            snprintf(base, sizeof base, "  - \"@%s\"\n", f->key[i]->name);
            fed_expand(f, base, out);
        }
    }
    if (!strstr(more, "hub:"))
        fed_expand(f, "hub: \"@hub\"\n", out);
    fed_expand(f, more, out);
    if (!strstr(more, "tensors:"))
        fl_buf_printf(out, FED_MASK);
}

/* A roster from YAML with these lines; 0 or -1. R is released before. */
static inline int
fed_roster_of(const struct federation *f, const char *more, struct fl_roster *r)
{
    struct fl_roster_conf conf;
    struct fl_buf yaml = {0};

    fed_yaml(f, more, &yaml);
    fl_roster_release(r);
    int result = fl_roster_conf_parse(&conf, fl_buf_text(&yaml), yaml.len, "roster");
    if (!result) {
        result = fl_roster_from_conf(r, &conf);
        fl_roster_conf_release(&conf);
    }
    fl_buf_release(&yaml);
    return result;
}

/* The same of F's own roster. */
static inline int
fed_roster(struct federation *f, const char *more)
{
    return fed_roster_of(f, more, &f->roster);
}

/* Keys of N sites, aux and hub; a model; a roster with these lines. */
static inline void
fed_start(struct federation *f, size_t n, const char *more)
{
    *f = (struct federation){.n = n, .epoch = 1};
    snprintf(f->dir, sizeof f->dir, "/tmp/fl-test-XXXXXX");
    CHECK(mkdtemp(f->dir) != NULL);
    for (size_t i = 0; i < FED_KEYS; i++) {
        if (i >= n && i < FED_SITES)
            continue;
        f->key[i] = fl_key_new(fed_name(i, ""), 1);
        CHECK(f->key[i] && !fl_key_write(f->key[i], fed_file(f, i, ".key")));
    }
    fed_model(f, "model.flt", 4, NULL, 0, f->model);
    CHECK(!fed_roster(f, more));
}

static inline void
fed_end(struct federation *f)
{
    char command[100];

    for (size_t i = 0; i < FED_KEYS; i++)
        fl_key_free(f->key[i]);
    fl_roster_release(&f->roster);
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    CHECK(!system(command));
}

/* Party I accepts F's roster; 0 or -1. */
static inline int
fed_accept(struct federation *f, size_t i)
{
    char dir[200], key[200];

    snprintf(dir, sizeof dir, "%s", fed_file(f, i, ".state"));
    snprintf(key, sizeof key, "%s", fed_file(f, i, ".key"));
    struct fl_acceptance a = {.dir = dir, .key_path = key, .key = f->key[i], .roster = &f->roster};
    return fl_state_accept(&a);
}

/* All sites, those helpers that are none, and the hub. */
static inline void
fed_accept_all(struct federation *f)
{
    for (size_t i = 0; i < FED_KEYS; i++)
        if (f->key[i] && fl_roster_find_key(&f->roster, f->key[i]->public) >= 0)
            CHECK(!fed_accept(f, i));
}

/* The state of party I, or NULL. */
static inline struct fl_state *
fed_state(const struct federation *f, size_t i)
{
    return fl_state_open(fed_file(f, i, ".state"), f->key[i]);
}

/* ---- plans ---- */

struct fed_planning {
    uint64_t round;
    const char *model, *after, *velocity, *deadline; /* files, or NULL; the model: model.flt */
    const struct fl_counted *last;                   /* (n + m), or NULL: nothing was counted */
};

/* Draft a plan of F's roster; 0 or -1 as fl_plan_draft, and then PLAN is to be released. */
static inline int
fed_draft(const struct federation *f, struct fl_plan *plan, const struct fed_planning *how)
{
    const struct fl_roster *r = &f->roster;
    struct fl_plan_params p = {.round = how->round, .deadline = how->deadline};

    *plan = (struct fl_plan){0};
    CHECK(!fl_roster_decode(&plan->roster, r->canonical.data, r->canonical.len));
    plan->last = fl_alloc(r->n + r->m, sizeof *plan->last);
    if (how->last)
        memcpy(plan->last, how->last, (r->n + r->m) * sizeof *plan->last);
    p.model = fl_object_open(fed_path(f, how->model ? how->model : "model.flt"), FL_KIND_MODEL);
    p.after = how->after ? fl_object_open(fed_path(f, how->after), FL_KIND_UPDATE) : NULL;
    p.velocity = how->velocity ? fl_object_open(fed_path(f, how->velocity), FL_KIND_OPTIMIZER)
                               : NULL;
    CHECK(p.model && (!how->after || p.after) && (!how->velocity || p.velocity));
    int result = fl_plan_draft(plan, &p);
    if (!result && plan->ciphertexts && f->keys)
        f->keys(f, plan);
    fl_object_free(p.model);
    fl_object_free(p.after);
    fl_object_free(p.velocity);
    return result;
}

/* Sign and write the plan to the file; 0 or -1. */
static inline int
fed_write_plan(const struct federation *f, struct fl_plan *plan, const char *file)
{
    int fd = open(fed_path(f, file), O_RDWR | O_CREAT | O_TRUNC, 0600);
    int result = fl_plan_write(plan, f->key[FED_HUB], fd, 0);

    close(fd);
    return result;
}

/* A plan of this round over model.flt, written to "plan.flt" and read from it. */
static inline void
fed_plan(const struct federation *f, struct fl_plan *plan, uint64_t round)
{
    const struct fed_planning how = {.round = round};

    CHECK(!fed_draft(f, plan, &how) && !fed_write_plan(f, plan, "plan.flt"));
    fl_plan_release(plan);
    CHECK(!fl_plan_read(plan, fed_path(f, "plan.flt"), NULL));
}

/* ---- objects that say something else ---- */

struct fed_forgery {
    const char *from, *to, *kind;
    void (*change)(struct fl_meta *meta, void *arg); /* or NULL */
    void *arg;
    /* A tensor's description and payload, BYTES of it, may be changed too. */
    void (*tensor)(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg);
    const struct fl_key *key; /* signs as SIGNER; NULL: nobody */
    uint32_t signer;
    const char *as; /* the kind that is signed for, if not KIND */
    bool leave_out_last;
};

/* Copy an object, changed, and sign it under F's roster. */
static inline void
fed_forge(const struct federation *f, const struct fed_forgery *how)
{
    struct fl_object *o = fl_object_open(fed_path(f, how->from), NULL);
    struct fl_meta meta = {0};
    struct fl_sign sign;
    unsigned char digest[32];
    int fd = open(fed_path(f, how->to), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, how->to, 0);

    CHECK(o && !fl_meta_copy(&meta, &fl_object_head(o)->meta));
    if (how->change)
        how->change(&meta, how->arg);
    fl_writer_want_digest(w);
    CHECK(!fl_writer_head(w, how->kind, &meta));
    for (size_t i = 0; i < fl_object_count(o) - how->leave_out_last; i++) {
        struct fl_tensor t = *fl_object_tensor(o, i);
        size_t bytes = (size_t)fl_object_bytes(o, i);
        char *data = malloc(bytes + 1);
        memcpy(data, fl_object_data(o, i), bytes);
        t.attrs = (struct fl_meta){0};
        CHECK(!fl_meta_copy(&t.attrs, &fl_object_tensor(o, i)->attrs));
        if (how->tensor)
            how->tensor(i, &t, data, bytes, how->arg);
        uint64_t elements, size;
        CHECK(!fl_tensor_size(&t, &elements, &size) && size <= bytes);
        CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, data, (size_t)size));
        fl_meta_release(&t.attrs);
        free(data);
    }
    CHECK(!fl_writer_done(w));
    fl_writer_digest(w, digest);
    if (how->key) {
        fl_roster_sign(&f->roster, how->signer, how->key, how->as ? how->as : how->kind, digest,
                       &sign);
        CHECK(!fl_writer_sign(w, &sign));
    }
    fl_writer_free(w);
    close(fd);
    fl_meta_release(&meta);
    fl_object_free(o);
}

/* ---- checks ---- */

static inline bool
fed_says(const char *words)
{
    return strstr(fl_error_text(), words) != NULL;
}

static inline bool
fed_same_files(const struct federation *f, const char *a, const char *b)
{
    struct fl_buf x = {0}, y = {0};
    bool same = !fl_read_file(fed_path(f, a), 1 << 24, &x) &&
                !fl_read_file(fed_path(f, b), 1 << 24, &y) && x.len == y.len &&
                !memcmp(x.data, y.data, x.len);

    fl_buf_release(&x);
    fl_buf_release(&y);
    return same;
}

/* The last call failed with this status and these words. */
#define CHECK_REFUSED(call, want, words)                                                           \
    do {                                                                                           \
        fl_error_clear();                                                                          \
        CHECK((call) != 0);                                                                        \
        if (fl_error_status() != (want) || !fed_says(words)) {                                     \
            test_failed++;                                                                         \
            printf("# %s:%d: status %d and \"%s\", not %d and \"%s\"\n", __FILE__, __LINE__,       \
                   (int)fl_error_status(), fl_error_text(), (int)(want), words);                   \
        }                                                                                          \
    } while (0)

#endif
