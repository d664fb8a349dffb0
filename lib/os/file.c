/*
 * What may be interrupted or come back short is called again here and nowhere else. Maps are
 * advised page by page: a training that passes over shards larger than memory must not push out
 * what others use. Advice may fail and changes no result.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#endif
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/visible.h"
#include "os/folder.h"
#include "os/watch.h"

/*
 * A read or write failed: may it be tried again? A pipe or socket that somebody made non-blocking
 * (whoever started us, or shares it) is waited for, as if it were not.
 */
static bool
try_again(int fd, short event)
{
    struct pollfd p = {.fd = fd, .events = event};

    if (errno == EINTR)
        return true;
    return (errno == EAGAIN || errno == EWOULDBLOCK) && (poll(&p, 1, -1) >= 0 || errno == EINTR);
}

ssize_t
fl_read_some(int fd, const char *name, void *data, size_t n)
{
    ssize_t got;

    do
        got = read(fd, data, n);
    while (got < 0 && try_again(fd, POLLIN));
    return got < 0 ? fl_error_errno(errno, "%s: cannot read", name) : got;
}

ssize_t
fl_read_full(int fd, const char *name, void *data, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = fl_read_some(fd, name, (char *)data + done, n - done);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

ssize_t
fl_pread_full(int fd, const char *name, void *data, size_t n, uint64_t offset)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = pread(fd, (char *)data + done, n - done, (off_t)(offset + done));
        if (got == 0)
            break;
        if (got < 0 && try_again(fd, POLLIN))
            continue;
        if (got < 0)
            return fl_error_errno(errno, "%s: cannot read", name);
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* Bytes that are the map of a file which became shorter are no bytes any more (EFAULT). */
static int
write_failed(const char *name)
{
    int e = errno;

    if (e == EPIPE)
        return fl_error(FL_PIPE, "%s: its reader went away", name);
    return e == EFAULT && fl_watch_check() ? -1 : fl_error_errno(e, "%s: cannot write", name);
}

static bool
write_all(int fd, const char *data, size_t n)
{
    size_t done = 0;

    while (done < n) {
        ssize_t put = write(fd, data + done, n - done);
        if (put >= 0)
            done += (size_t)put;
        else if (!try_again(fd, POLLOUT))
            return false;
    }
    return true;
}

int
fl_write_full(int fd, const char *name, const void *data, size_t n)
{
    return write_all(fd, data, n) ? 0 : write_failed(name);
}

void
fl_write_quietly(int fd, const void *data, size_t n)
{
    (void)write_all(fd, data, n);
}

int
fl_write_text(int fd, const char *name, const void *text, size_t n)
{
    struct fl_buf shown = {0};
    int result = -1;

    if (!isatty(fd))
        return fl_write_full(fd, name, text, n);
    if (!fl_buf_add_visible(&shown, text, n, FL_VISIBLE_TEXT))
        result = fl_write_full(fd, name, shown.data, shown.len);
    fl_buf_release(&shown);
    return result;
}

int
fl_pwrite_full(int fd, const char *name, const void *data, size_t n, uint64_t offset)
{
    size_t done = 0;

    while (done < n) {
        ssize_t put = pwrite(fd, (const char *)data + done, n - done, (off_t)(offset + done));
        if (put < 0 && try_again(fd, POLLOUT))
            continue;
        if (put < 0)
            return write_failed(name);
        done += (size_t)put;
    }
    return 0;
}

int
fl_hold_standard(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            return fl_error_errno(errno, "/dev/null: cannot open");
    return 0;
}

const char *
fl_input_name(const char *path)
{
    return !path || !strcmp(path, "-") ? "standard input" : path;
}

uint64_t
fl_input_bytes(const char *const *paths, size_t count)
{
    uint64_t bytes = 0;
    struct stat st;

    for (size_t i = 0; i < count; i++) {
        if (stat(paths[i], &st) || !S_ISREG(st.st_mode))
            return 0;
        bytes += (uint64_t)st.st_size;
    }
    return bytes;
}

bool
fl_input_missing(const char *path)
{
    return path && *path && strcmp(path, "-") && access(path, F_OK) && errno == ENOENT;
}

int
fl_open_input(const char *path, bool binary)
{
    const bool named = path && strcmp(path, "-");
    struct stat st;
    int fd = 0;

    if (path && !*path)
        return fl_error(FL_USAGE, "the name of an input is empty; name a file");
    if (named) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return fl_error_errno(errno, "%s: cannot open", path);
    }
    if (fstat(fd, &st)) {
        fl_error_errno(errno, "%s: cannot read", fl_input_name(path));
    } else if (S_ISDIR(st.st_mode)) {
        fl_error(FL_FAILED, "%s: is a folder; name a file in it", fl_input_name(path));
    } else if (binary && isatty(fd)) {
        fl_error(FL_USAGE, "%s: is a terminal; name a file or pipe one in", fl_input_name(path));
    } else if (!fl_watch_open(fd, fl_input_name(path), named)) {
        return fd;
    }
    fl_close_input(fd);
    return -1;
}

