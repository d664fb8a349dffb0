/*
 * A roster whose every line was checked: who takes part, and everything that changes a sum.
 *
 * People agree on a YAML file (conf/roster_file.h). Its canonical form is stream metadata
 * (fl_meta_encode) with the defaults filled in, and RD = H(-; "fl1.roster"; LE64 length, canonical
 * bytes) names it. The hub carries the canonical form in every plan, so both ways in lead through
 * fl_roster_decode. A key that this version does not know is refused, since it could not be kept.
 *
 * Parties are numbered: sites 0 .. n-1 in the roster's order, then the helpers that are no sites,
 * in its order; the hub is FL_SIGNER_HUB. n sites, m helpers.
 *
 * Arithmetic: a value u of a tensor under a rule of BITS and CLIP counts as the integer
 * clip(u, +-CLIP) * q * scale to nearest, with q = weight / cap <= 1 and scale the largest power of
 * two with which no sum of all sites can wrap: n * ceil(CLIP * scale) <= 2^(BITS-1) - 1.
 */
#ifndef FL_SEC_ROSTER_H
#define FL_SEC_ROSTER_H

#include "base/buf.h"
#include "base/must.h"
#include "conf/roster_file.h"
#include "flt/format.h"
#include "sec/identity.h"
#include "sec/roster_noise.h"
#include "sec/sign.h"

enum {
    FL_SITES_MIN = 3,
    FL_SITES_MAX = 10000,
    FL_HELPERS_MIN = 2,
    FL_HELPERS_MAX = 16,
    FL_STEPS_MIN = 16,     /* the least that a roster may ask for of a resolution */
    FL_HE_SITES_MAX = 256, /* with tensors of protection he */
    FL_HE_HELPERS_MAX = 15,
    FL_ROSTER_MAX = 8 << 20 /* bytes of the canonical form */
};

enum fl_protection {
    FL_PROTECTION_PAIRWISE,
    FL_PROTECTION_HELPERS,
    FL_PROTECTION_NONE /* the hub reads every update */
};

enum fl_protect {
    FL_PROTECT_MASK,   /* the hub sees sums only */
    FL_PROTECT_PLAIN,  /* the hub sees each site's values */
    FL_PROTECT_FROZEN, /* is not trained and does not travel */
    FL_PROTECT_HE      /* the hub sees sums only, if no site helps it: encrypted (fl-protocol(7)) */
};

struct fl_tensor_rule {
    char *match; /* a pattern (base/glob.h); the first that matches a tensor's name is its rule */
    enum fl_protect protect;
    unsigned bits; /* of a lane: 8 to 32, or 64; 0 for frozen, and with protection none */
    double clip;
    double scale; /* a power of two; computed; with noise of helpers by fl_plan_layout */
};

/*
 * What a site counts, before it is clamped into [floor, cap] (NaN, zero and less: floor). |D| its
 * tokens, n its examples, L its loss before training, B its own bandwidth in Mbit/s:
 *     uniform 1       examples n / unit       loss L
 *     dynamic L / ((|D| / tokens) * (B / mbit)^alpha)
 */
struct fl_weight_policy {
    enum fl_weight_rule rule;
    double floor, cap, alpha, tokens, mbit, unit;
    bool hide; /* the rule of sets covers all bases of the epoch */
};

struct fl_roster { /* a zeroed struct is empty */
    char federation[FL_SITE_MAX + 1];
    int64_t epoch, first_round;
    bool psk;        /* a pre-shared secret is in every chain's root */
    bool seen;       /* FL_ROSTER_SEEN says that its lines' signatures were looked at before */
    bool contracted; /* every update's text is harmonized by the contract of this digest: */
    unsigned char contract[32];
    unsigned char model[32]; /* digest of the object that the first round starts from */
    enum fl_apply_rule apply;
    double lr, momentum;
    size_t n, party_count; /* sites; and with them helpers that are none */
    struct fl_line *parties;
    struct fl_line hub;
    enum fl_protection protection;
    size_t m, replay_count;
    uint32_t helpers[FL_HELPERS_MAX]; /* parties */
    uint32_t *replay;                 /* parties: who recomputes each mean and signs for it */
    int64_t min_sum;                  /* fewest sites in a sum that is opened */
    struct fl_weight_policy weights;
    size_t rule_count;
    struct fl_tensor_rule *rules;
    double steps, move;
    struct fl_noise_policy noise;
    int64_t max_open, max_skip, max_age;
    int64_t delay, stale;    /* how rounds follow each other: sec/pace.h */
    struct fl_recipe recipe; /* how sites train, steps set; nothing is set where none is agreed */
    bool encrypts;           /* some tensor has protection he */
    unsigned char (*he)[32]; /* (m) roots of the helpers' keys (sec/he_line.h); NULL: none */
    struct fl_buf canonical;
    unsigned char digest[32]; /* RD */
};

