/* On a terminal one line is written over and over; elsewhere it is a line a second. */
#include "os/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/visible.h"
#include "os/clock.h"

void
fl_progress_start(struct fl_progress *p, int mode, const char *what, const char *unit,
                  uint64_t total)
{
    *p = (struct fl_progress){.what = what, .unit = unit, .total = total};
    p->terminal = isatty(2);
    p->on = mode > 0 || (mode == 0 && p->terminal);
    p->start = p->shown = fl_seconds();
}

/* A count with its unit, in at most 4 digits for bytes. */
static void
put_count(char *text, size_t size, double n, const char *unit)
{
    static const char *const prefix[] = {"", "k", "M", "G", "T", "P"};
    int i = 0;

    if (strcmp(unit, "B")) {
        snprintf(text, size, "%.0f %s", n, unit);
        return;
    }
    while (n >= 1024 && i < 5) {
        n /= 1024;
        i++;
    }
    snprintf(text, size, n < 10 && i ? "%.1f %sB" : "%.0f %sB", n, prefix[i]);
}

/* The names of files in LINE are not to act on the terminal. */
static void
print(const struct fl_progress *p, const char *line, bool last)
{
    struct fl_buf shown = {0};

    if (!fl_buf_add_visible(&shown, line, strlen(line), FL_VISIBLE_LINE)) {
        if (p->terminal)
            fprintf(stderr, "\r%s\033[K%s", fl_buf_text(&shown), last ? "\n" : "");
        else
            fprintf(stderr, "%s\n", fl_buf_text(&shown));
        fflush(stderr);
    }
    fl_buf_release(&shown);
}

static void
show(struct fl_progress *p, uint64_t done, const char *note, bool last)
{
    char line[400], count[40], total[40] = "", rate[40], left[40] = "";
    double seconds = fl_seconds() - p->start;
    double speed = seconds > 0 ? (double)(done - p->from) / seconds : 0;

    put_count(count, sizeof count, (double)done, p->unit);
    if (p->total) {
        char n[36];
        put_count(n, sizeof n, (double)p->total, p->unit);
        snprintf(total, sizeof total, " of %s", n);
    }
    if (speed >= 10 || !strcmp(p->unit, "B"))
        put_count(rate, sizeof rate, speed, p->unit);
    else
        snprintf(rate, sizeof rate, "%.2f %s", speed, p->unit);
    if (last)
        snprintf(left, sizeof left, ", %.1f s", seconds);
    else if (p->total > done && speed > 0)
        snprintf(left, sizeof left, ", %.0f s left", (double)(p->total - done) / speed);
    snprintf(line, sizeof line, "%s: %s%s, %s/s%s%s%s", p->what, count, total, rate, left,
             *note ? ", " : "", note);
    print(p, line, last);
}

void
fl_progress_show(struct fl_progress *p, uint64_t done, const char *format, ...)
{
    char note[200];
    va_list ap;

    if (!p->on)
        return;
    double now = fl_seconds();
    if (now - p->shown < (p->terminal ? 0.2 : 1.0))
        return;
    p->shown = now;
    va_start(ap, format);
    vsnprintf(note, sizeof note, format, ap);
    va_end(ap);
    show(p, done, note, false);
}

void
fl_progress_end(struct fl_progress *p, uint64_t done)
{
    if (p->on)
        show(p, done, "", true);
    p->on = false;
}
