/* A small federation in a temporary folder, for tests of sec/ and fed/: keys, roster, model, plan.
 */
#ifndef FL_TEST_FEDERATION_H
#define FL_TEST_FEDERATION_H

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/buf.h"
#include "crypt/secret.h"
#include "flt/writer.h"
#include "os/file.h"
#include "os/output.h"
#include "sec/plan.h"
#include "sec/state.h"
#include "test.h"

enum { FED_SITES = 8 };

struct federation {
    char dir[64];
    size_t n;
    struct fl_key *site[FED_SITES], *hub;
    struct fl_roster roster;
    char text[300];
};

/* "DIR/NAME" in a buffer that the next call but three overwrites. */
static inline const char *
fed_path(const struct federation *f, const char *name)
{
    static char paths[4][200];
    static int at;

    at = (at + 1) % 4;
    snprintf(paths[at], sizeof paths[at], "%s/%s", f->dir, name);
    return paths[at];
}

static inline const char *
fed_name(size_t i, const char *suffix)
{
    static char names[4][64];
    static int at;

    at = (at + 1) % 4;
    snprintf(names[at], sizeof names[at], "%c%s", (int)('a' + i), suffix);
    return names[at];
}

/* The YAML of a roster of these keys; MORE are further lines. */
static inline void
fed_yaml(const struct federation *f, const char *more, struct fl_buf *out)
{
    struct fl_line line;

    fl_buf_clear(out);
    fl_buf_printf(out, "federation: test\nepoch: %lld\nsites:\n", (long long)f->site[0]->epoch);
    for (size_t i = 0; i < f->n; i++) {
        fl_key_line(f->site[i], &line);
        fl_buf_printf(out, "  - %s\n", line.text);
    }
    fl_key_line(f->hub, &line);
    fl_buf_printf(out, "hub: %s\n%s", line.text, more);
}

/* 0, or -1 as fl_roster_from_conf; the roster of F is replaced. */
static inline int
fed_roster(struct federation *f, const char *more)
{
    struct fl_roster_conf conf;
    struct fl_buf yaml = {0};

    fed_yaml(f, more, &yaml);
    fl_roster_release(&f->roster);
    int result = fl_roster_conf_parse(&conf, fl_buf_text(&yaml), yaml.len, "roster");
    if (!result) {
        result = fl_roster_from_conf(&f->roster, &conf);
        fl_roster_conf_release(&conf);
    }
    fl_buf_release(&yaml);
    return result;
}

static inline void
fed_start(struct federation *f, size_t n, const char *more)
{
    *f = (struct federation){.n = n};
    snprintf(f->dir, sizeof f->dir, "/tmp/fl-test-XXXXXX");
    CHECK(mkdtemp(f->dir) != NULL);
    for (size_t i = 0; i < n; i++) {
        f->site[i] = fl_key_new(fed_name(i, ""), 1);
        CHECK(f->site[i] && !fl_key_write(f->site[i], fed_path(f, fed_name(i, ".key"))));
    }
    f->hub = fl_key_new("hub", 1);
    CHECK(f->hub && !fl_key_write(f->hub, fed_path(f, "hub.key")));
    CHECK(!fed_roster(f, more));
}

static inline int
fed_accept(struct federation *f, size_t i)
{
    bool already;

    return fl_state_accept(fed_path(f, fed_name(i, ".state")), f->site[i],
                           fed_path(f, fed_name(i, ".key")), &f->roster, NULL, &already);
}

static inline void
fed_end(struct federation *f)
{
    char command[100];

    for (size_t i = 0; i < f->n; i++)
        fl_key_free(f->site[i]);
    fl_key_free(f->hub);
    fl_roster_release(&f->roster);
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    CHECK(!system(command));
}

static const uint64_t fed_dims[3][2] = {{50, 7}, {20001, 1}, {3, 0}};
static const char *const fed_tensors[3] = {"embed", "large", "none"};
static const unsigned fed_ranks[3] = {2, 1, 2};

static inline uint64_t
fed_elements(int t)
{
    return fed_dims[t][0] * (fed_ranks[t] == 2 ? fed_dims[t][1] : 1);
}

/* A model (BASE NULL) or an update of it; VALUE(i, arg) is element i over all tensors. */
static inline void
fed_object(const struct federation *f, const char *file, const unsigned char *base,
           int64_t examples, float (*value)(uint64_t i, int arg), int arg)
{
    struct fl_meta meta = {0};
    float *values = malloc(sizeof *values * 20001);
    uint64_t at = 0;
    int fd = open(fed_path(f, file), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, file, 0);
    int bad = base ? fl_meta_set_bytes(&meta, "base", base, 32) ||
                         fl_meta_set_i64(&meta, "base.round", 4) ||
                         fl_meta_set_i64(&meta, "examples", examples)
                   : fl_meta_set_i64(&meta, "round", 4);

    bad |= fl_writer_head(w, base ? FL_KIND_UPDATE : FL_KIND_MODEL, &meta);
    for (int t = 0; t < 3 && !bad; t++) {
        struct fl_tensor tensor;
        for (uint64_t i = 0; i < fed_elements(t); i++)
            values[i] = value(at++, arg);
        fl_tensor_init(&tensor, fed_tensors[t], FL_F32, fed_ranks[t], fed_dims[t]);
        bad |= fl_writer_tensor(w, &tensor) ||
               fl_writer_data(w, values, sizeof *values * fed_elements(t));
    }
    bad |= fl_writer_done(w);
    CHECK(!bad);
    fl_writer_free(w);
    fl_meta_release(&meta);
    free(values);
    close(fd);
}

static inline float
fed_plain_value(uint64_t i, int arg)
{
    return (float)((double)((i * 2654435761u + (unsigned)arg * 40503u) % 2001) / 1000 - 1) * 0.9F;
}

/*
 * A plan of the round over the model "model.flt", made once, with these YAML settings; 0 or -1 as
 * fl_plan_draft. Releases nothing of an earlier one.
 */
static inline int
fed_plan(struct federation *f, struct fl_plan *plan, uint64_t round, const char *settings)
{
    struct fl_round_conf conf;

    if (access(fed_path(f, "model.flt"), F_OK))
        fed_object(f, "model.flt", NULL, 0, fed_plain_value, 0);
    *plan = (struct fl_plan){0};
    CHECK(!fl_roster_decode(&plan->roster, f->roster.canonical.data, f->roster.canonical.len));
    int result = fl_round_conf_parse(&conf, settings, strlen(settings), "round.yaml");
    if (!result) {
        struct fl_plan_params p = {.round = round, .conf = &conf};
        p.model = fl_object_open(fed_path(f, "model.flt"), FL_KIND_MODEL);
        result = p.model ? fl_plan_draft(plan, &p) : -1;
        fl_object_free(p.model);
        fl_round_conf_release(&conf);
    }
    return result;
}

/* Sign and write the plan to the file; 0 or -1. */
static inline int
fed_write_plan(struct federation *f, struct fl_plan *plan, const char *file)
{
    int fd = open(fed_path(f, file), O_RDWR | O_CREAT | O_TRUNC, 0600);
    int result = fl_plan_write(plan, f->hub, fd, 0);

    close(fd);
    return result;
}

static inline bool
fed_says(const char *words)
{
    return strstr(fl_error_text(), words) != NULL;
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
