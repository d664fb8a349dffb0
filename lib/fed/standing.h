/*
 * Where the rounds of a federation stand, read off the files that fl-round(1) makes, and what the
 * hub does next. There is no state but files: whoever looks at the same ones sees the same.
 *
 *     ROUND folder at the hub   plan.flt up/SITE.flt request.N.flt ready.N/HELPER.flt go
 *                               answer/HELPER.flt mean.flt closed void have/PARTY/KIND
 *                               limit; before its plan: keys/HELPER.flt (fed/round_he.h)
 *     WORK folder               round/R/due (the deadline, in seconds since 1970), from, pause,
 *                               journal/YYYY-MM.tsv
 */
#ifndef FL_FED_STANDING_H
#define FL_FED_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "cli/report.h"
#include "sec/setup.h"

struct fl_standing { /* a zeroed struct is empty */
    struct fl_setup setup;
    uint64_t *rounds; /* that have a folder, at the hub with a plan, ascending */
    size_t count, cap;
    int64_t unplanned; /* at the hub: a newer round, whose folder has no plan yet; -1: none */
    char *folder;      /* of rounds: ROOT/pub/round, or WORK/round where there is no ROOT */
    char *path;        /* for the name of one file at a time; its room: */
    size_t room;
};

/* Read the federation's file YAML, and which rounds there are. 0 or -1 as fl_setup_read. */
FL_MUST int fl_standing_open(struct fl_standing *s, const char *yaml);
void fl_standing_release(struct fl_standing *s);

/*
 * The name of a file of a round, or of the party's folder WORK, until the next call. NAME may have
 * one part that is filled in as by printf.
 */
const char *fl_standing_file(struct fl_standing *s, uint64_t round, const char *name, ...)
    __attribute__((format(printf, 3, 4)));
const char *fl_standing_own(struct fl_standing *s, const char *name, ...)
    __attribute__((format(printf, 2, 3)));

/* Is there such a file? And its first line, cut off at the ROOM for it; "": none. 0 or -1. */
bool fl_standing_there(const char *path);
FL_MUST int fl_standing_line(const char *path, char *line, size_t room);

/* The name of the upload of SITE in a round: plain ones do not lie where parties may look. */
const char *fl_standing_upload(struct fl_standing *s, uint64_t round, const char *site);

/*
 * The hub's next step as a row of R, a report of fl_standing_step_columns: step, round, number,
 * model, parties. NOW is the hub's clock. The steps:
 *     keys    tell helpers, PARTIES, that ROUND needs their keys, of at most NUMBER bytes
 *     open    ROUND over MODEL, which the mean of round NUMBER made (not known: the roster's
 *             model); PARTIES are then the files of the keys that its plan shows, below pub/round
 *     wait    for PARTIES, or for people
 *     late    the deadline is over, PARTIES did not come, and it does not go on without them
 *     unheard helpers: the deadline is over, PARTIES were not ready or did not answer; or keys of
 *             PARTIES did not come for as long as a round may last
 *     ask     for the uploads of PARTIES, as request NUMBER
 *     go      all helpers are ready for request NUMBER; PARTIES are then SITE:BYTES, what
 *             helpers need of its uploads where there are ciphertexts
 *     sum     the uploads, or what was asked for by NUMBER with the answers
 *     closed  the mean is there, which steps MODEL; the file of that name says so then
 *     first   the same, where it steps another model after this one (fed/overlap.h)
 *     old     MODEL is a file or a folder that may go (fed/leftover.h), from WORK on
 * 0; -1: FL_USAGE when a round of the epoch before is open, FL_FAILED for what cannot be read.
 */
extern const char *const fl_standing_step_columns[];
FL_MUST int fl_standing_step(struct fl_standing *s, int64_t now, struct fl_report *r);

/* Rows of the newest rounds, of each site at a hub, the disk, and the last fault: fl-round(1). */
extern const char *const fl_standing_columns[];
FL_MUST int fl_standing_report(struct fl_standing *s, struct fl_report *r);

/*
 * Digests as text: of the model that the plan of a round is over; and of the one that a closed
 * round led to, "" when it is not closed. 0 or -1.
 */
FL_MUST int fl_standing_base(struct fl_standing *s, uint64_t round, char base[65]);
FL_MUST int fl_standing_base_of(const char *file, const char *kind, char base[65]);
FL_MUST int fl_standing_next(struct fl_standing *s, uint64_t round, char next[65]);

/* How many rounds were opened over the model of round ROUND, itself too. 0 or -1. */
FL_MUST int fl_standing_over(struct fl_standing *s, uint64_t round, uint64_t *times);

#endif
