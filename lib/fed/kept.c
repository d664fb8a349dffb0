/* Files go before the state forgets them, so that no file is forgotten. */
#include "fed/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "fed/arrival.h"
#include "flt/reader.h"
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

/*
 * Read in one pass, in some MiB: a map of it would ask for as much address space again as an update
 * does, and threads for buffers.
 */
static int
digest_of(const char *path, const char *kind, unsigned char root[32])
{
    struct fl_reader *in = fl_reader_open(path);
    const struct fl_head *head;
    const struct fl_tensor *t;
    unsigned char cipher[32];
    const unsigned char *said;
    bool had = false;
    int got = in ? 1 : -1;

    if (in) {
        fl_reader_want_digest(in);
        got = fl_arrival_expect(in, kind, &head, &had, cipher);
    }
    if (got == 1 && had != (fl_meta_find(&head->meta, "cipher") != NULL))
        got = fl_error(FL_FAILED, "%s: lacks a part of the upload", path);
    if (got == 1 && had &&
        (fl_meta_get_bytes(&head->meta, "cipher", 32, &said) || memcmp(said, cipher, 32)))
        got = fl_error(FL_FAILED, "%s: the ciphertexts are not those of the upload", path);
    while (got == 1)
        got = fl_reader_tensor(in, &t);
    if (!got)
        fl_reader_digest(in, root);
    if (!got && (got = fl_reader_object(in, &head)) == 1)
        got = fl_error(FL_FAILED, "%s: holds more than one object", path);
    fl_reader_free(in);
    return got;
}

int
fl_kept_open(const char *path, const char *kind, const struct fl_made *made)
{
    unsigned char root[32];
    int failed = digest_of(path, kind, root);

    if (!failed && memcmp(root, made->root, 32))
        failed = fl_error(FL_FAILED, "%s: is not the %s that the state records", path, kind);
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
