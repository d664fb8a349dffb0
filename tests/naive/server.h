/* Slow twin of fed/server: one value at a time, as the formulas stand. */
#ifndef NAIVE_SERVER_H
#define NAIVE_SERVER_H

/* RULE: 's', 'm' or 'n'. The new value of b; *v is the velocity, read and replaced. */
float naive_server_step(char rule, float b, float u, float *v, double lr, double momentum);

#endif
