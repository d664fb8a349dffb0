/*
 * rename(2) puts a folder on an empty one and on nothing else that exists, which is the rule that
 * is wanted here. A part has plain files alone: nothing below it is walked.
 */
#include "os/output_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/watch.h"

/* Call VISIT for each name in the folder FD but . and .., until it says no; -1 on an error. */
static int
each_name(int fd, bool (*visit)(int fd, const char *name))
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *e;
    bool on = true;

    if (!dir) {
        if (copy >= 0)
            close(copy);
        return -1;
    }
    while (on && (e = readdir(dir)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            on = visit(fd, e->d_name);
    closedir(dir);
    return on ? 0 : -1;
}

static bool
none(int fd, const char *name)
{
    (void)fd;
    (void)name;
    return false;
}

static bool
unlink_one(int fd, const char *name)
{
    return !unlinkat(fd, name, 0);
}

/* PATH may become the folder: nothing has the name, or an empty folder. */
static int
check_free(const char *path)
{
    struct stat st;

    if (lstat(path, &st))
        return errno == ENOENT ? 0 : fl_error_errno(errno, "%s: cannot be looked at", path);
    int fd = S_ISDIR(st.st_mode) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool empty = fd >= 0 && !each_name(fd, none);
    if (fd >= 0)
        close(fd);
    if (empty)
        return 0;
    return fl_error(FL_FAILED,
                    S_ISDIR(st.st_mode)
                        ? "%s: is there and not empty; name a new folder, or remove it"
                        : "%s: is there and no folder; name a new folder, or remove it",
                    path);
}

/* Make the part and lock it; what a dead run left in it goes. */
static int
open_part(struct fl_output_folder *f)
{
    bool made = !mkdir(f->part, 0777);
    if (!made && errno != EEXIST)
        return fl_error_errno(errno, "%s: cannot write beside it", f->name);
    f->fd = open(f->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (f->fd < 0)
        return fl_error_errno(errno, "%s: cannot open", f->part);
    if (flock(f->fd, LOCK_EX | LOCK_NB)) {
        int e = errno;
        close(f->fd);
        f->fd = -1; /* it is not ours to remove */
        if (made && e != EWOULDBLOCK)
            rmdir(f->part);
        return e == EWOULDBLOCK
                   ? fl_error(FL_FAILED, "%s: another program is writing it; wait for its end",
                              f->name)
                   : fl_error_errno(e, "%s: cannot lock", f->part);
    }
    if (each_name(f->fd, unlink_one))
        return fl_error(FL_FAILED, "%s: cannot be emptied for %s; remove it", f->part, f->name);
    return fl_watch_part(f->part);
}

static void
forget(struct fl_output_folder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->name);
    free(f->part);
    *f = (struct fl_output_folder){.fd = -1};
}

int
fl_output_folder_open(struct fl_output_folder *f, const char *path)
{
    size_t len = strlen(path);

    *f = (struct fl_output_folder){.fd = -1};
    if (!len)
        return fl_error(FL_USAGE, "the name of the output is empty; name a folder");
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (!(f->name = fl_strndup(path, len)) || check_free(f->name) ||
        !(f->part = fl_name_beside(f->name, ".", ".part")) || open_part(f)) {
        fl_output_folder_abort(f);
        return -1;
    }
    return 0;
}

int
fl_output_folder_file(struct fl_output_folder *f, const char *name)
{
    int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    struct fl_buf path = {0};

    if (fd < 0)
        return fl_error_errno(errno, "%s/%s: cannot write", f->name, name);
    if (fl_buf_printf(&path, "%s/%s", f->part, name) || fl_watch_part(fl_buf_text(&path))) {
        close(fd); /* the abort removes it */
        fd = -1;
    }
    fl_buf_release(&path);
    return fd;
}

int
fl_output_folder_end(struct fl_output_folder *f, int fd, const char *name)
{
    int failed = fsync(fd) ? errno : 0;

    if (close(fd) && !failed)
        failed = errno;
    return failed ? fl_error_errno(failed, "%s/%s: cannot write", f->name, name) : 0;
}

int
fl_output_folder_write(struct fl_output_folder *f, const char *name, const void *data, size_t len)
{
    int fd = fl_output_folder_file(f, name);
    struct fl_buf path = {0};

    if (fd < 0)
        return -1;
    int failed = fl_buf_printf(&path, "%s/%s", f->name, name) ||
                 fl_write_full(fd, fl_buf_text(&path), data, len);
    fl_buf_release(&path);
    if (!failed)
        return fl_output_folder_end(f, fd, name);
    close(fd);
    return -1;
}

/* The folder that has F, so that its new name is durable too. */
static int
flush_parent(const struct fl_output_folder *f)
{
    const char *slash = strrchr(f->name, '/');
    char *dir = !slash             ? fl_strdup(".")
                : slash == f->name ? fl_strdup("/")
                                   : fl_strndup(f->name, (size_t)(slash - f->name));
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = 0;

    free(dir);
    if (fd < 0)
        return errno == EACCES ? 0 : fl_error_errno(errno, "%s: cannot open its folder", f->name);
    if (fsync(fd) && errno != EINVAL && errno != EROFS)
        result = fl_error_errno(errno, "%s: cannot flush its folder", f->name);
    close(fd);
    return result;
}

int
fl_output_folder_commit(struct fl_output_folder *f)
{
    int result = 0;

    if (f->fd < 0)
        return 0;
    if (fl_watch_check()) {
        result = -1;
    } else if (fsync(f->fd) && errno != EINVAL && errno != EROFS) {
        result = fl_error_errno(errno, "%s: cannot write", f->name);
    } else if (fl_watch_part_gone(f->part), rename(f->part, f->name)) {
        int e = errno;
        result = -1;
        if ((e != ENOTEMPTY && e != EEXIST && e != ENOTDIR) || !check_free(f->name))
            fl_error_errno(e, "%s: cannot take its name", f->name);
    }
    if (result) {
        fl_output_folder_abort(f);
        return -1;
    }
    result = flush_parent(f);
    forget(f);
    return result;
}

void
fl_output_folder_abort(struct fl_output_folder *f)
{
    if (f->fd >= 0 && f->part) {
        fl_watch_part_gone(f->part);
        (void)!each_name(f->fd, unlink_one);
        rmdir(f->part);
    }
    forget(f);
}
