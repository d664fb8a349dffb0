/* Rounds from updates to the opened mean: fed/turn.h, fed/upload.h, fed/open.h. */
#include "fed/open.h"

#include "fed/encode.h"
#include "fed/turn.h"
#include "federation.h"

/* Site I's turn: the update "uI.flt" by the plan to "upI.flt"; 0 or -1. */
static int
turn(struct federation *f, const struct fl_plan *plan, size_t i, int threads, int level)
{
    struct fl_output out;
    struct fl_turn t = {.key = f->site[i], .plan = plan, .level = level, .kept = -1};
    int result = -1;

    t.pool = fl_pool_new(threads);
    t.state = fl_state_open(fed_path(f, fed_name(i, ".state")), f->site[i]);
    t.update = fl_object_open(fed_path(f, fed_name(i, ".flt")), FL_KIND_UPDATE);
    if (t.state && t.update && !fl_turn_check(&t) && !fl_turn_make(&t) &&
        !fl_output_open(&out, fed_path(f, fed_name(i, ".up")), 0)) {
        result = fl_turn_send(&t, &out) || fl_output_commit(&out);
        result = result || fl_turn_clean(&t);
    }
    fl_turn_release(&t);
    fl_object_free(t.update);
    fl_state_free(t.state);
    fl_pool_free(t.pool);
    return result ? -1 : 0;
}

static void
start(struct federation *f, struct fl_plan *plan, size_t n, const char *more, const char *settings,
      float (*value)(uint64_t i, int arg), const int64_t *examples)
{
    fed_start(f, n, more);
    for (size_t i = 0; i < n; i++)
        CHECK(!fed_accept(f, i));
    CHECK(!fed_plan(f, plan, 1, settings) && !fed_write_plan(f, plan, "plan.flt"));
    for (size_t i = 0; i < n; i++)
        fed_object(f, fed_name(i, ".flt"), plan->base, examples[i], value, (int)i);
}

static void
end(struct federation *f, struct fl_plan *plan)
{
    fl_plan_release(plan);
    fed_end(f);
}

