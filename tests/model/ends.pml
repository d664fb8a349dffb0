/*
 * Four sites, two helpers and an honest hub, of whom each may crash, over a network that loses,
 * doubles and reorders, while one site is bad: every round that can end ends.
 *
 * Two rounds are to be opened, one in each of two epochs; between them everybody accepts the second
 * roster. Faults are counted down: CRASHES of a program between any two of its writes, LOSSES of
 * messages, DAMAGES of kept files. Without a bound nothing need ever end; with any bound a run that
 * goes on for ever, or that stops short of the goal, is an error. pan looks for both (-DNP, and
 * invalid end states), and needs no fairness for it: every step uses something up. That is more
 * than a path to an end from every state: whatever happens in whatever order, the end comes.
 *
 *     P_DEAD    a crash or a loss never makes a round impossible to open, only a damaged file does
 *     P_TWO     no helper answers two sets of a round (sets.pml has this for any hub)
 *     and no end short of the goal, no run without an end
 *
 * A message is seen by its receiver, or lost, and then sent again by who waits for it. That covers
 * doubled and late ones: each message names its session and set, receivers keep one of each and
 * leave alone what is for another; a request for an earlier round may reach a helper late, and does
 * (helper: any round that was asked for). Sites 0, 1 and 2 are honest. Site 3 may send a tag that
 * is right for helper 0 and wrong for helper 1. Between two rounds over one model it does not: then
 * it may be one that must come, and if it does not, the way out is a new epoch over another model
 * (fl-protocol(7), WAYS OUT), which is no end of this one.
 *
 * A program's run is one atomic step with the place of its crash chosen in it: its state is locked,
 * and only what it sends, which is last, is seen by others.
 */
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef DAMAGES
#define DAMAGES 1
#endif
#define MIN 2
#define ALL 15
#define BIT(x) (1 << (x))
#define ROUNDS (3 + DAMAGES) /* numbers 1, 2, ...; 0 is none */

c_decl { extern int ends_allow(int helper, int round, int set); }

byte crashes = CRASHES, losses = LOSSES, damages = DAMAGES;
bool damaged;
bool goal;

/* The hub: plans are signed before they leave, requests recorded before they leave. */
byte round, epoch, base, base_of[ROUNDS], epoch_of[ROUNDS], phase; /* phase: see hub() */
byte asking;          /* the set of the request of this round */
byte here, left_out;  /* uploads of this round; those whose tags are wrong */
byte must;            /* a set that a helper may have answered over this model */
byte ready[2], got;   /* said by helpers for ASKING; whose answers are here */
byte wanted[ROUNDS];  /* sets that answers were asked for */
bool opened[ROUNDS], dead, roster2;

/* Sites. */
byte s_epoch[4], s_round[4]; /* key; state: the round that was masked last */
bool s_lost[4], s_missed[4]; /* no section in force; the kept file is damaged */
byte wrong;                  /* uploads with a wrong tag for helper 1 */

/* Helpers. */
byte h_epoch[2], h_base[2], h_next[2];
byte h_made[2 * ROUNDS]; /* the set that was answered; kept, unless */
byte h_spoilt[2], h_refused[2]; /* rounds whose kept answer is damaged; that were refused */
bool h_lost[2];
byte h_left[2 * ROUNDS]; /* for P_TWO */

c_code {
    /* The rule of sets over the model of this round; MIN 2, 4 sites. */
    int ends_allow(int helper, int round, int set)
    {
        for (int i = 0; i < 4; i++) {
            int in = set >> i & 1, alike = 0;
            for (int r = 1; r < ROUNDS; r++)
                if (now.h_made[helper * ROUNDS + r] && now.base_of[r] == now.base_of[round])
                    in |= now.h_made[helper * ROUNDS + r] >> i & 1;
            for (int j = 0; in && j < 4; j++) {
                int same = (set >> i & 1) == (set >> j & 1);
                for (int r = 1; r < ROUNDS; r++)
                    if (now.h_made[helper * ROUNDS + r] && now.base_of[r] == now.base_of[round])
                        same &= (now.h_made[helper * ROUNDS + r] >> i & 1) ==
                                (now.h_made[helper * ROUNDS + r] >> j & 1);
                alike += same;
            }
            if (in && alike < MIN)
                return 0;
        }
        return 1;
    }
}
bool allowed;
#define COUNT(s) (((s) & 1) + (((s) >> 1) & 1) + (((s) >> 2) & 1) + (((s) >> 3) & 1))
#define CRASH crashes > 0 -> crashes--
#define LOSS losses > 0 -> losses--
#define DAMAGE damages > 0 -> damages--; damaged = true

