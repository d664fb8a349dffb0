/* Small files of secrets: what is written is read, whatever was changed is not. */
#include "sec/vault.h"

#include <sys/stat.h>

#include "crash.h"
#include "federation.h"

static struct federation f;

static int
read_file(struct fl_vault *v)
{
    return fl_vault_read(v, fed_path(&f, "vault"), "fl-test-v1", "a test's file is expected");
}

static void
write_some(void)
{
    struct fl_vault v;
    unsigned char b[32], long_one[100];

    memset(b, 0xab, 32);
    memset(long_one, 0x11, 100);
    CHECK(!fl_vault_begin(&v, "fl-test-v1"));
    CHECK(!fl_vault_put(&v, "all", "bnwB", b, UINT64_MAX, "word", long_one, sizeof long_one));
    CHECK(!fl_vault_put(&v, "bare", ""));
    for (uint64_t i = 0; i < 200; i++) /* it grows */
        CHECK(!fl_vault_put(&v, "row", "nb", i, b));
    CHECK(!fl_vault_write(&v, fed_path(&f, "vault"), false));
    fl_vault_release(&v);
    CHECK(!v.text && !v.name);
}

static void
test_round_trip(void)
{
    struct fl_vault v;
    struct stat st;
    unsigned char b[32], long_one[100];
    uint64_t n;
    char word[5];

    write_some();
    CHECK(!stat(fed_path(&f, "vault"), &st) && (st.st_mode & 0777) == 0600);
    CHECK(!read_file(&v) && fl_vault_next(&v) == 1 && fl_vault_is(&v, "all") &&
          !fl_vault_is(&v, "al"));
    CHECK(
        !fl_vault_get(&v, "bnwB", b, UINT64_MAX, &n, word, sizeof word, long_one, sizeof long_one));
    CHECK(b[0] == 0xab && b[31] == 0xab && n == UINT64_MAX && !strcmp(word, "word"));
    CHECK(long_one[0] == 0x11 && long_one[99] == 0x11);
    CHECK(fl_vault_next(&v) == 1 && fl_vault_is(&v, "bare") && !fl_vault_get(&v, ""));
    for (uint64_t i = 0; i < 200; i++)
        CHECK(fl_vault_next(&v) == 1 && !fl_vault_get(&v, "nb", (uint64_t)199, &n, b) && n == i);
    CHECK(fl_vault_next(&v) == 0);
    fl_vault_release(&v);
}

