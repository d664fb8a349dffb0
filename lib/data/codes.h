/*
 * An exact table from the codes of a site to those of a contract: lines CODE TAB CODE of UTF-8.
 * Nothing is guessed: a code that is not in the table is kept, its record dropped, or the run
 * refused, as the contract says.
 */
#ifndef FL_DATA_CODES_H
#define FL_DATA_CODES_H

#include <stddef.h>

#include "base/must.h"

enum fl_code_policy { FL_CODE_KEEP, FL_CODE_DROP, FL_CODE_REFUSE };

struct fl_codes;

/*
 * At most 16 MiB; lines that are blank or begin with '#' are passed over. A code that is there
 * twice, or a line without a tab, is an error (FL_USAGE) with its line. NULL with an error.
 */
struct fl_codes *fl_codes_read(const char *path);
void fl_codes_free(struct fl_codes *c);

/* What CODE (spaces around it do not count) becomes, or NULL. Cost O(log codes). */
const char *fl_codes_find(const struct fl_codes *c, const char *code, size_t len);

#endif
