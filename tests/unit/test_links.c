/* Lines of a hub's chain, which may say anything, looked up by the model that they led to. */
#include "fed/links.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/output.h"
#include "test.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
read_text(struct fl_links *l, const char *text, bool overlap)
{
    char path[] = "/tmp/fl-test-links-XXXXXX";
    const int fd = mkstemp(path);

    CHECK(fd >= 0);
    close(fd);
    CHECK(!fl_output_write_file(path, text, strlen(text), 0));
    CHECK(!fl_links_read(l, path, overlap));
    unlink(path);
}

/* Round and base of the line that led to TO, "-" when there is none. */
static const char *
found(const struct fl_links *l, const char *to, int64_t below)
{
    static char text[100];
    const struct fl_link *link = fl_links_find(l, to, below);

    snprintf(text, sizeof text, "-");
    if (link)
        snprintf(text, sizeof text, "%lld %c", (long long)link->round, link->from[0]);
    return text;
}

static void
test_order(void)
{
    static const char text[] = "0\t" A "\tm\t" B "\n3\t" C "\tm\t" B "\n3\t" A "\tm\t" B "\n2\t" A
                               "\tm\t" B "\n9\t" B "\tm\t" C;
    static const struct {
        const char *to;
        int64_t below;
        const char *want, *overlap;
    } cases[] = {
        {B, 0, "-", "-"},      {B, 1, "0 a", "0 a"}, {B, 3, "2 a", "3 a"},
        {B, 4, "3 0", "2 a"}, /* the first line of a round; of lines 0 to 3 the last */
        {B, 99, "3 0", "2 a"}, {C, 9, "-", "9 b"},   {C, 10, "9 b", "9 b"},
        {A, 99, "-", "-"},
    };
    struct fl_links l;

    for (int overlap = 0; overlap < 2; overlap++) {
        read_text(&l, text, overlap);
        CHECK(l.count == 5);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            CHECK_TEXT(found(&l, cases[i].to, cases[i].below),
                       overlap ? cases[i].overlap : cases[i].want);
        fl_links_release(&l);
    }
}

/* What is no line of a chain is as if it were not there. */
static void
test_hostile(void)
{
    static const char *const lines[] = {
        "",
        "\n\n\t\t\t\n",
        "1\t" A "\tm\t" B "b\n",
        "1\t" A "\tm\tB" B "\n",
        "01\t" A "\tm\t" B "\n",
        "-1\t" A "\tm\t" B "\n",
        "1234567890123456\t" A "\tm\t" B "\n",
        "x\t" A "\tm\t" B "\n",
        "\t" A "\tm\t" B "\n",
        "1 " A " m " B "\n",
        "1\t" A "\t" B "\n",
        "1\t\tm\t" B "\n",
        "1\t" A "\tm\t" B "\tmore\n" /* a cell that a later version may add */
    };
    struct fl_links l;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const bool good = i + 1 == sizeof lines / sizeof *lines;
        read_text(&l, lines[i], false);
        CHECK(l.count == good);
        CHECK_TEXT(found(&l, B, 99), good ? "1 a" : "-");
        fl_links_release(&l);
    }
    CHECK(fl_links_read(&l, "/tmp/fl-test-links/none", false));
    fl_links_release(&l);
}

int
main(void)
{
    RUN(test_order);
    RUN(test_hostile);
    return test_end();
}
