/*
 * Helpers and a hub that says anything: one answer a round, and no sets that single sites out.
 *
 * A helper is lib/fed/answer.c, lib/fed/replay.c and lib/sec/{state*,near,set}.c: its key file, the
 * file "state", the kept answers, and the order in which they are written. The hub and all other
 * helpers are the adversary: they show any plan (any round, any model that there is, several plans
 * of one round) and any request, over any of the sites, any number of times; what left a helper is
 * known at once, so losing, doubling and reordering messages gives them nothing more. A sum counts
 * as opened when one honest helper has answered: the others are the adversary's. Their answers are
 * too, so it chooses what comes of a sum, and with it how near the next model is to each one before
 * (NEAR: any symmetric relation, which holds more than any distance could do).
 *
 * HELPERS of them are modelled. Nothing passes from one honest helper to another but through the
 * adversary, who has at all times what they could say; so each is safe for itself, and 1 is
 * enough; the cases with 2 are there to be seen.
 *
 * Sites are what site.pml shows of them (P_ONE, P_BASE, P_EPOCH), and otherwise willing: each has
 * uploaded in every session that the hub wants. Nothing tells one site from another but the sets
 * that it is in, and nothing one helper from another but its state; so after each step sites and
 * helpers are renamed (sets_first_alike), and of states that differ in names alone one is searched.
 * EACH_SITE leaves the names: it must come to the same. What is refused changes nothing, so requests
 * that a helper refuses for their epoch or their model, or because the round was answered for
 * another set, are not drawn. The kept answer is no variable: it is sent only if its digest is the recorded
 * one, so what is sent again is what was recorded. Places of crashes are choices within a step, as
 * site.pml argues. There is one process, so partial orders reduce nothing.
 *
 *     P_TWO     of one round of an epoch one set's answer leaves
 *     P_CLASS   of all answers that left over models near each other: each class has MIN sites, and
 *               no sum of them with factors shows fewer (computed, not by classes)
 *     P_NEAR    of all answers that left, over whatever models: no sum of them with factors shows
 *               fewer than MIN sites, when of each other site what is added is cancelled by what is
 *               subtracted over a model near to it. This asks more than P_CLASS: three models, of
 *               which the second is near to the first and to the third, and these are not near
 *     P_FOLLOW  an answer is over the epoch's first model, or one that the helper came to in it
 *     P_WIPE    when an answer leaves, the keys of its round and of the epoch before are gone
 *
 * Switches: RESTORE (a copy of the state may take its place at any time), RESTORE_KEY (of the key),
 * NEW_HELPER (the honest helper of epoch 2 is another one, who knows no sets), and the rules
 * that can be taken out, each where it stands.
 */
#ifndef N
#define N 4
#endif
#ifndef MIN
#define MIN 2
#endif
#ifndef HELPERS
#define HELPERS 1
#endif
#ifndef LATER
#define LATER 1 /* rounds of epoch 2 */
#endif
#ifndef BASES
#define BASES 4 /* models in one run */
#endif
#ifndef PLANS
#define PLANS 1 /* of one round over one model; a second one is one more set that is another */
#endif
#ifndef ROUNDS
#define ROUNDS 2 /* of epoch 1 */
#endif
#define SLOTS (ROUNDS + LATER)
#define MAX_OPEN 2
#define SLOT(h, e, r) ((h) * SLOTS + (e) * ROUNDS + (r))
#define BIT(x) (1 << (x))
#define SET(u, b, v) ((u) + ((b) << 5) + ((v) << 8)) /* a set of a session; 0: none */
#define NONE 7
#ifdef PLAIN /* no crash and no --close: for the rule of sets alone, with more sites */
#define CRASH false
#else
#define CRASH true
#endif

