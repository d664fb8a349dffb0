/* Requests: written and read back; every lie that a hub could sign is refused. */
#include "sec/request.h"

#include "base/bytes.h"
#include "round.h"
#include "sec/set.h"

/* The uploads of these sites, added in this order, into a request that nobody has signed. */
static void
collect(struct round *r, const char *sites, struct fl_request *request)
{
    struct fl_arrival a = {0};
    char path[64];

    *request = (struct fl_request){0};
    for (; *sites; sites++) {
        snprintf(path, sizeof path, "up/%c.flt", *sites);
        CHECK(!round_arrival(r, path, &a));
        CHECK(!fl_request_add(request, &r->plan, &a.head, a.payload, a.digest, a.sign));
        fl_arrival_release(&a);
    }
}

static void
write_request(struct round *r, struct fl_request *request, const char *file, int level)
{
    int fd = open(round_path(r, file), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(!fl_request_write(request, &r->plan, r->f->key[FED_HUB], fd, file, level));
    close(fd);
}

static int
read_request(struct round *r, struct fl_request *request, const char *file)
{
    return fl_request_read(request, &r->plan, round_path(r, file), NULL);
}

static void
test_round_trip(void)
{
    struct federation f;
    struct round r;
    struct fl_request one, two, back;
    unsigned char digests[4 * 32], set[32];
    static const uint32_t sites[] = {0, 2, 3, 5};

    round_start(&r, &f, 6, FED_HELPERS "min_sum: 4\n", fed_usual);
    round_turns(&r, "abcdef");
    collect(&r, "fcad", &one);
    collect(&r, "acdf", &two);
    write_request(&r, &one, "one.flt", 0);
    write_request(&r, &two, "two.flt", 0);
    CHECK(fed_same_files(&f, "r1/one.flt", "r1/two.flt")); /* the order of arrival shows not */
    CHECK(!read_request(&r, &back, "one.flt"));
    CHECK(back.count == 4 && !memcmp(back.set, one.set, 32));
    for (size_t i = 0; i < 4; i++) {
        const struct fl_shown *s = fl_request_find(&back, sites[i]);
        struct fl_object *o = fl_object_open(round_file(&r, "up", sites[i]), FL_KIND_MASKED);
        CHECK(s == &back.uploads[i] && s->upload.from.party == sites[i]);
        CHECK(o && !fl_object_digest(o, NULL, digests + 32 * i));
        CHECK(s && !memcmp(s->digest, digests + 32 * i, 32)); /* without a byte of payload */
        CHECK(s && !memcmp(s->sign, fl_object_sign(o, 0)->signature, 64));
        CHECK(s && s->upload.from.ctr == 1 && s->upload.tags[0] == one.uploads[i].upload.tags[0]);
        fl_object_free(o);
    }
    CHECK(!fl_request_find(&back, 1) && !fl_request_find(&back, 4) && !fl_request_find(&back, 6));
    fl_set_digest(set, r.plan.sid, sites, digests, 4);
    CHECK(!memcmp(set, back.set, 32));
    fl_request_release(&back);
    write_request(&r, &two, "packed.flt", 3);
    CHECK(!read_request(&r, &back, "packed.flt") && back.count == 4);
    fl_request_release(&back);
    struct fl_arrival a = {0};
    CHECK(!round_arrival(&r, "up/c.flt", &a));
    CHECK_REFUSED(fl_request_add(&one, &r.plan, &a.head, a.payload, a.digest, a.sign), FL_REFUSED,
                  "\"c\" has an upload there already");
    CHECK(one.count == 4);
    fl_arrival_release(&a);
    fl_request_release(&one);
    fl_request_release(&two);
    round_end(&r);
}

/* What is changed: metadata, or bytes of a tensor. */
enum lie {
    NONE,
    ROSTER,
    SID,
    PARAMS,
    SET,
    ROUND,
    COUNT,
    MORE,
    LESS,
    SITES_ORDER,
    SITES_TWICE,
    SITES_BEYOND,
    SITES_OTHER,
    HEAD_LENGTH,
    HEAD_LONGER,
    HEAD_BYTE,
    HEADS_SWAPPED,
    HEADS_CUT,
    PAYLOAD,
    SIGN,
    SIGNS_SWAPPED,
    OTHER_ROUND,
    NAME,
    DTYPE
};

struct lying {
    enum lie lie;
    const unsigned char *heads; /* of the other round's request */
    size_t heads_bytes;
};

static void
lie_meta(struct fl_meta *meta, void *arg)
{
    static const unsigned char other[32] = {9};
    const struct lying *l = arg;

    switch (l->lie) {
    case ROSTER: CHECK(!fl_meta_set_bytes(meta, "roster", other, 32)); break;
    case SID: CHECK(!fl_meta_set_bytes(meta, "sid", other, 32)); break;
    case PARAMS: CHECK(!fl_meta_set_bytes(meta, "params", other, 32)); break;
    case SET: CHECK(!fl_meta_set_bytes(meta, "set", other, 32)); break;
    case ROUND: CHECK(!fl_meta_set_i64(meta, "round", 2)); break;
    case COUNT: CHECK(!fl_meta_set_i64(meta, "count", 3)); break;
    case MORE: CHECK(!fl_meta_set_i64(meta, "more", 3)); break;
    case LESS: fl_meta_remove(meta, "params"); break;
    default: break;
    }
}

static void
swap(unsigned char *a, unsigned char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = a[i];
        a[i] = b[i];
        b[i] = c;
    }
}

