/* Which rounds there are, and the hub's next step; standing_table.c is for people who look. */
#include "fed/standing.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/number.h"
#include "crypt/hash.h"
#include "fed/leftover.h"
#include "fed/overlap.h"
#include "fed/round_he.h"
#include "flt/object.h"
#include "os/file.h"
#include "sec/he_offer.h"
#include "sec/header.h"

void
fl_standing_release(struct fl_standing *s)
{
    fl_setup_release(&s->setup);
    free(s->rounds);
    free(s->folder);
    free(s->path);
    *s = (struct fl_standing){0};
}

static const char *
fill(struct fl_standing *s, size_t at, const char *name, va_list ap)
{
    vsnprintf(s->path + at, s->room - at, name, ap);
    return s->path;
}

const char *
fl_standing_file(struct fl_standing *s, uint64_t round, const char *name, ...)
{
    va_list ap;
    int n = snprintf(s->path, s->room, "%s/%llu/", s->folder, (unsigned long long)round);

    va_start(ap, name);
    fill(s, (size_t)n, name, ap);
    va_end(ap);
    return s->path;
}

const char *
fl_standing_own(struct fl_standing *s, const char *name, ...)
{
    va_list ap;
    int n = snprintf(s->path, s->room, "%s/", s->setup.conf.work);

    va_start(ap, name);
    fill(s, (size_t)n, name, ap);
    va_end(ap);
    return s->path;
}

static int
compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* A name that is a number as shells and people write it, of at most 15 digits. */
static bool
is_round(const char *name, uint64_t *round)
{
    return (*name != '0' || !name[1]) && strspn(name, "0123456789") == strlen(name) &&
           !fl_parse_u64(name, 0, 999999999999999, round);
}

static int
add_round(struct fl_standing *s, const char *name)
{
    uint64_t round;

    if (!is_round(name, &round))
        return 0;
    uint64_t *rounds = fl_grow(s->rounds, s->count, &s->cap, sizeof *rounds);
    if (!rounds)
        return -1;
    s->rounds = rounds;
    rounds[s->count++] = round;
    return 0;
}

static int
list_rounds(struct fl_standing *s)
{
    DIR *dir = opendir(s->folder);
    const struct dirent *entry;
    int failed = 0;

    if (!dir)
        return errno == ENOENT ? 0
                               : fl_error_errno(errno, "%s: cannot open this folder", s->folder);
    while (!failed && (entry = readdir(dir)))
        failed = add_round(s, entry->d_name);
    closedir(dir);
    if (s->count)
        qsort(s->rounds, s->count, sizeof *s->rounds, compare);
    return failed;
}

/* A folder without a plan is no round yet: it waits for keys, or a turn of the hub was cut off. */
static void
leave_unplanned(struct fl_standing *s)
{
    size_t planned = 0;

    for (size_t i = 0; i < s->count; i++) {
        const uint64_t round = s->rounds[i];
        const bool plan = fl_standing_there(fl_standing_file(s, round, "plan.flt"));
        if (plan)
            s->rounds[planned++] = round;
        s->unplanned = plan ? -1 : (int64_t)round;
    }
    s->count = planned;
}

int
fl_standing_open(struct fl_standing *s, const char *yaml)
{
    *s = (struct fl_standing){.unplanned = -1};
    if (fl_setup_read(&s->setup, yaml))
        return -1;
    const struct fl_federation_conf *c = &s->setup.conf;
    const char *top = c->root ? c->root : c->work;
    size_t size = strlen(top) + sizeof "/pub/round";
    s->room = size + strlen(c->work) + 256; /* names are at most 63 characters, numbers 20 */
    s->folder = fl_alloc(size, 1);
    s->path = fl_alloc(s->room, 1);
    if (s->folder)
        snprintf(s->folder, size, "%s%s/round", top, c->root ? "/pub" : "");
    if (s->folder && s->path && !list_rounds(s)) {
        if (c->root)
            leave_unplanned(s);
        return 0;
    }
    fl_standing_release(s);
    return -1;
}

/* ---- the hub's next step ---- */