c_decl {
    extern int sets_keep(const short *sets, int count);
    extern int sets_single_out(const short *sets, int count);
    extern void sets_first_alike(void);
    extern int sets_drawn(int set);
}
c_code {
    /* Sites with one pattern of in and out are a class; in any set, it has MIN sites or more. */
    int sets_keep(const short *sets, int count)
    {
        for (int i = 0; i < N; i++) {
            int in = 0, alike = 0;
            for (int s = 0; s < count; s++)
                in |= sets[s] >> i & 1;
            for (int j = 0; in && j < N; j++) {
                int same = 1;
                for (int s = 0; s < count; s++)
                    same &= (sets[s] >> i & 1) == (sets[s] >> j & 1);
                alike += same;
            }
            if (in && alike < MIN)
                return 0;
        }
        return 1;
    }
    /*
     * Is there a sum with factors in which 1 to MIN - 1 sites are left? The fewest are left by
     * factors that are minors of the matrix of sets; of at most 4 sets those are -2 .. 2.
     */
    int sets_single_out(const short *sets, int count)
    {
        int all = 1;
        for (int s = 0; s < count; s++)
            all *= 5;
        for (int c = 0; c < all; c++) {
            int left = 0;
            for (int i = 0; i < N; i++) {
                int sum = 0, f = c;
                for (int s = 0; s < count; s++, f /= 5)
                    sum += (f % 5 - 2) * (sets[s] >> i & 1);
                left += sum != 0;
            }
            if (left && left < MIN)
                return 1;
        }
        return 0;
    }
    static int near_truly(int a, int b)
    {
        return a == b || now.near[a] >> b & 1;
    }
    /*
     * One site's update, COUNT times with factors F over models B: do they cancel, when only those
     * over models that are near each other are alike? By Hall: what is added over any choice of
     * them finds enough that is subtracted over models near to one of those.
     */
    static int cancel(const int *f, const int *b, int count)
    {
        int total = 0;
        for (int s = 0; s < count; s++)
            total += f[s];
        for (int choice = 0; choice < 1 << count && !total; choice++) {
            int added = 0, subtracted = 0;
            for (int s = 0; s < count; s++) {
                if (f[s] > 0 && choice >> s & 1)
                    added += f[s];
                int reached = 0;
                for (int t = 0; t < count; t++)
                    reached |= f[t] > 0 && choice >> t & 1 && near_truly(b[s], b[t]);
                if (f[s] < 0 && reached)
                    subtracted -= f[s];
            }
            if (added > subtracted)
                return 0;
        }
        return !total;
    }
    /* Is there a sum with factors of all that left, and SET, that shows 1 to MIN - 1 sites? */
    static int shown_by_near(int h, int set, int base)
    {
        int sets[SLOTS + 1], bases[SLOTS + 1], count = 0, all = 1;
        for (int s = 0; s < SLOTS; s++)
            if (now.left[h * SLOTS + s]) {
                sets[count] = now.left[h * SLOTS + s] & 31;
                bases[count++] = now.left_over[h * SLOTS + s];
            }
        sets[count] = set & 31;
        bases[count++] = base;
        for (int s = 0; s < count; s++)
            all *= 5;
        for (int c = 0; c < all; c++) {
            int left = 0;
            for (int i = 0; i < N && left < MIN; i++) {
                int f[SLOTS + 1], k = c;
                for (int s = 0; s < count; s++, k /= 5)
                    f[s] = (k % 5 - 2) * (sets[s] >> i & 1);
                left += !cancel(f, bases, count);
            }
            if (left && left < MIN)
                return 1;
        }
        return 0;
    }
    static int near_to_helper(int h, int a, int b)
    {
        if (a == b)
            return 1;
#ifdef NO_NEAR
        return 0;
#endif
        if (!(now.sketched[h] >> a & 1) || !(now.sketched[h] >> b & 1))
#ifdef NO_UNSKETCHED
            return 0;
#else
            return 1;
#endif
        return near_truly(a, b);
    }
    /* The models whose sets count, as bits: near to BASE, or to one of these. */
    static int counting(int h, int base)
    {
        int bits = 0, before = -1;
        for (int b = 0; b < BASES; b++)
            if (near_to_helper(h, b, base))
                bits |= 1 << b;
#ifndef NO_CLOSURE
        while (bits != before) {
            before = bits;
            for (int s = 0; s < SLOTS; s++) {
                int via = now.made[h * SLOTS + s] >> 5 & 7;
                if (!now.made[h * SLOTS + s] || !(bits >> via & 1))
                    continue;
                for (int b = 0; b < BASES; b++)
                    if (near_to_helper(h, b, via))
                        bits |= 1 << b;
            }
        }
#endif
        return bits;
    }
    /* The helper's rule: sets over models near this one, and the new one. */
    static int allowed(int h, int set)
    {
        short sets[SLOTS + 1], pair[2];
        int count = 0, kept = 1, bases = counting(h, set >> 5 & 7);
        for (int s = 0; s < SLOTS; s++) {
            int made = now.made[h * SLOTS + s];
            if (!made || !(now.recorded[h] >> s & 1) ||
                !(bases >> (made >> 5 & 7) & 1))
                continue;
#if defined(NEW_HELPER) || defined(NO_LIFE)
            if (now.k_epoch[h] == 1 && s < ROUNDS)
                continue;
#endif
            sets[count++] = made & 31;
        }
        sets[count++] = set & 31;
#ifdef NO_CLASSES
        for (int s = 0; s < count; s++) {
            pair[0] = sets[s];
            pair[1] = set & 31;
            kept &= sets_keep(pair, 2);
        }
        return kept;
#else
        return sets_keep(sets, count);
#endif
    }
    /* All choices of answers that left over models that are near in pairs, with the new one. */
    static int truly_allowed(int h, int set, int base)
    {
        for (int choice = 0; choice < 1 << SLOTS; choice++) {
            short sets[SLOTS + 1];
            int bases[SLOTS + 1], count = 0, together = 1;
            for (int s = 0; s < SLOTS; s++)
                if (choice >> s & 1) {
                    if (!now.left[h * SLOTS + s])
                        together = 0;
                    bases[count] = now.left_over[h * SLOTS + s];
                    sets[count++] = now.left[h * SLOTS + s] & 31;
                }
            bases[count] = base;
            sets[count++] = set & 31;
            for (int i = 0; i < count; i++)
                for (int j = 0; j < i; j++)
                    together &= near_truly(bases[i], bases[j]);
            if (together && (!sets_keep(sets, count) || sets_single_out(sets, count)))
                return 0;
        }
        return 1;
    }
    /* No site is in sums over one model in two epochs: it refuses the later one (P_EPOCH). */
    static int sites_willing(int h, int e, int set)
    {
        for (int s = 0; s < SLOTS; s++) {
            int other = now.left[h * SLOTS + s];
            if (other && (s >= ROUNDS) != e && (other >> 5 & 7) == (set >> 5 & 7) &&
                other & set & 31)
                return 0;
        }
        return 1;
    }
    /* All sets of a state, helper after helper in ORDER: what sites that are alike have alike. */
    enum { ROWS = 2 * HELPERS * SLOTS + SLOTS };
    static int rows_of(short **rows, const int *order)
    {
        int n = 0;
        for (int i = 0; i < HELPERS; i++)
            for (int s = order[i] * SLOTS; s < (order[i] + 1) * SLOTS; s++) {
                rows[n++] = &now.made[s];
                rows[n++] = &now.left[s];
            }
#ifdef RESTORE
        for (int s = 0; s < SLOTS; s++)
            rows[n++] = &now.b_made[s];
#endif
        return n;
    }
    /* In which of the sets site I is. */
    static unsigned column(short *const *rows, int n, int i)
    {
        unsigned bits = 0;
        for (int k = 0; k < n; k++)
            bits = bits << 1 | (*rows[k] >> i & 1);
        return bits;
    }
    /*
     * Of sites that are in the same sets a request names the first ones: any others would lead to
     * states that are the same with other names.
     */
    int sets_drawn(int set)
    {
        const int order[] = {0, 1};
        short *rows[ROWS];
        int n = rows_of(rows, order), first = 1;
#ifdef EACH_SITE
        return 1;
#endif
        for (int i = 1; i < N; i++)
            first &= column(rows, n, i - 1) != column(rows, n, i) || set >> (i - 1) & 1 ||
                     !(set >> i & 1);
        return first;
    }
    static void sort_down(unsigned *a, int n)
    {
        for (int i = 1; i < n; i++)
            for (int j = i; j > 0 && a[j - 1] < a[j]; j--) {
                unsigned t = a[j];
                a[j] = a[j - 1];
                a[j - 1] = t;
            }
    }
    /* What a helper's state has beside its sets, and as which the sites would be named with ORDER. */
    struct alike {
        unsigned char rest[HELPERS][13 + 3 * SLOTS];
        unsigned columns[N];
    };
    static void describe(struct alike *a, const int *order)
    {
        short *rows[ROWS];
        int n = rows_of(rows, order);
        memset(a, 0, sizeof *a);
        for (int i = 0; i < HELPERS; i++) {
            const int h = order[i];
            unsigned char *p = a->rest[i];
            *p++ = now.k_epoch[h], *p++ = now.k_ctr[h], *p++ = now.s_ctr[h];
            *p++ = now.sections[h], *p++ = now.came[h], *p++ = now.sketched[h];
            *p++ = now.next[2 * h], *p++ = now.next[2 * h + 1];
            *p++ = now.open[2 * h], *p++ = now.open[2 * h + 1];
            *p++ = now.chain[2 * h], *p++ = now.chain[2 * h + 1], *p++ = now.recorded[h];
            for (int s = h * SLOTS; s < (h + 1) * SLOTS; s++) {
                *p++ = now.made[s] >> 5;
                *p++ = now.left[s] >> 5;
                *p++ = now.left_over[s];
            }
        }
        for (int i = 0; i < N; i++)
            a->columns[i] = column(rows, n, i);
        sort_down(a->columns, N);
    }
#define EXCHANGE(array, each)                                                                      \
    for (int k = 0; k < (each); k++) {                                                             \
        int t = now.array[k];                                                                      \
        now.array[k] = now.array[(each) + k];                                                      \
        now.array[(each) + k] = t;                                                                 \
    }
    /*
     * What nothing reads makes no states: counters, where no copy comes back (the key's is only ever
     * set to the state's, so they never refuse); a sketch, where there is one model; the models that
     * a helper came to, but for P_FOLLOW.
     */
    static void forget_unread(int h)
    {
#if !defined(RESTORE) && !defined(RESTORE_KEY)
        now.k_ctr[h] = now.s_ctr[h] = 0;
#endif
#if BASES == 1
        now.sketched[h] = 0;
#endif
#ifndef P_FOLLOW
        now.chain[2 * h] = now.chain[2 * h + 1] = 0;
#endif
    }
    /*
     * Sites are alike, and so are helpers: of all states that are this one with other names for them
     * the search goes on with one. Sites are named in the order of their columns; of the two orders
     * of helpers that one is taken which is described by smaller numbers.
     */
    void sets_first_alike(void)
    {
        const int order[2][2] = {{0, 1}, {1, 0}};
        struct alike a[2];
        short *rows[ROWS];
        int n;
        for (int h = 0; h < HELPERS; h++)
            forget_unread(h);
#ifdef EACH_SITE
        return;
#endif
        describe(&a[0], order[0]);
#if HELPERS == 2 && !defined(RESTORE) && !defined(RESTORE_KEY)
        describe(&a[1], order[1]);
        if (memcmp(&a[1], &a[0], sizeof a[0]) < 0) {
            a[0] = a[1];
            EXCHANGE(k_epoch, 1) EXCHANGE(k_ctr, 1) EXCHANGE(s_ctr, 1) EXCHANGE(sections, 1)
            EXCHANGE(came, 1) EXCHANGE(sketched, 1) EXCHANGE(recorded, 1) EXCHANGE(next, 2)
            EXCHANGE(open, 2) EXCHANGE(chain, 2) EXCHANGE(made, SLOTS) EXCHANGE(left, SLOTS)
            EXCHANGE(left_over, SLOTS)
        }
#endif
        n = rows_of(rows, order[0]);
        for (int k = 0; k < n; k++) {
            short sites = 0;
            for (int i = 0; i < N; i++)
                sites |= (a[0].columns[i] >> (n - 1 - k) & 1) << i;
            *rows[k] = *rows[k] & ~31 | sites;
        }
    }
}