static void
lie_tensor(size_t i, struct fl_tensor *t, void *data, size_t bytes, void *arg)
{
    const struct lying *l = arg;
    unsigned char *p = data;
    const size_t len = i == 1 ? fl_get32(p) : 0;

    if (i == 0)
        switch (l->lie) {
        case SITES_ORDER: swap(p, p + 4, 4); break;
        case SITES_TWICE: memcpy(p + 4, p, 4); break;
        case SITES_BEYOND: p[4 * 3] = 6; break; /* aux, who is no site */
        case SITES_OTHER: p[4 * 3] = 4; break;  /* e, whose head is not shown */
        case NAME: snprintf(t->name, sizeof t->name, "site"); break;
        case DTYPE: t->dtype = FL_I32; break;
        default: break;
        }
    if (i == 1)
        switch (l->lie) {
        case HEAD_LENGTH: p[3] = 0x80; break;
        case HEAD_LONGER: p[0]++; break;
        case HEAD_BYTE: p[4 + len - 1] ^= 1; break;
        case HEADS_SWAPPED: swap(p, p + 4 + len, 4 + len); break;
        case HEADS_CUT: t->dims[0]--; break;
        case OTHER_ROUND:
            CHECK(bytes == l->heads_bytes);
            memcpy(p, l->heads, bytes);
            break;
        default: break;
        }
    if (i == 2 && l->lie == PAYLOAD)
        p[40] ^= 1;
    if (i == 3 && l->lie == SIGN)
        p[70] ^= 1;
    if (i == 3 && l->lie == SIGNS_SWAPPED)
        swap(p, p + 64, 64);
}

