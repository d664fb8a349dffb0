/* Files are looked at, and none is changed: what follows from them is for standing and errand. */
#include "fed/round_he.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/name.h"
#include "fed/cipher.h"
#include "fed/listed.h"
#include "os/file.h"
#include "sec/he_offer.h"
#include "sec/header.h"

int
fl_round_he_file(struct fl_standing *s, uint64_t round, size_t h, char *name, size_t room)
{
    const struct fl_roster *r = &s->setup.roster;
    const char *helper = r->parties[r->helpers[h]].name;
    const uint64_t first = (uint64_t)r->first_round;

    for (uint64_t k = round; k + 1 > first && k + FL_HE_BATCH > round; k--) {
        const int has = fl_he_batch_has(r, fl_standing_file(s, k, "keys/%s.flt", helper), round);
        if (has < 0)
            return -1;
        if (!has)
            continue;
        snprintf(name, room, "%llu/keys/%s.flt", (unsigned long long)k, helper);
        return 1;
    }
    return 0;
}

/* ---- how many bytes of uploads are ciphertexts ---- */

static int
put_lengths(struct fl_standing *s, uint64_t round, struct fl_object *request, struct fl_report *r)
{
    const struct fl_roster *roster = &s->setup.roster;
    const int64_t i = fl_object_require(request, "sites");
    const uint32_t *sites = i < 0 ? NULL : fl_object_data(request, (size_t)i);

    if (!sites)
        return -1;
    for (uint64_t k = 0; k < fl_object_bytes(request, (size_t)i) / sizeof *sites; k++) {
        const char *site = sites[k] < roster->n ? roster->parties[sites[k]].name : "?";
        char text[FL_SITE_MAX + 32];
        uint64_t bytes;
        if (fl_cipher_length(fl_standing_upload(s, round, site), &bytes))
            return -1;
        snprintf(text, sizeof text, "%s:%llu", site, (unsigned long long)bytes);
        fl_report_text(r, text);
    }
    return 0;
}

int
fl_round_he_lengths(struct fl_standing *s, uint64_t round, int64_t number, struct fl_report *r)
{
    struct fl_object *request = fl_object_open(fl_standing_file(s, round, "request.%lld.flt",
                                                                (long long)number),
                                               FL_KIND_REQUEST);
    int failed = !request || put_lengths(s, round, request, r);

    fl_object_free(request);
    return failed ? -1 : 0;
}

/* ---- at a helper ---- */

/* SITE:BYTES, N characters. */
static int
add_part(struct fl_round_he_go *go, const char *line, size_t n)
{
    const size_t len = strcspn(line, ":\n");
    struct fl_round_he_part part = {.bytes = 0};

    if (len + 1 >= n || len >= sizeof part.site ||
        fl_listed_number(line + len + 1, n - len - 1, &part.bytes))
        return 0;
    memcpy(part.site, line, len);
    if (!fl_name_valid(part.site))
        return 0;
    struct fl_round_he_part *parts = fl_grow(go->parts, go->count, &go->cap, sizeof *parts);
    if (!parts)
        return -1;
    go->parts = parts;
    parts[go->count++] = part;
    return 0;
}

int
fl_round_he_read(struct fl_round_he_go *go, const char *path)
{
    struct fl_buf text = {0};
    size_t n;

    *go = (struct fl_round_he_go){.number = -1};
    int failed = fl_read_file(path, 16 << 20, &text);
    const char *line = failed ? "" : fl_buf_text(&text);
    if (!failed && fl_listed_number(line, strcspn(line, "\n"), &go->number))
        go->number = -1;
    for (; *line && !failed; line += n + (line[n] != '\0')) {
        n = strcspn(line, ",\n");
        failed = add_part(go, line, n);
    }
    fl_buf_release(&text);
    return failed ? -1 : 0;
}

void
fl_round_he_release(struct fl_round_he_go *go)
{
    free(go->parts);
    *go = (struct fl_round_he_go){0};
}