/* Values that a line's format does not let through; messages show none of them. */
static void
test_values(void)
{
    static const struct {
        const char *line, *format;
    } cases[] = {
        {"x 00", "b"}, /* too short */
        {"x 000000000000000000000000000000000000000000000000000000000000000000", "b"},
        {"x 00000000000000000000000000000000000000000000000000000000000000zz", "b"},
        {"x ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB", "b"},
        {"x 11", "n"}, /* above the most, 10 */
        {"x -1", "n"},
        {"x 1.0", "n"},
        {"x 99999999999999999999", "n"},
        {"x words", "w"}, /* longer than 4 */
        {"x 1 2", "n"},
        {"x", "n"},
        {"x 1", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fl_vault v = {0}, out;
        unsigned char b[32];
        uint64_t n;
        char word[5];
        const char *space = strchr(cases[i].line, ' ');
        CHECK(!fl_vault_begin(&out, "fl-test-v1"));
        if (space) { /* the values as one word */
            char text[100];
            snprintf(text, sizeof text, "%s", space + 1);
            CHECK(!fl_vault_put(&out, "x", "w", text));
        } else {
            CHECK(!fl_vault_put(&out, "x", ""));
        }
        CHECK(!fl_vault_write(&out, fed_path(&f, "vault"), false));
        fl_vault_release(&out);
        CHECK(!read_file(&v) && fl_vault_next(&v) == 1);
        fl_error_clear();
        CHECK((!strcmp(cases[i].format, "b")   ? fl_vault_get(&v, "b", b)
               : !strcmp(cases[i].format, "n") ? fl_vault_get(&v, "n", (uint64_t)10, &n)
               : !strcmp(cases[i].format, "w") ? fl_vault_get(&v, "w", word, sizeof word)
                                               : fl_vault_get(&v, "")) == -1);
        CHECK(fl_error_status() == FL_FAILED && fed_says("vault: line 2 is not what"));
        CHECK(!space || strlen(space) < 20 || !fed_says(space + 1));
        fl_vault_release(&v);
    }
}

/* Every byte changed, every cut, another's magic, too open a mode, a folder. */
static void
test_damaged(void)
{
    struct fl_vault v;
    struct fl_buf b = {0};
    size_t step = test_under_valgrind() ? 97 : 11;

    write_some();
    CHECK(!fl_read_file(fed_path(&f, "vault"), 1 << 20, &b));
    for (size_t i = 0; i < b.len; i += step)
        for (int cut = 0; cut < 2; cut++) {
            int fd = open(fed_path(&f, "vault"), O_WRONLY | O_TRUNC);
            b.data[i] ^= cut ? 0 : 1;
            CHECK(!fl_write_full(fd, "vault", b.data, cut ? i : b.len));
            close(fd);
            b.data[i] ^= cut ? 0 : 1;
            fl_error_clear();
            CHECK(read_file(&v) == -1 && fl_error_status() == FL_FAILED && !v.text && !v.name);
        }
    write_some();
    CHECK_REFUSED(fl_vault_read(&v, fed_path(&f, "vault"), "fl-test-v2", "a test's file"),
                  FL_FAILED, "a test's file");
    CHECK_REFUSED(fl_vault_read(&v, fed_path(&f, "vault"), "fl-test-v", "a test's file"), FL_FAILED,
                  "a test's file");
    CHECK_REFUSED(fl_vault_read(&v, fed_path(&f, "model.flt"), "fl-test-v1", "a test's file"),
                  FL_FAILED, "a test's file");
    CHECK_REFUSED(fl_vault_read(&v, f.dir, "fl-test-v1", "a test's file"), FL_FAILED, "");
    CHECK(!chmod(fed_path(&f, "vault"), 0640));
    CHECK_REFUSED(read_file(&v), FL_REFUSED, "others");
    CHECK(!chmod(fed_path(&f, "vault"), 0600) && !read_file(&v));
    fl_vault_release(&v);
    fl_buf_release(&b);
}

/* A file is not overwritten when it must be fresh; and none is written that could not be read. */
static void
test_write(void)
{
    struct fl_vault v;
    unsigned char *much = malloc(FL_VAULT_MAX / 4);

    write_some();
    CHECK(!fl_vault_begin(&v, "fl-test-v1"));
    CHECK(fl_vault_write(&v, fed_path(&f, "vault"), true) == -1);
    fl_vault_release(&v);
    memset(much, 1, FL_VAULT_MAX / 4);
    CHECK(!fl_vault_begin(&v, "fl-test-v1"));
    CHECK(!fl_vault_put(&v, "x", "B", much, (size_t)FL_VAULT_MAX / 4));
    CHECK(!fl_vault_put(&v, "x", "B", much, (size_t)FL_VAULT_MAX / 4 - 1000));
    CHECK(!fl_vault_write(&v, fed_path(&f, "vault"), false));
    fl_vault_release(&v);
    CHECK(!read_file(&v));
    fl_vault_release(&v);
    CHECK(!fl_vault_begin(&v, "fl-test-v1"));
    CHECK(!fl_vault_put(&v, "x", "B", much, (size_t)FL_VAULT_MAX / 4));
    CHECK(!fl_vault_put(&v, "x", "B", much, (size_t)FL_VAULT_MAX / 4));
    CHECK_REFUSED(fl_vault_write(&v, fed_path(&f, "vault"), false), FL_FAILED, "too large");
    fl_vault_release(&v);
    CHECK(!read_file(&v)); /* the one before is still there */
    fl_vault_release(&v);
    free(much);
}

/* A crash at any moment of writing: the text of before or the one of after, whole. */
static int
write_in_child(void *arg)
{
    struct fl_vault v;
    int failed = fl_vault_begin(&v, "fl-test-v1") ||
                 fl_vault_put(&v, "new", "n", *(uint64_t *)arg) ||
                 fl_vault_write(&v, fed_path(&f, "vault"), false);

    fl_vault_release(&v);
    return failed ? -1 : 0;
}

static void
test_crash(void)
{
    struct fl_vault v;
    uint64_t want = 7, n = 0;
    int outcome = 1, calls = 0, old = 0;

    write_some();
    if (test_under_valgrind() || crash_at(1 << 20, write_in_child, &want) == -2)
        SKIP("nothing can be traced here");
    for (; outcome == 1 && calls < 1000; calls++) {
        write_some();
        outcome = crash_at(calls, write_in_child, &want);
        CHECK(outcome >= 0 && !read_file(&v) && fl_vault_next(&v) == 1);
        const bool is_old = fl_vault_is(&v, "all");
        CHECK(is_old || (fl_vault_is(&v, "new") && !fl_vault_get(&v, "n", (uint64_t)99, &n)));
        CHECK(is_old || n == want);
        old += is_old;
        fl_vault_release(&v);
    }
    CHECK(outcome == 0 && calls > 3 && old > 1 && old < calls);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    fed_start(&f, 3, "");
    RUN(test_round_trip);
    RUN(test_values);
    RUN(test_damaged);
    RUN(test_write);
    RUN(test_crash);
    fed_end(&f);
    return test_end();
}
