/*
 * Whole rounds with noise of helpers: what opens is the sum of the sites' whole numbers and of each
 * helper's noise, to the last unit; of the one helper that nobody knows it is the discrete Gaussian
 * that hides a site. Asked again it is the same; of another set or round another; then its key is
 * gone.
 */
#include "fed/fitted.h"
#include "fed/lane_noise.h"
#include "base/least.h"
#include "priv/noise.h"

#include "round.h"

#define NOISE                                                                                      \
    FED_HELPERS "min_sum: 3\nnoise: {site: {clip: 2, multiplier: 0.8}}\n"                          \
                "budget: {epsilon: 100, delta: 1e-6}\nsteps: 16\n"
#define RULES                                                                                      \
    "tensors: [{match: embed, protect: mask, bits: 22, clip: 0.1}, "                               \
    "{match: large, protect: mask, bits: 18, clip: 0.1}, "                                         \
    "{match: \"*\", protect: mask, bits: 20, clip: 0.2}]\n" /* sums that an f32 holds */

enum { MOST = 20360 };

/* Values of all tensors of the plan in a row. */
struct numbers {
    int64_t x[MOST];
};

static void
read_set(const struct round *r, const char *request_file, unsigned char set[32])
{
    struct fl_request request;

    CHECK(!fl_request_read(&request, &r->plan, round_path(r, request_file), NULL));
    memcpy(set, request.set, 32);
    fl_request_release(&request);
}

/* The key of helper I's noise for this request: from its state, before it answers. */
static void
noise_key(struct round *r, size_t i, const char *request_file, unsigned char key[32])
{
    struct fl_state *s = fed_state(r->f, i);
    unsigned char set[32];

    read_set(r, request_file, set);
    CHECK(s && !fl_state_step_down(s, r->plan.round, r->plan.roster.max_open));
    CHECK(!fl_state_noise_key(s, r->plan.round, r->plan.sid, set, key));
    fl_state_free(s);
}

/* Add what KEY draws for element FROM of tensor T on, as far as its chunk goes. How many. */
static uint64_t
add_chunk(const struct fl_plan_tensor *t, uint64_t from, struct fl_noise *noise, int64_t *to)
{
    const uint64_t word = t->word_at + from / t->lanes.count;
    const uint64_t end = (word / FL_CHUNK_WORDS + 1) * FL_CHUNK_WORDS - t->word_at;
    const uint64_t n = fl_min_u64(end * t->lanes.count, t->elements) - from;
    int64_t x[FL_LANE_NOISE_PIECE];

    for (uint64_t at = 0; at < n; at++) {
        if (at % FL_LANE_NOISE_PIECE == 0)
            fl_noise_dgauss_fill(noise, t->noise->sigma, x,
                                 (size_t)fl_min_u64(n - at, FL_LANE_NOISE_PIECE));
        to[at] += x[at % FL_LANE_NOISE_PIECE];
    }
    return n;
}

/* Add what KEY draws, value by value in the order of the upload's words: a chunk, its own stream. */
static void
add_noise(const struct fl_plan *plan, const unsigned char key[32], struct numbers *to)
{
    static unsigned char buffer[FL_NOISE_BUFFER];
    uint64_t chunk = UINT64_MAX, first[FED_TENSORS] = {0};
    struct fl_noise noise;

    for (size_t i = 1; i < plan->count; i++)
        first[i] = first[i - 1] + plan->tensors[i - 1].elements;
    for (size_t place = 0; place <= plan->count; place++) {
        const struct fl_plan_tensor *t = fl_plan_at(plan, place);
        for (uint64_t e = 0; t && e < t->elements;) {
            const uint64_t word = t->word_at + e / t->lanes.count;
            if (word / FL_CHUNK_WORDS != chunk)
                fl_noise_start(&noise, key, chunk = word / FL_CHUNK_WORDS, buffer);
            e += add_chunk(t, e, &noise, to->x + first[plan->order[place]] + e);
        }
    }
}

/* The summed whole numbers that "mean.flt" was divided from; N sites. */
static void
read_sum(const struct round *r, size_t n, struct numbers *to)
{
    struct fl_object *mean = fl_object_open(round_path(r, "mean.flt"), FL_KIND_UPDATE);
    size_t at = 0;

    CHECK(mean != NULL);
    for (size_t i = 0; mean && i < r->plan.count; i++) {
        const struct fl_plan_tensor *t = &r->plan.tensors[i];
        const float *got = fl_object_data(mean, i);
        for (uint64_t k = 0; k < t->elements; k++)
            to->x[at++] = llrint((double)got[k] * (double)n * t->rule->scale);
    }
    fl_object_free(mean);
}

