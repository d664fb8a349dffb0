/*
 * What a key must remember, in the folder KEY.state: the chains with its peers, the rounds that it
 * has masked or planned, the bases that were used. Forgetting any of it would let one mask protect
 * two updates, so a key that has a roster and no state is refused.
 *
 * Invariants
 *   1. The file "state" is replaced in one atomic step, flushed, under the folder's lock.
 *   2. NEXT never goes back; chains are those of round NEXT; older ones exist nowhere.
 *   3. A round below NEXT is in ROUNDS with its whole upload kept beside the state, or is lost.
 *   4. An upload leaves only after the state that records it is durable.
 *   5. The section in force is the one that the key file names. While a roster is being accepted
 *      there are two: first the state gets the new section, then the key names it, then the state
 *      drops the old one. A crash leaves the old or the new one in force, never none.
 *
 *      key:   old ------------------> new            state:  old --> old+new ----------> new
 */
#ifndef FL_SEC_STATE_H
#define FL_SEC_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "os/folder.h"
#include "sec/identity.h"
#include "sec/pair.h"
#include "sec/roster.h"

struct fl_section { /* what belongs to one accepted roster */
    unsigned char roster[32];
    char federation[FL_SITE_MAX + 1];
    int64_t epoch;
    uint32_t index, n;        /* own index (FL_SIGNER_HUB: the hub), number of sites */
    uint64_t next;            /* round that the chains are at */
    unsigned char reveal[32]; /* what the line's commitment opens to */
    bool has_terms;
    unsigned char terms[32]; /* fl_plan_terms of the first round that was masked */
    unsigned char *chains;   /* (n, 32) in secret memory, the own row zero; NULL for the hub */
};

struct fl_round { /* an upload that was made, and is kept for sending again */
    unsigned char roster[32];
    int64_t epoch;
    uint64_t round;
    unsigned char sid[32], input[32], root[32]; /* session, digests of the update and the upload */
};

struct fl_used_base {
    unsigned char base[32], use[32]; /* fl_plan_use of the plan that used it */
};

struct fl_signed_plan {
    unsigned char roster[32];
    uint64_t round;
    unsigned char digest[32];
};

struct fl_state { /* in secret memory */
    struct fl_folder folder;
    unsigned char key[32]; /* whose: its Ed25519 public key */
    uint64_t ctr;          /* uploads made so far, and the digest of the last one: */
    unsigned char prev[32];
    size_t section_count;
    struct fl_section section[2]; /* the one in force is first */
    size_t round_count, round_cap, base_count, base_cap, plan_count, plan_cap;
    struct fl_round *rounds; /* oldest first */
    struct fl_used_base *bases;
    struct fl_signed_plan *plans;
};

/* The state folder of a key file: DIR if that is not NULL, else the one beside it. free() it. */
char *fl_state_dir(const char *key_path, const char *dir);

/*
 * Open the state of KEY in the folder DIR, locked until fl_state_free. NULL with an error:
 * FL_REFUSED when the key has no roster yet, or has one and its state is missing or another's.
 */
struct fl_state *fl_state_open(const char *dir, const struct fl_key *key);
void fl_state_free(struct fl_state *s); /* wipes; NULL is fine */

/*
 * Take ROSTER into force for KEY, whose file is KEY_PATH: derive the chains from its X25519 secret
 * (and PSK, 32 bytes, or NULL), then replace that secret by a fresh one for the next epoch. KEY is
 * then the new key. Accepting the roster in force again changes nothing and sets *ALREADY. Refuses
 * (FL_REFUSED) a roster that does not hold the key's own line, an older epoch, another federation;
 * FL_USAGE when a site gives a PSK and the roster has none, or the other way round. Afterwards
 * chains of earlier rosters exist no more.
 */
int fl_state_accept(const char *dir, struct fl_key *key, const char *key_path,
                    const struct fl_roster *roster, const unsigned char *psk, bool *already);

/* The round's record under that roster, or NULL. */
const struct fl_round *fl_state_round(const struct fl_state *s, const unsigned char roster[32],
                                      uint64_t round);

/* -1 (FL_REFUSED) unless next <= ROUND < next + MAX_SKIP. */
int fl_state_admit(const struct fl_state *s, uint64_t round, int64_t max_skip);

/* -1 (FL_REFUSED) when BASE was used in another way than USE (sec/plan.h). */
int fl_state_check_base(const struct fl_state *s, const unsigned char base[32],
                        const unsigned char use[32]);

/* -1 (FL_REFUSED) when rounds of the roster in force were masked under other TERMS (sec/plan.h). */
int fl_state_check_terms(const struct fl_state *s, const unsigned char terms[32]);

/* Move the chains to ROUND, in memory only. Cost: one hash a round and peer. */
void fl_state_step_to(struct fl_state *s, uint64_t round);

/* The key shared with site J for the round that the chains are at. */
void fl_state_pair_key(const struct fl_state *s, uint32_t j, const unsigned char sid[32],
                       unsigned char k[FL_PAIR_KEY]);

/* What a round's plan was, for the rules about later ones. */
struct fl_precedent {
    unsigned char base[32], use[32], terms[32];
};

/* Record an upload and its precedent, pass its round, and save: one atomic step. */
int fl_state_commit_round(struct fl_state *s, const struct fl_round *round,
                          const struct fl_precedent *plan);

/* Forget all rounds but the last KEEP, and save. */
int fl_state_drop_rounds(struct fl_state *s, size_t keep);

/*
 * For the hub: record that this plan was signed, and save. -1 (FL_REFUSED) when another one was
 * signed for that round; the same one again is fine.
 */
int fl_state_commit_plan(struct fl_state *s, uint64_t round, const unsigned char digest[32]);

#endif
