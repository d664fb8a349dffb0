/*
 * Tails of binomials are sums of their terms, each from logarithms of factorials: counts are some
 * thousands, and nothing else is as plainly right.
 */
#include "audit/guess.h"

#include <math.h>

enum { STEPS = 60 }; /* of halving: a double has no more digits */

/* P[Binomial(n, p) = k], 0 < p < 1. */
static double
chance(uint64_t k, uint64_t n, double p)
{
    double a = (double)n, b = (double)k;

    return exp(lgamma(a + 1) - lgamma(b + 1) - lgamma(a - b + 1) + b * log(p) +
               (a - b) * log1p(-p));
}

/* P[Binomial(n, p) >= k]. */
static double
at_least(uint64_t k, uint64_t n, double p)
{
    double sum = 0;

    for (uint64_t i = n + 1; i-- > k;)
        sum += chance(i, n, p);
    return sum < 1 ? sum : 1;
}

double
fl_binomial_least(uint64_t right, uint64_t count, double alpha)
{
    double low = 0, high = 1;

    if (!right)
        return 0;
    for (int i = 0; i < STEPS; i++) {
        double p = (low + high) / 2;
        *(at_least(right, count, p) < alpha ? &low : &high) = p;
    }
    return low;
}

double
fl_binomial_most(uint64_t right, uint64_t count, double alpha)
{
    return 1 - fl_binomial_least(count - right, count, alpha);
}

/*
 * How likely a mechanism of EPS and DELTA guesses so well, at most: the tail, and DELTA twice for
 * each unit times the most that one more right guess is worth, over all that fall short by up to i.
 */
static double
luck(uint64_t units, uint64_t guesses, uint64_t right, double eps, double delta)
{
    double p = 1 / (1 + exp(-eps)), sum = 0, worth = 0;

    for (uint64_t i = 1; i <= right; i++) {
        sum += chance(right - i, guesses, p);
        worth = fmax(worth, sum / (double)i);
    }
    return at_least(right, guesses, p) + 2 * delta * (double)units * worth;
}

double
fl_guess_epsilon(uint64_t units, uint64_t guesses, uint64_t right, double delta, double alpha)
{
    double low = 0, high = 1;

    if (luck(units, guesses, right, low, delta) > alpha)
        return 0;
    while (high < 64 && luck(units, guesses, right, high, delta) < alpha)
        high *= 2;
    for (int i = 0; i < STEPS; i++) {
        double eps = (low + high) / 2;
        *(luck(units, guesses, right, eps, delta) < alpha ? &low : &high) = eps;
    }
    return low;
}

double
fl_secret_epsilon(uint64_t count, uint64_t found, uint64_t rivals, uint64_t kept, double alpha)
{
    double p = fl_binomial_least(found, count, alpha);
    double odds = p / (1 - p) * (double)(rivals - kept) / (double)kept;

    return odds > 1 ? log(odds) / 2 : 0;
}
