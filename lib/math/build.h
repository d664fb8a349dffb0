/*
 * What this program is, and what of this machine it uses: for a line in a report of a fault, and
 * for whoever compares two machines.
 */
#ifndef FL_MATH_BUILD_H
#define FL_MATH_BUILD_H

#include "base/must.h"
#include "cli/report.h"

/* Add to R, a record: version, compiler, processor, cores, products, products_version, precisions.
 * -1 as of fl_products. */
FL_MUST int fl_build_report(struct fl_report *r);

#endif
