#if !defined(_XOPEN_SOURCE)
#define _XOPEN_SOURCE 700 /* posix_openpt */
#endif
/* os/progress: what is shown, where and how often; durations. */
#include "os/progress.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "test.h"

static int kept; /* standard error */

/* From now on standard error is collected; or, on a terminal of COLUMNS. */
static int
begin(int mode, unsigned short columns)
{
    int ends[2];

    if (!columns) {
        CHECK(!pipe(ends));
    } else {
        struct winsize size = {.ws_row = 24, .ws_col = columns};
        ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
        CHECK(ends[0] >= 0 && !grantpt(ends[0]) && !unlockpt(ends[0]));
        ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
        CHECK(ends[1] >= 0 && !ioctl(ends[1], TIOCSWINSZ, &size));
    }
    kept = dup(2);
    CHECK(dup2(ends[1], 2) == 2 && !close(ends[1]));
    fl_progress_mode(mode);
    return ends[0];
}

static const char *
end(int fd)
{
    static char text[4000];
    size_t n = 0;
    ssize_t got;

    CHECK(dup2(kept, 2) == 2 && !close(kept)); /* nobody writes any more: the end is in sight */
    while ((got = read(fd, text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    CHECK(!close(fd));
    fl_progress_mode(-1);
    return text;
}

/* As if it had begun SECONDS ago, or a little less: what follows takes time too. */
static void
age(struct fl_progress *p, double seconds)
{
    p->start -= seconds - 0.002;
    p->shown -= seconds - 0.002;
}

static void
test_durations(void)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {0.04, "0.0 s"},
        {3.25, "3.2 s"},
        {9, "9 s"},
        {9.94, "9.9 s"},
        {9.96, "10 s"},
        {59.4, "59 s"},
        {59.5, "1 min 0 s"},
        {725, "12 min 5 s"},
        {3599.4, "59 min 59 s"},
        {3599.6, "1 h 0 min"},
        {5520, "1 h 32 min"},
        {5549, "1 h 32 min"},
        {5550, "1 h 33 min"},
        {48 * 3600 - 31, "47 h 59 min"},
        {48 * 3600 - 29, "2 d 0 h"},
        {51 * 3600 + 1800, "2 d 4 h"},
        {1e18, "11574074074 d 2 h"},
    };
    char text[40];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(fl_duration(text, sizeof text, cases[i].seconds), cases[i].text);
}

static void
test_lines(void)
{
    struct fl_progress p;
    int fd = begin(1, 0);

    fl_progress_start(&p, "train", "tokens", 1000);
    fl_progress_show(&p, 1, "%s", "too early");
    age(&p, 10);
    fl_progress_show(&p, 100, "loss %.2f", 3.14159);
    fl_progress_show(&p, 200, "%s", "too soon");
    fl_progress_end(&p, 1000, "loss 2.00");
    fl_progress_show(&p, 1000, "%s", "too late");
    fl_progress_start(&p, "reading", "B", 0);
    age(&p, 2);
    fl_progress_show(&p, 3 << 20, "%s", "a\nb\033.flt");
    fl_progress_clear(&p);
    fl_progress_start(&p, "x", "B", 5000);
    p.from = 2000;
    age(&p, 3600);
    fl_progress_show(&p, 2000, "%s", "nothing done yet");
    fl_progress_end(&p, 5000, NULL);
    CHECK_TEXT(end(fd),
               "train: 100 tokens of 1000 tokens, 10 tokens/s, 1 min 30 s left, loss 3.14\n"
               "train: 1000 tokens of 1000 tokens, 100 tokens/s, 10 s, loss 2.00\n"
               "reading: 3.0 MB, 1.5 MB/s, a\\nb\\x1b.flt\n"
               "x: 2.0 kB of 4.9 kB, nothing done yet\n"
               "x: 4.9 kB of 4.9 kB, 1 B/s, 1 h 0 min\n");
}

/* A part of something that is shown is not shown beside it. */
static void
test_within(void)
{
    struct fl_progress outer, inner, none = {0};
    int fd = begin(1, 0);

    fl_progress_start(&outer, "outer", "B", 0);
    fl_progress_start(&inner, "inner", "B", 0);
    age(&outer, 2);
    age(&inner, 2);
    fl_progress_show(&inner, 4506, "%s", "");
    fl_progress_show(&outer, 4506, "%s", "");
    fl_progress_clear(&inner);
    fl_progress_end(&outer, 9012, NULL);
    fl_progress_start(&inner, "inner", "B", 0);
    age(&inner, 2);
    fl_progress_end(&inner, 18024, NULL);
    fl_progress_show(&none, 1, "%s", "");
    fl_progress_end(&none, 1, NULL);
    CHECK_TEXT(end(fd), "outer: 4.4 kB, 2.2 kB/s\nouter: 8.8 kB, 4.4 kB/s, 2.0 s\n"
                        "inner: 18 kB, 8.8 kB/s, 2.0 s\n");
}

static void
test_modes(void)
{
    struct fl_progress p;

    for (int mode = -1; mode <= 1; mode++)
        for (unsigned short columns = 0; columns <= 80; columns = (unsigned short)(columns + 80)) {
            int fd = begin(mode, columns);
            fl_progress_start(&p, "x", "B", 0);
            fl_progress_end(&p, 0, NULL);
            const char *text = end(fd);
            CHECK(!*text == (mode < 0 || (mode == 0 && !columns)));
        }
}

/* On a terminal a line takes the place of the one before, and is never wrapped. */
static void
test_terminal(void)
{
    struct fl_progress p;
    int fd = begin(0, 30);

    fl_progress_start(&p, "reading", "B", 0);
    age(&p, 1);
    fl_progress_show(&p, 4506, "%s", "a.flt");
    age(&p, 1);
    fl_progress_show(&p, 4506, "%s", "12345\xc3\xa9.flt");
    fl_say("fl-x: an error\n");
    fl_progress_clear(&p);
    fl_say("no line to take away\n");
    CHECK_TEXT(end(fd), "\r\033[Kreading: 4.4 kB, 4.4 kB/s, a."
                        "\r\033[Kreading: 4.4 kB, 2.2 kB/s, 12"
                        "\r\033[Kfl-x: an error\r\nno line to take away\r\n");
    fd = begin(0, 32);
    fl_progress_start(&p, "reading", "B", 0);
    age(&p, 2);
    fl_progress_show(&p, 4506, "%s", "1234\xc3\xa9.flt");
    fl_progress_end(&p, 4506, NULL);
    CHECK_TEXT(end(fd), "\r\033[Kreading: 4.4 kB, 2.2 kB/s, 1234"
                        "\r\033[Kreading: 4.4 kB, 2.2 kB/s, 2.0 s\r\n");
}

int
main(void)
{
    RUN(test_durations);
    RUN(test_lines);
    RUN(test_within);
    RUN(test_modes);
    RUN(test_terminal);
    return test_end();
}
