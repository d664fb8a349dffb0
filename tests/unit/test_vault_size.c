/* What is written can be read: a state that grew too large is refused before it replaces one. */
#include "sec/vault.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypt/secret.h"
#include "test.h"

/* A text of LINES lines of a MiB. */
static int
fill(struct fl_vault *v, size_t lines)
{
    enum { HALF = 1 << 19 };
    unsigned char *bytes = fl_alloc(HALF, 1);
    int failed = !bytes || fl_vault_begin(v, "magic");

    for (size_t i = 0; i < lines && !failed; i++)
        failed = fl_vault_put(v, "row", "B", bytes, (size_t)HALF);
    free(bytes);
    return failed;
}

/* Lines of PATH, or -1. */
static int
lines_of(const char *path)
{
    struct fl_vault v;
    int count = 0, got;

    if (fl_vault_read(&v, path, "magic", "a test's file"))
        return -1;
    while ((got = fl_vault_next(&v)) == 1)
        count++;
    fl_vault_release(&v);
    return got ? -1 : count;
}

static void
test_limit(void)
{
    enum { MIB = FL_VAULT_MAX >> 20 };
    char path[] = "/tmp/fl-test-vault-XXXXXX";
    struct fl_vault v = {0};
    int fd = mkstemp(path);

    CHECK(fd >= 0 && !close(fd));
    CHECK(!fill(&v, MIB - 1) && !fl_vault_write(&v, path, false));
    fl_vault_release(&v);
    CHECK(lines_of(path) == MIB - 1);
    CHECK(!fill(&v, MIB) && fl_vault_write(&v, path, false) == -1);
    CHECK(fl_error_status() == FL_REFUSED);
    fl_vault_release(&v);
    CHECK(lines_of(path) == MIB - 1); /* as it was */
    unlink(path);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_limit);
    return test_end();
}
