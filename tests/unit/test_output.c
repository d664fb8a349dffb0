#include "os/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "test.h"

static char folder[] = "/tmp/fl-output-XXXXXX";

static const char *
in_folder(const char *name)
{
    static char paths[4][200];
    static int next;

    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

/* The content of a file, or "(none)". */
static const char *
content(const char *name)
{
    static char text[200];
    FILE *f = fopen(in_folder(name), "r");

    if (!f)
        return "(none)";
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "w");

    CHECK(f && fputs(text, f) >= 0 && !fclose(f));
}

static void
test_commit(void)
{
    struct fl_output out;

    put("a", "old");
    CHECK(!fl_output_open(&out, in_folder("a"), FL_OUTPUT_BINARY));
    CHECK(!fl_output_write(&out, "new", 3));
    CHECK_TEXT(content("a"), "old");
    CHECK_TEXT(content(".a.part"), "new");
    CHECK(!fl_output_flush(&out));
    CHECK_TEXT(content("a"), "old");
    CHECK(!fl_output_commit(&out));
    CHECK_TEXT(content("a"), "new");
    CHECK_TEXT(content(".a.part"), "(none)");
    CHECK(out.fd == -1);
    CHECK(!fl_output_commit(&out)); /* nothing is open */
    fl_output_abort(&out);
    CHECK_TEXT(content("a"), "new");
}

static void
test_permissions(void)
{
    struct stat st;

    put("private", "old");
    CHECK(!chmod(in_folder("private"), 0600));
    CHECK(!fl_output_write_file(in_folder("private"), "new", 3, 0));
    CHECK_TEXT(content("private"), "new");
    CHECK(!stat(in_folder("private"), &st) && (st.st_mode & 0777) == 0600);
    CHECK(!chmod(in_folder("private"), 0644)); /* a secret is one whatever was there */
    CHECK(!fl_output_write_file(in_folder("private"), "key", 3, FL_OUTPUT_SECRET));
    CHECK(!stat(in_folder("private"), &st) && (st.st_mode & 0777) == 0600);
    CHECK(!unlink(in_folder("private")));
}

static void
test_abort(void)
{
    struct fl_output out;

    put("a", "old");
    CHECK(!fl_output_open(&out, in_folder("a"), 0));
    CHECK(!fl_output_write(&out, "new", 3));
    fl_error(FL_REFUSED, "why");
    fl_output_abort(&out);
    CHECK_TEXT(fl_error_text(), "why");
    CHECK_TEXT(content("a"), "old");
    CHECK_TEXT(content(".a.part"), "(none)");
    CHECK(!fl_output_open(&out, in_folder("b"), 0)); /* and a file that was not there is not */
    fl_output_abort(&out);
    CHECK_TEXT(content("b"), "(none)");
}

/* A run that was killed leaves its part file; the next one takes it over. */
static void
test_leftover(void)
{
    struct fl_output out, other;

    put(".a.part", "a long leftover of a run that was killed");
    CHECK(!fl_output_open(&out, in_folder("a"), 0));
    CHECK(!fl_output_write(&out, "x", 1));
    CHECK(fl_output_open(&other, in_folder("a"), 0) == -1); /* it is locked */
    CHECK(strstr(fl_error_text(), "another program is writing it"));
    CHECK(other.fd == -1);
    CHECK(!fl_output_commit(&out));
    CHECK_TEXT(content("a"), "x");
}

/* One that is another's, or has a second name, is not: what is written would be theirs. */
static void
test_planted(void)
{
    struct fl_output out;
    struct stat st;

    put("victim", "precious");
    CHECK(!link(in_folder("victim"), in_folder(".planted.part")));
    CHECK(!fl_output_write_file(in_folder("planted"), "mine", 4, FL_OUTPUT_SECRET));
    CHECK_TEXT(content("victim"), "precious");
    CHECK_TEXT(content("planted"), "mine");
    if (geteuid()) {
        SKIP("only root can make a file another's");
        return;
    }
    put(".theirs.part", "laid there");
    CHECK(!chown(in_folder(".theirs.part"), 65534, 65534));
    CHECK(!fl_output_open(&out, in_folder("theirs"), FL_OUTPUT_SECRET));
    CHECK(!fstat(out.fd, &st) && st.st_uid == 0);
    CHECK(!fl_output_commit(&out));
}

static void
test_links(void)
{
    struct fl_output out;
    struct stat st;

    put("target", "old");
    CHECK(!symlink("target", in_folder("link1")));
    CHECK(!symlink(in_folder("link1"), in_folder("link2"))); /* relative after absolute */
    CHECK(!fl_output_write_file(in_folder("link2"), "new", 3, 0));
    CHECK_TEXT(content("target"), "new");
    CHECK(!lstat(in_folder("link2"), &st) && S_ISLNK(st.st_mode));
    CHECK(!lstat(in_folder("link1"), &st) && S_ISLNK(st.st_mode));
    CHECK(!symlink("not-there-yet", in_folder("dangling")));
    CHECK(!fl_output_write_file(in_folder("dangling"), "x", 1, 0));
    CHECK_TEXT(content("not-there-yet"), "x");
    CHECK(!symlink("loop2", in_folder("loop1")) && !symlink("loop1", in_folder("loop2")));
    CHECK(fl_output_open(&out, in_folder("loop1"), 0) == -1);
    CHECK(strstr(fl_error_text(), "too many symbolic links"));
    put("elsewhere", "mine"); /* a link in place of the part file is not followed */
    CHECK(!symlink("elsewhere", in_folder(".c.part")));
    CHECK(fl_output_open(&out, in_folder("c"), 0) == -1);
    CHECK_TEXT(content("elsewhere"), "mine");
}

