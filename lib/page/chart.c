/*
 * Charts: a frame, ticks at 1, 2 or 5 times a power of ten, and series told apart by colour, dash
 * and mark, so that they differ on paper without colours too.
 */
#include "page/chart.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "page/html.h"

enum { WIDTH = 520, HEIGHT = 290, LEFT = 70, RIGHT = 16, TOP = 10, BOTTOM = 46, KEY = 20 };
enum { COLOURS = 8, DIGITS = 6, BAR = 22, NAMES = 150, VALUES = 80 };

struct axis {
    double from, to;
    double first, step; /* ticks are at FIRST and each STEP after it, up to TO */
};

void
fl_chart_release(struct fl_chart *c)
{
    for (size_t s = 0; s < c->count; s++) {
        free(c->series[s].name);
        free(c->series[s].points);
    }
    free(c->series);
    *c = (struct fl_chart){0};
}

static struct fl_series *
series_of(struct fl_chart *c, const char *name)
{
    for (size_t s = 0; s < c->count; s++)
        if (!strcmp(c->series[s].name, name))
            return &c->series[s];
    struct fl_series *grown = fl_grow(c->series, c->count, &c->cap, sizeof *grown);
    if (!grown)
        return NULL;
    c->series = grown;
    grown[c->count] = (struct fl_series){.name = fl_strdup(name)};
    return grown[c->count].name ? &grown[c->count++] : NULL;
}

int
fl_chart_add(struct fl_chart *c, const char *name, double x, double y)
{
    if (!isfinite(x) || !isfinite(y))
        return 0;
    struct fl_series *s = series_of(c, name);
    struct fl_point *grown = s ? fl_grow(s->points, s->count, &s->cap, sizeof *grown) : NULL;

    if (!grown)
        return -1;
    s->points = grown;
    grown[s->count++] = (struct fl_point){x, y};
    return 0;
}

int
fl_chart_sum(struct fl_chart *c, const char *name, double value)
{
    struct fl_series *s = series_of(c, name);

    if (!s)
        return -1;
    if (!s->count)
        return fl_chart_add(c, name, 0, value);
    s->points[s->count - 1].y += value;
    return 0;
}

static size_t
points_of(const struct fl_chart *c)
{
    size_t n = 0;

    for (size_t s = 0; s < c->count; s++)
        n += c->series[s].count;
    return n;
}

