/*
 * Under valgrind, every secret is marked as undefined where it comes from, and what is derived of
 * it stays so; valgrind then reports each branch, each index and each system call that depends on
 * one. Two whole rounds are made so, one with helpers and one pairwise: keys, chains, mask keys,
 * streams, encoded values, tags, sketches. What leaves the party is marked as defined again, here
 * and nowhere else: each of the functions below is that of the library, wrapped by the linker
 * (--wrap).
 *
 *     secrets [LEAK]      LEAK: branch, index, compare: put one in, which must be found
 *
 * Source of the method: Langley, ctgrind, 2010.
 */
#include <valgrind/memcheck.h>

#include "../unit/round.h"
#include "crypt/chacha.h"
#include "sec/sketch.h"

static const char *leak = "";
static volatile unsigned sink;

static void
hide(const void *p, size_t n)
{
    VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void
tell(const void *p, size_t n)
{
    VALGRIND_MAKE_MEM_DEFINED(p, n);
}

/* ---- where secrets come from ---- */

void __real_fl_random_bytes(void *p, size_t n);
void __wrap_fl_random_bytes(void *p, size_t n);

void
__wrap_fl_random_bytes(void *p, size_t n)
{
    __real_fl_random_bytes(p, n);
    hide(p, n);
}

int __real_fl_vault_next(struct fl_vault *v);
int __wrap_fl_vault_next(struct fl_vault *v);

/* From a key or a state: the values of these words, at these places. */
int
__wrap_fl_vault_next(struct fl_vault *v)
{
    static const struct {
        const char *word;
        size_t field;
    } secrets[] = {{"sign", 1},   {"dh", 1},     {"hedge", 1}, {"hidden", 1},
                   {"up", 2},     {"down", 2},   {"open", 3},  {"sketch", 1},
                   {"masked", 1}, {"upload", 5}, {"base", 3}};
    int got = __real_fl_vault_next(v);

    for (size_t i = 0; got == 1 && i < sizeof secrets / sizeof *secrets; i++)
        if (fl_vault_is(v, secrets[i].word) && v->count > secrets[i].field) {
            char *text = v->field[secrets[i].field];
            if (*text != '-') /* a value that is not there; else one digit of many stays known */
                hide(text + 1, strlen(text) - 1);
        }
    return got;
}

int __real_fl_object_view(struct fl_object *o, size_t i, uint64_t from, uint64_t to,
                          struct fl_view *v);
int __wrap_fl_object_view(struct fl_object *o, size_t i, uint64_t from, uint64_t to,
                          struct fl_view *v);

/* A site's own update, once its check values were compared. */
int
__wrap_fl_object_view(struct fl_object *o, size_t i, uint64_t from, uint64_t to, struct fl_view *v)
{
    int got = __real_fl_object_view(o, i, from, to, v);

    if (!got && !strcmp(fl_object_head(o)->kind, FL_KIND_UPDATE))
        hide(v->data, (size_t)(to - from));
    return got;
}

/* ---- what leaves a party, or is public by what it is ---- */

void __real_fl_sign_pair(const unsigned char *seed, unsigned char *pub, unsigned char *secret);
void __wrap_fl_sign_pair(const unsigned char *seed, unsigned char *pub, unsigned char *secret);

void
__wrap_fl_sign_pair(const unsigned char *seed, unsigned char *pub, unsigned char *secret)
{
    __real_fl_sign_pair(seed, pub, secret);
    tell(pub, FL_SIGN_PUBLIC);
}

void __real_fl_sign(unsigned char *sig, const void *message, size_t len, const unsigned char *key);
void __wrap_fl_sign(unsigned char *sig, const void *message, size_t len, const unsigned char *key);

void
__wrap_fl_sign(unsigned char *sig, const void *message, size_t len, const unsigned char *key)
{
    __real_fl_sign(sig, message, len, key);
    tell(sig, FL_SIGN_BYTES);
}

void __real_fl_dh_public(unsigned char *pub, const unsigned char *secret);
void __wrap_fl_dh_public(unsigned char *pub, const unsigned char *secret);

void
__wrap_fl_dh_public(unsigned char *pub, const unsigned char *secret)
{
    __real_fl_dh_public(pub, secret);
    tell(pub, FL_DH_PUBLIC);
}

void __real_fl_key_fresh(unsigned char *out, const struct fl_key *key, const unsigned char *bind,
                         uint64_t ctr, const char *what);
void __wrap_fl_key_fresh(unsigned char *out, const struct fl_key *key, const unsigned char *bind,
                         uint64_t ctr, const char *what);

/* A nonce is in the head of the upload. */
void
__wrap_fl_key_fresh(unsigned char *out, const struct fl_key *key, const unsigned char *bind,
                    uint64_t ctr, const char *what)
{
    __real_fl_key_fresh(out, key, bind, ctr, what);
    if (!strcmp(what, "nonce"))
        tell(out, 32);
}

int __real_fl_upload_head_encode(const struct fl_upload_head *h, const struct fl_plan *plan,
                                 struct fl_meta *meta);
int __wrap_fl_upload_head_encode(const struct fl_upload_head *h, const struct fl_plan *plan,
                                 struct fl_meta *meta);

/* So are the tags. */
int
__wrap_fl_upload_head_encode(const struct fl_upload_head *h, const struct fl_plan *plan,
                             struct fl_meta *meta)
{
    tell(h->tags, fl_upload_tags(plan) * FL_PAIR_TAG);
    return __real_fl_upload_head_encode(h, plan, meta);
}

int __real_fl_writer_data(struct fl_writer *w, const void *data, size_t len);
int __wrap_fl_writer_data(struct fl_writer *w, const void *data, size_t len);

/* Words of an upload or an answer are masked when they are written. */
int
__wrap_fl_writer_data(struct fl_writer *w, const void *data, size_t len)
{
    tell(data, len);
    return __real_fl_writer_data(w, data, len);
}

int __real_fl_output_write_file(const char *path, const void *data, size_t len, unsigned flags);
int __wrap_fl_output_write_file(const char *path, const void *data, size_t len, unsigned flags);

/* A key or a state into its own file. */
int
__wrap_fl_output_write_file(const char *path, const void *data, size_t len, unsigned flags)
{
    tell(data, len);
    return __real_fl_output_write_file(path, data, len, flags);
}

bool __real_fl_equal_secret(const void *a, const void *b, size_t n);
bool __wrap_fl_equal_secret(const void *a, const void *b, size_t n);

/* Whether a tag is right is told; where it differs is not. */
bool
__wrap_fl_equal_secret(const void *a, const void *b, size_t n)
{
    bool equal = __real_fl_equal_secret(a, b, n);

    if (!strcmp(leak, "compare"))
        equal = !memcmp(a, b, n);
    tell(&equal, sizeof equal);
    return equal;
}

int __real_fl_dh(unsigned char *shared, const unsigned char *secret, const unsigned char *pub);
int __wrap_fl_dh(unsigned char *shared, const unsigned char *secret, const unsigned char *pub);
bool __real_fl_is_zero(const void *p, size_t n);
bool __wrap_fl_is_zero(const void *p, size_t n);
int __real_fl_unhex_secret(unsigned char *data, size_t n, const char *digits);
int __wrap_fl_unhex_secret(unsigned char *data, size_t n, const char *digits);

double __real_fl_sketch_distance(const struct fl_sketch *a, const struct fl_sketch *b);
double __wrap_fl_sketch_distance(const struct fl_sketch *a, const struct fl_sketch *b);

/* So is whether a public key has small order, which is all that this says. */
int
__wrap_fl_dh(unsigned char *shared, const unsigned char *secret, const unsigned char *pub)
{
    int result = __real_fl_dh(shared, secret, pub);

    tell(&result, sizeof result);
    return result;
}

/* Whether there is a secret at a place; a secret of zeros would be none. */
bool
__wrap_fl_is_zero(const void *p, size_t n)
{
    bool zero = __real_fl_is_zero(p, n);

    tell(&zero, sizeof zero);
    return zero;
}

/* Whether all its digits are such. */
int
__wrap_fl_unhex_secret(unsigned char *data, size_t n, const char *digits)
{
    int result = __real_fl_unhex_secret(data, n, digits);

    tell(&result, sizeof result);
    return result;
}

/* How far two models are from each other: a helper tells its people. */
double
__wrap_fl_sketch_distance(const struct fl_sketch *a, const struct fl_sketch *b)
{
    double distance = __real_fl_sketch_distance(a, b);

    tell(&distance, sizeof distance);
    return distance;
}

/* ---- leaks that are put in ---- */

void __real_fl_pair_step(unsigned char *ck, const struct fl_pair *pair, uint64_t r);
void __wrap_fl_pair_step(unsigned char *ck, const struct fl_pair *pair, uint64_t r);

void
__wrap_fl_pair_step(unsigned char *ck, const struct fl_pair *pair, uint64_t r)
{
    static volatile unsigned char table[256];

    if (!strcmp(leak, "branch") && (ck[0] & 1))
        sink = 1;
    if (!strcmp(leak, "index"))
        sink = table[ck[0]];
    __real_fl_pair_step(ck, pair, r);
}

/*
 * ---- forms that valgrind's processor would not choose: the wide key stream and the masks of
 * it, and the encoder without vectors, from their source under other names ----
 */

#include "os/kernel.h"
#undef FL_KERNEL
#define FL_KERNEL
#define fl_kernel_is_wide()    true
#define fl_stream_fill         other_stream_fill
#define fl_stream_part         other_stream_part
#define fl_wide_start          other_wide_start
#define fl_wide_columns        other_wide_columns
#define fl_wide_turn           other_wide_turn
#define fl_lanes_init          other_lanes_init
#define fl_lanes_add           other_lanes_add
#define fl_lanes_sub           other_lanes_sub
#define fl_masks_add           other_masks_add
#define fl_box_seal            other_box_seal
#define fl_box_open            other_box_open
#define fl_encode_weight       other_encode_weight
#define fl_encoded_add         other_encoded_add
#define fl_lane_encoder_init   other_lane_encoder_init
#define fl_lane_encode         other_lane_encode
#define fl_lane_decode         other_lane_decode
#define fl_lane_pack           other_lane_pack
#define fl_lane_encode_numbers other_lane_encode_numbers
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "../../lib/crypt/chacha.c"
#include "../../lib/crypt/chacha_wide.c"
#include "../../lib/sec/mask.c"
#include "../../lib/fed/encode.c"
#undef fl_stream_fill
#undef fl_lanes_init
#undef fl_masks_add
#undef fl_encode_weight
#undef fl_lane_encoder_init
#undef fl_lane_encode

static void
test_streams(void)
{
    unsigned char key[32], wide[4321], narrow[4321];

    memset(key, 7, sizeof key);
    hide(key, sizeof key);
    other_stream_fill(wide, sizeof wide, key, 3);
    fl_stream_fill(narrow, sizeof narrow, key, 3);
    CHECK(__wrap_fl_equal_secret(wide, narrow, sizeof wide));
}

/* Lanes of every width of a plan, and masks of both signs. */
static void
test_masks(void)
{
    static uint64_t wide[600], narrow[600];
    struct fl_mask masks[3] = {{{1}, 1}, {{2}, -1}, {{3}, 1}};
    struct fl_masking m = {.masks = masks, .chunk = 3};
    bool equal = true;

    for (size_t i = 0; i < 3; i++)
        hide(masks[i].key, sizeof masks[i].key);
    for (unsigned bits = 8; bits <= 64; bits += bits == 32 ? 32 : 1) {
        struct fl_lanes lanes;
        fl_lanes_init(&lanes, bits);
        m.count = bits % 3 + 1;
        other_masks_add(&m, &lanes, wide, 600, FL_MASK_UNIT);
        fl_masks_add(&m, &lanes, narrow, 600, FL_MASK_UNIT);
        equal &= __real_fl_equal_secret(wide, narrow, sizeof wide);
    }
    tell(&equal, sizeof equal);
    CHECK(equal);
}

/* ---- values ---- */

/* Every width; values of every kind, which the encoder must not tell apart. */
static void
test_encoder(void)
{
    static const float odd[] = {0, -0.0F, NAN, INFINITY, -INFINITY, 1e-40F, 3e38F, 0.5F, -0.25F};
    static float values[2003];
    static uint64_t words[2003], others[2003];
    double weight = 0.7;

    for (size_t i = 0; i < 2003; i++)
        values[i] = odd[i % 9];
    hide(values, sizeof values);
    hide(&weight, sizeof weight);
    const struct fl_weight_policy policy = {.floor = 0.5, .cap = 2};
    uint64_t q = fl_encode_weight(&policy, weight);
    bool equal = q == other_encode_weight(&policy, weight);
    for (unsigned bits = 8; bits <= 64; bits += bits == 32 ? 32 : 1) {
        const struct fl_tensor_rule rule = {.bits = bits,
                                            .clip = 0.5,
                                            .scale = ldexp(1, bits < 60 ? (int)bits - 1 : 59)};
        struct fl_lane_encoder e;
        struct fl_encoded counts = {0};
        fl_lane_encoder_init(&e, &rule, q);
        fl_lane_encode(&e, values, 2003, words, &counts);
        other_lane_encode(&e, values, 2003, others, &counts);
        equal &= __real_fl_equal_secret(words, others, sizeof words);
    }
    tell(&equal, sizeof equal);
    CHECK(equal);
}

/* ---- rounds ---- */

#define SMALL                                                                                      \
    "tensors: [{match: \"norm*\", protect: plain, bits: 16, clip: 0.04}, {match: embed, protect: " \
    "mask, bits: 16, clip: 0.5}, {match: \"*\", protect: mask, bits: 32, clip: 0.5}]\n"

static void
test_helpers(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n" SMALL, fed_usual);
    round_turns(&r, "abcd");
    CHECK(!round_turn(&r, 0)); /* sent again: what the state remembers is compared */
    CHECK(!round_ask(&r, "abd", false));
    round_answers(&r);
    CHECK(!round_answer(&r, FED_AUX));
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    fl_plan_release(&r.plan);
    CHECK(!round_plan(&r, &f, &(struct fed_planning){.round = 3})); /* chains take two steps */
    CHECK(!round_turn(&r, 0));
    round_end(&r);
}

static void
test_pairwise(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 3, SMALL, fed_usual);
    round_turns(&r, "abc");
    CHECK(!round_open(&r, round_uploads("abc", NULL)));
    round_end(&r);
}

