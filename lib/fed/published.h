/*
 * The files of a round in its folder, as everybody publishes them:
 *
 *     plan.flt               signed by the hub        answer/HELPER.flt   of each helper
 *     up/SITE.flt            of each site             sum.flt, mean.flt   that anybody makes again
 *     request.flt            signed by the hub        opened/PARTY.flt    of who is under replay
 *
 * Of plans and requests there may be more, as request.2.flt. Other files belong to nobody here.
 */
#ifndef FL_FED_PUBLISHED_H
#define FL_FED_PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

/* "FOLDER/NAME.flt", or with SUB "FOLDER/SUB/NAME.flt": free() it; NULL with an error. */
char *fl_published(const char *folder, const char *sub, const char *name);

/* Names without ".flt", sorted by their bytes. */
struct fl_published_list { /* a zeroed struct is empty */
    size_t count, cap;
    char **names;
};

/*
 * The .flt files of FOLDER or of its folder SUB (NULL: its own), hidden ones left out. Without SUB
 * there are none. 0 or -1 with an error.
 */
FL_MUST int fl_published_list(struct fl_published_list *list, const char *folder, const char *sub);
void fl_published_release(struct fl_published_list *list);

/* Is NAME "STEM" or "STEM.ANYTHING"? */
bool fl_published_is(const char *name, const char *stem);

#endif
