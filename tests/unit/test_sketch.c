/* Sketches: of the definition, the distances that they tell, the edge of near. */
#include "sec/sketch.h"

#include "base/bytes.h"
#include "crypt/chacha.h"
#include "federation.h"

static const unsigned char key[FL_SKETCH_KEY] = {5, 4, 3};

static void
sketch_of(const struct federation *f, const char *file, const unsigned char k[FL_SKETCH_KEY],
          struct fl_sketch *s)
{
    struct fl_object *o = fl_object_open(fed_path(f, file), FL_KIND_MODEL);

    CHECK(o && !fl_sketch_make(s, o, k));
    fl_object_free(o);
}

/* A model of these values in FILE. */
static void
write_model(const struct federation *f, const char *file, fed_value *value, int arg)
{
    struct fl_meta meta = {0};
    struct fed_object o = {file, FL_KIND_MODEL, &meta, value, arg, NULL, {0}};

    CHECK(!fl_meta_set_i64(&meta, "round", 4));
    fed_write(f, &o);
    fl_meta_release(&meta);
}

/*
 * The definition, parameter by parameter: all in one row, over the tensors in their order, each
 * with 16 bits of one stream that is never cut at a tensor.
 */
static void
test_definition(void)
{
    enum { ALL = 350 + 20001 + 9, CHUNK = 8192 };
    struct federation f;
    struct fl_sketch got, want = {{0}};
    static unsigned char bits[2 * CHUNK];
    double worst = 0;

    fed_start(&f, 3, "");
    sketch_of(&f, "model.flt", key, &got);
    for (uint64_t i = 0; i < ALL; i++) {
        float x = fed_usual(i, 0);
        if (i % CHUNK == 0)
            fl_stream_fill(bits, sizeof bits, key, i / CHUNK);
        if (i >= 350 + 20001) { /* bf16: the upper half */
            uint32_t u;
            memcpy(&u, &x, 4);
            u &= 0xffff0000u;
            memcpy(&x, &u, 4);
        }
        unsigned b = (unsigned)bits[2 * (i % CHUNK)] | (unsigned)bits[2 * (i % CHUNK) + 1] << 8;
        want.sum[b & 255] += b & 256 ? -(double)x : (double)x;
    }
    for (int i = 0; i < FL_SKETCH_SUMS; i++)
        worst = fmax(worst, fabs(got.sum[i] - want.sum[i]));
    CHECK(worst < 1e-12);
    struct fl_sketch again, other;
    const unsigned char other_key[FL_SKETCH_KEY] = {5, 4, 2};
    sketch_of(&f, "model.flt", key, &again);
    sketch_of(&f, "model.flt", other_key, &other);
    CHECK(!memcmp(&got, &again, sizeof got) && memcmp(&got, &other, sizeof got));
    CHECK(fl_sketch_distance(&got, &again) == 0 && fl_sketch_distance(&got, &other) > 0);
    fed_end(&f);
}

static float
moved(uint64_t i, int arg)
{
    return fed_usual(i, 0) + (i % 2 ? 1.0F : -1.0F) * (float)arg * 0x1p-6F;
}

static float
one_moved(uint64_t i, int arg)
{
    return fed_usual(i, 0) + (i == 12345 ? (float)arg : 0);
}

/*
 * Distances of models that are so far apart, to a quarter: four standard deviations. One number
 * that moved alone is told exactly, wherever it went.
 */
static void
test_distance(void)
{
    struct federation f;
    struct fl_sketch a, b;
    const int trials = test_under_valgrind() ? 2 : 40;
    double mean = 0, square = 0;

    fed_start(&f, 3, "");
    write_model(&f, "one.flt", one_moved, 3);
    sketch_of(&f, "model.flt", key, &a);
    sketch_of(&f, "one.flt", key, &b);
    CHECK_NEAR(fl_sketch_distance(&a, &b), 3, 1e-5);
    write_model(&f, "moved.flt", moved, 1);
    const double want = sqrt(350 + 20001 + 9) * 0x1p-6;
    for (int t = 0; t < trials; t++) {
        unsigned char k[FL_SKETCH_KEY] = {(unsigned char)t, 99};
        sketch_of(&f, "model.flt", k, &a);
        sketch_of(&f, "moved.flt", k, &b);
        double ratio = fl_sketch_distance(&a, &b) / want;
        CHECK(ratio > 0.75 && ratio < 1.25);
        mean += ratio * ratio / trials;
        square += ratio * ratio * ratio * ratio / trials;
    }
    /* of the square: mean 1, deviation sqrt(2 / 256) = 0.088 */
    CHECK(fabs(mean - 1) < 0.08);
    CHECK(trials < 40 || (square - mean * mean > 0.003 && square - mean * mean < 0.02));
    fed_end(&f);
}

/* move * sqrt(sum of clip^2) over what travels; frozen tensors do not count. */
static void
test_edge(void)
{
    static const struct {
        const char *more;
        double want;
    } cases[] = {
        {"", 0.5 / 64 * 142.688472}, /* sqrt(20360) */
        {"move: 0\n", 0},
        {"move: 2\ntensors: [{match: large, protect: frozen}, {match: embed, protect: mask, bits: "
         "32, clip: 0.25}, {match: \"*\", protect: plain, bits: 32, clip: 4}]\n",
         2 * 12.879247},
    };
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(!fed_roster(&f, cases[i].more));
        fed_plan(&f, &plan, 1);
        CHECK_NEAR(fl_sketch_edge(&plan), cases[i].want, 1e-4);
        fl_plan_release(&plan);
    }
    fed_end(&f);
}

/* A model with a damaged payload has no sketch. */
static void
test_damaged(void)
{
    struct federation f;
    struct fl_sketch s;

    fed_start(&f, 3, "");
    int fd = open(fed_path(&f, "model.flt"), O_RDWR);
    unsigned char byte = 0;
    CHECK(pread(fd, &byte, 1, 40000) == 1);
    byte ^= 1;
    CHECK(pwrite(fd, &byte, 1, 40000) == 1);
    close(fd);
    struct fl_object *o = fl_object_open(fed_path(&f, "model.flt"), FL_KIND_MODEL);
    CHECK(o && fl_sketch_make(&s, o, key) == -1 && fl_error_status() == FL_FAILED);
    fl_object_free(o);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_definition);
    RUN(test_distance);
    RUN(test_edge);
    RUN(test_damaged);
    return test_end();
}