static void
test_key_file(void)
{
    struct federation f;

    fed_start(&f, 3, FED_MASK);
    struct fl_key *key = fl_key_read(fed_file(&f, 1, ".key"));
    CHECK(key && __wrap_fl_equal_secret(key->seed, f.key[1]->seed, 32) &&
          __wrap_fl_equal_secret(key->dh, f.key[1]->dh, 32) &&
          !memcmp(key->public, f.key[1]->public, 32));
    fl_key_free(key);
    fed_end(&f);
}

static void
test_sketch(void)
{
    struct federation f;
    struct fl_sketch s, t;
    unsigned char key[32];

    fed_start(&f, 3, FED_MASK);
    memset(key, 1, sizeof key);
    hide(key, sizeof key);
    struct fl_object *o = fl_object_open(fed_path(&f, "model.flt"), FL_KIND_MODEL);
    CHECK(o && !fl_sketch_make(&s, o, key) && !fl_sketch_make(&t, o, key));
    CHECK(__wrap_fl_sketch_distance(&s, &t) == 0);
    fl_object_free(o);
    fed_end(&f);
}

int
main(int argc, char **argv)
{
    leak = argc > 1 ? argv[1] : "";
    if (fl_crypt_init())
        return 2;
    RUN(test_streams);
    RUN(test_masks);
    RUN(test_encoder);
    RUN(test_key_file);
    RUN(test_sketch);
    RUN(test_helpers);
    RUN(test_pairwise);
    return test_end();
}
