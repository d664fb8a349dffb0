/*
 * What a key must remember, in the folder KEY.state. Forgetting any of it would let one mask
 * protect two updates, or one helper answer for two sets, so a key that has a roster and no state
 * is refused.
 *
 * A party is a site, a helper, both, or the hub; each uses its part of the state. Digests of
 * private things (updates, models that were masked over) are keyed hashes: a thief of the disk who
 * guesses what they might be cannot confirm it.
 *
 * Invariants
 *   1. The file "state" is replaced in one atomic step, flushed, under the folder's lock.
 *   2. NEXT of a chain never goes back; chains are those of round NEXT; older ones exist nowhere.
 * Of passed rounds a helper keeps the round keys of those that are open, the newest max_open.
 *   3. A round below NEXT is in UPLOADS with its whole upload kept beside the state, or is lost.
 *   4. An upload or an answer leaves only after the state that records it is durable, and after the
 * key file counts it.
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

#include "base/must.h"
#include "os/folder.h"
#include "sec/he_key.h"
#include "sec/identity.h"
#include "sec/near.h"
#include "sec/pair.h"
#include "sec/roster.h"
#include "sec/spent.h"

/* A passed round that a helper may still answer. */
struct fl_open_round {
    uint64_t round;
    unsigned char *keys;              /* (n, 32) in secret memory: hk of each site */
    unsigned char noise[FL_PAIR_KEY]; /* that of the round, where the section is NOISY */
    unsigned char he[32]; /* the own key of encryption, where there is one (sec/he_key.h) */
};

struct fl_state_he {       /* the keys that a helper shows, one a round (sec/he_key.h) */
    uint64_t first;        /* round of the epoch's first */
    unsigned char hs[32];  /* the chain at DOWN_NEXT */
    unsigned char *leaves; /* (FL_HE_ROUNDS, 32); NULL: no tensor is encrypted */
};

struct fl_helper_now { /* the model that a helper has itself come to */
    bool known;        /* its numbers too; else only its object, from the roster */
    unsigned char object[32], params[32], velocity[32];
    bool has_velocity;
    bool coming; /* a step wrote this velocity, which may be in place already: */
    unsigned char next_velocity[32];
};

struct fl_section { /* what belongs to one accepted roster */
    unsigned char roster[32];
    char federation[FL_SITE_MAX + 1];
    int64_t epoch;
    uint32_t party; /* own number; FL_SIGNER_HUB: the hub */
    double mbit;    /* the own bandwidth, which a site sets for the epoch; 0: none was given */
    bool helpers;   /* not pairwise: chains with each of M helpers; of plain rounds there are 0 */
    uint32_t n, m;
    uint64_t up_next;    /* round that the sender's chains are at */
    uint64_t down_next;  /* and the helper's */
    uint32_t up_count;   /* n (pairwise, the own row zero) or m; 0 when it is no site */
    unsigned char *up;   /* (up_count, 32) in secret memory */
    unsigned char *down; /* (n, 32) in secret memory: chains of a helper; NULL: none */
    bool noisy;          /* a helper under noise of helpers: */
    unsigned char noise[FL_PAIR_KEY]; /* its chain, at DOWN_NEXT */
    size_t open_count;
    struct fl_open_round open[16]; /* max_open at most, oldest first */
    struct fl_helper_now now;      /* of a helper */
    struct fl_state_he he;         /* likewise */
};

struct fl_made { /* an upload or an answer that was made, and is kept for sending again */
    unsigned char roster[32];
    int64_t epoch;
    uint64_t round;
    unsigned char sid[32], input[32], root[32];
    /* session; what it was made of (a keyed digest of the values, or the set); digest of it */
};

struct fl_masked_over {       /* a model whose updates were masked */
    unsigned char params[32]; /* keyed */
    int64_t epoch;            /* the last one in which it was */
    uint64_t times;           /* in that epoch */
    unsigned char input[32];  /* the keyed digest of what was masked over it first */
};

struct fl_count { /* messages of one kind that were made so far */
    uint64_t ctr;
    unsigned char prev[32]; /* digest of the last; zeros before the first */
};

