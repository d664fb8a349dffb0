#include "shape.h"
#include "floats.h"
#include "test.h"

#include <stdint.h>
#include <unistd.h>

#include "crypt/hash.h"
#include "flt/values.h"
#include "nn/model.h"
#include "os/file.h"

static const struct fl_config shape = {LLAMA(90, 32, 2, 16, 4, 2, 4, 24, 1e-5, 1e4, false)};

static void
test_table(void)
{
    struct fl_model *m = fl_model_new(&shape);
    size_t at = 0;

    CHECK(m->layout.count == 2 * 9 + 3);
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        CHECK(p->offset == at); /* nothing lies between */
        CHECK(p->count == p->dims[0] * (p->rank == 2 ? p->dims[1] : 1));
        CHECK(fl_layout_find(&m->layout, p->name) == (int64_t)i);
        at += p->count;
    }
    CHECK(at == m->layout.size && m->layout.size == fl_config_parameters(&shape));
    CHECK_TEXT(m->layout.params[0].name, "embed_tokens.weight");
    CHECK_TEXT(m->layout.params[3].name, "layers.0.self_attn.k_proj.weight");
    CHECK(m->layout.params[3].dims[0] == 8 && m->layout.params[3].dims[1] == 16);
    CHECK_TEXT(m->layout.params[18].name, "layers.1.mlp.down_proj.weight");
    CHECK(m->layout.params[18].kind == FL_PARAM_DOWN && m->layout.params[18].layer == 1);
    CHECK_TEXT(m->layout.params[20].name, "lm_head.weight");
    CHECK(fl_layout_find(&m->layout, "layers.2.mlp.down_proj.weight") == -1);
    CHECK((uintptr_t)floats(m) % 64 == 0);
    fl_model_free(m);
    struct fl_config bad = shape;
    bad.heads = 3;
    CHECK(!fl_model_new(&bad));
}

/* Spread of weights, and the promise of the same bytes everywhere. */
static void
test_init(void)
{
    struct fl_model *m = fl_model_new(&shape);
    unsigned char digest[FL_HASH_BYTES];
    char hex[17];

    fl_model_init(m, 7);
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        double sum = 0, want = 0.02 * sqrt(768.0 / 16);
        for (size_t j = 0; j < p->count; j++)
            sum += (double)floats(m)[p->offset + j] * floats(m)[p->offset + j];
        if (p->rank == 1)
            want = 1;
        else if (p->kind == FL_PARAM_O || p->kind == FL_PARAM_DOWN)
            want /= 2; /* sqrt(2 L) */
        CHECK(fabs(sqrt(sum / (double)p->count) / want - 1) < 0.16);
    }
    fl_hash_once(digest, NULL, "test", floats(m), m->layout.size * sizeof(float));
    fl_hex(hex, digest, 8);
    CHECK_TEXT(hex, "9d76b74648fc3512");
    fl_model_init(m, 8);
    fl_hash_once(digest, NULL, "test", floats(m), m->layout.size * sizeof(float));
    char other[17];
    fl_hex(other, digest, 8);
    CHECK(strcmp(hex, other));
    fl_model_free(m);
}

/* Gains begin at 1, biases at 0, learned positions as the embedding. */
static void
test_init_of_switches(void)
{
    const struct fl_config c = {LLAMA(300, 200, 2, 16, 4, 2, 4, 24, 1e-5, 0, false),
                                .norm = FL_NORM_LAYER,
                                .act = FL_ACT_GELU,
                                .positions = FL_POSITIONS_LEARNED,
                                .bias = FL_BIAS_ALL,
                                .qk_norm = true};
    struct fl_model *m = fl_model_new(&c);
    size_t biases = 0;

    fl_model_init(m, 7);
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        const float *w = floats(m) + p->offset;
        bool bias = !strcmp(p->name + strlen(p->name) - 5, ".bias");
        double sum = 0;
        CHECK(bias == p->bias && (!bias || p->rank == 1));
        for (size_t j = 0; j < p->count; j++) {
            CHECK(p->rank == 2 || w[j] == (bias ? 0 : 1));
            sum += (double)w[j] * w[j];
        }
        if (p->kind == FL_PARAM_POSITIONS)
            CHECK(fabs(sqrt(sum / (double)p->count) / (0.02 * sqrt(768.0 / 16)) - 1) < 0.05);
        biases += bias;
    }
    CHECK(biases == 2 * (2 + 3 + 1 + 2) + 1);
    fl_model_free(m);
}

/* Writes an object to a spool, and opens it again from its descriptor's path. */
struct stored {
    int fd;
    char path[64];
    struct fl_writer *w;
};

