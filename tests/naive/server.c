#include "server.h"

float
naive_server_step(char rule, float b, float u, float *v, double lr, double momentum)
{
    volatile double kept, step; /* volatile: no two operations become one */

    if (rule == 's') {
        step = lr * u;
        step = b + step;
        return (float)step;
    }
    kept = momentum * *v;
    kept = kept + u;
    *v = (float)kept;
    step = *v;
    if (rule == 'n') {
        step = momentum * step;
        step = u + step;
    }
    step = lr * step;
    step = b + step;
    return (float)step;
}
