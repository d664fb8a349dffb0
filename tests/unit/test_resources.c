#include "os/resources.h"

#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static const size_t some = (size_t)64 << 20;
static const int64_t slack = 4 << 20; /* the kernel counts in steps */

/* What is touched is held, and given back is not, but was. */
static void
test_memory(void)
{
    int64_t before = fl_memory_resident(), with, after, peak;

    if (getenv("SAN") && *getenv("SAN"))
        SKIP("sanitizers hold memory of their own");
    volatile unsigned char *p = malloc(some);
    CHECK(p && before > 0);
    for (size_t i = 0; p && i < some; i += 1024)
        p[i] = 1;
    with = fl_memory_resident();
    free((void *)(uintptr_t)p);
    after = fl_memory_resident();
    peak = fl_memory_peak();
    CHECK(with - before > (int64_t)some * 9 / 10 && with - before < (int64_t)some * 2);
    CHECK(peak > with - slack && peak < with + (int64_t)some);
    CHECK(after < peak - (int64_t)some / 2);
}

/* The limit of addresses bounds what is available. */
static void
test_available(void)
{
    int64_t all = fl_memory_available();
    int status;

    if (all < 0)
        SKIP("the system does not say");
    CHECK(all > 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {(rlim_t)40 << 30, RLIM_INFINITY};
        int64_t left = -1;
        if (!setrlimit(RLIMIT_AS, &limit))
            left = fl_memory_available();
        _exit(left < 0 || left > (int64_t)40 << 30 || left > all + (all >> 1));
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    child = fork();
    if (child == 0) {
        struct rlimit limit = {1 << 20, RLIM_INFINITY}; /* less than it has */
        _exit(setrlimit(RLIMIT_AS, &limit) || fl_memory_available() != 0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A file that is or would be there, by a path with or without a folder, or through a link. */
static void
test_disk(void)
{
    static char folder[] = "/tmp/test_resources.XXXXXX";
    char path[100], link_path[100];
    struct statvfs fs, root;

    CHECK(mkdtemp(folder) && !statvfs(folder, &fs) && !statvfs("/", &root));
    double want = (double)fs.f_bavail * (double)fs.f_frsize, most = want + 1e9;
    snprintf(path, sizeof path, "%s/none.flt", folder);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    CHECK(!symlink("none.flt", link_path));
    const char *const names[] = {path, link_path};
    for (size_t i = 0; i < 2; i++) {
        double got = (double)fl_disk_free(names[i]);
        CHECK(got >= 0 && got > want - 1e9 && got < most);
    }
    CHECK(fl_disk_free("/none") >= 0);
    CHECK(!chdir(folder) && fl_disk_free("none.flt") >= 0);
    CHECK(fl_disk_free(NULL) == -1 && fl_disk_free("-") == -1);
    CHECK(fl_disk_free("no/such/folder/x") == -1);
    fl_error_clear();
    CHECK(!unlink(link_path) && !symlink("link", link_path) && fl_disk_free(link_path) == -1);
    CHECK_TEXT(fl_error_text(), "");
    unlink(link_path);
    rmdir(folder);
}

int
main(void)
{
    RUN(test_memory);
    RUN(test_available);
    RUN(test_disk);
    return test_end();
}
