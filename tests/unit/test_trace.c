#include "data/trace.h"

#include "test.h"

/* The trace as text: FATE from+len>out, pieces apart by spaces. */
static const char *
shown(const struct fl_trace *t)
{
    static char text[500];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < t->count; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%u+%u>%u", i ? " " : "",
                              fl_fate_name((enum fl_fate)t->pieces[i].fate), t->pieces[i].from,
                              t->pieces[i].len, t->pieces[i].out);
    return text;
}

static void
start(struct fl_trace *t, uint32_t len)
{
    fl_trace_clear(t);
    CHECK(!fl_trace_add(t, (struct fl_piece){0, len, len, FL_FATE_KEPT}));
}

static void
test_edits(void)
{
    struct fl_trace t = {0};
    struct fl_edits e = {0};
    struct fl_fates fates = {{0}};

    start(&t, 20);
    CHECK(!fl_edits_add(&e, 2, 1, 0, FL_FATE_SPACE) && !fl_edits_add(&e, 10, 3, 8, FL_FATE_UNIT));
    CHECK(!fl_trace_edit(&t, &e));
    CHECK_TEXT(shown(&t), "kept0+2>2 space2+1>0 kept3+7>7 unit10+3>8 kept13+7>7");
    /* A later edit over a dropped byte, kept ones and half of a changed one. */
    e.count = 0;
    CHECK(!fl_edits_add(&e, 1, 10, 4, FL_FATE_IDENTIFIER) && !fl_trace_edit(&t, &e));
    CHECK_TEXT(shown(&t), "kept0+1>1 identifier1+1>4 space2+1>0 identifier3+7>0 "
                          "identifier10+3>0 unit13+0>6 kept13+7>7");
    fl_trace_sum(&t, 0, UINT64_MAX, &fates);
    CHECK(fates.bytes[FL_FATE_KEPT] == 8 && fates.bytes[FL_FATE_IDENTIFIER] == 11);
    CHECK(fates.bytes[FL_FATE_SPACE] == 1 && fl_fates_sum(&fates, 0, FL_FATES - 1) == 20);
    /* Nothing is lost at the cut, nor counted twice. */
    for (uint64_t cut = 0; cut <= 18; cut++) {
        struct fl_fates parts = {{0}};
        fl_trace_sum(&t, 0, cut, &parts);
        fl_trace_sum(&t, cut, UINT64_MAX, &parts);
        CHECK(!memcmp(&parts, &fates, sizeof parts));
    }
    fl_trace_release(&t);
    fl_edits_release(&e);
}

/* Random edits, against an array that says for each byte of the text which source byte it is. */
static void
test_against_bytes(void)
{
    uint32_t seed = 5;

    for (int round = 0; round < 2000; round++) {
        struct fl_trace t = {0};
        struct fl_edits e = {0};
        struct fl_fates fates = {{0}};
        int text[400], len = 40, gone = 0; /* the source byte, or -1 */
        for (int i = 0; i < len; i++)
            text[i] = i;
        start(&t, 40);
        for (int step = 0; step < 3; step++) {
            int next[400], n = 0;
            e.count = 0;
            for (int at = 0; at < len;) {
                seed = seed * 1664525u + 1013904223u;
                int cut = seed >> 28 == 0 ? 1 + (int)(seed >> 20 & 3) : 0;
                if (!cut || at + cut > len) {
                    next[n++] = text[at++];
                    continue;
                }
                int out = (int)(seed >> 16 & 3);
                CHECK(!fl_edits_add(&e, (size_t)at, (size_t)cut, (size_t)out, FL_FATE_INVALID));
                for (int i = 0; i < cut; i++)
                    gone += text[at + i] >= 0;
                at += cut;
                for (int i = 0; i < out; i++)
                    next[n++] = -1;
            }
            memcpy(text, next, sizeof text);
            len = n;
            CHECK(!fl_trace_edit(&t, &e));
        }
        int at = 0;
        for (size_t i = 0; i < t.count; i++)
            for (uint32_t k = 0; k < t.pieces[i].out; k++, at++)
                CHECK(text[at] ==
                      (t.pieces[i].fate == FL_FATE_KEPT ? (int)(t.pieces[i].from + k) : -1));
        CHECK(at == len);
        fl_trace_sum(&t, 0, UINT64_MAX, &fates);
        CHECK(fates.bytes[FL_FATE_KEPT] == 40 - (uint64_t)gone);
        CHECK(fates.bytes[FL_FATE_INVALID] == (uint64_t)gone);
        fl_trace_release(&t);
        fl_edits_release(&e);
    }
}

static void
test_through(void)
{
    struct fl_trace t = {0}, base = {0};

    /* "a?b\nc": the record had two bytes where U+FFFD is, and its text an escape. */
    CHECK(!fl_trace_add(&base, (struct fl_piece){0, 1, 1, FL_FATE_KEPT}));
    CHECK(!fl_trace_add(&base, (struct fl_piece){1, 2, 3, FL_FATE_INVALID}));
    CHECK(!fl_trace_add(&base, (struct fl_piece){3, 4, 4, FL_FATE_KEPT}));
    CHECK(!fl_trace_add(&t, (struct fl_piece){0, 5, 5, FL_FATE_KEPT}));
    CHECK(!fl_trace_add(&t, (struct fl_piece){5, 2, 1, FL_FATE_ESCAPE}));
    CHECK(!fl_trace_add(&t, (struct fl_piece){7, 1, 1, FL_FATE_KEPT}));
    CHECK(!fl_trace_through(&t, &base));
    CHECK_TEXT(shown(&t), "kept0+1>1 invalid1+2>3 kept3+1>1 escape4+2>1 kept6+1>1");
    fl_trace_release(&t);
    fl_trace_release(&base);
}

int
main(void)
{
    RUN(test_edits);
    RUN(test_against_bytes);
    RUN(test_through);
    return test_end();
}
