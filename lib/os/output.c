/*
 * The transitions of the picture in output.h: open [fl_output_open, open_part], write
 * [fl_output_write], flush [fl_output_flush], commit [fl_output_commit], abort [fl_output_abort].
 * The part is locked and not the target: a reader never waits, and a second writer is told at once.
 */
#include "os/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/progress.h"
#include "os/watch.h"

enum { WAIT_SECONDS = 60 };

/* The part, new (*MADE) or a leftover. -1 with errno; EEXIST: it went away meanwhile. */
static int
open_one(const char *part, mode_t mode, bool *made)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(part, flags | O_CREAT | O_EXCL, mode);

    *made = fd >= 0;
    if (fd >= 0 || errno != EEXIST)
        return fd;
    fd = open(part, flags);
    if (fd < 0 && errno == ENOENT)
        errno = EEXIST;
    return fd;
}

/*
 * Open and lock the part file. Between open and lock another run may have renamed or removed it;
 * then the name leads to another file by now, and we begin again. A leftover that is another's, or
 * has a second name, is not taken over: whoever laid it there would have what is written.
 */
static int
open_part(struct fl_output *out, mode_t mode, bool wait)
{
    const double until = fl_seconds() + (wait ? WAIT_SECONDS : 0);

    for (;;) {
        struct stat by_fd, by_name;
        bool made;
        int fd = open_one(out->part, mode, &made);

        if (fd < 0 && errno == EEXIST)
            continue;
        if (fd < 0)
            return fl_error_errno(errno, "%s: cannot write beside it", out->name);
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            int e = errno;
            close(fd);
            if (e == EWOULDBLOCK && fl_seconds() < until) {
                nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
                continue;
            }
            if (e == EWOULDBLOCK)
                return fl_error(FL_FAILED, "%s: another program is writing it; wait for its end",
                                out->name);
            unlink(out->part); /* where nothing can be locked, nobody writes one */
            return fl_error_errno(e, "%s: cannot lock", out->part);
        }
        if (!fstat(fd, &by_fd) && !stat(out->part, &by_name) && by_fd.st_ino == by_name.st_ino &&
            by_fd.st_dev == by_name.st_dev) {
            if (!made && (by_fd.st_uid != geteuid() || by_fd.st_nlink != 1)) {
                int e = unlink(out->part) ? errno : 0;
                close(fd);
                if (e)
                    return fl_error_errno(e, "%s: is another's, and must be removed", out->part);
                continue;
            }
            if (fl_watch_part(out->part)) {
                close(fd);
                return -1;
            }
            out->fd = fd;
            if ((mode == 0600 && fchmod(fd, 0600)) || ftruncate(fd, 0)) {
                fl_error_errno(errno, "%s: cannot write", out->name);
                fl_output_abort(out);
                return -1;
            }
            return 0;
        }
        close(fd);
    }
}

int
fl_output_check_folder(const char *path)
{
    char *target = fl_follow_links(path);
    char *slash = target ? strrchr(target, '/') : NULL;

    if (!target)
        return -1;
    if (slash)
        slash[1] = '\0';
    int failed = access(slash ? target : ".", W_OK);
    int e = errno;
    free(target);
    return failed ? fl_error_errno(e, "%s: cannot write beside it", path) : 0;
}

/* Opened before anything is written: a name that cannot be made durable is not taken later. */
static int
open_folder(struct fl_output *out)
{
    const char *slash = strrchr(out->target, '/');
    char *dir = slash ? fl_strndup(out->target, (size_t)(slash - out->target) + 1) : fl_strdup(".");

    if (!dir)
        return -1;
    out->folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int e = errno;
    free(dir);
    /* One that may be written and not read: its file is flushed once more, under its name. */
    if (out->folder < 0 && e == EACCES)
        out->folder = fcntl(out->fd, F_DUPFD_CLOEXEC, 3);
    return out->folder < 0 ? fl_error_errno(e, "%s: cannot open its folder", out->name) : 0;
}

static int
check_not_terminal(const struct fl_output *out, unsigned flags)
{
    if ((flags & FL_OUTPUT_BINARY) && isatty(out->fd))
        return fl_error(
            FL_USAGE, "%s: is a terminal, and this is binary; use -o FILE or redirect with > FILE",
            out->name);
    return 0;
}

static void
forget(struct fl_output *out)
{
    if (out->fd > 1)
        close(out->fd);
    if (out->folder >= 0)
        close(out->folder);
    free(out->name);
    free(out->target);
    free(out->part);
    *out = (struct fl_output)FL_OUTPUT_INIT;
}

