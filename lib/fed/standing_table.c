/* What people look at: the newest rounds, each site at a hub, the disk, the last fault. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "fed/round_he.h"
#include "fed/standing.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/resources.h"

const char *const fl_standing_columns[] = {"round", "party",  "state",  "time",
                                           "bytes", "missed", "detail", NULL};

static void
put_time(struct fl_report *r, const char *path)
{
    char text[FL_UTC_TEXT];
    struct stat st;

    if (stat(path, &st))
        fl_report_none(r);
    else
        fl_report_text(r, fl_utc_at((int64_t)st.st_mtime, text));
}

static int
put_round(struct fl_standing *s, uint64_t round, struct fl_report *r)
{
    static const char *const states[][2] = {{"request.1.flt", "asked"},
                                            {"go", "answering"},
                                            {"mean.flt", "summed"},
                                            {"void", "void"},
                                            {"closed", "closed"}};
    const bool planned = fl_standing_there(fl_standing_file(s, round, "plan.flt"));
    const char *state = "open";
    char why[300];

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (fl_standing_there(fl_standing_file(s, round, "%s", states[i][0])))
            state = states[i][1];
    if (fl_standing_line(fl_standing_file(s, round, "void"), why, sizeof why))
        return -1;
    fl_report_u64(r, round);
    fl_report_none(r);
    fl_report_text(r, planned ? state : "keys");
    put_time(r, fl_standing_file(s, round, "plan.flt"));
    fl_report_none(r);
    fl_report_none(r);
    fl_report_text(r, *why ? why : NULL);
    return 0;
}

/* At the hub a round that waits for keys: of whom. */
static int
put_unplanned(struct fl_standing *s, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    const uint64_t round = (uint64_t)s->unplanned;
    struct fl_buf names = {0};
    char name[FL_SITE_MAX + 40];
    int failed = 0;

    for (size_t h = 0; h < roster->m && !failed; h++) {
        const int has = fl_round_he_file(s, round, h, name, sizeof name);
        failed = has < 0 ||
                 (!has && fl_buf_printf(&names, "%s%s", names.len ? ", " : "waits for keys of ",
                                        roster->parties[roster->helpers[h]].name));
    }
    if (!failed) {
        fl_report_u64(r, round);
        fl_report_none(r);
        fl_report_text(r, "keys");
        put_time(r, fl_standing_file(s, round, "limit"));
        fl_report_none(r);
        fl_report_none(r);
        fl_report_text(r, names.len ? fl_buf_text(&names) : NULL);
    }
    fl_buf_release(&names);
    return failed ? -1 : 0;
}

/* What the receipt of PARTY's upload says after the digest; "" when there is none. */
static int
receipt(struct fl_standing *s, uint64_t round, const char *party, char *line, size_t room)
{
    if (fl_standing_line(fl_standing_file(s, round, "have/%s/up", party), line, room))
        return -1;
    const char *said = strchr(line, ' ');
    memmove(line, said ? said + 1 : line + strlen(line), said ? strlen(said + 1) + 1 : 1);
    for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
        line[n - 1] = '\0'; /* a receipt without a reason */
    return 0;
}

static int
put_site(struct fl_standing *s, const char *party, struct fl_report *r)
{
    char said[300] = "", newest[300] = "";
    size_t missed = 0;
    struct stat st;

    for (; missed < s->count; missed++) {
        if (receipt(s, s->rounds[s->count - 1 - missed], party, said, sizeof said))
            return -1;
        if (!missed)
            memcpy(newest, said, sizeof newest);
        if (!strncmp(said, "taken", 5))
            break;
    }
    if (missed == s->count) {
        fl_report_none(r);
        fl_report_text(r, party);
        fl_report_text(r, "none");
        fl_report_none(r);
        fl_report_none(r);
    } else {
        const uint64_t round = s->rounds[s->count - 1 - missed];
        fl_report_u64(r, round);
        fl_report_text(r, party);
        fl_report_text(r, "taken");
        put_time(r, fl_standing_file(s, round, "have/%s/up", party));
        if (stat(fl_standing_upload(s, round, party), &st))
            fl_report_none(r); /* cleaned away */
        else
            fl_report_i64(r, (int64_t)st.st_size);
    }
    fl_report_u64(r, missed);
    fl_report_text(r, *newest ? newest : NULL);
    return 0;
}

/* The name of the newest journal, which its month orders; "" when there is none. 0 or -1. */
static int
newest_journal(struct fl_standing *s, char name[32])
{
    DIR *dir = opendir(fl_standing_own(s, "journal"));
    const struct dirent *entry;

    *name = '\0';
    if (!dir)
        return errno == ENOENT ? 0 : fl_error_errno(errno, "%s: cannot open this folder", s->path);
    while ((entry = readdir(dir)))
        if (strlen(entry->d_name) == strlen("2026-11.tsv") && strstr(entry->d_name, ".tsv") &&
            strcmp(entry->d_name, name) > 0)
            snprintf(name, 32, "%s", entry->d_name);
    closedir(dir);
    return 0;
}

/* The cells of a line of a journal; false when they are not 8, or its event is no fault. */
static bool
is_fault(char *line, char *cells[8])
{
    static const char *const faults[] = {"failed", "damaged", "bad", "skew"};

    for (size_t i = 0; i < 8; i++) {
        cells[i] = line;
        line += strcspn(line, "\t");
        if ((i < 7) != (*line == '\t'))
            return false;
        *line++ = '\0';
    }
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (strstr(cells[3], faults[i]))
            return true;
    return false;
}

static int
put_fault(struct fl_standing *s, struct fl_report *r)
{
    char name[32], *cells[8], *last[8] = {NULL};
    struct fl_buf text = {0};

    if (newest_journal(s, name))
        return -1;
    if (!*name)
        return 0;
    if (fl_read_file(fl_standing_own(s, "journal/%s", name), 256 << 20, &text) ||
        fl_buf_add_byte(&text, 0)) {
        fl_buf_release(&text);
        return -1;
    }
    for (char *line = (char *)text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (is_fault(line, cells))
            memcpy(last, cells, sizeof last);
    }
    if (last[0]) { /* round party event time - - detail */
        fl_report_text(r, last[2]);
        fl_report_text(r, last[1]);
        fl_report_text(r, last[3]);
        fl_report_text(r, last[0]);
        fl_report_none(r);
        fl_report_none(r);
        fl_report_text(r, last[7]);
    }
    fl_buf_release(&text);
    return 0;
}

int
fl_standing_report(struct fl_standing *s, struct fl_report *r)
{
    const struct fl_federation_conf *c = &s->setup.conf;

    for (size_t i = s->count > 3 ? s->count - 3 : 0; i < s->count; i++)
        if (put_round(s, s->rounds[i], r))
            return -1;
    if (s->setup.roster.he && s->unplanned >= s->setup.roster.first_round && put_unplanned(s, r))
        return -1;
    for (size_t i = 0; c->root && i < s->setup.roster.n; i++)
        if (put_site(s, s->setup.roster.parties[i].name, r))
            return -1;
    const int64_t left = fl_disk_free(fl_standing_own(s, "journal"));
    fl_report_none(r);
    fl_report_text(r, c->name);
    fl_report_text(r, "disk");
    fl_report_none(r);
    if (left < 0)
        fl_report_none(r);
    else
        fl_report_i64(r, left);
    fl_report_none(r);
    fl_report_text(r, c->work);
    return put_fault(s, r);
}