/* The whole numbers of the updates "a.flt" .. of these sites, shortened and to nearest, by hand. */
static void
add_updates(const struct round *r, const char *sites, struct numbers *to)
{
    const struct fl_plan *plan = &r->plan;

    for (; *sites; sites++) {
        struct fl_object *o = fl_object_open(fed_file(r->f, (size_t)(*sites - 'a'), ".flt"), NULL);
        double square = 0, factor = 1;
        for (int pass = 0; o && pass < 2; pass++) {
            size_t at = 0;
            for (size_t i = 0; i < plan->count; i++) {
                const struct fl_plan_tensor *t = &plan->tensors[i];
                const float *u = fl_object_data(o, (size_t)fl_object_find(o, t->tensor->name));
                for (uint64_t k = 0; k < t->elements; k++) {
                    double v = fmax(-t->rule->clip, fmin(t->rule->clip, (double)u[k]));
                    if (pass)
                        to->x[at++] += llrint(factor * v * t->rule->scale);
                    else
                        square += v * v;
                }
            }
            factor = fmin(1, 2 * (1 - 0x1p-40) / sqrt(square));
        }
        CHECK(o && factor < 0.5); /* they are far too long */
        fl_object_free(o);
    }
}

static size_t
differ(const struct numbers *a, const struct numbers *b)
{
    size_t n = 0;

    for (size_t i = 0; i < MOST; i++)
        n += a->x[i] != b->x[i];
    return n;
}

/* ---- what opens ---- */

/* The distribution function of the discrete Gaussian, by adding up. */
static double
chance_below(int64_t x, double sigma)
{
    double below = 0, all = 0;

    for (int64_t k = -(int64_t)(12 * sigma); k <= (int64_t)(12 * sigma); k++) {
        double p = exp(-(double)k * (double)k / (2 * sigma * sigma));
        all += p;
        below += k <= x ? p : 0;
    }
    return below / all;
}

/* Chi-square of 16 bins of equal chance over the values of tensor I, and its neighbours' product. */
static void
check_gauss(const struct fl_plan *plan, size_t i, const int64_t *x)
{
    const struct fl_plan_tensor *t = &plan->tensors[i];
    const double sigma = t->noise->sigma, n = (double)t->elements;
    double square = 0, product = 0, chi = 0;
    size_t bins[16] = {0};
    int64_t edges[15];

    for (int b = 0; b < 15; b++) { /* a normal's are near enough to begin at; chances are exact */
        static const double z[] = {-1.534, -1.15, -.887, -.674, -.489, -.319, -.157, 0,
                                   .157,   .319,  .489,  .674,  .887,  1.15,  1.534};
        edges[b] = llrint(z[b] * sigma);
    }
    for (uint64_t k = 0; k < t->elements; k++) {
        int b = 0;
        while (b < 15 && x[k] > edges[b])
            b++;
        bins[b]++;
        square += (double)x[k] * (double)x[k];
        product += k ? (double)x[k] * (double)x[k - 1] : 0;
    }
    for (int b = 0; b < 16; b++) {
        double p = (b < 15 ? chance_below(edges[b], sigma) : 1) -
                   (b ? chance_below(edges[b - 1], sigma) : 0);
        chi += ((double)bins[b] - n * p) * ((double)bins[b] - n * p) / (n * p);
    }
    CHECK(chi < 61.3); /* 15 degrees, p = 1.5e-7 */
    CHECK(fabs(square / n / (sigma * sigma) - 1) < 5.3 * sqrt(2 / n));
    CHECK(fabs(product / n / (sigma * sigma)) < 5.3 / sqrt(n));
}

/*
 * Every number of sites. The sum is that of whole numbers and both noises, to the last unit; and
 * who knows all but aux's, hub, sites and the other helper together, is left with a Gaussian.
 */