byte bases = 1;   /* models that there are; 0 is epoch 1's first */
byte near[8];     /* of each, a bit for each model that it is near to */
byte first = NONE; /* epoch 2's first model, when people have agreed on it */

/* Of each helper the key file, */
byte k_epoch[HELPERS], k_ctr[HELPERS];
/* the file "state": sections (a bit for each epoch), next, open rounds, answers made, */
byte sections[HELPERS], next[2 * HELPERS], open[2 * HELPERS], s_ctr[HELPERS];
short made[HELPERS * SLOTS];
/* the model that it came to, those with a sketch, and the sets that the list of sets has */
byte came[HELPERS], sketched[HELPERS], recorded[HELPERS];

/* A copy of the first helper's state, and of its key. */
#ifdef RESTORE
bool b_there;
byte b_sections, b_next[2], b_open[2], b_ctr, b_came, b_sketched, b_recorded;
short b_made[SLOTS];
#endif
#ifdef RESTORE_KEY
bool bk_there;
byte bk_epoch, bk_ctr;
#endif

/* What left, over whose updates, and to which models a helper came: for the assertions alone. */
short left[HELPERS * SLOTS];
byte left_over[HELPERS * SLOTS], chain[2 * HELPERS];

/* Of a run; zero between runs. */
byte h, e, r, b, v, u, i, slot, over, rows, opened;
short set;
bool ok, few, yes, willing;

