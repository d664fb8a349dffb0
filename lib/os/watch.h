/*
 * What this process has open, for two that nobody can hand it to: the check at the end that no
 * input changed while it was read, and the handlers of signals that end the process.
 *
 * Whoever opens files goes through fl_open_input, fl_map and fl_output_open, which tell of them
 * here. fl_writer_done, fl_output_commit and fl_main ask fl_watch_check, so that no program can
 * forget it.
 *
 * An input that is a regular file is remembered as it was when it was opened. It may get another
 * name, be removed, or have its name taken by a new file: what was opened is what is read. Any
 * other change of its size or of its times means that what was read is a mixture. A change is found
 * by the time that the system notes for it; one that another process makes through a shared map
 * that it had before the file was opened here is not noted until the system writes it to the disk.
 */
#ifndef FL_OS_WATCH_H
#define FL_OS_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

/*
 * Once, when PROGRAM (borrowed) starts. From then on SIGBUS within a map of fl_map, which the
 * system sends when the mapped file became shorter or its disk fails, is one line on standard error
 * and status 1; SIGINT, SIGTERM, SIGHUP and SIGXCPU end the process as they do; and no part of an
 * output is left by any of them. A signal that was ignored stays ignored.
 */
void fl_watch_signals(const char *program);

/*
 * FD was opened by the path NAME (NAMED), or is a standard stream that messages call so; nothing
 * for what is not a regular file. A file that was written within the last tick of the clock is
 * waited for, since another change within that tick would not show: at most 10 ms, or 2 s on a file
 * system that notes whole seconds. 0, or -1 with an error.
 */
FL_MUST int fl_watch_open(int fd, const char *name, bool named);

/*
 * Do not wait from now on: for who writes a file and reads it again thousands of times, and knows
 * that nobody else writes it.
 */
void fl_watch_hurry(void);

/* FD is about to be closed: its file is compared now, and what was found is kept. */
void fl_watch_close(int fd);

/*
 * LEN bytes at P are a map of FD, which may be closed: the file stays watched until fl_watch_unmap.
 * NAME is what messages call it. 0, or -1 with an error.
 */
FL_MUST int fl_watch_map(int fd, const char *name, const void *p, size_t len);
void fl_watch_unmap(const void *p);

/*
 * 0, or -1 with an error when an input changed since it was opened, of those that are open and of
 * those that were closed since the last such error. Cost: one system call for each open one.
 */
FL_MUST int fl_watch_check(void);

/*
 * The same at the end of a program that was successful, unless it was asked since the last input
 * was opened: what changes between an output's commit and the end is not in the output.
 */
FL_MUST int fl_watch_check_rest(void);

/*
 * The file or folder at PATH is the part of an output, or a file in one; it has another name by
 * now, or is gone, with what is below it.
 */
FL_MUST int fl_watch_part(const char *path);
void fl_watch_part_gone(const char *path);

#endif
