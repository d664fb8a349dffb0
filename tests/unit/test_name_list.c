/* Lists of names out of YAML. */
#include "conf/name_list.h"

#include "test.h"

static int
read_list(struct fl_name_list *list, const char *yaml)
{
    struct fl_yaml *root = fl_yaml_parse(yaml, strlen(yaml), "file");
    *list = (struct fl_name_list){0};
    int result = root ? fl_name_list_read(list, "file", "key", fl_yaml_get(root, "key")) : -1;

    fl_yaml_free(root);
    return result;
}

static void
test_read(void)
{
    struct fl_name_list list;

    CHECK(!read_list(&list, "key: [a, b c, \"\"]") && list.count == 3);
    CHECK_TEXT(list.items[1], "b c");
    CHECK_TEXT(list.items[2], "");
    fl_name_list_release(&list);
    CHECK(list.count == 0 && !list.items);
    CHECK(!read_list(&list, "other: 1") && list.count == 0);
    fl_name_list_release(&list);
    CHECK(!read_list(&list, "key: []") && list.count == 0);
    fl_name_list_release(&list);
}

static void
test_refused(void)
{
    static const char *const bad[] = {"key: a", "key: {a: b}", "key: [a, [b]]", "key: [{a: b}]"};
    struct fl_name_list list;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fl_error_clear();
        CHECK(read_list(&list, bad[i]) == -1 && fl_error_status() == FL_USAGE);
        CHECK(!strncmp(fl_error_text(), "file: line 1: key: ", 19));
        fl_name_list_release(&list);
    }
}

int
main(void)
{
    RUN(test_read);
    RUN(test_refused);
    return test_end();
}