const char *const fl_standing_step_columns[] = {"step",  "round",   "number",
                                                "model", "parties", NULL};

bool
fl_standing_there(const char *path)
{
    struct stat st;

    return !stat(path, &st);
}

int
fl_standing_line(const char *path, char *line, size_t room)
{
    struct fl_buf text = {0};

    *line = '\0';
    if (!fl_standing_there(path))
        return 0;
    if (fl_read_file(path, 65536, &text))
        return -1;
    size_t n = 0;
    while (n < text.len && n + 1 < room && text.data[n] && text.data[n] != '\n')
        n++;
    if (n)
        memcpy(line, text.data, n);
    line[n] = '\0';
    fl_buf_release(&text);
    return 0;
}

/* *NUMBER, which the file holds; NONE when it is not there. */
static int
number_in(const char *path, int64_t none, int64_t *number)
{
    char line[32];

    if (fl_standing_line(path, line, sizeof line))
        return -1;
    *number = none;
    if (*line && fl_parse_i64(line, 0, INT64_MAX, number))
        return fl_error(FL_FAILED, "%s: \"%s\" is no number; remove the file", path, line);
    return 0;
}

/* A row whose PARTIES follow, and fl_report_list_end. */
static void
put_step(struct fl_report *r, const char *step, uint64_t round, int64_t number)
{
    fl_report_text(r, step);
    fl_report_u64(r, round);
    if (number < 0)
        fl_report_none(r);
    else
        fl_report_i64(r, number);
    fl_report_none(r);
    fl_report_list(r);
}

static int
end_step(struct fl_report *r)
{
    fl_report_list_end(r);
    return 0;
}

static int
put_plain(struct fl_report *r, const char *step, uint64_t round, int64_t number)
{
    put_step(r, step, round, number);
    return end_step(r);
}

/*
 * The step of a round that waits for files SUB/PARTY.flt of sites, or of helpers; false, and no
 * row, when all are there. What is said of it depends on whether the round is DUE.
 */
static bool
waits(struct fl_standing *s, uint64_t round, const char *sub, const char *step, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    const bool sites = !strcmp(sub, "up");
    const size_t n = sites ? roster->n : roster->m;
    bool begun = false;

    for (size_t i = 0; i < n; i++) {
        const char *name = roster->parties[sites ? i : roster->helpers[i]].name;
        if (fl_standing_there(sites ? fl_standing_upload(s, round, name)
                                    : fl_standing_file(s, round, "%s/%s.flt", sub, name)))
            continue;
        if (!begun && step)
            put_step(r, step, round, -1);
        begun = true;
        if (step)
            fl_report_text(r, name);
    }
    if (begun && step)
        fl_report_list_end(r);
    return begun;
}

/* Whose tags one of the helpers does not know: WANTING (n) by site; *ANY. */
static int
find_bad(struct fl_standing *s, uint64_t round, int64_t number, bool *bad, bool *any)
{
    const struct fl_roster *roster = &s->setup.roster;

    for (size_t h = 0; h < roster->m; h++) {
        const char *path = fl_standing_file(s, round, "ready.%lld/%s.flt", (long long)number,
                                            roster->parties[roster->helpers[h]].name);
        struct fl_object *o = fl_object_open(path, FL_KIND_READY);
        if (!o)
            return -1;
        const struct fl_meta_item *item = fl_meta_find(&fl_object_head(o)->meta, "bad");
        for (size_t i = 0; item && item->type == FL_META_I64_LIST && i < item->count; i++) {
            const int64_t site = item->value.i64_list[i];
            if (site >= 0 && site < (int64_t)roster->n)
                *any = bad[site] = true;
        }
        fl_object_free(o);
    }
    return 0;
}

/* Ask for the uploads that are there but those of BAD sites (NULL: of none). */
static int
put_ask(struct fl_standing *s, uint64_t round, int64_t number, const bool *bad, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;

    put_step(r, "ask", round, number);
    for (size_t i = 0; i < roster->n; i++)
        if (!(bad && bad[i]) &&
            fl_standing_there(fl_standing_file(s, round, "up/%s.flt", roster->parties[i].name)))
            fl_report_text(r, roster->parties[i].name);
    return end_step(r);
}

