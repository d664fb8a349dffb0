/*
 * Crashes: an action runs in a child that is killed at its Nth system call that writes, as if the
 * machine had stopped there. What the files then hold must be what was before, or what is after.
 */
#ifndef FL_TEST_CRASH_H
#define FL_TEST_CRASH_H

#include <stdbool.h>
#include <stdint.h>

typedef int crash_action(void *arg);

#ifdef __linux__
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool
crash_writes(uint64_t call, const uint64_t *args)
{
    static const long calls[] = {
#ifdef SYS_rename
        SYS_rename,          SYS_link,    SYS_unlink,    SYS_mkdir,   SYS_rmdir,     SYS_chmod,
#endif
#ifdef SYS_renameat
        SYS_renameat,
#endif
        SYS_renameat2,       SYS_linkat,  SYS_unlinkat,  SYS_mkdirat, SYS_fchmodat,  SYS_fchmod,
        SYS_pwrite64,        SYS_writev,  SYS_ftruncate, SYS_fsync,   SYS_fdatasync, SYS_fallocate,
        SYS_copy_file_range, SYS_sendfile};

    if (call == (uint64_t)SYS_write)
        return args[0] > 2;
    if (call == (uint64_t)SYS_openat)
        return args[2] & O_CREAT;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (call == (uint64_t)calls[i])
            return true;
    return false;
}

/*
 * Run ACTION and kill it as it enters call N (from 0) that writes: 1. It ended before: 0 when it
 * returned 0, else -1. -2: nothing can be traced here. *CALLS: those that were entered.
 */
static inline int
crash_run(int n, crash_action *action, void *arg, int *calls)
{
    int status;

    *calls = 0;

    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            _exit(77);
        raise(SIGSTOP);
        _exit(action(arg) ? 1 : 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
        return -2;
    for (int signal = 0;;) {
        if (ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)signal) ||
            waitpid(child, &status, 0) != child)
            return -2;
        if (WIFEXITED(status))
            return WEXITSTATUS(status) ? -1 : 0;
        if (WIFSIGNALED(status))
            return -1;
        struct __ptrace_syscall_info info;
        signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        if (signal)
            continue;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) <= 0)
            return -2;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && crash_writes(info.entry.nr, info.entry.args) &&
            (*calls)++ == n) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return 1;
        }
    }
}
#else
static inline int
crash_run(int n, crash_action *action, void *arg, int *calls)
{
    (void)n;
    (void)action;
    (void)arg;
    *calls = 0;
    return -2;
}
#endif

/* The same, for those who do not count. */
static inline int
crash_at(int n, crash_action *action, void *arg)
{
    int calls;

    return crash_run(n, action, arg, &calls);
}

#endif
