/*
 * Messages that a party has made, an upload or an answer, whole and kept in its state folder, so
 * that a message that was lost is sent again to the byte instead of being made a second time.
 */
#ifndef FL_FED_KEPT_H
#define FL_FED_KEPT_H

#include "base/must.h"
#include "os/pool.h"
#include "sec/state.h"

/* "FOLDER/upload-EPOCH-ROUND.flt" (or answer-), free() it; NULL with an error. */
char *fl_kept_path(const struct fl_state *s, bool answer, const struct fl_made *made);

/* Open PATH, an object of KIND that must be what MADE records to the last byte: descriptor or -1.
 */
FL_MUST int fl_kept_open(const char *path, const char *kind, const struct fl_made *made,
                         struct fl_pool *pool);

/*
 * Remove the kept messages but the newest MOST (at most 16), and what runs that were killed left of
 * messages that no state records; then forget them. 0 or -1.
 */
FL_MUST int fl_kept_prune(struct fl_state *s, bool answers, size_t most);

#endif