/* Open the uploads of the named files, all in the folder, to "mean.flt"; 0 or -1. */
static int
open_sum(const struct federation *f, const struct fl_plan *plan, const char *const *files, size_t n)
{
    struct fl_open *o = fl_open_new(plan, 1 << 20, NULL);
    int result = o ? 0 : -1;

    for (size_t i = 0; i < n && !result; i++) {
        struct fl_reader *in = fl_reader_open(fed_path(f, files[i]));
        result = in ? fl_open_add(o, in) : -1;
        fl_reader_free(in);
    }
    if (!result)
        result = fl_open_check(o);
    if (!result) {
        int fd = open(fed_path(f, "mean.flt"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        struct fl_writer *w = fl_writer_new(fd, "mean.flt", 0);
        result = fl_open_write(o, w);
        fl_writer_free(w);
        close(fd);
    }
    fl_open_free(o);
    return result;
}

static const char *const ups[] = {"a.up", "b.up", "c.up", "d.up", "e.up"};

/* The integers that the mean must come from, by the library's encoder alone. */
static void
check_mean(const struct federation *f, const struct fl_plan *plan, const int64_t *examples)
{
    struct fl_object *mean = fl_object_open(fed_path(f, "mean.flt"), FL_KIND_UPDATE);
    struct fl_object *update[FED_SITES];
    uint64_t q[FED_SITES], total = 0;
    double weight;

    CHECK(mean != NULL);
    if (!mean)
        return;
    for (size_t i = 0; i < f->n; i++) {
        update[i] = fl_object_open(fed_path(f, fed_name(i, ".flt")), FL_KIND_UPDATE);
        q[i] = fl_encode_weight((double)examples[i], plan->cap);
        total += q[i];
    }
    double divisor = (double)total * ldexp(plan->scale, -40);
    for (size_t t = 0; t < plan->count; t++) {
        const uint64_t n = plan->tensors[t].elements, lanes = 64 / plan->bits;
        int64_t *sum = calloc(n + 1, sizeof *sum), *x = calloc(n + 1, sizeof *x);
        uint64_t *words = calloc(n + 1, sizeof *words), clipped = 0;
        uint32_t *random = calloc(2 * FL_CHUNK_WORDS * lanes + n + 1, sizeof *random);
        for (size_t i = 0; i < f->n; i++) {
            struct fl_lane_encoder e;
            const uint64_t at = plan->tensors[t].word_at;
            fl_lane_encoder_init(&e, plan, (uint32_t)i, q[i]);
            for (uint64_t c = at / FL_CHUNK_WORDS; c * FL_CHUNK_WORDS < at + plan->tensors[t].words;
                 c++)
                fl_lane_encoder_random(&e, c,
                                       random + (c - at / FL_CHUNK_WORDS) * FL_CHUNK_WORDS * lanes,
                                       FL_CHUNK_WORDS * lanes);
            CHECK(!fl_lane_encoder_words(&e, fl_object_data(update[i], t), (size_t)n,
                                         plan->stochastic ? random + at % FL_CHUNK_WORDS * lanes
                                                          : NULL,
                                         words, &clipped));
            CHECK(!fl_decode_words(&e.lanes, words, (size_t)n, x));
            for (uint64_t k = 0; k < n; k++)
                sum[k] += x[k];
        }
        const float *got = fl_object_data(mean, t);
        size_t wrong = 0;
        for (uint64_t k = 0; k < n; k++)
            wrong += got[k] != (float)((double)sum[k] / divisor);
        CHECK(wrong == 0);
        free(sum);
        free(x);
        free(words);
        free(random);
    }
    CHECK(!fl_meta_get_f64(&fl_object_head(mean)->meta, "sum.weight", &weight));
    CHECK(weight == (double)total * 0x1p-40 * plan->cap);
    for (size_t i = 0; i < f->n; i++)
        fl_object_free(update[i]);
    fl_object_free(mean);
}

static float
extreme(uint64_t i, int arg)
{
    return i % 3 == 0 ? 1e30F : i % 3 == 1 ? -1e30F : (float)arg;
}

/* Every width at both ends of the range, all sites at the cap; and usual values. */
static void
test_exact(void)
{
    static const int64_t full[] = {10, 10, 10}, mixed[] = {3, 70, 1};
    struct federation f;
    struct fl_plan plan;
    char settings[100];

    for (unsigned bits = 8; bits <= 64; bits = bits == 32 ? 64 : bits + 3) {
        bool last = bits % 2;
        snprintf(settings, sizeof settings, "bits: %u\ncap: 10\nrounding: %s\n", bits,
                 last ? "nearest" : "stochastic");
        start(&f, &plan, 3, "policy: {vary: true}\n", settings,
              bits % 3 ? extreme : fed_plain_value, bits % 5 ? full : mixed);
        for (size_t i = 0; i < 3; i++)
            CHECK(!turn(&f, &plan, i, 1, 0));
        CHECK(!open_sum(&f, &plan, ups, 3));
        check_mean(&f, &plan, bits % 5 ? full : mixed);
        end(&f, &plan);
    }
}

static int
same_file(const struct federation *f, const char *a, const char *b)
{
    struct fl_buf x = {0}, y = {0};
    bool same = !fl_read_file(fed_path(f, a), 1 << 24, &x) &&
                !fl_read_file(fed_path(f, b), 1 << 24, &y) && x.len == y.len &&
                !memcmp(x.data, y.data, x.len);

    fl_buf_release(&x);
    fl_buf_release(&y);
    return same;
}

static const int64_t five[] = {5, 50, 500, 11, 300};

/* Five sites, tensors in the clear among them; any order, any number of threads. */
static void
order_and_plain(const char *settings)
{
    static const char *const turned[] = {"d.up", "a.up", "e.up", "c.up", "b.up"};
    struct federation f;
    struct fl_plan plan;

    start(&f, &plan, 5, "policy: {plain: [embed, large]}\n", settings, fed_plain_value, five);
    for (size_t i = 0; i < 5; i++)
        CHECK(!turn(&f, &plan, i, (int)i + 1, 0));
    CHECK(!open_sum(&f, &plan, ups, 5));
    check_mean(&f, &plan, five);
    CHECK(!rename(fed_path(&f, "mean.flt"), fed_path(&f, "first.flt")));
    CHECK(!open_sum(&f, &plan, turned, 5) && same_file(&f, "mean.flt", "first.flt"));
    end(&f, &plan);
}

static void
test_order_and_plain(void)
{
    order_and_plain("plain: [embed]\nbits: 20\n");
    order_and_plain("plain: [large]\nbits: 64\n"); /* chunks of which nothing is masked */
}

/* The same upload again for any number of threads: from the kept one, and from the same state. */
static void
test_again(void)
{
    struct federation f;
    struct fl_plan plan;
    char command[500];

    start(&f, &plan, 3, "", "{}", fed_plain_value, five);
    snprintf(command, sizeof command, "cp -a %s/a.state %s/copy && cp %s/a.key %s/copy.key", f.dir,
             f.dir, f.dir, f.dir);
    CHECK(!system(command));
    CHECK(!turn(&f, &plan, 0, 1, 0));
    CHECK(!rename(fed_path(&f, "a.up"), fed_path(&f, "one.up")));
    CHECK(!turn(&f, &plan, 0, 1, 0) && same_file(&f, "a.up", "one.up"));
    CHECK(!turn(&f, &plan, 0, 1, 3) && same_file(&f, "a.up", "one.up"));
    fed_object(&f, "a.flt", plan.base, 6, fed_plain_value, 0); /* one more example */
    CHECK_REFUSED(turn(&f, &plan, 0, 1, 0), FL_REFUSED, "masked with another update");
    fed_object(&f, "a.flt", plan.base, 5, fed_plain_value, 0);
    snprintf(command, sizeof command, "rm -rf %s/a.state && mv %s/copy %s/a.state", f.dir, f.dir,
             f.dir);
    CHECK(!system(command));
    CHECK(!turn(&f, &plan, 0, 3, 0) && same_file(&f, "a.up", "one.up"));
    /* the kept upload is damaged: not sent, and not made again */
    snprintf(command, sizeof command,
             "printf x | dd of=%s/a.state/upload-1-1.flt bs=1 seek=9000 conv=notrunc 2>/dev/null",
             f.dir);
    CHECK(!system(command));
    CHECK_REFUSED(turn(&f, &plan, 0, 1, 0), FL_FAILED, "must miss the round");
    end(&f, &plan);
}

static float
with_nan(uint64_t i, int arg)
{
    return i == 9000 && arg == 1 ? NAN : 0.25F;
}

/* Nothing is passed, kept or sent when an update cannot be encoded. */
static void
test_not_finite(void)
{
    struct federation f;
    struct fl_plan plan;

    start(&f, &plan, 3, "", "{}", with_nan, five);
    CHECK_REFUSED(turn(&f, &plan, 1, 2, 0), FL_FAILED,
                  "\"large\" holds a value that is not finite");
    CHECK(access(fed_path(&f, "b.state/upload-1-1.flt"), F_OK));
    fed_object(&f, "b.flt", plan.base, 50, fed_plain_value, 1);
    CHECK(!turn(&f, &plan, 1, 2, 0));
    end(&f, &plan);
}

/* What fl_turn_check refuses. */
static void
test_refused_turns(void)
{
    struct federation f, g;
    struct fl_plan plan, other;

    start(&f, &plan, 3, "", "{}", fed_plain_value, five);
    start(&g, &other, 3, "", "{}", fed_plain_value, five);
    struct fl_key *stranger = f.site[1];
    f.site[1] = g.site[1];
    CHECK_REFUSED(turn(&f, &plan, 1, 1, 0), FL_REFUSED, "another key"); /* of another's state */
    f.site[1] = stranger;
    fed_object(&f, "a.flt", f.roster.digest, 5, fed_plain_value, 0);
    CHECK_REFUSED(turn(&f, &plan, 0, 1, 0), FL_REFUSED, "a.flt");
    fed_object(&f, "a.flt", plan.base, 5, fed_plain_value, 0);
    CHECK_REFUSED(turn(&f, &other, 0, 1, 0), FL_REFUSED, "is no site of the plan's roster");
    /* a plan of a roster with the same keys that nobody accepted */
    struct fl_key *keys[3];
    for (size_t i = 0; i < 3; i++)
        keys[i] = fl_key_read(fed_path(&f, fed_name(i, ".key")));
    CHECK(!fed_roster(&f, "policy: {clip: [1e-6, 1001]}\n") && f.roster.epoch == 2);
    fl_plan_release(&other);
    CHECK(!fed_plan(&f, &other, 1, "{}") && !fed_write_plan(&f, &other, "other.flt"));
    CHECK_REFUSED(turn(&f, &other, 0, 1, 0), FL_REFUSED, "ask the hub for a plan of that one");
    for (size_t i = 0; i < 3; i++)
        fl_key_free(keys[i]);
    end(&g, &other);
    end(&f, &plan);
}

/* Adversarial test 8: two plans of one round; 9: rounds out of reach; rounds go up only. */
static void
test_two_plans(void)
{
    struct federation f;
    struct fl_plan plan, other, far;
    const char *const mixed[] = {"a.up", "b.up", "c.up"};

    start(&f, &plan, 3, "policy: {max_skip: 10}\n", "{}", fed_plain_value, five);
    CHECK(!fed_plan(&f, &other, 1, "clip: 2") && !fed_write_plan(&f, &other, "other.flt"));
    CHECK(!turn(&f, &plan, 0, 1, 0) && !turn(&f, &plan, 1, 1, 0) && !turn(&f, &other, 2, 1, 0));
    CHECK_REFUSED(turn(&f, &other, 0, 1, 0), FL_REFUSED, "another plan of it");
    CHECK_REFUSED(open_sum(&f, &plan, mixed, 3), FL_REFUSED, "c.up: was masked for another plan");
    CHECK_REFUSED(open_sum(&f, &other, mixed, 3), FL_REFUSED, "a.up: was masked for another plan");
    CHECK(!fed_plan(&f, &far, 12, "{}") && !fed_write_plan(&f, &far, "far.flt"));
    CHECK_REFUSED(turn(&f, &far, 0, 1, 0), FL_REFUSED, "too far");
    fl_plan_release(&far);
    CHECK(!fed_plan(&f, &far, 11, "{}") && !fed_write_plan(&f, &far, "far.flt"));
    CHECK(!turn(&f, &far, 0, 1, 0));
    fl_plan_release(&far);
    CHECK(!fed_plan(&f, &far, 0, "{}") && !fed_write_plan(&f, &far, "far.flt"));
    CHECK_REFUSED(turn(&f, &far, 0, 1, 0), FL_REFUSED, "over");
    fl_plan_release(&far);
    fl_plan_release(&other);
    end(&f, &plan);
}

/* Uploads of four rounds: two are kept, the first can be sent again no more. */
static void
test_clean(void)
{
    struct federation f;
    struct fl_plan plan, next;

    start(&f, &plan, 3, "", "{}", fed_plain_value, five);
    CHECK(!turn(&f, &plan, 0, 1, 0));
    for (uint64_t r = 2; r <= 4; r++) {
        CHECK(!fed_plan(&f, &next, r, "{}") && !fed_write_plan(&f, &next, "next.flt"));
        CHECK(!turn(&f, &next, 0, 1, 0) && !turn(&f, &next, 0, 1, 0));
        fl_plan_release(&next);
    }
    CHECK(access(fed_path(&f, "a.state/upload-1-1.flt"), F_OK));
    CHECK(access(fed_path(&f, "a.state/upload-1-2.flt"), F_OK));
    CHECK(!access(fed_path(&f, "a.state/upload-1-3.flt"), F_OK));
    CHECK(!access(fed_path(&f, "a.state/upload-1-4.flt"), F_OK));
    CHECK_REFUSED(turn(&f, &plan, 0, 1, 0), FL_REFUSED, "over");
    end(&f, &plan);
}

/* An upload with other metadata or words, signed by SIGNER as site AS; ROLE of all tensors. */
struct forgery {
    const char *from, *to;
    size_t signer;
    uint32_t as;
    const char *kind;
    int tag;         /* flip this byte of the tags; -1: none */
    const char *key; /* metadata that becomes VALUE, or is removed when that is NULL */
    const unsigned char *value;
    int64_t number;     /* ... or this number, when KEY is "site.index" or "round" */
    size_t place, word; /* XOR this into a word of the tensor */
    uint64_t xor ;
    bool leave_out_last, unsigned_;
    void (*shape)(struct fl_tensor *t); /* change the first tensor's description */
};

static void
forge(const struct federation *f, const struct forgery *how)
{
    struct fl_object *o = fl_object_open(fed_path(f, how->from), FL_KIND_MASKED);
    struct fl_meta meta;
    struct fl_sign sign;
    unsigned char digest[32];
    int fd = open(fed_path(f, how->to), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct fl_writer *w = fl_writer_new(fd, how->to, 0);
    const char *kind = how->kind ? how->kind : FL_KIND_MASKED;

    CHECK(o && !fl_meta_copy(&meta, &fl_object_head(o)->meta));
    if (how->tag >= 0) {
        const struct fl_meta_item *tags = fl_meta_find(&meta, "tags");
        tags->value.bytes[how->tag] ^= 1;
    }
    if (how->key && !how->value && how->number >= 0)
        CHECK(!fl_meta_set_i64(&meta, how->key, how->number));
    else if (how->key && how->value)
        CHECK(!fl_meta_set_bytes(&meta, how->key, how->value, 32));
    else if (how->key)
        fl_meta_remove(&meta, how->key);
    fl_writer_want_digest(w);
    CHECK(!fl_writer_head(w, kind, &meta));
    for (size_t i = 0; i < fl_object_count(o) - how->leave_out_last; i++) {
        size_t bytes = (size_t)fl_object_bytes(o, i);
        uint64_t *words = malloc(bytes + 8);
        memcpy(words, fl_object_data(o, i), bytes);
        if (i == how->place && how->xor)
            words[how->word] ^= how->xor ;
        struct fl_tensor t = *fl_object_tensor(o, i);
        CHECK(!fl_meta_copy(&t.attrs, &fl_object_tensor(o, i)->attrs));
        if (i == 0 && how->shape)
            how->shape(&t);
        uint64_t elements, size;
        CHECK(!fl_tensor_size(&t, &elements, &size));
        words = realloc(words, (size_t)size + bytes + 8);
        memset((char *)words + bytes, 0, (size_t)size); /* of one that is longer */
        CHECK(!fl_writer_tensor(w, &t) && !fl_writer_data(w, words, (size_t)size));
        fl_meta_release(&t.attrs);
        free(words);
    }
    CHECK(!fl_writer_done(w));
    fl_writer_digest(w, digest);
    fl_roster_sign(&f->roster, how->as, f->site[how->signer], kind, digest, &sign);
    CHECK(how->unsigned_ || !fl_writer_sign(w, &sign));
    fl_writer_free(w);
    close(fd);
    fl_meta_release(&meta);
    fl_object_free(o);
}

static void
renamed(struct fl_tensor *t)
{
    t->name[0] = 'E';
}

static void
longer(struct fl_tensor *t)
{
    t->dims[0]++;
}

static void
retyped(struct fl_tensor *t)
{
    t->dtype = FL_I64;
}

static void
in_the_clear(struct fl_tensor *t)
{
    t->role = FL_PLAIN;
}

static void
other_lanes(struct fl_tensor *t)
{
    CHECK(!fl_meta_set_i64(&t->attrs, "lane.bits", 11));
}

/* Site b (index 1) lies about one thing and signs it. Adversarial tests 13 and 21, among others. */
static void
test_forged(void)
{
    static const unsigned char zero[32];
    static const char *const with[] = {"a.up", "forged.up", "c.up"};
    const struct forgery base =
        {.from = "b.up", .to = "forged.up", .signer = 1, .as = 1, .tag = -1, .number = -1};
    struct federation f;
    struct fl_plan plan;

    start(&f, &plan, 3, "", "bits: 10\n", fed_plain_value, five);
    for (size_t i = 0; i < 3; i++)
        CHECK(!turn(&f, &plan, i, 1, 0));
    struct forgery h = base;
    forge(&f, &h);
    CHECK(!open_sum(&f, &plan, with, 3)); /* nothing changed: it opens */
    h = base, h.tag = 0;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "tags of \"b\" and \"a\" differ");
    h = base, h.tag = 63;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "tags of \"c\" and \"b\" differ");
    h = base, h.key = "sid", h.value = zero;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_REFUSED, "another plan");
    h = base, h.key = "roster", h.value = zero;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_REFUSED, "another roster");
    h = base, h.key = "base", h.value = zero;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_REFUSED, "another base");
    h = base, h.key = "tags", h.value = zero; /* too short */
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "\"tags\"");
    h = base, h.key = "sid";
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "\"sid\" is missing");
    h = base, h.key = "site.index", h.number = 2;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_REFUSED, "in the roster it is \"c\"");
    h = base, h.key = "site.index", h.number = 3;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "site.index");
    h = base, h.signer = 0;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_REFUSED, "not its own");
    h = base, h.signer = 0, h.as = 0; /* a's good signature on b's upload */
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_REFUSED, "not signed by \"b\"");
    h = base, h.unsigned_ = true;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_REFUSED, "not signed by \"b\"");
    h = base, h.kind = FL_KIND_UPDATE; /* one kind for another */
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "update");
    static const struct {
        void (*make)(struct fl_tensor *);
        const char *want;
    } shapes[] = {
        {renamed, "has tensor \"Embed\" where an upload of this plan has \"embed\""},
        {longer, "is masked u64[60]; in an upload of this plan it is masked u64[59]"},
        {retyped, "is masked i64[59]; in an upload of this plan it is masked u64[59]"},
        {in_the_clear, "is plain u64[59]; in an upload of this plan it is masked u64[59]"},
        {other_lanes, "has other attributes than in an upload of this plan"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        h = base, h.shape = shapes[i].make;
        forge(&f, &h);
        CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, shapes[i].want);
    }
    h = base, h.leave_out_last = true;
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED,
                  "has no tensor \"sum.weight\", which in an upload of this plan is u64[1]");
    h = base, h.xor = UINT64_C(1) << 60; /* 6 lanes of 10 bits: 4 bits are left over */
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "\"embed\" has bits where");
    h = base, h.xor = UINT64_C(1) << 9; /* the top bit of a lane: out of range once opened */
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "\"embed\": the opened sum is out of");
    h = base, h.place = 3, h.xor = UINT64_C(1) << 63; /* the weight */
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "summed weight is out of range");
    h = base, h.place = 1, h.word = 3333, h.xor = UINT64_C(1) << 40; /* 20001 = 3333 * 6 + 3 */
    forge(&f, &h);
    CHECK_REFUSED(open_sum(&f, &plan, with, 3), FL_FAILED, "\"large\": the opened sum is out of");
    end(&f, &plan);
}