void
fl_close_input(int fd)
{
    fl_watch_close(fd);
    if (fd > 0)
        close(fd);
}

int
fl_check_plain(const char *path)
{
    struct stat st;

    if (stat(path, &st) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return 0; /* opening it says what is wrong */
    return fl_error(FL_FAILED, "%s: is no regular file; put a copy of what it gives in its place",
                    path);
}

int
fl_check_one_name(const char *path)
{
    struct stat st;

    if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_nlink <= 1)
        return 0;
    return fl_error(FL_REFUSED,
                    "%s: has %llu names (hard links), and only this one would have what is "
                    "written; remove the others, or make them symbolic links",
                    path, (unsigned long long)st.st_nlink);
}

char *
fl_follow_links(const char *path)
{
    char *now = fl_strdup(path);

    for (int hops = 0; now && hops < 40; hops++) {
        char link[PATH_MAX];
        ssize_t n = readlink(now, link, sizeof link - 1);
        if (n < 0)
            return now;
        link[n] = '\0';
        const char *slash = strrchr(now, '/');
        size_t dir = slash && link[0] != '/' ? (size_t)(slash - now) + 1 : 0;
        char *next = fl_alloc(dir + (size_t)n + 1, 1);
        if (next) {
            memcpy(next, now, dir);
            memcpy(next + dir, link, (size_t)n);
        }
        free(now);
        now = next;
    }
    if (now)
        fl_error(FL_FAILED, "%s: too many symbolic links", path);
    free(now);
    return NULL;
}

/* FNV-1a (Fowler, Noll, Vo): names in one folder are told apart, and nobody is kept out. */
static uint64_t
hash_name(const char *name)
{
    uint64_t h = 14695981039346656037u;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h;
}

char *
fl_name_beside(const char *path, const char *before, const char *after)
{
    const size_t around = strlen(before) + strlen(after), most = NAME_MAX - around;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t dir = (size_t)(name - path), kept = strlen(name);
    char hash[20] = "";

    if (kept > most) {
        snprintf(hash, sizeof hash, "~%016llx", (unsigned long long)hash_name(name));
        kept = most - strlen(hash);
        while ((name[kept] & 0xC0) == 0x80) /* not within a character */
            kept--;
    }
    size_t size = dir + around + kept + sizeof hash;
    char *made = fl_alloc(size, 1);
    if (made)
        snprintf(made, size, "%.*s%s%.*s%s%s", (int)dir, path, before, (int)kept, name, hash,
                 after);
    return made;
}

/* Two names of no file yet: the same name, after links, in one folder? */
static bool
same_name(const char *a, const char *b)
{
    char *x = fl_follow_links(a), *y = fl_follow_links(b);
    const char *slash = x ? strrchr(x, '/') : NULL, *base = slash ? slash + 1 : x;
    char *dir = slash ? fl_strndup(x, (size_t)(slash - x) + 1) : fl_strdup(".");
    const char *other = y ? strrchr(y, '/') : NULL;
    bool same = x && y && dir && !strcmp(base, other ? other + 1 : y) &&
                (!strcmp(x, y) || fl_folder_holds(dir, y));

    free(dir);
    free(x);
    free(y);
    return same;
}

bool
fl_same_file(const char *a, const char *b)
{
    struct stat x, y;

    if (!a || !b)
        return false;
    if (stat(a, &x))
        return stat(b, &y) && same_name(a, b);
    return S_ISREG(x.st_mode) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

size_t
fl_name_unpacked(const char *path)
{
    static const char *const endings[] = {".gz", ".zst", ".xz"};
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t end = strlen(endings[i]);
        if (len >= end && !strcmp(path + len - end, endings[i]))
            return len - end;
    }
    return len;
}

