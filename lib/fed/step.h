/*
 * A server step from files to files: model, update and perhaps the optimizer's state in, the next
 * model and its state out, both whole or neither. What fl-apply does for a person, and a helper
 * when it follows the chain of models.
 */
#ifndef FL_FED_STEP_H
#define FL_FED_STEP_H

#include "base/must.h"
#include "fed/server.h"

struct fl_step_files {
    const char *model, *update; /* inputs */
    const char *state;          /* read when it is there, and replaced; NULL for sgd */
    const char *output;         /* NULL or "-": standard output */
    double max_norm;            /* the update's, L2, at most; 0: any */
    int level;                  /* of compression */
    const char *program;        /* for the progress line */
    /* Is the next model, a file that has no name yet, to be taken? 0 or -1. NULL: yes. */
    int (*judge)(void *arg, const char *next);
    /*
     * The new state has this digest: it is about to be put in place, or, AGAIN, it is what STATE
     * holds, which says that it has taken this step before. 0, or -1 when that is not to be
     * believed: its numbers cannot be checked without the state of before. NULL: yes.
     */
    int (*settle)(void *arg, const unsigned char state[32], bool again);
    void *arg;
    unsigned char digest[32]; /* out: of the next model */
    bool fresh;               /* out: there was no state, the velocity began at zero */
    int64_t round;            /* out: that the model came out of; 0: the first, or unknown */
};

/*
 * Take the step of S (rule, lr, momentum, plan and pool are the caller's). 0, or -1 with an error,
 * and then no output exists.
 */
FL_MUST int fl_step_take(struct fl_server_step *s, struct fl_step_files *files);

#endif