static void
store(struct stored *s)
{
    s->fd = fl_spool_open();
    snprintf(s->path, sizeof s->path, "/dev/fd/%d", s->fd);
    s->w = fl_writer_new(s->fd, "spool", 0);
}

static struct fl_object *
stored_object(struct stored *s)
{
    fl_writer_free(s->w);
    lseek(s->fd, 0, SEEK_SET);
    return fl_object_open(s->path, NULL);
}

static void
test_write_and_load(void)
{
    struct fl_model *m = fl_model_new(&shape), *back;
    struct fl_meta meta = {0};
    struct stored s;

    fl_model_init(m, 1);
    CHECK(!fl_meta_set_i64(&meta, "round", 5));
    store(&s);
    CHECK(!fl_model_write(m, s.w, &meta, "{}", 2));
    struct fl_object *o = stored_object(&s);
    CHECK(o != NULL);
    int64_t round;
    CHECK(!fl_meta_get_i64(&fl_object_head(o)->meta, "round", 5, 5, &round));
    int64_t tok = fl_object_find(o, "tokenizer.json");
    CHECK(tok >= 0 && !memcmp(fl_object_data(o, (size_t)tok), "{}", 2));
    back = fl_model_load(o);
    CHECK(back && back->layout.size == m->layout.size &&
          !memcmp(floats(back), floats(m), m->layout.size * sizeof(float)));
    fl_model_free(back);
    fl_object_free(o);
    close(s.fd);
    fl_meta_release(&meta);
    fl_model_free(m);
}

/*
 * A model whose tensors have dtypes of their own: in memory as stored, but for gains and positions;
 * what is trained is f32; written again it is the same file, and masters are rounded into it.
 */
static void
test_dtypes(void)
{
    static const enum fl_dtype dtypes[] = {FL_BF16, FL_F32, FL_F16};
    struct fl_config c = shape;
    struct stored s[3];
    struct fl_object *o[3] = {NULL};
    struct fl_model *m, *own, *masters;

    c.positions = FL_POSITIONS_LEARNED, c.rope_base = 0;
    m = fl_model_new(&c);
    fl_model_init(m, 1);
    for (size_t i = 0; i < m->layout.count; i++)
        m->layout.params[i].dtype = dtypes[i % 3];
    store(&s[0]);
    CHECK(!fl_model_write(m, s[0].w, NULL, "{}", 2) && (o[0] = stored_object(&s[0])));
    own = fl_model_load(o[0]), masters = fl_model_open(o[0]);
    for (size_t i = 0; i < m->layout.count; i++)
        masters->layout.params[i].frozen = i % 2;
    fl_layout_trainables(&masters->layout);
    CHECK(!fl_model_to_train(masters));
    CHECK(!fl_model_fill(masters, o[0]) && fl_model_bytes(masters) < m->layout.size * 4 + 64 * 30);
    CHECK(fl_model_bytes(own) < fl_model_bytes(masters));
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        bool narrows = p->rank == 2 && p->kind != FL_PARAM_POSITIONS;
        CHECK(own->layout.params[i].dtype == p->dtype);
        CHECK(own->stored[i].dtype == (narrows ? p->dtype : FL_F32));
        CHECK(masters->stored[i].dtype == (narrows && i % 2 ? p->dtype : FL_F32));
        float want = (float)fl_value(p->dtype, fl_object_data(o[0], i), p->count - 1);
        CHECK((float)fl_value(own->stored[i].dtype, own->stored[i].data, p->count - 1) == want);
        CHECK((float)fl_value(masters->stored[i].dtype, masters->stored[i].data, p->count - 1) ==
              want);
        CHECK((uintptr_t)own->stored[i].data % fl_dtype_size(own->stored[i].dtype) == 0);
    }
    for (int k = 1; k < 3; k++) {
        store(&s[k]);
        CHECK(!fl_model_write(k == 1 ? own : masters, s[k].w, NULL, "{}", 2));
        CHECK((o[k] = stored_object(&s[k])) != NULL);
        for (size_t i = 0; i < fl_object_count(o[0]); i++)
            CHECK(fl_object_bytes(o[k], i) == fl_object_bytes(o[0], i) &&
                  !memcmp(fl_object_data(o[k], i), fl_object_data(o[0], i),
                          (size_t)fl_object_bytes(o[0], i)));
    }
    for (int k = 0; k < 3; k++)
        fl_object_free(o[k]), close(s[k].fd);
    fl_model_free(m), fl_model_free(own), fl_model_free(masters);
}

