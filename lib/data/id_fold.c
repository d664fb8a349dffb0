/*
 * The text as it is scanned: characters that people or programs put in place of plain ones are made
 * plain (full-width forms, digits of other scripts, all kinds of spaces and hyphens) or go (zero
 * width), and where each stood is kept. Zero bytes stand on both sides.
 */
#include "data/id_parts.h"

#include <string.h>

#include "base/lane.h"
#include "base/least.h"
#include "base/mem.h"
#include "os/kernel.h"

enum { BLOCK = 32, GONE = 256, AS_IS = 257 };

/*
 * The first of the blocks from AT on in which a character to be folded may begin, or a place whose
 * block is not whole.
 */
FL_KERNEL static size_t
as_is(const unsigned char *p, size_t at, size_t n)
{
    for (; at + BLOCK <= n; at += BLOCK) {
        const unsigned char *q = p + at;
        unsigned char any = 0;
        for (size_t i = 0; i < BLOCK; i++) {
            unsigned char c = q[i], pair = c & 0xfd; /* of D9 and DB, of E0 and E2 */
            any |= fl_lane_is(c, 0xc2) | fl_lane_is(c, 0xe3) | fl_lane_is(c, 0xef) |
                   fl_lane_is(c, 0xf0) | fl_lane_is(pair, 0xd9) | fl_lane_is(pair, 0xe0);
        }
        if (any & FL_LANE)
            return at;
    }
    return at;
}

/* What U+2000 to U+206F is. */
static unsigned
punctuation(unsigned c)
{
    if (c <= 0x200a || c == 0x202f || c == 0x205f)
        return ' ';
    if (c <= 0x200f || (c >= 0x202a && c <= 0x202e) || c >= 0x2060)
        return GONE;
    return c <= 0x2015 ? '-' : AS_IS;
}

/* The plain byte for the character of SIZE bytes that P may begin with, GONE, or AS_IS. */
static unsigned
plain(const unsigned char *p, size_t left, uint8_t *size)
{
    if (left < 2)
        return AS_IS;
    *size = 2;
    if (p[0] == 0xc2)
        return p[1] == 0xa0 ? ' ' : p[1] == 0xad ? GONE : AS_IS;
    if (p[0] == 0xd9 || p[0] == 0xdb) { /* Arabic digits, and those of Persian */
        unsigned digit = p[1] - (p[0] == 0xd9 ? 0xa0u : 0xb0u);
        return digit < 10 ? '0' + digit : AS_IS;
    }
    if (left < 3)
        return AS_IS;
    *size = 3;
    unsigned c = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    switch (p[0]) {
    case 0xe0: return c - 0x966 < 10 ? '0' + c - 0x966 : AS_IS; /* Devanagari */
    case 0xe2: return c <= 0x206f ? punctuation(c) : c == 0x2212 ? '-' : AS_IS;
    case 0xe3: return c == 0x3000 ? ' ' : AS_IS;
    case 0xef:
        if (c == 0xfeff)
            return GONE;
        return c == 0xfe63 ? '-' : c - 0xff01 < 0x5e ? c - 0xff01 + '!' : AS_IS;
    default: break;
    }
    if (p[0] != 0xf0 || left < 4 || p[1] != 0x9d || p[2] != 0x9f || p[3] < 0x8e)
        return AS_IS;
    *size = 4; /* mathematical digits, five kinds */
    return '0' + (p[3] - 0x8eu) % 10;
}

static int
add_shift(struct fl_id_state *s, struct fl_id_shift shift)
{
    struct fl_id_shift *shifts = fl_grow(s->shifts, s->shift_count, &s->shift_cap, sizeof *shifts);

    if (!shifts)
        return -1;
    s->shifts = shifts;
    shifts[s->shift_count++] = shift;
    return 0;
}

/* Fold the N bytes of TEXT at AT, of which none is beyond LEN; *OUT grows, *AT too. */
static int
fold_some(struct fl_id_state *s, const unsigned char *text, size_t len, size_t *at,
          unsigned char **out)
{
    size_t end = fl_min(*at + BLOCK, len), i = *at;
    unsigned char *o = *out;

    while (i < end) {
        uint8_t size = 1;
        unsigned c = text[i] < 0xc2 ? AS_IS : plain(text + i, len - i, &size);
        if (c == AS_IS) {
            *o++ = text[i++];
            continue;
        }
        struct fl_id_shift shift = {(size_t)(o - s->plain.data) - FL_ID_PAD, i, c != GONE, size};
        if (add_shift(s, shift))
            return -1;
        if (c != GONE)
            *o++ = (unsigned char)c;
        i += size;
    }
    *at = i;
    *out = o;
    return 0;
}

int
fl_id_fold(struct fl_id_state *s, const unsigned char *text, size_t len)
{
    fl_buf_clear(&s->plain);
    s->shift_count = 0;
    if (len > SIZE_MAX - 3 * FL_ID_PAD || fl_buf_reserve(&s->plain, len + 3 * FL_ID_PAD))
        return -1;
    unsigned char *out = s->plain.data + FL_ID_PAD;
    memset(s->plain.data, 0, FL_ID_PAD);
    for (size_t at = 0; at < len;) {
        size_t run = as_is(text, at, len) - at;
        memcpy(out, text + at, run);
        out += run;
        at += run;
        if (at < len && fold_some(s, text, len, &at, &out))
            return -1;
    }
    memset(out, 0, (size_t)2 * FL_ID_PAD);
    s->p = s->plain.data + FL_ID_PAD;
    s->n = (size_t)(out - s->p);
    return 0;
}

size_t
fl_id_origin(const struct fl_id_state *s, size_t at, size_t *cursor)
{
    while (*cursor < s->shift_count && s->shifts[*cursor].at + s->shifts[*cursor].n <= at)
        (*cursor)++;
    if (!*cursor)
        return at;
    const struct fl_id_shift *last = &s->shifts[*cursor - 1];
    return last->origin + last->size + (at - last->at - last->n);
}

size_t
fl_id_origin_end(const struct fl_id_state *s, size_t end, size_t *cursor)
{
    size_t origin = fl_id_origin(s, end - 1, cursor);

    if (*cursor < s->shift_count && s->shifts[*cursor].at == end - 1 && s->shifts[*cursor].n)
        return origin + s->shifts[*cursor].size;
    return origin + 1;
}
