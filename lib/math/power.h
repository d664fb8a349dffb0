/*
 * x^y and log2 with the same bits on every machine that has IEEE 754 doubles: a fixed order of
 * additions, multiplications and divisions, nothing of the C library's.
 */
#ifndef FL_MATH_POWER_H
#define FL_MATH_POWER_H

/*
 * X above zero and finite, Y finite, |Y log2 X| at most 1000 (else NaN). Relative error below
 * 1e-15 (1 + |Y log2 X|); exact for Y = 0 and Y = 1, and for X = 2 and whole Y.
 */
double fl_power(double x, double y);

/* log2 of X, above zero and finite; relative error below 1e-15, exact for powers of two. */
double fl_log2(double x);

#endif
