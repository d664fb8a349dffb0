/*
 * Any bytes as model.safetensors.index.json beside two good files of one tensor each, and a third
 * file outside of the folder that holds one more: refused, or the tensors are those of the two.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "os/watch.h"
#include "port/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[] = "/tmp/fl-fuzz-XXXXXX", dir[64];

static void
put(const char *folder, const char *name, const void *data, size_t size)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void
put_tensor(const char *folder, const char *name, const char *tensor)
{
    char file[128] = {0};
    int n = snprintf(file + 8, sizeof file - 8,
                     "{\"%s\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", tensor);

    file[0] = (char)n;
    put(folder, name, file, (size_t)n + 12);
}

static void
clean_up(void)
{
    static const char *const names[] = {"a", "b", "model.safetensors.index.json", "../c"};
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
    rmdir(top);
}

static void
prepare(void)
{
    if (*dir)
        return;
    if (!mkdtemp(top))
        abort();
    snprintf(dir, sizeof dir, "%s/in", top);
    if (mkdir(dir, 0700))
        abort();
    put_tensor(dir, "a", "x");
    put_tensor(dir, "b", "y");
    put_tensor(top, "c", "z");
    fl_watch_hurry();
    atexit(clean_up);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    put(dir, "model.safetensors.index.json", data, size);
    fl_error_clear();
    struct fl_safetensors *s = fl_safetensors_open_folder(dir);

    if (!s && (!*fl_error_text() || fl_error_status() != FL_FAILED))
        abort();
    for (size_t i = 0; s && i < fl_safetensors_count(s); i++) {
        const char *name = fl_safetensors_tensor(s, i)->name;
        if (strcmp(name, "x") && strcmp(name, "y"))
            abort();
        if (fl_safetensors_find(s, name) != (int64_t)i || !fl_safetensors_data(s, i))
            abort();
    }
    fl_safetensors_free(s);
    return 0;
}
