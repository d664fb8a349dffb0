/* Server steps against their slow twin, and the state that lets the last one be done again. */
#include "fed/server.h"

#include "../naive/server.h"
#include "base/mem.h"
#include "spool.h"

enum { COUNT = 262144 + 777, ROUNDS = 3 };

static float *model_values, *update_values[ROUNDS];

static float
draw(uint64_t *state, double size)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)((int64_t)*state >> 11) * 0x1p-52 * size);
}

static void
make_values(void)
{
    uint64_t state = 3;

    model_values = fl_alloc_aligned(COUNT, sizeof(float));
    for (size_t i = 0; i < COUNT; i++)
        model_values[i] = draw(&state, 1);
    for (int r = 0; r < ROUNDS; r++) {
        update_values[r] = fl_alloc_aligned(COUNT, sizeof(float));
        for (size_t i = 0; i < COUNT; i++)
            update_values[r][i] = draw(&state, i % 3 ? 1e-3 : 1e-9);
    }
}

static int
make_model(void)
{
    struct fl_meta meta = {0};
    const struct spool_tensor tensors[] = {{"w", FL_F32, {COUNT, 0}, model_values},
                                           {"tokenizer.json", FL_U8, {2, 0}, "{}"},
                                           {NULL, FL_F32, {0, 0}, NULL}};

    CHECK(!fl_meta_set_i64(&meta, "round", 6) && !fl_meta_set_text(&meta, "arch.family", "llama"));
    int fd = spool_object(FL_KIND_MODEL, &meta, tensors);
    fl_meta_release(&meta);
    return fd;
}

static int
make_update(const unsigned char base[FL_HASH_BYTES], const float *values, uint64_t count)
{
    struct fl_meta meta = {0};
    const struct spool_tensor tensors[] = {{"w", FL_F32, {count, 0}, values},
                                           {NULL, FL_F32, {0, 0}, NULL}};

    CHECK(!fl_meta_set_bytes(&meta, "base", base, FL_HASH_BYTES));
    int fd = spool_object(FL_KIND_UPDATE, &meta, tensors);
    fl_meta_release(&meta);
    return fd;
}

/* One step; new model and state in files (state only if there is a new one). */
static int
step(struct fl_server_step *s, int *model, int *state)
{
    unsigned char digest[FL_HASH_BYTES];

    if (fl_server_check(s))
        return -1;
    *model = fl_spool_open();
    struct fl_writer *w = fl_writer_new(*model, "model", 0);
    fl_writer_want_digest(w);
    int result = fl_server_write_model(s, NULL, w);
    if (!result)
        fl_writer_digest(w, digest);
    fl_writer_free(w);
    if (result || (s->again && fl_server_check_again(s, digest)))
        return -1;
    if (s->again || s->rule == FL_APPLY_SGD)
        return 0;
    *state = fl_spool_open();
    w = fl_writer_new(*state, "state", 0);
    result = fl_server_write_state(s, digest, w);
    fl_writer_free(w);
    return result;
}

static struct fl_server_step
open_step(enum fl_apply_rule rule, int model, int update, int state)
{
    struct fl_server_step s = {.rule = rule, .lr = 0.7, .momentum = 0.9};

    s.model = spool_open(model, FL_KIND_MODEL);
    s.update = spool_open(update, FL_KIND_UPDATE);
    s.state = state >= 0 ? spool_open(state, FL_KIND_OPTIMIZER) : NULL;
    CHECK(s.model && s.update && (state < 0 || s.state));
    return s;
}

static void
close_step(struct fl_server_step *s)
{
    fl_object_free(s->model);
    fl_object_free(s->update);
    fl_object_free(s->state);
}

static void
digest_of(int fd, const char *kind, unsigned char digest[FL_HASH_BYTES])
{
    struct fl_object *o = spool_open(fd, kind);

    CHECK(o && !fl_object_digest(o, NULL, digest));
    fl_object_free(o);
}

