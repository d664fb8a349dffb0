/*
 * One site and a hub that says anything: no mask is used twice, whatever crashes.
 *
 * The site is lib/fed/turn.c and lib/sec/state*.c: its key file, the file "state", the kept
 * uploads, and the order in which they are written. Everything else is the hub: it shows any plan
 * (of either epoch, any round, either base, several plans of one round), any number of times. What
 * left the site counts as known at once, so that losing, doubling and reordering messages gives the
 * hub nothing that it has not already.
 *
 * One site is enough. A site reads plans and rosters and nothing that other sites or helpers made,
 * and this hub may say everything that those could lead it to say. So what holds for one site here
 * holds for each of many; sets.pml and ends.pml, which have four, take it from here:
 *     P_ONE    of one round of an epoch one upload leaves, and a counter counts one upload
 *     P_BASE   it is an update of the model that its plan names
 *     P_EPOCH  no model's updates leave in two epochs, nor more than MAX_OPEN times in one
 * and beside them
 *     P_KEY    no mask key masks two updates
 *     P_PAST   what is over is gone: no chain that makes the masks of a round whose upload left
 *     P_FORCE  the key always finds its roster's section in the state (without a restored copy)
 *
 * A program's run is one atomic step, with the place of a crash chosen in it. That loses nothing:
 * the state is locked, so nobody sees or changes what lies between two writes; only what leaves is
 * seen by others, and it leaves last. (With NO_STATE_FIRST it leaves earlier, and the crash that
 * may follow is a choice too.) A crash keeps what was flushed and nothing else, since every write
 * of lib/ goes to a new file that is renamed after its flush.
 *
 * Switches: NONCE (helpers; without it pairwise: the mask key is of round and session alone),
 * RESTORE_STATE, RESTORE_KEY (a copy of the one may take its place at any time), and the rules that
 * can be taken out, each where it stands.
 */
#ifndef MAX_OPEN
#define MAX_OPEN 1 /* so that it has something to forbid; records of older rounds are pruned */
#endif
#define ROUNDS 2                                     /* of each epoch */
#define AT(e, r) ((e) * ROUNDS + (r))                /* a place for each round */
#define CHAIN(e, r) ((e) * (ROUNDS + 1) + (r)) /* and for the chains after the last */
#define BASE(s) ((s) == 2 -> 1 : 0)                  /* three plans a round, two over one model */
#define UPLOAD(s, u, v, n) (1 + (s) + 3 * (u) + 6 * (v) + 12 * (n))

/* The key file. */
byte k_epoch, k_ctr;
/* The file "state": sections of the two epochs, the round that the chains are at, records. */
bool s_section[2];
byte s_next[2], s_ctr, s_made[2 * ROUNDS], s_over[2], s_times[2];
byte newest = 255; /* the record that is newest: pruning keeps that one */
/* Files "upload-EPOCH-ROUND.flt". */
byte kept[2 * ROUNDS];

/* A copy of the state folder, and one of the key. */
bool b_there, bk_there;
bool b_section[2];
byte b_next[2], b_ctr, b_made[2 * ROUNDS], b_over[2], b_times[2], b_newest, b_kept[2 * ROUNDS];
byte bk_epoch, bk_ctr;
byte i;

/* What left: for the assertions alone. */
byte first[2 * ROUNDS];
short counted[2 * 2 * ROUNDS + 1];
byte masked[24], left_over[2], left_times[2];
byte nonces; /* drawn so far */

/* Variables of a run. They are zero between runs, so that they cost no states. */
byte e, r, sid, ub, val, chain_at, up, stop, ctr, nonce;
bool open;

#ifndef LIMIT
#define LIMIT 4 /* nonces: uploads that are made in one run of the model */
#endif

/* fl_state_open: the section that the key names is in force; the other one, if any, goes. */
inline open_state()
{
    open = s_section[k_epoch];
#ifdef P_FORCE
    assert(open);
#endif
#ifndef NO_KEY_COUNT
    open = open && s_ctr >= k_ctr;
#endif
    if
    :: open -> s_section[1 - k_epoch] = false; s_next[1 - k_epoch] = 0
    :: else
    fi
}

