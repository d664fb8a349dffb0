/* Numbers of 128 bits as tests say them: neither C nor printf has them in decimals. */
#ifndef TEST_U128_H
#define TEST_U128_H

#include "math/big.h"

/* Decimal digits and a zero into TEXT; returns it. */
static inline const char *
u128_text(fl_u128 x, char text[40])
{
    char digits[40];
    int n = 0;

    do {
        digits[n++] = (char)('0' + (int)(x % 10));
        x /= 10;
    } while (x);
    for (int i = 0; i < n; i++)
        text[i] = digits[n - 1 - i];
    text[n] = '\0';
    return text;
}

#endif