inline open_state()
{
    e = k_epoch[h];
    ok = (sections[h] & BIT(e)) != 0;
#ifndef NO_KEY_COUNT
    ok = ok && s_ctr[h] >= k_ctr[h];
#endif
    if
    :: ok && sections[h] == 3 -> finish_accept()
    :: else
    fi
}

/* The state without the section that is not in force. */
inline finish_accept()
{
    sections[h] = BIT(k_epoch[h]);
    next[2 * h + 1 - k_epoch[h]] = 0;
    open[2 * h + 1 - k_epoch[h]] = 0;
#ifndef NO_NOW
    if
    :: k_epoch[h] == 1 -> came[h] = first
    :: else
    fi
#endif
}

inline send()
{
#ifdef P_TWO
    assert(left[slot] == 0 || left[slot] == set);
#endif
#ifdef P_FOLLOW
    assert((chain[2 * h + e] & BIT(b)) != 0);
#endif
#ifdef P_WIPE
    assert((open[2 * h + e] & BIT(r)) == 0 && next[2 * h + e] > r && sections[h] == BIT(e));
#endif
    if
    :: left[slot] == 0 ->
#ifdef P_CLASS
        c_code { now.yes = truly_allowed(now.h, now.set, now.over); };
        assert(yes);
#endif
#ifdef P_NEAR
        c_code { now.yes = !shown_by_near(now.h, now.set, now.over); };
        assert(yes);
#endif
        left[slot] = set;
        left_over[slot] = over
    :: else
    fi
}

