/* Files go before the state forgets them, so that no file is forgotten. */
#include "fed/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"

enum { NAME_SIZE = 64, MOST = 16 };

static const char *
prefix_of(bool answers)
{
    return answers ? "answer-" : "upload-";
}

static void
name_of(char name[NAME_SIZE], bool answers, const struct fl_made *made)
{
    snprintf(name, NAME_SIZE, "%s%lld-%llu.flt", prefix_of(answers), (long long)made->epoch,
             (unsigned long long)made->round);
}

char *
fl_kept_path(const struct fl_state *s, bool answer, const struct fl_made *made)
{
    char name[NAME_SIZE];

    name_of(name, answer, made);
    return fl_folder_file(&s->folder, name);
}

int
fl_kept_open(const char *path, const char *kind, const struct fl_made *made, struct fl_pool *pool)
{
    unsigned char root[32];
    struct fl_object *o = fl_object_open(path, kind);
    int failed = !o || fl_object_digest(o, pool, root);

    if (!failed && memcmp(root, made->root, 32))
        failed = fl_error(FL_FAILED, "%s: is not the %s that the state records", path, kind);
    fl_object_free(o);
    return failed ? -1 : fl_open_input(path, true);
}

int
fl_kept_prune(struct fl_state *s, bool answers, size_t most)
{
    const struct fl_made *list = answers ? s->answer : s->upload;
    const size_t all = answers ? s->answer_count : s->upload_count;
    const size_t count = all < most ? all : most;
    char names[MOST][NAME_SIZE];
    const char *kept[MOST];

    for (size_t i = 0; i < count; i++) {
        name_of(names[i], answers, &list[all - count + i]);
        kept[i] = names[i];
    }
    if (fl_folder_prune(&s->folder, prefix_of(answers), kept, count))
        return -1;
    return fl_state_drop_made(s, answers, most);
}
