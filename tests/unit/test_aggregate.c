/* What the metadata of a mean and of a partial sum say, and what inputs must agree on. */
#include "fed/aggregate.h"

#include "spool.h"

static const float one[2] = {1, -1};
static const struct spool_tensor tensors[] = {{"w", FL_F32, {2, 0}, one},
                                              {NULL, FL_F32, {0, 0}, NULL}};
static const unsigned char base[FL_HASH_BYTES] = {9};

/* An update of site "a" to "z", with as many examples as its number. */
static int
update(char site, void (*change)(struct fl_meta *))
{
    char name[2] = {site, '\0'};
    struct fl_meta meta = {0};

    CHECK(!fl_meta_set_bytes(&meta, "base", base, sizeof base) &&
          !fl_meta_set_text(&meta, "site", name) &&
          !fl_meta_set_i64(&meta, "examples", site - 'a' + 1) &&
          !fl_meta_set_i64(&meta, "tokens", 1000 * (site - 'a' + 1)) &&
          !fl_meta_set_i64(&meta, "steps", 20) && !fl_meta_set_i64(&meta, "note", site) &&
          !fl_meta_set_f64(&meta, "loss.first", site - 'a' + 2) &&
          !fl_meta_set_f64(&meta, "loss.last", 1.5));
    if (change)
        change(&meta);
    int fd = spool_object(FL_KIND_UPDATE, &meta, tensors);
    fl_meta_release(&meta);
    return fd;
}

static struct fl_aggregate *
start(const struct fl_weighting *how, bool given, bool partial)
{
    struct fl_aggregate_settings settings = {.weighting = how,
                                             .weighting_given = given,
                                             .partial = partial,
                                             .memory = 1 << 20};

    return fl_aggregate_new(&settings);
}

/* Add what is in FD and close it. */
static int
add(struct fl_aggregate *a, int fd)
{
    struct fl_reader *in = spool_reader(fd, NULL);
    int result = fl_aggregate_add(a, in);

    fl_reader_free(in);
    close(fd);
    return result;
}

static int
finish(struct fl_aggregate *a)
{
    int fd = fl_spool_open();
    struct fl_writer *w = fl_writer_new(fd, "spool", 0);

    CHECK(!fl_aggregate_write(a, w));
    fl_writer_free(w);
    fl_aggregate_free(a);
    return fd;
}

static const struct fl_weighting by_examples = {.rule = FL_WEIGHT_EXAMPLES};

static bool
has_i64(const struct fl_meta *meta, const char *key, int64_t want)
{
    int64_t v = -1;

    return !fl_meta_get_i64(meta, key, INT64_MIN, INT64_MAX, &v) && v == want;
}

static bool
has_f64(const struct fl_meta *meta, const char *key, double want)
{
    double v = -1;

    return !fl_meta_get_f64(meta, key, &v) && v == want;
}

static void
check_mean_meta(int fd)
{
    const struct fl_head *head;
    struct fl_reader *in = spool_reader(fd, &head);
    const struct fl_meta *m = &head->meta;
    const struct fl_meta_item *sites = fl_meta_find(m, "sum.sites");
    const char *text = "";

    CHECK(!strcmp(head->kind, FL_KIND_UPDATE));
    CHECK(has_i64(m, "examples", 8) && has_i64(m, "tokens", 8000) && has_i64(m, "steps", 20));
    CHECK(has_f64(m, "sum.weight", 8) && has_f64(m, "loss.last", 1.5));
    CHECK(has_f64(m, "loss.first", (double)(float)((1 * 2 + 3 * 4 + 4 * 5) / 8.0)));
    CHECK(sites && sites->count == 3 && !strcmp(sites->value.text_list[0], "a") &&
          !strcmp(sites->value.text_list[1], "c") && !strcmp(sites->value.text_list[2], "d"));
    CHECK(!fl_meta_get_text(m, "sum.weights", &text) && !strcmp(text, "examples"));
    CHECK(!fl_meta_get_text(m, "sum.rule", &text) && !strcmp(text, "mean"));
    CHECK(!fl_meta_find(m, "note") && !fl_meta_find(m, "site") && !fl_meta_find(m, "sum.total"));
    CHECK(!fl_meta_find(m, "sum.alpha") && !fl_meta_find(m, "sum.loss.first"));
    fl_reader_free(in);
    close(fd);
}

static void
test_mean(void)
{
    struct fl_aggregate *a = start(&by_examples, false, false);

    CHECK(!add(a, update('d', NULL)) && !add(a, update('a', NULL)) && !add(a, update('c', NULL)));
    CHECK(fl_aggregate_bytes(a) == 3 * sizeof one);
    check_mean_meta(finish(a));
}