/* One write of the file "state". */
inline save_answer()
{
    made[slot] = set;
#ifndef NO_SET_FIRST
    recorded[h] = recorded[h] | BIT(slot - h * SLOTS);
#endif
    s_ctr[h]++;
    next[2 * h + e] = (next[2 * h + e] > r -> next[2 * h + e] : r + 1);
#ifndef NO_WIPE
    opened = opened & ~BIT(r);
#endif
    open[2 * h + e] = opened
}

/* Chains pass R in memory; of the rounds passed the newest MAX_OPEN (all, with two) stay open. */
inline step_down()
{
    opened = open[2 * h + e];
    for (i : 0 .. r) {
        if
        :: i >= next[2 * h + e] -> opened = opened | BIT(i)
        :: else
        fi
    }
    i = 0
}

inline make_answer()
{
    if
    :: true -> /* the answer is kept */
#ifdef NO_STATE_FIRST
        send();
#endif
        if
        :: true -> save_answer();
#ifdef NO_KEY_FIRST
            send();
#endif
            if
            :: true -> k_ctr[h] = s_ctr[h];
                if
                :: true -> send();
#ifdef NO_SET_FIRST
                    if
                    :: true -> recorded[h] = recorded[h] | BIT(slot - h * SLOTS)
                    :: CRASH
                    fi
#endif
                :: CRASH
                fi
            :: CRASH
            fi
        :: CRASH
        fi
    :: CRASH
    fi
}