/* Values of tensor "w" in a file are those. */
static void
check_values(int fd, const char *kind, const float *want)
{
    struct fl_object *o = spool_open(fd, kind);
    const float *got = o ? fl_object_data(o, (size_t)fl_object_find(o, "w")) : NULL;

    CHECK(got && !memcmp(got, want, COUNT * sizeof *want));
    fl_object_free(o);
}

/* Rounds with each rule and several numbers of threads; every step is done again as well. */
static void
test_rounds(void)
{
    float *b = fl_alloc_aligned(COUNT, sizeof *b), *v = fl_alloc_aligned(COUNT, sizeof *v);

    for (int rule = FL_APPLY_SGD; rule <= FL_APPLY_NESTEROV; rule++) {
        struct fl_pool *pool = fl_pool_new(1 + rule);
        int model = make_model(), state = -1;
        memcpy(b, model_values, COUNT * sizeof *b);
        memset(v, 0, COUNT * sizeof *v);
        for (int r = 0; r < ROUNDS; r++) {
            unsigned char digest[FL_HASH_BYTES];
            digest_of(model, FL_KIND_MODEL, digest);
            int update = make_update(digest, update_values[r], COUNT);
            int next = -1, next_state = -1, again = -1, none = -1;
            struct fl_server_step s = open_step((enum fl_apply_rule)rule, model, update, state);
            s.pool = pool;
            CHECK(!step(&s, &next, &next_state) && !s.again);
            close_step(&s);
            for (size_t i = 0; i < COUNT; i++)
                b[i] = naive_server_step("smn"[rule], b[i], update_values[r][i], &v[i], 0.7, 0.9);
            check_values(next, FL_KIND_MODEL, b);
            if (rule != FL_APPLY_SGD) {
                check_values(next_state, FL_KIND_OPTIMIZER, v);
                s = open_step((enum fl_apply_rule)rule, model, update, next_state);
                CHECK(!step(&s, &again, &none) && s.again && none == -1);
                close_step(&s);
                check_values(again, FL_KIND_MODEL, b);
                close(again);
            }
            close(model);
            close(update);
            if (state >= 0)
                close(state);
            model = next;
            state = next_state;
        }
        struct fl_object *o = spool_open(model, FL_KIND_MODEL);
        int64_t round = 0;
        CHECK(o && !fl_meta_get_i64(&fl_object_head(o)->meta, "round", 0, 99, &round));
        CHECK(round == 6 + ROUNDS && fl_object_count(o) == 2);
        fl_object_free(o);
        close(model);
        if (state >= 0)
            close(state);
        fl_pool_free(pool);
    }
    free(b);
    free(v);
}

static void
expect(enum fl_apply_rule rule, int model, int update, int state, double lr, int status,
       const char *words)
{
    struct fl_server_step s = open_step(rule, model, update, state);

    s.lr = lr;
    fl_error_clear();
    CHECK((fl_server_check(&s) ? (int)fl_error_status() : 0) == status);
    if (status)
        CHECK(strstr(fl_error_text(), words) != NULL);
    close_step(&s);
}

