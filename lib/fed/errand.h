/*
 * What a site or a helper does next in a turn of fl-round(1): send what has no receipt, fetch what
 * it needs, follow the chain of models, get ready, answer, sign, train. It is read off three
 * things: the party's own folder WORK, the list that the hub's gate gave (a stranger's: what is no
 * number or no plain name in it is as if it were not there), and what this turn has tried already,
 * so that a step that fails is tried again in the next turn and holds up no other.
 */
#ifndef FL_FED_ERRAND_H
#define FL_FED_ERRAND_H

#include "base/must.h"
#include "cli/report.h"
#include "fed/standing.h"

/*
 * The next step as a row of R, a report of fl_errand_columns; none when there is nothing to do.
 * LIST and TRIED are files. LIST is what the gate said, and last "here SECONDS", the time of this
 * clock; TRIED, which may be missing, has rows as they were told, a line each. Names in LIST that
 * begin with pub/ are told without it; files are relative to WORK.
 *     receipt fetch NAME, of SIZE, as FILE: WORK/round/ROUND/have.KIND
 *     send    FILE, an upload or a word of kind NAME, from byte SIZE on
 *     epoch   fetch the roster NAME as FILE, and tell people
 *     plan    fetch the plan of ROUND, and check it
 *     fetch   NAME as FILE
 *     apply   make the model with digest FILE from that of NAME, by the files of ROUND;
 *     advance the same of a helper, who opens the sum itself
 *     lost    the hub's chain does not lead to model NAME
 *     keys    make FILE, this helper's keys of rounds NAME, "16..31", for ROUND and those after it
 *     room    fetches of SIZE bytes of ciphertexts follow, if the disk has so many
 *     ready   say in FILE whether request NAME would be answered
 *     answer  request NAME in FILE, with what was fetched into WORK/round/ROUND/c1
 *     verify  sign for what came of ROUND, over model NAME
 *     skew    tell people that this clock is NAME seconds ahead of the hub's
 *     old     remove NAME (fed/leftover.h)
 *     train   a site: make the upload of ROUND, over model NAME
 */
extern const char *const fl_errand_columns[];
FL_MUST int fl_errand_next(struct fl_standing *s, const char *list, const char *tried,
                           struct fl_report *r);

#endif