int
fl_read_file(const char *path, size_t max, struct fl_buf *content)
{
    int fd = fl_open_input(path, false);
    int result = -1;

    if (fd < 0)
        return -1;
    for (;;) {
        if (fl_buf_reserve(content, 65536))
            break;
        ssize_t got = fl_read_full(fd, fl_input_name(path), content->data + content->len, 65536);
        if (got < 0)
            break;
        content->len += (size_t)got;
        content->data[content->len] = '\0';
        if (content->len > max) {
            fl_error(FL_FAILED, "%s: is larger than the %zu bytes that such a file may have",
                     fl_input_name(path), max);
            break;
        }
        if (got < 65536) {
            result = 0;
            break;
        }
    }
    fl_close_input(fd);
    return result;
}

int
fl_spool_open(void)
{
    const char *dir = getenv("TMPDIR");
    char path[4096];

    if (!dir || !*dir)
        dir = "/tmp";
    if (snprintf(path, sizeof path, "%s/fl-XXXXXX", dir) >= (int)sizeof path)
        return fl_error(FL_USAGE, "TMPDIR: its name is too long");
    int fd = mkstemp(path); /* mode 0600 by POSIX */
    if (fd < 0) {
        fl_error_errno(errno, "%s: cannot make a temporary file", dir);
        return fl_error_cure("set TMPDIR to a folder that it can be made in");
    }
    unlink(path);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

void *
fl_map(int fd, const char *name, size_t len)
{
    void *p = mmap(NULL, len ? len : 1, PROT_READ, MAP_PRIVATE, fd, 0);

    if (p == MAP_FAILED) {
        fl_error_errno(errno, "%s: cannot map %zu bytes", name, len);
        return NULL;
    }
    if (fl_watch_map(fd, name, p, len)) {
        munmap(p, len ? len : 1);
        return NULL;
    }
    return p;
}

bool
fl_can_map(size_t len)
{
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    if (p == MAP_FAILED)
        return false;
    munmap(p, len);
    return true;
}

/* Advice about the pages that P..P+LEN touches, or (WHOLE) those that lie in it. May fail. */
static void
advise(const void *p, size_t len, int advice, bool whole)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)p;
    uintptr_t from = whole ? (at + page - 1) / page * page : at / page * page;
    uintptr_t to = whole ? (at + len) / page * page : (at + len + page - 1) / page * page;

    if (from < to)
        madvise((char *)(uintptr_t)p + (intptr_t)(from - at), to - from, advice);
}

void
fl_map_forget(const void *p, size_t len)
{
    advise(p, len, MADV_DONTNEED, true);
}

void
fl_map_fetch(const void *p, size_t len)
{
    const size_t piece = (size_t)128 << 10; /* Linux drops what exceeds a disk's largest request */

    for (size_t at = 0; at < len; at += piece)
        advise((const char *)p + at, len - at < piece ? len - at : piece, MADV_WILLNEED, false);
}

void
fl_map_read_ahead(const void *p, size_t len, bool ahead)
{
    advise(p, len, ahead ? MADV_NORMAL : MADV_RANDOM, false);
}

void
fl_unmap(void *p, size_t len)
{
    if (!p)
        return;
    fl_watch_unmap(p);
    munmap(p, len ? len : 1);
}

void *
fl_map_spool(int fd, size_t len)
{
    /* Blocks are reserved now: a full disk is an error here and not a signal later. */
    int e = len ? EINTR : 0;
    while (e == EINTR)
        e = posix_fallocate(fd, 0, (off_t)len);
    if (e) {
        fl_error_errno(e, "temporary file: cannot make it %zu bytes long", len);
        fl_error_cure("set TMPDIR to a folder with more room");
        return NULL;
    }
    void *p = mmap(NULL, len ? len : 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        fl_error_errno(errno, "temporary file: cannot map %zu bytes", len);
        return NULL;
    }
    if (fl_watch_map(fd, "temporary file", p, len)) {
        munmap(p, len ? len : 1);
        return NULL;
    }
    return p;
}

int64_t
fl_regular_size(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

void
fl_pipe_enlarge(int fd)
{
#if defined(F_SETPIPE_SZ)
    struct stat st;

    if (!fstat(fd, &st) && S_ISFIFO(st.st_mode))
        (void)fcntl(fd, F_SETPIPE_SZ, 1 << 20);
#else
    (void)fd;
#endif
}

void
fl_expect_hops(int fd, bool hops)
{
    posix_fadvise(fd, 0, 0, hops ? POSIX_FADV_RANDOM : POSIX_FADV_NORMAL); /* a hint: may fail */
}
