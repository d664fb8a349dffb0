/*
 * Lines of journals are sorted by time, read once, and told: a round begins with "open", an
 * upload of PARTY is there with "taken" (or too late, or bad; PARTY and kind are in the detail),
 * what a program took is in the line of its event. What is missing in a line is left out of the
 * chart that needs it.
 */
#include "page/journal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "page/html.h"

enum { CROWD = 12, FAULTS = 50 };

struct fl_journal_line {
    double time, round, seconds, bytes, value; /* NaN: not known */
    const char *when, *party, *event, *detail;
    size_t order;
};

struct fl_uploads { /* of one party, over all rounds */
    char *party;
    size_t taken, late, bad;
};

struct story {
    struct fl_chart *loss, arrival, bytes, rate, seconds;
    struct fl_chart waits; /* the arrivals again: a table sorts them */
    double *opened;        /* pairs of round and time, each round once, in the order of time */
    size_t opened_count, opened_cap;
    struct fl_uploads *parties;
    size_t party_count, party_cap, sums;
    double arrived, last_loss;
};

static const char *const columns[] = {"time",    "party", "round", "event",
                                      "seconds", "bytes", "value", "detail"};

bool
fl_journal_is(const struct fl_sheet *s)
{
    if (s->columns != sizeof columns / sizeof *columns)
        return false;
    for (size_t c = 0; c < s->columns; c++)
        if (strcmp(s->cells[c], columns[c]) != 0)
            return false;
    return true;
}

static double
number(const struct fl_sheet *s, size_t row, int column)
{
    double v;

    return fl_sheet_number(fl_sheet_cell(s, row, column), &v) ? v : NAN;
}

int
fl_journal_add(struct fl_journal *j, const struct fl_sheet *s)
{
    for (size_t row = 0; row < s->rows; row++) {
        struct fl_journal_line *grown = fl_grow(j->lines, j->count, &j->cap, sizeof *grown);
        double time;
        if (!grown)
            return -1;
        j->lines = grown;
        if (!fl_sheet_time(fl_sheet_cell(s, row, 0), &time))
            return fl_error(FL_FAILED,
                            "%s: line %zu begins with no time; give a journal of fl-round", s->name,
                            row + 2);
        grown[j->count] = (struct fl_journal_line){
            .time = time,
            .round = number(s, row, 2),
            .seconds = number(s, row, 4),
            .bytes = number(s, row, 5),
            .value = number(s, row, 6),
            .when = fl_sheet_cell(s, row, 0),
            .party = fl_sheet_cell(s, row, 1),
            .event = fl_sheet_cell(s, row, 3),
            .detail = fl_sheet_cell(s, row, 7),
            .order = j->count,
        };
        j->count++;
    }
    return 0;
}

void
fl_journal_release(struct fl_journal *j)
{
    free(j->lines);
    *j = (struct fl_journal){0};
}

static int
by_time(const void *a, const void *b)
{
    const struct fl_journal_line *p = a, *q = b;

    if (p->time < q->time || p->time > q->time)
        return p->time < q->time ? -1 : 1;
    return p->order < q->order ? -1 : 1;
}

/* When ROUND was opened first, or NaN; looked for from the last, of which most lines tell. */
static double
opened(const struct story *s, double round)
{
    for (size_t i = s->opened_count; i > 0; i--)
        if (s->opened[2 * i - 2] >= round && s->opened[2 * i - 2] <= round)
            return s->opened[2 * i - 1];
    return NAN;
}

static int
open_round(struct story *s, const struct fl_journal_line *l)
{
    if (isnan(l->round) || !isnan(opened(s, l->round)))
        return 0;
    double *grown = fl_grow(s->opened, s->opened_count, &s->opened_cap, 2 * sizeof *grown);
    if (!grown)
        return -1;
    s->opened = grown;
    grown[2 * s->opened_count] = l->round;
    grown[2 * s->opened_count++ + 1] = l->time;
    return 0;
}

static struct fl_uploads *
party_of(struct story *s, const char *name)
{
    for (size_t i = 0; i < s->party_count; i++)
        if (!strcmp(s->parties[i].party, name))
            return &s->parties[i];
    struct fl_uploads *grown = fl_grow(s->parties, s->party_count, &s->party_cap, sizeof *grown);
    if (!grown)
        return NULL;
    s->parties = grown;
    grown[s->party_count] = (struct fl_uploads){.party = fl_strdup(name)};
    return grown[s->party_count].party ? &grown[s->party_count++] : NULL;
}

