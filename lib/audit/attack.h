/*
 * Attacks on a model that measure what it tells of the texts it was trained on.
 */
#ifndef FL_AUDIT_ATTACK_H
#define FL_AUDIT_ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "cli/report.h"
#include "nn/bundle.h"
#include "nn/evaluate.h"

#define FL_ATTACK_CHOICES "membership|canary"

/* Does what was given go together? -1 (FL_USAGE) with what the attack needs. */
FL_MUST int fl_attack_check(const char *attack, size_t members, size_t others, size_t canaries,
                            bool reference);

struct fl_attack_files {
    const char *const *paths;
    size_t count;
};

struct fl_attack {
    const char *name; /* of FL_ATTACK_CHOICES */
    const struct fl_bundle *target;
    struct fl_evaluator *evaluator; /* of the target; batch and length are those it was made for */
    struct fl_pool *pool;
    int64_t batch, length;
    const char *reference; /* file of a model that was trained on neither; NULL: none */
    struct fl_attack_files members, others, canaries;
    bool each; /* a row for each document or canary, else one in all */
    bool json;
};

/*
 * Run it; rows go to FD, whose name is NAME, when all are known. 0 or -1.
 *
 * Membership: the documents of the shards MEMBERS were trained on, those of OTHERS were not. A
 * document's score is -loss, its mean over at most the evaluator's length of tokens; with a
 * reference, the loss of that less the target's: what is common to both is easy, not remembered.
 *
 * Canary: of each question of multiple choice in CANARIES (nn/choices.h) the answer was planted in
 * the training text, all others were not. Exposure is that of the answer among its rivals.
 */
FL_MUST int fl_attack_run(const struct fl_attack *a, int fd, const char *name);

#endif