void fl_roster_release(struct fl_roster *r);

/*
 * Read YAML, or the canonical form, and check all of it (fl_roster_check). On -1 R is released:
 * FL_USAGE for what people should write in another way, with numbers that would do, FL_REFUSED for
 * a bad signature, and for keys and names that are there twice.
 */
FL_MUST int fl_roster_read(struct fl_roster *r, const char *path);
FL_MUST int fl_roster_from_conf(struct fl_roster *r, const struct fl_roster_conf *conf);
FL_MUST int fl_roster_decode(struct fl_roster *r, const void *data, size_t len);

/*
 * What the numbers mean together: parties, least sums, shares, resolution; sets the rules' scales.
 * -1 (FL_USAGE). fl_roster_decode calls it.
 */
FL_MUST int fl_roster_check(struct fl_roster *r);

/* As people write them: "pairwise", "mask". */
const char *fl_protection_name(enum fl_protection protection);
const char *fl_protect_name(enum fl_protect protect);

/* The party of this name or signing key; FL_SIGNER_HUB for the hub's; -1 when there is none. */
int64_t fl_roster_find(const struct fl_roster *r, const char *name);
int64_t fl_roster_find_key(const struct fl_roster *r, const unsigned char sign[32]);

/* Record that NAME is no party, and the nearest one (FL_USAGE): always -1. */
int fl_roster_no_party(const struct fl_roster *r, const char *name);

/* The line of a party or the hub; NULL for another number. */
const struct fl_line *fl_roster_line(const struct fl_roster *r, uint32_t party);

/* The number of PARTY among the helpers, or -1. Is it named under replay? */
FL_MUST int fl_roster_helper(const struct fl_roster *r, uint32_t party);
bool fl_roster_replays(const struct fl_roster *r, uint32_t party);

/* The rule of the tensor of this name, or NULL when none matches. */
const struct fl_tensor_rule *fl_roster_rule(const struct fl_roster *r, const char *name);

/* The largest power of two that is a scale for N sites, or 0 when there is none. */
double fl_roster_scale(size_t n, unsigned bits, double clip);

/*
 * Steps in which a site of the least weight that the roster has says a value of size CLIP:
 * clip * scale * floor / cap. Below STEPS of the roster small sites would vanish in rounding.
 */
double fl_roster_steps(const struct fl_roster *r, const struct fl_tensor_rule *rule);

/* Sign an object of KIND and DIGEST as SIGNER, whose key KEY is. */
void fl_roster_sign(const struct fl_roster *r, uint32_t signer, const struct fl_key *key,
                    const char *kind, const unsigned char digest[32], struct fl_sign *sign);

/* -1 (FL_REFUSED) unless SIGN is a member's of this roster for that object. Names no file. */
FL_MUST int fl_roster_check_sign(const struct fl_roster *r, const char *kind,
                                 const unsigned char digest[32], const struct fl_sign *sign);

/* The signatures of one object, as a reader hands them out one by one. */
struct fl_verifier {
    const struct fl_roster *roster; /* NULL: judge nothing */
    const char *kind;               /* of the object, and its digest */
    unsigned char digest[32];
    size_t count; /* signatures that held; begins at 0 */
};

/* ARG is a struct fl_verifier: fl_roster_check_sign, counted. */
FL_MUST int fl_verifier_check(void *arg, const struct fl_sign *sign);

/* -1 (FL_REFUSED), naming FILE, when there is a roster and the object had no signature. */
FL_MUST int fl_verifier_end(const struct fl_verifier *v, const char *file);

#endif