static int
put_go(struct fl_standing *s, uint64_t round, int64_t number, struct fl_report *r)
{
    put_step(r, "go", round, number);
    return s->setup.roster.he && fl_round_he_lengths(s, round, number, r) ? -1 : end_step(r);
}

/* All helpers are ready for request NUMBER, or some of them name sites that it goes without. */
static int
go_or_ask(struct fl_standing *s, uint64_t round, int64_t number, struct fl_report *r)
{
    bool *bad = fl_alloc(s->setup.roster.n, sizeof *bad), any = false;
    int failed = !bad || find_bad(s, round, number, bad, &any);

    if (!failed)
        failed = any ? put_ask(s, round, number + 1, bad, r) : put_go(s, round, number, r);
    free(bad);
    return failed ? -1 : 0;
}

/* The greatest N of which the round has request.N.flt, counted from 1; 0: none. */
static int64_t
newest_request(struct fl_standing *s, uint64_t round)
{
    int64_t n = 0;

    while (fl_standing_there(fl_standing_file(s, round, "request.%lld.flt", (long long)n + 1)))
        n++;
    return n;
}

const char *
fl_standing_upload(struct fl_standing *s, uint64_t round, const char *site)
{
    if (s->setup.roster.protection != FL_PROTECTION_NONE || !s->setup.conf.root)
        return fl_standing_file(s, round, "up/%s.flt", site);
    snprintf(s->path, s->room, "%s/plain/%llu/up/%s.flt", s->setup.conf.root,
             (unsigned long long)round, site);
    return s->path;
}

/* How many uploads of the round are there? */
static int64_t
came(struct fl_standing *s, uint64_t round)
{
    const struct fl_roster *roster = &s->setup.roster;
    int64_t n = 0;

    for (size_t i = 0; i < roster->n; i++)
        n += fl_standing_there(fl_standing_upload(s, round, roster->parties[i].name));
    return n;
}

static int
step_of_helpers(struct fl_standing *s, uint64_t round, bool due, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    const char *const patience = due ? "unheard" : "wait";
    char ready[40];
    int64_t number;

    if (fl_standing_there(fl_standing_file(s, round, "go"))) {
        if (number_in(fl_standing_file(s, round, "go"), 0, &number))
            return -1;
        return waits(s, round, "answer", patience, r) ? 0 : put_plain(r, "sum", round, number);
    }
    number = newest_request(s, round);
    if (!number) {
        const char *too_few = !due ? "wait" : came(s, round) < roster->min_sum ? "late" : NULL;
        return too_few && waits(s, round, "up", too_few, r) ? 0 : put_ask(s, round, 1, NULL, r);
    }
    snprintf(ready, sizeof ready, "ready.%lld", (long long)number);
    return waits(s, round, ready, patience, r) ? 0 : go_or_ask(s, round, number, r);
}

/* Is round N one whose opening was begun, and not finished before its deadline? */
static int
passed(struct fl_standing *s, uint64_t round, int64_t now, bool *is)
{
    int64_t due;

    if (number_in(fl_standing_own(s, "round/%llu/due", (unsigned long long)round), INT64_MAX, &due))
        return -1;
    *is = due <= now;
    return 0;
}

static bool
tell_old(void *r, const char *path)
{
    fl_report_text(r, "old");
    fl_report_none(r);
    fl_report_none(r);
    fl_report_text(r, path);
    fl_report_list(r);
    fl_report_list_end(r);
    return true;
}

/*
 * Of a round whose tensors are encrypted, before it is opened: a row when keys of helpers are
 * missing. 1, 0 when all are there, or -1.
 */