int
fl_output_open(struct fl_output *out, const char *path, unsigned flags)
{
    struct stat st;

    *out = (struct fl_output)FL_OUTPUT_INIT;
    if (!path || !strcmp(path, "-")) {
        out->name = fl_strdup("standard output");
        out->fd = 1;
        if (!out->name || check_not_terminal(out, flags)) {
            forget(out);
            return -1;
        }
        return 0;
    }
    if (!*path)
        return fl_error(FL_USAGE, "the name of the output is empty; name a file");
    out->name = fl_strdup(path);
    bool exists = !stat(path, &st);
    if (!out->name) {
        /* the error is recorded */
    } else if (!exists && errno == ENAMETOOLONG) { /* its part would have a shorter one */
        fl_error_errno(errno, "%s: cannot write", path);
    } else if (exists && S_ISDIR(st.st_mode)) {
        fl_error(FL_USAGE, "%s: is a folder; name a file in it", path);
    } else if (exists && !S_ISREG(st.st_mode)) { /* in place, by a name that may be /dev/stdout */
        out->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (out->fd < 0)
            fl_error_errno(errno, "%s: cannot write", path);
        else if (!check_not_terminal(out, flags))
            return 0;
    } else if ((out->target = fl_follow_links(path)) &&
               (out->part = fl_name_beside(out->target, ".", ".part"))) {
        out->fresh = flags & FL_OUTPUT_NEW;
        if (!open_part(out, flags & FL_OUTPUT_SECRET ? 0600 : 0666, flags & FL_OUTPUT_WAIT)) {
            if (exists && !(flags & FL_OUTPUT_SECRET))
                (void)!fchmod(out->fd, st.st_mode & 0777); /* who could not read it shall not now */
            if (!open_folder(out))
                return 0;
            fl_output_abort(out);
            return -1;
        }
    }
    forget(out);
    return -1;
}

int
fl_output_write(struct fl_output *out, const void *data, size_t n)
{
    return fl_write_full(out->fd, out->name, data, n);
}

int
fl_output_copy(struct fl_output *out, int fd, const char *name)
{
    const size_t size = (size_t)1 << 20;
    char *data = fl_alloc(size, 1);
    ssize_t got = data ? 1 : -1;
    int64_t total = fl_regular_size(fd);
    uint64_t done = 0;
    struct fl_progress progress;

    fl_progress_start(&progress, "writing", "B", total > 0 ? (uint64_t)total : 0);
    while (got > 0 && (got = fl_read_full(fd, name, data, size)) > 0) {
        if (fl_output_write(out, data, (size_t)got))
            got = -1;
        else
            fl_progress_show(&progress, done += (size_t)got, "%s", out->name);
    }
    fl_progress_clear(&progress);
    free(data);
    return got < 0 ? -1 : 0;
}

int
fl_output_flush(struct fl_output *out)
{
    int64_t bytes = out->part && !out->flushed ? fl_regular_size(out->fd) : 0;
    struct fl_progress progress;
    int result = 0;

    fl_progress_start(&progress, "flushing", "B", 0);
    progress.shown = 0;
    if (bytes > 64 << 20) /* nothing tells how far the disk is, and it may take long */
        fl_progress_show(&progress, (uint64_t)bytes, "%s", out->name);
    if (out->part && !out->flushed && fsync(out->fd))
        result = fl_error_errno(errno, "%s: cannot write", out->name);
    fl_progress_clear(&progress);
    out->flushed = !result;
    return result;
}

/* Whoever writes a file of this name holds the lock of its part: none comes between. */
static int
take_name(const struct fl_output *out)
{
    if (out->fresh && !access(out->target, F_OK)) {
        errno = EEXIST;
        return -1;
    }
    fl_watch_part_gone(out->part); /* from now on it may be another run's */
    return rename(out->part, out->target);
}

int
fl_output_commit(struct fl_output *out)
{
    int result = 0;

    if (out->fd < 0)
        return 0;
    if (fl_watch_check()) {
        fl_output_abort(out);
        return -1;
    }
    if (!out->part) { /* a FIFO, a device, standard output: a late error shows at close */
        int fd = out->fd == 1 ? dup(1) : out->fd;
        if (out->fd != 1)
            out->fd = 1; /* closed here */
        if (fd >= 0 && close(fd))
            result = fl_error_errno(errno, "%s: cannot write", out->name);
        forget(out);
        return result;
    }
    if (fl_output_flush(out)) {
        fl_output_abort(out);
        return -1;
    }
    if (take_name(out)) {
        fl_error_errno(errno, "%s: cannot take its name", out->name);
        fl_output_abort(out);
        return -1;
    }
    if (fsync(out->folder) && errno != EINVAL && errno != EROFS)
        result = fl_error_errno(errno, "%s: cannot flush its folder", out->name);
    forget(out);
    return result;
}

void
fl_output_abort(struct fl_output *out)
{
    if (out->fd >= 0 && out->part) {
        fl_watch_part_gone(out->part);
        unlink(out->part);
    }
    forget(out);
}

int
fl_output_try(const char *path)
{
    struct fl_output out;

    if (!path)
        return 0;
    if (fl_output_open(&out, path, FL_OUTPUT_BINARY))
        return -1;
    fl_output_abort(&out);
    return 0;
}

int
fl_output_write_file(const char *path, const void *data, size_t n, unsigned flags)
{
    struct fl_output out;

    if (fl_output_open(&out, path, flags))
        return -1;
    if (fl_output_write(&out, data, n)) {
        fl_output_abort(&out);
        return -1;
    }
    return fl_output_commit(&out);
}

int
fl_outputs_commit(struct fl_output *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (out[i].fd >= 0 && fl_output_flush(&out[i]))
            return -1;
    for (size_t i = 0; i < count; i++)
        if (out[i].fd >= 0 && fl_output_commit(&out[i]))
            return -1;
    return 0;
}

void
fl_outputs_abort(struct fl_output *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fl_output_abort(&out[i]);
}
