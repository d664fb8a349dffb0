/*
 * Own patterns. Those with a class or a count are sets of places that are advanced together, a bit
 * each (extended Shift-And: Navarro and Raffinot 2002, section 4.2), so that nothing is tried
 * twice. Literal ones, of which there may be a million, are found by the hash of what stands from
 * the beginning of a word to each place where one could end; of the beginnings of literals those
 * hashes are kept too, so that a walk ends at the first word that begins none.
 */
#include "data/id_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { PLACES = 63, PATTERNS = 64, SHORTEST = 3, BEGINS = -1 };

struct own_pattern {
    unsigned type, places;
    uint64_t may_skip;   /* bit i: place i is there or not */
    uint64_t takes[256]; /* bit i: place i takes this byte */
};

struct own_literal { /* or the beginning of one */
    uint64_t hash;   /* 0: an empty slot */
    size_t at;       /* in the texts */
    uint32_t len;
    int32_t type; /* BEGINS */
};

struct fl_id_own {
    struct own_pattern *patterns;
    size_t count;
    uint64_t first[256]; /* bit i: pattern i can begin with this byte */
    struct own_literal *slots;
    size_t slot_count, used;
    struct fl_buf texts;
    struct fl_id_state plain; /* for folding what is added */
};

struct fl_id_own *
fl_id_own_new(void)
{
    return fl_alloc(1, sizeof(struct fl_id_own));
}

void
fl_id_own_free(struct fl_id_own *own)
{
    if (!own)
        return;
    free(own->patterns);
    free(own->slots);
    fl_buf_release(&own->texts);
    fl_buf_release(&own->plain.plain);
    free(own->plain.shifts);
    free(own);
}

/* Does the character that goes on with C belong to a word, of a script that has spaces? */
static bool
in_word(unsigned char c)
{
    return fl_id_is(c, FL_ID_LABEL) && c != '-';
}

static bool
is_edge(const unsigned char *p)
{
    return !(in_word(p[-1]) && in_word(p[0]));
}

