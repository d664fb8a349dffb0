/*
 * What an attack proves when it guesses right: how large epsilon must be, whatever the program that
 * was attacked says of itself. Chance is counted, so that a lucky attack proves nothing.
 *
 * Sources: Clopper, Pearson 1934; Steinke, Nasr, Jagielski 2023, Theorem 5.2 and its program (all
 * guesses in one training).
 */
#ifndef FL_AUDIT_GUESS_H
#define FL_AUDIT_GUESS_H

#include <stdint.h>

/*
 * The least chance with which RIGHT or more of COUNT tries succeed with a probability of ALPHA, and
 * the largest with which so few do: the two limits of Clopper and Pearson, each of confidence 1 -
 * ALPHA. RIGHT <= COUNT; 0 and 1 where there is none. O(COUNT) for each of some dozen steps.
 */
double fl_binomial_least(uint64_t right, uint64_t count, double alpha);
double fl_binomial_most(uint64_t right, uint64_t count, double alpha);

/*
 * UNITS units were in the text or were not, each by a fair coin of its own; of GUESSES of them,
 * chosen by looking at the model alone, RIGHT were said rightly. A mechanism with (epsilon, DELTA)
 * for adding or removing one unit does so well with a probability of at most ALPHA, unless epsilon
 * is above what is returned; 0: nothing is proved.
 */
double fl_guess_epsilon(uint64_t units, uint64_t guesses, uint64_t right, double delta,
                        double alpha);

/*
 * COUNT secrets were drawn, each evenly from RIVALS of its own, and planted in one unit; of FOUND
 * of them the true one is among the KEPT that the model holds for likeliest. As above for a pure
 * epsilon: the true one is e^(2 epsilon) times as likely as another at most, since one unit goes
 * and another comes. 1 <= KEPT < RIVALS.
 */
double fl_secret_epsilon(uint64_t count, uint64_t found, uint64_t rivals, uint64_t kept,
                         double alpha);

#endif
