/* The roster's text is changed line by line, so that what people wrote around it stays theirs. */
#include "fed/overrule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "fed/arrival.h"
#include "fed/overlap.h"
#include "os/file.h"
#include "os/output.h"
#include "sec/header.h"

/* Only the hub's file has a folder of rounds that others see. */
static int
check_hub(const struct fl_standing *s)
{
    return s->setup.conf.root
               ? 0
               : fl_error(FL_USAGE, "the hub decides this; give its file, which has root:");
}

static int
write_line(const char *path, const char *line)
{
    struct fl_buf text = {0};
    int failed = fl_buf_printf(&text, "%s\n", line) ||
                 fl_output_write_file(path, text.data, text.len, 0);

    fl_buf_release(&text);
    return failed ? -1 : 0;
}

static bool
has(struct fl_standing *s, uint64_t round, const char *name)
{
    return !access(fl_standing_file(s, round, "%s", name), F_OK);
}

int
fl_overrule_round(struct fl_standing *s, uint64_t round, const char *reason, bool sure,
                  struct fl_buf *said)
{
    const int64_t most = s->setup.roster.max_open;
    uint64_t times;

    if (check_hub(s))
        return -1;
    if (!has(s, round, "plan.flt") || has(s, round, "mean.flt"))
        return fl_error(FL_USAGE, "round %llu is not open", (unsigned long long)round);
    if (!*reason || strpbrk(reason, "\n\r"))
        return fl_error(FL_USAGE, "the reason why round %llu is given up is one line",
                        (unsigned long long)round);
    if (fl_standing_over(s, round, &times) ||
        fl_buf_printf(said, "over this model %llu of %lld rounds were opened; %lld may still be\n",
                      (unsigned long long)times, (long long)most, (long long)most - (int64_t)times))
        return -1;
    if (most - (int64_t)times <= 1 && !sure)
        return fl_error(FL_REFUSED,
                        "the next round would be the last over this model: a site that fails once "
                        "more ends the epoch; give --yes");
    return write_line(fl_standing_file(s, round, "void"), reason);
}

/* The folder at PATH, and those above it. */
static int
make_folder(const char *path)
{
    const size_t len = strlen(path);
    char *whole = fl_strdup(path);
    int failed = whole ? 0 : -1;

    for (size_t at = 1; !failed && at <= len; at++) {
        if (path[at] && path[at] != '/')
            continue;
        whole[at] = '\0';
        if (mkdir(whole, 0777) && errno != EEXIST)
            failed = fl_error_errno(errno, "%s: cannot make this folder", whole);
        whole[at] = path[at];
    }
    free(whole);
    return failed;
}

int
fl_overrule_number(struct fl_standing *s, uint64_t round, struct fl_buf *said)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)round);
    return check_hub(s) || make_folder(s->setup.conf.work) ||
                   fl_buf_printf(said, "the next round is %s, or a later one\n", text) ||
                   write_line(fl_standing_own(s, "from"), text)
               ? -1
               : 0;
}

/* ---- the next roster ---- */

struct drafting {
    struct fl_standing *s;
    const char *const *changes;
    size_t count;
    char model[65]; /* that the next epoch begins with */
    struct fl_buf *out;
};

static bool
leaves(const struct drafting *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (*d->changes[i] == '-' && !strcmp(d->changes[i] + 1, name))
            return true;
    return false;
}

static int
check_changes(const struct drafting *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const char *c = d->changes[i];
        if ((*c != '+' && *c != '-') || !c[1])
            return fl_error(FL_USAGE, "\"%s\" is neither +FILE, who joins, nor -NAME, who leaves",
                            c);
        if (*c == '-' && fl_roster_find(&d->s->setup.roster, c + 1) < 0)
            return fl_roster_no_party(&d->s->setup.roster, c + 1);
    }
    return 0;
}

/*
 * The newest model. Where rounds overlap, one that was given up is repeated with a later number, so
 * that the round of the greatest number need not have led to it.
 */
static int
find_model(struct drafting *d)
{
    struct fl_overlap overlap;

    for (size_t i = d->s->count; i && !*d->model; i--)
        if (fl_standing_next(d->s, d->s->rounds[i - 1], d->model))
            return -1;
    if (!*d->model)
        return fl_error(FL_FAILED, "no round was closed yet; change %s by hand",
                        d->s->setup.conf.roster);
    if (!d->s->setup.roster.delay)
        return 0;
    if (fl_overlap_look(d->s, &overlap))
        return -1;
    memcpy(d->model, overlap.newest[0], sizeof d->model);
    return 0;
}