/* Who is missing, who is there twice. */
static void
test_missing(void)
{
    static const char *const twice[] = {"a.up", "b.up", "a.up"}, *const none[] = {"a.flt"};
    struct federation f;
    struct fl_plan plan;

    start(&f, &plan, 4, "", "{}", fed_plain_value, five);
    for (size_t i = 0; i < 4; i++)
        CHECK(!turn(&f, &plan, i, 1, 0));
    CHECK_REFUSED(open_sum(&f, &plan, ups, 3), FL_NOT_YET, "1 of 4 uploads missing: d;");
    CHECK_REFUSED(open_sum(&f, &plan, ups + 1, 2), FL_NOT_YET, "2 of 4 uploads missing: a, d;");
    CHECK_REFUSED(open_sum(&f, &plan, twice, 3), FL_REFUSED, "upload of \"a\" is there already");
    CHECK_REFUSED(open_sum(&f, &plan, none, 1), FL_FAILED, "");
    CHECK(access(fed_path(&f, "mean.flt"), F_OK));
    CHECK(!open_sum(&f, &plan, ups, 4));
    end(&f, &plan);
}

/* Adversarial test 10: a site restored from an old copy masks another update for the same round. */
static void
test_forked(void)
{
    static const char *const both[] = {"a.up", "first.up", "b.up", "c.up"};
    struct federation f;
    struct fl_plan plan;
    char command[300];
    int64_t one, two;

    start(&f, &plan, 3, "", "{}", fed_plain_value, five);
    snprintf(command, sizeof command, "cp -a %s/a.state %s/old", f.dir, f.dir);
    CHECK(!system(command));
    for (size_t i = 0; i < 3; i++)
        CHECK(!turn(&f, &plan, i, 1, 0));
    CHECK(!rename(fed_path(&f, "a.up"), fed_path(&f, "first.up")));
    snprintf(command, sizeof command, "rm -r %s/a.state && mv %s/old %s/a.state", f.dir, f.dir,
             f.dir);
    CHECK(!system(command));
    fed_object(&f, "a.flt", plan.base, 5, extreme, 0);
    CHECK(!turn(&f, &plan, 0, 1, 0)); /* it cannot know */
    CHECK_REFUSED(open_sum(&f, &plan, both, 4), FL_REFUSED, "\"a\" is there already");
    struct fl_object *x = fl_object_open(fed_path(&f, "a.up"), NULL);
    struct fl_object *y = fl_object_open(fed_path(&f, "first.up"), NULL);
    CHECK(!fl_meta_get_i64(&fl_object_head(x)->meta, "ctr", 0, 9, &one) &&
          !fl_meta_get_i64(&fl_object_head(y)->meta, "ctr", 0, 9, &two) && one == 1 && two == 1);
    fl_object_free(x); /* one counter, two digests: everybody sees the fork */
    fl_object_free(y);
    end(&f, &plan);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_exact);
    RUN(test_order_and_plain);
    RUN(test_again);
    RUN(test_not_finite);
    RUN(test_refused_turns);
    RUN(test_two_plans);
    RUN(test_clean);
    RUN(test_forged);
    RUN(test_missing);
    RUN(test_forked);
    return test_end();
}
