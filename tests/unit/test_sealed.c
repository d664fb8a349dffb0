/* What lies on the disk of a sealed file, and what is said when that is touched. */
#include "crypt/sealed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/least.h"
#include "crypt/chacha.h"
#include "crypt/secret.h"
#include "os/file.h"
#include "test.h"

enum { PIECE = FL_SEALED_PIECE, BOX = PIECE + FL_BOX_TAG, SIZE = 3 * PIECE + 1000 };

/* A file of SIZE bytes of PLAIN, added in parts of all sizes; *FD is its descriptor. */
static struct fl_sealed *
make(const unsigned char *plain, int *fd)
{
    *fd = dup(0); /* the next one */
    close(*fd);
    struct fl_sealed *s = fl_sealed_new();
    size_t at = 0;

    CHECK(s);
    for (size_t n = 0, take; s && at < SIZE; n++, at += take) {
        take = fl_min(n % 7 == 6 ? PIECE + 5 : n * 37, SIZE - at);
        CHECK(!fl_sealed_add(s, plain + at, take));
    }
    CHECK(s && fl_sealed_size(s) == SIZE);
    return s;
}

static void
fill(unsigned char *plain)
{
    for (size_t i = 0; i < SIZE; i++)
        plain[i] = (unsigned char)"a site's own words; "[i % PIECE % 20]; /* each piece the same */
}

static int
disk(int fd, unsigned char *box)
{
    CHECK(fl_pread_full(fd, "sealed", box, 3 * BOX, 0) == 3 * BOX);
    return 0;
}

static void
test_reads(void)
{
    static unsigned char plain[SIZE], got[SIZE];
    int fd;

    for (size_t i = 0; i < SIZE; i++)
        plain[i] = (unsigned char)(i * 2654435761u >> 13);
    struct fl_sealed *s = make(plain, &fd);
    CHECK(!fl_sealed_read(s, 0, got, SIZE) && !memcmp(plain, got, SIZE));
    static const size_t places[] = {0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE - 1, 3 * PIECE};
    static const size_t sizes[] = {0, 1, 2, 999, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE};
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            size_t n = fl_min(sizes[k], SIZE - places[p]);
            memset(got, 0, n + 1);
            CHECK(!fl_sealed_read(s, places[p], got, n));
            CHECK(!memcmp(got, plain + places[p], n) && !got[n]);
        }
    CHECK(!fl_sealed_add(s, plain, PIECE) && fl_sealed_size(s) == SIZE + PIECE);
    CHECK(!fl_sealed_read(s, SIZE, got, PIECE) && !memcmp(got, plain, PIECE));
    fl_sealed_free(s);
    fl_sealed_free(NULL);
}

/* No name, no permissions, no plain byte, and nothing that two files or two pieces have in common. */
static void
test_disk(void)
{
    static unsigned char plain[SIZE], one[3 * BOX], two[3 * BOX];
    struct stat st;
    int fd, other;

    fill(plain);
    struct fl_sealed *s = make(plain, &fd), *t = make(plain, &other);
    CHECK(!fstat(fd, &st) && st.st_nlink == 0 && (st.st_mode & 0777) == 0600);
    CHECK(st.st_size == 3 * BOX);
    disk(fd, one);
    disk(other, two);
    for (size_t i = 0; i + 9 <= sizeof one; i++)
        if (!memcmp(one + i, "own words", 9))
            CHECK(!"plain bytes on the disk");
    size_t same = 0, pieces = 0;
    for (size_t i = 0; i < sizeof one; i++)
        same += one[i] == two[i];
    for (size_t i = 0; i < BOX; i++)
        pieces += one[i] == one[BOX + i];
    CHECK(same < sizeof one / 128 && pieces < BOX / 64); /* 1 in 256 by chance */
    fl_sealed_free(s);
    fl_sealed_free(t);
}

static bool
refuses(const struct fl_sealed *s, uint64_t at)
{
    unsigned char byte;

    fl_error_clear();
    if (fl_sealed_read(s, at, &byte, 1) != -1)
        return false;
    return fl_error_status() == FL_FAILED && !strchr(fl_error_text(), '\n') &&
           strstr(fl_error_text(), "temporary file: is not what this program wrote into it; ");
}

static void
test_touched(void)
{
    static unsigned char plain[SIZE], box[3 * BOX], foreign[3 * BOX], got[SIZE];
    const size_t step = test_under_valgrind() ? 997 : 13;
    int fd, other;

    fill(plain);
    struct fl_sealed *s = make(plain, &fd), *t = make(plain, &other);
    disk(fd, box);
    disk(other, foreign);
    for (size_t i = 0; i < sizeof box; i += i % BOX < 40 || i % BOX > PIECE - 20 ? 1 : step) {
        unsigned char flipped = box[i] ^ (unsigned char)(1 << i % 8);
        CHECK(pwrite(fd, &flipped, 1, (off_t)i) == 1);
        if (!refuses(s, i / BOX * PIECE))
            CHECK(!"a flipped bit was taken");
        CHECK(pwrite(fd, box + i, 1, (off_t)i) == 1);
    }
    CHECK(pwrite(fd, box + BOX, BOX, 0) == BOX && pwrite(fd, box, BOX, BOX) == BOX);
    CHECK(refuses(s, 0) && refuses(s, PIECE) && !fl_sealed_read(s, 2 * PIECE, got, PIECE));
    CHECK(pwrite(fd, foreign, BOX, 0) == BOX && refuses(s, 0)); /* the same bytes, another key */
    CHECK(pwrite(fd, box, 3 * BOX, 0) == 3 * BOX);
    CHECK(!fl_sealed_read(s, 0, got, SIZE) && !memcmp(got, plain, SIZE));
    CHECK(!ftruncate(fd, 3 * BOX - 1) && refuses(s, 2 * PIECE) && !fl_sealed_read(s, 0, got, 9));
    CHECK(!fl_sealed_read(s, 3 * PIECE, got, 1000)); /* the end never was on the disk */
    CHECK(!ftruncate(fd, 0) && refuses(s, 0));
    fl_sealed_free(s);
    fl_sealed_free(t);
}

static void
test_no_room(void)
{
    static unsigned char plain[PIECE];

    CHECK(!setenv("TMPDIR", "/nowhere/at/all", 1) && !fl_sealed_new());
    CHECK(strstr(fl_error_text(), "/nowhere/at/all: cannot make a temporary file"));
    CHECK(!unsetenv("TMPDIR"));
    int fd = dup(0);
    close(fd);
    struct fl_sealed *s = fl_sealed_new();
    int full = open("/dev/full", O_RDWR);
    CHECK(s && full >= 0 && dup2(full, fd) == fd);
    CHECK(!fl_sealed_add(s, plain, PIECE - 1) && fl_sealed_add(s, plain, 1) == -1);
    CHECK(strstr(fl_error_text(), "temporary file: ") && fl_error_status() == FL_FAILED);
    close(full);
    fl_sealed_free(s);
}

int
main(void)
{
    if (fl_crypt_init())
        return 1;
    RUN(test_reads);
    RUN(test_disk);
    RUN(test_touched);
    RUN(test_no_room);
    return test_end();
}
