/*
 * Preloaded into all programs of a turn, which then die or find the disk full at one chosen point: the
 * Nth call, of whatever process, that writes to a file, flushes or renames. strace counts each process by
 * itself, so that it cannot say "the 57th of the turn". Writes of stdio inside of libc are not seen.
 *     FAULT_COUNT  a file of 8 bytes, in which calls are counted; FAULT_AT  N, 0: count only
 *     FAULT_HOW    kill: the whole process group;  once: ENOSPC;  full: ENOSPC from there on
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is this call to fail? Does not return where it is to die. */
static int
fault(void)
{
    static _Atomic uint64_t *count;
    const char *file = getenv("FAULT_COUNT"), *at = getenv("FAULT_AT"), *how = getenv("FAULT_HOW");
    int kept = errno;

    if (!file)
        return 0;
    if (!count) {
        int fd = open(file, O_RDWR | O_CLOEXEC);
        void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (fd >= 0)
            close(fd);
        if (p == MAP_FAILED)
            return 0;
        count = p;
    }
    errno = kept;
    uint64_t n = ++*count, chosen = at ? strtoull(at, NULL, 10) : 0;
    if (!chosen || !how || n < chosen || (n > chosen && strcmp(how, "full")))
        return 0;
    if (!strcmp(how, "kill"))
        kill(0, SIGKILL);
    errno = ENOSPC;
    return 1;
}

static int
is_file(int fd)
{
    struct stat s;
    int kept = errno, file = !fstat(fd, &s) && S_ISREG(s.st_mode);

    errno = kept;
    return file;
}

#define REAL(type, name, ...)                                                                      \
    static type (*real)(__VA_ARGS__);                                                              \
    if (!real)                                                                                     \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

ssize_t
write(int fd, const void *data, size_t n)
{
    REAL(ssize_t, write, int, const void *, size_t);
    return is_file(fd) && fault() ? -1 : real(fd, data, n);
}

ssize_t
pwrite(int fd, const void *data, size_t n, off_t at)
{
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return fault() ? -1 : real(fd, data, n, at);
}

int
fsync(int fd)
{
    REAL(int, fsync, int);
    return fault() ? -1 : real(fd);
}

int
fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    return fault() ? -1 : real(fd);
}

int
rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    return fault() ? -1 : real(from, to);
}

int
renameat(int a, const char *from, int b, const char *to)
{
    REAL(int, renameat, int, const char *, int, const char *);
    return fault() ? -1 : real(a, from, b, to);
}

int
renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    REAL(int, renameat2, int, const char *, int, const char *, unsigned);
    return fault() ? -1 : real(a, from, b, to, flags);
}

int
linkat(int a, const char *from, int b, const char *to, int flags)
{
    REAL(int, linkat, int, const char *, int, const char *, int);
    return fault() ? -1 : real(a, from, b, to, flags);
}
