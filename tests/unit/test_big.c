/* math/big: long arithmetic against identities and against the compiler's 128 bits. */
#include "math/big.h"

#include "test.h"

#include "math/random.h"
#include "u128.h"

static fl_u128
number(size_t i)
{
    return (fl_u128)fl_random_at(3, 0, 2 * i) << 64 | fl_random_at(3, 0, 2 * i + 1);
}

static void
test_identities(void)
{
    for (size_t i = 0; i < 2000; i++) {
        struct fl_big a = fl_big_of(number(3 * i)), b = fl_big_of(number(3 * i + 1)),
                      c = fl_big_of(number(3 * i + 2));
        struct fl_big ab = fl_big_mul(&a, &b), ac = fl_big_mul(&a, &c), bc = fl_big_add(&b, &c);
        struct fl_big left = fl_big_mul(&a, &bc), right = fl_big_add(&ab, &ac);
        CHECK(!fl_big_compare(&left, &right));
        struct fl_big back = fl_big_sub(&right, &ac);
        CHECK(!fl_big_compare(&back, &ab));
        CHECK(fl_big_compare(&right, &ab) > 0 && fl_big_compare(&ab, &right) < 0);
        struct fl_big cube = fl_big_mul(&ab, &ab), again = fl_big_mul(&a, &a);
        struct fl_big b2 = fl_big_mul(&b, &b);
        again = fl_big_mul(&again, &b2);
        CHECK(!fl_big_compare(&cube, &again)); /* 512 bits */
        const uint32_t by = c.word[0] | 1, rest = c.word[1] % by;
        struct fl_big divisor = fl_big_of(by), more = fl_big_of(rest);
        struct fl_big dividend = fl_big_mul(&cube, &divisor);
        dividend = fl_big_add(&dividend, &more);
        CHECK(fl_big_divide(&dividend, by) == rest && !fl_big_compare(&dividend, &cube));
    }
}

static void
test_small(void)
{
    for (size_t i = 0; i < 2000; i++) {
        uint64_t x = fl_random_at(4, 0, 2 * i), y = fl_random_at(4, 0, 2 * i + 1);
        struct fl_big a = fl_big_of(x), b = fl_big_of(y), p = fl_big_mul(&a, &b),
                      want = fl_big_of((fl_u128)x * y);
        CHECK(!fl_big_compare(&p, &want));
    }
    CHECK(fl_u128_mul((fl_u128)1 << 64, (fl_u128)1 << 63) == (fl_u128)1 << 127);
    CHECK(fl_u128_mul((fl_u128)1 << 64, (fl_u128)1 << 64) == FL_U128_MAX);
    CHECK(fl_u128_mul(0, FL_U128_MAX) == 0 && fl_u128_mul(FL_U128_MAX, 0) == 0);
    CHECK(fl_u128_add(FL_U128_MAX, 1) == FL_U128_MAX &&
          fl_u128_add(FL_U128_MAX - 1, 1) == FL_U128_MAX);
    char text[40];
    CHECK_TEXT(u128_text(0, text), "0");
    CHECK_TEXT(u128_text(FL_U128_MAX, text), "340282366920938463463374607431768211455");
}

int
main(void)
{
    RUN(test_identities);
    RUN(test_small);
    return test_end();
}