static int
by_place(const void *a, const void *b)
{
    const struct fl_point *p = a, *q = b;

    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

int
fl_chart_fold(struct fl_chart *c, size_t most)
{
    struct fl_chart folded = *c;
    struct fl_point *all = NULL;
    size_t n = points_of(c), k = 0;
    int failed = 0;

    if (c->count <= most)
        return 0;
    folded.series = NULL;
    folded.count = folded.cap = 0;
    if (!(all = fl_alloc(n, sizeof *all)))
        return -1;
    for (size_t s = 0; s < c->count; s++)
        for (size_t i = 0; i < c->series[s].count; i++)
            all[k++] = c->series[s].points[i];
    qsort(all, n, sizeof *all, by_place);
    for (size_t i = 0, end; !failed && i < n; i = end) {
        for (end = i + 1; end < n && !(all[end].x > all[i].x);)
            end++;
        failed = fl_chart_add(&folded, "greatest", all[i].x, all[end - 1].y) ||
                 fl_chart_add(&folded, "median", all[i].x, all[i + (end - i) / 2].y) ||
                 fl_chart_add(&folded, "least", all[i].x, all[i].y);
    }
    free(all);
    fl_chart_release(failed ? &folded : c);
    if (!failed)
        *c = folded;
    return failed ? -1 : 0;
}

/* An axis from LEAST to MOST with about five ticks; a FULL one begins and ends with a tick. */
static struct axis
axis_of(double least, double most, bool full)
{
    if (!(most - least > DBL_MIN * 10)) { /* a fifth of which would be no normal number */
        double room = fabs(most) > DBL_MIN * 10 ? fabs(most) / 2 : 1;
        least -= room;
        most += room;
    }
    double power = pow(10, floor(log10((most - least) / 5))), part = (most - least) / 5 / power;
    double step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
    if (full) {
        least = floor(least / step) * step;
        most = ceil(most / step) * step;
    }
    return (struct axis){least, most, ceil(least / step) * step, step};
}

/* The values of ticks without -0 and the noise of their sum. */
static double
tick_of(const struct axis *a, int i)
{
    double v = a->first + i * a->step;

    return fabs(v) < a->step / 2 ? 0 : v;
}

static int
ticks_of(const struct axis *a)
{
    return (int)floor((a->to - a->first) / a->step + 1e-6) + 1;
}

static void
axes_of(const struct fl_chart *c, struct axis *x, struct axis *y)
{
    struct fl_point least = {INFINITY, INFINITY}, most = {-INFINITY, -INFINITY};
    bool whole = true;

    for (size_t s = 0; s < c->count; s++)
        for (size_t i = 0; i < c->series[s].count; i++) {
            const struct fl_point *p = &c->series[s].points[i];
            least = (struct fl_point){fmin(least.x, p->x), fmin(least.y, p->y)};
            most = (struct fl_point){fmax(most.x, p->x), fmax(most.y, p->y)};
            whole = whole && p->x == floor(p->x);
        }
    *x = axis_of(least.x, most.x, false);
    if (whole && x->step < 1) { /* no round is 1.5 */
        x->step = 1;
        x->first = ceil(x->from);
    }
    *y = axis_of(c->from_zero ? fmin(least.y, 0) : least.y, most.y, true);
}

static double
place_x(const struct axis *a, double v)
{
    return LEFT + (v - a->from) / (a->to - a->from) * (WIDTH - LEFT - RIGHT);
}

static double
place_y(const struct axis *a, double v)
{
    return HEIGHT - BOTTOM - (v - a->from) / (a->to - a->from) * (HEIGHT - BOTTOM - TOP);
}

/* A picture up to its first shape: what it shows, for readers aloud too. ATTRIBUTES and MORE differ
 * by where it stands. */
static int
begin_picture(const struct fl_chart *c, int height, const char *attributes, const char *more,
              struct fl_buf *out)
{
    return fl_buf_printf(out, "<svg%s viewBox=\"0 0 %d %d\" role=\"img\"><title>", attributes,
                         WIDTH, height) ||
                   fl_html_text(out, c->title) || fl_buf_add_text(out, "</title><desc>") ||
                   fl_html_text(out, c->y) || fl_buf_add_text(out, " by ") ||
                   fl_html_text(out, c->x) ||
                   fl_buf_printf(out, "; %zu values of %zu series%s</desc>\n", points_of(c),
                                 c->count, more)
               ? -1
               : 0;
}

/* The figure of a page up to its first shape. */
static int
begin(const struct fl_chart *c, int height, struct fl_buf *out)
{
    return fl_buf_add_text(out, "<figure><figcaption>") || fl_html_text(out, c->title) ||
                   fl_buf_add_text(out, "</figcaption>\n") ||
                   begin_picture(c, height, "", ", in the table below", out)
               ? -1
               : 0;
}

/* End the figure with the table of its numbers; bars have no x of their own. */
static int
end(const struct fl_chart *c, bool bars, struct fl_buf *out)
{
    const char *const lines[] = {"series", c->x, c->y, NULL}, *const values[] = {c->x, c->y, NULL};
    int failed = fl_buf_add_text(out, "</svg>\n<details><summary>The numbers</summary>\n") ||
                 fl_html_table(out, c->title, bars ? values : lines);

    for (size_t s = 0; s < c->count; s++)
        for (size_t i = 0; !failed && i < c->series[s].count; i++) {
            const struct fl_point *p = &c->series[s].points[i];
            failed = fl_html_row(out) || fl_html_cell(out, c->series[s].name) ||
                     (!bars && fl_html_cell_number(out, p->x, 12)) ||
                     fl_html_cell_number(out, p->y, 12);
        }
    return failed || fl_html_table_end(out) || fl_buf_add_text(out, "</details></figure>\n") ? -1
                                                                                             : 0;
}

static int
tick(struct fl_buf *out, double x, double y, const char *anchor, double value)
{
    return fl_buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%.*g</text>", x, y,
                         anchor, DIGITS, value);
}

static int
frame(const struct fl_chart *c, const struct axis *x, const struct axis *y, struct fl_buf *out)
{
    int failed = 0;

    for (int i = 0; !failed && i < ticks_of(x); i++)
        failed = tick(out, place_x(x, tick_of(x, i)), HEIGHT - BOTTOM + 17, "middle",
                      tick_of(x, i));
    for (int i = 0; !failed && i < ticks_of(y); i++) {
        double at = place_y(y, tick_of(y, i));
        failed = fl_buf_printf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, at,
                               WIDTH - RIGHT) ||
                 tick(out, LEFT - 6, at + 4, "end", tick_of(y, i));
    }
    failed = failed ||
             fl_buf_printf(out,
                           "\n<path class=\"axis\" d=\"M%d %dV%dH%d\"/><text x=\"%d\" y=\"%d\" "
                           "text-anchor=\"middle\">",
                           LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT, (LEFT + WIDTH - RIGHT) / 2,
                           HEIGHT - 11) ||
             fl_html_text(out, c->x) ||
             fl_buf_printf(out,
                           "</text><text transform=\"translate(12 %d) rotate(-90)\" "
                           "text-anchor=\"middle\">",
                           (HEIGHT - BOTTOM + TOP) / 2) ||
             fl_html_text(out, c->y);
    return failed || fl_buf_add_text(out, "</text>\n") ? -1 : 0;
}

/* The mark of series S around a point: another one for each series of a colour. */
static int
mark(struct fl_buf *out, size_t s, double x, double y)
{
    static const char *const marks[] = {"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
                                        "m-3.2 -3.2h6.4v6.4h-6.4z", "m0 -4.2l4 7h-8z",
                                        "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z"};

    return fl_buf_printf(out, "M%.1f %.1f%s", x, y, marks[(s + s / COLOURS) % 4]);
}

