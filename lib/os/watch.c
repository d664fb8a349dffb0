/*
 * Two lists that only grow, up to the most files that were open at a time: an entry that is not
 * used any more is taken for the next file. Nothing in them is freed or moved, so that a signal
 * handler can walk them at any moment without a lock. Who changes them holds LOCK.
 */
#include "os/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "os/clock.h"

enum use { IDLE, OPEN, MAPPED, CHANGED }; /* CHANGED: closed since, and not told yet */

struct input {
    struct input *next;
    enum use use;
    bool watched;     /* THEN is known; not of the map of a temporary file */
    bool named;       /* NAME leads to it; not of a standard stream */
    int fd;           /* open on the file; -1: too many are, and it is found by its name */
    struct stat then; /* when it was opened */
    _Atomic(uintptr_t) from, to; /* its map */
    size_t room;                 /* of NAME */
    char name[];
};

struct part {
    struct part *next;
    atomic_bool used;
    size_t room; /* of PATH */
    char path[];
};

/* The third exception to "no globals": a signal handler and fl_main have nobody to ask. */
static struct {
    pthread_mutex_t lock;
    _Atomic(struct input *) inputs;
    _Atomic(struct part *) parts;
    bool checked; /* and found unchanged, since the last input was opened */
    const char *program;
    bool hurries;            /* fl_watch_hurry */
    bool terminal;           /* standard error is one */
    struct sigaction before; /* of SIGBUS */
    atomic_flag ending;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER, .ending = ATOMIC_FLAG_INIT};

/* ---- inputs ---- */

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * The time of the content can be put back (touch -r), that of the last change of anything cannot;
 * but links, names, modes and owners move it too, so it counts only where these are as they were.
 */
static bool
has_changed(const struct input *in)
{
    const struct stat *then = &in->then;
    struct stat now, by_name;
    bool found = in->named && !stat(in->name, &by_name) && same_file(&by_name, then);

    if (in->fd >= 0 ? fstat(in->fd, &now) != 0 : !found)
        return false; /* another file has its name by now */
    if (in->fd < 0)
        now = by_name;
    if (now.st_size != then->st_size || !same_time(&now.st_mtim, &then->st_mtim))
        return true;
    return !same_time(&now.st_ctim, &then->st_ctim) && now.st_nlink == then->st_nlink &&
           now.st_mode == then->st_mode && now.st_uid == then->st_uid &&
           now.st_gid == then->st_gid && (found || !in->named);
}

/* Nanoseconds until a further change of the file will have another time. */
static uint64_t
time_to_wait(const struct stat *st)
{
    const uint64_t tick = st->st_mtim.tv_nsec || st->st_ctim.tv_nsec ? 10000000 : 2000000000;
    uint64_t last = (uint64_t)st->st_ctim.tv_sec * 1000000000 + (uint64_t)st->st_ctim.tv_nsec;
    uint64_t now = fl_realtime_ns();

    return now >= last && now - last < tick ? tick - (now - last) : 0;
}

static int
look(int fd, const char *name, struct stat *st)
{
    for (int tries = 0; tries < 3; tries++) { /* one that changes all the time is found later */
        if (fstat(fd, st))
            return fl_error_errno(errno, "%s: cannot read", name);
        uint64_t wait = S_ISREG(st->st_mode) ? time_to_wait(st) : 0;
        if (!wait || watch.hurries)
            break;
        nanosleep(&(struct timespec){(time_t)(wait / 1000000000), (long)(wait % 1000000000)}, NULL);
    }
    return 0;
}

void
fl_watch_hurry(void)
{
    watch.hurries = true;
}

/* An idle entry with this name, or NULL with an error. Under the lock. */
static struct input *
take_input(const char *name)
{
    size_t need = strlen(name) + 1, room = need < 200 ? 200 : need;
    struct input *in = watch.inputs;

    while (in && (in->use != IDLE || in->room < need))
        in = in->next;
    if (!in) {
        if (!(in = fl_alloc(1, sizeof *in + room)))
            return NULL;
        in->next = watch.inputs;
        in->room = room;
        watch.inputs = in;
    }
    in->watched = in->named = false;
    in->fd = -1;
    memcpy(in->name, name, need);
    return in;
}

/* The input that is open on FD, or NULL. Under the lock. */
static struct input *
find_input(int fd)
{
    struct input *in = watch.inputs;

    while (in && (in->use != OPEN || in->fd != fd))
        in = in->next;
    return in;
}

/* The use of an entry ends; what it was found to be is kept until it is told. Under the lock. */
static void
end_use(struct input *in)
{
    in->from = in->to = 0;
    in->use = in->watched && has_changed(in) ? CHANGED : IDLE;
}

int
fl_watch_open(int fd, const char *name, bool named)
{
    struct stat st;

    if (look(fd, name, &st))
        return -1;
    if (!S_ISREG(st.st_mode))
        return 0;
    pthread_mutex_lock(&watch.lock);
    struct input *in = take_input(name);
    if (in) {
        in->use = OPEN;
        in->watched = true;
        in->named = named;
        in->fd = fd;
        in->then = st;
        watch.checked = false;
    }
    pthread_mutex_unlock(&watch.lock);
    return in ? 0 : -1;
}

void
fl_watch_close(int fd)
{
    pthread_mutex_lock(&watch.lock);
    struct input *in = find_input(fd);
    if (in)
        end_use(in);
    pthread_mutex_unlock(&watch.lock);
}

/* A copy of FD; -1 when half of the descriptors are in use, since others need some too. */
static int
keep_open(int fd)
{
    struct rlimit most;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy >= 0 && (getrlimit(RLIMIT_NOFILE, &most) || (rlim_t)copy >= most.rlim_cur / 2)) {
        close(copy);
        return -1;
    }
    return copy;
}