/* fl-unmask, of a round that was not answered: plan V of round R over model B, the sites of U. */
inline answer()
{
    set = SET(u, b, v);
    step_down();
    c_code {
        now.yes = allowed(now.h, now.set);
        now.willing = sites_willing(now.h, now.e, now.set);
    };
    if
#ifndef NO_SETS
    :: !yes /* 3 */
#endif
    :: (opened & BIT(r)) == 0 /* 3: its keys were wiped */
#if defined(NEW_HELPER) && !defined(NO_OLD_EPOCH)
    :: !willing /* there are no such uploads */
#endif
    :: else -> make_answer()
    fi
}

/* The same request again; the kept answer is sent if it is the recorded one. */
inline answer_again()
{
    set = made[slot];
    b = (set >> 5) & 7;
    over = left_over[slot];
    if
    :: left[slot] == 0 -> over = b
    :: else
    fi;
    if
    :: true -> k_ctr[h] = s_ctr[h];
        if
        :: true -> send()
        :: CRASH
        fi
    :: CRASH
    fi
}

/* A model that there was not before, near to whichever the adversary likes. */
inline new_model()
{
    b = bases;
    bases++;
    select (rows : 0 .. BIT(b) - 1);
    near[b] = rows;
    for (i : 0 .. b - 1) {
        if
        :: rows & BIT(i) -> near[i] = near[i] | BIT(b)
        :: else
        fi
    }
    i = 0
}

/* fl-unmask --advance, from a round that was answered over the model that it has come to. */
inline advance()
{
    slot = SLOT(h, e, r);
    if
    :: !ok || made[slot] == 0 || ((made[slot] >> 5) & 7) != came[h] /* 3 */
    :: else ->
        if
        :: bases < BASES -> new_model()
        :: select (b : 0 .. bases - 1)
        fi;
        sketched[h] = sketched[h] | BIT(came[h]) | BIT(b);
        came[h] = b;
        open[2 * h + e] = 0;
        chain[2 * h + e] = chain[2 * h + e] | BIT(b)
    fi
}

/* People agree on a model: any that there is, or a new one. */
inline agree()
{
    if
    :: first != NONE
    :: first == NONE && bases < BASES -> new_model(); first = b
    :: first == NONE -> select (b : 0 .. bases - 1); first = b
    fi;
    /* a state of before may come back: who knows which epoch 2 it was */
    chain[2 * h + 1] = chain[2 * h + 1] | BIT(first)
}

#ifdef NEW_HELPER
/* Where no helper stays, people take a model that is the same as one before, or far from all. */
#define FAR(x) (left[h * SLOTS] == 0 || !(near[x] & BIT(left_over[h * SLOTS]))) && \
               (left[h * SLOTS + 1] == 0 || !(near[x] & BIT(left_over[h * SLOTS + 1])))
#else
#define FAR(x) true
#endif

/*
 * fl-keygen --accept of epoch 2, in three writes. Its model becomes the one that the helper has come
 * to when its roster comes into force, with all else of it. NO_NOW: with the first write, while the
 * old roster is in force until the second.
 */
