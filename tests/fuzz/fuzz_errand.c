/* Any bytes as the list of a hub: no crash, and no step with a name that leads out or a sign. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "fed/errand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A helper that is under replay too, so that all kinds of files are looked for. */
static void
set_up(struct fl_standing *s)
{
    static char work[] = "/tmp/fl-fuzz-errand-XXXXXX", folder[64], path[600], name[] = "aux";
    static struct fl_line parties[4];
    static uint32_t replay[] = {3};
    static uint64_t rounds[] = {3};
    char round[100];

    if (!mkdtemp(work))
        abort();
    snprintf(folder, sizeof folder, "%s/round", work);
    snprintf(round, sizeof round, "%s/3", folder);
    if (mkdir(folder, 0700) || mkdir(round, 0700))
        abort();
    for (int i = 0; i < 3; i++)
        snprintf(parties[i].name, sizeof parties[i].name, "%c", 'a' + i);
    snprintf(parties[3].name, sizeof parties[3].name, "aux");
    *s = (struct fl_standing){.rounds = rounds,
                              .count = 1,
                              .folder = folder,
                              .path = path,
                              .room = sizeof path};
    s->setup.conf.name = name;
    s->setup.conf.work = work;
    s->setup.conf.keep = 3;
    s->setup.roster = (struct fl_roster){.epoch = 1,
                                         .n = 3,
                                         .party_count = 4,
                                         .parties = parties,
                                         .m = 1,
                                         .helpers = {3},
                                         .replay = replay,
                                         .replay_count = 1};
}

/* A cell that is told is a plain name or a number. */
static void
check_cells(const char *row)
{
    if (strstr(row, "..") || strpbrk(row, " $`\"'\\;&|<>()[]{}*?!~#") || strlen(row) > 900)
        abort();
    for (const char *p = row; *p && *p != '\n'; p++)
        if (*p != '\t' && (*p < ' ' || *p > '~'))
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fl_standing s;
    static int list = -1;
    static char path[80];
    struct fl_report r;

    if (list < 0) {
        set_up(&s);
        snprintf(path, sizeof path, "%s/list", s.setup.conf.work);
        list = open(path, O_RDWR | O_CREAT, 0600);
    }
    if (ftruncate(list, 0) || pwrite(list, data, size, 0) != (ssize_t)size)
        abort();
    fl_report_start(&r, fl_errand_columns, false);
    if (fl_errand_next(&s, path, NULL, &r) && !*fl_error_text())
        abort();
    const char *row = strchr(fl_buf_text(&r.out), '\n');
    if (row && row[1])
        check_cells(row + 1);
    fl_report_release(&r);
    return 0;
}
