#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char path[] = "/tmp/fl-file-XXXXXX";

static void *
write_slowly(void *arg)
{
    int fd = *(int *)arg;

    for (int i = 0; i < 100; i++) {
        CHECK(write(fd, "0123456789", 10) == 10);
        usleep(100);
    }
    close(fd);
    return NULL;
}

/* A pipe hands out what it has; a full read goes on until it has all. */
static void
test_short_reads(void)
{
    char data[1200];
    int ends[2];
    pthread_t id;

    CHECK(!pipe(ends) && !pthread_create(&id, NULL, write_slowly, &ends[1]));
    CHECK(fl_read_full(ends[0], "pipe", data, 995) == 995);
    CHECK(!memcmp(data + 980, "012345678901234", 15));
    CHECK(fl_read_full(ends[0], "pipe", data, sizeof data) == 5); /* up to the end */
    CHECK(fl_read_full(ends[0], "pipe", data, sizeof data) == 0);
    pthread_join(id, NULL);
    close(ends[0]);
    CHECK(fl_read_full(-1, "x.flt", data, 1) == -1);
    CHECK(strstr(fl_error_text(), "x.flt: cannot read: "));
}

static void
test_offsets(void)
{
    char data[8];
    int fd = open(path, O_RDWR | O_TRUNC);

    CHECK(!fl_write_full(fd, path, "abcdefgh", 8) && !fl_pwrite_full(fd, path, "XY", 2, 3));
    CHECK(lseek(fd, 0, SEEK_CUR) == 8);
    CHECK(fl_pread_full(fd, path, data, 4, 2) == 4 && !memcmp(data, "cXYf", 4));
    CHECK(fl_pread_full(fd, path, data, 8, 6) == 2 && fl_pread_full(fd, path, data, 8, 99) == 0);
    CHECK(fl_regular_size(fd) == 8);
    CHECK(fl_write_full(-1, "x.flt", "a", 1) == -1);
    CHECK(strstr(fl_error_text(), "x.flt: cannot write: "));
    close(fd);
}

static void
test_open(void)
{
    CHECK(fl_open_input("/no/such/file", true) == -1);
    CHECK(fl_error_status() == FL_FAILED);
    CHECK(strstr(fl_error_text(), "/no/such/file: cannot open: "));
    CHECK(fl_open_input("/tmp", true) == -1 && strstr(fl_error_text(), "/tmp: is a folder"));
    CHECK(fl_open_input("-", false) == 0 && fl_open_input(NULL, false) == 0);
    fl_close_input(0);
    CHECK(fcntl(0, F_GETFD) >= 0); /* standard input is not ours to close */
    CHECK_TEXT(fl_input_name(NULL), "standard input");
    CHECK_TEXT(fl_input_name("-"), "standard input");
    CHECK_TEXT(fl_input_name("./-"), "./-");
    CHECK(fl_name_unpacked("a/b.csv.gz") == 7 && fl_name_unpacked("b.jsonl.zst") == 7);
    CHECK(fl_name_unpacked("b.xz") == 1 && fl_name_unpacked("b.gz.xz") == 4);
    CHECK(fl_name_unpacked("b.bz") == 4 && fl_name_unpacked("") == 0 &&
          fl_name_unpacked("gz") == 2);
}

static void
test_read_file(void)
{
    struct fl_buf b = {0};
    size_t n = 200000;
    char *data = malloc(n);

    memset(data, 'q', n);
    int fd = open(path, O_RDWR | O_TRUNC);
    CHECK(!fl_write_full(fd, path, data, n));
    close(fd);
    CHECK(!fl_read_file(path, n, &b) && b.len == n && !memcmp(b.data, data, n));
    CHECK(b.data[n] == '\0');
    fl_buf_clear(&b);
    CHECK(fl_read_file(path, n - 1, &b) == -1 && strstr(fl_error_text(), "is larger than"));
    fl_buf_clear(&b);
    CHECK(!fl_read_file("/dev/null", 0, &b) && b.len == 0);
    fl_buf_release(&b);
    free(data);
}