inline accept()
{
    if
    :: ok && e == 0 ->
        agree();
        if
        :: FAR(first) ->
            if
            :: true ->
                if
                :: recorded[h] != 0 && came[h] != first -> /* has served: MODEL must be given */
                    sketched[h] = sketched[h] | BIT(first)
                :: else
                fi;
                sections[h] = 3;
#ifdef NO_NOW
                came[h] = first;
#endif
                if
                :: true -> k_epoch[h] = 1;
                    if
                    :: true -> finish_accept()
                    :: CRASH
                    fi
                :: CRASH
                fi
            :: CRASH
            fi
        :: else
        fi
    :: else
    fi
}

#ifdef RESTORE
inline back_up()
{
    b_there = true;
    b_sections = sections[0]; b_ctr = s_ctr[0];
    b_came = came[0]; b_sketched = sketched[0]; b_recorded = recorded[0];
    for (i : 0 .. 1) { b_next[i] = next[i]; b_open[i] = open[i] }
    for (i : 0 .. SLOTS - 1) { b_made[i] = made[i] }
}

inline restore()
{
    sections[0] = b_sections; s_ctr[0] = b_ctr;
    came[0] = b_came; sketched[0] = b_sketched; recorded[0] = b_recorded;
    for (i : 0 .. 1) { next[i] = b_next[i]; open[i] = b_open[i] }
    for (i : 0 .. SLOTS - 1) { made[i] = b_made[i] }
}
#endif

inline forget()
{
    h = 0; e = 0; r = 0; b = 0; v = 0; u = 0; i = 0; slot = 0; over = 0; rows = 0; opened = 0;
    set = 0; ok = false; few = false; yes = false; willing = false;
    c_code { sets_first_alike(); }
}

#define LAST_ROUND (e == 0 -> ROUNDS - 1 : LATER - 1)

active proctype world()
{
    atomic {
        for (i : 0 .. HELPERS - 1) { sections[i] = 1; chain[2 * i] = 1 }
        i = 0
    }
end:
    do
    :: atomic { /* a request */
        select (h : 0 .. HELPERS - 1);
        open_state();
        select (r : 0 .. LAST_ROUND);
        slot = SLOT(h, e, r);
        if
        :: !ok
        :: ok && made[slot] != 0 -> answer_again()
#ifdef NO_RECORD
        :: ok ->
#else
        :: ok && made[slot] == 0 ->
#endif
#ifdef NO_FOLLOW
            select (b : 0 .. bases - 1);
#else
            b = came[h];
#endif
#if PLANS > 1
            select (v : 0 .. PLANS - 1);
#endif
            select (u : 1 .. BIT(N) - 1);
#ifdef NO_OWN_BASE
            select (over : 0 .. bases - 1);
#else
            over = b;
#endif
            c_code {
                now.few = __builtin_popcount(now.u) < MIN;
                now.yes = sets_drawn(now.u);
            };
            if
            :: !yes
#ifndef NO_MIN_SUM
            :: yes && few /* 3 */
#endif
            :: else -> answer()
            fi
        fi;
        forget()
       }
    :: atomic { /* --advance */
        select (h : 0 .. HELPERS - 1);
        open_state();
        select (r : 0 .. LAST_ROUND);
        advance();
        forget()
       }
#ifndef PLAIN
    :: atomic { /* --close of a round; those before it are left open */
        select (h : 0 .. HELPERS - 1);
        open_state();
        select (r : 0 .. LAST_ROUND);
        step_down();
        if
        :: ok && (opened & BIT(r)) != 0 ->
            open[2 * h + e] = opened & ~BIT(r);
            next[2 * h + e] = (next[2 * h + e] > r -> next[2 * h + e] : r + 1)
        :: else
        fi;
        forget()
       }
#endif
    :: atomic {
        select (h : 0 .. HELPERS - 1);
        open_state();
        accept();
        forget()
       }
#ifdef RESTORE
    :: atomic { back_up(); i = 0 }
    :: atomic { b_there -> restore(); i = 0 }
#endif
#ifdef RESTORE_KEY
    :: atomic { bk_there = true; bk_epoch = k_epoch[0]; bk_ctr = k_ctr[0] }
    :: atomic { bk_there -> k_epoch[0] = bk_epoch; k_ctr[0] = bk_ctr }
#endif
    od
}
