/*
 * The file "state" of a state folder, to and from struct fl_state. A text file (sec/vault.h) of
 *     fl-state-v3
 *     key HEX        hidden HEX       uploads CTR PREV       answers CTR PREV
 *     roster RD EPOCH PARTY|hub FEDERATION       then, for it:
 *         shape pairwise|helpers N M UPNEXT DOWNNEXT
 *         mbit X, if it was given
 *         up J HEX, a chain      down I HEX, a chain      noise HEX, that of a helper's noise
 *         open R I HEX, a key of an open round            open_noise R HEX, that of its noise
 *         he FIRST HEX, the chain of encryption      heopen R HEX, a key of it
 *         leaves HEX, of all its keys
 *     upload RD EPOCH R SID INPUT ROOT           answer, the same
 *     masked HEX EPOCH TIMES
 *     now OBJECT PARAMS|- VELOCITY|- COMING|-    sketch HEX, the key of sketches
 *     member HEX     base OBJECT EPOCH SUMS|-    set HEX, of the base before it
 *     plan RD R DIGEST OBJECT SET|-              counted KEY CTR DIGEST CTR DIGEST
 *     spent KEY LINES, after what was counted of it
 * with the values of one line on one line, in this order. The rosters themselves, canonical, are in
 * files "roster-RD" beside it.
 */
#ifndef FL_SEC_STATE_FILE_H
#define FL_SEC_STATE_FILE_H

#include "base/must.h"
#include "sec/state.h"
#include "sec/vault.h"

/* Into a zeroed S whose folder is open: 1; 0 when there is no such file; -1. */
FL_MUST int fl_state_file_read(struct fl_state *s);

/* Durably and in one step. */
FL_MUST int fl_state_file_write(const struct fl_state *s);

/* Lines he, leaves and heopen (state_he.c): read, is there all of them, written. 0 or -1. */
FL_MUST int fl_state_he_read(struct fl_vault *v, struct fl_section *to);
FL_MUST int fl_state_he_read_open(struct fl_vault *v, struct fl_section *to);
FL_MUST int fl_state_he_check(const struct fl_section *at, const char *path);
FL_MUST int fl_state_he_put(struct fl_vault *v, const struct fl_section *at);

/* What state.c and state_accept.c share. */
struct fl_state *fl_state_new(const char *dir, bool create);
void fl_state_drop_section(struct fl_state *s, size_t i);
/* "DIR: WHAT; ..." with FL_REFUSED: not the state that KEY needs, elsewhere or gone for good. -1.
 */
int fl_state_lost(const struct fl_key *key, const char *dir, const char *what);
FL_MUST int fl_state_check_owner(const struct fl_state *s, const struct fl_key *key,
                                 const char *dir);
void fl_section_release(struct fl_section *section);

/* Memory for the chains of a section whose shape is set: UP_COUNT rows, and DOWN when helper. */
FL_MUST int fl_section_alloc(struct fl_section *at, bool site, bool helper);

#endif