static void
test_opens(void)
{
    static const char *const sets[] = {"abcde", "acde", "bcd"};
    static struct numbers got, want, aux;
    struct federation f;
    struct round r;
    unsigned char of_b[32], of_aux[32];
    double noise;

    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        round_start(&r, &f, 5, NOISE RULES, s == 1 ? fed_extreme : fed_usual);
        r.threads = (int)s;
        round_turns(&r, "abcde");
        CHECK(!round_ask(&r, sets[s], false));
        noise_key(&r, 1, "request.flt", of_b);
        noise_key(&r, FED_AUX, "request.flt", of_aux);
        round_answers(&r);
        CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
        read_sum(&r, strlen(sets[s]), &got);
        memset(&want, 0, sizeof want);
        memset(&aux, 0, sizeof aux);
        add_updates(&r, sets[s], &want);
        add_noise(&r.plan, of_b, &want);
        for (size_t i = 0; i < MOST; i++)
            aux.x[i] = got.x[i] - want.x[i];
        CHECK(r.plan.tensors[1].elements == 20001);
        check_gauss(&r.plan, 1, aux.x + r.plan.tensors[0].elements);
        add_noise(&r.plan, of_aux, &want);
        CHECK(differ(&got, &want) == 0);
        struct fl_object *mean = fl_object_open(round_path(&r, "mean.flt"), NULL);
        CHECK(mean && !fl_meta_get_f64(&fl_object_head(mean)->meta, "sum.noise", &noise));
        CHECK_NEAR(noise, 2 * fl_bound_noise_length(&r.plan.noise, strlen(sets[s])), 1e-12);
        fl_object_free(mean);
        CHECK(!round_step(&r, "model.flt", NULL, "next.flt"));
        round_end(&r);
    }
}

/* ---- once ---- */

/* Is the hexadecimal form of these bytes in party I's state file? */
static bool
remembers(const struct federation *f, size_t i, const unsigned char bytes[32])
{
    struct fl_buf text = {0};
    char hex[65], file[64];

    fl_hex(hex, bytes, 32);
    snprintf(file, sizeof file, "%s/state", fed_name(i, ".state"));
    CHECK(!fl_read_file(fed_path(f, file), 1 << 24, &text));
    bool found = strstr(fl_buf_text(&text), hex) != NULL;
    fl_buf_release(&text);
    return found;
}

/*
 * A helper that crashed before it recorded its answer makes the same again; another set, and
 * another round, has other noise over the same updates; afterwards no key is left.
 */
