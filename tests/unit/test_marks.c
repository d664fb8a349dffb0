#include "text/marks.h"

#include "test.h"

/* Names of the ids 0, 1, ... and which of them are special; told stops or NULL; what comes of it.
 */
struct row {
    const char *names, *special, *after, *told, *stops;
    int64_t end;
};

static const struct row table[] = {
    {"a b", "00", "", NULL, "", -1},
    {"a </s>", "01", "", NULL, "1", 1},
    {"a </s>", "00", "", NULL, "", -1}, /* text can become it */
    {"</s> <|endoftext|>", "11", "", NULL, "10", 1},
    {"<|im_end|> [EOS] <eos> <|end_of_text|>", "1111", "", NULL, "3210", 3},
    {"a m n </s>", "0111", "12", NULL, "23", 2}, /* the template says it */
    {"a m </s>", "001", "1", NULL, "2", 2},      /* not when that is no special one */
    {"a m n </s>", "0111", "", "2", "2", 2},
    {"a m n </s>", "0111", "", "213", "213", 2},
    {"a m n </s>", "0111", "", "2123", "213", 2}, /* each once */
    {"a m n </s>", "0111", "1", "21", "21", 1},   /* the template's, if it is one */
    {"a m n </s>", "0111", "1", "23", "23", 2},
    {"a m n </s>", "0111", "13", "23", "23", 3},
    {"a m n </s>", "0000", "", "0", "0", 0},
    {"a m n </s>", "0111", "", "4", "", -2},
};

static void
digits(const char *text, struct fl_ids *ids)
{
    for (; text && *text; text++)
        CHECK(!fl_ids_add(ids, (uint32_t)(*text - '0')));
}

static void
check_row(const struct row *row)
{
    struct fl_marks m = {.end = -1};
    struct fl_ids told = {0}, want = {0};
    struct fl_vocab names = {0};
    unsigned char special[10] = {0};
    uint64_t id = 0;

    for (const char *at = row->names; *at; at += strcspn(at, " "), at += *at == ' ', id++) {
        CHECK(!fl_vocab_add(&names, at, strcspn(at, " "), id, 10));
        special[id] = row->special[id] == '1';
    }
    digits(row->after, &m.after);
    digits(row->told, &told);
    digits(row->stops, &want);
    int result = fl_marks_finish(&m, row->told ? &told : NULL, &names, special);
    CHECK(result == (row->end < -1 ? -1 : 0));
    if (!result) {
        CHECK(m.end == row->end && m.told == (row->told != NULL) && m.stops.len == want.len);
        for (size_t i = 0; i < want.len && i < m.stops.len; i++)
            CHECK(m.stops.data[i] == want.data[i] && fl_marks_stops(&m, want.data[i]));
        CHECK(!fl_marks_stops(&m, 9));
    }
    fl_marks_release(&m);
    fl_ids_release(&told);
    fl_ids_release(&want);
    fl_vocab_release(&names);
}

static void
test_ends(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check_row(&table[i]);
}

static void
test_metadata(void)
{
    struct fl_meta meta = {0};
    struct fl_ids ids = {0}, back = {0};
    int64_t many[FL_MARKS_MAX + 1] = {0};

    CHECK(!fl_marks_read(&back, &meta) && !back.len);
    digits("72", &ids);
    CHECK(!fl_marks_write(&ids, &meta) && !fl_marks_read(&back, &meta));
    CHECK(back.len == 2 && back.data[0] == 7 && back.data[1] == 2);
    fl_ids_release(&back);
    CHECK(!fl_meta_set_i64_list(&meta, FL_MARKS_KEY, many, FL_MARKS_MAX));
    CHECK(!fl_marks_read(&back, &meta) && back.len == FL_MARKS_MAX);
    fl_ids_release(&back);
    CHECK(!fl_meta_set_i64_list(&meta, FL_MARKS_KEY, many, FL_MARKS_MAX + 1));
    CHECK(fl_marks_read(&back, &meta) == -1 && !back.len);
    CHECK(!fl_meta_set_i64_list(&meta, FL_MARKS_KEY, many, 0));
    CHECK(fl_marks_read(&back, &meta) == -1 && !back.len);
    many[1] = FL_VOCAB_MAX;
    CHECK(!fl_meta_set_i64_list(&meta, FL_MARKS_KEY, many, 2));
    CHECK(fl_marks_read(&back, &meta) == -1 && !back.len && !back.data);
    CHECK(!fl_meta_set_i64(&meta, FL_MARKS_KEY, 1) && fl_marks_read(&back, &meta) == -1);
    fl_meta_release(&meta);
    fl_ids_release(&ids);
}

/* Ids and what each is: b begin, f first, t text, e end. */
static void
check_walk(const char *begin, int64_t end, bool inside, const char *ids, const char *want)
{
    struct fl_marks m = {.end = end};
    struct fl_walk w;
    char got[40] = "";

    digits(begin, &m.begin);
    fl_walk_init(&w, &m, inside);
    for (size_t i = 0; ids[i]; i++)
        got[i] = "bfte"[fl_walk_next(&w, (uint32_t)(ids[i] - '0'))];
    CHECK_TEXT(got, want);
    fl_marks_release(&m);
}

static void
test_walk(void)
{
    check_walk("", 9, false, "1239459", "fttefte");
    check_walk("1", 9, false, "1239159", "bftebfe");
    check_walk("1", 9, false, "1119199", "bftebee"); /* a begin id within a text is text */
    check_walk("1", 9, false, "2391", "fteb");       /* a shard without them */
    check_walk("1", 9, true, "1129123", "tttebft");
    check_walk("12", 9, false, "12391291", "bbfebbeb");
    check_walk("12", 9, false, "13912", "bfebb");
    check_walk("9", 9, false, "939939", "bfebfe"); /* one id for both */
    check_walk("1", -1, false, "1291", "bftt");
}

int
main(void)
{
    RUN(test_ends);
    RUN(test_metadata);
    RUN(test_walk);
    return test_end();
}