static void
test_refused(void)
{
    unsigned char digest[FL_HASH_BYTES], next_digest[FL_HASH_BYTES];
    int model = make_model(), next = -1, state = -1;

    digest_of(model, FL_KIND_MODEL, digest);
    int update = make_update(digest, update_values[0], COUNT);
    int other = make_update(digest, update_values[1], COUNT);
    int small = make_update(digest, update_values[0], COUNT - 1);
    struct fl_server_step s = open_step(FL_APPLY_MOMENTUM, model, update, -1);
    CHECK(!step(&s, &next, &state));
    close_step(&s);
    digest_of(next, FL_KIND_MODEL, next_digest);
    int after = make_update(next_digest, update_values[1], COUNT);

    expect(FL_APPLY_MOMENTUM, next, after, state, 0.7, 0, "");
    expect(FL_APPLY_MOMENTUM, next, after, state, 0.1, 0, ""); /* the next step may differ */
    expect(FL_APPLY_NESTEROV, next, after, state, 0.7, 0, "");
    expect(FL_APPLY_MOMENTUM, model, update, state, 0.7, 0, "");
    expect(FL_APPLY_MOMENTUM, model, update, state, 0.1, FL_REFUSED, "taken this step already");
    expect(FL_APPLY_NESTEROV, model, update, state, 0.7, FL_REFUSED, "taken this step already");
    expect(FL_APPLY_MOMENTUM, model, other, state, 0.7, FL_REFUSED, "another update");
    expect(FL_APPLY_MOMENTUM, next, update, state, 0.7, FL_REFUSED, "in there already");
    expect(FL_APPLY_SGD, next, update, -1, 0.7, FL_REFUSED, "in there already");
    expect(FL_APPLY_SGD, model, after, -1, 0.7, FL_REFUSED, "belongs to the model");
    expect(FL_APPLY_SGD, model, small, -1, 0.7, FL_FAILED, "\"w\" is plain f32[262920]");
    int fds[] = {model, update, other, small, next, state, after};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

/* A state whose numbers are not the ones that made the model that it names. */
static void
test_forged_state(void)
{
    unsigned char digest[FL_HASH_BYTES];
    struct fl_meta meta = {0};
    int model = make_model(), next = -1, state = -1, none = -1;
    const struct spool_tensor tensors[] = {{"w", FL_F32, {COUNT, 0}, update_values[2]},
                                           {NULL, FL_F32, {0, 0}, NULL}};

    digest_of(model, FL_KIND_MODEL, digest);
    int update = make_update(digest, update_values[0], COUNT);
    struct fl_server_step s = open_step(FL_APPLY_NESTEROV, model, update, -1);
    CHECK(!step(&s, &next, &state));
    close_step(&s);
    struct fl_object *o = spool_open(state, FL_KIND_OPTIMIZER);
    CHECK(o && !fl_meta_copy(&meta, &fl_object_head(o)->meta));
    fl_object_free(o);
    int forged = spool_object(FL_KIND_OPTIMIZER, &meta, tensors);
    fl_meta_release(&meta);
    close(next);
    s = open_step(FL_APPLY_NESTEROV, model, update, forged);
    CHECK(step(&s, &next, &none) == -1 && fl_error_status() == FL_REFUSED);
    CHECK(strstr(fl_error_text(), "another model than it names") != NULL);
    close_step(&s);
    int fds[] = {model, update, next, state, forged};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

static void
test_not_finite(void)
{
    unsigned char digest[FL_HASH_BYTES];
    int model = make_model(), next = -1, state = -1;
    float *x = update_values[0], kept = x[300];

    digest_of(model, FL_KIND_MODEL, digest);
    x[300] = INFINITY;
    int update = make_update(digest, x, COUNT);
    struct fl_server_step s = open_step(FL_APPLY_SGD, model, update, -1);
    CHECK(step(&s, &next, &state) == -1 && strstr(fl_error_text(), "value 300 is not a finite"));
    close_step(&s);
    close(next);
    x[300] = 3e38f;
    close(update);
    update = make_update(digest, x, COUNT);
    s = open_step(FL_APPLY_SGD, model, update, -1);
    s.lr = 10;
    CHECK(step(&s, &next, &state) == -1 && strstr(fl_error_text(), "smaller --lr"));
    close_step(&s);
    close(next);
    close(update);
    close(model);
    x[300] = kept;
}

int
main(void)
{
    make_values();
    RUN(test_rounds);
    RUN(test_refused);
    RUN(test_forged_state);
    RUN(test_not_finite);
    free(model_values);
    for (int r = 0; r < ROUNDS; r++)
        free(update_values[r]);
    return test_end();
}