static void
test_once(void)
{
    static struct numbers first, other, noise_1, noise_2;
    struct federation f;
    struct round r, r2;
    unsigned char key_1[32], key_2[32], chain[32], round[32], round_0[32];

    round_start(&r, &f, 5, NOISE RULES, fed_usual);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    round_turns(&r, "abcde");
    CHECK(!round_ask(&r, "abcde", false));
    fed_system(&f, "cp r1/request.flt all.flt; cp r1/sum.flt sum.all");
    noise_key(&r, FED_AUX, "request.flt", key_1);
    struct fl_state *s = fed_state(&f, FED_AUX); /* the chain is at round 0 */
    CHECK(s && s->section[0].noisy && s->section[0].down_next == 0);
    CHECK(remembers(&f, FED_AUX, s->section[0].noise));
    CHECK(!fl_state_step_down(s, 0, 4));
    memcpy(chain, s->section[0].noise, 32); /* now of round 1 */
    fl_pair_noise_round(round, chain, 1);
    CHECK(!fl_state_noise_key(s, 0, r.plan.sid, key_1, key_2) && memcmp(key_1, key_2, 32));
    CHECK(!fl_state_noise_key(s, 0, r.plan.sid, chain, round_0) && memcmp(key_2, round_0, 32));
    CHECK(!fl_state_save(s)); /* above: two sets, two keys */
    CHECK(remembers(&f, FED_AUX, chain) && s->section[0].open_count == 1);
    CHECK(remembers(&f, FED_AUX, s->section[0].open[0].noise)); /* of round 0, which was skipped */
    fl_state_free(s);

    fed_system(&f, "cp aux.key key.safe; cp -r aux.state state.safe");
    r.threads = 3;
    CHECK(!round_answer(&r, FED_AUX));
    CHECK(!remembers(&f, FED_AUX, chain) && !remembers(&f, FED_AUX, round));
    CHECK(!remembers(&f, FED_AUX, key_1));
    fed_system(&f, "mv r1/answer/aux.flt first.flt; rm -r aux.state aux.key; "
                   "cp key.safe aux.key; cp -r state.safe aux.state");
    fl_key_free(f.key[FED_AUX]);
    f.key[FED_AUX] = fl_key_read(fed_path(&f, "aux.key"));
    r.threads = 0;
    CHECK(!round_answer(&r, FED_AUX) && fed_same_files(&f, "first.flt", "r1/answer/aux.flt"));
    CHECK(!round_answer(&r, FED_AUX) && fed_same_files(&f, "first.flt", "r1/answer/aux.flt"));
    CHECK(!round_answer(&r, 1));
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    read_sum(&r, 5, &first);

    /* the same updates in another round: the same whole numbers, and other noise of everybody */
    s = fed_state(&f, 1);
    CHECK_REFUSED(fl_state_noise_key(s, 1, r.plan.sid, key_1, key_2), FL_REFUSED, "no key for");
    fl_state_free(s);
    round_turns(&r2, "abcde");
    CHECK(!round_ask(&r2, "abcde", false));
    noise_key(&r2, FED_AUX, "request.flt", key_2);
    CHECK(memcmp(key_1, key_2, 32));
    round_answers(&r2);
    CHECK(!round_open(&r2, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    read_sum(&r2, 5, &other);
    CHECK(differ(&first, &other) > MOST / 10 * 9);
    memset(&noise_1, 0, sizeof noise_1);
    memset(&noise_2, 0, sizeof noise_2);
    add_noise(&r.plan, key_1, &noise_1);
    add_noise(&r2.plan, key_2, &noise_2);
    CHECK(differ(&noise_1, &noise_2) > MOST / 10 * 9);
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* Round by round, and set by set: nothing of a key but its label, round, session and set. */
static void
test_keys(void)
{
    unsigned char dn[32] = {1}, sid[32] = {2}, set[32] = {3}, round[32], key[32], want[32], in[64];
    struct fl_hash h;
    uint64_t r = 7;
    unsigned char le[8] = {7};

    fl_hash_init(&h, dn, "fl1.hnoise");
    fl_hash_add(&h, le, 8);
    fl_hash_final(&h, want);
    fl_pair_noise_round(round, dn, r);
    CHECK(!memcmp(round, want, 32));
    memcpy(in, sid, 32);
    memcpy(in + 32, set, 32);
    fl_hash_once(want, round, "fl1.hnkey", in, 64);
    fl_pair_noise_key(key, round, sid, set);
    CHECK(!memcmp(key, want, 32));
}

/* ---- what is sent is within the bound ---- */

static float
one_large(uint64_t i, int arg)
{
    return i == 400 ? 0.1F : arg * 0.0F;
}

static float
random_size(uint64_t i, int arg)
{
    return (float)((double)((i * 2654435761U + 77) % 4001) / 2000 - 1) * ldexpf(1, -arg);
}

/*
 * The lanes that leave, of tensors of three scales: the squares in the finest steps. A plain sum
 * of squares would be far below for an update that lies in the coarsest tensor alone.
 */
static void
test_within(void)
{
    static fed_value *const values[] = {fed_usual, fed_extreme, one_large, random_size};
    static int64_t x[MOST];
    struct federation f;
    struct round r;
    size_t longest = 0;

    round_start(&r, &f, 3,
                FED_HELPERS "min_sum: 3\nnoise: {site: {clip: 0.1, multiplier: 1}}\n"
                            "budget: {epsilon: 9, delta: 1e-6}\nsteps: 16\n" RULES,
                fed_usual);
    const struct fl_plan *plan = &r.plan;
    CHECK(plan->tensors[1].noise->shift > 2);
    for (int k = 0; k < 12; k++) {
        struct fed_object made = {"u.flt", FL_KIND_UPDATE, NULL, values[k < 4 ? k : 3],
                                  k,       NULL,           {0}};
        fed_write(&f, &made);
        struct fl_object *o = fl_object_open(fed_path(&f, "u.flt"), NULL);
        const unsigned char rounding[32] = {(unsigned char)k};
        unsigned char tags[64] = {0};
        struct fl_upload_head head = {.tags = tags, .from = {.ctr = 1}};
        struct fl_line next;
        struct fl_fitted fit;
        fl_key_line(f.key[0], &next);
        snprintf(head.from.next, sizeof head.from.next, "%s", next.text);
        CHECK(o && !fl_fitted_make(&fit, plan, o, rounding, NULL));
        for (size_t i = 0; i < plan->count; i++)
            CHECK(fit.parts[i].shift == plan->tensors[i].noise->shift);
        struct fl_upload u = {.plan = plan,
                              .head = &head,
                              .key = f.key[0],
                              .update = o,
                              .bounded = &fit.bounded,
                              .q = UINT64_C(1) << 40};
        int fd = open(fed_path(&f, "up.flt"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(!fl_upload_write(&u, fd, "up.flt"));
        close(fd);
        struct fl_object *up = fl_object_open(fed_path(&f, "up.flt"), NULL);
        fl_u128 sum = 0;
        for (size_t i = 0; up && i < plan->count; i++) {
            const struct fl_plan_tensor *t = &plan->tensors[i];
            const size_t at = (size_t)fl_object_find(up, t->tensor->name);
            CHECK(!fl_lane_decode(&t->lanes, fl_object_data(up, at), t->elements, x));
            sum = fl_bound_add(sum, x, t->elements, t->noise->shift);
        }
        CHECK(sum > 0 && sum <= plan->noise.B2 && u.counts.values == MOST);
        longest += (double)sum > 0.9 * (double)plan->noise.B2;
        fl_object_free(up);
        fl_object_free(o);
        fl_fitted_release(&fit);
    }
    CHECK(longest >= 4);
    round_end(&r);
}

/* Zeros, of a site whose training failed, are hidden like anything else. */
static void
test_zero(void)
{
    static struct numbers got;
    struct federation f;
    struct round r;

    round_start(&r, &f, 3, NOISE RULES, fed_usual);
    for (size_t i = 0; i < 3; i++) {
        char out[16];
        snprintf(out, sizeof out, "up/%s", fed_name(i, ".flt"));
        CHECK(!round_turn_of(&r, i, "zero", out));
    }
    CHECK(!round_ask(&r, "abc", false));
    round_answers(&r);
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    read_sum(&r, 3, &got);
    double square = 0, sigma = r.plan.tensors[1].noise->sigma;
    for (size_t k = 350; k < 20351; k++)
        square += (double)got.x[k] * (double)got.x[k];
    CHECK(fabs(square / 20001 / (2 * sigma * sigma) - 1) < 5.3 * sqrt(2.0 / 20001));
    round_end(&r);
}

/* ---- what opens is believed as far as noise reaches ---- */

/* Lanes of the answer's first word of tensor "large": taken LESS, so that the sum is more. */
static void
shift_lane(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    const int64_t *more = arg;
    uint64_t *words = data;

    (void)i;
    if (strcmp(t->name, "large") || bytes < 8)
        return;
    const uint64_t lane = (UINT64_C(1) << 18) - 1;
    words[0] = (words[0] & ~lane) | (((words[0] & lane) - (uint64_t)*more) & lane);
}

static void
test_range(void)
{
    static struct numbers sum;
    struct federation f;
    struct round r;

    round_start(&r, &f, 3, NOISE RULES, fed_usual);
    round_turns(&r, "abc");
    CHECK(!round_ask(&r, "abc", false));
    round_answers(&r);
    CHECK(!round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/aux.flt")));
    read_sum(&r, 3, &sum);
    const struct fl_plan_tensor *t = &r.plan.tensors[1];
    const int64_t reach = (int64_t)t->noise->reach;
    const int64_t most = (int64_t)ceil(0.1 * t->rule->scale * 3 * (1 + 0x1p-48)) + 3 + reach;
    CHECK(most < 1 << 17 && reach > 5 * (int64_t)t->noise->sigma);
    for (int over = 0; over < 2; over++)
        for (int sign = -1; sign <= 1; sign += 2) {
            int64_t more = sign * (most + over) - sum.x[350];
            fed_forge(&f, &(struct fed_forgery){.from = "r1/answer/aux.flt",
                                                .to = "r1/answer/other.flt",
                                                .kind = FL_KIND_ANSWER,
                                                .tensor = shift_lane,
                                                .arg = &more,
                                                .key = f.key[FED_AUX],
                                                .signer = 3});
            int failed = round_open(&r, ROUND_FILES("sum.flt", "answer/b.flt", "answer/other.flt"));
            CHECK(failed == -over);
            if (failed)
                CHECK(strstr(fl_error_text(),
                             "\"large\": the opened sum is out of the plan's range"));
        }
    round_end(&r);
}

/* A helper's state without its chain of noise answers nothing. */
static void
test_no_chain(void)
{
    struct federation f;
    struct round r;

    round_start(&r, &f, 3, NOISE RULES, fed_usual);
    round_turns(&r, "abc");
    CHECK(!round_ask(&r, "abc", false));
    struct fl_state *s = fed_state(&f, FED_AUX);
    CHECK(s && s->section[0].noisy);
    s->section[0].noisy = false;
    CHECK(!fl_state_save(s));
    fl_state_free(s);
    CHECK_REFUSED(round_answer(&r, FED_AUX), FL_REFUSED, "no key for the noise of round 1");
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_opens);
    RUN(test_once);
    RUN(test_keys);
    RUN(test_within);
    RUN(test_zero);
    RUN(test_range);
    RUN(test_no_chain);
    return test_end();
}