int
fl_watch_map(int fd, const char *name, const void *p, size_t len)
{
    pthread_mutex_lock(&watch.lock);
    const struct input *file = find_input(fd);
    struct input *in = take_input(name);
    if (in && file) {
        in->named = file->named;
        in->fd = keep_open(fd);
        in->watched = in->fd >= 0 || in->named;
        in->then = file->then;
    }
    if (in) {
        in->use = MAPPED;
        in->to = (uintptr_t)p + len;
        in->from = (uintptr_t)p;
    }
    pthread_mutex_unlock(&watch.lock);
    return in ? 0 : -1;
}

void
fl_watch_unmap(const void *p)
{
    pthread_mutex_lock(&watch.lock);
    struct input *in = watch.inputs;
    while (in && (in->use != MAPPED || in->from != (uintptr_t)p))
        in = in->next;
    if (in) {
        end_use(in);
        if (in->fd >= 0)
            close(in->fd);
    }
    pthread_mutex_unlock(&watch.lock);
}

int
fl_watch_check(void)
{
    struct input *in;

    pthread_mutex_lock(&watch.lock);
    for (in = watch.inputs; in; in = in->next)
        if (in->use == CHANGED || (in->use != IDLE && in->watched && has_changed(in)))
            break;
    if (in && in->use == CHANGED)
        in->use = IDLE;
    if (in)
        fl_error(FL_FAILED,
                 "%s: changed while it was read; let its writer make a new file and rename it to "
                 "this name, and run this again",
                 in->name);
    watch.checked = !in;
    pthread_mutex_unlock(&watch.lock);
    return in ? -1 : 0;
}

int
fl_watch_check_rest(void)
{
    return watch.checked ? 0 : fl_watch_check();
}

/* ---- parts of outputs ---- */

int
fl_watch_part(const char *path)
{
    size_t need = strlen(path) + 1, room = need < 200 ? 200 : need;
    struct part *p;

    pthread_mutex_lock(&watch.lock);
    for (p = watch.parts; p && (p->used || p->room < need); p = p->next)
        ;
    if (!p && (p = fl_alloc(1, sizeof *p + room))) {
        p->next = watch.parts;
        p->room = room;
        watch.parts = p;
    }
    if (p) {
        memcpy(p->path, path, need);
        p->used = true;
    }
    pthread_mutex_unlock(&watch.lock);
    return p ? 0 : -1;
}

void
fl_watch_part_gone(const char *path)
{
    size_t len = strlen(path);

    pthread_mutex_lock(&watch.lock);
    for (struct part *p = watch.parts; p; p = p->next)
        if (p->used && !strncmp(p->path, path, len) && (!p->path[len] || p->path[len] == '/'))
            p->used = false;
    pthread_mutex_unlock(&watch.lock);
}

/* ---- signals: only what POSIX calls async-signal-safe ---- */

static void
remove_parts(void)
{
    for (const struct part *p = watch.parts; p; p = p->next)
        if (p->used)
            unlink(p->path);
    for (const struct part *p = watch.parts; p; p = p->next)
        if (p->used)
            rmdir(p->path); /* folders of what is gone by now */
}

struct line {
    char text[600];
    size_t len;
};

/* Text of a file's name may hold line ends and escapes. */
static void
add(struct line *line, const char *text, bool plain)
{
    for (; *text && line->len < sizeof line->text - 200 * !plain; text++) {
        unsigned char c = (unsigned char)*text;
        line->text[line->len++] = plain || (c >= ' ' && c != 127) ? *text : '?';
    }
}

static void
say(const struct input *in)
{
    struct line line = {.len = 0};
    struct stat now;
    bool cut = fstat(in->fd, &now) || now.st_size != in->then.st_size;

    if (watch.terminal)
        add(&line, "\r\033[K", true);
    add(&line, watch.program, false);
    add(&line, ": ", true);
    add(&line, in->name, false);
    add(&line,
        cut && in->watched ? ": became shorter while it was read; let its writer make a new file "
                             "and rename it to this name, and run this again\n"
                           : ": cannot be read from its disk; look into the system's log\n",
        true);
    for (size_t done = 0; done < line.len;) {
        ssize_t put = write(2, line.text + done, line.len - done);
        if (put > 0)
            done += (size_t)put;
        else if (errno == EAGAIN)
            poll(&(struct pollfd){2, POLLOUT, 0}, 1, -1);
        else if (errno != EINTR)
            return;
    }
}

/* The first thread that comes here ends the process; the others wait for that. */
static void
take_the_end(void)
{
    while (atomic_flag_test_and_set(&watch.ending))
        pause();
}

static void
bus_error(int sig, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    const struct input *in = watch.inputs;

    (void)context;
    while (in && (at < in->from || at >= in->to))
        in = in->next;
    if (!in || info->si_code <= 0) { /* a bug, or sent by somebody: what it was before */
        sigaction(sig, &watch.before, NULL);
        if (info->si_code <= 0)
            raise(sig);
        return; /* and fault again */
    }
    take_the_end();
    remove_parts();
    say(in);
    _exit(FL_FAILED);
}

static void
end_by(int sig)
{
    take_the_end();
    remove_parts();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void catch (int sig, struct sigaction *act, struct sigaction *before)
{
    sigfillset(&act->sa_mask); /* one at a time */
    if (!sigaction(sig, NULL, before) && before->sa_handler != SIG_IGN)
        sigaction(sig, act, NULL);
}

void
fl_watch_signals(const char *program)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGXCPU};
    struct sigaction before, bus = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO};

    watch.program = program;
    watch.terminal = isatty(2);
    catch (SIGBUS, &bus, &watch.before);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        catch (ends[i], &(struct sigaction){.sa_handler = end_by}, &before);
}
