/* What the system may keep or show of this process's memory. */
#ifndef FL_OS_CORE_H
#define FL_OS_CORE_H

/*
 * From now on this process leaves no core file and, on Linux, lets no other process of its user
 * read its memory. Without effect where the system does not allow it.
 */
void fl_core_forbid(void);

#endif
