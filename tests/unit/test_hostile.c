/*
 * No document is slow: the time per byte of each kind that was, or could be, against that of prose,
 * through all of fl-harmonize. Bounds are wide, as machines are noisy and sanitizers slow some
 * things more than others; what is quadratic misses them by factors of hundreds. The real bound is
 * that of tests/bench/bench_text.c.
 */
#include "hostile.h"

#include "test.h"

enum { BOUND = 12, TIMES = 3 };

static char folder[] = "/tmp/fl-hostile-XXXXXX";
static char path[64];
static json_t *learnt;

static void
test_maker(size_t maker)
{
    size_t bytes = test_under_valgrind() ? 40000 : 300000;
    struct fl_tokenizer *t = hostile_tokenizer(learnt, maker);
    struct fl_buf content = {0};
    double worst = 0;

    hostile_prose(bytes, &content);
    double prose = hostile_seconds(t, &content, path, false, TIMES) / (double)content.len;
    CHECK(t && prose > 0);
    for (size_t k = 0; k < HOSTILE_KINDS && prose > 0; k++) {
        hostile_make(&hostile_kinds[k], bytes, &content);
        double seconds = hostile_seconds(t, &content, path, hostile_kinds[k].jsonl, TIMES);
        double ratio = seconds / (double)content.len / prose;
        if (seconds < 0 || ratio > BOUND)
            printf("# %s, %s: %.1f times the time of prose\n", hostile_makers[maker].name,
                   hostile_kinds[k].name, ratio);
        CHECK(seconds >= 0 && ratio <= BOUND);
        worst = ratio > worst ? ratio : worst;
    }
    printf("# %s: at most %.1f times the time of prose\n", hostile_makers[maker].name, worst);
    fl_buf_release(&content);
    fl_tokenizer_free(t);
}

static void
test_gpt2(void)
{
    test_maker(0);
}

static void
test_llama3(void)
{
    test_maker(1);
}

static void
test_mistral(void)
{
    test_maker(2);
}

int
main(void)
{
    struct fl_buf content = {0};

    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/text", folder);
    hostile_prose(1 << 20, &content);
    if (fl_output_write_file(path, content.data, content.len, 0) ||
        !(learnt = hostile_learn(path, 4096)))
        return 1;
    fl_buf_release(&content);
    RUN(test_gpt2);
    RUN(test_llama3);
    RUN(test_mistral);
    json_decref(learnt);
    unlink(path);
    rmdir(folder);
    fl_reading_release(&hostile_plain);
    return test_end();
}