/* A value of a tensor in halves that is not finite is refused by its name, trained or not. */
static void
test_halves_not_finite(void)
{
    for (int k = 0; k < 2; k++) {
        struct fl_model *m = fl_model_new(&shape), *got = NULL;
        struct stored s;
        fl_model_init(m, 1);
        for (size_t i = 0; i < m->layout.count; i++)
            m->layout.params[i].dtype = FL_BF16;
        fl_model_floats(m, &m->layout.params[4])[5] = k ? NAN
                                                        : 3.4e38f; /* which rounds to infinity */
        store(&s);
        CHECK(!fl_model_write(m, s.w, NULL, NULL, 0));
        struct fl_object *o = stored_object(&s);
        CHECK(o && (got = fl_model_open(o)) != NULL);
        if (k)
            CHECK(!fl_model_to_train(got));
        CHECK(fl_model_fill(got, o) == -1 && fl_error_status() == FL_FAILED);
        CHECK(strstr(fl_error_text(), "layers.0.self_attn.v_proj.weight\": value 5"));
        fl_model_free(got), fl_model_free(m);
        fl_object_free(o);
        close(s.fd);
    }
}

enum damage { NONE, MISSING, SHAPE, DTYPE, EXTRA, NOT_FINITE, ROLE, HALVES, NO_META, DAMAGES };

/* A model object with something wrong in it. */
static void
write_damaged(const struct fl_model *m, struct fl_writer *w, enum damage damage)
{
    struct fl_meta meta = {0};
    float *values = fl_layout_array(&m->layout);

    memcpy(values, floats(m), m->layout.size * sizeof *values);
    if (damage == NOT_FINITE)
        values[m->layout.params[4].offset + 3] = INFINITY;
    if (damage != NO_META)
        CHECK(!fl_config_to_meta(&m->layout.config, &meta));
    CHECK(!fl_writer_head(w, FL_KIND_MODEL, &meta));
    for (size_t i = 0; i < m->layout.count; i++) {
        const struct fl_param *p = &m->layout.params[i];
        struct fl_tensor t = {.dtype = FL_F32, .rank = p->rank, .dims = {p->dims[0], p->dims[1]}};
        size_t bytes = p->count * 4;
        snprintf(t.name, sizeof t.name, "%s", p->name);
        if (i == 4 && damage == MISSING)
            continue;
        if (i == 4 && damage == SHAPE)
            t.dims[0] *= 2, t.dims[1] /= 2;
        if (i == 4 && damage == DTYPE)
            t.dtype = FL_I32;
        if (i == 4 && damage == ROLE)
            t.role = FL_MASKED;
        if (damage == HALVES) {
            t.dtype = i & 1 ? FL_F16 : FL_BF16;
            bytes /= 2;
            memset(values + p->offset, 0x3c, bytes); /* 0x3c3c: 1.05859375, 0.011474609375 */
        }
        CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, values + p->offset, bytes));
    }
    struct fl_tensor extra = {.name = "layers.0.bias", .dtype = FL_F32, .rank = 1, .dims = {4}};
    if (damage == EXTRA)
        CHECK(!fl_writer_tensor(w, &extra) && !fl_writer_data(w, values, 16));
    CHECK(!fl_writer_done(w));
    fl_meta_release(&meta);
    free(values);
}

static void
test_damaged(void)
{
    static const char *const texts[DAMAGES] =
        {[MISSING] = "has no tensor \"layers.0.self_attn.v_proj.weight\", which in its "
                     "configuration is f32[8,16]",
         [SHAPE] = "v_proj.weight\" is plain f32[16,8]; in its configuration it is plain f32[8,16]",
         [DTYPE] = "v_proj.weight\" is plain i32[8,16]; in its configuration it is plain f32[8,16]",
         [EXTRA] = "has a tensor \"layers.0.bias\", f32[4], that is not in its configuration",
         [NOT_FINITE] = "\"layers.0.self_attn.v_proj.weight\": value 3 is inf",
         [ROLE] = "v_proj.weight\" is masked",
         [NO_META] = "arch."};
    struct fl_model *m = fl_model_new(&shape);

    fl_model_init(m, 1);
    for (int damage = NONE; damage < DAMAGES; damage++) {
        struct stored s;
        store(&s);
        write_damaged(m, s.w, (enum damage)damage);
        struct fl_object *o = stored_object(&s);
        CHECK(o != NULL);
        struct fl_model *got = fl_model_load(o);
        if (texts[damage]) {
            CHECK(!got && fl_error_status() == FL_FAILED);
            CHECK(strstr(fl_error_text(), texts[damage]));
            CHECK(strstr(fl_error_text(), s.path) == fl_error_text());
        } else {
            CHECK(got != NULL);
        }
        if (damage == HALVES) {
            CHECK(got->stored[0].dtype == FL_BF16 && got->layout.params[0].dtype == FL_BF16);
            CHECK(fl_value(FL_BF16, got->stored[0].data, 3) == 0.011474609375);
            CHECK(got->layout.params[1].dtype == FL_F16); /* a gain */
            CHECK(fl_model_floats(got, &got->layout.params[1])[0] == 1.05859375f);
        }
        fl_model_free(got);
        fl_object_free(o);
        close(s.fd);
    }
    fl_model_free(m);
}