struct fl_signed_plan {
    unsigned char roster[32];
    uint64_t round;
    unsigned char digest[32];
    unsigned char object[32]; /* its base */
    bool asked;
    unsigned char set[32]; /* SD that was asked for */
};

struct fl_member { /* what the hub counted last of a key */
    unsigned char key[32];
    struct fl_counted upload, answer;
};

struct fl_state { /* in secret memory */
    struct fl_folder folder;
    unsigned char key[32];    /* whose: its Ed25519 public key */
    unsigned char hidden[32]; /* key of keyed digests */
    size_t section_count;
    struct fl_section section[2]; /* the one in force is first */

    struct fl_count uploads, answers;
    size_t upload_count, upload_cap, answer_count, answer_cap, masked_count, masked_cap;
    struct fl_made *upload, *answer; /* oldest first */
    struct fl_masked_over *masked;

    struct fl_spent_mark ledger; /* how far the ledger of the text was; zeros: there is none */

    struct fl_near near; /* of a helper, or the hub's own list */

    size_t plan_count, plan_cap, member_count, member_cap;
    struct fl_signed_plan *plans; /* the hub's */
    struct fl_member *members;    /* of the hub: what it counted, over all epochs */
};

/* The state folder of a key file: DIR if that is not NULL, else the one beside it. free() it. */
char *fl_state_dir(const char *key_path, const char *dir);

/*
 * Open the state of KEY in the folder DIR, locked until fl_state_free. NULL with an error:
 * FL_REFUSED when the key has no roster yet, or has one and its state is missing, another's, or an
 * old copy that knows of fewer uploads or answers than the key.
 */
struct fl_state *fl_state_open(const char *dir, const struct fl_key *key);
void fl_state_free(struct fl_state *s); /* wipes; NULL is fine */

/* Write all of it, durably and in one step. */
FL_MUST int fl_state_save(const struct fl_state *s);

/*
 * Take ROSTER into force for KEY, whose file is KEY_PATH: derive the chains from its X25519 secret
 * (and PSK, 32 bytes, or NULL), then replace that secret by a fresh one for the next epoch. KEY is
 * then the new key. Accepting the roster in force again sets *ALREADY, and changes nothing but that
 * a helper sees MODEL, if it is given. Refuses (FL_REFUSED) a roster that does not hold the key's
 * own line, an older epoch, another federation; FL_USAGE when a site gives a PSK and the roster has
 * none, or the other way round. MODEL: the roster's model, for a helper that served an earlier
 * epoch with another one (FL_USAGE without it), else NULL. Afterwards chains of earlier rosters
 * exist no more.
 */
struct fl_acceptance {
    const char *dir, *key_path;
    struct fl_key *key;
    const struct fl_roster *roster;
    const unsigned char *psk;
    double mbit; /* 0: the roster's own unit */
    struct fl_object *model;
    bool already; /* out */
};
FL_MUST int fl_state_accept(struct fl_acceptance *a);

/*
 * The roster in force, canonical, as it was accepted: into R. -1 with an error, or 1 when there is
 * none.
 */
FL_MUST int fl_state_roster(const char *dir, const struct fl_key *key, struct fl_roster *r);

/* What PLAN is of: FL_REFUSED unless its roster is the one in force and KEY its party. */
FL_MUST int fl_state_check_plan(const struct fl_state *s, const struct fl_key *key,
                                const struct fl_plan *plan);

/* H(hidden; LABEL; 32 bytes): a digest that only this state can compare. */
void fl_state_hide(const struct fl_state *s, const char *label, const unsigned char in[32],
                   unsigned char out[32]);

/*
 * The hub's record of PARTY (PLACE: its place in plan->last) must not be ahead of the own one: else
 * this is an old copy, or another copy has sent (FL_REFUSED). WHAT: "upload" or "answer".
 */
FL_MUST int fl_state_check_last(const struct fl_count *own, const struct fl_counted *last,
                                const char *what);

/* ---- a site ---- */

/* The record of a round under that roster, or NULL. */
const struct fl_made *fl_state_made(const struct fl_made *made, size_t count,
                                    const unsigned char roster[32], uint64_t round);

/* -1 (FL_REFUSED) unless NEXT <= ROUND < NEXT + MAX_SKIP. */
FL_MUST int fl_state_admit(uint64_t next, uint64_t round, int64_t max_skip);

