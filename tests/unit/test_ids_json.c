#include "text/ids_json.h"

#include "test.h"

static void
test_round(void)
{
    struct fl_ids ids = {0}, back = {0};
    struct fl_buf out = {0};
    static const uint32_t list[] = {0, 7, 10, 65536, UINT32_MAX};

    CHECK(!fl_ids_json_write(&ids, &out));
    for (size_t i = 0; i < 5; i++)
        CHECK(!fl_ids_add(&ids, list[i]));
    CHECK(!fl_ids_json_write(&ids, &out));
    CHECK_TEXT(fl_buf_text(&out), "[]\n[0, 7, 10, 65536, 4294967295]\n");
    CHECK(!fl_ids_json_read((char *)out.data, 3, &back) && back.len == 0);
    CHECK(!fl_ids_json_read((char *)out.data + 3, out.len - 3, &back) && back.len == 5);
    CHECK(!memcmp(back.data, list, sizeof list));
    CHECK(!fl_ids_json_read(" [ 1 ,2\t, 3 ] \r", 15, &back) && back.len == 8);
    fl_ids_release(&ids);
    fl_ids_release(&back);
    fl_buf_release(&out);
}

static void
test_bad(void)
{
    static const char *const bad[] = {"",
                                      "[",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "[1]]",
                                      "[01]",
                                      "[-1]",
                                      "[1.5]",
                                      "[4294967296]",
                                      "[99999999999999999999]",
                                      "{}",
                                      "1",
                                      "[\"1\"]",
                                      "[1] x"};
    struct fl_ids ids = {0};

    CHECK(!fl_ids_add(&ids, 5));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int got = fl_ids_json_read(bad[i], strlen(bad[i]), &ids);
        if (!got)
            printf("# \"%s\" is taken\n", bad[i]);
        CHECK(got == -1 && ids.len == 1);
    }
    fl_ids_release(&ids);
}

int
main(void)
{
    RUN(test_round);
    RUN(test_bad);
    return test_end();
}
