/* SIGTERM, SIGINT and SIGHUP as a flag for programs that save their work before they end. */
#ifndef FL_OS_STOP_H
#define FL_OS_STOP_H

#include "base/must.h"

/*
 * From now on these signals set the flag, and TEXT (one line without its end; NULL: none) are on
 * standard error at once. The second one does what it did before: it ends the process. One that was
 * ignored when the program started stays ignored: nohup(1), or SIGINT in the background of a
 * script.
 */
void fl_stop_catch(const char *text);

/* From now on the first one does that, too. The signal that arrived until now, or 0. */
FL_MUST int fl_stop_let(void);

/* The signal that arrived, or 0. */
FL_MUST int fl_stop_signal(void);

/* End this process by SIGNAL, as if it had not been caught. */
void fl_stop_die(int signal);

/*
 * End this process with STATUS, without the exit handlers of libraries: OpenBLAS's joins its own
 * threads, which never end where they could not have their memory. Sanitizers have handlers that
 * must run, so under them it is exit(3).
 */
_Noreturn void fl_stop_now(int status);

#endif
