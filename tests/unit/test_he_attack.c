/*
 * What an encrypted tensor holds against, and what not (fl-protocol(7), ENCRYPTED TENSORS): all shares but
 * one open nothing; with one site that cheats the hub reads any update. The attacks are played
 * against the library as it is, and must succeed: a version that stops them may say so.
 */
#include "fed/cipher.h"

#include "../naive/lanes.h"
#include "encrypted.h"
#include "math/big.h"

/* Two parts: "large" fills 2501 coefficients of its ciphertext, "embed" 59 of the other. */
#define RULES                                                                                      \
    "tensors: [{match: embed, protect: he, bits: 21, clip: 0.4}, {match: large, protect: he, "     \
    "bits: 16, clip: 0.3}, {match: \"*\", protect: mask, bits: 20, clip: 0.5}]\n"

static const struct fl_plan_tensor *
tensor_of(const struct fl_plan *plan, const char *name, size_t *i)
{
    for (*i = 0; strcmp(plan->tensors[*i].tensor->name, name); ++*i)
        ;
    return &plan->tensors[*i];
}

/* The whole numbers of site I's update in a tensor, added to WANT. */
static void
add_numbers(const struct round *r, size_t i, const struct fl_plan_tensor *t, int64_t *want)
{
    struct fl_object *o = fl_object_open(fed_file(r->f, i, ".flt"), FL_KIND_UPDATE);
    const float *values = fl_object_data(o, (size_t)fl_object_find(o, t->tensor->name));

    for (uint64_t k = 0; k < t->elements; k++)
        want[k] += naive_encode(values[k], t->rule->clip, t->rule->scale, UINT64_C(1) << 40);
    fl_object_free(o);
}

/* Sums of these files of the folder, answers subtracted; free it. */
static struct fl_lane_sum *
add_files(const struct round *r, const char *const *files)
{
    struct fl_lane_sum *sums = fl_lane_sum_new(&r->plan, ROUND_MEMORY, NULL);

    for (; *files; files++) {
        struct fl_reader *in = fl_reader_open(round_path(r, *files));
        const struct fl_head *head;
        CHECK(fl_arrival_expect(in,
                                strstr(*files, "answer") ? FL_KIND_ANSWER
                                : strstr(*files, "up")   ? FL_KIND_MASKED
                                                         : FL_KIND_SUM,
                                &head, NULL, NULL) == 1);
        const bool answer = !strcmp(head->kind, FL_KIND_ANSWER);
        CHECK(!fl_lane_sum_add(sums, in, answer ? -1 : 1, answer));
        fl_reader_free(in);
    }
    return sums;
}

/* ---- all shares but one ---- */

/* Chi-square of the upper four bits of N lanes of BITS; uniform ones are below 60 but for 10^-6. */
static double
chi_square(const int64_t *values, size_t n, unsigned bits)
{
    size_t count[16] = {0};
    double sum = 0, each = (double)n / 16;

    for (size_t k = 0; k < n; k++)
        count[(uint64_t)values[k] >> (bits - 4) & 15]++;
    for (int b = 0; b < 16; b++)
        sum += ((double)count[b] - each) * ((double)count[b] - each) / each;
    return sum;
}

/*
 * The hub and every helper but one, whichever it is, see uniform numbers where the last share gives
 * the sum.
 */