static int
put_keys(struct fl_standing *s, uint64_t round, int64_t now, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    char name[FL_SITE_MAX + 40];
    struct stat st;
    const bool told = !stat(fl_standing_file(s, round, "limit"), &st);
    const bool due = told && st.st_mtime + s->setup.conf.due <= now;
    bool begun = false;

    for (size_t h = 0; h < roster->m; h++) {
        const int has = fl_round_he_file(s, round, h, name, sizeof name);
        if (has < 0)
            return -1;
        if (has)
            continue;
        if (!begun)
            put_step(r,
                     !told ? "keys"
                     : due ? "unheard"
                           : "wait",
                     round, told ? -1 : (int64_t)fl_he_batch_bytes());
        begun = true;
        fl_report_text(r, roster->parties[roster->helpers[h]].name);
    }
    if (begun)
        fl_report_list_end(r);
    return begun;
}

/* The files of the helpers' keys of a round, all of which are there. */
static int
list_keys(struct fl_standing *s, uint64_t round, struct fl_report *r)
{
    char name[FL_SITE_MAX + 40];

    for (size_t h = 0; h < s->setup.roster.m; h++) {
        if (fl_round_he_file(s, round, h, name, sizeof name) < 0)
            return -1;
        fl_report_text(r, name);
    }
    return 0;
}

/* The next round, over MODEL, which the mean of round AFTER made (-1: it is the roster's). */
static int
put_open(struct fl_standing *s, int64_t now, int64_t after, const char *model, bool enough,
         struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    uint64_t round = s->count ? s->rounds[s->count - 1] + 1 : 0, first;
    bool over = true;
    int64_t from;
    int got;

    if (number_in(fl_standing_own(s, "from"), 0, &from))
        return -1;
    first = from > roster->first_round ? (uint64_t)from : (uint64_t)roster->first_round;
    round = round < first ? first : round;
    if (fl_standing_there(fl_standing_own(s, "pause")) || enough)
        return put_plain(r, "wait", round, -1);
    for (; over; round += over)
        if (passed(s, round, now, &over))
            return -1;
    if (roster->he && (got = put_keys(s, round, now, r)))
        return got < 0 ? -1 : 0;
    fl_report_text(r, "open");
    fl_report_u64(r, round);
    if (after >= 0)
        fl_report_i64(r, after);
    else
        fl_report_none(r);
    fl_report_text(r, model);
    fl_report_list(r);
    return roster->he && list_keys(s, round, r) ? -1 : end_step(r);
}

static bool
enough_rounds(const struct fl_standing *s, uint64_t rounds)
{
    return s->setup.conf.rounds && rounds >= (uint64_t)s->setup.conf.rounds;
}

/* Another round, over what the last closed one of this epoch led to, or the roster's model. */
static int
step_to_open(struct fl_standing *s, int64_t now, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    char next[65], newest[65];
    int64_t last = -1;
    uint64_t closed = 0;
    int got = fl_leftover_find(s, tell_old, r);

    if (got)
        return got < 0 ? -1 : 0;
    fl_hex(newest, roster->model, sizeof roster->model);
    for (size_t i = 0; i < s->count; i++) {
        if (s->rounds[i] < (uint64_t)roster->first_round)
            continue;
        if (fl_standing_next(s, s->rounds[i], next))
            return -1;
        if (*next) {
            closed++;
            last = (int64_t)s->rounds[i];
            memcpy(newest, next, sizeof newest);
        }
    }
    return put_open(s, now, last, newest, enough_rounds(s, closed), r);
}

/* The round's mean is there: it steps MODEL, and the line of the chain is written to FILE. */
static int
put_close(struct fl_report *r, const char *file, uint64_t round, const char *model)
{
    fl_report_text(r, file);
    fl_report_u64(r, round);
    fl_report_none(r);
    fl_report_text(r, model);
    fl_report_list(r);
    return end_step(r);
}

/* Of rounds that need no helper: the uploads that must be there are, or it waits for them. */
static int
step_of_uploads(struct fl_standing *s, uint64_t round, int64_t now, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    const int64_t there = roster->protection == FL_PROTECTION_NONE ? came(s, round) : 0;
    int64_t due;

    if (number_in(fl_standing_own(s, "round/%llu/due", (unsigned long long)round), 0, &due))
        return -1;
    const int64_t least = roster->stale && due <= now ? 1 : roster->min_sum;
    const bool buffered = there >= least && (roster->stale || due <= now);
    return !buffered && waits(s, round, "up", due <= now ? "late" : "wait", r)
               ? 0
               : put_plain(r, "sum", round, -1);
}

