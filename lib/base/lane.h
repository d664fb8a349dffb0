/*
 * Questions about a byte whose answer is the highest bit of the result, by arithmetic: loops that
 * or them together become vectors. (Of comparisons with constants GCC makes a table of bits, and no
 * vectors.)
 */
#ifndef FL_BASE_LANE_H
#define FL_BASE_LANE_H

enum { FL_LANE = 0x80 }; /* the bit */

/* Is C the byte WANT? */
static inline unsigned char
fl_lane_is(unsigned char c, unsigned char want)
{
    unsigned char x = c ^ want;

    return (unsigned char)((unsigned char)(x - 1) & (unsigned char)~x);
}

/* Is C below LIMIT, which is at most 0x80? */
static inline unsigned char
fl_lane_below(unsigned char c, unsigned char limit)
{
    return (unsigned char)((unsigned char)(c - limit) & (unsigned char)~c);
}

#endif