/* State with both sections, key, state without the old one; after a crash it is run again. */
inline accept(in_force, lost)
{
#ifdef NO_ACCEPT_ORDER
    if
    :: in_force = 1
    :: CRASH; in_force = 1; lost = true /* the key names a section that is not there */
    fi
#else
    if
    :: in_force = 1 /* or a crash after this: the next program drops the old section */
    :: CRASH        /* before the key names it: the old one is in force */
    fi
#endif
}

active [4] proctype site()
{
    byte i = _pid;
    do
    :: atomic { /* fl-mask: upload kept, state, key, sent */
        phase > 0 && s_epoch[i] == epoch && !s_lost[i] && s_round[i] < round ->
        if
        :: s_round[i] = round;
            s_missed[i] = false;
            if
            :: i == 3 && must == 0 -> wrong = wrong | BIT(3)
            :: wrong = wrong & ~BIT(i)
            fi;
            if
            :: here = here | BIT(i)
            :: LOSS
            :: CRASH
            :: DAMAGE; s_missed[i] = true
            fi
        :: CRASH
        fi
       }
    :: atomic { /* it is run again, and sends the same */
        phase > 0 && s_epoch[i] == epoch && s_round[i] == round && !s_missed[i] &&
            (here & BIT(i)) == 0 ->
        if
        :: here = here | BIT(i)
        :: LOSS
        fi
       }
    :: atomic {
        phase > 0 && s_round[i] == round && !s_missed[i] && (here & BIT(i)) == 0 && DAMAGE;
        s_missed[i] = true
       }
    :: atomic { roster2 && s_epoch[i] == 0 -> accept(s_epoch[i], s_lost[i]) }
    :: goal -> break
    od
}

#define MADE h_made[h * ROUNDS + r]

inline reply(r)
{
#ifdef P_TWO
    assert(h_left[h * ROUNDS + r] == 0 || h_left[h * ROUNDS + r] == MADE);
    h_left[h * ROUNDS + r] = MADE;
#endif
    if
    :: r == round -> got = got | BIT(h)
    :: else /* of a round that was given up */
    fi
}

#ifdef NO_SKIP
#define NEXT(r) (h_next[h] == (r) - 1)
#else
#define NEXT(r) true
#endif
#define ASKED(r) \
    (wanted[r] != 0 && h_made[h * ROUNDS + r] == 0 && (h_refused[h] & BIT(r)) == 0 && \
     h_epoch[h] == epoch_of[r] && !h_lost[h] && h_base[h] == base_of[r] && NEXT(r) && \
     !(r == round && h == 1 && (wanted[r] & wrong) != 0))

/* Answer kept, state, key, sent. */
inline answer()
{
    c_code { now.allowed = ends_allow(Phelper->h, Phelper->r, now.wanted[Phelper->r]); };
    if
    :: !allowed -> h_refused[h] = h_refused[h] | BIT(r)
    :: allowed ->
        if
#ifdef NO_STATE_FIRST
        :: CRASH; MADE = wanted[r]; reply(r); MADE = 0
#else
        :: CRASH
#endif
        :: MADE = wanted[r];
            h_next[h] = (h_next[h] > r -> h_next[h] : r);
            if
            :: reply(r)
#ifdef NO_KEPT
            :: LOSS; h_spoilt[h] = h_spoilt[h] | BIT(r)
            :: CRASH; h_spoilt[h] = h_spoilt[h] | BIT(r)
#else
            :: LOSS
            :: CRASH
#endif
            :: DAMAGE; h_spoilt[h] = h_spoilt[h] | BIT(r)
            fi
        fi
    fi;
    allowed = false
}