static uint64_t
step(uint64_t hash, unsigned char c)
{
    hash = (hash ^ c) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* The slot of HASH and the LEN bytes at P, or the empty one where it belongs. */
static struct own_literal *
slot(const struct fl_id_own *own, uint64_t hash, const unsigned char *p, size_t len)
{
    size_t i = hash & (own->slot_count - 1);

    for (;; i = (i + 1) & (own->slot_count - 1)) {
        struct own_literal *l = &own->slots[i];
        if (!l->hash ||
            (l->hash == hash && l->len == len && !memcmp(own->texts.data + l->at, p, len)))
            return l;
    }
}

static int
make_room(struct fl_id_own *own)
{
    struct own_literal *old = own->slots;
    size_t count = own->slot_count;

    if (own->used * 2 + 2 <= count)
        return 0;
    own->slots = fl_alloc(count ? 2 * count : 64, sizeof *own->slots);
    if (!own->slots) {
        own->slots = old;
        return -1;
    }
    own->slot_count = count ? 2 * count : 64;
    for (size_t i = 0; i < count; i++)
        if (old[i].hash)
            *slot(own, old[i].hash, own->texts.data + old[i].at, old[i].len) = old[i];
    free(old);
    return 0;
}

/* The plain form of LEN bytes at TEXT in OWN->plain. */
static int
make_plain(struct fl_id_own *own, const char *text, size_t len)
{
    if (fl_utf8_valid_prefix(text, len) != len)
        return fl_error(FL_USAGE, "pattern \"%s\" is not UTF-8; save its file as UTF-8", text);
    return fl_id_fold(&own->plain, (const unsigned char *)text, len);
}

int
fl_id_own_literal(struct fl_id_own *own, unsigned type, const char *text, size_t len)
{
    uint64_t hash = 1;

    if (make_plain(own, text, len))
        return -1;
    const unsigned char *p = own->plain.p;
    size_t n = own->plain.n, at = own->texts.len;
    if (n < SHORTEST || n > FL_ID_REACH)
        return fl_error(FL_USAGE,
                        "\"%.*s\" as an own pattern has %zu bytes; %d to %d would be right",
                        (int)(len < 200 ? len : 200), text, n, SHORTEST, FL_ID_REACH);
    if (fl_buf_add(&own->texts, p, n))
        return -1;
    for (size_t i = 0; i < n; i++) {
        hash = step(hash, p[i]);
        if (i + 1 < n && !is_edge(p + i + 1))
            continue;
        if (make_room(own))
            return -1;
        struct own_literal *l = slot(own, hash | 1, p, i + 1);
        if (!l->hash) {
            *l = (struct own_literal){hash | 1, at, (uint32_t)(i + 1), BEGINS};
            own->used++;
        }
        if (i + 1 == n)
            l->type = (int32_t)type;
    }
    return 0;
}

/* Read the number after '*' at *P: 1 to PLACES, or 0. */
static unsigned
count_after(const unsigned char **p)
{
    unsigned v = 0;

    while (fl_id_is(**p, FL_ID_DIGIT) && v <= PLACES)
        v = v * 10 + (unsigned)(*(*p)++ - '0');
    return v <= PLACES ? v : 0;
}

/* Let place I take what the character at P says: its own byte, or a class. */
static void
set_place(struct own_pattern *o, unsigned i, unsigned char c, bool as_is)
{
    for (unsigned k = 0; k < 256; k++)
        if (as_is || (c != '9' && c != 'A') ? k == c
            : c == '9'                      ? fl_id_is((unsigned char)k, FL_ID_DIGIT)
                                            : fl_id_is((unsigned char)k, FL_ID_UPPER))
            o->takes[k] |= UINT64_C(1) << i;
}

/* Read the plain PATTERN into O: 0, or -1 with what is wrong in *WRONG. */
static int
read_pattern(const unsigned char *p, size_t n, struct own_pattern *o, const char **wrong)
{
    const unsigned char *end = p + n;
    unsigned least = 0;

    while (p < end) {
        bool as_is = *p == '\\' && p + 1 < end;
        unsigned char c = *(p += as_is);
        unsigned times = 1;
        p++;
        if (c == '*' && !as_is) {
            *wrong = "has a '*' that follows nothing";
            return -1;
        }
        if (*p == '*') {
            p++;
            times = count_after(&p);
            *wrong = "has a '*' without a number from 1 to 63 after it";
            if (!times || c >= 0x80)
                return -1;
        }
        *wrong = "has more than 63 places";
        if (o->places + times > PLACES)
            return -1;
        for (unsigned k = 0; k < times; k++) {
            if (k)
                o->may_skip |= UINT64_C(1) << o->places;
            set_place(o, o->places++, c, as_is);
        }
        least++;
    }
    *wrong = "would be found in single characters";
    return least < 2 ? -1 : 0;
}

int
fl_id_own_pattern(struct fl_id_own *own, unsigned type, const char *pattern)
{
    size_t len = strlen(pattern);
    const char *wrong;

    if (len > FL_ID_REACH)
        return fl_error(FL_USAGE, "pattern \"%.60s...\" has more than %d bytes", pattern,
                        FL_ID_REACH);
    if (!strpbrk(pattern, "9A*\\") && len >= SHORTEST)
        return fl_id_own_literal(own, type, pattern, len);
    if (own->count == PATTERNS)
        return fl_error(FL_USAGE, "pattern \"%s\" is one too many; at most %d may have classes",
                        pattern, PATTERNS);
    struct own_pattern *grown = fl_resize(own->patterns, own->count + 1, sizeof *grown);
    if (!grown)
        return -1;
    own->patterns = grown;
    struct own_pattern *o = &grown[own->count];
    memset(o, 0, sizeof *o);
    o->type = type;
    if (make_plain(own, pattern, len))
        return -1;
    if (read_pattern(own->plain.p, own->plain.n, o, &wrong))
        return fl_error(FL_USAGE, "pattern \"%s\" %s", pattern, wrong);
    for (unsigned k = 0; k < 256; k++)
        if (o->takes[k] & 1) /* the first place is never left out */
            own->first[k] |= UINT64_C(1) << own->count;
    own->count++;
    return 0;
}

/* The end of the longest text at P that O takes, or NULL. */
static const unsigned char *
match(const struct own_pattern *o, const unsigned char *p)
{
    uint64_t at = 1, last = UINT64_C(1) << o->places;
    const unsigned char *end = NULL;

    for (;; p++) {
        for (uint64_t more; (more = (at & o->may_skip) << 1 & ~at);)
            at |= more;
        if (at & last && is_edge(p))
            end = p;
        at = (at & o->takes[*p]) << 1;
        if (!at)
            return end;
    }
}

/* The longest literal at P: its end and *TYPE, or NULL. */
static const unsigned char *
find_literal(const struct fl_id_own *own, const unsigned char *p, int32_t *type)
{
    const unsigned char *end = NULL;
    uint64_t hash = 1;

    for (size_t i = 0; i < FL_ID_REACH; i++) {
        hash = step(hash, p[i]);
        if (!is_edge(p + i + 1))
            continue;
        const struct own_literal *l = slot(own, hash | 1, p, i + 1);
        if (!l->hash)
            break;
        if (l->type != BEGINS) {
            *type = l->type;
            end = p + i + 1;
        }
    }
    return end;
}

int
fl_id_own_scan(const struct fl_id_own *own, struct fl_id_state *s)
{
    const unsigned char *p = s->p;
    int32_t type = 0;

    for (size_t at = 0; at < s->n; at++) {
        if (!is_edge(p + at))
            continue;
        for (uint64_t some = own->first[p[at]]; some; some &= some - 1) {
            const struct own_pattern *o = &own->patterns[__builtin_ctzll(some)];
            const unsigned char *end = match(o, p + at);
            if (end && s->rules->policy[o->type] != FL_ID_KEEP &&
                fl_id_add(s, o->type, at, (size_t)(end - p), FL_ID_BY_GRAMMAR, 0))
                return -1;
        }
        const unsigned char *end = own->used ? find_literal(own, p + at, &type) : NULL;
        if (end && s->rules->policy[type] != FL_ID_KEEP &&
            fl_id_add(s, (unsigned)type, at, (size_t)(end - p), FL_ID_BY_GRAMMAR, 0))
            return -1;
    }
    return 0;
}
