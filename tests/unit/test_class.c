/* What tensors of each class take: bytes of payloads that add up, each tensor's part of ciphertexts. */
#include "sec/class.h"

#include "encrypted.h"

/* "embed" and "large" share ciphertexts, of 350 and 20,000 values; the rest is masked. */
#define RULES                                                                                      \
    "tensors: [{match: embed, protect: he, bits: 16, clip: 0.3}, {match: large, protect: he, "     \
    "bits: 16, clip: 0.3}, {match: \"*\", protect: mask, bits: 20, clip: 0.5}]\n"

static void
test_encrypted(void)
{
    struct fl_class_cost costs[FL_CLASSES], one, sum[FL_CLASSES] = {{0}};
    struct federation f;
    struct fl_plan plan;
    size_t at = 0;

    he_start(&f, 5, RULES);
    CHECK(!fed_draft(&f, &plan, &(struct fed_planning){.round = 1}));
    const uint64_t half = plan.ciphertexts * FL_RING_WORDS * 8;
    fl_classes_count(&plan, costs);
    CHECK(half > 0 && costs[FL_CLASS_HE].up_bytes == 2 * half);
    CHECK(costs[FL_CLASS_HE].answer_bytes == half && costs[FL_CLASS_HE].reading_bytes == half);
    for (size_t i = 0; i < plan.model.count; i++) {
        const enum fl_class c = fl_class_tensor(&plan, i, &at, &one);
        const struct fl_tensor *t = &plan.model.items[i].tensor;
        uint64_t elements = 0, bytes;
        CHECK(!fl_tensor_size(t, &elements, &bytes) && one.values == elements);
        CHECK(one.down_bytes == 4 * elements && (one.up_bytes > 0) == (elements > 0));
        if (c == FL_CLASS_HE) { /* as many of the bytes as of the values, to one byte */
            const double part = (double)half * (double)elements / (double)costs[c].values;
            CHECK(fabs((double)one.reading_bytes - part) <= 1 && one.up_bytes % 2 == 0);
        }
        sum[c].values += one.values;
        sum[c].up_bytes += one.up_bytes;
        sum[c].answer_bytes += one.answer_bytes;
        sum[c].reading_bytes += one.reading_bytes;
        sum[c].down_bytes += one.down_bytes;
    }
    CHECK(at == plan.count && !memcmp(sum, costs, sizeof sum));
    CHECK(costs[FL_CLASS_MASK].values > 0 && costs[FL_CLASS_MASK].reading_bytes == 0);
    /* three lanes a word; the weight's word is of no class */
    CHECK(costs[FL_CLASS_MASK].up_bytes == (plan.masked_words - 1) * 8);
    CHECK(costs[FL_CLASS_MASK].answer_bytes == costs[FL_CLASS_MASK].up_bytes);
    fl_plan_release(&plan);
    fed_end(&f);
}

/* Without masks an update travels as it is, and nobody answers. */
static void
test_plain(void)
{
    struct fl_class_cost costs[FL_CLASSES];
    struct federation f;
    struct fl_plan plan;

    fed_start(&f, 3, "");
    CHECK(!fed_roster(&f, "protection: none\ntensors: [{match: embed, protect: frozen}, {match: "
                          "\"*\", protect: plain}]\n"));
    CHECK(!fed_draft(&f, &plan, &(struct fed_planning){.round = 1}));
    fl_classes_count(&plan, costs);
    CHECK(costs[FL_CLASS_PLAIN].up_bytes == 4 * costs[FL_CLASS_PLAIN].values);
    CHECK(costs[FL_CLASS_PLAIN].values >= 20000 && costs[FL_CLASS_PLAIN].answer_bytes == 0);
    CHECK(costs[FL_CLASS_FROZEN].values == 350 && costs[FL_CLASS_FROZEN].up_bytes == 0 &&
          costs[FL_CLASS_FROZEN].down_bytes == 0);
    CHECK(costs[FL_CLASS_MASK].values == 0 && costs[FL_CLASS_HE].up_bytes == 0);
    fl_plan_release(&plan);
    fed_end(&f);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_encrypted);
    RUN(test_plain);
    return test_end();
}