active [2] proctype helper()
{
    byte h = _pid - 4, r;
    do
    :: atomic { /* fl-unmask --ready: 1 yes, 2 wrong tags, 3 refused */
        phase == 2 && ready[h] == 0 && h_epoch[h] == epoch && !h_lost[h] && h_base[h] == base ->
        c_code { now.allowed = ends_allow(Phelper->h, now.round, now.asking); };
        if
        :: LOSS
        :: !allowed -> ready[h] = 3
        :: allowed && h == 1 && (asking & wrong) != 0 -> ready[h] = 2
        :: else -> ready[h] = 1
        fi;
        allowed = false
       }
    /* fl-unmask, of any round that was asked for: a request may come late */
    :: atomic { ASKED(1) -> r = 1; answer(); r = 0 }
    :: atomic { ASKED(2) -> r = 2; answer(); r = 0 }
#if ROUNDS > 3
    :: atomic { ASKED(3) -> r = 3; answer(); r = 0 }
#endif
#if ROUNDS > 4
    :: atomic { ASKED(4) -> r = 4; answer(); r = 0 }
#endif
    :: atomic { /* run again for the same set */
        phase == 3 && h_made[h * ROUNDS + round] == wanted[round] && wanted[round] != 0 &&
            (got & BIT(h)) == 0 && (h_spoilt[h] & BIT(round)) == 0 ->
        if
        :: r = round; reply(r); r = 0
        :: LOSS
        fi
       }
    :: atomic {
        phase == 3 && h_made[h * ROUNDS + round] != 0 && (got & BIT(h)) == 0 && DAMAGE;
        h_spoilt[h] = h_spoilt[h] | BIT(round)
       }
    :: atomic { /* it is run again and says so: 1 or 3, the round is dead */
        phase == 3 && !dead && (got & BIT(h)) == 0 && h_made[h * ROUNDS + round] != 0 &&
            ((h_spoilt[h] & BIT(round)) != 0 ||
             (h_made[h * ROUNDS + round] != wanted[round] && wanted[round] != 0)) ->
        dead = true
       }
    :: atomic { /* fl-unmask --advance, of a round that it answered and that was opened */
        h_base[h] < base -> h_base[h]++
       }
    :: atomic { /* the roster's model is the one that the first round led to */
        roster2 && h_epoch[h] == 0 -> accept(h_epoch[h], h_lost[h]); h_base[h] = 1
       }
    :: goal -> break
    od
}

#define USABLE (here & ~left_out)
#ifdef NO_MUST
#define ASK USABLE
#else
#define ASK (must != 0 -> must : USABLE)
#endif
#define ASKABLE (COUNT(ASK) >= MIN && (ASK & USABLE) == ASK)
#define GONE(i) ((here & BIT(i)) != 0 || (s_missed[i] && s_round[i] == round))
#define ALL_CAME (GONE(0) && GONE(1) && GONE(2) && GONE(3))
#define ACCEPTED(x, lost) (x == 1 && !lost)

active proctype hub()
{
    do
    /* 0: nothing is planned. The same plan again, after a crash, is the same. */
    :: atomic {
        phase == 0 && base < 2 && base == epoch ->
        assert(round + 1 < ROUNDS);
        round++;
        base_of[round] = base; epoch_of[round] = epoch;
        here = 0; left_out = 0; wrong = 0; got = 0; asking = 0;
        phase = 1
       }
    :: atomic { phase == 0 && base == 1 && epoch == 0 -> roster2 = true; epoch = 1 }
    /* 1: uploads come in. The deadline is whenever there are enough. */
    :: atomic {
        phase == 1 && ASKABLE ->
        asking = ASK; ready[0] = 0; ready[1] = 0;
#ifdef NO_READY
        wanted[round] = asking; phase = 3
#else
        phase = 2
#endif
       }
    :: atomic { /* some site must come and cannot: another round over this model */
        phase == 1 && ALL_CAME && !ASKABLE ->
        assert(damaged);
        phase = 0
       }
    /* 2: would all answer? Nobody has been asked to yet. */
    :: atomic { phase == 2 && ready[0] == 1 && ready[1] == 1 -> wanted[round] = asking; phase = 3 }
    :: atomic {
        phase == 2 && (ready[0] == 2 || ready[1] == 2) -> left_out = left_out | (asking & wrong);
        phase = 1
       }
    :: atomic { phase == 2 && CRASH; phase = 1 } /* and perhaps another set */
    /* 3: answers come in. A hub that crashes asks for the same, as its state says. */
#ifdef NO_STICK
    :: atomic { phase == 3 && CRASH; phase = 1 }
#endif
    :: atomic {
        phase == 3 && got == 3 ->
        opened[round] = true; must = 0; asking = 0; got = 0; base++;
        phase = 0
       }
    :: atomic { /* given up: another round over this model, for the sites of that set */
        phase == 3 && dead ->
#ifdef P_DEAD
        assert(damaged);
#endif
        dead = false; must = wanted[round]; asking = 0; got = 0;
        phase = 0
       }
    :: atomic {
        base == 2 && ACCEPTED(s_epoch[0], s_lost[0]) && ACCEPTED(s_epoch[1], s_lost[1]) &&
            ACCEPTED(s_epoch[2], s_lost[2]) && ACCEPTED(s_epoch[3], s_lost[3]) &&
            ACCEPTED(h_epoch[0], h_lost[0]) && ACCEPTED(h_epoch[1], h_lost[1]) &&
            h_base[0] == 2 && h_base[1] == 2 ->
        goal = true;
        break
       }
    od
}