/* Two rounds may be open: the mean of the older comes first, and meanwhile another is opened. */
static int
step_of_overlap(struct fl_standing *s, int64_t now, struct fl_report *r)
{
    struct fl_overlap o;
    int got;

    if (fl_overlap_look(s, &o))
        return -1;
    if (o.waits && fl_standing_there(fl_standing_file(s, o.round, "mean.flt")))
        return put_close(r, o.file, o.round, o.model);
    if ((o.waits && !waits(s, o.round, "up", NULL, NULL)) || !o.opens || enough_rounds(s, o.rounds))
        return o.waits ? step_of_uploads(s, o.round, now, r)
                       : put_plain(r, "wait", s->count ? s->rounds[s->count - 1] : 0, -1);
    if ((got = fl_leftover_find(s, tell_old, r)))
        return got < 0 ? -1 : 0;
    if (!o.waits || !fl_standing_there(fl_standing_own(s, "pause")))
        return put_open(s, now, o.after, o.base, false, r);
    return step_of_uploads(s, o.round, now, r);
}

int
fl_standing_step(struct fl_standing *s, int64_t now, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    const uint64_t round = s->count ? s->rounds[s->count - 1] : 0;
    char base[65];
    int64_t due;

    if (!s->setup.conf.root)
        return fl_error(FL_USAGE,
                        "what another party than the hub does next is told by --list FILE");
    const bool done = !s->count || fl_standing_there(fl_standing_file(s, round, "closed")) ||
                      fl_standing_there(fl_standing_file(s, round, "void"));
    if (done && !roster->delay)
        return step_to_open(s, now, r);
    if (!done && round < (uint64_t)roster->first_round)
        return fl_error(FL_USAGE,
                        "round %llu of the epoch before is open: finish it under its roster, or "
                        "give it up",
                        (unsigned long long)round);
    if (roster->delay)
        return step_of_overlap(s, now, r);
    if (fl_standing_there(fl_standing_file(s, round, "mean.flt")))
        return fl_standing_base(s, round, base) ? -1 : put_close(r, "closed", round, base);
    if (!roster->m)
        return step_of_uploads(s, round, now, r);
    if (number_in(fl_standing_own(s, "round/%llu/due", (unsigned long long)round), 0, &due))
        return -1;
    return step_of_helpers(s, round, due <= now, r);
}

int
fl_standing_base(struct fl_standing *s, uint64_t round, char base[65])
{
    return fl_standing_base_of(fl_standing_file(s, round, "plan.flt"), FL_KIND_PLAN, base);
}

int
fl_standing_base_of(const char *path, const char *kind, char base[65])
{
    struct fl_object *o = fl_object_open(path, kind);
    const unsigned char *bytes;

    if (!o)
        return -1;
    int failed = fl_meta_get_bytes(&fl_object_head(o)->meta, "base", 32, &bytes);
    if (failed)
        fl_error_about(path);
    else
        fl_hex(base, bytes, 32);
    fl_object_free(o);
    return failed ? -1 : 0;
}

int
fl_standing_next(struct fl_standing *s, uint64_t round, char next[65])
{
    char line[300];

    *next = '\0';
    if (fl_standing_line(fl_standing_file(s, round, "closed"), line, sizeof line))
        return -1;
    if (sscanf(line, "%*s %*s %*s %64[0-9a-f]", next) != 1 || strlen(next) != 64)
        *next = '\0';
    return 0;
}

int
fl_standing_over(struct fl_standing *s, uint64_t round, uint64_t *times)
{
    char base[65], other[65];

    *times = 0;
    if (fl_standing_base(s, round, base))
        return -1;
    for (size_t i = 0; i < s->count; i++) {
        if (fl_standing_base(s, s->rounds[i], other))
            return -1;
        *times += !strcmp(base, other);
    }
    return 0;
}
