/*
 * Progress on standard error. On a terminal one line is written over and over, no longer than the
 * terminal is wide, since a wrapped line cannot be taken back; elsewhere it is a line a second.
 */
#include "os/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/visible.h"
#include "os/clock.h"
#include "os/file.h"

/* The fourth exception to "no globals": there is one standard error. */
static struct {
    int mode;
    bool terminal;
    const struct fl_progress
        *owner; /* of the line: the outermost that is going on; it may be gone */
    bool seen;  /* the line is there */
} line = {.mode = -1};

void
fl_progress_mode(int mode)
{
    line.mode = mode;
    line.terminal = isatty(2);
}

void
fl_progress_start(struct fl_progress *p, const char *what, const char *unit, uint64_t total)
{
    *p = (struct fl_progress){.what = what, .unit = unit, .total = total};
    p->on = (line.mode > 0 || (line.mode == 0 && line.terminal)) &&
            (!line.owner || line.owner == p);
    if (p->on)
        line.owner = p;
    p->start = p->shown = fl_seconds();
}

const char *
fl_duration(char *text, size_t size, double seconds)
{
    unsigned long long s = (unsigned long long)(seconds < 1e15 ? seconds + 0.5 : 1e15),
                       m = (s + 30) / 60, h = m / 60;

    if (seconds < 9.95 && seconds != floor(seconds))
        snprintf(text, size, "%.1f s", seconds);
    else if (s < 60)
        snprintf(text, size, "%llu s", s);
    else if (s < 3600)
        snprintf(text, size, "%llu min %llu s", s / 60, s % 60);
    else if (h < 48)
        snprintf(text, size, "%llu h %llu min", h, m % 60);
    else
        snprintf(text, size, "%llu d %llu h", (h + (m % 60 >= 30)) / 24, (h + (m % 60 >= 30)) % 24);
    return text;
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

/* TEXT as a line; names of files may hold anything. On a terminal END is that of the last one. */
static void
put_line(const char *text, const char *end)
{
    struct winsize size;
    struct fl_buf shown = {0}, out = {0};
    int bad = fl_buf_add_visible(&shown, text, strlen(text), FL_VISIBLE_LINE);
    const char *s = bad ? "" : fl_buf_text(&shown);
    size_t n = strlen(s);

    if (!line.terminal) {
        bad = bad || fl_buf_printf(&out, "%s\n", s);
    } else {
        size_t most = ioctl(2, TIOCGWINSZ, &size) || size.ws_col < 20 ? 79 : size.ws_col - 1u;
        if (n > most && !*end)
            for (n = most; n && (s[n] & 0xC0) == 0x80;) /* not within a character */
                n--;
        bad = bad || fl_buf_printf(&out, FL_PROGRESS_CLEAR "%.*s%s", (int)n, s, end);
    }
    if (!bad)
        fl_write_quietly(2, out.data, out.len);
    fl_buf_release(&shown);
    fl_buf_release(&out);
}

static void
show(struct fl_progress *p, uint64_t done, const char *note, bool last)
{
    char text[450], count[40], total[40] = "", rate[40], left[60] = "", time[40];
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
    const char *per = done > p->from && seconds >= 0.1 ? "/s" : "";
    if (last)
        snprintf(left, sizeof left, ", %s", fl_duration(time, sizeof time, seconds));
    else if (p->total > done && speed > 0)
        snprintf(left, sizeof left, ", %s left",
                 fl_duration(time, sizeof time, ceil((double)(p->total - done) / speed)));
    snprintf(text, sizeof text, "%s: %s%s%s%s%s%s%s%s", p->what, count, total, *per ? ", " : "",
             *per ? rate : "", per, left, *note ? ", " : "", note);
    line.seen = !last;
    put_line(text, last ? "\n" : "");
}

void
fl_progress_show(struct fl_progress *p, uint64_t done, const char *format, ...)
{
    char note[200];
    va_list ap;

    if (!p->on)
        return;
    line.owner = p;
    double now = fl_seconds();
    if (now - p->shown < (line.terminal ? 0.2 : 1.0))
        return;
    p->shown = now;
    va_start(ap, format);
    vsnprintf(note, sizeof note, format, ap);
    va_end(ap);
    show(p, done, note, false);
}

void
fl_progress_lend(struct fl_progress *p)
{
    if (p->on)
        line.owner = NULL;
}

void
fl_progress_end(struct fl_progress *p, uint64_t done, const char *note)
{
    if (!p->on)
        return;
    show(p, done, note ? note : "", true);
    p->on = false;
    line.owner = NULL;
}

void
fl_progress_clear(struct fl_progress *p)
{
    if (!p->on)
        return;
    fl_say("");
    p->on = false;
    line.owner = NULL;
}

void
fl_say(const char *text)
{
    if (line.terminal && line.seen)
        fl_write_quietly(2, FL_PROGRESS_CLEAR, sizeof FL_PROGRESS_CLEAR - 1);
    line.seen = false;
    fl_write_quietly(2, text, strlen(text));
}
