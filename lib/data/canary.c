/* stub */
#include "data/canary.h"
#include <math.h>
void
fl_wilson(uint64_t found, uint64_t placed, double *low, double *high)
{
    const double z = 1.959963984540054;
    double n = (double)placed, p = placed ? (double)found / n : 0;

    *low = 0;
    *high = 1;
    if (!placed)
        return;
    double middle = p + z * z / (2 * n), wide = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = (middle - wide) / (1 + z * z / n);
    *high = (middle + wide) / (1 + z * z / n);
}