/* A byte of it is as much as all. CHAIN: the round whose key masked it. */
inline send(u, place, key)
{
#ifdef P_ONE
    assert(first[place] == 0 || first[place] == u);
    assert(counted[ctr] == 0 || counted[ctr] == u + 100 * place);
    first[place] = u;
    counted[ctr] = u + 100 * place;
#endif
#ifdef P_KEY
    assert(masked[key] == 0 || masked[key] == 1 + val + 2 * ub);
    masked[key] = 1 + val + 2 * ub;
#endif
#ifdef P_BASE
    assert(ub == BASE(sid));
#endif
#ifdef P_EPOCH
    if
    :: first[place] == 0 ->
        first[place] = u;
        assert(left_over[ub] == 0 || left_over[ub] == e + 1);
        left_over[ub] = e + 1;
        left_times[ub]++;
        assert(left_times[ub] <= MAX_OPEN)
    :: else
    fi
#endif
#ifdef P_PAST
    assert(s_next[e] > r && !s_section[1 - e]);
#endif
    skip
}

#ifdef NONCE
#define KEY(place) (nonce)
#else
#define KEY(place) (3 * (chain_at) + sid)
#endif

/* What a kept upload was made of. */
inline unpack(u)
{
    sid = (u - 1) % 3;
    ub = ((u - 1) / 3) % 2;
    val = ((u - 1) / 6) % 2;
    nonce = (u - 1) / 12;
}

inline save_record()
{
    s_made[AT(e, r)] = up;
    if /* fl_kept_prune at the end of a run; earlier records only, so it may as well be here */
    :: newest != 255 && newest != AT(e, r) -> s_made[newest] = 0
    :: else
    fi;
    newest = AT(e, r);
#ifndef NO_COUNT_BASE
    s_over[BASE(sid)] = e + 1;
    s_times[BASE(sid)]++;
#endif
    s_ctr = ctr;
#ifdef NO_STEP
    s_next[e] = r
#else
    s_next[e] = (s_next[e] > r + 1 -> s_next[e] : r + 1)
#endif
}

/* fl-mask: a plan of round R of epoch E, an update of model UB with values VAL. */
inline turn()
{
    open_state();
    if
    :: !open || k_epoch != e -> skip /* 3: another roster is in force */
#ifndef NO_OWN_BASE
    :: open && k_epoch == e && ub != BASE(sid) -> skip /* 3 */
    :: open && k_epoch == e && ub == BASE(sid) && s_made[AT(e, r)] != 0 ->
#else
    :: open && k_epoch == e && s_made[AT(e, r)] != 0 ->
#endif
        /* made before: the same values for the same plan, and the kept file is the recorded one */
        up = s_made[AT(e, r)];
        if
#ifdef NO_RECORD
        :: k_ctr = s_ctr; /* what is asked for is made again, from the chains as they are */
           chain_at = CHAIN(e, (s_next[e] > r -> s_next[e] : r));
           ctr = s_ctr; nonce = 0;
           up = UPLOAD(sid, ub, val, nonce);
           send(up, AT(e, r), KEY(AT(e, r)))
#else
        :: (up - 1) % 3 == sid && ((up - 1) / 3) % 2 == ub && ((up - 1) / 6) % 2 == val &&
               kept[AT(e, r)] == up ->
            if
            :: true -> k_ctr = s_ctr;
                if
                :: true ->
                    unpack(up);
                    ctr = s_ctr;
                    chain_at = CHAIN(e, r);
                    /* of the record that is newest; older ones are pruned */
                    send(up, AT(e, r), KEY(AT(e, r)))
                :: true -> skip /* crash */
                fi
            :: true -> skip /* crash */
            fi
        :: else -> skip /* 3, or 1: the kept file is another */
#endif
        fi
#ifndef NO_OWN_BASE
    :: open && k_epoch == e && ub == BASE(sid) && s_made[AT(e, r)] == 0 ->
#else
    :: open && k_epoch == e && s_made[AT(e, r)] == 0 ->
#endif
        if
#ifndef NO_ADMIT
        :: r < s_next[e] -> skip /* 3 */
#endif
#ifndef NO_OLD_EPOCH
        :: s_over[BASE(sid)] != 0 && s_over[BASE(sid)] != e + 1 -> skip /* 3 */
#endif
#ifndef NO_TIMES
        :: s_over[BASE(sid)] == e + 1 && s_times[BASE(sid)] >= MAX_OPEN -> skip /* 3 */
#endif
        :: nonces == LIMIT -> skip
        :: else ->
#if defined(NONCE) && !defined(NO_FRESH)
            nonce = nonces;
            nonces++;
#else
            nonce = 0;
#endif
            up = UPLOAD(sid, ub, val, nonce);
            ctr = s_ctr + 1;
            /* chains only go forward: a round that they have passed has the key of a later one */
            chain_at = CHAIN(e, (s_next[e] > r -> s_next[e] : r));
            if
            :: true -> kept[AT(e, r)] = up;
#ifdef NO_STATE_FIRST
                send(up, AT(e, r), KEY(AT(e, r)));
#endif
                if
                :: true -> save_record();
#ifdef NO_KEY_FIRST
                    send(up, AT(e, r), KEY(AT(e, r)));
#endif
                    if
                    :: true -> k_ctr = s_ctr;
                        if
                        :: true -> send(up, AT(e, r), KEY(AT(e, r)))
                        :: true -> skip /* crash */
                        fi
                    :: true -> skip /* crash */
                    fi
                :: true -> skip /* crash */
                fi
            :: true -> skip /* crash */
            fi
        fi
    fi
}