static void
test_spool(void)
{
    char data[16];
    struct stat st;
    int ends[2], fd = fl_spool_open();

    CHECK(!fstat(fd, &st) && (st.st_mode & 0777) == 0600 && st.st_nlink == 0);
    unsigned char *p = fl_map_spool(fd, 5000);
    CHECK(p && p[4999] == 0);
    p[4999] = 7;
    CHECK(fl_pread_full(fd, "spool", data, 1, 4999) == 1 && data[0] == 7);
    fl_unmap(p, 5000);
    const char *q = fl_map(fd, "spool", 5000);
    CHECK(q && q[4999] == 7);
    fl_unmap((void *)(uintptr_t)q, 5000);
    close(fd);

    CHECK(!pipe(ends) && !fl_write_full(ends[1], "pipe", "some bytes", 10));
    close(ends[1]);
    CHECK(fl_read_full(ends[0], "pipe", data, 5) == 5);
    CHECK(fl_read_full(ends[0], "pipe", data, 16) == 5 && !memcmp(data, "bytes", 5)); /* the rest */
    CHECK(fl_regular_size(ends[0]) == -1);
    close(ends[0]);

    char *old = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    setenv("TMPDIR", "/no/such/folder", 1);
    CHECK(fl_spool_open() == -1 && strstr(fl_error_text(), "/no/such/folder"));
    unsetenv("TMPDIR");
    if (old)
        setenv("TMPDIR", old, 1);
    free(old);
}

/* A file that is opened does not become what messages or results are written to. */
static void
test_hold_standard(void)
{
    char byte = 'x';
    bool apart = true;

    for (int fd = 0; fd <= 2; fd++) {
        int kept = dup(fd);
        close(fd);
        int held = fl_hold_standard(), file = open(path, O_RDWR);
        errno = 0;
        ssize_t n = fd ? write(fd, &byte, 1) : read(fd, &byte, 1);
        apart = apart && !held && file > 2 && n == -1 && errno == EBADF;
        close(file);
        dup2(kept, fd);
        close(kept);
    }
    CHECK(apart && !fl_hold_standard());
}

static void
test_plain(void)
{
    char pipe[64];

    snprintf(pipe, sizeof pipe, "%s.pipe", path);
    CHECK(!mkfifo(pipe, 0600) && fl_check_plain(pipe) == -1);
    CHECK(strstr(fl_error_text(), ".pipe: is no regular file") && fl_error_status() == FL_FAILED);
    CHECK(fl_check_plain("/dev/zero") == -1);
    CHECK(!fl_check_plain(path) && !fl_check_plain("/tmp") && !fl_check_plain("not/there"));
    CHECK(!unlink(pipe) && !symlink("/dev/zero", pipe) && fl_check_plain(pipe) == -1);
    CHECK(!unlink(pipe));
}

static void
test_same_file(void)
{
    char link[64];

    snprintf(link, sizeof link, "%s.link", path);
    CHECK(!symlink(path, link));
    CHECK(fl_same_file(path, path) && fl_same_file(path, link) && fl_same_file(link, path));
    CHECK(fl_same_file("not/there", "not/there") && !fl_same_file("not/there", path));
    CHECK(!fl_same_file(path, NULL) && !fl_same_file(NULL, path) && !fl_same_file(NULL, NULL));
    CHECK(!fl_same_file("/dev/null", "/dev/null")); /* no file that can be written over */
    CHECK(!unlink(link));
}

int
main(void)
{
    close(mkstemp(path));
    RUN(test_short_reads);
    RUN(test_offsets);
    RUN(test_open);
    RUN(test_read_file);
    RUN(test_spool);
    RUN(test_hold_standard);
    RUN(test_plain);
    RUN(test_same_file);
    unlink(path);
    return test_end();
}
