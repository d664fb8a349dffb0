/*
 * Checksums of numbers that people carry: Luhn (ISO/IEC 7812-1, annex B), remainder modulo 97
 * (ISO/IEC 7064, MOD 97-10), and Verhoeff's (1969) over the dihedral group D5.
 */
#include "data/id_parts.h"

bool
fl_id_luhn(const char *digits, size_t n)
{
    unsigned sum = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0') << (i & 1);
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

unsigned
fl_id_mod97(const char *text, size_t n)
{
    unsigned r = 0;

    for (size_t i = 0; i < n; i++)
        r = fl_id_is((unsigned char)text[i], FL_ID_DIGIT)
                ? (r * 10 + (unsigned)(text[i] - '0')) % 97
                : (r * 100 + (unsigned)((text[i] | 32) - 'a') + 10) % 97;
    return r;
}

bool
fl_id_verhoeff(const char *digits, size_t n)
{
    static const unsigned char moved[8][10] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
        {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
        {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
        {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
    };
    unsigned c = 0;

    for (size_t i = 0; i < n; i++) { /* the product of D5: turns are 0 to 4, flips 5 to 9 */
        unsigned x = moved[i % 8][(unsigned)(digits[n - 1 - i] - '0') % 10];
        unsigned turn = c < 5 ? c + x % 5 : c + 5 - x % 5;
        c = turn % 5 + 5 * ((c >= 5) != (x >= 5));
    }
    return c == 0;
}
