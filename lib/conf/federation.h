/*
 * Where things are at one party of a federation, for fl-round(1): what was agreed on stands in the
 * roster, and this file says only what is this party's own business.
 *
 *     name: NAME          roster: FILE     key: FILE        work: FOLDER
 *     hub: ssh:USER@HOST | dir:FOLDER      (a site, a helper)        root: FOLDER     (the hub)
 *     shards: FOLDER      recipe: FILE     trainer: PROGRAM (a site)
 *     ledger: FILE (a site, a helper)                   send: TIME (1h, a site)
 *     valid: FILE         due: TIME (24h)  rounds: N (0: no end)     (the hub)
 *     patience: TIME (6h) keep: N (3)
 *
 * Paths are relative to the folder of the file and whole afterwards; TIME is a number with s, m, h
 * or d. A value goes to a shell as a line of text, so that control characters, quotes, backslashes
 * and what looks like an option are refused.
 */
#ifndef FL_CONF_FEDERATION_H
#define FL_CONF_FEDERATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct fl_federation_conf { /* a zeroed struct is empty; NULL: not given */
    char *name, *hub, *root, *roster, *key, *work;
    char *shards, *recipe, *trainer, *ledger, *valid;
    int64_t patience, due, send; /* seconds */
    int64_t keep, rounds;
};

/* PATH "-" is standard input, relative to the working folder. -1 leaves CONF released. */
FL_MUST int fl_federation_conf_read(struct fl_federation_conf *conf, const char *path);
FL_MUST int fl_federation_conf_parse(struct fl_federation_conf *conf, const char *text, size_t len,
                                     const char *path);
void fl_federation_conf_release(struct fl_federation_conf *conf);

#endif