/* The next line that a message of the party told; LINE is "" when PATH is not there. */
static int
next_line(const char *path, const char *kind, char line[FL_LINE_MAX])
{
    const struct fl_head *head;
    const char *text;

    *line = '\0';
    if (access(path, F_OK))
        return 0;
    struct fl_reader *in = fl_reader_open(path);
    int failed = !in || fl_arrival_expect(in, kind, &head, NULL, NULL) != 1;
    if (!failed && fl_meta_get_text(&head->meta, "next", &text))
        failed = fl_error_about(path);
    else if (!failed)
        snprintf(line, FL_LINE_MAX, "%s", text);
    fl_reader_free(in);
    return failed ? -1 : 0;
}

/* What the party told last in this epoch. */
static int
told(struct fl_standing *s, const char *name, char line[FL_LINE_MAX])
{
    *line = '\0';
    for (size_t i = s->count; i && !*line; i--) {
        const uint64_t round = s->rounds[i - 1];
        if (round < (uint64_t)s->setup.roster.first_round)
            break;
        if (next_line(fl_standing_file(s, round, "up/%s.flt", name), FL_KIND_MASKED, line) ||
            (!*line &&
             next_line(fl_standing_file(s, round, "answer/%s.flt", name), FL_KIND_ANSWER, line)))
            return -1;
    }
    return 0;
}

/* A line with the public line of PARTY at AT: its next one in place of it. */
static int
put_party(const struct drafting *d, const struct fl_line *party, const char *line, const char *at)
{
    char next[FL_LINE_MAX];
    const char *rest = at + strlen(party->text);

    if (leaves(d, party->name))
        return 0;
    if (told(d->s, party->name, next))
        return -1;
    return fl_buf_add(d->out, line, (size_t)(at - line)) ||
                   fl_buf_printf(d->out, "%s%s%s\n", *next ? next : party->text, rest,
                                 *next ? "" : "  # its next line was told by no upload")
               ? -1
               : 0;
}

/* "- NAME" of who leaves. */
static bool
is_of_leaver(const struct drafting *d, const char *line)
{
    char name[FL_SITE_MAX + 1], more[2];

    return sscanf(line, " - %63s %1s", name, more) == 1 && leaves(d, name);
}

static int
put_joining(const struct drafting *d)
{
    struct fl_buf text = {0};
    int failed = 0;

    for (size_t i = 0; !failed && i < d->count; i++) {
        if (*d->changes[i] != '+')
            continue;
        failed = fl_read_file(d->changes[i] + 1, 65536, &text);
        if (failed)
            break;
        const char *line = fl_buf_text(&text);
        failed = fl_buf_printf(d->out, "  - %.*s\n", (int)strcspn(line, "\r\n"), line);
        fl_buf_release(&text);
    }
    return failed ? -1 : 0;
}

static int
put_line(const struct drafting *d, const char *line)
{
    const struct fl_roster *r = &d->s->setup.roster;
    const char *at;

    /* A round that waits for keys has been told to helpers: its number is not used again. */
    const uint64_t newest = d->s->unplanned >= 0 ? (uint64_t)d->s->unplanned
                                                 : d->s->rounds[d->s->count - 1];
    if (!strncmp(line, "epoch:", 6))
        return fl_buf_printf(d->out, "epoch: %lld\nfirst_round: %llu\n", (long long)r->epoch + 1,
                             (unsigned long long)newest + 1);
    if (!strncmp(line, "first_round:", 12))
        return 0;
    if (!strncmp(line, "model:", 6))
        return fl_buf_printf(d->out, "model: %s\n", d->model);
    for (size_t i = 0; i < r->party_count; i++)
        if ((at = strstr(line, r->parties[i].text)))
            return put_party(d, &r->parties[i], line, at);
    if (is_of_leaver(d, line))
        return 0;
    if (fl_buf_printf(d->out, "%s\n", line))
        return -1;
    return !strncmp(line, "sites:", 6) ? put_joining(d) : 0;
}

int
fl_overrule_roster(struct fl_standing *s, const char *const *changes, size_t count,
                   struct fl_buf *roster)
{
    struct drafting d = {.s = s, .changes = changes, .count = count, .out = roster};
    struct fl_buf text = {0};

    if (check_hub(s) || check_changes(&d) || find_model(&d) ||
        fl_read_file(s->setup.conf.roster, FL_ROSTER_MAX, &text) || fl_buf_add_byte(&text, 0)) {
        fl_buf_release(&text);
        return -1;
    }
    int failed = 0;
    for (char *line = (char *)text.data, *end; !failed && *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = '\0';
        failed = put_line(&d, line);
    }
    fl_buf_release(&text);
    return failed ? -1 : 0;
}
