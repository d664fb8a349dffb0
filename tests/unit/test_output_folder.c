/* A folder that is there whole or not at all. What programs make of it is tested in cli/71-export.sh. */
#include "os/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

static char top[] = "/tmp/fl-folder-XXXXXX";

static const char *
at(const char *name)
{
    static char paths[4][200];
    static int next;

    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", top, name);
    return paths[next];
}

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");

    CHECK(f && fputs(text, f) >= 0 && !fclose(f));
}

/* The content of a file, or "(none)". */
static const char *
content(const char *name)
{
    static char text[200];
    FILE *f = fopen(at(name), "r");

    if (!f)
        return "(none)";
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static bool
exists(const char *name)
{
    struct stat st;

    return !lstat(at(name), &st);
}

static void
test_commit(void)
{
    struct fl_output_folder f;

    CHECK(!fl_output_folder_open(&f, at("x//")) && exists(".x.part") && !exists("x"));
    CHECK(!fl_output_folder_write(&f, "a", "one", 3));
    int fd = fl_output_folder_file(&f, "b");
    CHECK(fd >= 0 && write(fd, "two", 3) == 3 && !fl_output_folder_end(&f, fd, "b"));
    CHECK(fl_output_folder_write(&f, "a", "again", 5) == -1 && strstr(fl_error_text(), "x/a: "));
    CHECK(fl_output_folder_file(&f, "no/file") == -1);
    CHECK(!exists("x") && !fl_output_folder_commit(&f) && f.fd == -1 && !f.name);
    CHECK(!exists(".x.part"));
    CHECK_TEXT(content("x/a"), "one");
    CHECK_TEXT(content("x/b"), "two");
    CHECK(!fl_output_folder_commit(&f)); /* not open: nothing to do */
    fl_output_folder_abort(&f);
}

static void
test_abort(void)
{
    struct fl_output_folder f;

    CHECK(!fl_output_folder_open(&f, at("y")) && !fl_output_folder_write(&f, "a", "one", 3));
    fl_error(FL_FAILED, "the first one");
    fl_output_folder_abort(&f);
    CHECK(!exists("y") && !exists(".y.part"));
    CHECK_TEXT(fl_error_text(), "the first one");
    fl_output_folder_abort(&f);
}

static void
test_taken(void)
{
    struct fl_output_folder f;

    CHECK(fl_output_folder_open(&f, "") == -1 && fl_error_status() == FL_USAGE);
    CHECK(fl_output_folder_open(&f, at("x")) == -1 && strstr(fl_error_text(), "not empty"));
    CHECK(fl_error_status() == FL_FAILED && !exists(".x.part"));
    put("file", "mine");
    CHECK(fl_output_folder_open(&f, at("file")) == -1 && strstr(fl_error_text(), "no folder"));
    CHECK_TEXT(content("file"), "mine");
    CHECK(!symlink("nowhere", at("link")) && fl_output_folder_open(&f, at("link")) == -1);
    CHECK(fl_output_folder_open(&f, at("absent/x")) == -1);
    CHECK(!mkdir(at("empty"), 0700) && !fl_output_folder_open(&f, at("empty")));
    CHECK(!fl_output_folder_write(&f, "a", "new", 3) && !fl_output_folder_commit(&f));
    CHECK_TEXT(content("empty/a"), "new");
}

/* Somebody takes the name while the folder is written. */
static void
test_taken_meanwhile(void)
{
    struct fl_output_folder f;

    CHECK(!fl_output_folder_open(&f, at("z")) && !fl_output_folder_write(&f, "a", "one", 3));
    CHECK(!mkdir(at("z"), 0700));
    put("z/mine", "mine");
    CHECK(fl_output_folder_commit(&f) == -1 && strstr(fl_error_text(), "not empty"));
    CHECK(!exists(".z.part") && !exists("z/a"));
    CHECK_TEXT(content("z/mine"), "mine");
    put("w", "mine");
    CHECK(!unlink(at("w")) && !fl_output_folder_open(&f, at("w")));
    put("w", "mine");
    CHECK(fl_output_folder_commit(&f) == -1 && strstr(fl_error_text(), "no folder"));
    CHECK(!exists(".w.part"));
    CHECK_TEXT(content("w"), "mine");
}

static void
test_leftovers(void)
{
    struct fl_output_folder f, other;

    CHECK(!mkdir(at(".v.part"), 0700));
    put(".v.part/a", "old");
    put(".v.part/.hidden", "old");
    CHECK(!fl_output_folder_open(&f, at("v")) && !exists(".v.part/a") &&
          !exists(".v.part/.hidden"));
    CHECK(fl_output_folder_open(&other, at("v")) == -1);
    CHECK(strstr(fl_error_text(), "another program is writing it") && exists(".v.part"));
    CHECK(!fl_output_folder_write(&f, "a", "new", 3) && !fl_output_folder_commit(&f));
    CHECK_TEXT(content("v/a"), "new");
    CHECK(!mkdir(at(".u.part"), 0700) && !mkdir(at(".u.part/in"), 0700));
    CHECK(fl_output_folder_open(&f, at("u")) == -1 && strstr(fl_error_text(), "cannot be emptied"));
    CHECK(!exists("u") && !rmdir(at(".u.part/in")) && !rmdir(at(".u.part")));
    put(".u.part", "mine");
    CHECK(fl_output_folder_open(&f, at("u")) == -1);
    CHECK_TEXT(content(".u.part"), "mine");
    CHECK(!unlink(at(".u.part")) && !symlink("x", at(".u.part")));
    CHECK(fl_output_folder_open(&f, at("u")) == -1 && exists("x/a"));
}

int
main(void)
{
    char command[64];

    if (!mkdtemp(top))
        return 1;
    RUN(test_commit);
    RUN(test_abort);
    RUN(test_taken);
    RUN(test_taken_meanwhile);
    RUN(test_leftovers);
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command) ? 1 : test_end();
}
