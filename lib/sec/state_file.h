/*
 * The file "state" of a state folder, to and from struct fl_state. A text file (sec/vault.h) of
 *     fl-state-v1                          key HEX(32)        ctr N        prev HEX(32)
 *     roster RD EPOCH INDEX|hub N NEXT FEDERATION
 *     then, for it:   reveal HEX      terms HEX (after its first round)      chain J HEX, a peer
 *     round RD EPOCH R SID INPUT ROOT      base BASE USE      plan RD R DIGEST
 * with the values of one line on one line, in this order.
 */
#ifndef FL_SEC_STATE_FILE_H
#define FL_SEC_STATE_FILE_H

#include "sec/state.h"

/* Into a zeroed S whose folder is open: 1; 0 when there is no such file; -1. */
int fl_state_file_read(struct fl_state *s);

/* Durably and in one step. */
int fl_state_file_write(const struct fl_state *s);

#endif