static void
test_one_share_missing(void)
{
    const struct {
        const char *const *files;
        bool opens;
    } cases[] = {{ROUND_FILES("sum.flt"), false},
                 {ROUND_FILES("sum.flt", "answer/b.flt"), false},
                 {ROUND_FILES("sum.flt", "answer/aux.flt"), false},
                 {ROUND_FILES("sum.flt", "answer/b.flt", "answer/b.flt"), false},
                 {ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt"), true}};
    struct federation f;
    struct round r;
    size_t i;

    he_round_start(&r, &f, 5, RULES, fed_usual);
    round_turns(&r, "abcd");
    CHECK(!round_ask(&r, "abcd", false));
    round_answers(&r);
    const struct fl_plan_tensor *t = tensor_of(&r.plan, "large", &i);
    const size_t n = (size_t)t->elements;
    int64_t *want = calloc(n, sizeof *want), *got = calloc(n, sizeof *got);
    for (size_t s = 0; s < 4; s++)
        add_numbers(&r, s, t, want);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct fl_lane_sum *sums = add_files(&r, cases[c].files);
        size_t same = 0;
        CHECK(!fl_lane_sum_decode(sums, i, 0, n, got) == cases[c].opens);
        for (size_t k = 0; k < n; k++)
            same += got[k] == want[k];
        CHECK(cases[c].opens ? same == n : same < 20);
        CHECK((chi_square(got, n, 16) < 60) == !cases[c].opens);
        fl_lane_sum_free(sums);
    }
    free(want);
    free(got);
    round_end(&r);
}

/* ---- a site that cheats ---- */

struct forgery {
    uint64_t *c0, *c1; /* (ciphertexts, FL_RING_WORDS) what the site sends */
    unsigned char digest[32];
};

static void
put_words(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    const struct forgery *g = arg;

    (void)i;
    if (t->role == FL_CIPHER)
        memcpy(data, strcmp(t->name, FL_CIPHER_C1) ? g->c0 : g->c1, bytes);
}

static void
put_digest(struct fl_meta *meta, void *arg)
{
    const struct forgery *g = arg;

    CHECK(!fl_meta_set_bytes(meta, "cipher", g->digest, 32));
}

/* Site d's upload with other ciphertexts, signed by d itself, in place of its own. */
static void
send_forged(const struct round *r, struct forgery *g)
{
    const struct federation *f = r->f;
    struct fl_object *o;

    he_split(f, "r1/up/d.flt", "d1.flt", "d2.flt");
    fed_forge(f, &(struct fed_forgery){.from = "d1.flt",
                                       .to = "f1.flt",
                                       .kind = FL_KIND_CIPHER,
                                       .tensor = put_words,
                                       .arg = g});
    o = fl_object_open(fed_path(f, "f1.flt"), FL_KIND_CIPHER);
    CHECK(o && !fl_object_digest(o, NULL, g->digest));
    fl_object_free(o);
    fed_forge(f, &(struct fed_forgery){.from = "d2.flt",
                                       .to = "f2.flt",
                                       .kind = FL_KIND_MASKED,
                                       .change = put_digest,
                                       .tensor = put_words,
                                       .arg = g,
                                       .key = f->key[3],
                                       .signer = 3});
    fed_system(f, "cat f1.flt f2.flt >r1/up/d.flt");
}

/* What the upload of a site says in its tensor of ciphertexts, unpacked: (ciphertexts, residues). */
static uint64_t *
ciphers_of(const struct round *r, size_t site, bool second)
{
    const struct federation *f = r->f;
    uint64_t *x = calloc((size_t)r->plan.ciphertexts * FL_RING_RESIDUES, sizeof *x);
    char file[40];

    snprintf(file, sizeof file, "r1/up/%s", fed_name(site, ".flt"));
    he_split(f, file, "c1.flt", "rest.flt");
    struct fl_object *o = fl_object_open(fed_path(f, second ? "c1.flt" : "rest.flt"), NULL);
    const uint64_t *words = fl_object_data(o, (size_t)fl_object_find(o, second ? FL_CIPHER_C1
                                                                               : FL_CIPHER_TENSOR));
    for (uint64_t c = 0; c < r->plan.ciphertexts; c++)
        CHECK(!fl_ring_unpack(x + c * FL_RING_RESIDUES, words + c * FL_RING_WORDS));
    fl_object_free(o);
    return x;
}

/* The whole round but for d's forgery; what opens in "embed" and "large" is looked at by LOOK. */
static void
finish(struct round *r)
{
    CHECK(!round_ask(r, "abcd", false)); /* the hub sees nothing wrong with it */
    round_answers(r);                    /* nor do the helpers */
}

/*
 * Minus the others' ciphertexts: with b's and c's taken away the sum of four is a's update. Masked
 * tensors of the same round say nothing: they are the sum of the four.
 */
static void
test_cancel(void)
{
    struct federation f;
    struct round r;
    struct forgery g;
    size_t i;

    he_round_start(&r, &f, 5, RULES, fed_usual);
    round_turns(&r, "abcd");
    for (int second = 0; second < 2; second++) {
        uint64_t *b = ciphers_of(&r, 1, second), *c = ciphers_of(&r, 2, second);
        uint64_t *words = calloc((size_t)r.plan.ciphertexts * FL_RING_WORDS, sizeof *words);
        for (uint64_t k = 0; k < r.plan.ciphertexts * FL_RING_RESIDUES; k++) {
            const uint64_t p = fl_ring_primes[k / FL_RING_N % FL_RING_PRIMES];
            b[k] = (2 * p - b[k] - c[k]) % p;
        }
        for (uint64_t k = 0; k < r.plan.ciphertexts; k++)
            fl_ring_pack(words + k * FL_RING_WORDS, b + k * FL_RING_RESIDUES);
        *(second ? &g.c1 : &g.c0) = words;
        free(b);
        free(c);
    }
    send_forged(&r, &g);
    finish(&r);
    struct fl_lane_sum *sums = add_files(&r,
                                         ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt"));
    static const char *const names[] = {"large", "embed", "norm.weight"};
    for (size_t k = 0; k < 3; k++) {
        const struct fl_plan_tensor *t = tensor_of(&r.plan, names[k], &i);
        int64_t *want = calloc(t->elements, sizeof *want), *got = calloc(t->elements, sizeof *got);
        const bool masked = t->role == FL_MASKED;
        for (size_t s = 0; s < (masked ? 4 : 1); s++) /* a alone; all four where there are masks */
            add_numbers(&r, s, t, want);
        CHECK(!fl_lane_sum_decode(sums, i, 0, (size_t)t->elements, got) &&
              !memcmp(got, want, t->elements * sizeof *got));
        free(want);
        free(got);
    }
    fl_lane_sum_free(sums);
    free(g.c0);
    free(g.c1);
    round_end(&r);
}

/* round(q / 2^SHIFT) modulo prime I. */
static uint64_t
step_of(unsigned shift, size_t i)
{
    const size_t whole = shift / 64;
    const unsigned part = shift % 64;
    uint64_t q[5] = {1, 0, 0, 0, 0};
    fl_u128 rest = 0; /* from the highest limb down */

    for (size_t k = 0; k < FL_RING_PRIMES; k++) {
        fl_u128 carry = 0;
        for (size_t l = 0; l < 4; l++) {
            carry += (fl_u128)q[l] * fl_ring_primes[k];
            q[l] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    for (size_t l = 4; l-- > whole;) {
        const uint64_t limb = q[l] >> part | (part ? q[l + 1] << (64 - part) : 0);
        rest = (rest << 64 | limb) % fl_ring_primes[i];
    }
    const uint64_t half = q[(shift - 1) / 64] >> (shift - 1) % 64 & 1;
    return (uint64_t)((rest + half) % fl_ring_primes[i]);
}

/* X = A times S, S small: coefficients of the secret. */
static void
multiply(const struct fl_ring *ring, const uint64_t *a, const int64_t *s, uint64_t *x)
{
    uint64_t *b = malloc(3 * FL_RING_N * sizeof *b), *quotients = b + FL_RING_N;
    uint64_t *c = b + 2 * FL_RING_N;

    for (size_t i = 0; i < FL_RING_PRIMES; i++) {
        const uint64_t p = fl_ring_primes[i];
        for (size_t k = 0; k < FL_RING_N; k++)
            b[k] = s[k] < 0 ? p - (uint64_t)-s[k] : (uint64_t)s[k];
        memcpy(c, a + i * FL_RING_N, FL_RING_N * sizeof *c);
        fl_ntt_forward(&ring->ntt[i], b);
        fl_ntt_forward(&ring->ntt[i], c);
        fl_ntt_quotients(&ring->ntt[i], quotients, b);
        fl_ntt_multiply(&ring->ntt[i], c, c, b, quotients);
        fl_ntt_inverse(&ring->ntt[i], c);
        memcpy(x + i * FL_RING_N, c, FL_RING_N * sizeof *c);
    }
    free(b);
}

/* Lane 0 of every coefficient of what is opened in ciphertext C, the unused ones too. */
static void
open_all(const struct round *r, uint64_t c, int64_t *lane)
{
    struct fl_store *store = fl_store_new(ROUND_MEMORY);
    struct fl_cipher_sum *sum = fl_cipher_sum_new(&r->plan, store);
    const struct fl_rlwe_lanes *lanes = &r->plan.he.parts[fl_plan_text(&r->plan, c).part].lanes;
    const size_t all = (size_t)fl_rlwe_capacity(lanes);
    int64_t *values = malloc(all * sizeof *values);
    static const char *const files[] = {"sum.flt", "answer/b.flt", "answer/aux.flt"};

    for (int k = 0; k < 3; k++) {
        struct fl_reader *in = fl_reader_open(round_path(r, files[k]));
        const struct fl_head *head;
        const struct fl_tensor *t;
        uint64_t bytes = 0;
        CHECK(fl_reader_object(in, &head) == 1);
        while (fl_reader_tensor(in, &t) == 1)
            CHECK(t->role != FL_CIPHER || !fl_cipher_sum_add(sum, in, &bytes));
        fl_reader_free(in);
    }
    fl_rlwe_open(lanes, fl_cipher_sum_at(sum, c), values, all);
    for (size_t k = 0; k < FL_RING_N; k++)
        lane[k] = values[k * lanes->slots];
    free(values);
    fl_cipher_sum_free(sum);
    fl_store_free(store);
}

/*
 * One constant, chosen before anything is seen: c1 = round(q / t) makes every coefficient of the
 * opened sum one of the secret more, which stands alone where no value is. In the other ciphertext
 * it is moved by half, so that no part of it stays hidden; then every update of the round opens.
 */
static void
test_constant(void)
{
    struct federation f;
    struct round r;
    struct forgery g;
    struct fl_ring ring;
    int64_t lane[2][FL_RING_N], s[FL_RING_N];
    size_t i;

    he_round_start(&r, &f, 5, RULES, fed_usual);
    round_turns(&r, "abcd");
    CHECK(r.plan.ciphertexts == 2);
    g.c0 = calloc(2 * FL_RING_WORDS, sizeof *g.c0);
    g.c1 = calloc(2 * FL_RING_WORDS, sizeof *g.c1);
    uint64_t *x = calloc(FL_RING_RESIDUES, sizeof *x);
    for (uint64_t c = 0; c < 2; c++) {
        const struct fl_rlwe_lanes *lanes = &r.plan.he.parts[c].lanes;
        memset(x, 0, FL_RING_RESIDUES * sizeof *x);
        for (size_t p = 0; p < FL_RING_PRIMES; p++)
            x[p * FL_RING_N + (c ? 0 : FL_RING_N / 2)] = step_of(lanes->bits * lanes->slots, p);
        fl_ring_pack(g.c1 + c * FL_RING_WORDS, x);
    }
    free(x);
    send_forged(&r, &g);
    finish(&r);
    /* beyond all values there are other numbers than 0, which who opens sees too late */
    CHECK_REFUSED(round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")),
                  FL_FAILED, "out of the plan's range");
    for (uint64_t c = 0; c < 2; c++)
        open_all(&r, c, lane[c]);
    for (size_t k = 0; k < FL_RING_N; k++) { /* embed, moved: 59 are in use; large: 2501 */
        const size_t moved = (k + FL_RING_N / 2) % FL_RING_N;
        s[k] = moved >= 59 ? (k < FL_RING_N / 2 ? lane[0][moved] : -lane[0][moved]) : lane[1][k];
        CHECK(s[k] >= -2 && s[k] <= 2);
    }

    CHECK(!fl_ring_init(&ring)); /* the upload of a, which is on the hub's disk */
    uint64_t *c0 = ciphers_of(&r, 0, false), *c1 = ciphers_of(&r, 0, true);
    uint64_t *v = malloc(FL_RING_RESIDUES * sizeof *v);
    const struct fl_plan_tensor *t = tensor_of(&r.plan, "large", &i);
    int64_t *want = calloc(t->elements, sizeof *want), *got = calloc(t->elements, sizeof *got);
    multiply(&ring, c1 + FL_RING_RESIDUES, s, v);
    for (size_t k = 0; k < FL_RING_RESIDUES; k++)
        v[k] += c0[FL_RING_RESIDUES + k];
    fl_rlwe_open(&r.plan.he.parts[t->part].lanes, v, got, (size_t)t->elements);
    add_numbers(&r, 0, t, want);
    CHECK(!memcmp(got, want, t->elements * sizeof *got));
    fl_ring_release(&ring);
    free(c0);
    free(c1);
    free(v);
    free(want);
    free(got);
    free(g.c0);
    free(g.c1);
    round_end(&r);
}

/* ---- a helper that chooses its key after the others ---- */

static void
rogue_key(const struct federation *f, struct fl_plan *plan)
{
    uint64_t *own = malloc(2 * FL_RING_RESIDUES * sizeof *own), *b = own + FL_RING_RESIDUES;

    he_give(f, plan);
    CHECK(!fl_ring_unpack(own, plan->keys[1].key) && !fl_ring_unpack(b, plan->keys[0].key));
    for (size_t k = 0; k < FL_RING_RESIDUES; k++) {
        const uint64_t p = fl_ring_primes[k / FL_RING_N];
        own[k] = (own[k] + p - b[k]) % p;
    }
    fl_ring_pack(plan->keys[1].key, own);
    free(own);
}

/*
 * aux shows its own key less that of b: the sum is aux's alone, and its secret opens what is
 * encrypted to it. Nobody reads such a plan; who did not look at the path would.
 */
static void
test_rogue_key(void)
{
    struct federation f;
    struct fl_plan plan;
    struct fl_ring ring;
    unsigned char rk[32], seed[32] = {1}, secret[32];
    int64_t values[100], got[100];

    he_start(&f, 5, RULES);
    f.keys = rogue_key;
    CHECK(!fed_draft(&f, &plan, &(struct fed_planning){.round = 1}));
    CHECK_REFUSED(fl_plan_he_check(&plan), FL_REFUSED, "\"aux\" is not the one that the roster");

    CHECK(!fl_ring_init(&ring)); /* teeth: a site that encrypts all the same */
    struct fl_rlwe_key *key = fl_plan_he_key(&plan, &ring);
    struct fl_rlwe_work *work = fl_rlwe_work_new();
    he_key(1, 1, rk);
    fl_he_secret(secret, rk);
    struct fl_rlwe_secret *own = fl_rlwe_secret_new(&ring, secret);
    for (int k = 0; k < 100; k++)
        values[k] = k * 37 - 1800;
    const struct fl_rlwe_lanes *lanes = &plan.he.parts[1].lanes;
    const struct fl_rlwe_text text = {*lanes, seed, 0, values, 100};
    uint64_t *c = calloc(2 * FL_RING_WORDS, sizeof *c), *d = calloc(FL_RING_WORDS, sizeof *d);
    uint64_t *sum = calloc(2 * FL_RING_RESIDUES, sizeof *sum);
    fl_rlwe_encrypt(key, work, &text, c, c + FL_RING_WORDS);
    CHECK(!fl_ring_add(sum, c, 0, FL_RING_UNITS) &&
          !fl_ring_add(sum + FL_RING_RESIDUES, c + FL_RING_WORDS, 0, FL_RING_UNITS));
    fl_rlwe_share(own, work, &plan.he, seed, 0, sum + FL_RING_RESIDUES, d);
    CHECK(!fl_ring_add(sum, d, 0, FL_RING_UNITS));
    fl_rlwe_open(lanes, sum, got, 100);
    CHECK(!memcmp(got, values, sizeof got));
    free(c);
    free(d);
    free(sum);
    fl_rlwe_secret_free(own);
    fl_rlwe_work_free(work);
    fl_rlwe_key_free(key);
    fl_ring_release(&ring);
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_one_share_missing);
    RUN(test_cancel);
    RUN(test_constant);
    RUN(test_rogue_key);
    return test_end();
}
