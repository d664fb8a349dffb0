/*
 * Linux says in /proc and /sys what POSIX has no call for (proc(5), the kernel's cgroup-v2.rst);
 * other systems tell the peak of the process, and no more.
 */
#include "os/resources.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "os/file.h"

/* The number that follows KEY (a prefix of a line; "": the first line) in a small file, or -1. */
static int64_t
number_in(const char *path, const char *key)
{
    char line[256];
    FILE *f = fopen(path, "re");
    int64_t number = -1;

    while (f && number < 0 && fgets(line, sizeof line, f)) {
        char *from = line + strlen(key), *end;
        if (strncmp(line, key, strlen(key)))
            continue;
        long long n = strtoll(from, &end, 10);
        if (end != from && n >= 0)
            number = n;
    }
    if (f)
        fclose(f);
    return number;
}

int64_t
fl_memory_resident(void)
{
    int64_t kib = number_in("/proc/self/status", "VmRSS:");

    return kib >= 0 ? kib * 1024 : fl_memory_peak();
}

int64_t
fl_memory_peak(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage))
        return -1;
#ifdef __APPLE__
    return usage.ru_maxrss;
#else
    return (int64_t)usage.ru_maxrss * 1024;
#endif
}

/* The smaller of two numbers that may not be known. */
static int64_t
smaller(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* What is left in the control group of this name ("/jobs/7") and those above it; -1: no bound. */
static int64_t
left_in_group(char *group)
{
    int64_t left = -1;
    char path[600];

    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
        int64_t max = number_in(path, "");
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.current", group);
        int64_t current = number_in(path, "");
        if (max >= 0 && current >= 0)
            left = smaller(left, max > current ? max - current : 0);
        char *slash = strrchr(group, '/');
        if (!slash)
            return left;
        *slash = '\0';
    }
}

static int64_t
left_in_groups(void)
{
    char line[500];
    FILE *f = fopen("/proc/self/cgroup", "re");
    int64_t left = -1;

    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (!strncmp(line, "0::/", 4))
            left = left_in_group(line + 3);
    }
    if (f)
        fclose(f);
    return left;
}

/* What the limit of addresses leaves. */
static int64_t
left_of_addresses(void)
{
    struct rlimit limit;
    int64_t kib = number_in("/proc/self/status", "VmSize:");

    if (kib < 0 || getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > INT64_MAX)
        return -1;
    int64_t left = (int64_t)limit.rlim_cur - kib * 1024;
    return left > 0 ? left : 0;
}

int64_t
fl_memory_available(void)
{
    int64_t kib = number_in("/proc/meminfo", "MemAvailable:");

    return smaller(smaller(kib < 0 ? -1 : kib * 1024, left_in_groups()), left_of_addresses());
}

int64_t
fl_disk_free(const char *path)
{
    struct statvfs fs;

    if (!path || !strcmp(path, "-"))
        return -1;
    char *target = fl_follow_links(path);
    if (!target) {
        fl_error_clear();
        return -1;
    }
    char *slash = strrchr(target, '/');
    if (slash)
        slash[slash == target] = '\0';
    int failed = statvfs(slash ? target : ".", &fs);
    free(target);
    return failed ? -1 : (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize);
}