/* fl-keygen --accept of epoch 2: state with both sections, key, state without the old one. */
inline accept()
{
    open_state();
    if
    :: open && k_epoch == 0 ->
        if
#ifdef NO_ACCEPT_ORDER
        :: true -> k_epoch = 1;
            if
            :: true -> s_section[1] = true; s_section[0] = false; s_next[0] = 0
            :: true -> skip /* crash */
            fi
#else
        :: true -> s_section[1] = true;
            if
            :: true -> k_epoch = 1;
                if
                :: true -> s_section[0] = false; s_next[0] = 0
                :: true -> skip /* crash */
                fi
            :: true -> skip /* crash */
            fi
#endif
        :: true -> skip /* crash */
        fi
    :: else -> skip
    fi
}

inline back_up()
{
    b_there = true;
    for (i : 0 .. 1) {
        b_section[i] = s_section[i]; b_next[i] = s_next[i];
        b_over[i] = s_over[i]; b_times[i] = s_times[i];
    }
    for (i : 0 .. 2 * ROUNDS - 1) { b_made[i] = s_made[i]; b_kept[i] = kept[i]; }
    b_ctr = s_ctr; b_newest = newest
}

inline restore()
{
    for (i : 0 .. 1) {
        s_section[i] = b_section[i]; s_next[i] = b_next[i];
        s_over[i] = b_over[i]; s_times[i] = b_times[i];
    }
    for (i : 0 .. 2 * ROUNDS - 1) { s_made[i] = b_made[i]; kept[i] = b_kept[i]; }
    s_ctr = b_ctr; newest = b_newest
}

active proctype site()
{
    atomic { k_epoch = 0; s_section[0] = true }
end:
    do
    :: atomic {
        select (e : 0 .. 1);
        select (r : 0 .. ROUNDS - 1);
        select (sid : 0 .. 2);
        select (ub : 0 .. 1);
        select (val : 0 .. 1);
        turn();
        e = 0; r = 0; sid = 0; ub = 0; val = 0; chain_at = 0; up = 0; ctr = 0; nonce = 0;
        open = false
       }
    :: atomic { accept(); open = false }
#ifdef RESTORE_STATE
    :: atomic { back_up(); i = 0 }
    :: atomic { b_there -> restore(); i = 0 }
#endif
#ifdef RESTORE_KEY
    :: atomic { bk_there = true; bk_epoch = k_epoch; bk_ctr = k_ctr }
    :: atomic { bk_there -> k_epoch = bk_epoch; k_ctr = bk_ctr }
#endif
    od
}