static void
test_tree(void)
{
    struct fl_aggregate *low = start(&by_examples, false, true);
    struct fl_aggregate *high = start(&by_examples, true, true);
    struct fl_aggregate *top = start(&by_examples, false, false);

    CHECK(!add(low, update('c', NULL)));
    CHECK(!add(high, finish(low)) && !add(high, update('a', NULL)));
    CHECK(!add(top, update('d', NULL)) && !add(top, finish(high)));
    check_mean_meta(finish(top));
}

static void
drop_tokens(struct fl_meta *meta)
{
    fl_meta_remove(meta, "tokens");
    fl_meta_remove(meta, "loss.last");
    CHECK(!fl_meta_set_i64(meta, "steps", 21));
}

/* What one input lacks, the result lacks, in a tree too. */
static void
test_missing(void)
{
    for (int tree = 0; tree < 2; tree++) {
        struct fl_aggregate *a = start(&by_examples, false, tree);
        CHECK(!add(a, update('a', NULL)) && !add(a, update('b', drop_tokens)));
        int fd = finish(a);
        if (tree) {
            a = start(&by_examples, false, false);
            CHECK(!add(a, update('c', NULL)) && !add(a, fd));
            fd = finish(a);
        }
        const struct fl_head *head;
        struct fl_reader *in = spool_reader(fd, &head);
        CHECK(!fl_meta_find(&head->meta, "tokens") && !fl_meta_find(&head->meta, "loss.last"));
        CHECK(!fl_meta_find(&head->meta, "steps") && fl_meta_find(&head->meta, "loss.first"));
        CHECK(has_i64(&head->meta, "examples", tree ? 6 : 3));
        fl_reader_free(in);
        close(fd);
    }
}

static void
refuse(int first, int second, const struct fl_weighting *how, int status, const char *words)
{
    struct fl_aggregate *a = start(how, how != &by_examples, false);

    CHECK(!add(a, first) && add(a, second) == -1);
    CHECK((int)fl_error_status() == status && strstr(fl_error_text(), words));
    fl_aggregate_free(a);
}

static int
partial_of(char site, const struct fl_weighting *how)
{
    struct fl_aggregate *a = start(how, true, true);

    CHECK(!add(a, update(site, NULL)));
    return finish(a);
}

static void
other_base(struct fl_meta *meta)
{
    unsigned char other[FL_HASH_BYTES] = {8};

    CHECK(!fl_meta_set_bytes(meta, "base", other, sizeof other));
}

static void
no_site(struct fl_meta *meta)
{
    fl_meta_remove(meta, "site");
}

static void
many(struct fl_meta *meta)
{
    CHECK(!fl_meta_set_i64(meta, "tokens", INT64_MAX));
}

static void
test_refused(void)
{
    static const struct fl_weighting loss = {.rule = FL_WEIGHT_LOSS};
    struct fl_weighting half = {.rule = FL_WEIGHT_DYNAMIC, .alpha = 0.5};
    struct fl_weighting whole = {.rule = FL_WEIGHT_DYNAMIC, .alpha = 1};

    CHECK(!fl_weighting_bandwidths(&half, "a=10,b=20") &&
          !fl_weighting_bandwidths(&whole, "a=10,b=20"));
    refuse(update('a', NULL), update('b', other_base), &by_examples, FL_REFUSED, "belongs");
    refuse(update('a', NULL), update('a', NULL), &by_examples, FL_REFUSED, "\"a\"");
    refuse(update('a', NULL), partial_of('a', &by_examples), &by_examples, FL_REFUSED, "\"a\"");
    refuse(update('a', NULL), update('b', no_site), &by_examples, FL_FAILED, "name its site");
    refuse(update('b', no_site), update('a', NULL), &by_examples, FL_FAILED, "name its site");
    refuse(update('a', NULL), update('b', many), &by_examples, FL_FAILED, "63 bits");
    refuse(update('a', NULL), partial_of('b', &loss), &by_examples, FL_FAILED, "by loss");
    refuse(partial_of('b', &loss), update('a', NULL), &by_examples, FL_FAILED, "by examples");
    refuse(partial_of('a', &half), partial_of('b', &whole), &by_examples, FL_FAILED, "alpha 1");
    refuse(update('b', NULL), partial_of('a', &half), &whole, FL_FAILED, "alpha 0.5");
    fl_weighting_release(&half);
    fl_weighting_release(&whole);
}

int
main(void)
{
    RUN(test_mean);
    RUN(test_tree);
    RUN(test_missing);
    RUN(test_refused);
    return test_end();
}