static int
draw_series(const struct fl_chart *c, size_t s, const struct axis *x, const struct axis *y,
            struct fl_buf *out)
{
    static const char *const dashes[] = {"none", "6 3", "2 3", "8 3 2 3"};
    const struct fl_series *line = &c->series[s];
    int failed = fl_buf_printf(out,
                               "<path class=\"line\" style=\"stroke:var(--c%zu)\" "
                               "stroke-dasharray=\"%s\" d=\"",
                               s % COLOURS, dashes[s / COLOURS % 4]);

    for (size_t i = 0; !failed && i < line->count; i++)
        failed = fl_buf_printf(out, "%s%.1f %.1f", i ? "L" : "M", place_x(x, line->points[i].x),
                               place_y(y, line->points[i].y));
    failed = failed || fl_buf_printf(out, "\"/><path style=\"fill:var(--c%zu)\" d=\"", s % COLOURS);
    for (size_t i = 0; !failed && line->count <= 200 && i < line->count; i++)
        failed = mark(out, s, place_x(x, line->points[i].x), place_y(y, line->points[i].y));
    return failed || fl_buf_add_text(out, "\"/>\n") ? -1 : 0;
}

/* Which mark is which series, below the chart, three in a line. */
static int
draw_key(const struct fl_chart *c, struct fl_buf *out)
{
    int failed = 0;

    for (size_t s = 0; !failed && s < c->count; s++) {
        const size_t column = s % 3, row = s / 3;
        double x = LEFT + (double)column * 150, y = HEIGHT + 4 + (double)row * KEY;
        char name[17];
        size_t n = strnlen(c->series[s].name, sizeof name);
        while (n == sizeof name || (n && (c->series[s].name[n] & 0xC0) == 0x80))
            n--;
        memcpy(name, c->series[s].name, n);
        name[n] = '\0';
        failed = fl_buf_printf(out, "<path style=\"fill:var(--c%zu)\" d=\"", s % COLOURS) ||
                 mark(out, s, x, y) ||
                 fl_buf_printf(out, "\"/><text x=\"%.1f\" y=\"%.1f\">", x + 10, y + 4) ||
                 fl_html_text(out, name) ||
                 fl_buf_add_text(out, c->series[s].name[n] ? "...</text>\n" : "</text>\n");
    }
    return failed ? -1 : 0;
}

/* Height of a chart of lines with its key. */
static int
lines_height(const struct fl_chart *c)
{
    return HEIGHT + (int)((c->count + 2) / 3) * KEY;
}

/* All shapes of a chart of lines. */
static int
draw_lines(const struct fl_chart *c, struct fl_buf *out)
{
    struct axis x, y;

    axes_of(c, &x, &y);
    int failed = frame(c, &x, &y, out);
    for (size_t s = 0; !failed && s < c->count; s++)
        failed = draw_series(c, s, &x, &y, out);
    return failed || draw_key(c, out) ? -1 : 0;
}

int
fl_chart_lines(const struct fl_chart *c, struct fl_buf *out)
{
    if (!c->count)
        return 0;
    return begin(c, lines_height(c), out) || draw_lines(c, out) || end(c, false, out) ? -1 : 0;
}

int
fl_chart_svg(const struct fl_chart *c, struct fl_buf *out)
{
    return begin_picture(c, lines_height(c), " xmlns=\"http://www.w3.org/2000/svg\"", "", out) ||
                   fl_buf_add_text(out, "<style>") || fl_html_picture_style(out) ||
                   fl_buf_printf(out,
                                 "</style>\n<rect width=\"%d\" height=\"%d\" "
                                 "style=\"fill:var(--back)\"/>\n",
                                 WIDTH, lines_height(c)) ||
                   draw_lines(c, out) || fl_buf_add_text(out, "</svg>\n")
               ? -1
               : 0;
}

int
fl_chart_bars(const struct fl_chart *c, struct fl_buf *out)
{
    double most = 0;

    if (!c->count)
        return 0;
    for (size_t s = 0; s < c->count; s++)
        most = fmax(most, c->series[s].points[c->series[s].count - 1].y);
    int failed = begin(c, (int)c->count * BAR + 4, out);
    for (size_t s = 0; !failed && s < c->count; s++) {
        double v = c->series[s].points[c->series[s].count - 1].y;
        double width = most > 0 ? v / most * (WIDTH - NAMES - VALUES) : 0;
        failed = fl_buf_printf(out, "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">", NAMES - 6,
                               s * BAR + 15) ||
                 fl_html_text(out, c->series[s].name) ||
                 fl_buf_printf(out,
                               "</text><rect x=\"%d\" y=\"%zu\" width=\"%.1f\" height=\"%d\" "
                               "style=\"fill:var(--c0)\"/><text x=\"%.1f\" y=\"%zu\">%.*g</text>\n",
                               NAMES, s * BAR + 3, width, BAR - 6, NAMES + width + 5, s * BAR + 15,
                               DIGITS, v);
    }
    return failed || end(c, true, out) ? -1 : 0;
}