/* An upload came: "PARTY up ..." in the detail. Answers and other kinds are not waited for here. */
static int
arrive(struct story *s, const struct fl_journal_line *l)
{
    const char *kind = strchr(l->detail, ' ');
    char name[64];

    if (!kind || strncmp(kind, " up", 3) != 0 || (size_t)(kind - l->detail) >= sizeof name)
        return 0;
    memcpy(name, l->detail, (size_t)(kind - l->detail));
    name[kind - l->detail] = '\0';
    struct fl_uploads *p = party_of(s, name);
    if (!p)
        return -1;
    p->late += !strcmp(l->event, "late");
    p->bad += !strcmp(l->event, "bad");
    if (strcmp(l->event, "taken") != 0)
        return 0;
    p->taken++;
    double wait = l->time - opened(s, l->round);
    if (!isnan(wait) && (fl_chart_add(&s->arrival, name, l->round, wait) ||
                         fl_chart_add(&s->waits, name, l->round, wait)))
        return -1;
    if (isnan(l->bytes))
        return 0;
    s->arrived += l->bytes;
    return isnan(l->round) ? 0 : fl_chart_add(&s->bytes, name, l->round, l->bytes / 1e6);
}

/* What a program took, and how fast a file went. */
static int
spend(struct story *s, const struct fl_journal_line *l)
{
    char name[128];

    if (!(l->seconds >= 0))
        return 0;
    snprintf(name, sizeof name, "%s %s", l->party, l->event);
    if (fl_chart_sum(&s->seconds, name, l->seconds))
        return -1;
    bool moved = !strcmp(l->event, "send") || !strcmp(l->event, "fetch");
    if (!moved || !(l->seconds > 0) || !(l->bytes > 0) || isnan(l->round))
        return 0;
    return fl_chart_add(&s->rate, name, l->round, l->bytes * 8e-6 / l->seconds);
}

static int
tell_line(struct story *s, const struct fl_journal_line *l)
{
    static const char *const arrivals[] = {"taken", "late", "bad"};

    if (!strcmp(l->event, "open") && open_round(s, l))
        return -1;
    s->sums += !strcmp(l->event, "sum");
    for (size_t i = 0; i < sizeof arrivals / sizeof *arrivals; i++)
        if (!strcmp(l->event, arrivals[i]) && arrive(s, l))
            return -1;
    if (!strcmp(l->event, "valid") && !isnan(l->value) && !isnan(l->round)) {
        s->last_loss = l->value;
        if (fl_chart_add(s->loss, l->party, l->round, l->value))
            return -1;
    }
    return spend(s, l);
}

static int
write_summary(const struct fl_journal *j, const struct story *s, struct fl_buf *out)
{
    int failed = fl_buf_add_text(out, "<p>From ") || fl_html_text(out, j->lines[0].when) ||
                 fl_buf_add_text(out, " to ") || fl_html_text(out, j->lines[j->count - 1].when) ||
                 fl_buf_printf(out, ": %zu rounds opened, %zu summed; %.6g MB of uploads arrived",
                               s->opened_count, s->sums, s->arrived / 1e6) ||
                 (!isnan(s->last_loss) &&
                  fl_buf_printf(out, "; the last validation loss is %.6g", s->last_loss));

    return failed || fl_buf_add_text(out, ".</p>\n") ? -1 : 0;
}

static int
by_y(const void *a, const void *b)
{
    const struct fl_point *p = a, *q = b;

    return (p->y > q->y) - (p->y < q->y);
}

static struct fl_series *
waits_of(const struct story *s, const char *party)
{
    for (size_t i = 0; i < s->waits.count; i++)
        if (!strcmp(s->waits.series[i].name, party))
            return &s->waits.series[i];
    return NULL;
}

static int
write_wait(const struct fl_series *waits, size_t i, struct fl_buf *out)
{
    return waits ? fl_html_cell_number(out, waits->points[i].y, 12) : fl_html_cell(out, "-");
}

