/*
 * The lock is flock(2) on a file within, which ends with the process that holds it however that
 * ends. Opening flushes the folder: a name that a killed run gave must not vanish after somebody
 * acted on it.
 */
#include "os/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/file.h"

bool
fl_folder_exists(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

char *
fl_folder_of_key(const char *key_path)
{
    char *real = fl_follow_links(key_path);
    char *path = real ? fl_name_beside(real, "", ".state") : NULL;

    free(real);
    return path;
}

bool
fl_folder_holds(const char *dir, const char *path)
{
    char *real = fl_follow_links(path);
    char *slash = real ? strrchr(real, '/') : NULL;
    struct stat x, y;

    if (slash)
        slash[slash == real] = '\0'; /* "/x" lies in "/" */
    bool holds = real && !stat(slash ? real : ".", &x) && !stat(dir, &y) && x.st_dev == y.st_dev &&
                 x.st_ino == y.st_ino;
    free(real);
    return holds;
}

int
fl_check_private(int fd, const char *name)
{
    struct stat st;

    if (fstat(fd, &st))
        return fl_error_errno(errno, "%s: cannot read", name);
    if (st.st_mode & 077)
        return fl_error(FL_REFUSED,
                        "%s: others can read or change this secret (mode %03o); chmod go= it, and "
                        "make a new one if somebody did",
                        name, (unsigned)(st.st_mode & 0777));
    return 0;
}

/* What is in PATH/BELOW is still there after a crash. */
static int
flush(const char *path, const char *below, const char *about)
{
    char *name = fl_alloc(strlen(path) + strlen(below) + 2, 1);

    if (!name)
        return -1;
    sprintf(name, "%s/%s", path, below);
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(name);
    int failed = fd < 0 || (fsync(fd) && errno != EINVAL && errno != EROFS);
    int e = errno;
    if (fd >= 0)
        close(fd);
    return failed ? fl_error_errno(e, "%s: cannot flush %s", path, about) : 0;
}

static int
make(const char *path)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return fl_error_errno(errno, "%s: cannot make this folder", path);
    return flush(path, "..", "the folder above it");
}

static int
check_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return fl_error_errno(errno, "%s: cannot open this folder", path);
    int result = fl_check_private(fd, path);
    close(fd);
    return result;
}

int
fl_folder_open(struct fl_folder *folder, const char *path, bool create)
{
    *folder = (struct fl_folder)FL_FOLDER_INIT;
    if (create && !fl_folder_exists(path) && make(path))
        return -1;
    if (check_folder(path))
        return -1;
    folder->path = fl_strdup(path);
    char *name = folder->path ? fl_folder_file(folder, "lock") : NULL;
    if (!name) {
        fl_folder_close(folder);
        return -1;
    }
    folder->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int result = 0;
    if (folder->lock < 0)
        result = fl_error_errno(errno, "%s: cannot open", name);
    else if (flock(folder->lock, LOCK_EX | LOCK_NB))
        result = errno == EWOULDBLOCK
                     ? fl_error(FL_FAILED, "%s: another program is using it; wait for its end",
                                path)
                     : fl_error_errno(errno, "%s: cannot lock", name);
    free(name);
    /* A run that was killed may have renamed a file and not flushed that: nobody acts on it yet. */
    if (!result)
        result = flush(path, ".", "this folder");
    if (result)
        fl_folder_close(folder);
    return result;
}

int
fl_file_lock(const char *path)
{
    struct stat mine, now;

    for (;;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return 0;
        if (fstat(fd, &mine) || !S_ISREG(mine.st_mode)) {
            close(fd);
            return 0;
        }
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            int result = errno == EWOULDBLOCK
                             ? fl_error(FL_FAILED,
                                        "%s: another program is using this key; wait for its end",
                                        path)
                             : fl_error_errno(errno, "%s: cannot lock", path);
            close(fd);
            return result;
        }
        if (!stat(path, &now) && now.st_ino == mine.st_ino && now.st_dev == mine.st_dev)
            return 0; /* the descriptor stays open */
        close(fd);
    }
}

void
fl_folder_close(struct fl_folder *folder)
{
    if (folder->lock >= 0)
        close(folder->lock);
    free(folder->path);
    *folder = (struct fl_folder)FL_FOLDER_INIT;
}

char *
fl_folder_file(const struct fl_folder *folder, const char *name)
{
    char *path = fl_alloc(strlen(folder->path) + strlen(name) + 2, 1);

    if (path)
        sprintf(path, "%s/%s", folder->path, name);
    return path;
}

int
fl_folder_remove(const struct fl_folder *folder, const char *name)
{
    char *path = fl_folder_file(folder, name);

    if (!path)
        return -1;
    int result = 0;
    if (unlink(path) && errno != ENOENT)
        result = fl_error_errno(errno, "%s: cannot remove", path);
    free(path);
    return result;
}

static bool
is_kept(const char *name, const char *const *keep, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(name, keep[i]))
            return true;
    return false;
}

int
fl_folder_prune(const struct fl_folder *folder, const char *prefix, const char *const *keep,
                size_t count)
{
    DIR *dir = opendir(folder->path);
    const struct dirent *entry;
    int result = 0;

    if (!dir)
        return fl_error_errno(errno, "%s: cannot read this folder", folder->path);
    while (!result && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (!strncmp(name + (*name == '.'), prefix, strlen(prefix)) && !is_kept(name, keep, count))
            result = fl_folder_remove(folder, name);
    }
    closedir(dir);
    return result;
}