/* Moments of a checkpoint beside the weights. */
static void
test_prefixes(void)
{
    struct fl_model *m = fl_model_new(&shape);
    float *values = fl_layout_array(&m->layout), *back = fl_layout_array(&m->layout);
    struct stored s;

    fl_model_init(m, 1);
    for (size_t i = 0; i < m->layout.size; i++)
        values[i] = (float)i;
    store(&s);
    CHECK(!fl_writer_head(s.w, FL_KIND_CHECKPOINT, NULL));
    CHECK(!fl_model_write_values(&(struct fl_model_values){m, "m/", FL_TRAINED, values}, s.w));
    CHECK(!fl_model_write_values(&(struct fl_model_values){m, "", FL_WEIGHTS, NULL}, s.w));
    CHECK(!fl_writer_done(s.w));
    struct fl_object *o = stored_object(&s);
    struct fl_schema both, other;
    CHECK(!fl_schema_start(&both, "b") && !fl_model_schema(m, "", FL_WEIGHTS, &both));
    CHECK(!fl_model_schema(m, "m/", FL_TRAINED, &both) && !fl_schema_match(&both, o, 0));
    CHECK(!fl_schema_start(&other, "o") && !fl_model_schema(m, "v/", FL_TRAINED, &other));
    CHECK(fl_schema_match(&other, o, 0) == -1);
    fl_schema_release(&both);
    fl_schema_release(&other);
    CHECK(!fl_model_read(&(struct fl_model_values){m, "m/", FL_TRAINED, back}, o));
    CHECK(!memcmp(values, back, m->layout.size * sizeof *back));
    fl_object_free(o);
    close(s.fd);
    fl_model_free(m);
    free(values), free(back);
}

/* With some of it frozen: all, the trained ones closed up, and the trained ones in their places. */
static void
test_extents(void)
{
    struct fl_model *m = fl_model_new(&shape);
    size_t frozen = 0;

    for (size_t i = 0; i < m->layout.count; i++)
        frozen += m->layout.params[i].frozen = i % 3 == 1;
    fl_layout_trainables(&m->layout);
    float *closed = fl_layout_array(&m->layout), *back = fl_layout_array(&m->layout);
    for (size_t i = 0; i < m->layout.size; i++)
        floats(m)[i] = (float)i;
    for (size_t i = 0; i < m->layout.trained; i++)
        closed[i] = -(float)i;
    const struct fl_model_values all = {m, "", FL_WEIGHTS, NULL};
    const struct fl_model_values some = {m, "some/", FL_TRAINED, NULL};
    const struct fl_model_values moments = {m, "m/", FL_TRAINED, closed};
    struct stored s;
    store(&s);
    CHECK(!fl_writer_head(s.w, FL_KIND_CHECKPOINT, NULL) && !fl_model_write_values(&all, s.w));
    CHECK(!fl_model_write_values(&some, s.w) && !fl_model_write_values(&moments, s.w));
    CHECK(!fl_writer_done(s.w));
    struct fl_object *o = stored_object(&s);
    CHECK(frozen > 2 && fl_object_count(o) == 3 * m->layout.count - 2 * frozen);
    CHECK(fl_object_find(o, "norm.weight") >= 0 && fl_object_find(o, "m/embed_tokens.weight") >= 0);
    CHECK(fl_object_find(o, "m/layers.0.input_layernorm.weight") == -1);
    CHECK(!fl_model_read(&(struct fl_model_values){m, "m/", FL_TRAINED, back}, o));
    CHECK(!memcmp(back, closed, m->layout.trained * sizeof *back));
    memset(floats(m), 0, m->layout.size * sizeof(float));
    CHECK(!fl_model_read(&some, o));
    for (size_t i = 0; i < m->layout.count; i++)
        for (size_t j = m->layout.params[i].offset;
             j < m->layout.params[i].offset + m->layout.params[i].count; j++)
            CHECK(floats(m)[j] == (m->layout.params[i].frozen ? 0 : (float)j));
    fl_object_free(o);
    close(s.fd);
    fl_model_free(m);
    free(closed), free(back);
}

int
main(void)
{
    RUN(test_table);
    RUN(test_init);
    RUN(test_init_of_switches);
    RUN(test_write_and_load);
    RUN(test_dtypes);
    RUN(test_halves_not_finite);
    RUN(test_damaged);
    RUN(test_prefixes);
    RUN(test_extents);
    return test_end();
}