/*
 * May updates of the model of these PARAMS be masked in a new round? -1 (FL_REFUSED) when they were
 * in an older epoch, or in this one MAX_OPEN times already.
 */
FL_MUST int fl_state_check_masked(const struct fl_state *s, const unsigned char params[32],
                                  int64_t max_open);

/* What was masked over the model of these PARAMS first (the INPUT of fl_made), or NULL. */
const unsigned char *fl_state_masked_input(const struct fl_state *s,
                                           const unsigned char params[32]);

/* Move the sender's chains to ROUND, in memory only. Cost: one hash a round and peer. */
void fl_state_step_up(struct fl_state *s, uint64_t round);

/*
 * The key k that is shared with PEER (pairwise: a site; else a helper's number, PARTY its party)
 * for the round that the chains are at.
 */
void fl_state_up_key(const struct fl_state *s, uint32_t peer, uint32_t party,
                     const unsigned char sid[32], unsigned char k[FL_PAIR_KEY]);

/* Let KEY's file count what the state knows, after a crash between the two. 0 or -1. */
FL_MUST int fl_state_count_in_key(const struct fl_state *s, struct fl_key *key,
                                  const char *key_path);

/* Record an upload over PARAMS, pass its round, and save; then let KEY's file count it. */
FL_MUST int fl_state_commit_upload(struct fl_state *s, const struct fl_made *made,
                                   const unsigned char params[32], struct fl_key *key,
                                   const char *key_path);

/* Forget all uploads (answers) but the last KEEP, and save. */
FL_MUST int fl_state_drop_made(struct fl_state *s, bool answers, size_t keep);

/* ---- a helper ---- */

/*
 * Move the helper's chains past ROUND, keeping keys of the newest MAX_OPEN of the rounds passed, in
 * memory only.
 */
FL_MUST int fl_state_step_down(struct fl_state *s, uint64_t round, int64_t max_open);

/* The keys (n, 32) of an open round, or NULL. */
const unsigned char *fl_state_open_keys(const struct fl_state *s, uint64_t round);

/* The key of the noise of an open round for the set SD; -1 (FL_REFUSED) when it is not open. */
FL_MUST int fl_state_noise_key(const struct fl_state *s, uint64_t round,
                               const unsigned char sid[32], const unsigned char set[32],
                               unsigned char key[FL_PAIR_KEY]);

/* The key of encryption of a round that is open or still to come, into RK. -1 (FL_REFUSED). */
FL_MUST int fl_state_he_key(const struct fl_state *s, uint64_t round, unsigned char rk[32]);

/* k shared with SITE in an open round whose KEYS these are. */
void fl_state_down_key(const struct fl_state *s, const unsigned char *keys, uint32_t site,
                       const unsigned char sid[32], unsigned char k[FL_PAIR_KEY]);

/* Wipe the keys of an open round (ROUND), or of all of them, in memory only. */
void fl_state_close_round(struct fl_state *s, uint64_t round);
void fl_state_close_all(struct fl_state *s);

/* Record an answer, wipe its round's keys, and save; then let KEY's file count it. */
FL_MUST int fl_state_commit_answer(struct fl_state *s, const struct fl_made *made,
                                   struct fl_key *key, const char *key_path);

/* ---- the hub ---- */

/* The plan that was signed for a round of the roster in force, or NULL. */
struct fl_signed_plan *fl_state_plan(const struct fl_state *s, uint64_t round);

/* What was counted last of the roster's sites and helpers: into LAST (n + m), as plans have it. */
void fl_state_last(const struct fl_state *s, const struct fl_roster *r, struct fl_counted *last);

/* Count an upload (or an answer) of the member of KEY, in memory only; an older one is left out. */
FL_MUST int fl_state_count(struct fl_state *s, const unsigned char key[32], bool answer,
                           const struct fl_counted *counted);

/*
 * Record that this plan was signed, and save. -1 (FL_REFUSED) when another one was signed for that
 * round; the same one again is fine.
 */
FL_MUST int fl_state_commit_plan(struct fl_state *s, const struct fl_plan *plan);

#endif
