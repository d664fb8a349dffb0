#include "text/added.h"

#include "random.h"
#include "test.h"

/* The longest token at the first place that has one, looked for in the plainest way. */
static int
naive(const struct fl_added *a, const char *text, size_t len, size_t from, size_t *start,
      size_t *end)
{
    for (*start = from; *start < len; ++*start) {
        *end = *start;
        for (size_t i = 0; i < a->count; i++)
            if (a->tokens[i].len <= len - *start && *start + a->tokens[i].len > *end &&
                !memcmp(text + *start, a->tokens[i].text, a->tokens[i].len))
                *end = *start + a->tokens[i].len;
        if (*end > *start)
            return 1;
    }
    return 0;
}

static void
test_longest(void)
{
    uint32_t seed = 11;
    char text[100];

    for (int round = 0; round < 400; round++) {
        struct fl_added a = {0};
        for (uint32_t n = random_next(&seed) % 12; n; n--) {
            const struct fl_added_token token = {.id = n};
            size_t len = random_text(&seed, "a|b|<|\xc3\xa9", 5, text);
            int twice = 0;
            for (size_t i = 0; i < a.count; i++)
                twice |= !strcmp(a.tokens[i].text, text);
            if (len && !twice)
                CHECK(!fl_added_add(&a, text, len, &token));
        }
        fl_added_finish(&a);
        for (int k = 0; k < 50; k++) {
            size_t len = random_text(&seed, "a|b|<|\xc3\xa9|x", 20, text);
            size_t start, end, want_start, want_end;
            const struct fl_added_token *t = fl_added_find(&a, text, len, 0, &start, &end);
            int want = naive(&a, text, len, 0, &want_start, &want_end);
            CHECK(want == (t != NULL));
            if (t && want)
                CHECK(start == want_start && end == want_end && t->len == end - start);
        }
        fl_added_release(&a);
    }
}

static void
test_white_space(void)
{
    struct fl_added a = {0};
    const struct fl_added_token both = {.id = 1, .left = true, .right = true};
    const char text[] = "a\xe3\x80\x80 \n<x> \xc2\xa0"
                        "b <x>";
    size_t start, end;

    CHECK(!fl_added_add(&a, "<x>", 3, &both));
    fl_added_finish(&a);
    CHECK(fl_added_find(&a, text, sizeof text - 1, 0, &start, &end) && start == 1 && end == 12);
    CHECK(fl_added_find(&a, text, sizeof text - 1, 12, &start, &end) && start == 13 && end == 17);
    CHECK(!fl_added_find(&a, text, sizeof text - 1, 17, &start, &end));
    CHECK(fl_added_find(&a, "  <x>", 5, 1, &start, &end) && start == 1); /* not over FROM */
    fl_added_release(&a);
}

int
main(void)
{
    RUN(test_longest);
    RUN(test_white_space);
    return test_end();
}