/* Who was late: a row a party. */
static int
write_lateness(struct story *s, struct fl_buf *out)
{
    static const char *const names[] =
        {"party", "taken", "late", "bad", "missing", "median seconds", "greatest seconds", NULL};
    int failed = 0;

    if (!s->party_count)
        return 0;
    failed = fl_buf_add_text(out, "<h2>Who was late</h2>\n") ||
             fl_html_table(out, "Uploads of each party, and their time after the opening", names);
    for (size_t i = 0; !failed && i < s->party_count; i++) {
        const struct fl_uploads *p = &s->parties[i];
        struct fl_series *w = waits_of(s, p->party);
        size_t missing = s->opened_count > p->taken ? s->opened_count - p->taken : 0;
        if (w)
            qsort(w->points, w->count, sizeof *w->points, by_y);
        failed = fl_html_row(out) || fl_html_cell(out, p->party) ||
                 fl_html_cell_number(out, (double)p->taken, 12) ||
                 fl_html_cell_number(out, (double)p->late, 12) ||
                 fl_html_cell_number(out, (double)p->bad, 12) ||
                 fl_html_cell_number(out, (double)missing, 12) ||
                 write_wait(w, w ? w->count / 2 : 0, out) ||
                 write_wait(w, w ? w->count - 1 : 0, out);
    }
    return failed || fl_html_table_end(out) ? -1 : 0;
}

static bool
is_fault(const char *event)
{
    size_t n = strlen(event);

    return (n > 7 && !strcmp(event + n - 7, "-failed")) || !strcmp(event, "damaged") ||
           !strcmp(event, "bad") || !strcmp(event, "fork") || !strcmp(event, "skew");
}

static int
write_faults(const struct fl_journal *j, struct fl_buf *out)
{
    static const char *const names[] = {"time", "party", "event", "what", NULL};
    size_t n = 0, seen = 0;
    int failed = 0;

    for (size_t i = 0; i < j->count; i++)
        n += is_fault(j->lines[i].event);
    if (!n)
        return 0;
    failed = fl_buf_printf(out, "<h2>Faults</h2>\n<p>%zu in all; the last are below.</p>\n", n) ||
             fl_html_table(out, "What failed", names);
    for (size_t i = 0; !failed && i < j->count; i++) {
        const struct fl_journal_line *l = &j->lines[i];
        if (!is_fault(l->event) || seen++ + FAULTS < n)
            continue;
        failed = fl_html_row(out) || fl_html_cell(out, l->when) || fl_html_cell(out, l->party) ||
                 fl_html_cell(out, l->event) || fl_html_cell(out, l->detail);
    }
    return failed || fl_html_table_end(out) ? -1 : 0;
}

static int
write_all(const struct fl_journal *j, struct story *s, struct fl_buf *out)
{
    struct fl_chart *const folded[] = {&s->arrival, &s->bytes, &s->rate};
    int failed = write_summary(j, s, out) || fl_chart_lines(s->loss, out);

    for (size_t i = 0; !failed && i < sizeof folded / sizeof *folded; i++)
        failed = fl_chart_fold(folded[i], CROWD) || fl_chart_lines(folded[i], out);
    return failed || fl_chart_bars(&s->seconds, out) || write_lateness(s, out) ||
                   write_faults(j, out)
               ? -1
               : 0;
}

int
fl_journal_write(struct fl_journal *j, struct fl_chart *loss, struct fl_buf *out)
{
    struct story s = {
        .loss = loss,
        .arrival = {.title = "Arrivals",
                    .x = "round",
                    .y = "seconds after the opening",
                    .from_zero = true},
        .bytes = {.title = "Bytes of uploads", .x = "round", .y = "MB", .from_zero = true},
        .rate = {.title = "Speed of transfers", .x = "round", .y = "Mbit/s", .from_zero = true},
        .seconds = {.title = "Seconds by program", .x = "party and step", .y = "seconds"},
        .last_loss = NAN,
    };
    int failed = 0;

    if (!j->count)
        return fl_chart_lines(loss, out);
    qsort(j->lines, j->count, sizeof *j->lines, by_time);
    for (size_t i = 0; !failed && i < j->count; i++)
        failed = tell_line(&s, &j->lines[i]);
    failed = failed || write_all(j, &s, out);
    for (size_t i = 0; i < s.party_count; i++)
        free(s.parties[i].party);
    free(s.parties);
    free(s.opened);
    fl_chart_release(&s.arrival);
    fl_chart_release(&s.waits);
    fl_chart_release(&s.bytes);
    fl_chart_release(&s.rate);
    fl_chart_release(&s.seconds);
    return failed ? -1 : 0;
}