static void
test_lies(void)
{
    static const struct {
        enum lie lie;
        enum fl_status status;
        const char *words;
    } cases[] = {
        {ROSTER, FL_REFUSED, "is for another roster"},
        {SID, FL_REFUSED, "is for another plan"},
        {PARAMS, FL_REFUSED, "is for another model"},
        {SET, FL_REFUSED, "names another set than its sites make"},
        {ROUND, FL_REFUSED, "is for another round"},
        {COUNT, FL_FAILED, "\"sites\""},
        {MORE, FL_REFUSED, "more or less than a request"},
        {LESS, FL_REFUSED, "more or less than a request"},
        {SITES_ORDER, FL_REFUSED, "the head of another site"},
        {SITES_TWICE, FL_FAILED, "do not ascend"},
        {SITES_BEYOND, FL_FAILED, "do not ascend"},
        {SITES_OTHER, FL_REFUSED, "the head of another site"},
        {HEAD_LENGTH, FL_FAILED, "heads are cut"},
        {HEAD_LONGER, FL_FAILED, ""},
        {HEAD_BYTE, FL_REFUSED, ""},
        {HEADS_SWAPPED, FL_REFUSED, "the head of another site"},
        {HEADS_CUT, FL_FAILED, "heads are cut"},
        {PAYLOAD, FL_REFUSED, "an upload that \"c\" did not sign"},
        {SIGN, FL_REFUSED, "an upload that \"c\" did not sign"},
        {SIGNS_SWAPPED, FL_REFUSED, "an upload that \"a\" did not sign"},
        {OTHER_ROUND, FL_REFUSED, "another plan"},
        {NAME, FL_FAILED, "\"sites\""},
        {DTYPE, FL_FAILED, "\"sites\""},
    };
    struct federation f;
    struct round r, r2;
    struct fl_request request;

    round_start(&r, &f, 6, FED_HELPERS "min_sum: 4\n", fed_usual);
    CHECK(!round_plan(&r2, &f, &(struct fed_planning){.round = 2}));
    round_turns(&r, "acdf");
    round_turns(&r2, "acdf");
    collect(&r, "acdf", &request);
    write_request(&r, &request, "request.flt", 0);
    fl_request_release(&request);
    collect(&r2, "acdf", &request);
    write_request(&r2, &request, "request.flt", 0);
    fl_request_release(&request);
    struct fl_object *other = fl_object_open(round_path(&r2, "request.flt"), FL_KIND_REQUEST);
    struct lying lying = {NONE, fl_object_data(other, 1), (size_t)fl_object_bytes(other, 1)};
    struct fed_forgery how = {.from = "r1/request.flt",
                              .to = "r1/lie.flt",
                              .kind = FL_KIND_REQUEST,
                              .change = lie_meta,
                              .tensor = lie_tensor,
                              .arg = &lying,
                              .key = f.key[FED_HUB],
                              .signer = FL_SIGNER_HUB};
    fed_forge(&f, &how);
    CHECK(fed_same_files(&f, "r1/lie.flt", "r1/request.flt")); /* no lie yet */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lying.lie = cases[i].lie;
        fed_forge(&f, &how);
        CHECK_REFUSED(read_request(&r, &request, "lie.flt"), cases[i].status, cases[i].words);
        CHECK(fed_says("lie.flt: ") && !request.uploads && !request.count);
    }
    lying.lie = NONE;
    how.leave_out_last = true;
    fed_forge(&f, &how);
    CHECK_REFUSED(read_request(&r, &request, "lie.flt"), FL_FAILED, "\"signs\"");
    fl_object_free(other);
    fl_plan_release(&r2.plan);
    round_end(&r);
}

/* Only the hub asks. */
static void
test_signed(void)
{
    struct federation f;
    struct round r;
    struct fl_request request;

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    round_turns(&r, "abc");
    collect(&r, "abc", &request);
    write_request(&r, &request, "request.flt", 0);
    fl_request_release(&request);
    const struct {
        const struct fl_key *key;
        uint32_t signer;
        const char *as, *words;
    } cases[] = {{NULL, 0, NULL, "not signed by the hub"},
                 {f.key[1], 1, NULL, "not signed by the hub"},
                 {f.key[1], FL_SIGNER_HUB, NULL, "not its own"},
                 {f.key[FED_HUB], FL_SIGNER_HUB, FL_KIND_PLAN, ""},
                 {f.key[FED_AUX], 4, NULL, "not signed by the hub"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fed_forge(&f, &(struct fed_forgery){.from = "r1/request.flt",
                                            .to = "r1/lie.flt",
                                            .kind = FL_KIND_REQUEST,
                                            .key = cases[i].key,
                                            .signer = cases[i].signer,
                                            .as = cases[i].as});
        CHECK_REFUSED(read_request(&r, &request, "lie.flt"), FL_REFUSED, cases[i].words);
    }
    CHECK_REFUSED(read_request(&r, &request, "up/a.flt"), FL_FAILED, "");
    round_end(&r);
}

/* Any bit that is another. */
static void
test_damaged(void)
{
    struct federation f;
    struct round r;
    struct fl_request request;
    struct fl_buf bytes = {0};
    const size_t step = test_under_valgrind() ? 1601 : 89;

    round_start(&r, &f, 4, FED_HELPERS "min_sum: 3\n", fed_usual);
    round_turns(&r, "abc");
    collect(&r, "abc", &request);
    write_request(&r, &request, "request.flt", 0);
    fl_request_release(&request);
    CHECK(!fl_read_file(round_path(&r, "request.flt"), 1 << 20, &bytes));
    for (size_t bit = 0; bit < 8 * bytes.len; bit += step) {
        int fd = open(round_path(&r, "bad.flt"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(!fl_write_full(fd, "bad.flt", bytes.data, bytes.len));
        close(fd);
        CHECK(read_request(&r, &request, "bad.flt") == -1);
        bytes.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    fl_buf_release(&bytes);
    round_end(&r);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_round_trip);
    RUN(test_lies);
    RUN(test_signed);
    RUN(test_damaged);
    return test_end();
}
