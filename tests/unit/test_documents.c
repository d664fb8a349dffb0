/* Where documents begin, and the windows of them. */
#include "nn/documents.h"

#include "documents.h"
#include "nn/engine.h"
#include "test.h"

enum { E = SHARD_EOT };

static void
test_found(void)
{
    static const uint16_t ids[] = {1, 2, 3, E, E, 4, E, 5, 6}; /* the last has no end */
    static const size_t sizes[] = {3, 0, 1, 1};
    struct fl_data *data = documents_data(&(struct documents_shard){NULL, ids, 9});
    struct fl_documents d;

    CHECK(data && !fl_documents_find(&d, data));
    CHECK(d.count == 4 && d.count == fl_data_documents(data));
    for (size_t i = 0; i < 4; i++)
        CHECK(fl_documents_window_size(&d, i, 100) == sizes[i]);
    CHECK(fl_documents_window_size(&d, 0, 2) == 2);
    CHECK(!fl_data_shard(data, 0)->unit[0]);
    fl_documents_release(&d);
    fl_data_free(data);
}

/* Shards end documents too, over more than a block of ids. */
static void
test_many(void)
{
    enum { N = 9001 };
    static uint16_t ids[N];
    size_t want = 1;
    struct fl_documents d;

    for (size_t i = 0; i < N; i++) {
        ids[i] = (uint16_t)(i % 4095 == 4094 || i % 7 == 0 ? E : i % 20);
        want += ids[i] == E && i + 1 < N;
    }
    struct fl_data *data = documents_data(&(struct documents_shard){"record", ids, N});
    CHECK(data && !fl_documents_find(&d, data));
    CHECK(d.count == want && d.count == fl_data_documents(data));
    for (size_t i = 1; i < d.count; i++)
        CHECK(ids[d.starts[i] - 1] == E);
    CHECK(!strcmp(fl_data_shard(data, 0)->unit, "record"));
    fl_documents_release(&d);
    fl_data_free(data);
}

/* Every window of a document, and nothing of its neighbours, comes by its share of the draw. */
static void
test_windows(void)
{
    static const uint16_t ids[] = {9, E, 1, 2, 3, 4, 5, E, 9, E};
    struct fl_data *data = documents_data(&(struct documents_shard){NULL, ids, 10});
    struct fl_documents d;
    uint32_t x[8], y[8];
    const struct fl_window w = {x, y, NULL};
    uint64_t counted;

    CHECK(data && !fl_documents_find(&d, data) && d.count == 3);
    for (uint64_t k = 0; k < 4; k++)
        for (uint64_t edge = 0; edge < 2; edge++) { /* of 6 ids 4 windows of 2 */
            uint64_t draw = (k + edge) * ((uint64_t)1 << 62) - edge;
            CHECK(!fl_documents_window(&d, 1, draw, 2, 4, &w, &counted));
            CHECK(counted == 2 && x[0] == k + 1 && x[1] == k + 2 && y[0] == k + 2);
            CHECK(y[1] == (k == 3 ? E : k + 3));
            CHECK(x[2] == 0 && x[3] == 0 && y[2] == FL_IGNORE && y[3] == FL_IGNORE);
        }
    CHECK(!fl_documents_window(&d, 1, UINT64_MAX, 7, 8, &w, &counted));
    CHECK(counted == 5 && x[0] == 1 && x[4] == 5 && y[4] == E && y[5] == FL_IGNORE);
    fl_documents_release(&d);
    fl_data_free(data);
}

int
main(void)
{
    RUN(test_found);
    RUN(test_many);
    RUN(test_windows);
    return test_end();
}