/* What got its name meanwhile stays. */
static void
test_new(void)
{
    struct fl_output out;

    CHECK(!fl_output_write_file(in_folder("fresh"), "first", 5, FL_OUTPUT_NEW));
    CHECK_TEXT(content("fresh"), "first");
    CHECK(fl_output_write_file(in_folder("fresh"), "second", 6, FL_OUTPUT_NEW) == -1);
    CHECK(fl_error_status() == FL_FAILED && strstr(fl_error_text(), "cannot take its name"));
    CHECK(!fl_output_open(&out, in_folder("raced"), FL_OUTPUT_NEW));
    put("raced", "theirs");
    CHECK(!fl_output_write(&out, "ours", 4) && fl_output_commit(&out) == -1 && out.fd == -1);
    CHECK_TEXT(content("raced"), "theirs");
    CHECK_TEXT(content(".raced.part"), "(none)");
}

static void
test_modes(void)
{
    struct stat st;
    mode_t old = umask(0);

    CHECK(!fl_output_write_file(in_folder("open"), "x", 1, 0));
    CHECK(!fl_output_write_file(in_folder("secret"), "x", 1, FL_OUTPUT_SECRET));
    CHECK(!stat(in_folder("open"), &st) && (st.st_mode & 0777) == 0666);
    CHECK(!stat(in_folder("secret"), &st) && (st.st_mode & 0777) == 0600);
    put(".secret.part", "left with another mode");
    CHECK(!chmod(in_folder(".secret.part"), 0644));
    CHECK(!fl_output_write_file(in_folder("secret"), "y", 1, FL_OUTPUT_SECRET));
    CHECK(!stat(in_folder("secret"), &st) && (st.st_mode & 0777) == 0600);
    umask(old);
}

static void
test_in_place(void)
{
    struct fl_output out;
    char text[8] = "";

    CHECK(!mkfifo(in_folder("fifo"), 0600));
    int fd = open(in_folder("fifo"), O_RDONLY | O_NONBLOCK);
    CHECK(!fl_output_write_file(in_folder("fifo"), "piped", 5, FL_OUTPUT_BINARY));
    CHECK(read(fd, text, sizeof text) == 5);
    CHECK_TEXT(text, "piped");
    close(fd);
    struct stat st;
    CHECK(!stat(in_folder("fifo"), &st) && S_ISFIFO(st.st_mode));
    CHECK(!fl_output_open(&out, "/dev/full", 0));
    CHECK(fl_output_write(&out, "x", 1) == -1);
    CHECK(strstr(fl_error_text(), "/dev/full: cannot write"));
    fl_output_abort(&out);
    CHECK(!fl_output_open(&out, NULL, 0) && out.fd == 1);
    CHECK(!fl_output_commit(&out));
    CHECK(!fl_output_open(&out, "-", 0) && out.fd == 1);
    fl_output_abort(&out);
    CHECK(write(1, "", 0) == 0); /* standard output is not ours to close */
}

static void
test_refused(void)
{
    struct fl_output out;

    CHECK(fl_output_open(&out, folder, 0) == -1);
    CHECK(fl_error_status() == FL_USAGE && strstr(fl_error_text(), "is a folder"));
    CHECK(fl_output_open(&out, in_folder("no/such/folder"), 0) == -1);
    CHECK(fl_error_status() == FL_FAILED && strstr(fl_error_text(), "no/such/folder"));
    CHECK(fl_output_open(&out, "", 0) == -1);
    CHECK(out.fd == -1);
}

/* Between flush and commit of two outputs both are whole under their part names. */
static void
test_two(void)
{
    struct fl_output a, b;

    put("a", "old a");
    put("b", "old b");
    CHECK(!fl_output_open(&a, in_folder("a"), 0) && !fl_output_open(&b, in_folder("b"), 0));
    CHECK(!fl_output_write(&a, "1", 1) && !fl_output_write(&b, "2", 1));
    CHECK(!fl_output_flush(&a) && !fl_output_flush(&b));
    CHECK_TEXT(content("a"), "old a");
    CHECK_TEXT(content("b"), "old b");
    CHECK(!fl_output_commit(&a) && !fl_output_commit(&b));
    CHECK_TEXT(content("a"), "1");
    CHECK_TEXT(content("b"), "2");
}

int
main(void)
{
    char command[100];

    if (!mkdtemp(folder))
        return 1;
    RUN(test_commit);
    RUN(test_permissions);
    RUN(test_abort);
    RUN(test_leftover);
    RUN(test_planted);
    RUN(test_links);
    RUN(test_new);
    RUN(test_modes);
    RUN(test_in_place);
    RUN(test_refused);
    RUN(test_two);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    CHECK(!system(command));
    return test_end();
}
